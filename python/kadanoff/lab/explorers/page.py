"""The picture of an explorer in the page: it resizes, follows the theme, and has words.

The picture is sent with twice the pixels of its size and drawn at most as wide as its column. A
dark page inverts its lightness and keeps its hues. The page reports when the column is narrow,
names the sliders for screen readers, and copies the Python lines of the picture.
"""

from __future__ import annotations

from typing import Any

try:
    import anywidget
    import traitlets
except ImportError as error:
    raise ImportError("explorers need anywidget: pip install 'kadanoff[lab]'") from error

__all__ = ["DARK_FILTER", "NAMES", "View"]

NARROW = 640
"""Width of a column in pixels below which panels stand below one another."""

# White becomes the #121212 of a dark page, black a light grey; red stays red, blue stays blue.
DARK_FILTER = "invert(0.93) hue-rotate(180deg)"

NAMES = """
// Names for screen readers, of all sliders of one explorer.
function name_controls(root) {
  for (const box of root.querySelectorAll('.widget-slider, .widget-dropdown, .widget-checkbox')) {
    const text = box.querySelector('.widget-label-basic') || box.querySelector('.widget-label');
    const label = (text || box).textContent.trim();
    const readout = box.querySelector('.widget-readout');
    const set = (part, name, value) => {
      if (part && part.getAttribute(name) !== value) part.setAttribute(name, value);
    };
    set(box.querySelector('.noUi-handle'), 'aria-label', label);
    if (readout) {
      set(box.querySelector('.noUi-handle'), 'aria-valuetext', readout.textContent.trim());
      set(readout, 'aria-label', `${label}, as a number`);
    }
    set(box.querySelector('select, input'), 'aria-label', label);
  }
}
function keep_named(el) {
  const root = el.closest('.kadanoff-explorer');
  if (!root) return () => {};
  const names = () => name_controls(root);
  const watch = new MutationObserver(names);
  watch.observe(root, {childList: true, subtree: true, characterData: true});
  names();
  return () => watch.disconnect();
}
"""

_SCRIPT = (
    NAMES
    + """
function is_dark(el) {
  const {jpThemeLight, vscodeThemeKind} = document.body.dataset;
  if (jpThemeLight) return jpThemeLight === 'false';
  if (vscodeThemeKind) return vscodeThemeKind.includes('dark');
  for (let at = el; at; at = at.parentElement) {
    const [r, g, b, a = 1] = (getComputedStyle(at).backgroundColor.match(/[\\d.]+/g) || [])
      .map(Number);
    if (r !== undefined && a > 0.5) return 0.3 * r + 0.6 * g + 0.1 * b < 110;
  }
  return matchMedia('(prefers-color-scheme: dark)').matches
    && getComputedStyle(document.documentElement).colorScheme.includes('dark');
}
function render({model, el}) {
  el.classList.add('kadanoff-view');
  const image = document.createElement('img');
  const bar = document.createElement('div');
  const button = document.createElement('button');
  const lines = document.createElement('pre');
  bar.className = 'kadanoff-code';
  button.type = 'button';
  button.textContent = 'copy as code';
  button.title = 'copy the Python lines that make this picture';
  lines.hidden = true;
  bar.append(button, lines);
  el.append(image, bar);
  let url = null;
  const show = () => {
    const bytes = model.get('value');
    image.alt = model.get('alt');
    image.style.width = `${model.get('width')}px`;
    bar.hidden = !model.get('code');
    lines.textContent = model.get('code');
    if (!bytes || !bytes.byteLength) return;
    const old = url;
    url = URL.createObjectURL(new Blob([bytes], {type: `image/${model.get('format')}`}));
    image.src = url;
    if (old) setTimeout(() => URL.revokeObjectURL(old), 2000);
  };
  const dye = () => el.classList.toggle('dark', is_dark(el));
  let narrow = null;
  const fit = () => {
    const width = el.clientWidth;
    if (!width) return;
    if ((width < NARROW) !== narrow) {
      narrow = width < NARROW;
      model.set('narrow', narrow);
      model.save_changes();
    }
  };
  button.onclick = async () => {
    lines.hidden = !lines.hidden;
    if (lines.hidden) return;
    try {
      await navigator.clipboard.writeText(model.get('code'));
      button.textContent = 'copied';
    } catch {
      getSelection().selectAllChildren(lines);  // Ctrl-C does the rest
    }
    setTimeout(() => { button.textContent = 'copy as code'; }, 1500);
  };
  model.on('change:value change:alt change:code change:width', show);
  const size = new ResizeObserver(fit), theme = new MutationObserver(dye);
  size.observe(el);
  theme.observe(document.body, {attributes: true});
  theme.observe(document.documentElement, {attributes: true});
  const system = matchMedia('(prefers-color-scheme: dark)');
  system.addEventListener('change', dye);
  show();
  let forget = () => {};
  requestAnimationFrame(() => { dye(); fit(); forget = keep_named(el); });
  return () => {
    size.disconnect(); theme.disconnect(); system.removeEventListener('change', dye);
    forget();
    if (url) URL.revokeObjectURL(url);
  };
}
export default { render };
""".replace("NARROW", str(NARROW))
)

_STYLE = """
.kadanoff-view { width: 100%; }
.kadanoff-view img { display: block; max-width: 100%; height: auto; }
.kadanoff-view.dark img { filter: FILTER; }
.kadanoff-code button { font-size: 11px; cursor: pointer; color: inherit; background: none;
  border: 1px solid #888; border-radius: 3px; padding: 1px 8px; }
.kadanoff-code { color: #767676; }
.dark .kadanoff-code { color: #a0a0a0; }
.kadanoff-code pre { overflow-x: auto; font-size: 12px; margin: 4px 0; color: inherit; }
.kadanoff-readouts { display: flex; flex-wrap: wrap; gap: 0 1.6em; line-height: 1.5; }
.kadanoff-readouts b { font-weight: 600; }
.kadanoff-explorer .widget-slider, .kadanoff-explorer .widget-dropdown { max-width: 100%; }
.kadanoff-explorer pre { white-space: pre-wrap; }
""".replace("FILTER", DARK_FILTER)


class View(anywidget.AnyWidget):
    """The picture and its words, in the page.

    Attributes
    ----------
    value : bytes
        The picture.
    format : {"png", "jpeg", "svg+xml"}
    width : int
        Its width in pixels of the page, if the column is wide enough.
    alt : str
        What it shows, in words.
    code : str
        Python lines that make it.
    narrow : bool
        Whether the column is narrow; set by the page.
    """

    _esm = _SCRIPT
    _css = _STYLE
    value = traitlets.Bytes(b"").tag(sync=True)
    format = traitlets.Unicode("png").tag(sync=True)
    width = traitlets.Int(900).tag(sync=True)
    alt = traitlets.Unicode("").tag(sync=True)
    code = traitlets.Unicode("").tag(sync=True)
    narrow = traitlets.Bool(False).tag(sync=True)

    def on_narrow(self, call: Any) -> None:
        """Call `call(change)` whenever the column becomes narrow or wide."""
        self.observe(call, names="narrow")
