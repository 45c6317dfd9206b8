//! A run as bytes, to be taken up again.
//!
//! Name and version of the format, a digest of what follows, then the run in the format of
//! [postcard](https://postcard.jamesmunns.com). What follows from other fields is not stored but
//! restored.

use crate::flavour::MAX_SEGMENTS;
use crate::markov_chain::MarkovChain;
use crate::measure::COARSE;
use crate::simulation::{Options, Simulation};
use crate::{Error, Model};
use kadanoff_runtime::random::mix;
use serde::Serialize;

const NAME: &[u8; 8] = b"KDNCTHYB";
/// Raised whenever the meaning of the bytes changes.
pub(crate) const VERSION: u32 = 6;
const HEAD: usize = 20;

/// A 64-bit digest: damage by accident does not go unnoticed.
pub(crate) fn digest(bytes: &[u8]) -> u64 {
    let mut state = mix(bytes.len() as u64);
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state = mix(state ^ u64::from_le_bytes(word)).rotate_left(23);
    }
    state
}

/// The bytes of a value.
pub(crate) fn encoded(value: &impl Serialize) -> Vec<u8> {
    // Writing to memory does not fail.
    postcard::to_stdvec(value).unwrap_or_default()
}

fn damaged() -> Error {
    Error::Checkpoint("the checkpoint is damaged".into())
}

impl Model {
    /// The tables that the chains read.
    fn restore(self) -> Result<Self, Error> {
        let floor = self.floor;
        let model = self.with_floor(floor);
        model.check()?;
        Ok(model)
    }
}

impl MarkovChain {
    /// Lengths and matrices of all flavours; arrays must have the sizes that the options say.
    fn restore(&mut self, model: &Model, options: &Options, index: usize) -> Option<()> {
        let groups = model.groups();
        let pairs = model.flavours() * (model.flavours() + 1) / 2;
        let whole = |bin: &crate::Bin| {
            bin.g.len() == options.orders * groups
                && bin.f.len() == options.orders * groups
                && bin.coarse.len() == COARSE * groups
                && bin.pairs.equal.len() == pairs
                && bin.pairs.apart.len() == pairs
        };
        let fits = self.index == index
            && self.now.flavours.len() == model.flavours()
            && self.sums.cells == options.cells
            && self.sums.moments.len() == options.cells * groups
            && self.bins.iter().all(whole)
            && self.histogram.len() == MAX_SEGMENTS + 1;
        if !fits {
            return None;
        }
        for (a, flavour) in self.now.flavours.iter_mut().enumerate() {
            flavour.restore(model.table(a))?;
        }
        Some(())
    }
}

impl Simulation {
    /// Everything that is needed to go on.
    ///
    /// ```
    /// # use kadanoff_ctqmc::{Model, Options, Simulation, Table};
    /// # use kadanoff_runtime::Control;
    /// # let model = Model::anderson(2.0, -1.0, Table::of(5.0, 1e-10, |_| 0.1)?);
    /// # let options = Options {
    /// #     seed: 1,
    /// #     chains: 2,
    /// #     equilibration: 1,
    /// #     updates: 0,
    /// #     cells: 128,
    /// #     orders: 10,
    /// # };
    /// # let mut run = Simulation::new(model, options)?;
    /// run.advance(2, &Control::new())?;
    /// let mut copy = Simulation::from_bytes(&run.to_bytes())?;
    /// run.advance(4, &Control::new())?;
    /// copy.advance(4, &Control::new())?;
    /// assert!(run.to_bytes() == copy.to_bytes());
    /// # Ok::<(), kadanoff_ctqmc::Error>(())
    /// ```
    pub fn to_bytes(&self) -> Vec<u8> {
        let body = encoded(self);
        let mut bytes = NAME.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&digest(&body).to_le_bytes());
        bytes.extend_from_slice(&body);
        bytes
    }

    /// The run that gave these bytes.
    ///
    /// # Errors
    /// Bytes that are damaged, of another version, or of something else.
    ///
    /// ```
    /// # use kadanoff_ctqmc::{Model, Options, Simulation, Table};
    /// # use kadanoff_runtime::Control;
    /// # let model = Model::anderson(2.0, -1.0, Table::of(5.0, 1e-10, |_| 0.1)?);
    /// # let options = Options {
    /// #     seed: 1,
    /// #     chains: 2,
    /// #     equilibration: 1,
    /// #     updates: 0,
    /// #     cells: 128,
    /// #     orders: 10,
    /// # };
    /// # let mut run = Simulation::new(model, options)?;
    /// let mut bytes = run.to_bytes();
    /// assert!(Simulation::from_bytes(&bytes).is_ok());
    /// bytes[30] ^= 1;
    /// assert!(Simulation::from_bytes(&bytes).is_err());
    /// # Ok::<(), kadanoff_ctqmc::Error>(())
    /// ```
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
        let (mut run, rest): (Self, _) = postcard::take_from_bytes(body).map_err(|_| damaged())?;
        run.model = run.model.restore()?;
        run.options.check()?;
        if !rest.is_empty() || run.chains.len() != run.options.chains {
            return Err(damaged());
        }
        for (index, chain) in run.chains.iter_mut().enumerate() {
            chain
                .restore(&run.model, &run.options, index)
                .ok_or_else(damaged)?;
        }
        Ok(run)
    }
}
