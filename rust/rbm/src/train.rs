//! Stochastic maximum likelihood: contrastive divergence and persistent chains.
//!
//! The gradient of the mean log likelihood is `<v h>_data - <v h>_model`; the second average comes
//! from short block Gibbs runs that start at the data (CD-k, Hinton 2002,
//! doi:10.1162/089976602760128018), from persistent chains (PCD, Tieleman 2008,
//! doi:10.1145/1390156.1390290), or from tempered ones (Desjardins et al. 2010). Hidden units enter
//! both averages by their means, which has less variance than their samples.

mod minibatch;
mod pairs;
mod product;
mod step;

use crate::Error;
use crate::bits::words;
use crate::layer::{Layer, PANEL};
use crate::machine::fits;
use crate::temper;
use crate::units::Units;
use kadanoff_runtime::simd::{Instructions, Kernel, Level, dispatch};
use kadanoff_runtime::{Control, random};
use minibatch::{Memory, Minibatch};
use pairs::Sums;
use product::Direction;
use rand::Rng;
use step::Step;

/// Where the model average comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Negative {
    /// Chains start at the samples of the minibatch.
    Contrastive,
    /// Chains go on from one update to the next.
    Persistent,
    /// The same with replicas at every one of these inverse temperatures, rising to 1.
    Tempered(Vec<f32>),
}

/// How a gradient becomes a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Optimizer {
    /// `step = momentum * step + gradient`.
    Momentum(f32),
    /// Kingma, Ba, arXiv:1412.6980, with its usual constants 0.9, 0.999 and 1e-8.
    Adam,
}

/// How a machine is trained.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Where the model average comes from.
    pub negative: Negative,
    /// Sweeps of block Gibbs per update.
    pub steps: usize,
    /// Samples of a minibatch.
    pub batch: usize,
    /// The learning rate of every epoch; as many epochs as there are rates.
    pub rates: Vec<f32>,
    /// How a gradient becomes a step.
    pub optimizer: Optimizer,
    /// Decay of the couplings, `gradient - decay * W`.
    pub decay: f32,
    /// Whether correlations are taken about running means.
    pub centered: bool,
    /// Seed of all random streams.
    pub seed: u64,
}

/// A machine in training, in single precision.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Number of visible units.
    pub visible: usize,
    /// Number of hidden units.
    pub hidden: usize,
    /// Values of the units of either layer.
    pub units: (Units, Units),
    /// `W` row by row, then a, then b.
    pub parameters: Vec<f32>,
    /// Running mean of the gradient (the momentum).
    pub first: Vec<f32>,
    /// Running mean of its square, for Adam.
    pub second: Vec<f32>,
    /// Running means of the visible and hidden units in the data phase.
    pub offsets: Vec<f32>,
    /// Visible units of the persistent chains, temperature by temperature.
    pub chains: Vec<u64>,
    /// Visible biases at infinite temperature.
    pub base: Vec<f32>,
    /// Updates so far.
    pub updates: u64,
    /// Epochs so far.
    pub epochs: u64,
}

/// What an epoch looked like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Epoch {
    /// Root mean square of dL/dW, averaged over the epoch before squaring.
    pub gradient: f64,
    /// Fraction of visible units that differ after the chain's sweeps (contrastive only).
    pub reconstruction: f64,
}

/// Parameters beyond this have diverged; their sums still fit into single precision.
pub(crate) const MAX_PARAMETER: f32 = 1e30;
/// Weight of the newest minibatch in the running means.
const SLIDING: f32 = 0.05;
/// Multiply-adds of an update below which a second thread costs more than it gives.
const MIN_PARALLEL_WORK: usize = 4_000_000;

const SHUFFLE: u64 = 0x5348_5546;
const DATA: u64 = 0x4441_5441;
const CHAIN: u64 = 0x4348_4149;
const SWAP: u64 = 0x5357_4150;

impl State {
    fn couplings(&self) -> usize {
        self.visible * self.hidden
    }

    fn chain_words(&self) -> usize {
        words(self.visible)
    }

    /// Checks that the arrays fit together.
    fn check(&self) -> Result<(), Error> {
        let size = self.couplings() + self.visible + self.hidden;
        let fits = fits(self.units, self.visible)
            && self.visible > 0
            && self.hidden > 0
            && self.parameters.len() == size
            && self.first.len() == size
            && self.second.len() == size
            && self.offsets.len() == self.visible + self.hidden
            && (self.base.is_empty() || self.base.len() == self.visible)
            && self.chains.len().is_multiple_of(self.chain_words());
        if fits {
            Ok(())
        } else {
            Err(Error::shape("the arrays of the state"))
        }
    }
}

