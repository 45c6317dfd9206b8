//! One step of the optimiser.

use super::Optimizer;
use kadanoff_runtime::simd::{Instructions, Kernel};

/// Adam or momentum on all parameters at once; ascends.
pub(crate) struct Step<'a> {
    pub parameters: &'a mut [f32],
    pub first: &'a mut [f32],
    pub second: &'a mut [f32],
    pub gradient: &'a [f32],
    pub rate: f32,
    pub optimizer: Optimizer,
    pub updates: u64,
}

impl Kernel for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let all = self.parameters.iter_mut().zip(self.first.iter_mut());
        match self.optimizer {
            Optimizer::Momentum(momentum) => {
                for ((x, m), g) in all.zip(self.gradient) {
                    *m = momentum * *m + g;
                    *x += self.rate * *m;
                }
            }
            Optimizer::Adam => {
                let power = |rate: f64| (1.0 - rate.powf(self.updates as f64)) as f32;
                let (c1, c2) = (power(0.9), power(0.999));
                for (((x, m), s), g) in all.zip(self.second.iter_mut()).zip(self.gradient) {
                    *m = 0.9 * *m + 0.1 * g;
                    *s = 0.999 * *s + 0.001 * (g * g);
                    *x += self.rate * (*m / c1) / ((*s / c2).sqrt() + 1e-8);
                }
            }
        }
    }
}
