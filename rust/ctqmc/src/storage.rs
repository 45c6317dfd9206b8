//! A run as bytes, to be taken up again.
//!
//! Name and version of the format, a digest of what follows, then numbers in little-endian order.

use crate::bins::{Bin, BinningLevels, Level};
use crate::flavour::{Flavour, MAX_SEGMENTS};
use crate::markov_chain::MarkovChain;
use crate::measure::{Accumulator, COARSE, FOLLOWED, MOMENTS, Scalars};
use crate::moves::{Configuration, MOVES};
use crate::simulation::{Options, Simulation};
use crate::table::POINTS;
use crate::{Error, Model, Table};
use kadanoff_runtime::random::mix;

const NAME: &[u8; 8] = b"KDNCTHYB";
/// Raised whenever the meaning of the bytes changes.
pub const VERSION: u32 = 2;
const HEAD: usize = 20;

/// A 64-bit digest: damage by accident does not go unseen.
pub fn digest(bytes: &[u8]) -> u64 {
    let mut state = mix(bytes.len() as u64);
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state = mix(state ^ u64::from_le_bytes(word)).rotate_left(23);
    }
    state
}

/// Numbers to bytes.
#[derive(Default)]
pub struct Writer {
    pub bytes: Vec<u8>,
}

impl Writer {
    fn word(&mut self, x: u64) {
        self.bytes.extend_from_slice(&x.to_le_bytes());
    }

    fn real(&mut self, x: f64) {
        self.word(x.to_bits());
    }

    fn reals(&mut self, x: &[f64]) {
        self.word(x.len() as u64);
        x.iter().for_each(|&x| self.real(x));
    }

    fn words(&mut self, x: &[u64]) {
        self.word(x.len() as u64);
        x.iter().for_each(|&x| self.word(x));
    }

    pub fn model(&mut self, model: &Model) {
        self.real(model.beta);
        self.real(model.floor);
        self.reals(&model.levels);
        self.reals(&model.interaction);
        self.word(model.tables.len() as u64);
        for table in &model.tables {
            self.real(table.error);
            self.reals(table.coefficients().as_flattened());
        }
    }

    pub fn options(&mut self, o: &Options) {
        for x in [o.chains, o.updates, o.cells, o.orders] {
            self.word(x as u64);
        }
        self.word(o.seed);
        self.word(o.warm_blocks);
    }

    fn scalars(&mut self, s: &Scalars) {
        for x in [s.count, s.weight, s.sign, s.density, s.pairs, s.order] {
            self.real(x);
        }
    }

    fn chain(&mut self, c: &MarkovChain) {
        for flavour in &c.now.flavours {
            self.word(u64::from(flavour.occupied));
            self.reals(flavour.starts());
            self.reals(flavour.ends());
        }
        self.words(&c.now.proposed);
        self.words(&c.now.accepted);
        self.words(&[c.blocks, c.bin_blocks, c.open_blocks, c.updates]);
        self.reals(&[c.warm_order, c.drift]);
        self.reals(c.sums.moments.as_flattened());
        self.scalars(&c.sums.scalars);
        self.word(c.bins.len() as u64);
        for bin in &c.bins {
            self.scalars(&bin.scalars);
            self.reals(&bin.g);
            self.reals(&bin.f);
            self.reals(&bin.coarse);
        }
        self.word(c.levels.levels.len() as u64);
        for level in &c.levels.levels {
            self.word(level.count);
            self.reals(&level.sum);
            self.reals(&level.squares);
            self.word(u64::from(level.waiting.is_some()));
            self.reals(&level.waiting.unwrap_or_default());
        }
        let last = c.histogram.iter().rposition(|&h| h > 0);
        self.words(&c.histogram[..last.map_or(0, |s| s + 1)]);
    }
}

/// Bytes to numbers.
struct Reader<'a> {
    bytes: &'a [u8],
}

fn damaged() -> Error {
    Error::Checkpoint("the checkpoint is damaged".into())
}

