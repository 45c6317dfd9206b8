//! Run-time choice of the instruction set for the leaf loops.
//!
//! A kernel is written once, in plain Rust, as lane-wise loops over fixed arrays; it is compiled
//! three times. No operation is reassociated or fused, so that every path gives the same bits.

/// Instruction sets that a kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// What every processor of the target has.
    Portable,
    /// AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 F, BW, DQ and VL.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// All levels that this processor can run, the best one last.
    pub fn available() -> Vec<Self> {
        #[allow(unused_mut)]
        let mut levels = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi2") {
                levels.push(Self::Avx2);
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                {
                    levels.push(Self::Avx512);
                }
            }
        }
        levels
    }

    /// The best level of this processor.
    pub fn best() -> Self {
        Self::available().pop().unwrap_or(Self::Portable)
    }
}

/// A leaf loop; `run` must be `#[inline(always)]` to be compiled for every level.
pub trait Kernel {
    /// What it returns.
    type Out;
    /// Does the work.
    fn run(self) -> Self::Out;
}

/// Runs a kernel with the instructions of `level`.
pub fn dispatch<K: Kernel>(level: Level, kernel: K) -> K::Out {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
        fn avx2<K: Kernel>(kernel: K) -> K::Out {
            kernel.run()
        }
        #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,lzcnt,popcnt")]
        fn avx512<K: Kernel>(kernel: K) -> K::Out {
            kernel.run()
        }
        match level {
            // SAFETY: `Level::available` is the only source of these levels outside of this module
            // and has asked the processor; whatever has AVX2 and BMI2 has the other three.
            Level::Avx512 => return unsafe { avx512(kernel) },
            // SAFETY: as above.
            Level::Avx2 => return unsafe { avx2(kernel) },
            Level::Portable => {}
        }
    }
    let _ = level;
    kernel.run()
}
