//! Independent replicas of one model, side by side on threads.

use super::cluster::Clusters;
use super::graph::Graph;
use super::model::{MAX_COUPLING, MAX_DIRECTIONS, Model};
use super::multispin::Multispin;
use super::sequential::Sequential;
use super::word::LANES;
use crate::Error;
use kadanoff_runtime::{Clock, Control};
use rayon::prelude::*;
use std::time::Duration;

/// Below this many lanes in use one word is slower than as many spins one by one.
const MIN_LANES: usize = 16;

/// Whether `together` lattices use enough lanes.
fn fills_words(model: &Model, together: usize) -> bool {
    model.sites().saturating_mul(together) >= MIN_LANES * Multispin::words(model, 1)
}

/// Time between two moments at which all chains have measured equally often, half of it.
const SLICE: Duration = Duration::from_millis(25);

/// One of this number of Metropolis sweeps is a heat bath.
///
/// Metropolis updates in a fixed order are not ergodic: flips that cost nothing always happen, so
/// that domain walls of a chain, or of a triangular antiferromagnet, move without any chance and
/// part of their state is conserved for ever. A heat bath forgets everything with some chance.
pub(crate) const RELIEF: u64 = 8;

/// How a configuration is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// A spin forgets its value and is drawn from the distribution given its neighbours.
    HeatBath,
    /// A spin flips with probability `min(1, exp(-beta dE))`; every eighth sweep is a heat bath.
    Metropolis,
    /// One cluster flips.
    Wolff,
    /// Every cluster is turned.
    SwendsenWang,
}

/// What the energy and the magnetisation are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    /// Spins that are up.
    pub up: u64,
    /// Bonds between unlike spins, along each direction.
    pub differ: [u64; MAX_DIRECTIONS],
}

impl Counts {
    /// `E = -sum_k J_k (bonds_k - 2 differ_k) - h (2 up - N)`.
    pub(crate) fn energy(&self, model: &Model) -> f64 {
        let bonds: f64 = model
            .bonds()
            .iter()
            .zip(&model.couplings)
            .zip(&self.differ)
            .map(|((&b, j), &d)| j * (b as f64 - 2.0 * d as f64))
            .sum();
        -bonds - model.field * (2.0 * self.up as f64 - model.sites() as f64)
    }
}

/// One stream of random numbers and the lattices that it drives.
pub(crate) trait MarkovChain: Send {
    /// Number of lattices.
    fn replicas(&self) -> usize;
    /// Sweeps, or clusters.
    fn advance(&mut self, steps: u64, control: &Control) -> Result<(), Error>;
    /// Of every lattice.
    fn measure(&self) -> Vec<Counts>;
    /// Configuration, eight sites per byte, the first in the lowest bit; unused bits are zero.
    fn pack(&self, replica: usize, bits: &mut [u8]);
    /// Replaces a configuration.
    fn set(&mut self, replica: usize, up: &[bool]);
    /// From now on.
    fn set_temperature(&mut self, temperature: f64, field: f64);
    /// Independent spins.
    fn randomise(&mut self);
    /// Turns each whole lattice or not, with equal probability: a symmetry without field.
    fn flip_globally(&mut self);
    /// Sites that clusters have visited so far.
    fn visited(&self) -> u64 {
        0
    }
}

/// Energies, magnetisations and configurations at equal distances in time.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// Measurements of each replica; fewer than asked for after a cancellation.
    pub times: usize,
    /// Total energies, replica by replica.
    pub energy: Vec<f64>,
    /// Spins up minus spins down, in the same order.
    pub magnetisation: Vec<i64>,
    /// Bytes of one configuration.
    pub bytes: usize,
    /// Configurations, in the same order, if they were wanted.
    pub packed: Vec<u8>,
}

impl Measured {
    /// Keeps the first `finished` of `times` measurements of every replica.
    pub(crate) fn shorten(&mut self, times: usize, finished: usize) {
        self.times = finished;
        if finished < times {
            shorten(&mut self.energy, times, finished);
            shorten(&mut self.magnetisation, times, finished);
            shorten(&mut self.packed, times * self.bytes, finished * self.bytes);
        }
    }
}

