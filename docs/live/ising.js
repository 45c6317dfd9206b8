const T_C = 2 / Math.log(1 + Math.SQRT2);
const METHODS = ['heat-bath', 'wolff', 'swendsen-wang'];
start(core => {
  let seed = freshSeed(), last = null, sweeps = 0, rate = 0;
  const energy = new Mean(), magnetisation = new Mean();
  const fresh = () => { energy.clear(); magnetisation.clear(); sweeps = 0; python(); };
  const T = slider('T', { low: 1, high: 5, value: T_C, step: 0.001, digits: 3, change: fresh });
  const h = slider('h', { low: -0.5, high: 0.5, value: 0, step: 0.01, change: fresh });
  const L = $('L'), method = $('method');
  const side = () => Number(L.value), update = () => Number(method.value);
  L.addEventListener('change', fresh);
  method.addEventListener('change', () => { h.disabled = update() === 1; fresh(); });
  $('critical').addEventListener('click', () => { T.put(T_C); exactT = T_C; fresh(); });
  let exactT = T_C;
  T.addEventListener('input', () => { exactT = null; });
  const temperature = () => exactT ?? T.read();
  const field = () => update() === 1 ? 0 : h.read();
  function python() {
    $('python').textContent = `import kadanoff as kd

live = kd.ising.Simulation(L=${side()}, T=${temperature()}, h=${field()}, method="${METHODS[update()]}", seed=${seed})
live.sweep(100)
live.energy / live.model.sites, live.magnetisation   # and live.plot()
kd.ising.exact(${side()}, T=${temperature()}).e      # the exact value of this lattice, h = 0`;
  }
  function draw() {
    if (!last) return;
    let at = 0, l = last.L;
    for (let k = 0; k < 4; k++, at += Math.ceil(l * l / 8), l /= 2) {
      spins($(`level${k}`), last.bytes.subarray(at), l);
      const name = k ? `blocks of ${2 ** k} × ${2 ** k}` : `${l} × ${l} spins`;
      $(`name${k}`).textContent = `${name}: ⟨ss′⟩ = ${last.correlations[k].toFixed(3)}`;
    }
    const known = field() === 0;
    rows('rows', [
      ['energy', estimate(energy.estimate), known ? number(last.exact[0]) : 'only for h = 0'],
      ['|magnetisation|', estimate(magnetisation.estimate), known ? number(last.exact[1]) : 'only for h = 0'],
    ]);
    const unit = update() === 1 ? 'clusters' : 'sweeps';
    const spinsPerNs = update() === 0 ? `, ${(rate * side() ** 2 / 1e9).toFixed(2)} spins per ns` : '';
    tell(`seed ${seed} · ${sweeps} ${unit} since the last change · ${Math.round(rate)} ${unit} per second${spinsPerNs}`);
  }
  python();
  const question = more => ({
    L: side(), T: temperature(), h: field(), method: update(), seed, milliseconds: 12, ...more });
  const next = async (more = {}) => {
    const asked = question(more);
    await core.ask(asked, found => {
      // An answer to the values of a moment ago is drawn, but not counted.
      if (JSON.stringify(question(more)) === JSON.stringify(asked)) {
        for (let i = 0; i < found.series.length; i += 2) {
          energy.add([found.series[i]]);
          magnetisation.add([found.series[i + 1]]);
        }
        sweeps += found.steps;
      }
      rate = found.steps / found.seconds;
      last = found;
      draw();
    });
  };
  animate(next);
  return draw;
});
