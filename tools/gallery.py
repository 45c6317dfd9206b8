"""The gallery of the site: figures of the committed notebooks, with a line on each and a link."""

import base64
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PER_NOTEBOOK", "Picture", "chosen", "page", "pictures"]

PER_NOTEBOOK = 4
WIDTH = 720  # of a thumbnail, in pixels: twice that of its column


@dataclass(frozen=True)
class Picture:
    """A figure of a notebook."""

    png: str
    caption: str
    captioned: bool  # by the notebook, not by the text before the figure


def _sentences(text: str, most: int = 180) -> str:
    """The first sentences of a text; formulas stay whole."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(text.split()))
    parts = re.split(r"(?<=[.?!])\s+(?=[A-Z$])", text)
    kept = parts[0]
    for part in parts[1:]:
        if len(kept) + len(part) > most:
            break
        kept = f"{kept} {part}"
    return kept


def pictures(notebook: Path) -> Iterator[Picture]:
    """Every figure; its caption is that of the notebook, or the prediction that it tests."""
    heading = said = ""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            text = "".join(cell["source"])
            headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
            heading, said = (headings[-1], "") if headings else (heading, said)
            found = re.search(r"\*\*Prediction\.?\*\*:?\s*(.+?)(?:\n\n|$)", text, flags=re.DOTALL)
            said = found[1] if found else said
            continue
        outputs = cell.get("outputs", [])
        for k, output in enumerate(outputs):
            png = output.get("data", {}).get("image/png")
            if png is None:
                continue
            rest = outputs[k + 1].get("data", {}) if k + 1 < len(outputs) else {}
            below = "".join(rest.get("text/markdown", []))
            named = re.match(r"\*\*(?:Figure|Fig[.])[^*]*\*\*\s*", below)
            text = below[named.end() :] if named else said or heading
            yield Picture("".join(png), _sentences(text), bool(named))


def chosen(found: Sequence[Picture], most: int = PER_NOTEBOOK) -> list[Picture]:
    """Those with a caption of their own first, the others evenly spaced; no caption twice."""
    one_each = list({picture.caption: picture for picture in reversed(found)}.values())[::-1]
    own = [picture for picture in one_each if picture.captioned]
    rest = own or one_each
    if len(rest) <= most:
        return rest
    return [rest[round(k * (len(rest) - 1) / (most - 1))] for k in range(most)]


def thumbnail(png: str) -> bytes:
    """A smaller copy of a picture that is given in base 64."""
    from PIL import Image  # comes with matplotlib

    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    picture.thumbnail((WIDTH, WIDTH))
    out = io.BytesIO()
    picture.quantize(128).save(out, "PNG", optimize=True)
    return out.getvalue()


def title(notebook: Path) -> str:
    """The first heading of a notebook."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        found = re.search(r"^# (.*)$", "".join(cell["source"]), flags=re.MULTILINE)
        if found and cell["cell_type"] == "markdown":
            return found[1]
    return notebook.stem


def page(notebooks: Sequence[Path], folder: Path) -> str:
    """The page, whose thumbnails are written into a folder `_gallery` beside it."""
    lines: list[str] = []
    for notebook in notebooks:
        found = chosen(list(pictures(notebook)))
        if not found:
            continue
        (folder / "_gallery").mkdir(exist_ok=True)
        link = f"notebooks/{notebook.name}"
        lines += ["", f"## {title(notebook)}", "", "::::{container} gallery"]
        for k, picture in enumerate(found):
            file = f"_gallery/{notebook.stem}-{k}.png"
            (folder / file).write_bytes(thumbnail(picture.png))
            alt = re.sub(r"[\[\]$\\{}*`|]", "", picture.caption)
            lines += [":::{container} card", f"[![{alt}]({file})]({link})", ""]
            lines += [picture.caption, ":::"]
        lines.append("::::")
    return "\n".join([*lines, ""])