/// Replicas of one model at one temperature.
///
/// ```
/// use kadanoff_lattice::ising::{Ensemble, LatticeKind, Model, Update};
/// use kadanoff_runtime::Control;
///
/// let model = Model {
///     shape: vec![16, 16],
///     lattice: LatticeKind::Hypercubic,
///     couplings: vec![1.0, 1.0],
///     field: 0.0,
///     periodic: vec![true, true],
/// };
/// assert!(Ensemble::bytes(&model, Update::HeatBath, 8) > 0);
/// let mut ensemble = Ensemble::new(model, 5.0, Update::HeatBath, 8, 1)?;
/// assert_eq!((ensemble.replicas(), ensemble.engine()), (8, "multispin"));
/// assert_eq!(ensemble.now(), (vec![-512.0; 8], vec![256; 8])); // all spins up
/// assert_eq!(ensemble.pack(0), [255; 32]);
///
/// let control = Control::new();
/// ensemble.set_temperature(2.5, 0.1)?;
/// ensemble.randomise();
/// ensemble.advance(100, &control)?;
/// let measured = ensemble.measure(20, 5, false, &control);
/// assert_eq!((measured.times, measured.energy.len()), (20, 160));
/// ensemble.set_all(&[false; 256])?;
/// assert_eq!(ensemble.now().1, [-256; 8]);
/// assert_eq!(ensemble.visited(), 0); // sites of clusters: there are none
/// # Ok::<(), kadanoff_lattice::Error>(())
/// ```
pub struct Ensemble {
    model: Model,
    update: Update,
    temperature: f64,
    chains: Vec<Box<dyn MarkovChain>>,
    engine: &'static str,
}

impl Ensemble {
    /// `replicas` lattices with all spins up.
    pub fn new(
        model: Model,
        temperature: f64,
        update: Update,
        replicas: usize,
        seed: u64,
    ) -> Result<Self, Error> {
        model.check()?;
        check_temperature(temperature, model.field)?;
        if replicas == 0 {
            return Err(Error::Argument("replicas must be at least 1".into()));
        }
        if update == Update::Wolff && model.field != 0.0 {
            return Err(Error::Argument(
                "Wolff clusters cannot take a field h: use Swendsen-Wang or single-spin updates"
                    .into(),
            ));
        }
        let cluster = matches!(update, Update::Wolff | Update::SwendsenWang);
        // A quarter of the replicas in a word at most, so that threads have something to share.
        let together = (replicas / 4).clamp(1, LANES);
        let sliced = !cluster && fills_words(&model, together);
        let first = cluster.then(|| Clusters::new(&model, temperature, update, seed, 0));
        let mut chains: Vec<Box<dyn MarkovChain>> = Vec::new();
        let mut left = replicas;
        let mut index = 0;
        while left > 0 {
            let chain: Box<dyn MarkovChain> = if let Some(first) = &first {
                Box::new(first.sibling(seed, index))
            } else if sliced {
                let here = together.min(left);
                Box::new(Multispin::new(
                    &model,
                    temperature,
                    update,
                    here,
                    seed,
                    index,
                ))
            } else {
                Box::new(Sequential::new(&model, temperature, update, seed, index))
            };
            left -= chain.replicas();
            index += 1;
            chains.push(chain);
        }
        let engine = match (cluster, sliced) {
            (true, _) => "clusters",
            (false, true) => "multispin",
            (false, false) => "sequential",
        };
        Ok(Self {
            model,
            update,
            temperature,
            chains,
            engine,
        })
    }

    /// Bytes that `replicas` lattices take, within a factor of two or so.
    pub fn bytes(model: &Model, update: Update, replicas: usize) -> usize {
        let each = match update {
            Update::Wolff | Update::SwendsenWang => Clusters::bytes(model),
            _ => {
                let together = (replicas / 4).clamp(1, LANES);
                if fills_words(model, together) {
                    let chains = replicas.div_ceil(together);
                    return Multispin::bytes(model, together).saturating_mul(chains);
                }
                Graph::bytes(model)
            }
        };
        each.saturating_mul(replicas)
    }

