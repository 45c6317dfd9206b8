const T_C = 2 / Math.log(1 + Math.SQRT2), BOUND = 3;
start(core => {
  const seed = freshSeed(), sampled = new Mean();
  let last = null, ascend = false;
  const fresh = () => { sampled.clear(); python(); };
  const T = slider('T', { low: 0.8, high: 6, value: 2.269, step: 0.001, digits: 3, change: fresh });
  const weights = [0, 1, 2, 3].map(k => slider(`l${k}`, { low: -BOUND, high: BOUND, value: [1, 0.4, 0.2, 0.6][k], step: 0.01, change: fresh }));
  const filter = () => weights.map(w => w.read());
  $('climb').addEventListener('click', () => { ascend = true; });
  function python() {
    const [a, b, c, d] = filter();
    $('python').textContent = `import kadanoff as kd

joint = kd.rsmi.torus(6, ${T.read()})
joint.information([[${a}, ${b}], [${c}, ${d}]]), joint.mutual_information
kd.rsmi.maximise(joint, bound=${BOUND})   # the best filter`;
  }
  function draw() {
    if (!last) return;
    const top = Math.max(last.total * 1.1, 1e-4);
    const digits = x => Number(x.toPrecision(2));
    const ticks = [0, digits(top / 3), digits(2 * top / 3)];
    // The angle of the part of the filter that lies in the plane of the curve.
    const f = last.filter, even = (f[0] + f[1] + f[2] + f[3]) / 2, odd = (f[0] - f[1] + f[2] - f[3]) / 2;
    const angle = Math.abs(Math.atan2(odd, even)) * 180 / Math.PI;
    plot($('curve'), { x: [0, 180], y: [0, top], xlabel: 'angle / degrees', ylabel: 'I / nats', ticks,
      guides: [last.total] }, [
      { x: last.angles || [], y: last.curve || [], colour: 'blue' },
      { x: [angle], y: [last.exact], colour: 'orange', dots: true },
    ]);
    if (last.bytes) lattice();
    rows('rows', [
      ['I(H : E) of this filter', estimate(sampled.estimate), number(last.exact, 6)],
      ['I(V : E), bound of every filter', '', number(last.total, 6)],
      ['share', '', last.total > 1e-12 ? (100 * last.exact / last.total).toFixed(2) + ' %' : '...'],
    ]);
    tell(`seed ${seed} · ${sampled.n} configurations`);
  }
  function lattice() {
    const { c, width } = sheet($('lattice'), 1), a = width / 6;
    for (let k = 0; k < 36; k++) {
      // The window of the core begins at site 0; the block is shown in the middle.
      const y = Math.floor(k / 6), x = k % 6, sy = (y + 5) % 6, sx = (x + 5) % 6, i = sy * 6 + sx;
      const up = last.bytes[i >> 3] >> (i & 7) & 1;
      const buffer = sy < 4 && sx < 4, block = (sy === 1 || sy === 2) && (sx === 1 || sx === 2);
      c.globalAlpha = buffer && !block ? 0.25 : 1;
      c.fillStyle = colour(up ? 'up' : 'down');
      c.fillRect(x * a + 1, y * a + 1, a - 2, a - 2);
    }
    c.globalAlpha = 1;
    c.strokeStyle = colour('blue');
    c.lineWidth = 4;
    c.strokeRect(2 * a, 2 * a, 2 * a, 2 * a);
  }
  python();
  const question = () => ({ T: T.read(), filter: filter(), seed, ascend, bound: BOUND, n: 400 });
  animate(async () => {
    const asked = question();
    ascend = false;
    await core.ask(asked, found => {
      if (found.climbing) {
        weights.forEach((w, k) => w.put(found.filter[k]));
        last = { ...last, ...found };
        fresh();
      } else {
        last = found;
        const now = question();
        if (now.T === asked.T && found.filter.every((x, k) => Math.abs(x - now.filter[k]) < 0.02)) sampled.add(found.series);
      }
      draw();
    });
  });
  return draw;
});
