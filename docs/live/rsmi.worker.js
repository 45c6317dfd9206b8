let made = '', total = NaN;
const ANGLES = 73;
function turned(length, degrees) {
  const c = length / 2 * Math.cos(degrees * Math.PI / 180), s = length / 2 * Math.sin(degrees * Math.PI / 180);
  return [c + s, c - s, c + s, c - s];
}
function ofFilters(filters) {
  give(filters.flatMap(f => [...f, 0]));
  return Array.from(call('rsmi_information').numbers);
}
// Ascent in a box by the slopes of differences; every step is a picture.
function* climb(filter, bound) {
  let here = ofFilters([filter])[0], step = 0.5;
  for (let i = 0; i < 60 && step > 1e-3; i++) {
    const d = 1e-4;
    const near = ofFilters([0, 1, 2, 3].map(k => filter.map((x, j) => j === k ? x + d : x)));
    const slope = near.map(x => (x - here) / d), size = Math.max(...slope.map(Math.abs), 1e-12);
    const next = filter.map((x, k) => Math.min(bound, Math.max(-bound, x + step * slope[k] / size)));
    const there = ofFilters([next])[0];
    if (there > here) { filter = next; here = there; yield filter; } else { step /= 2; }
  }
}
function* answer({ T, filter, seed, ascend, bound, n }) {
  const key = [T, seed].join();
  if (key !== made) {
    total = call('rsmi_new', T, seed).numbers[0];
    made = key;
  }
  if (ascend) {
    for (const found of climb(filter, bound)) {
      filter = found;
      yield { filter, climbing: true, total, exact: ofFilters([filter])[0], series: [] };
    }
  }
  const length = Math.hypot(...filter) || 1;
  const angles = Array.from({ length: ANGLES }, (_, i) => 2.5 * i);
  const curve = ofFilters(angles.map(angle => turned(length, angle)));
  const exact = ofFilters([filter])[0];
  give([...filter, 0]);
  const { numbers, bytes } = call('rsmi_sample', n);
  yield { filter, total, exact, angles, curve, series: Array.from(numbers), bytes, length };
}
