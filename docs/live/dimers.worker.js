// Of tori at T = infinity, from kd.dimers.probability; tests compare them.
const EXACT = { 16: 0.24781637109345006, 32: 0.24944070756207962, 64: 0.2498593749614866, 128: 0.24996479409669847 };
let made = '', before = null, enumerated = new Map();
function exactly(L, coupling) {
  const key = `${L},${coupling}`;
  if (!enumerated.has(key)) {
    if (enumerated.size > 64) enumerated.clear();
    enumerated.set(key, Array.from(call('dimers_exact', L, coupling).numbers));
  }
  return enumerated.get(key);
}
function* answer({ L, T, loops, seed }) {
  // v = -1: attracting dimers have a negative coupling.
  const coupling = T === Infinity ? 0 : -1 / T, key = [L, T, seed].join();
  if (key !== made) {
    call('dimers_new', L, coupling, seed);
    made = key;
    before = call('dimers_picture').bytes;
  }
  // A measurement after every loop or after a tenth of them, always the same number apart.
  const each = Math.max(1, Math.floor(loops / 10)), times = Math.max(1, Math.round(loops / each));
  const series = Array.from(call('dimers_advance', each, times).numbers);
  const { bytes, numbers } = call('dimers_picture');
  const moved = bytes.map((d, i) => d !== before[i] ? 1 : 0);
  before = bytes.slice();
  const exact = L <= 6 ? exactly(L, coupling)[0] : coupling === 0 ? EXACT[L] : NaN;
  yield { L, series, bytes, moved, winding: [numbers[0], numbers[1]], steps: numbers[2], heights: numbers.slice(3), exact };
}