/// Trains for as many epochs as there are rates; on cancellation `state` is what was reached.
///
/// `data` holds the samples as bits, row by row. `done` gets an entry for every full epoch.
/// The result depends on the seed alone, not on the number of threads: a minibatch is cut
/// into blocks of 64 rows with a random stream each, whose sums are added in their order.
///
/// ```
/// use kadanoff_rbm::{Negative, Optimizer, Options, State, Units, train};
/// use kadanoff_runtime::Control;
///
/// let mut state = State {
///     visible: 2,
///     hidden: 1,
///     units: (Units::Binary, Units::Binary),
///     parameters: vec![0.0; 5],
///     first: vec![0.0; 5],
///     second: vec![0.0; 5],
///     offsets: vec![0.5; 3],
///     chains: vec![],
///     base: vec![0.0; 2],
///     updates: 0,
///     epochs: 0,
/// };
/// let options = Options {
///     negative: Negative::Contrastive,
///     steps: 1,
///     batch: 4,
///     rates: vec![0.1; 3],
///     optimizer: Optimizer::Momentum(0.0),
///     decay: 0.0,
///     centered: false,
///     seed: 1,
/// };
/// let mut epochs = Vec::new();
/// train(&mut state, &[0b11, 0b11, 0b00, 0b11], &options, &Control::new(), &mut epochs)?;
/// assert_eq!((state.epochs, epochs.len()), (3, 3));
/// # Ok::<(), kadanoff_rbm::Error>(())
/// ```
pub fn train(
    state: &mut State,
    data: &[u64],
    options: &Options,
    control: &Control,
    done: &mut Vec<Epoch>,
) -> Result<(), Error> {
    state.check()?;
    let wide = words(state.visible);
    let samples = data.len() / wide;
    if samples == 0 || !data.len().is_multiple_of(wide) {
        return Err(Error::shape("the samples"));
    }
    if options.batch == 0 || options.steps == 0 {
        return Err(Error::option("batch and steps must be at least 1"));
    }
    let replicas = match &options.negative {
        Negative::Contrastive => 0,
        Negative::Persistent => 1,
        Negative::Tempered(betas) => betas.len(),
    };
    let rows = state.chains.len() / wide;
    if replicas > 0 && (rows == 0 || !rows.is_multiple_of(replicas)) {
        return Err(Error::shape("the persistent chains"));
    }
    let batches = samples.div_ceil(options.batch);
    control.add_total((options.rates.len() * samples) as u64);
    let mut worker = Worker::new(state, options, samples, replicas);
    let mut order: Vec<u32> = (0..samples as u32).collect();
    for &rate in &options.rates {
        shuffle(&mut order, options.seed, state.epochs);
        worker.total.fill(0.0);
        let mut flips = 0;
        for batch in 0..batches {
            let from = batch * options.batch;
            let picked = &order[from..samples.min(from + options.batch)];
            flips += worker.update(state, data, picked, rate, options, control)?;
        }
        state.epochs += 1;
        if !state.parameters.iter().all(|x| x.abs() < MAX_PARAMETER) {
            return Err(Error::Diverged {
                epoch: state.epochs,
            });
        }
        let couplings = state.couplings();
        let square: f64 = worker.total[..couplings]
            .iter()
            .map(|&g| (f64::from(g) / batches as f64).powi(2))
            .sum();
        done.push(Epoch {
            gradient: (square / couplings as f64).sqrt(),
            reconstruction: flips as f64 / (samples * state.visible) as f64,
        });
    }
    Ok(())
}

/// Fisher and Yates; the order of an epoch depends on its number, not on those before.
fn shuffle(order: &mut [u32], seed: u64, epoch: u64) {
    let mut source = random::stream(seed ^ SHUFFLE, epoch);
    for (i, x) in order.iter_mut().enumerate() {
        *x = i as u32;
    }
    for i in (1..order.len()).rev() {
        // Lemire's multiplication; its bias is below 2^-32 * 2^32 / 2^64.
        let j = ((u128::from(source.next_u64()) * (i as u128 + 1)) >> 64) as usize;
        order.swap(i, j);
    }
}

/// A scalar product in sixteen partial sums, so that it runs lane-wise.
#[inline(always)]
fn dot(x: &[f32], y: &[f32]) -> f32 {
    let (xs, x_rest) = x.as_chunks::<16>();
    let (ys, y_rest) = y.as_chunks::<16>();
    let mut sums = [0.0f32; 16];
    for (x, y) in xs.iter().zip(ys) {
        for c in 0..16 {
            sums[c] += x[c] * y[c];
        }
    }
    let rest: f32 = x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f32>() + rest
}

struct Worker {
    level: Level,
    forward: Direction,
    backward: Direction,
    /// For exchanges of replicas alone.
    fields: Option<Layer>,
    memory: Memory,
    sums: Sums,
    /// Of one row of the couplings, then of the biases.
    gradient: Vec<f32>,
    total: Vec<f32>,
    replicas: usize,
    threads: usize,
}

impl Worker {
    fn new(state: &State, options: &Options, samples: usize, replicas: usize) -> Self {
        let (visible, hidden) = (state.visible, state.hidden);
        let (lower, upper) = state.units;
        let forward = Direction::new((visible, hidden), (lower, upper), false);
        // No replicas, no chains.
        let chains = state.chains.len() / words(visible) / replicas.max(1);
        let work = 5 * (options.batch.min(samples) + replicas * chains) * visible * hidden;
        let parallel = work > MIN_PARALLEL_WORK;
        Self {
            level: Level::current(),
            sums: Sums::new(visible, forward.panels()),
            forward,
            backward: Direction::new((hidden, visible), (upper, lower), true),
            fields: (replicas > 1).then(|| Layer::new(visible, hidden, lower, upper)),
            memory: Memory::default(),
            gradient: vec![0.0; visible + 2 * hidden],
            total: vec![0.0; state.parameters.len()],
            replicas,
            threads: if parallel {
                kadanoff_runtime::threads()
            } else {
                1
            },
        }
    }

