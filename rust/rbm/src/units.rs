//! The values of a unit.

/// Which two values the units of a layer take; bit 1 always means the upper one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Units {
    /// 0 and 1.
    Binary,
    /// -1 and +1.
    Spin,
    /// 0 and 1 in groups of so many neighbours, of which exactly one is 1: softmax units, for the
    /// visible layer only (Salakhutdinov, Mnih, Hinton 2007, doi:10.1145/1273496.1273596).
    OneHot(usize),
}

impl Units {
    /// The lower value.
    pub(crate) fn low(self) -> f64 {
        match self {
            Self::Binary | Self::OneHot(_) => 0.0,
            Self::Spin => -1.0,
        }
    }

    /// Distance of the two values; also the gain of the sigmoid, `P(up) = sigmoid(span * field)`.
    pub(crate) fn span(self) -> f64 {
        match self {
            Self::Binary | Self::OneHot(_) => 1.0,
            Self::Spin => 2.0,
        }
    }

    /// The value of a bit.
    pub(crate) fn value(self, bit: bool) -> f64 {
        if bit {
            self.low() + self.span()
        } else {
            self.low()
        }
    }

    /// `ln sum_s exp(s x)` over the two values of a unit on its own: `ln(1 + e^x)` or
    /// `ln(2 cosh x)`.
    pub(crate) fn log_sum(self, x: f64) -> f64 {
        match self {
            Self::Binary | Self::OneHot(_) => x.max(0.0) + (-x.abs()).exp().ln_1p(),
            Self::Spin => x.abs() + (-2.0 * x.abs()).exp().ln_1p(),
        }
    }

    /// Probability of the upper value in the field x.
    pub(crate) fn up(self, x: f64) -> f64 {
        1.0 / (1.0 + (-self.span() * x).exp())
    }

    /// Mean value in the field x.
    pub(crate) fn mean(self, x: f64) -> f64 {
        match self {
            Self::Binary | Self::OneHot(_) => self.up(x),
            Self::Spin => x.tanh(),
        }
    }
}
