// What all pages share: the worker, controls, curves, errors of averages.
'use strict';
const $ = id => document.getElementById(id);
const statusLine = document.querySelector('.status');
const colour = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function tell(text, failed = false) {
  statusLine.textContent = text;
  statusLine.classList.toggle('error', failed);
}

// A module with one SIMD instruction: whether this browser has them.
const SIMD = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0,
  65, 0, 253, 15, 253, 98, 11);
const supported = () => typeof WebAssembly === 'object' && typeof Worker === 'function'
  && WebAssembly.validate(SIMD) && !new URLSearchParams(location.search).has('still');

function decoded(id) {
  const text = atob($(id).textContent.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

// The worker of the page. `ask` supersedes what was asked before; `call` is for one function.
class Core {
  constructor() {
    const blob = new Blob([$('worker').textContent], { type: 'text/javascript' });
    this.worker = new Worker(URL.createObjectURL(blob));
    this.number = 0;
    this.waiting = new Map();
    this.worker.onmessage = ({ data }) => this.hear(data);
    this.ready = new Promise((ready, failed) => { this.begun = { ready, failed }; });
    this.worker.onerror = event => this.begun.failed(new Error(event.message));
    const bytes = decoded('wasm');
    this.worker.postMessage({ module: bytes }, [bytes.buffer]);
  }
  hear(data) {
    if (data.ready) return this.begun.ready();
    if (data.failed) return this.begun.failed(new Error(data.failed));
    const asked = this.waiting.get(data.number);
    if (!asked) return;
    if (data.error) { this.waiting.delete(data.number); asked.fail(new Error(data.error)); return; }
    if (data.found) asked.show(data.found);
    if (data.done) { this.waiting.delete(data.number); asked.end(); }
  }
  ask(parameters, show) {
    return new Promise((end, fail) => {
      this.waiting.set(++this.number, { show, end, fail });
      this.worker.postMessage({ number: this.number, parameters });
    });
  }
  call(name, given = [], input = null) {
    return new Promise((end, fail) => {
      let found;
      this.waiting.set(++this.number, { show: x => { found = x; }, end: () => end(found), fail });
      this.worker.postMessage({ number: this.number, call: name, given, input });
    });
  }
}

// A slider whose range is what the method can do; `log` moves it through decades.
function slider(id, { low, high, value, step = 0.01, log = false, digits = 2, change }) {
  const box = $(id), label = document.querySelector(`output[for=${id}]`);
  const inside = x => Math.min(Math.max(x, low), high);
  const from = log ? x => 10 ** x : x => x;
  const to = log ? Math.log10 : x => x;
  Object.assign(box, { min: to(low), max: to(high), step: log ? 0.01 : step, value: to(value) });
  const write = () => {
    const x = box.read();
    label.textContent = log ? x.toExponential(digits) : x.toFixed(digits);
  };
  box.read = () => inside(from(Number(box.value)));
  box.put = x => { box.value = to(inside(x)); write(); };
  box.addEventListener('input', () => { write(); change(); });
  write();
  return box;
}

// ------------------------------------------------------------------------------------------- curves

// A canvas of the size in which it is shown, and its context with CSS pixels as units.
function sheet(canvas, ratio) {
  const width = canvas.clientWidth || 300, height = Math.round(width * ratio);
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.aspectRatio = `${width} / ${height}`;
  const c = canvas.getContext('2d');
  c.setTransform(scale, 0, 0, scale, 0, 0);
  c.clearRect(0, 0, width, height);
  return { c, width, height };
}

const POWERS = '⁰¹²³⁴⁵⁶⁷⁸⁹';
const power = n => '10' + (n < 0 ? '⁻' : '') + String(Math.abs(n)).split('').map(d => POWERS[d]).join('');

// Axes with curves: {x, y, colour, dash, width, dots}; `log` for the abscissa.
function plot(canvas, { x: [x0, x1], y: [y0, y1], log = false, xlabel, ylabel, ticks, lines = [], guides = [] },
  curves) {
  const { c, width, height } = sheet(canvas, 0.68);
  const left = 46, right = 10, top = 20, bottom = 34;
  const tx = log ? Math.log10 : v => v;
  const X = v => left + (tx(v) - tx(x0)) / (tx(x1) - tx(x0)) * (width - left - right);
  const Y = v => height - bottom - (v - y0) / (y1 - y0) * (height - top - bottom);
  c.font = '12px system-ui, sans-serif';
  c.strokeStyle = colour('faint');
  c.fillStyle = colour('grey');
  c.lineWidth = 1;
  c.strokeRect(left, top, width - left - right, height - top - bottom);
  c.textAlign = 'center';
  if (log) {
    const every = Math.ceil((tx(x1) - tx(x0)) / 5);
    for (let n = Math.ceil(tx(x0)); n <= tx(x1); n++)
      if (n % every === 0) c.fillText(power(n), X(10 ** n), height - bottom + 15);
  } else {
    for (let i = 0; i <= 4; i++) {
      const v = x0 + (x1 - x0) * i / 4;
      c.fillText(String(Number(v.toPrecision(3))), X(v), height - bottom + 15);
    }
  }
  c.fillText(xlabel, (left + width - right) / 2, height - 3);
  c.textAlign = 'left';
  c.fillText(ylabel, 4, 12);
  c.textAlign = 'right';
  for (const v of ticks) c.fillText(String(v), left - 5, Y(v) + 4);
  const draw = ({ x, y, colour: ink, dash = [], width: thick = 1.8, dots = false }) => {
    c.strokeStyle = c.fillStyle = colour(ink);
    c.lineWidth = thick;
    c.setLineDash(dash);
    c.beginPath();
    let down = false;
    for (let i = 0; i < x.length; i++) {
      if (!Number.isFinite(y[i]) || !Number.isFinite(x[i])) { down = false; continue; }
      if (dots) { c.moveTo(X(x[i]) + 3, Y(y[i])); c.arc(X(x[i]), Y(y[i]), 3, 0, 7); continue; }
      if (down) c.lineTo(X(x[i]), Y(y[i])); else c.moveTo(X(x[i]), Y(y[i]));
      down = true;
    }
    if (dots) c.fill(); else c.stroke();
    c.setLineDash([]);
  };
  c.save();
  c.beginPath();
  c.rect(left, top, width - left - right, height - top - bottom);
  c.clip();
  for (const v of guides) draw({ x: [x0, x1], y: [v, v], colour: 'faint', width: 1 });
  for (const v of lines) draw({ x: [v, v], y: [y0, y1], colour: 'grey', width: 1, dash: [2, 3] });
  curves.forEach(draw);
  c.restore();
}

// Bits as pixels, the lowest bit first.
function spins(canvas, bytes, L) {
  if (canvas.width !== L) { canvas.width = L; canvas.height = L; }
  const c = canvas.getContext('2d'), image = c.createImageData(L, L);
  const pixels = new Uint32Array(image.data.buffer), [up, down] = [colour('up'), colour('down')].map(word);
  for (let i = 0; i < L * L; i++) pixels[i] = (bytes[i >> 3] >> (i & 7)) & 1 ? up : down;
  c.putImageData(image, 0, 0);
}

// #rrggbb as a pixel.
function word(text) {
  const n = parseInt(text.slice(1), 16);
  return (255 << 24 | (n & 255) << 16 | (n >> 8 & 255) << 8 | n >> 16) >>> 0;
}

// ------------------------------------------------------------------------------------------ averages

// A mean with its error from blocks of the series: 64 blocks at most, of which the first quarter counts
// as equilibration. There is no error as long as neighbouring blocks remember each other or the second
// half differs from the first.
class Mean {
  constructor() { this.clear(); }
  clear() { this.blocks = []; this.size = 1; this.sum = 0; this.count = 0; this.n = 0; }
  add(values) {
    for (const x of values) {
      this.n++;
      this.sum += x;
      if (++this.count < this.size) continue;
      this.blocks.push(this.sum / this.size);
      this.sum = this.count = 0;
      if (this.blocks.length === 128) {
        this.blocks = Array.from({ length: 64 }, (_, i) => (this.blocks[2 * i] + this.blocks[2 * i + 1]) / 2);
        this.size *= 2;
      }
    }
  }
  // {mean, error}; error NaN where it is not known.
  get estimate() {
    const all = this.blocks.length, b = this.blocks.slice(Math.floor(all / 4)), n = b.length;
    if (n === 0) return { mean: this.sum / this.count, error: NaN };
    const average = x => x.reduce((s, y) => s + y, 0) / x.length;
    const mean = average(b);
    const along = k => b.slice(k).reduce((s, y, i) => s + (y - mean) * (b[i] - mean), 0);
    const square = along(0);
    if (all < 64) return { mean, error: NaN };
    if (square === 0) return { mean, error: 0 };
    const r = [1, 2, 3].map(k => along(k) / square);
    const error = Math.sqrt(square / (n * (n - 1)) * (1 + 2 * Math.max(0, r[0])));
    const half = Math.floor(n / 2), drift = average(b.slice(half)) - average(b.slice(0, half));
    // Of independent blocks the sum of three correlations is below 2 sqrt(3 / n) as a rule, and the halves
    // differ by two errors.
    const known = r[0] < 0.3 && r[0] + r[1] + r[2] < 2 * Math.sqrt(3 / n) && Math.abs(drift) < 4 * error;
    return { mean, error: known ? error : NaN };
  }
}

const number = (x, digits = 5) => Number.isFinite(x) ? x.toFixed(digits) : 'none';
function estimate({ mean, error }, digits = 5) {
  if (!Number.isFinite(mean)) return '...';
  return Number.isFinite(error) ? `${mean.toFixed(digits)} ± ${error.toFixed(digits)}`
    : `${mean.toFixed(digits)} (no error yet)`;
}

// Rows of a table from [name, sampled or computed, exact].
function rows(id, list) {
  const body = $(id);
  while (body.rows.length < list.length) {
    const row = body.insertRow();
    row.insertCell(); row.insertCell(); row.insertCell();
  }
  list.forEach((cells, i) => cells.forEach((text, k) => { body.rows[i].cells[k].textContent = text; }));
}

const fixedSeed = new URLSearchParams(location.search).get('seed');
const freshSeed = () => fixedSeed === null ? crypto.getRandomValues(new Uint32Array(1))[0] : Number(fixedSeed);

// ------------------------------------------------------------------------------------------ running

// Starts a page: `begin(core)` returns what is to be done when the size or the colours change.
async function start(begin) {
  document.body.dataset.pictures = 0;
  if (!supported()) {
    tell('');
    $('unsupported').hidden = false;
    document.querySelectorAll('.controls, .pictures, .results').forEach(part => { part.hidden = true; });
    return;
  }
  try {
    const core = new Core();
    await core.ready;
    window.core = core;
    const redraw = begin(core);
    addEventListener('resize', redraw);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  } catch (error) {
    tell(`The computation could not start: ${error.message}`, true);
  }
}

function shown() {
  const n = Number(document.body.dataset.pictures) + 1;
  document.body.dataset.pictures = n;
  if (n === 30) document.body.dataset.lively = "";
}

// A picture in motion: `next()` asks the worker for a frame and draws it; a button stops it.
function animate(next) {
  const button = $('pause');
  let playing = true, busy = false;
  const frame = async () => {
    if (!playing || busy || document.hidden) return;
    busy = true;
    try { await next(); shown(); } catch (error) { tell(error.message, true); playing = false; }
    busy = false;
    requestAnimationFrame(frame);
  };
  button.addEventListener('click', () => {
    playing = !playing;
    button.textContent = playing ? 'Pause' : 'Go on';
    frame();
  });
  document.addEventListener('visibilitychange', frame);
  frame();
}
