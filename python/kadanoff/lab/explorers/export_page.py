"""The page that `export` fills in: sliders, numbers and a picture, without a library."""

from __future__ import annotations

from kadanoff.lab.explorers.page import DARK_FILTER, NARROW

__all__ = ["PAGE"]

_STYLE = f"""
:root {{ color-scheme: light dark; }}
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 12px; max-width: 1160px;
  background: #ffffff; color: #1a1a1a; }}
h1 {{ font-size: 1.25em; margin: 0 0 0.4em; }}
#controls {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 21em), 1fr));
  gap: 4px 24px; }}
#controls label {{ display: grid; grid-template-columns: 9em 1fr 5em; gap: 8px;
  align-items: center; min-height: 32px; }}
input[type=range] {{ width: 100%; height: 28px; }}
select {{ min-height: 28px; }}
#numbers {{ display: flex; flex-wrap: wrap; gap: 0 1.6em; margin: 0.5em 0; min-height: 1.5em; }}
#error {{ color: #c03030; }}
#fixed {{ color: #6a6a6a; font-size: 0.9em; margin: 0.3em 0; }}
[hidden] {{ display: none !important; }}
img {{ display: block; max-width: 100%; height: auto; }}
pre {{ overflow-x: auto; font-size: 12px; }}
button {{ min-height: 28px; font: inherit; font-size: 0.85em; }}
@media (prefers-color-scheme: dark) {{
  body {{ background: #121212; color: #e8e8e8; }}
  img {{ filter: {DARK_FILTER}; }}
  #fixed {{ color: #a0a0a0; }}
  #error {{ color: #ff8080; }}
}}
"""

_SCRIPT = """
'use strict';
const controls = JSON.parse(document.getElementById('controls-data').textContent);
const place = controls.map(c => c.start);
const by_id = id => document.getElementById(id);
const narrow = matchMedia('(max-width: NARROWpx)');
let data = null, url = null;
function fail(text) { by_id('error').textContent = text; document.body.dataset.state = 'error'; }
async function unpacked() {
  if (!window.DecompressionStream) throw new Error('this page needs a browser of 2023 or later');
  const bytes = Uint8Array.from(atob(by_id('data').textContent.trim()), c => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return JSON.parse(await new Response(stream).text());
}
function subscripts(name) {
  const span = document.createElement('span');
  name.split(/_(\\w+)/).forEach((part, k) => {
    const node = k % 2 ? document.createElement('sub') : document.createTextNode('');
    node.textContent = part;
    span.append(node);
  });
  return span;
}
function show() {
  if (!data) return;
  const index = controls.reduce((sum, c, k) => sum * c.values.length + place[k], 0);
  const point = data.points[index], image = by_id('picture');
  by_id('numbers').replaceChildren(...Object.entries(point.numbers).map(([name, value]) => {
    const span = subscripts(name), strong = document.createElement('b');
    strong.textContent = value;
    span.append(' ', strong);
    return span;
  }));
  by_id('code').textContent = point.code;
  by_id('lines').hidden = !point.code;
  by_id('error').textContent = point.error || '';
  image.hidden = Boolean(point.error);
  if (!point.error) {
    const parts = point.pictures[narrow.matches ? 1 : 0].map(k => data.parts[k]);
    const old = url;
    url = URL.createObjectURL(new Blob([parts.join('\\n<')], {type: 'image/svg+xml'}));
    image.src = url;
    image.alt = point.alt;
    if (old) setTimeout(() => URL.revokeObjectURL(old), 2000);
  }
  document.body.dataset.shown = index;
  document.body.dataset.state = point.error ? 'error' : 'shown';
}
controls.forEach((c, k) => {
  const label = document.createElement('label'), name = document.createElement('span');
  const number = document.createElement('output');
  name.textContent = c.label;
  let input;
  const moved = () => {
    place[k] = Number(input.value);
    number.textContent = c.values[place[k]];
    input.setAttribute('aria-valuetext', c.values[place[k]]);
    show();
  };
  if (c.kind === 'slider') {
    input = document.createElement('input');
    Object.assign(input, {type: 'range', min: 0, max: c.values.length - 1, step: 1});
    label.append(name, input, number);
  } else {
    input = document.createElement('select');
    c.values.forEach((value, at) => input.append(new Option(value, at)));
    label.append(name, input);
  }
  input.setAttribute('aria-label', c.label);
  input.value = c.start;
  input.addEventListener('input', moved);
  by_id('controls').append(label);
  moved();
});
narrow.addEventListener('change', show);
by_id('copy').addEventListener('click', async () => {
  try {
    await navigator.clipboard.writeText(by_id('code').textContent);
    by_id('copy').textContent = 'copied';
  } catch {
    getSelection().selectAllChildren(by_id('code'));
  }
  setTimeout(() => { by_id('copy').textContent = 'copy as code'; }, 1500);
});
unpacked().then(found => { data = found; show(); }, error => fail(String(error.message || error)));
""".replace("NARROW", str(NARROW))

PAGE = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>@TITLE@</title>
<link rel="icon" href="data:,">
<style>{_STYLE}</style>
</head>
<body data-state="loading">
<h1>@TITLE@</h1>
<div id="controls"></div>
<p id="fixed">@FIXED@</p>
<div id="numbers" aria-live="polite"></div>
<p id="error" role="alert"></p>
<img id="picture" alt="" style="width:@WIDTH@px">
<details id="lines"><summary>Python</summary>
<button id="copy" type="button">copy as code</button><pre id="code"></pre></details>
<noscript>The sliders of this page need JavaScript.</noscript>
<script type="application/json" id="controls-data">@CONTROLS@</script>
<script type="text/plain" id="data">@DATA@</script>
<script>{_SCRIPT}</script>
</body>
</html>
"""
"""The page, with @TITLE@, @FIXED@, @CONTROLS@, @WIDTH@ and @DATA@ to be replaced."""
