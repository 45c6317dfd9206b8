const STEP = [[1, 0], [0, 1], [-1, 0], [0, -1]];
start(core => {
  let seed = freshSeed(), last = null, infinite = true;
  const pairs = new Mean();
  const fresh = () => { pairs.clear(); python(); };
  const T = slider('T', { low: 0.3, high: 5, value: 5, step: 0.01, change: () => { infinite = false; fresh(); } });
  const label = document.querySelector('output[for=T]');
  const loops = slider('loops', { low: 1, high: 1000, value: 10, log: true, digits: 0, change: fresh });
  const count = () => Math.max(1, Math.round(loops.read()));
  const loopsLabel = () => { document.querySelector('output[for=loops]').textContent = count(); };
  loops.addEventListener('input', loopsLabel);
  loopsLabel();
  const hot = () => { infinite = true; label.textContent = '∞'; fresh(); };
  $('hot').addEventListener('click', hot);
  $('L').addEventListener('change', fresh);
  const side = () => Number($('L').value), temperature = () => infinite ? Infinity : T.read();
  function python() {
    const t = infinite ? 'math.inf' : temperature();
    $('python').textContent = `import math
import kadanoff as kd

live = kd.dimers.Simulation(${side()}, T=${t}, seed=${seed})
live.step(100)
live.flippable / live.dimers.size, live.height()   # and live.plot()`;
  }
  function draw() {
    if (!last) return;
    const { L, bytes, moved, heights } = last;
    const { c, width } = sheet($('picture'), 1);
    const a = width / L, X = x => (x + 0.5) * a, Y = y => (L - 0.5 - y) * a;
    // The mean of the four plaquettes around a site is free of the steps between them.
    const around = new Float64Array(L * L);
    let mean = 0, reach = 1;
    for (let y = 0; y < L; y++) for (let x = 0; x < L; x++) {
      const u = (y + L - 1) % L * L, w = (x + L - 1) % L, k = y * L + x;
      around[k] = (heights[k] + heights[u + x] + heights[y * L + w] + heights[u + w]) / 4;
      mean += around[k] / (L * L);
    }
    for (let k = 0; k < L * L; k++) reach = Math.max(reach, Math.abs(around[k] - mean));
    const dark = matchMedia('(prefers-color-scheme: dark)').matches;
    for (let y = 0; y < L; y++) for (let x = 0; x < L; x++) {
      const k = y * L + x, high = (around[k] - mean) / reach;
      const grey = Math.round(dark ? 60 + 35 * high : 215 + 40 * high);
      c.fillStyle = moved[k] ? (dark ? '#6b6420' : '#f7ec8f') : `rgb(${grey},${grey},${grey})`;
      c.fillRect(X(x) - a / 2, Y(y) - a / 2, a + 0.5, a + 0.5);
    }
    c.lineCap = 'round';
    c.lineWidth = 0.42 * a;
    const inks = ['#d55e00', '#0072b2', '#e69f00', '#56b4e9'];
    for (let ink = 0; ink < 4; ink++) {
      c.strokeStyle = inks[ink];
      c.beginPath();
      for (let y = 0; y < L; y++) for (let x = 0; x < L; x++) {
        const d = bytes[y * L + x];
        if (((x + y) % 2 === 0 ? d : d ^ 2) !== ink) continue;
        const [dx, dy] = STEP[d], inside = x + dx >= 0 && x + dx < L && y + dy >= 0 && y + dy < L;
        if (inside && d > 1) continue; // drawn from its other end
        c.moveTo(X(x), Y(y));
        c.lineTo(X(x + (inside ? dx : dx / 2)), Y(y + (inside ? dy : dy / 2)));
      }
      c.stroke();
    }
    $('name').textContent = `${L} × ${L} sites, winding (${last.winding.join(', ')}), ${last.steps.toLocaleString('en')} steps`;
    const exact = Number.isFinite(last.exact) ? number(last.exact) : 'not known';
    rows('rows', [['parallel pairs per site', estimate(pairs.estimate), exact]]);
    tell(`seed ${seed} · ${pairs.n} measurements`);
  }
  label.textContent = '∞';
  python();
  const question = () => ({ L: side(), T: temperature(), loops: count(), seed });
  animate(async () => {
    const asked = question(), same = () => Object.entries(question()).every(([k, v]) => v === asked[k]);
    await core.ask(asked, found => {
      if (same()) pairs.add(found.series);
      last = found;
      draw();
    });
  });
  return draw;
});
