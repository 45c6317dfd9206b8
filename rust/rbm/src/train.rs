//! Stochastic maximum likelihood: contrastive divergence and persistent chains.
//!
//! The gradient of the mean log likelihood is `<v h>_data - <v h>_model`; the second average comes
//! from short block Gibbs runs that start at the data (CD-k, Hinton 2002,
//! doi:10.1162/089976602760128018), from persistent chains (PCD, Tieleman 2008,
//! doi:10.1145/1390156.1390290), or from tempered ones (Desjardins et al. 2010). Hidden units enter
//! both averages by their means, which has less variance than their samples.

use crate::Error;
use crate::bits::{BLOCK, transpose, words};
use crate::lanes::Lanes;
use crate::layer::{Correlate, Layer, Tempered};
use crate::simd::{Kernel, Level, dispatch};
use crate::temper;
use crate::units::Units;
use kadanoff_runtime::{Control, random};
use rand::Rng;
use rayon::prelude::*;

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
    /// Sweeps of block Gibbs an update.
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

/// Weight of the newest minibatch in the running means.
const SLIDING: f32 = 0.05;
/// Multiply-adds of an update below which a second thread costs more than it gives.
const WORTH_A_THREAD: usize = 4_000_000;

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
        let fits = self.visible > 0
            && self.hidden > 0
            && self.parameters.len() == size
            && self.first.len() == size
            && self.second.len() == size
            && self.offsets.len() == self.visible + self.hidden
            && (self.base.is_empty() || self.base.len() == self.visible)
            && self.chains.len() % self.chain_words() == 0;
        if fits {
            Ok(())
        } else {
            Err(Error::Shape("the arrays of the state".into()))
        }
    }
}

/// One block of 64 rows with all that is computed from it.
struct Task {
    rows: usize,
    visible: Vec<u64>,
    hidden: Vec<u64>,
    means: Vec<f32>,
    columns: Vec<u64>,
    correlations: Vec<f32>, // visible x padded hidden
    hidden_gap: Vec<f32>,   // data minus model
    hidden_data: Vec<f32>,
    visible_gap: Vec<f32>,
    visible_data: Vec<f32>,
    flips: u64,
}

struct Setting<'a> {
    level: Level,
    forward: &'a Layer,
    backward: &'a Layer,
    visible: usize,
    units: (Units, Units),
}

impl Task {
    fn new(state: &State, padded: usize) -> Self {
        let (wide, high) = (words(state.visible), words(state.hidden));
        Self {
            rows: 0,
            visible: vec![0; BLOCK * wide],
            hidden: vec![0; BLOCK * high],
            means: vec![0.0; BLOCK * padded],
            columns: vec![0; wide * 64],
            correlations: vec![0.0; state.visible * padded],
            hidden_gap: vec![0.0; padded],
            hidden_data: vec![0.0; padded],
            visible_gap: vec![0.0; state.visible],
            visible_data: vec![0.0; state.visible],
            flips: 0,
        }
    }

    fn clear(&mut self) {
        self.correlations.fill(0.0);
        self.hidden_gap.fill(0.0);
        self.hidden_data.fill(0.0);
        self.visible_gap.fill(0.0);
        self.visible_data.fill(0.0);
        self.flips = 0;
    }

    #[inline(always)]
    /// Adds `weight` times the averages over the rows at hand.
    fn count(&mut self, with: &Setting<'_>, weight: f32, data: bool) {
        let wide = words(with.visible);
        let padded = with.forward.padded();
        self.means[self.rows * padded..].fill(0.0);
        for w in 0..wide {
            let mut square = [0; 64];
            for (r, word) in square[..self.rows].iter_mut().enumerate() {
                *word = self.visible[r * wide + w];
            }
            transpose(&mut square);
            self.columns[w * 64..(w + 1) * 64].copy_from_slice(&square);
        }
        let columns = &self.columns[..with.visible];
        Correlate {
            columns,
            units: with.units.0,
            means: &self.means,
            padded,
            sign: weight,
            out: &mut self.correlations,
        }
        .run();
        let (low, span) = (with.units.0.low() as f32, with.units.0.span() as f32);
        for (i, column) in columns.iter().enumerate() {
            let total = low * self.rows as f32 + span * column.count_ones() as f32;
            self.visible_gap[i] += weight * total;
            if data {
                self.visible_data[i] = weight * total;
            }
        }
        let mut sums = [0.0f32; 32];
        for first in (0..padded).step_by(32) {
            sums.fill(0.0);
            for row in self.means.chunks_exact(padded) {
                for (sum, x) in sums.iter_mut().zip(&row[first..first + 32]) {
                    *sum += x;
                }
            }
            for (c, sum) in sums.iter().enumerate() {
                self.hidden_gap[first + c] += weight * sum;
                if data {
                    self.hidden_data[first + c] = weight * sum;
                }
            }
        }
    }
}

