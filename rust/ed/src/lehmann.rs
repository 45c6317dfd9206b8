//! Poles of the impurity's Green function at a temperature (Lehmann representation).
//!
//! `G(z) = 1/Z sum_{nm} (e^{-beta E_n} + e^{-beta E_m}) |<m|d_up^+|n>|^2 / (z - E_m + E_n)` and likewise
//! `F(z) = <<d_up n_dn; d_up^+>>`, from which `Sigma = U F / G` (R. Bulla, A. C. Hewson, T. Pruschke,
//! J. Phys.: Condens. Matter 10, 8365 (1998), Eq. 6).

use crate::SMALL;
use crate::full::Spectrum;
use crate::map_blocks;
use crate::multiplets::{Creation, Transition};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};

/// Poles of `G` and `F`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lehmann {
    /// Energies.
    pub energies: Vec<f64>,
    /// Residues of `G`, positive.
    pub weights: Vec<f64>,
    /// Residues of `F = <<d_up n_dn; d_up^+>>`.
    pub estimator: Vec<f64>,
    /// Sum of the residues of `G` that were left out.
    pub dropped: f64,
}

/// Levels whose Boltzmann weight, relative to Z, is below this contribute rounding errors only.
const EMPTY: f64 = 1e-17;

/// All poles but the smallest, which together weigh at most `prune`.
pub fn lehmann(spectrum: &Spectrum, beta: f64, prune: f64) -> Lehmann {
    let z = spectrum.partition(beta);
    let boltzmann: Vec<Vec<f64>> = (0..spectrum.blocks.len())
        .map(|b| {
            let weights = spectrum.boltzmann(b, beta);
            weights.into_iter().map(|w| w / z).collect()
        })
        .collect();
    // Half of what may go is spread evenly over the pairs of states and dropped on sight.
    let transitions = &spectrum.table.transitions;
    let dimension = |s: usize| spectrum.blocks[s].values.len();
    let pairs: usize = transitions
        .iter()
        .map(|t| dimension(t.from) * dimension(t.to))
        .sum();
    let negligible = 0.5 * prune / pairs.max(1) as f64;
    let mut all = Lehmann::default();
    if spectrum.model.orbitals() <= SMALL {
        all.reserve(pairs);
        for t in transitions {
            transition_poles(spectrum, t, &boltzmann, negligible, &mut all);
        }
    } else {
        let parts = map_blocks(
            transitions,
            false,
            |t| dimension(t.from) * dimension(t.to),
            |t| {
                let mut part = Lehmann::default();
                transition_poles(spectrum, t, &boltzmann, negligible, &mut part);
                part
            },
        );
        all.reserve(parts.iter().map(|p| p.energies.len()).sum());
        for part in parts {
            all.energies.extend(part.energies);
            all.weights.extend(part.weights);
            all.estimator.extend(part.estimator);
            all.dropped += part.dropped;
        }
    }
    all.prune(prune - all.dropped);
    all
}

