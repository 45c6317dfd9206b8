//! Annealed importance sampling of Z (Neal 2001, doi:10.1023/A:1008923215028; Salakhutdinov,
//! Murray 2008, doi:10.1145/1390156.1390266).
//!
//! Chains start in the product distribution `~ e^{a0.v}` and go through
//! `p_beta(v) ~ e^{(1 - beta) a0.v + beta a.v} prod_j Z_j(beta x_j)`; the mean of the products of the
//! ratios `p_beta'(v) / p_beta(v)` met on the way estimates Z / Z_0. Weights are in double precision.

use crate::Error;
use crate::bits::{BLOCK, words};
use crate::lanes::RandomLanes;
use crate::layer::Tempered;
use crate::machine::{Machine, log_sums};
use kadanoff_runtime::Control;
use kadanoff_runtime::simd::{Instructions, Kernel, Level, dispatch};
use rayon::prelude::*;

/// How chains are annealed.
#[derive(Debug, Clone)]
pub struct Annealing {
    /// Number of chains.
    pub chains: usize,
    /// Inverse temperatures, rising from 0 to 1.
    pub betas: Vec<f64>,
    /// Sweeps of block Gibbs at every temperature.
    pub steps: usize,
    /// Visible biases at beta = 0.
    pub base: Vec<f64>,
    /// Seed of the streams, one for each 64 chains.
    pub seed: u64,
}

/// Change of `ln p` of a visible row from one temperature to the next.
struct Gain<'a> {
    machine: &'a Machine,
    base: &'a [f64],
    visible: &'a [u64],
    fields: &'a mut [f64],
    scaled: &'a mut [f64],
    betas: (f64, f64),
}

impl Kernel for Gain<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<I: Instructions>(self) -> f64 {
        let (v, h) = self.machine.units;
        self.machine.fields(self.visible, self.fields);
        let mut inner = |beta: f64| {
            for (to, x) in self.scaled.iter_mut().zip(self.fields.iter()) {
                *to = beta * x;
            }
            log_sums(h, self.scaled)
        };
        let gain = inner(self.betas.1) - inner(self.betas.0);
        let mut slope = 0.0;
        for (i, (a, base)) in self.machine.a.iter().zip(self.base).enumerate() {
            slope += v.value(self.visible[i / 64] >> (i % 64) & 1 == 1) * (a - base);
        }
        gain + (self.betas.1 - self.betas.0) * slope
    }
}

/// The logarithm of the importance weight of every chain, `Z = Z_0 <e^w>`.
///
/// ```
/// use kadanoff_rbm::{Annealing, Machine, Units, anneal};
/// use kadanoff_runtime::Control;
///
/// # let machine = Machine::new(
/// #     vec![0.1, -0.2],
/// #     vec![0.3],
/// #     vec![0.5, -0.4],
/// #     (Units::Binary, Units::Binary),
/// # )?;
/// let annealing = Annealing {
///     chains: 8,
///     betas: vec![0.0, 0.5, 1.0],
///     steps: 1,
///     base: vec![0.0, 0.0],
///     seed: 1,
/// };
/// assert_eq!(anneal(&machine, &annealing, &Control::new())?.len(), 8);
/// # Ok::<(), kadanoff_rbm::Error>(())
/// ```
pub fn anneal(
    machine: &Machine,
    annealing: &Annealing,
    control: &Control,
) -> Result<Vec<f64>, Error> {
    let betas = &annealing.betas;
    let rises = betas.windows(2).all(|pair| pair[0] < pair[1]);
    if betas.len() < 2 || !rises || betas[0] != 0.0 || betas[betas.len() - 1] != 1.0 {
        return Err(Error::option("betas must rise from 0 to 1"));
    }
    if annealing.base.len() != machine.visible() {
        return Err(Error::shape("the base rates"));
    }
    let level = Level::current();
    let (forward, backward) = machine.layers(level);
    let base: Vec<f32> = annealing.base.iter().map(|&x| x as f32).collect();
    let (wide, high) = (words(machine.visible()), words(machine.hidden()));
    control.add_total((annealing.chains * (betas.len() - 1)) as u64);
    let blocks: Vec<Vec<f64>> = (0..annealing.chains.div_ceil(BLOCK))
        .into_par_iter()
        .map(|block| {
            let rows = BLOCK.min(annealing.chains - block * BLOCK);
            let mut random = RandomLanes::new(annealing.seed, block as u64);
            let (mut v, mut h) = (vec![0; rows * wide], vec![0; rows * high]);
            let (mut fields, mut scaled) =
                (vec![0.0; machine.hidden()], vec![0.0; machine.hidden()]);
            let below = |beta| Tempered { beta, base: &base };
            backward.sample(level, &h, below(0.0), &mut random, &mut v, None);
            let mut weights = vec![0.0; rows];
            for pair in betas.windows(2) {
                control.check()?;
                for (weight, visible) in weights.iter_mut().zip(v.chunks_exact(wide)) {
                    *weight += dispatch(
                        level,
                        Gain {
                            machine,
                            base: &annealing.base,
                            visible,
                            fields: &mut fields,
                            scaled: &mut scaled,
                            betas: (pair[0], pair[1]),
                        },
                    );
                }
                let beta = pair[1] as f32;
                for _ in 0..annealing.steps {
                    let above = Tempered { beta, base: &[] };
                    forward.sample(level, &v, above, &mut random, &mut h, None);
                    backward.sample(level, &h, below(beta), &mut random, &mut v, None);
                }
                control.tick(rows as u64);
            }
            Ok(weights)
        })
        .collect::<Result<_, Error>>()?;
    Ok(blocks.concat())
}