/// Data phase of a block, followed by its negative phase if the chains start at the data.
struct DataPhase<'a> {
    task: &'a mut Task,
    with: &'a Setting<'a>,
    weight: f32,
    sweeps: usize,
    random: Option<Lanes>,
}

impl Kernel for DataPhase<'_> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            task,
            with,
            weight,
            sweeps,
            random,
        } = self;
        let (wide, high) = (words(with.visible), with.backward.words_in());
        let (v, h) = (wide * task.rows, high * task.rows);
        let at = Tempered::ONE;
        let Some(mut random) = random else {
            with.forward
                .means(with.level, &task.visible[..v], at, &mut task.means);
            task.count(with, weight, true);
            return;
        };
        with.forward.sample(
            with.level,
            &task.visible[..v],
            at,
            &mut random,
            &mut task.hidden,
            Some(&mut task.means),
        );
        task.count(with, weight, true);
        let before = task.visible.clone();
        for sweep in 0..sweeps {
            if sweep > 0 {
                with.forward.sample(
                    with.level,
                    &task.visible[..v],
                    at,
                    &mut random,
                    &mut task.hidden,
                    None,
                );
            }
            with.backward.sample(
                with.level,
                &task.hidden[..h],
                at,
                &mut random,
                &mut task.visible,
                None,
            );
        }
        task.flips = before[..v]
            .iter()
            .zip(&task.visible[..v])
            .map(|(x, y)| u64::from((x ^ y).count_ones()))
            .sum();
        with.forward
            .means(with.level, &task.visible[..v], at, &mut task.means);
        task.count(with, -weight, false);
    }
}

/// Sweeps of a block of chains at one temperature; at `weight > 0` they are the negative phase.
struct ChainPhase<'a> {
    task: &'a mut Task,
    with: &'a Setting<'a>,
    weight: f32,
    sweeps: usize,
    beta: f32,
    base: &'a [f32],
    random: Lanes,
}

impl Kernel for ChainPhase<'_> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            task,
            with,
            weight,
            sweeps,
            beta,
            base,
            mut random,
        } = self;
        let (wide, high) = (words(with.visible), with.backward.words_in());
        let (v, h) = (wide * task.rows, high * task.rows);
        for _ in 0..sweeps {
            let (above, below) = (Tempered { beta, base: &[] }, Tempered { beta, base });
            let input = &task.visible[..v];
            with.forward.sample(
                with.level,
                input,
                above,
                &mut random,
                &mut task.hidden,
                None,
            );
            let input = &task.hidden[..h];
            with.backward.sample(
                with.level,
                input,
                below,
                &mut random,
                &mut task.visible,
                None,
            );
        }
        if weight > 0.0 {
            with.forward.means(
                with.level,
                &task.visible[..v],
                Tempered::ONE,
                &mut task.means,
            );
            task.count(with, -weight, false);
        }
    }
}

/// Adam or momentum on all parameters at once; ascends.
struct Step<'a> {
    parameters: &'a mut [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
    gradient: &'a [f32],
    rate: f32,
    optimizer: Optimizer,
    updates: u64,
}

impl Kernel for Step<'_> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
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

