const T_END = 1e-10, LEVELS = 10;
const STAGES = { coarse: { Lambda: 4, multiplets: 40 }, fine: { Lambda: 2.5, multiplets: 150 } };
const sites = Lambda => 2 + Math.ceil(2 * Math.log(1 / T_END) / Math.log(Lambda));
const kept = new Map();
function solve(kind, a, b, c, { Lambda, multiplets }) {
  const key = [kind, a, b, c, Lambda, multiplets].join();
  if (!kept.has(key)) {
    if (kept.size > 60) kept.delete(kept.keys().next().value);
    const n = call('impurity_solve', kind, a, b, c, Lambda, multiplets, sites(Lambda), LEVELS).numbers;
    const [shells, points, levels, T_K] = n;
    let at = 4;
    const take = count => n.slice(at, at += count);
    kept.set(key, { T_K, scale: take(shells), T: take(points), entropy: take(points), T_chi: take(points),
      flow: Array.from({ length: shells }, () => take(levels)) });
  }
  return kept.get(key);
}
function* answer({ U, J, T, fine }) {
  const V = Math.sqrt(J * U / 8);
  for (const [stage, options] of Object.entries(STAGES)) {
    if (stage === 'fine' && fine === false) return;
    const found = { stage, options, U, J, T };
    found.aim = solve(0, U, -U / 2, V, options);
    if (stage === 'fine') yield null;
    found.sw = solve(1, J, 0, 0, options);
    if (stage === 'fine') yield null;
    try {
      const learned = call('impurity_learn', U, -U / 2, V, options.Lambda, options.multiplets, T, J).numbers;
      found.J_ML = learned[0];
      found.log_Z = [learned[1], learned[2]];
      found.steps = (learned.length - 3) / 2;
    } catch (error) {
      found.why = error.message;
    }
    if (stage === 'fine') yield null;
    if (found.J_ML) found.ml = solve(1, found.J_ML, 0, 0, options);
    yield found;
  }
}
