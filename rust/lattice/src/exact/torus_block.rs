//! A block of 2 x 2 spins on the 6 x 6 torus and its environment, summed exactly.
//!
//! As `kadanoff.rsmi.torus(6, T)`: of the 36 spins 4 are the block and 12 the buffer around it; the
//! other 20 are the environment, of which 16 touch the buffer and act on it by the fields that they
//! add up to. Environments with the same fields are one.

use super::{Error, Window, windows};
use kadanoff_runtime::Control;

/// Sites of the torus along an axis, and of the window of block and buffer.
const SIDE: usize = 6;
const WINDOW: usize = 4;
/// States of the block.
const STATES: usize = 16;
/// Different fields of an environment: two signs on eight sites, three sums on the four corners.
const ENVIRONMENTS: usize = 81 << 8;

/// `P(v, e) = P(e) P(v | e)` of the Ising model; information in nats.
///
/// ```
/// use kadanoff_lattice::exact::TorusBlock;
///
/// let critical = 0.5 * (1.0 + 2.0_f64.sqrt()).ln();
/// let joint = TorusBlock::new(critical)?;
/// assert!((joint.mutual_information() - 0.549401).abs() < 1e-6);
/// // The sign of the sum of all four spins keeps 84 % of it.
/// let majority = joint.information(&[1000.0; 4], 0.0);
/// assert!((majority - 0.461045).abs() < 1e-6);
/// # Ok::<(), kadanoff_lattice::exact::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct TorusBlock {
    /// `P(e)`.
    weights: Vec<f64>,
    /// `P(v | e)`, the 16 states of an environment one after the other; bit k of a state is spin k of
    /// the block, row by row, 1 for up.
    conditional: Vec<f64>,
}

impl TorusBlock {
    /// The distribution at coupling over temperature `k`.
    ///
    /// # Errors
    /// A coupling that is not finite, or above 20 in magnitude.
    pub fn new(k: f64) -> Result<Self, Error> {
        if k.is_nan() || k.abs() > 20.0 {
            return Err(Error::Argument(format!(
                "the coupling over temperature must lie in -20 ... 20, got {k}"
            )));
        }
        let outside = outside(k);
        let window = Window {
            height: WINDOW,
            width: WINDOW,
            kx: k,
            ky: k,
            block: vec![5, 6, 9, 10],
        };
        let fields: Vec<f64> = (0..ENVIRONMENTS)
            .flat_map(|e| fields(e).map(|h| k * h))
            .collect();
        let log = windows(&window, &fields, &Control::new())?;
        let most = log.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let joint: Vec<f64> = log
            .iter()
            .enumerate()
            .map(|(i, log)| outside[i / STATES] * (log - most).exp())
            .collect();
        let total: f64 = joint.iter().sum();
        let mut weights = Vec::with_capacity(ENVIRONMENTS);
        let mut conditional = Vec::with_capacity(joint.len());
        for row in joint.chunks_exact(STATES) {
            let weight: f64 = row.iter().sum();
            weights.push(weight / total);
            // An environment of weight zero counts nothing, whatever its conditional distribution.
            let scale = if weight > 0.0 { weight } else { 1.0 };
            conditional.extend(row.iter().map(|p| p / scale));
        }
        Ok(Self {
            weights,
            conditional,
        })
    }

    /// `I(V : E)`, the upper bound for every block variable.
    pub fn mutual_information(&self) -> f64 {
        let mut middle = [0.0; STATES];
        for (w, row) in self.rows() {
            for (m, q) in middle.iter_mut().zip(row) {
                *m += w * q;
            }
        }
        let term = |q: f64, m: f64| if q > 0.0 { q * (q / m).ln() } else { 0.0 };
        self.rows()
            .map(|(w, row)| {
                w * row
                    .iter()
                    .zip(middle)
                    .map(|(&q, m)| term(q, m))
                    .sum::<f64>()
            })
            .sum()
    }

    /// `I(H : E)` of `P(h | v) = 1 / (1 + exp(-2 h (filter.v + bias)))`.
    pub fn information(&self, filter: &[f64; 4], bias: f64) -> f64 {
        let up = probabilities(filter, bias);
        let middle = self.mean(&up);
        let of = |row: &[f64]| relative(row, &up, middle);
        self.rows().map(|(w, row)| w * of(row)).sum()
    }

