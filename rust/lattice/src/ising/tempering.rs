//! Parallel tempering: replicas exchange their temperatures.
//!
//! K. Hukushima, K. Nemoto, J. Phys. Soc. Jpn. 65, 1604 (1996), doi:10.1143/JPSJ.65.1604. All
//! temperatures of a ladder are words of the same layout; several ladders run side by side in
//! the lanes.

use super::ensemble::{MarkovChain, Measured, Update, check_temperature};
use super::model::Model;
use super::multispin::Multispin;
use crate::Error;
use kadanoff_runtime::Control;
use kadanoff_runtime::random::{Stream, stream};
use rand::Rng;
use rayon::prelude::*;

/// What a run brings back.
#[derive(Debug, Clone, Default)]
pub struct Tempered {
    /// One entry for every temperature.
    pub measured: Vec<Measured>,
    /// Exchanges that were tried and that happened, for every pair of neighbouring temperatures.
    pub tried: Vec<u64>,
    /// See `tried`.
    pub accepted: Vec<u64>,
}

/// Ladders of temperatures.
///
/// ```
/// use kadanoff_lattice::ising::{LatticeKind, Model, Tempering, Update};
/// use kadanoff_runtime::Control;
///
/// let model = Model {
///     shape: vec![8, 8],
///     lattice: LatticeKind::Hypercubic,
///     couplings: vec![1.0, 1.0],
///     field: 0.0,
///     periodic: vec![true, true],
/// };
/// let mut run = Tempering::new(model, vec![2.0, 2.5, 3.0], Update::HeatBath, 4, 1)?;
/// assert_eq!(run.ladders(), 4);
/// let control = Control::new();
/// run.advance(50, 1, &control)?;
/// let found = run.measure(100, 1, 1, false, &control);
/// assert_eq!((found.measured.len(), found.measured[0].times), (3, 100));
/// assert!(found.accepted[0] > 0 && found.accepted[0] < found.tried[0]);
/// # Ok::<(), kadanoff_lattice::Error>(())
/// ```
pub struct Tempering {
    model: Model,
    temperatures: Vec<f64>,
    rungs: Vec<Multispin>,
    random: Stream,
    rounds: u64,
    tried: Vec<u64>,
    accepted: Vec<u64>,
}

impl Tempering {
    /// `ladders` independent ladders over the same temperatures, with random spins.
    pub fn new(
        model: Model,
        temperatures: Vec<f64>,
        update: Update,
        ladders: usize,
        seed: u64,
    ) -> Result<Self, Error> {
        model.check()?;
        for &t in &temperatures {
            check_temperature(t, model.field)?;
        }
        if temperatures.len() < 2 || ladders == 0 {
            return Err(Error::Argument(
                "tempering needs at least two temperatures and one ladder".into(),
            ));
        }
        if !matches!(update, Update::HeatBath | Update::Metropolis) {
            return Err(Error::Argument(
                "tempering takes single-spin updates: heat bath or Metropolis".into(),
            ));
        }
        let rungs = temperatures
            .iter()
            .enumerate()
            .map(|(i, &t)| {
                let mut rung = Multispin::new(&model, t, update, ladders, seed, i as u64);
                rung.randomise();
                rung
            })
            .collect();
        let pairs = temperatures.len() - 1;
        Ok(Self {
            model,
            random: stream(seed, temperatures.len() as u64),
            temperatures,
            rungs,
            rounds: 0,
            tried: vec![0; pairs],
            accepted: vec![0; pairs],
        })
    }

    /// Ladders.
    pub fn ladders(&self) -> usize {
        self.rungs[0].replicas()
    }

    /// Sweeps at every temperature, then exchanges between every other pair of neighbours.
    fn round(&mut self, sweeps: u64, control: &Control) -> Result<(), Error> {
        self.rungs
            .par_iter_mut()
            .try_for_each(|rung| rung.advance(sweeps, control))?;
        let energies: Vec<Vec<f64>> = self
            .rungs
            .par_iter()
            .map(|rung| {
                rung.measure()
                    .iter()
                    .map(|c| c.energy(&self.model))
                    .collect()
            })
            .collect();
        let lanes = self.rungs[0].all_replicas();
        let first = (self.rounds % 2) as usize;
        self.rounds += 1;
        for lower in (first..self.rungs.len() - 1).step_by(2) {
            let beta = |i: usize| 1.0 / self.temperatures[i];
            let d_beta = beta(lower) - beta(lower + 1);
            let mut marked = vec![false; lanes];
            for (ladder, mark) in marked.iter_mut().enumerate().take(self.ladders()) {
                // min(1, exp((beta_1 - beta_2)(E_1 - E_2))); a random number for each, used or not.
                let d_energy = energies[lower][ladder] - energies[lower + 1][ladder];
                let u = (self.random.next_u64() >> 11) as f64 * (0.5f64).powi(53);
                *mark = u < (d_beta * d_energy).exp();
            }
            self.tried[lower] += self.ladders() as u64;
            self.accepted[lower] += marked.iter().filter(|&&m| m).count() as u64;
            let (a, b) = self.rungs.split_at_mut(lower + 1);
            a[lower].exchange(&mut b[0], &marked);
        }
        Ok(())
    }

    /// Rounds of `sweeps` sweeps without measurements.
    pub fn advance(&mut self, rounds: u64, sweeps: u64, control: &Control) -> Result<(), Error> {
        control.add_total(rounds * sweeps * self.rungs.len() as u64);
        (0..rounds).try_for_each(|_| self.round(sweeps, control))
    }

    /// `times` measurements, each after `spacing` rounds of `sweeps` sweeps.
    ///
    /// A cancellation leaves what was measured until then.
    pub fn measure(
        &mut self,
        times: usize,
        spacing: u64,
        sweeps: u64,
        configurations: bool,
        control: &Control,
    ) -> Tempered {
        control.add_total(times as u64 * spacing * sweeps * self.rungs.len() as u64);
        self.tried.fill(0);
        self.accepted.fill(0);
        let ladders = self.ladders();
        let sites = self.model.sites();
        let bytes = if configurations { sites.div_ceil(8) } else { 0 };
        let mut measured = vec![
            Measured {
                bytes,
                energy: vec![0.0; ladders * times],
                magnetisation: vec![0; ladders * times],
                packed: vec![0; ladders * times * bytes],
                times: 0,
            };
            self.rungs.len()
        ];
        let symmetric = self.model.field == 0.0;
        let mut finished = 0;
        for t in 0..times {
            if (0..spacing).any(|_| self.round(sweeps, control).is_err()) {
                break;
            }
            let model = &self.model;
            self.rungs
                .par_iter_mut()
                .zip(&mut measured)
                .for_each(|(rung, out)| {
                    if symmetric {
                        rung.flip_globally();
                    }
                    for (r, counts) in rung.measure().iter().enumerate() {
                        let i = r * times + t;
                        out.energy[i] = counts.energy(model);
                        out.magnetisation[i] = 2 * counts.up as i64 - sites as i64;
                        if bytes > 0 {
                            rung.pack(r, &mut out.packed[i * bytes..(i + 1) * bytes]);
                        }
                    }
                });
            finished = t + 1;
        }
        for out in &mut measured {
            out.shorten(times, finished);
        }
        Tempered {
            measured,
            tried: self.tried.clone(),
            accepted: self.accepted.clone(),
        }
    }
}
