start(core => {
  let last = null, asked = 0;
  const ask = () => {
    python();
    const began = performance.now(), mine = ++asked;
    document.body.dataset.stage = 'asked';
    const wanted = { U: U.read(), J: J.read(), T: T.read() };
    core.ask(wanted, found => {
      last = found;
      draw();
      shown();
      if (mine !== asked) return;
      document.body.dataset.milliseconds = performance.now() - began;
      document.body.dataset.stage = found.stage;
      const { Lambda, multiplets } = found.options;
      tell(`${found.stage}: Λ = ${Lambda}, ${multiplets} multiplets, ${Math.round(performance.now() - began)} ms`
        + (found.why ? ` · ${found.why}` : ''));
    }).catch(error => tell(error.message, true));
  };
  const U = slider('U', { low: 0.05, high: 2, value: 0.5, step: 0.01, change: ask });
  const J = slider('J', { low: 0.1, high: 0.6, value: 0.25, step: 0.005, digits: 3, change: ask });
  const T = slider('T', { low: 1e-6, high: 1e-2, value: 1e-4, log: true, digits: 1, change: ask });
  function python() {
    $('python').textContent = `import kadanoff as kd

dot = kd.AndersonModel(U=${U.read()}, J_sw=${J.read()})
options = {"Lambda": 2.5, "keep_multiplets": 150}
run = kd.nrg.solve(dot, sites=53, **options)           # run.entropy, run.T_chi, run.flow(), run.plot()
run.T_K("wilson")
kd.effective.learn(kd.KondoModel(J=${J.read()}), target=dot, T=${T.read()}, **options).model.J`;
  }
  function draw() {
    if (!last) return;
    const { aim, sw, ml, T: at } = last;
    const common = { x: [1e-10, 1], log: true, xlabel: 'T / D', lines: [at] };
    const curves = (name, unit) => [
      { x: sw.T, y: sw[name].map(y => y / unit), colour: 'orange', dash: [6, 4] },
      ...(ml ? [{ x: ml.T, y: ml[name].map(y => y / unit), colour: 'blue', width: 3 }] : []),
      { x: aim.T, y: aim[name].map(y => y / unit), colour: 'ink', width: 1.4 },
    ];
    plot($('entropy'), { ...common, y: [-0.05, 2.1], ylabel: 'S / ln 2', ticks: [0, 1, 2], guides: [0, 1, 2] }, curves('entropy', Math.LN2));
    plot($('chi'), { ...common, y: [-0.005, 0.265], ylabel: 'T χ / (g μ_B)²', ticks: [0, 0.125, 0.25], guides: [0, 0.125, 0.25] }, curves('T_chi', 1));
    const odd = aim.flow.map((_, n) => n).filter(n => n % 2 === 1);
    const lines = aim.flow[0] ? Array.from(aim.flow[aim.flow.length - 1], (_, k) => ({
      x: odd.map(n => aim.scale[n]), y: odd.map(n => aim.flow[n][k]), colour: 'blue', width: 1.2 })) : [];
    plot($('flow'), { ...common, xlabel: 'scale of the shell / D', y: [0, 3.2], ylabel: 'levels E / ω_N, odd shells of the impurity', ticks: [0, 1, 2, 3] }, lines);
    const formula = j => 0.41 * Math.sqrt(j) * Math.exp(-2 / j + Math.PI ** 2 / 8 * j);
    const T_K = run => run && Number.isFinite(run.T_K) ? run.T_K.toExponential(3) : 'below 1e-10 or none';
    rows('rows', [
      ['J_ML / D', last.J_ML ? `${last.J_ML.toFixed(5)} in ${last.steps} steps` : 'none', `J_SW = ${last.J.toFixed(3)} to second order in V`],
      ['ln Z at T', last.log_Z ? `impurity ${last.log_Z[0].toFixed(7)}, Kondo ${last.log_Z[1].toFixed(7)}` : '', 'equal'],
      ['T_K / D, Anderson', T_K(aim), ''],
      ['T_K / D, Kondo with J_ML', T_K(ml), ml ? `${formula(last.J_ML).toExponential(2)} (formula)` : ''],
      ['T_K / D, Kondo with J_SW', T_K(sw), `${formula(last.J).toExponential(2)} (formula)`],
      ['S of the impurity at T = 1e-10 D', number(aim.entropy[0], 4), aim.T_K > 1e-8 ? '0 (screened)' : 'ln 2 above T_K'],
    ]);
  }
  ask();
  return draw;
});