    /// One minibatch; returns the number of flipped units. A stop leaves the parameters as they were.
    fn update(
        &mut self,
        state: &mut State,
        data: &[u64],
        picked: &[u32],
        rate: f32,
        options: &Options,
        control: &Control,
    ) -> Result<u64, Error> {
        let (weights, biases) = state.parameters.split_at(state.couplings());
        let (a, b) = biases.split_at(state.visible);
        self.forward.prepare(self.level, weights);
        self.backward.prepare(self.level, weights);
        let batch = Minibatch {
            level: self.level,
            forward: &self.forward,
            backward: &self.backward,
            units: state.units,
            weights,
            a,
            b,
            options,
            control,
            data,
            picked,
            betas: match &options.negative {
                Negative::Contrastive => &[],
                Negative::Persistent => &[1.0],
                Negative::Tempered(betas) => betas,
            },
            chains: state.chains.len() / words(state.visible) / self.replicas.max(1),
            base: &state.base,
            stream: state.updates << 24,
            threads: self.threads,
        };
        batch.run(&mut state.chains, &mut self.memory, &mut self.sums)?;
        if let Some(forward) = &mut self.fields {
            forward.set(self.level, b, weights);
            let mut source = random::stream(options.seed ^ SWAP, state.updates);
            let path = temper::Path {
                level: self.level,
                forward,
                a,
                base: &state.base,
                units: state.units,
                betas: batch.betas,
            };
            let chains = batch.chains;
            temper::exchange(&path, &mut state.chains, chains, state.updates, &mut source);
        }
        dispatch(self.level, Advance(self, state, rate, options));
        state.updates += 1;
        Ok(self.sums.flips)
    }

    /// The step along the gradient from the sums of the minibatch; moves the running means on.
    ///
    /// Row by row of the couplings: beyond the second-level cache every pass over arrays of their
    /// size takes as long as the products of a small minibatch.
    #[inline(always)]
    fn advance(&mut self, state: &mut State, rate: f32, options: &Options) {
        let (visible, hidden) = (state.visible, state.hidden);
        let sums = &self.sums;
        let step = Step::new(options.optimizer, rate, state.updates + 1);
        let (row, biases) = self.gradient.split_at_mut(hidden);
        let (to_a, to_b) = biases.split_at_mut(visible);
        to_a.copy_from_slice(&sums.visible_gap);
        to_b.copy_from_slice(&sums.hidden_gap[..hidden]);
        let (mu, lambda) = state.offsets.split_at_mut(visible);
        for i in 0..visible {
            for (panel, part) in row.chunks_mut(PANEL).enumerate() {
                let from = &sums.correlations[panel * visible + i].0;
                part.copy_from_slice(&from[..part.len()]);
            }
            if options.centered {
                // Melchior, Fischer, Wiskott, J. Mach. Learn. Res. 17, 99 (2016), Eqs. (6)-(8).
                let gap = sums.visible_gap[i];
                let means = sums.hidden_gap.iter().zip(&*lambda);
                for (g, (hidden_gap, lambda)) in row.iter_mut().zip(means) {
                    *g = *g - mu[i] * hidden_gap - gap * lambda;
                }
                for (x, g) in to_b.iter_mut().zip(&*row) {
                    *x -= mu[i] * g;
                }
                to_a[i] -= dot(row, lambda);
            }
            let part = i * hidden..(i + 1) * hidden;
            add(&mut self.total[part.clone()], row);
            if options.decay != 0.0 {
                for (g, w) in row.iter_mut().zip(&state.parameters[part.clone()]) {
                    *g -= options.decay * w;
                }
            }
            step.advance(
                &mut state.parameters[part.clone()],
                &mut state.first[part.clone()],
                &mut state.second[part],
                row,
            );
        }
        let part = visible * hidden..;
        add(&mut self.total[part.clone()], biases);
        step.advance(
            &mut state.parameters[part.clone()],
            &mut state.first[part.clone()],
            &mut state.second[part],
            biases,
        );
        for (mean, x) in mu.iter_mut().zip(&sums.visible_data) {
            *mean += SLIDING * (x - *mean);
        }
        for (mean, x) in lambda.iter_mut().zip(&sums.hidden_data) {
            *mean += SLIDING * (x - *mean);
        }
    }
}

#[inline(always)]
fn add(sums: &mut [f32], x: &[f32]) {
    for (sum, x) in sums.iter_mut().zip(x) {
        *sum += x;
    }
}

struct Advance<'a>(&'a mut Worker, &'a mut State, f32, &'a Options);

impl Kernel for Advance<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let Self(worker, state, rate, options) = self;
        worker.advance(state, rate, options);
    }
}

#[cfg(test)]
mod tests;