fn transition_poles(
    spectrum: &Spectrum,
    t: &Transition,
    boltzmann: &[Vec<f64>],
    negligible: f64,
    poles: &mut Lehmann,
) {
    let (a, b) = (&spectrum.blocks[t.from], &spectrum.blocks[t.to]);
    let (pa, pb) = (&boltzmann[t.from], &boltzmann[t.to]);
    let (na, nb) = (pa.len(), pb.len());
    // Levels ascend, so that the occupied ones come first.
    let ka = pa.partition_point(|&p| p > EMPTY);
    let kb = pb.partition_point(|&p| p > EMPTY);
    // Occupied states below with all above; then empty states below with occupied ones above.
    for (from, to) in [((0, ka), (0, nb)), ((ka, na), (0, kb))] {
        if from.0 == from.1 || to.0 == to.1 {
            continue;
        }
        let product = |list: &[Creation]| {
            let (rows, columns) = (from.1 - from.0, to.1 - to.0);
            let mut out = Mat::<f64>::zeros(rows, columns);
            if list.is_empty() {
                return out;
            }
            let left = Mat::from_fn(list.len(), rows, |i, j| {
                list[i].value * a.vectors[(list[i].from as usize, from.0 + j)]
            });
            let right = Mat::from_fn(list.len(), columns, |i, j| {
                b.vectors[(list[i].to as usize, to.0 + j)]
            });
            let (left, right) = (left.as_ref().transpose(), right.as_ref());
            matmul(out.as_mut(), Accum::Replace, left, right, 1.0, Par::Seq);
            out
        };
        let (empty, single) = (product(&t.empty), product(&t.single));
        for j in 0..to.1 - to.0 {
            let n = to.0 + j;
            let (empty, single) = (empty.col_as_slice(j), single.col_as_slice(j));
            let below = pa[from.0..from.1].iter().zip(&a.values[from.0..from.1]);
            for ((x, y), (p, e)) in empty.iter().zip(single).zip(below) {
                let p = p + pb[n];
                let element = x + y;
                let (weight, estimator) = (p * element * element, p * element * y);
                if weight > negligible || estimator.abs() > negligible {
                    poles.energies.push(b.values[n] - e);
                    poles.weights.push(weight);
                    poles.estimator.push(estimator);
                } else {
                    poles.dropped += weight;
                }
            }
        }
    }
}

impl Lehmann {
    fn reserve(&mut self, poles: usize) {
        self.energies.reserve(poles);
        self.weights.reserve(poles);
        self.estimator.reserve(poles);
    }

    /// Drops the smallest poles as long as they weigh less than `budget` together.
    fn prune(&mut self, budget: f64) {
        let size = |l: &Self, i: usize| l.weights[i].max(l.estimator[i].abs());
        // Sums by power of two: the threshold need not be sharp.
        let exponent = |x: f64| ((x.to_bits() >> 52) & 0x7ff) as usize;
        let mut sums = vec![0.0; 2048];
        for i in 0..self.energies.len() {
            let x = size(self, i);
            sums[exponent(x)] += x;
        }
        let mut total = 0.0;
        let Some(first) = sums.iter().position(|s| {
            total += s;
            total > budget
        }) else {
            return;
        };
        let mut kept = 0;
        for i in 0..self.energies.len() {
            if exponent(size(self, i)) >= first {
                self.energies[kept] = self.energies[i];
                self.weights[kept] = self.weights[i];
                self.estimator[kept] = self.estimator[i];
                kept += 1;
            } else {
                self.dropped += self.weights[i];
            }
        }
        self.energies.truncate(kept);
        self.weights.truncate(kept);
        self.estimator.truncate(kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Anderson, diagonalise};
    use kadanoff_runtime::Control;

    /// Reference: `aim_ed.json`, point nb1_asym at beta = 1 (two independent codes).
    #[test]
    fn one_bath_site_away_from_half_filling() -> Result<(), crate::Error> {
        let model = Anderson {
            u: 4.0,
            eps: -1.3,
            e: vec![0.3],
            v: vec![0.7],
        };
        let spectrum = diagonalise(&model, &Control::new())?;
        let thermal = spectrum.thermal(1.0);
        assert!((spectrum.ground + 1.732_890_024_946_640_4).abs() < 1e-13);
        assert!((thermal.log_z - 3.446_073_573_988_215_3).abs() < 1e-13);
        assert!((thermal.n - 0.906_681_584_873_759_8).abs() < 1e-13);
        assert!((thermal.docc - 0.044_044_563_547_048_936).abs() < 1e-13);
        let poles = lehmann(&spectrum, 1.0, 1e-12);
        let moment = |k: i32| -> f64 {
            poles
                .energies
                .iter()
                .zip(&poles.weights)
                .map(|(e, w)| w * e.powi(k))
                .sum()
        };
        assert!((moment(0) - 1.0).abs() < 1e-12);
        assert!((moment(1) - 0.513_363_169_747_519_6).abs() < 1e-12);
        assert!((moment(2) - 4.718_708_437_646_527).abs() < 1e-11);
        // F(iw) decays as <n_dn> / iw.
        let f: f64 = poles.estimator.iter().sum();
        assert!((f - 0.5 * thermal.n).abs() < 1e-12);
        Ok(())
    }
}
