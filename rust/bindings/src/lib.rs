//! `kadanoff._core`: the only crate that knows Python.
//!
//! Arrays come in, one Rust call does the work on other threads, arrays go out. Every long call
//! goes through [`control::Call`]; every error through [`errors`]. There is no physics here.

mod bonds;
mod control;
mod ctqmc;
mod diagrams;
mod dimers;
mod dynamics;
mod ed;
mod errors;
mod exact;
mod fock;
mod ising;
mod memory;
mod nrg;
mod plaquette;
mod rbm;
mod variables;

use pyo3::prelude::*;

#[global_allocator]
static ALLOCATOR: memory::Mapped = memory::Mapped;

/// Compiled core of kadanoff.
#[pymodule]
mod _core {
    #[pymodule_export]
    use super::bonds::BondEnsemble;
    #[pymodule_export]
    use super::control::Control;
    #[pymodule_export]
    use super::ctqmc::{CtqmcRun, ctqmc_nodes, ctqmc_read};
    #[pymodule_export]
    use super::diagrams::{
        KajueterKotliar, interaction_energy, interpolated, nca_propagators, second_order_poles,
    };
    #[pymodule_export]
    use super::dimers::{DimerSimulation, dimers_enumerate, dimers_sample};
    #[pymodule_export]
    use super::dynamics::nrg_dynamics;
    #[pymodule_export]
    use super::ed::{
        EdSpectrum, ed_bath_fit, ed_finite, ed_lanczos, ed_merged, ed_spectrum, poles_at_points,
        poles_at_times, poles_of_resolvent,
    };
    #[pymodule_export]
    use super::exact::{ising_states, ising_windows};
    #[pymodule_export]
    use super::fock::{FockLevels, FockLowest, fock_dimensions};
    #[pymodule_export]
    use super::ising::{IsingEnsemble, IsingTempering, ising_bytes};
    #[pymodule_export]
    use super::nrg::{InitialCluster, Levels, WilsonChain, nrg_clean_chain, nrg_solve};
    #[pymodule_export]
    use super::plaquette::plaquette_sample;
    #[pymodule_export]
    use super::rbm::{BoltzmannMachine, rbm_train};
    #[pymodule_export]
    use super::variables::{variables_of_blocks, variables_of_rows};

    #[pymodule_init]
    fn init(m: &super::Bound<'_, super::PyModule>) -> super::PyResult<()> {
        use super::PyModuleMethods;
        m.add("__version__", env!("CARGO_PKG_VERSION"))?;
        let level = kadanoff_runtime::simd::Level::requested().map_err(super::errors::argument)?;
        m.add("simd_level", level.name())
    }
}
