//! Exchange of replicas at different inverse temperatures.
//!
//! The replica at beta follows `p(v) ~ exp((1 - beta) a0.v + beta a.v) prod_j Z_j(beta x_j)` with the
//! hidden fields `x = b + v W` and hidden units summed; two neighbours swap configurations
//! with the probability `min(1, p_r(v_s) p_s(v_r) / p_r(v_r) p_s(v_s))`.

use crate::bits::{BLOCK, words};
use crate::layer::Layer;
use crate::units::Units;
use kadanoff_runtime::random::Stream;
use kadanoff_runtime::simd::Level;
use rand::Rng;

/// The distributions between which replicas move.
pub(crate) struct Path<'a> {
    pub level: Level,
    pub forward: &'a Layer,
    pub a: &'a [f32],
    pub base: &'a [f32],
    pub units: (Units, Units),
    pub betas: &'a [f32],
}

/// Offers one exchange to every second pair of neighbours of every chain.
///
/// `chains` holds visible units, `[replica][chain]`; even rounds begin at the first replica.
pub(crate) fn exchange(
    path: &Path<'_>,
    chains: &mut [u64],
    count: usize,
    round: u64,
    source: &mut Stream,
) {
    let visible = path.a.len();
    let wide = words(visible);
    let padded = path.forward.padded();
    let hidden = path.forward.outputs();
    let replicas = path.betas.len();
    let mut fields = vec![0.0f32; BLOCK * padded];
    // Per configuration: the slope of its weight in beta that visible units give, and its fields.
    let mut log_weight = vec![[0.0f64; 3]; replicas * count]; // at beta below, own, above
    for (row, chunk) in chains.chunks(BLOCK * wide).enumerate() {
        path.forward.fields(path.level, chunk, &mut fields);
        for (r, v) in chunk.chunks_exact(wide).enumerate() {
            let index = row * BLOCK + r;
            let replica = index / count;
            let (mut bias, mut base) = (0.0, 0.0);
            for i in 0..visible {
                let s = path.units.0.value(v[i / 64] >> (i % 64) & 1 == 1);
                bias += s * f64::from(path.a[i]);
                base += s * f64::from(path.base.get(i).copied().unwrap_or(0.0));
            }
            let own = &fields[r * padded..r * padded + hidden];
            for (k, slot) in log_weight[index].iter_mut().enumerate() {
                let Some(&beta) = (replica + k).checked_sub(1).and_then(|n| path.betas.get(n))
                else {
                    continue;
                };
                let beta = f64::from(beta);
                let inner: f64 = own
                    .iter()
                    .map(|&x| path.units.1.log_sum(beta * f64::from(x)))
                    .sum();
                *slot = beta * bias + (1.0 - beta) * base + inner;
            }
        }
    }
    let first = (round % 2) as usize;
    for low in (first..replicas.saturating_sub(1)).step_by(2) {
        for chain in 0..count {
            let (r, s) = (low * count + chain, (low + 1) * count + chain);
            let gain = log_weight[r][2] + log_weight[s][0] - log_weight[r][1] - log_weight[s][1];
            let u = ((source.next_u64() >> 11) as f64 + 0.5) * 2f64.powi(-53);
            if u < gain.exp() {
                for w in 0..wide {
                    chains.swap(r * wide + w, s * wide + w);
                }
            }
        }
    }
}
