"""Docstrings of public callables are complete, and the prose of the package is plain English."""

import ast
import inspect
import re
import warnings

import pytest

from kadanoff._base.kinds import WrongKind
from tests.house.modules import SOURCES, listed, tree
from tests.paths import ROOT
from tools.face import callables

CALLABLES = callables()


# --------------------------------------------------------------------------------- completeness


def test_numpydoc_finds_nothing():
    pytest.importorskip("numpydoc")
    from tools.docstrings import violations

    listed(
        f"{name}: {code} {text}"
        for name, function in CALLABLES.items()
        for code, text in violations(name, function)
    )


def test_exceptions_are_few_and_have_reasons():
    pytest.importorskip("numpydoc")
    from tools.docstrings import EXCEPTIONS

    assert len(EXCEPTIONS) <= 20
    for (name, code), reason in EXCEPTIONS.items():
        assert name in CALLABLES
        assert re.fullmatch(r"[A-Z]{2}\d\d", code)
        assert len(reason) > 10


def refusal(function):
    """The message with which a function refuses an argument that is no number, name or array.

    One argument is bad, the others have their defaults. A message that says what the argument
    must be was written for the reader; others come from Python or numpy.
    """
    # That a value must fit its annotation, the section Parameters says: what is behind that check.
    inner = inspect.unwrap(function.__init__ if isinstance(function, type) else function)
    given = (object.__new__(function),) if isinstance(function, type) else ()
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                inner(*given, **{parameter.name: object()})
        except (TypeError, ValueError) as error:
            if "must" in str(error) and not isinstance(error, WrongKind):
                return str(error)
        except Exception:
            continue
    return None


def has_raises(function):
    return (
        re.search(r"^ *Raises\n *-{6}$", inspect.getdoc(function) or "", re.MULTILINE) is not None
    )


@pytest.mark.parametrize("name", sorted(CALLABLES))
def test_a_refusal_is_documented(name):
    if not has_raises(CALLABLES[name]):
        assert refusal(CALLABLES[name]) is None, "its docstring has no section Raises"


def test_refusals_are_seen():
    seen = [name for name, function in CALLABLES.items() if refusal(function) is not None]
    assert len(seen) > 50
    assert "FlatBand" in seen


# ------------------------------------------------------------------------------------------ prose

UNIT = (
    "atom|axis|axes|band|batch|bin|bit|block|bond|byte|call|chain|channel|cluster|column|"
    "configuration|core|covering|cycle|day|decade|dimer|electron|entry|epoch|evaluation|face|field|"
    "file|flavour|frame|frequency|group|hour|iteration|lane|layer|level|line|linear|loop|matrix|"
    "microsecond|millisecond|minibatch|minute|model|multiplet|nanosecond|neighbour|node|orbit|"
    "orbital|page|pair|parameter|particle|plane|plaquette|point|process|processor|realisation|"
    "register|replica|row|run|sample|second|sector|seed|segment|shell|side|sign|site|slice|solve|"
    "spin|state|step|sweep|symmetry|task|temperature|thread|tick|twist|unit|update|variable|vector|"
    "vertex|walker|word"
)
COUNTED = (
    r"additions?|arrays?|bits?|blocks|bonds|bytes|coefficients?|columns?|cycles|divisions?|dimers|"
    r"draws|electrons|entry|entries|evaluations?|factor|figures?|files?|flips|flops|floats?|GB|hours|"
    r"kB|loads|levels?|line|lines|loops|mark|marks|matrix|matrices|MB|measurements?|minutes?|ms|"
    r"multiplications?|multiply-adds?|neighbours|ns|numbers?|operations?|orbitals|pairs?|panels?|"
    r"parameters?|particles|pictures|planes?|products|rows?|s|samples|scales?|seconds|sites|"
    r"solutions?|solves|spins|states|sums?|sweeps|tasks|threads|traffic|units|updates|values?|"
    r"vectors?|words?|eigenvectors?|eigenvalues?|processes|iterations|\d(?:[\d.,]*\d)?|\w\^\d"
)
# "one bit a spin", "tens of updates a second"; the comment sign of the next line may stand between.
PER = re.compile(rf"(?<![\w-])(?:{COUNTED})\s+an?\s+(?:{UNIT})\b")

# Sentences and turns at which a native reader stumbles, and what to write.
STUMBLING = {
    "to the last sigma": "agree with exact results within their error bars",
    "hang on a slider": "drive from a slider",
    "knows most about": "has the largest mutual information with",
    "what the engine eats": "the input of the Rust core",
    "That of the impurity, and": "a formula, or a noun",
    "As few iterations hardly tell": "r is estimated jointly from ...",
    "lost faster than found": "equilibrates faster than a random state",
    "as an approximation deserves": "tighter tolerances would not improve ...",
    "what there is on the stop button": "the best result so far on interrupt",
    "had their groups not been": "leave-one-group-out predictions",
    "times are too long": "timings are upper bounds",
    "what there is": "a noun",
    "nobody": "no caller, no reader, none",
    "somebody": "the caller, the reader",
    "anybody": "any caller",
    "so many": "the number, `n`",
}
STUMBLES = re.compile(rf"\b(?:{'|'.join(map(re.escape, STUMBLING))})\b", re.IGNORECASE)
SLOWER = re.compile(r"\b0\.\d+ ?[x×] faster")

PAGES = [
    ROOT / "README.md",
    ROOT / "ARCHITECTURE.md",
    *sorted((ROOT / "docs/site").glob("*.md*")),
]


def docstrings(path):
    """The docstrings of a module, of its classes and of its functions."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from filter(None, [ast.get_docstring(node)])


def comments(path):
    """The comments of a Rust file, runs of lines as one text."""
    text = path.read_text(encoding="utf-8")
    for run in re.findall(r"(?:^[ \t]*//.*\n)+|(?<=\S)[ \t]+//.*", text, re.MULTILINE):
        yield re.sub(r"^[ \t]*//[/!]?", "", run, flags=re.MULTILINE)


PROSE = [(path, docstrings) for path in SOURCES]
PROSE += [(path, lambda path: [path.read_text(encoding="utf-8")]) for path in PAGES]
RUST = [(path, comments) for path in sorted((ROOT / "rust").rglob("*.rs"))]


def hits(pattern, sources):
    for path, texts in sources:
        for text in texts(path):
            for match in pattern.finditer(" ".join(text.split())):
                context = match.string[max(0, match.start() - 30) : match.end() + 10]
                yield f"{path.relative_to(ROOT)}: ...{context}..."


def test_per_is_written_per():
    """One bit per site, not one bit a site."""
    listed(hits(PER, PROSE + RUST))


def test_no_reader_stumbles():
    listed(hits(STUMBLES, PROSE))


def test_slower_is_called_slower():
    """A ratio below one is "1.25x slower"."""
    listed(hits(SLOWER, PROSE))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("one bit a site", True),
        ("some 20 spins a nanosecond and core", True),
        ("0.05 s a sample", True),
        ("256 a chain", True),
        ("one bit per site", False),
        ("a chain of 20 sites", False),
        ("the energy of a site", False),
        ("it takes a second", False),
    ],
)
def test_what_counts_as_per(text, found):
    assert (PER.search(text) is not None) == found


def test_what_makes_a_reader_stumble():
    assert STUMBLES.search("Bar, thread and what there is on the stop button.")
    assert not STUMBLES.search("The best result so far on interrupt.")
    assert SLOWER.search("| 0.8× faster |")
    assert not SLOWER.search("| 1.25× slower |")
