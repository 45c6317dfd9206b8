let made = '', round = 0, exact = null, previous = '';
const N = 6, CHAINS = 64, SPACING = 4, RECORDS = 32;
function* answer({ a, b, w, seed }) {
  const key = [a, b, w].join();
  if (key !== made) {
    const W = new Float64Array(N * N);
    for (let j = 0; j < N; j++) W[j * N + j] = W[(j + 1) % N * N + j] = w;
    give([...new Array(N).fill(a), ...new Array(N).fill(b), ...W]);
    call('machine_new', N, N, CHAINS);
    exact = Array.from(call('machine_exact').numbers);
    made = key;
    round = 0;
  }
  // The first records after a change follow on sweeps that forget the start.
  const { bytes } = call('machine_sample', round === 0 ? 200 : SPACING, SPACING, RECORDS, (seed + 7919 * round++) % 2 ** 32);
  yield { visible: bytes.slice(0, RECORDS * CHAINS), hidden: bytes.slice(RECORDS * CHAINS), exact, chains: CHAINS };
}