    /// What one environment adds to `I(H : E)`: averaged over samples, an unbiased estimate of it.
    ///
    /// ```
    /// use kadanoff_lattice::exact::TorusBlock;
    ///
    /// let joint = TorusBlock::new(0.4)?;
    /// // All spins up: the block is known better than on average.
    /// let here = joint.pointwise(&[1.0; 4], 0.0, &[&[true; 36]]);
    /// assert!(here[0] > joint.information(&[1.0; 4], 0.0));
    /// # Ok::<(), kadanoff_lattice::exact::Error>(())
    /// ```
    pub fn pointwise(&self, filter: &[f64; 4], bias: f64, samples: &[&[bool; 36]]) -> Vec<f64> {
        let up = probabilities(filter, bias);
        let middle = self.mean(&up);
        let row = |e: usize| &self.conditional[e * STATES..(e + 1) * STATES];
        samples
            .iter()
            .map(|spins| relative(row(environment(spins)), &up, middle))
            .collect()
    }

    fn rows(&self) -> impl Iterator<Item = (f64, &[f64])> {
        let rows = self.conditional.chunks_exact(STATES);
        self.weights.iter().copied().zip(rows)
    }

    /// `P(h = +1)`.
    fn mean(&self, up: &[f64; STATES]) -> f64 {
        self.rows().map(|(w, row)| w * dot(row, up)).sum()
    }
}

fn dot(row: &[f64], up: &[f64; STATES]) -> f64 {
    row.iter().zip(up).map(|(q, p)| q * p).sum()
}

/// `P(h = +1 | v)` of every state of the block.
fn probabilities(filter: &[f64; 4], bias: f64) -> [f64; STATES] {
    std::array::from_fn(|v| {
        let spin = |k: usize| 2.0 * (v >> k & 1) as f64 - 1.0;
        let field = bias + (0..4).map(|k| filter[k] * spin(k)).sum::<f64>();
        0.5 * (1.0 + field.tanh())
    })
}

/// `sum_h q(h | e) ln(q(h | e) / P(h))`.
fn relative(row: &[f64], up: &[f64; STATES], middle: f64) -> f64 {
    let q = dot(row, up);
    let term = |q: f64, m: f64| if q > 0.0 { q * (q / m).ln() } else { 0.0 };
    term(q, middle) + term(1.0 - q, 1.0 - middle)
}

/// Fields on the sites of the window in units of the coupling: the number of an environment is made of
/// a digit in base 3 for each corner and a bit for each other site at the edge.
fn fields(environment: usize) -> [f64; WINDOW * WINDOW] {
    let (mut corners, mut edges) = (environment >> 8, environment & 255);
    let mut out = [0.0; WINDOW * WINDOW];
    for (site, field) in out.iter_mut().enumerate() {
        match kind(site) {
            0 => {}
            1 => {
                *field = 2.0 * (edges & 1) as f64 - 1.0;
                edges >>= 1;
            }
            _ => {
                *field = 2.0 * (corners % 3) as f64 - 2.0;
                corners /= 3;
            }
        }
    }
    out
}

/// Neighbours of a site of the window outside of it: none, one, or two at a corner.
fn kind(site: usize) -> usize {
    let outer = |x: usize| usize::from(x == 0 || x == WINDOW - 1);
    outer(site / WINDOW) + outer(site % WINDOW)
}

/// The number of an environment, by the number of neighbours that are up at every site of the window.
fn number(up: &[usize; WINDOW * WINDOW]) -> usize {
    let (mut corners, mut edges, mut power, mut bit) = (0, 0, 1, 1);
    for (site, &up) in up.iter().enumerate() {
        match kind(site) {
            0 => {}
            1 => {
                edges += bit * up;
                bit *= 2;
            }
            _ => {
                corners += power * up;
                power *= 3;
            }
        }
    }
    corners << 8 | edges
}

/// The number of the environment in a configuration of the torus, whose window begins at site 0.
fn environment(spins: &[bool; 36]) -> usize {
    let mut up = [0; WINDOW * WINDOW];
    for i in 0..WINDOW {
        let spin = |y: usize, x: usize| usize::from(spins[y * SIDE + x]);
        up[i] += spin(SIDE - 1, i);
        up[(WINDOW - 1) * WINDOW + i] += spin(WINDOW, i);
        up[i * WINDOW] += spin(i, SIDE - 1);
        up[i * WINDOW + WINDOW - 1] += spin(i, WINDOW);
    }
    number(&up)
}

