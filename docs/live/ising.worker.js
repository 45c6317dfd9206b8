// A frame: sweeps for about `milliseconds`, then the picture.
let made = '', cost = 0;
function* answer({ L, T, h, method, seed, milliseconds, sweeps }) {
  const key = [L, method, seed].join();
  if (key !== made) {
    call('ising_new', L, T, method === 1 ? 0 : h, method, seed);
    made = key;
    cost = 0;
  } else {
    call('ising_set', T, method === 1 ? 0 : h);
  }
  const began = performance.now();
  const series = [];
  // One step at first, then as many between two looks at the clock as take a millisecond.
  let steps = 0;
  do {
    const n = sweeps || Math.max(1, Math.min(200, cost > 0 ? Math.floor(1 / cost) : 1));
    const before = performance.now();
    const found = call('ising_sweep', n, 1).numbers;
    cost = (performance.now() - before) / n;
    steps += n;
    series.push(found[0], Math.abs(found[1]));
  } while (!sweeps && performance.now() - began < milliseconds);
  const seconds = (performance.now() - began) / 1000;
  const picture = call('ising_picture', 3);
  const exact = call('ising_exact', T).numbers;
  yield { L, steps, seconds, series, bytes: picture.bytes, correlations: picture.numbers, exact, made };
}
