//! One step of the optimiser.

use super::Optimizer;

/// A step of Adam or with momentum; ascends.
pub(crate) struct Step {
    optimizer: Optimizer,
    rate: f32,
    /// Adam's corrections of the means that begin at zero.
    corrections: (f32, f32),
}

impl Step {
    /// Step number `updates`, from 1 on.
    pub(crate) fn new(optimizer: Optimizer, rate: f32, updates: u64) -> Self {
        let power = |rate: f64| (1.0 - rate.powf(updates as f64)) as f32;
        Self {
            optimizer,
            rate,
            corrections: (power(0.9), power(0.999)),
        }
    }

    /// Moves some parameters and their running means on.
    #[inline(always)]
    pub(crate) fn advance(
        &self,
        parameters: &mut [f32],
        first: &mut [f32],
        second: &mut [f32],
        gradient: &[f32],
    ) {
        let all = parameters.iter_mut().zip(first);
        match self.optimizer {
            Optimizer::Momentum(momentum) => {
                for ((x, m), g) in all.zip(gradient) {
                    *m = momentum * *m + g;
                    *x += self.rate * *m;
                }
            }
            Optimizer::Adam => {
                let (c1, c2) = self.corrections;
                for (((x, m), s), g) in all.zip(second).zip(gradient) {
                    *m = 0.9 * *m + 0.1 * g;
                    *s = 0.999 * *s + 0.001 * (g * g);
                    *x += self.rate * (*m / c1) / ((*s / c2).sqrt() + 1e-8);
                }
            }
        }
    }
}