/// The sum over the outer spins for every environment, relative to the largest term.
///
/// Two rows of four spins, two columns of four, and the four spins where these cross.
fn outside(k: f64) -> Vec<f64> {
    let sign = |state: usize, i: usize| 2.0 * (state >> i & 1) as f64 - 1.0;
    // Spins 0-3 and 4-7 of a strip are its two lines.
    let strip: Vec<f64> = (0..256)
        .map(|s| {
            let along: f64 = [0, 1, 2, 4, 5, 6]
                .map(|i| sign(s, i) * sign(s, i + 1))
                .iter()
                .sum();
            let across: f64 = [0, 1, 2, 3]
                .map(|i| sign(s, i) * sign(s, i + 4))
                .iter()
                .sum();
            (k * (along + across) - 10.0 * k.abs()).exp()
        })
        .collect();
    // Every crossing spin (line a of the rows, line b of the columns), number 2 a + b, touches an end
    // of each: the last spins for line 0, as line 0 of the other strip follows site 3.
    let end = |s: usize, line: usize, far: usize| sign(s, 4 * line + if far == 0 { 3 } else { 0 });
    let crossing = |rows: usize, columns: usize| -> f64 {
        (0..16)
            .map(|c| {
                let s = |i: usize| sign(c, i);
                // On the torus both neighbours along an axis of the four are different spins.
                let ring = s(0) * s(1) + s(2) * s(3) + s(0) * s(2) + s(1) * s(3);
                let ends: f64 = (0..4)
                    .map(|i| s(i) * (end(rows, i / 2, i % 2) + end(columns, i % 2, i / 2)))
                    .sum();
                (k * (ring + ends) - 12.0 * k.abs()).exp()
            })
            .sum()
    };
    let mut out = vec![0.0; ENVIRONMENTS];
    for rows in 0..256 {
        for columns in 0..256 {
            let mut up = [0; WINDOW * WINDOW];
            for i in 0..WINDOW {
                // Line 0 of the rows follows the window, line 1 comes before it; the columns alike.
                up[(WINDOW - 1) * WINDOW + i] += rows >> i & 1;
                up[i] += rows >> (4 + i) & 1;
                up[i * WINDOW + WINDOW - 1] += columns >> i & 1;
                up[i * WINDOW] += columns >> (4 + i) & 1;
            }
            out[number(&up)] += strip[rows] * strip[columns] * crossing(rows, columns);
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// ln Z of the 6 x 6 torus by its transfer matrix.
    fn log_z(k: f64) -> f64 {
        let size = 1 << SIDE;
        let sign = |s: usize, i: usize| 2.0 * (s >> (i % SIDE) & 1) as f64 - 1.0;
        let entry = |a: usize, b: usize| {
            let within: f64 = (0..SIDE).map(|i| sign(a, i) * sign(a, i + 1)).sum();
            let between: f64 = (0..SIDE).map(|i| sign(a, i) * sign(b, i)).sum();
            (k * (within + between)).exp()
        };
        let mut trace = 0.0;
        for start in 0..size {
            let mut v = vec![0.0; size];
            v[start] = 1.0;
            for _ in 0..SIDE {
                v = (0..size)
                    .map(|b| (0..size).map(|a| v[a] * entry(a, b)).sum())
                    .collect();
            }
            trace += v[start];
        }
        f64::ln(trace)
    }

    #[test]
    fn the_pieces_add_up_to_the_torus() {
        let k = 0.31;
        let window = Window {
            height: WINDOW,
            width: WINDOW,
            kx: k,
            ky: k,
            block: vec![5, 6, 9, 10],
        };
        let h: Vec<f64> = (0..ENVIRONMENTS)
            .flat_map(|e| fields(e).map(|h| k * h))
            .collect();
        let log = windows(&window, &h, &Control::new()).unwrap();
        let sum: f64 = log
            .chunks_exact(STATES)
            .zip(outside(k))
            .map(|(row, w)| w * row.iter().map(|x| x.exp()).sum::<f64>())
            .sum();
        let got = sum.ln() + 2.0 * 10.0 * k + 12.0 * k;
        assert!((got - log_z(k)).abs() < 1e-11, "{got}");
    }

    #[test]
    fn without_coupling_nothing_is_known() {
        let joint = TorusBlock::new(0.0).unwrap();
        assert!(joint.mutual_information().abs() < 1e-14);
        assert!(TorusBlock::new(f64::NAN).is_err());
    }

    #[test]
    fn fields_and_numbers_agree() {
        for e in [0, 1, 255, 256, 80 << 8, ENVIRONMENTS - 1, 12345] {
            let up = fields(e);
            let count: [usize; 16] =
                std::array::from_fn(|i| ((up[i] + kind(i) as f64) / 2.0) as usize);
            assert_eq!(number(&count), e);
        }
    }
}
