const N = 6;
const spin = (state, i) => (state >> i % N & 1) ? 1 : -1;
const bond = v => { let s = 0; for (let i = 0; i < N; i++) s += spin(v, i) * spin(v, i + 1); return s / N; };
const mean = v => { let s = 0; for (let i = 0; i < N; i++) s += spin(v, i); return s / N; };
start(core => {
  const seed = freshSeed();
  let counts = new Float64Array(2 ** N), total = 0, last = null;
  const bonds = new Mean(), spins = new Mean();
  const fresh = () => { counts.fill(0); total = 0; bonds.clear(); spins.clear(); python(); };
  const make = (id, low, high, value) => slider(id, { low, high, value, step: 0.01, change: fresh });
  const w = make('w', -1.5, 1.5, 0.8), a = make('a', -1, 1, 0.1), b = make('b', -1, 1, 0);
  const question = () => ({ a: a.read(), b: b.read(), w: w.read(), seed });
  function python() {
    const q = question();
    $('python').textContent = `import numpy as np
from kadanoff.rbm import Machine

ring = np.roll(np.eye(6), 1, axis=0) + np.eye(6)   # h_j between v_j and v_{j+1}
machine = Machine(${q.w} * ring, a=[${q.a}] * 6, b=[${q.b}] * 6, visible="spin", hidden="spin")
machine.log_Z(), machine.probabilities()`;
  }
  // ln Z of the ring with K and a by its transfer matrix, with the factor of the hidden spins; b = 0.
  function ring({ a, w }) {
    const K = 0.5 * Math.log(Math.cosh(2 * w)), mid = Math.exp(K) * Math.cosh(a);
    const root = Math.sqrt(Math.exp(2 * K) * Math.sinh(a) ** 2 + Math.exp(-2 * K));
    return Math.log((mid + root) ** N + (mid - root) ** N) + N * Math.log(2 * Math.sqrt(Math.cosh(2 * w)));
  }
  function draw() {
    if (!last) return;
    const p = last.exact.slice(1), most = Math.max(...p), q = question();
    const { c, width, height } = sheet($('histogram'), 0.62);
    const each = (width - 8) / p.length, Y = y => height - 6 - y / most * (height - 22) / 1.15;
    p.forEach((x, v) => {
      c.fillStyle = colour('faint');
      c.fillRect(4 + v * each, Y(x), each - 1, height - 6 - Y(x));
      c.fillStyle = colour('orange');
      c.beginPath();
      c.arc(4 + (v + 0.5) * each, Y(counts[v] / Math.max(total, 1)), Math.max(2, each / 4), 0, 7);
      c.fill();
    });
    c.fillStyle = colour('grey');
    c.font = '12px system-ui, sans-serif';
    c.fillText(`largest: ${most.toFixed(4)}`, 6, 12);
    ringPicture();
    let m = 0, e = 0;
    p.forEach((x, v) => { m += x * mean(v); e += x * bond(v); });
    rows('rows', [
      ['⟨v⟩', estimate(spins.estimate), number(m)],
      ['⟨v v′⟩ of neighbours', estimate(bonds.estimate), number(e)],
      ['ln Z', q.b === 0 ? `${number(ring(q), 8)} (transfer matrix of the ring)` : 'formula for b = 0 only', `${number(last.exact[0], 8)} (all states)`],
    ]);
    tell(`seed ${seed} · ${total} states drawn`);
  }
  function ringPicture() {
    const { c, width, height } = sheet($('chains'), 0.8);
    const v = last.visible[last.visible.length - last.chains], h = last.hidden[last.hidden.length - last.chains];
    const at = (k, r) => [width / 2 + r * Math.cos(Math.PI * k / N - Math.PI / 2), height / 2 + r * Math.sin(Math.PI * k / N - Math.PI / 2)];
    const R = Math.min(width, height) * 0.4;
    c.strokeStyle = colour('faint');
    c.lineWidth = 2;
    for (let k = 0; k < 2 * N; k++) {
      c.beginPath();
      c.moveTo(...at(k, k % 2 ? R * 0.8 : R));
      c.lineTo(...at(k + 1, k % 2 ? R : R * 0.8));
      c.stroke();
    }
    for (let k = 0; k < 2 * N; k++) {
      const hidden = k % 2, up = (hidden ? h : v) >> (k >> 1) & 1;
      c.beginPath();
      c.arc(...at(k, hidden ? R * 0.8 : R), R * (hidden ? 0.09 : 0.13), 0, 7);
      c.fillStyle = up ? colour(hidden ? 'orange' : 'blue') : colour('paper');
      c.strokeStyle = colour(hidden ? 'orange' : 'blue');
      c.fill();
      c.stroke();
    }
  }
  python();
  animate(async () => {
    const asked = question();
    await core.ask(asked, found => {
      if (JSON.stringify(question()) !== JSON.stringify(asked)) return;
      const n = found.chains;
      for (let r = 0; r < found.visible.length; r += n) {
        let m = 0, e = 0;
        for (let k = r; k < r + n; k++) {
          const v = found.visible[k];
          counts[v]++;
          m += mean(v) / n;
          e += bond(v) / n;
        }
        spins.add([m]);
        bonds.add([e]);
      }
      total += found.visible.length;
      last = found;
      draw();
    });
  });
  return draw;
});
