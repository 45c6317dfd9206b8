//! One source, compiled for the vector instructions that the processor turns out to have.
//!
//! A kernel is written once, in plain Rust, as lane-wise loops over fixed arrays, and compiled
//! three times. Nothing is fused unless the kernel asks for it where [`Instructions::FMA`] is set; one
//! that does not gives the same bits on every level. A kernel that needs the registers themselves
//! chooses them by [`Instructions::LEVEL`].

use std::sync::OnceLock;

/// Environment variable that sets [`Level::current`]: `avx512`, `avx2` or `portable`.
const VARIABLE: &str = "KADANOFF_SIMD";

/// Instruction sets that a kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// What every processor of the target has.
    Portable,
    /// AVX2, FMA and the bit instructions that came with them.
    Avx2,
    /// AVX-512 F, BW, DQ and VL on top.
    Avx512,
}

impl Level {
    /// All levels that this processor can run, the best one last.
    ///
    /// ```
    /// use kadanoff_runtime::simd::Level;
    ///
    /// let all = Level::available();
    /// assert_eq!((all[0], all.last()), (Level::Portable, Some(&Level::best())));
    /// assert_eq!(all[0].name(), "portable");
    /// ```
    pub fn available() -> Vec<Self> {
        [Self::Portable, Self::Avx2, Self::Avx512]
            .into_iter()
            .filter(|level| level.runs())
            .collect()
    }

    /// The level that all kernels of this process run at: the one that the environment variable
    /// `KADANOFF_SIMD` names, read once; [`Level::best`] without it.
    ///
    /// A name that [`Level::requested`] refuses counts as absent here. The Python package asks
    /// `requested` when it is imported, and does not go on with such a name.
    ///
    /// ```
    /// use kadanoff_runtime::simd::Level;
    ///
    /// assert!(Level::current().runs());
    /// assert_eq!(Level::current(), Level::current());
    /// ```
    pub fn current() -> Self {
        static CURRENT: OnceLock<Level> = OnceLock::new();
        *CURRENT.get_or_init(|| Self::requested().unwrap_or_else(|_| Self::best()))
    }

    /// The level that `KADANOFF_SIMD` names; [`Level::best`] where it is absent or empty.
    ///
    /// # Errors
    /// A name that is no level, or a level that this processor cannot run: what to write instead.
    ///
    /// ```
    /// use kadanoff_runtime::simd::Level;
    ///
    /// // Without the variable, or with the name of an available level.
    /// assert!(Level::requested()?.runs());
    /// # Ok::<(), String>(())
    /// ```
    pub fn requested() -> Result<Self, String> {
        let given = std::env::var_os(VARIABLE).unwrap_or_default();
        Self::named(&given.to_string_lossy())
    }

    fn named(name: &str) -> Result<Self, String> {
        let available = Self::available();
        if name.is_empty() {
            return Ok(Self::best());
        }
        available
            .iter()
            .find(|level| level.name() == name)
            .copied()
            .ok_or_else(|| {
                let names: Vec<&str> = available.iter().map(|level| level.name()).collect();
                format!(
                    "the environment variable {VARIABLE} must be one of the levels that this \
                     processor runs ({}), got '{name}'; without it the best one is used",
                    names.join(", ")
                )
            })
    }

    /// The name of the level, as `KADANOFF_SIMD` writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// The best level of this processor.
    pub fn best() -> Self {
        [Self::Avx512, Self::Avx2]
            .into_iter()
            .find(|level| level.runs())
            .unwrap_or(Self::Portable)
    }

    /// Whether this processor has the instructions.
    pub fn runs(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2")
                && is_x86_feature_detected!("lzcnt")
                && is_x86_feature_detected!("popcnt");
            match self {
                Self::Portable => true,
                Self::Avx2 => avx2,
                Self::Avx512 => {
                    avx2 && is_x86_feature_detected!("avx512f")
                        && is_x86_feature_detected!("avx512bw")
                        && is_x86_feature_detected!("avx512dq")
                        && is_x86_feature_detected!("avx512vl")
                }
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            self == Self::Portable
        }
    }
}

/// The instructions that a kernel is compiled for: one type for every [`Level`].
pub trait Instructions {
    /// The level.
    const LEVEL: Level;
    /// Whether a product and a sum are one instruction, with one rounding.
    const FMA: bool;
}

/// Instructions of [`Level::Portable`].
pub enum Portable {}

/// Instructions of [`Level::Avx2`].
pub enum Avx2 {}

/// Instructions of [`Level::Avx512`].
pub enum Avx512 {}

impl Instructions for Portable {
    const LEVEL: Level = Level::Portable;
    const FMA: bool = false;
}

impl Instructions for Avx2 {
    const LEVEL: Level = Level::Avx2;
    const FMA: bool = true;
}

impl Instructions for Avx512 {
    const LEVEL: Level = Level::Avx512;
    const FMA: bool = true;
}

/// A leaf loop. `run`, and whatever it spends its time in, must be `#[inline(always)]` to be
/// compiled for every level.
pub trait Kernel {
    /// What it returns.
    type Output;
    /// Does the work. Only [`dispatch`] calls it for instructions that are not portable: it has
    /// asked the processor.
    fn run<I: Instructions>(self) -> Self::Output;
}

/// Runs a kernel with the instructions of `level`, or with plain ones where those are missing.
///
/// ```
/// use kadanoff_runtime::simd::{Instructions, Kernel, Level, dispatch};
///
/// struct Sum<'a>(&'a [f64]);
///
/// impl Kernel for Sum<'_> {
///     type Output = f64;
///
///     #[inline(always)]
///     fn run<I: Instructions>(self) -> f64 {
///         self.0.iter().sum()
///     }
/// }
///
/// assert_eq!(dispatch(Level::current(), Sum(&[1.0, 2.0, 3.0])), 6.0);
/// ```
pub fn dispatch<K: Kernel>(level: Level, kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
        fn avx2<K: Kernel>(kernel: K) -> K::Output {
            kernel.run::<Avx2>()
        }
        #[target_feature(
            enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512dq,avx512vl"
        )]
        fn avx512<K: Kernel>(kernel: K) -> K::Output {
            kernel.run::<Avx512>()
        }
        if level.runs() {
            match level {
                // SAFETY: the processor was just asked.
                Level::Avx512 => return unsafe { avx512(kernel) },
                // SAFETY: as above.
                Level::Avx2 => return unsafe { avx2(kernel) },
                Level::Portable => {}
            }
        }
    }
    let _ = level;
    kernel.run::<Portable>()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sum<'a>(&'a [f64]);

    impl Kernel for Sum<'_> {
        type Output = f64;

        #[inline(always)]
        fn run<I: Instructions>(self) -> f64 {
            self.0.iter().sum()
        }
    }

    #[test]
    fn every_level_gives_the_same_bits_without_fusing() {
        let x: Vec<f64> = (0..1000).map(|i| f64::from(i).sin()).collect();
        let plain = dispatch(Level::Portable, Sum(&x));
        assert!(Level::available().contains(&Level::best()));
        for level in [Level::Portable, Level::Avx2, Level::Avx512] {
            assert_eq!(dispatch(level, Sum(&x)).to_bits(), plain.to_bits());
        }
    }

    #[test]
    fn a_level_is_known_by_its_name() {
        for level in Level::available() {
            assert_eq!(Level::named(level.name()), Ok(level));
        }
        assert_eq!(Level::named(""), Ok(Level::best()));
        for bad in ["AVX2", "sse", "avx512 ", "0"] {
            assert!(Level::named(bad).is_err_and(|e| e.contains(VARIABLE) && e.contains(bad)));
        }
    }
}