    /// Which kind of chains does the work.
    pub fn engine(&self) -> &'static str {
        self.engine
    }

    /// Number of lattices.
    pub fn replicas(&self) -> usize {
        self.chains.iter().map(|c| c.replicas()).sum()
    }

    /// Sites that clusters have visited so far, in all replicas.
    pub fn visited(&self) -> u64 {
        self.chains.iter().map(|c| c.visited()).sum()
    }

    /// Changes temperature and field of the running simulation.
    pub fn set_temperature(&mut self, temperature: f64, field: f64) -> Result<(), Error> {
        check_temperature(temperature, field)?;
        if self.update == Update::Wolff && field != 0.0 {
            return Err(Error::Argument(
                "Wolff clusters cannot take a field h".into(),
            ));
        }
        self.model.field = field;
        self.temperature = temperature;
        for chain in &mut self.chains {
            chain.set_temperature(temperature, field);
        }
        Ok(())
    }

    /// Independent spins everywhere; on the calling thread alone.
    pub fn randomise(&mut self) {
        self.chains.iter_mut().for_each(|c| c.randomise());
    }

    /// The same configuration in all replicas; on the calling thread alone.
    pub fn set_all(&mut self, up: &[bool]) -> Result<(), Error> {
        if up.len() != self.model.sites() {
            return Err(Error::Argument(format!(
                "a configuration has {} sites, got {}",
                self.model.sites(),
                up.len()
            )));
        }
        for chain in &mut self.chains {
            for r in 0..chain.replicas() {
                chain.set(r, up);
            }
        }
        Ok(())
    }

    /// Packed configuration of one replica.
    pub fn pack(&self, mut replica: usize) -> Vec<u8> {
        let mut bits = vec![0; self.model.sites().div_ceil(8)];
        for chain in &self.chains {
            if replica < chain.replicas() {
                chain.pack(replica, &mut bits);
                break;
            }
            replica -= chain.replicas();
        }
        bits
    }

    /// Energies and magnetisations now.
    pub fn now(&self) -> (Vec<f64>, Vec<i64>) {
        let sites = self.model.sites() as i64;
        self.chains
            .iter()
            .flat_map(|c| c.measure())
            .map(|c| (c.energy(&self.model), 2 * c.up as i64 - sites))
            .unzip()
    }

    /// Sweeps or clusters in every replica, without measuring.
    pub fn advance(&mut self, steps: u64, control: &Control) -> Result<(), Error> {
        control.add_total(steps.saturating_mul(self.chains.len() as u64));
        if let [chain] = &mut self.chains[..] {
            return chain.advance(steps, control);
        }
        self.chains
            .par_iter_mut()
            .try_for_each(|c| c.advance(steps, control))
    }

    /// `times` measurements of every replica, `spacing` sweeps or clusters apart.
    ///
    /// The number of steps between two measurements is fixed: it must not depend on what happens
    /// in them. A cancellation leaves what all replicas have measured until then.
    pub fn measure(
        &mut self,
        times: usize,
        spacing: u64,
        configurations: bool,
        control: &Control,
    ) -> Measured {
        let steps = (times as u64).saturating_mul(spacing);
        control.add_total(steps.saturating_mul(self.chains.len() as u64));
        let (model, replicas) = (&self.model, self.replicas());
        let bytes = if configurations {
            model.sites().div_ceil(8)
        } else {
            0
        };
        let sites = model.sites() as i64;
        let symmetric =
            model.field == 0.0 && matches!(self.update, Update::HeatBath | Update::Metropolis);
        let mut energy = vec![0.0; replicas * times];
        let mut magnetisation = vec![0; replicas * times];
        let mut packed = vec![0; replicas * times * bytes];
        let mut tasks = Vec::new();
        let (mut e, mut m, mut p) = (&mut energy[..], &mut magnetisation[..], &mut packed[..]);
        for chain in &mut self.chains {
            let n = chain.replicas() * times;
            let (e_here, m_here, p_here);
            (e_here, e) = e.split_at_mut(n);
            (m_here, m) = m.split_at_mut(n);
            (p_here, p) = p.split_at_mut(n * bytes);
            tasks.push((chain, e_here, m_here, p_here));
        }
        // All chains advance together, a slice of time after the other: a cancellation finds them
        // at nearly the same place. Slices grow until one takes about a twentieth of a second.
        let (mut finished, mut slice) = (0, 1);
        while finished < times {
            let end = times.min(finished + slice);
            let started = Clock::start();
            let reached = tasks
                .par_iter_mut()
                .map(|(chain, e, m, p)| {
                    for t in finished..end {
                        if chain.advance(spacing, control).is_err() {
                            return t;
                        }
                        if symmetric {
                            chain.flip_globally();
                        }
                        for (r, counts) in chain.measure().iter().enumerate() {
                            let i = r * times + t;
                            e[i] = counts.energy(model);
                            m[i] = 2 * counts.up as i64 - sites;
                            if bytes > 0 {
                                chain.pack(r, &mut p[i * bytes..(i + 1) * bytes]);
                            }
                        }
                    }
                    end
                })
                .min()
                .unwrap_or(end);
            finished = reached;
            if reached < end {
                break;
            }
            if started.elapsed() < SLICE {
                slice *= 2;
            }
        }
        let mut found = Measured {
            times,
            energy,
            magnetisation,
            bytes,
            packed,
        };
        found.shorten(times, finished);
        found
    }
}

/// Keeps the first `short` of every `long` entries.
fn shorten<T: Copy>(all: &mut Vec<T>, long: usize, short: usize) {
    if long > 0 {
        *all = all
            .chunks_exact(long)
            .flat_map(|row| row[..short].iter().copied())
            .collect();
    }
}

pub(crate) fn check_temperature(temperature: f64, field: f64) -> Result<(), Error> {
    // Bounds of temperature and couplings together: their ratio is finite.
    if !(1e-100..=1e100).contains(&temperature) {
        return Err(Error::Argument(format!(
            "temperature T must be positive (1e-100 to 1e100), got {temperature}"
        )));
    }
    if field.is_nan() || field.abs() > MAX_COUPLING {
        return Err(Error::Argument(format!(
            "field h must not exceed {MAX_COUPLING:e} in magnitude, got {field}"
        )));
    }
    Ok(())
}