/// Trains for as many epochs as there are rates; on cancellation `state` is what was reached.
///
/// `data` holds the samples as bits, row by row. `done` gets an entry for every full epoch.
/// The result depends on the seed alone, not on the number of threads: a minibatch is cut
/// into blocks of 64 rows with a random stream each, whose sums are added in their order.
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
    if samples == 0 || data.len() % wide != 0 {
        return Err(Error::Shape("the samples".into()));
    }
    if options.batch == 0 || options.steps == 0 {
        return Err(Error::Option("batch and steps must be at least 1".into()));
    }
    let replicas = match &options.negative {
        Negative::Contrastive => 0,
        Negative::Persistent => 1,
        Negative::Tempered(betas) => betas.len(),
    };
    let rows = state.chains.len() / wide;
    if replicas > 0 && (rows == 0 || rows % replicas != 0) {
        return Err(Error::Shape("the persistent chains".into()));
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
            control.check()?;
            let from = batch * options.batch;
            let picked = &order[from..samples.min(from + options.batch)];
            flips += worker.update(state, data, picked, rate, options);
            control.tick(picked.len() as u64);
        }
        state.epochs += 1;
        if !state.parameters.iter().all(|x| x.is_finite()) {
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

struct Worker {
    level: Level,
    forward: Layer,
    backward: Layer,
    tasks: Vec<Task>,
    gradient: Vec<f32>,
    total: Vec<f32>,
    replicas: usize,
    parallel: bool,
}

impl Worker {
    fn new(state: &State, options: &Options, samples: usize, replicas: usize) -> Self {
        let (visible, hidden) = (state.visible, state.hidden);
        let forward = Layer::new(visible, hidden, state.units.0, state.units.1);
        let backward = Layer::new(hidden, visible, state.units.1, state.units.0);
        let chains = if replicas == 0 {
            0
        } else {
            state.chains.len() / words(visible) / replicas
        };
        let blocks = options.batch.min(samples).div_ceil(BLOCK) + replicas * chains.div_ceil(BLOCK);
        let padded = forward.padded();
        let work = 5 * (options.batch.min(samples) + replicas * chains) * visible * hidden;
        Self {
            level: Level::best(),
            forward,
            backward,
            tasks: (0..blocks).map(|_| Task::new(state, padded)).collect(),
            gradient: vec![0.0; state.parameters.len()],
            total: vec![0.0; state.parameters.len()],
            replicas,
            parallel: blocks > 1 && work > WORTH_A_THREAD && rayon::current_num_threads() > 1,
        }
    }

    /// One minibatch; returns the number of flipped units.
    fn update(
        &mut self,
        state: &mut State,
        data: &[u64],
        picked: &[u32],
        rate: f32,
        options: &Options,
    ) -> u64 {
        let wide = words(state.visible);
        let couplings = state.couplings();
        let (weights, biases) = state.parameters.split_at(couplings);
        let (a, b) = biases.split_at(state.visible);
        self.forward.set(self.level, b, weights);
        self.backward.set_transposed(self.level, a, weights);
        let with = Setting {
            level: self.level,
            forward: &self.forward,
            backward: &self.backward,
            visible: state.visible,
            units: state.units,
        };
        let data_blocks = picked.len().div_ceil(BLOCK);
        let chains = state.chains.len() / wide / self.replicas.max(1);
        let chain_blocks = if self.replicas == 0 {
            0
        } else {
            chains.div_ceil(BLOCK)
        };
        let betas: &[f32] = match &options.negative {
            Negative::Contrastive => &[],
            Negative::Persistent => &[1.0],
            Negative::Tempered(betas) => betas,
        };
        let count = data_blocks + self.replicas * chain_blocks;
        // Where a block of chains lies in `state.chains`.
        let place = |block: usize| {
            let (replica, block) = (block / chain_blocks, block % chain_blocks);
            let first = replica * chains + block * BLOCK;
            let rows = BLOCK.min(chains - block * BLOCK);
            (replica, first * wide..(first + rows) * wide)
        };
        let stream = state.updates << 24;
        let one = |(index, task): (usize, &mut Task)| {
            task.clear();
            if let Some(chain) = index.checked_sub(data_blocks) {
                let (replica, at) = place(chain);
                task.rows = at.len() / wide;
                task.visible[..at.len()].copy_from_slice(&state.chains[at]);
                let last = replica + 1 == self.replicas;
                let phase = ChainPhase {
                    task,
                    with: &with,
                    weight: if last { 1.0 / chains as f32 } else { 0.0 },
                    sweeps: options.steps,
                    beta: betas[replica],
                    base: &state.base,
                    random: Lanes::new(options.seed ^ CHAIN, stream | chain as u64),
                };
                dispatch(with.level, phase);
            } else {
                let own = &picked[index * BLOCK..picked.len().min((index + 1) * BLOCK)];
                task.rows = own.len();
                for (row, &sample) in task.visible.chunks_exact_mut(wide).zip(own) {
                    let from = sample as usize * wide;
                    row.copy_from_slice(&data[from..from + wide]);
                }
                let contrastive = options.negative == Negative::Contrastive;
                let phase = DataPhase {
                    task,
                    with: &with,
                    weight: 1.0 / picked.len() as f32,
                    sweeps: options.steps,
                    random: contrastive
                        .then(|| Lanes::new(options.seed ^ DATA, stream | index as u64)),
                };
                dispatch(with.level, phase);
            }
        };
        let tasks = &mut self.tasks[..count];
        if self.parallel {
            tasks.par_iter_mut().enumerate().for_each(one);
        } else {
            tasks.iter_mut().enumerate().for_each(one);
        }
        for (chain, task) in self.tasks[data_blocks..count].iter().enumerate() {
            let (_, at) = place(chain);
            let length = at.len();
            state.chains[at].copy_from_slice(&task.visible[..length]);
        }
        if self.replicas > 1 {
            let mut source = random::stream(options.seed ^ SWAP, state.updates);
            temper::exchange(
                &temper::Path {
                    level: self.level,
                    forward: &self.forward,
                    a,
                    base: &state.base,
                    units: state.units,
                    betas,
                },
                &mut state.chains,
                chains,
                state.updates,
                &mut source,
            );
        }
        let flips = self.tasks[..count].iter().map(|t| t.flips).sum();
        self.collect(state, count, options);
        dispatch(
            self.level,
            Step {
                parameters: &mut state.parameters,
                first: &mut state.first,
                second: &mut state.second,
                gradient: &self.gradient,
                rate,
                optimizer: options.optimizer,
                updates: state.updates + 1,
            },
        );
        state.updates += 1;
        flips
    }

    /// The gradient from the sums of the blocks, in their order.
    fn collect(&mut self, state: &mut State, count: usize, options: &Options) {
        struct Collect<'a>(&'a mut Worker, &'a mut State, usize, &'a Options);
        impl Kernel for Collect<'_> {
            type Out = ();
            #[inline(always)]
            fn run(self) {
                let Self(worker, state, count, options) = self;
                worker.sum_up(state, count, options);
            }
        }
        dispatch(self.level, Collect(self, state, count, options));
    }

    #[inline(always)]
    fn sum_up(&mut self, state: &mut State, count: usize, options: &Options) {
        let (visible, hidden) = (state.visible, state.hidden);
        let padded = self.forward.padded();
        let Some((total, rest)) = self.tasks[..count].split_first_mut() else {
            return;
        };
        let add = |to: &mut [f32], from: &[f32]| {
            for (x, y) in to.iter_mut().zip(from) {
                *x += y;
            }
        };
        for task in rest {
            add(&mut total.correlations, &task.correlations);
            add(&mut total.hidden_gap, &task.hidden_gap);
            add(&mut total.hidden_data, &task.hidden_data);
            add(&mut total.visible_gap, &task.visible_gap);
            add(&mut total.visible_data, &task.visible_data);
        }
        let (couplings, biases) = self.gradient.split_at_mut(visible * hidden);
        let (to_a, to_b) = biases.split_at_mut(visible);
        to_a.copy_from_slice(&total.visible_gap);
        to_b.copy_from_slice(&total.hidden_gap[..hidden]);
        let (mu, lambda) = state.offsets.split_at_mut(visible);
        for (i, row) in couplings.chunks_exact_mut(hidden).enumerate() {
            let from = &total.correlations[i * padded..i * padded + hidden];
            if options.centered {
                // Melchior, Fischer, Wiskott, J. Mach. Learn. Res. 17, 99 (2016), Eqs. (6)-(8).
                let gap = total.visible_gap[i];
                let mut shift = 0.0;
                for j in 0..hidden {
                    let g = from[j] - mu[i] * total.hidden_gap[j] - gap * lambda[j];
                    row[j] = g;
                    to_b[j] -= mu[i] * g;
                    shift += g * lambda[j];
                }
                to_a[i] -= shift;
            } else {
                row.copy_from_slice(from);
            }
        }
        for (sum, g) in self.total.iter_mut().zip(&self.gradient) {
            *sum += g;
        }
        if options.decay != 0.0 {
            let weights = &state.parameters[..visible * hidden];
            for (g, w) in self.gradient.iter_mut().zip(weights) {
                *g -= options.decay * w;
            }
        }
        for (mean, x) in mu.iter_mut().zip(&total.visible_data) {
            *mean += SLIDING * (x - *mean);
        }
        for (mean, x) in lambda.iter_mut().zip(&total.hidden_data) {
            *mean += SLIDING * (x - *mean);
        }
    }
}