impl Reader<'_> {
    fn word(&mut self) -> Result<u64, Error> {
        let (word, rest) = self.bytes.split_first_chunk::<8>().ok_or_else(damaged)?;
        self.bytes = rest;
        Ok(u64::from_le_bytes(*word))
    }

    fn real(&mut self) -> Result<f64, Error> {
        self.word().map(f64::from_bits)
    }

    fn length(&mut self) -> Result<usize, Error> {
        let n = self.word()?;
        if n > self.bytes.len() as u64 {
            return Err(damaged());
        }
        Ok(n as usize)
    }

    fn reals(&mut self) -> Result<Vec<f64>, Error> {
        (0..self.length()?).map(|_| self.real()).collect()
    }

    fn words(&mut self) -> Result<Vec<u64>, Error> {
        (0..self.length()?).map(|_| self.word()).collect()
    }

    fn array<const N: usize>(&mut self) -> Result<[f64; N], Error> {
        self.reals()?.try_into().map_err(|_| damaged())
    }

    fn counts<const N: usize>(&mut self) -> Result<[u64; N], Error> {
        self.words()?.try_into().map_err(|_| damaged())
    }

    fn model(&mut self) -> Result<Model, Error> {
        let (beta, floor) = (self.real()?, self.real()?);
        let levels = self.reals()?;
        let interaction = self.reals()?;
        let mut tables = Vec::new();
        for _ in 0..self.length()? {
            let error = self.real()?;
            let flat = self.reals()?;
            let (cells, rest) = flat.as_chunks::<POINTS>();
            if cells.is_empty() || !rest.is_empty() {
                return Err(damaged());
            }
            tables.push(Table::raw(beta, cells.to_vec(), error));
        }
        let model = Model::new(beta, levels, interaction, tables).with_floor(floor);
        model.check()?;
        Ok(model)
    }

    fn options(&mut self) -> Result<Options, Error> {
        let mut size = || self.word().map(|x| x as usize);
        let (chains, updates, cells, orders) = (size()?, size()?, size()?, size()?);
        Ok(Options {
            chains,
            updates,
            cells,
            orders,
            seed: self.word()?,
            warm_blocks: self.word()?,
        })
    }

    fn scalars(&mut self) -> Result<Scalars, Error> {
        Ok(Scalars {
            count: self.real()?,
            weight: self.real()?,
            sign: self.real()?,
            density: self.real()?,
            pairs: self.real()?,
            order: self.real()?,
        })
    }

    fn flavour(&mut self, model: &Model, a: usize) -> Result<Flavour, Error> {
        let occupied = self.word()? == 1;
        let (starts, ends) = (self.reals()?, self.reals()?);
        let within = |t: &f64| (0.0..model.beta).contains(t);
        if starts.len() != ends.len()
            || starts.len() > MAX_SEGMENTS
            || !starts.iter().chain(&ends).all(within)
        {
            return Err(damaged());
        }
        let mut flavour = Flavour::with(occupied, &starts, &ends, model.beta);
        flavour.renew(model.table(a)).ok_or_else(damaged)?;
        Ok(flavour)
    }

    fn chain(
        &mut self,
        model: &Model,
        options: &Options,
        index: usize,
    ) -> Result<MarkovChain, Error> {
        let mut now = Configuration::new(model, 0);
        for a in 0..model.flavours() {
            now.flavours[a] = self.flavour(model, a)?;
        }
        now.proposed = self.counts::<MOVES>()?;
        now.accepted = self.counts::<MOVES>()?;
        let [blocks, bin_blocks, open_blocks, updates] = self.counts()?;
        let [warm_order, drift] = self.array()?;
        let mut sums = Accumulator::new(options.cells);
        let flat = self.reals()?;
        let (moments, rest) = flat.as_chunks::<{ 2 * MOMENTS }>();
        if moments.len() != options.cells || !rest.is_empty() {
            return Err(damaged());
        }
        sums.moments.copy_from_slice(moments);
        sums.scalars = self.scalars()?;
        let mut bins = Vec::new();
        for _ in 0..self.length()? {
            let bin = Bin {
                scalars: self.scalars()?,
                g: self.reals()?,
                f: self.reals()?,
                coarse: self.reals()?,
            };
            let whole = bin.g.len() == options.orders && bin.f.len() == options.orders;
            if !whole || bin.coarse.len() != COARSE {
                return Err(damaged());
            }
            bins.push(bin);
        }
        let mut levels = BinningLevels::default();
        for _ in 0..self.length()? {
            let count = self.word()?;
            let (sum, squares) = (self.array::<FOLLOWED>()?, self.array::<FOLLOWED>()?);
            let waits = self.word()? == 1;
            let waiting = Some(self.array::<FOLLOWED>()?).filter(|_| waits);
            levels.levels.push(Level {
                count,
                sum,
                squares,
                waiting,
            });
        }
        let mut histogram = self.words()?;
        if histogram.len() > MAX_SEGMENTS + 1 {
            return Err(damaged());
        }
        histogram.resize(MAX_SEGMENTS + 1, 0);
        Ok(MarkovChain {
            index,
            now,
            blocks,
            warm_order,
            sums,
            bins,
            bin_blocks,
            open_blocks,
            levels,
            histogram,
            drift,
            updates,
        })
    }
}

impl Simulation {
    /// Everything that is needed to go on.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.model(&self.model);
        out.options(&self.options);
        out.word(self.updates as u64);
        self.chains.iter().for_each(|c| out.chain(c));
        let mut bytes = NAME.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&digest(&out.bytes).to_le_bytes());
        bytes.extend_from_slice(&out.bytes);
        bytes
    }

    /// The run that gave these bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() < HEAD || &bytes[..8] != NAME {
            return Err(Error::Checkpoint(
                "this is no checkpoint of the CT-HYB solver".into(),
            ));
        }
        let mut version = [0; 4];
        version.copy_from_slice(&bytes[8..12]);
        let version = u32::from_le_bytes(version);
        if version != VERSION {
            return Err(Error::Checkpoint(format!(
                "the checkpoint has version {version}; this release reads version {VERSION}"
            )));
        }
        let body = &bytes[HEAD..];
        if bytes[12..HEAD] != digest(body).to_le_bytes() {
            return Err(damaged());
        }
        let mut reader = Reader { bytes: body };
        let model = reader.model()?;
        let options = reader.options()?;
        options.check()?;
        let updates = reader.word()? as usize;
        let chains: Result<Vec<MarkovChain>, Error> = (0..options.chains)
            .map(|c| reader.chain(&model, &options, c))
            .collect();
        let chains = chains?;
        if !reader.bytes.is_empty() {
            return Err(damaged());
        }
        Ok(Self {
            model,
            options,
            chains,
            updates,
        })
    }
}
