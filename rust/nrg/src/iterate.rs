//! The iteration: add a site, diagonalise, truncate, carry the operators along.

use crate::basis::{Basis, VectorStore};
use crate::initial_cluster::InitialCluster;
use crate::reflect::{self, Image};
use crate::shell::{self, Kept, ProductBlock, Shell, ShellBlock, Step};
use crate::symmetry::{Factor, Site, Symmetry};
use crate::truncate::Truncation;
use crate::{Error, WilsonChain};
use faer::Mat;
use kadanoff_linalg::Reduced;
use kadanoff_runtime::{Control, map_largest_first, or_abandon};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Progress units of one shell.
pub(crate) const SHELL_UNITS: u64 = 1000;

/// Dimension above which one diagonalisation takes so long that a cancellation must not wait for it.
const LONG: usize = 1500;

/// How a run is done.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// What is kept of each shell.
    pub truncation: Truncation,
    /// Most bytes that the matrices of one shell may take.
    pub memory_limit: Option<usize>,
    /// Diagonalise blocks that a reflection makes equal only once.
    pub reuse: bool,
    /// Keep all eigenvectors: in memory up to so many bytes, on disk beyond.
    pub basis: Option<usize>,
}

/// A finished run, or as much of it as there is.
#[derive(Debug, Default)]
pub struct Run {
    /// One entry per chain site, from site 0 on.
    pub shells: Vec<Shell>,
    /// Eigenvectors of shells 1, 2, ... when they were asked for.
    pub(crate) basis: Vec<Basis>,
    /// Where the time went.
    pub timing: Timing,
}

/// Wall-clock seconds and arithmetic of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Eigenvalues: assembling, tridiagonal form, QL.
    pub values: f64,
    /// Eigenvectors and reflected blocks.
    pub vectors: f64,
    /// Operators in the new basis.
    pub operators: f64,
    /// Floating-point operations of the Householder reductions, 4/3 n^3 each.
    pub reduction_flops: f64,
    /// Floating-point operations of all matrix products.
    pub product_flops: f64,
    /// Largest block that was diagonalised.
    pub largest_block: usize,
    /// Most bytes that the matrices of a shell took (estimate).
    pub peak_bytes: usize,
}

/// One run along one chain.
///
/// ```
/// use kadanoff_nrg::{
///     Factor, InitialCluster, Options, Symmetry, Truncation, WilsonChain, clean_chain, solve,
/// };
/// use kadanoff_runtime::Control;
///
/// let chain = WilsonChain {
///     hopping: vec![0.5, 0.3, 0.2],
///     onsite: vec![0.0; 4],
///     scale: vec![1.0, 0.6, 0.4, 0.25],
/// };
/// let options = Options {
///     truncation: Truncation {
///         states: Some(500),
///         multiplets: None,
///         energy: None,
///         gap: 1e-5,
///     },
///     memory_limit: None,
///     reuse: true,
///     basis: None,
/// };
/// // Nothing but the chain: its many-body levels are known.
/// let cluster = InitialCluster::site(Symmetry::single(Factor::U1, Factor::SU2));
/// let (run, outcome) = solve(&cluster, &chain, &options, &Control::new());
/// outcome?;
/// let (ground, _) = clean_chain(&chain, 3, &[1.0]);
/// assert!((run.shells[3].ground - ground).abs() < 1e-13);
/// # Ok::<(), kadanoff_nrg::Error>(())
/// ```
pub fn solve(
    cluster: &InitialCluster,
    chain: &WilsonChain,
    options: &Options,
    control: &Control,
) -> (Run, Result<(), Error>) {
    let mut run = Run::default();
    let outcome = grow(cluster, chain, options, control, &mut run);
    (run, outcome)
}

/// Several runs side by side on the current thread pool, results in order. Each is handed back
/// with what it has, even when it failed.
///
/// ```
/// use kadanoff_nrg::{
///     Factor, InitialCluster, Options, Symmetry, Truncation, WilsonChain, solve_many,
/// };
/// use kadanoff_runtime::Control;
///
/// # let chain = WilsonChain {
/// #     hopping: vec![0.5, 0.3, 0.2],
/// #     onsite: vec![0.0; 4],
/// #     scale: vec![1.0, 0.6, 0.4, 0.25],
/// # };
/// # let options = Options {
/// #     truncation: Truncation {
/// #         states: Some(500),
/// #         multiplets: None,
/// #         energy: None,
/// #         gap: 1e-5,
/// #     },
/// #     memory_limit: None,
/// #     reuse: true,
/// #     basis: None,
/// # };
/// let cluster = InitialCluster::site(Symmetry::single(Factor::U1, Factor::SU2));
/// let runs = solve_many(&[(&cluster, &chain), (&cluster, &chain)], &options, &Control::new());
/// assert_eq!(runs[0].0.shells, runs[1].0.shells);
/// ```
pub fn solve_many(
    jobs: &[(&InitialCluster, &WilsonChain)],
    options: &Options,
    control: &Control,
) -> Vec<(Run, Result<(), Error>)> {
    let total: usize = jobs.iter().map(|(_, c)| c.sites() - 1).sum();
    control.add_total(total as u64 * SHELL_UNITS);
    map_largest_first(
        jobs,
        |(_, chain)| chain.sites(),
        |(cluster, chain)| solve(cluster, chain, options, control),
    )
}

fn grow(
    cluster: &InitialCluster,
    chain: &WilsonChain,
    options: &Options,
    control: &Control,
    run: &mut Run,
) -> Result<(), Error> {
    cluster.validate()?;
    chain.validate()?;
    options.truncation.validate()?;
    let ground = cluster
        .blocks
        .iter()
        .flat_map(|b| b.energies.iter().copied())
        .fold(f64::INFINITY, f64::min);
    run.shells
        .push(cluster_shell(cluster, chain.scale[0], ground));
    let mut kept = Kept::from_cluster(cluster, chain.scale[0], ground);
    if !options.reuse {
        kept.reflections = [None, None];
    }
    if !chain.is_particle_hole_symmetric() {
        kept.reflections[0] = None;
    }
    let mut ground = ground;
    let store = options.basis.map(|limit| Arc::new(VectorStore::new(limit)));
    for n in 1..chain.sites() {
        control.check()?;
        let growth = Growth::new(
            cluster.symmetry,
            chain,
            n,
            kept,
            options,
            control,
            &mut run.timing,
        );
        let grown = growth.add_site(ground, store.as_ref())?;
        ground = grown.shell.ground;
        run.shells.push(grown.shell);
        run.basis.extend(grown.basis);
        kept = grown.kept;
    }
    Ok(())
}

fn cluster_shell(cluster: &InitialCluster, scale: f64, ground: f64) -> Shell {
    Shell {
        site: 0,
        scale,
        ground,
        cut: None,
        blocks: cluster
            .blocks
            .iter()
            .enumerate()
            .map(|(i, b)| ShellBlock {
                label: b.label,
                energies: b.energies.iter().map(|e| e - ground).collect(),
                kept: b.energies.len(),
                expectations: cluster
                    .operators
                    .iter()
                    .map(|o| (0..b.energies.len()).map(|j| o[i][(j, j)]).collect())
                    .collect(),
            })
            .collect(),
    }
}

/// One more site: the kept states of the chain so far, and the blocks that they form with it.
///
/// The steps follow each other: [`Growth::diagonalise`] all blocks, [`Growth::cut`] what is too
/// high, [`Growth::rotate`] into the eigenbasis, [`Growth::carry`] the operators along.
struct Growth<'a> {
    symmetry: Symmetry,
    /// The new site, and whether it is the last of the chain.
    n: usize,
    last: bool,
    site: Site,
    scale: f64,
    step: Step,
    kept: Kept,
    /// Reflections that relate blocks.
    active: [bool; 2],
    blocks: Vec<ProductBlock>,
    images: Vec<Image>,
    /// Blocks that are diagonalised; the others are their images.
    canonical: Vec<usize>,
    /// Whether the vectors of discarded states are wanted too.
    all_vectors: bool,
    options: &'a Options,
    control: &'a Control,
    timing: &'a mut Timing,
}

/// Eigenvalues of every block in units of the scale, and where they are cut.
struct CutLevels {
    /// The lowest one, from which the others are counted.
    lowest: f64,
    energies: Vec<Vec<f64>>,
    /// The highest energy that is kept and the gap above it, if anything is discarded.
    cut: Option<(f64, f64)>,
    /// How many levels of each block are kept.
    keep: Vec<usize>,
}

/// Expectation values by block, operator and state.
type Expectations = Vec<Vec<Vec<f64>>>;

/// What comes out of one more site.
struct Grown {
    shell: Shell,
    kept: Kept,
    basis: Option<Basis>,
}

impl<'a> Growth<'a> {
    fn new(
        symmetry: Symmetry,
        chain: &WilsonChain,
        n: usize,
        kept: Kept,
        options: &'a Options,
        control: &'a Control,
        timing: &'a mut Timing,
    ) -> Self {
        let scale = chain.scale[n];
        let site = Site::new(symmetry, n);
        let blocks = shell::product_blocks(symmetry, &kept, &site);
        let active =
            [0, 1].map(|g| kept.reflections[g].is_some() && symmetry.factors()[g] == Factor::U1);
        let images = reflect::orbits(&blocks, active);
        Self {
            symmetry,
            n,
            last: n + 1 == chain.sites(),
            site,
            scale,
            step: Step {
                ratio: chain.scale[n - 1] / scale,
                hopping: chain.hopping[n - 1] / scale,
                onsite: chain.onsite[n] / scale,
            },
            active,
            canonical: (0..blocks.len())
                .filter(|&i| images[i].canonical == i)
                .collect(),
            blocks,
            images,
            all_vectors: !kept.operators.is_empty() || options.basis.is_some(),
            kept,
            options,
            control,
            timing,
        }
    }

    /// All steps; `ground` is the absolute energy of the shell before.
    fn add_site(mut self, ground: f64, store: Option<&Arc<VectorStore>>) -> Result<Grown, Error> {
        self.check_memory()?;
        let clock = Instant::now();
        let reduced = self.diagonalise()?;
        let levels = self.cut(&reduced);
        self.timing.values += clock.elapsed().as_secs_f64();

        let clock = Instant::now();
        let vectors = self.rotate(reduced, &levels)?;
        self.timing.vectors += clock.elapsed().as_secs_f64();

        let clock = Instant::now();
        let (expectations, operators) = self.operators(&vectors, &levels.keep);
        let next = self.carry(operators, &vectors, &levels);
        self.timing.operators += clock.elapsed().as_secs_f64();
        self.control.tick(SHELL_UNITS / 5);

        let (shell, keep) = self.shell(ground, levels, expectations);
        let basis = store
            .map(|store| {
                let (blocks, reflections) = (self.blocks, self.kept.reflections);
                Basis::new(
                    blocks,
                    keep,
                    self.site,
                    self.images,
                    reflections,
                    vectors,
                    store,
                )
            })
            .transpose()
            .map_err(Error::storage)?;
        Ok(Grown {
            shell,
            kept: next,
            basis,
        })
    }

    fn check_memory(&mut self) -> Result<(), Error> {
        let square = |i: usize| self.blocks[i].dimension.pow(2);
        let reduced: usize = self.canonical.iter().map(|&i| square(i)).sum();
        let vectors: usize = (0..self.blocks.len()).map(square).sum();
        let needed = 8
            * (reduced
                + if self.all_vectors {
                    2 * vectors
                } else {
                    vectors / 4
                });
        self.timing.peak_bytes = self.timing.peak_bytes.max(needed);
        match self.options.memory_limit {
            Some(limit) if needed > limit => Err(Error::Memory {
                shell: self.n,
                needed,
                limit,
            }),
            _ => Ok(()),
        }
    }

    fn failed(&self, block: usize, source: kadanoff_linalg::Error) -> Error {
        Error::Eigen {
            shell: self.n,
            label: self.blocks[block].label,
            source,
        }
    }

    /// Eigenvalues of every canonical block, before anything is cut.
    fn diagonalise(&mut self) -> Result<HashMap<usize, Reduced>, Error> {
        let (blocks, control) = (&self.blocks, self.control);
        let work: f64 = self.canonical.iter().map(|&i| cube(&blocks[i])).sum();
        let reduced: Vec<Result<Reduced, Error>> = map_largest_first(
            &self.canonical,
            |&i| blocks[i].dimension,
            |&i| {
                control.check()?;
                let h = shell::hamiltonian(
                    self.symmetry,
                    &self.kept,
                    &self.site,
                    self.step,
                    &blocks[i],
                );
                let long = blocks[i].dimension > LONG;
                let reduced = or_abandon(control, long, || Reduced::new(h))?
                    .map_err(|source| self.failed(i, source))?;
                control.tick((0.8 * SHELL_UNITS as f64 * cube(&blocks[i]) / work) as u64);
                Ok(reduced)
            },
        );
        let mut by_block = HashMap::new();
        for (&i, r) in self.canonical.iter().zip(reduced) {
            self.timing.reduction_flops += 4.0 / 3.0 * cube(&self.blocks[i]);
            self.timing.largest_block = self.timing.largest_block.max(self.blocks[i].dimension);
            by_block.insert(i, r?);
        }
        // The old hopping matrices have done their work; they are a quarter of the memory of a shell.
        self.kept.hopping.clear();
        Ok(by_block)
    }

    /// Counts the levels of all blocks from the lowest one, and decides which are kept.
    fn cut(&self, reduced: &HashMap<usize, Reduced>) -> CutLevels {
        let mut energies: Vec<Vec<f64>> = self
            .images
            .iter()
            .map(|image| {
                reduced
                    .get(&image.canonical)
                    .map(|r| r.values().to_vec())
                    .unwrap_or_default()
            })
            .collect();
        let lowest = energies
            .iter()
            .filter_map(|e| e.first().copied())
            .fold(f64::INFINITY, f64::min);
        for e in energies.iter_mut().flatten() {
            *e -= lowest;
        }
        let mut levels: Vec<(f64, usize)> = self
            .blocks
            .iter()
            .zip(&energies)
            .flat_map(|(b, e)| {
                e.iter()
                    .map(move |&x| (x, self.symmetry.dimension(&b.label)))
            })
            .collect();
        levels.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let cut = self.options.truncation.cut(&levels);
        let edge = cut.map_or(f64::INFINITY, |(e, gap)| e + 0.5 * gap);
        let keep = energies
            .iter()
            .map(|e| e.partition_point(|&x| x < edge))
            .collect();
        CutLevels {
            lowest,
            energies,
            cut,
            keep,
        }
    }

    /// Eigenvectors of all blocks: computed for the canonical ones, reflected for the others.
    fn rotate(
        &mut self,
        mut reduced: HashMap<usize, Reduced>,
        levels: &CutLevels,
    ) -> Result<Vec<Mat<f64>>, Error> {
        let (blocks, control) = (&self.blocks, self.control);
        let wanted = |i: usize| match (self.all_vectors, self.last) {
            (true, _) => blocks[i].dimension,
            (false, true) => 0,
            (false, false) => levels.keep[i],
        };
        let jobs: Vec<(usize, Mutex<Option<Reduced>>)> = self
            .canonical
            .iter()
            .map(|&i| (i, Mutex::new(reduced.remove(&i))))
            .collect();
        let solved: Vec<Result<Mat<f64>, Error>> = map_largest_first(
            &jobs,
            |(i, _)| blocks[*i].dimension,
            |(i, reduced)| {
                control.check()?;
                let Some(r) = reduced.lock().ok().and_then(|mut r| r.take()) else {
                    return Ok(Mat::zeros(0, 0));
                };
                let (long, k) = (blocks[*i].dimension > LONG, wanted(*i));
                or_abandon(control, long, move || r.vectors(k))?
                    .map_err(|source| self.failed(*i, source))
            },
        );
        let mut out: Vec<Mat<f64>> = (0..blocks.len()).map(|_| Mat::zeros(0, 0)).collect();

        for (&i, u) in self.canonical.iter().zip(solved) {
            let d = blocks[i].dimension as f64;
            self.timing.product_flops += 2.0 * d * d * wanted(i) as f64;
            out[i] = u?;
        }
        let others: Vec<usize> = (0..blocks.len())
            .filter(|&i| self.images[i].canonical != i)
            .collect();
        let reflected = map_largest_first(
            &others,
            |&i| blocks[i].dimension,
            |&i| {
                let image = self.images[i];
                let canonical = &out[image.canonical];
                reflect::image(image, &self.kept.reflections, &self.site, blocks, canonical)
            },
        );
        for (i, u) in others.into_iter().zip(reflected) {
            out[i] = u;
        }

        Ok(out)
    }

    /// For every block the expectation values of the operators in all its states, and for every
    /// operator its matrices between the kept ones.
    fn operators(
        &self,
        vectors: &[Mat<f64>],
        keep: &[usize],
    ) -> (Expectations, Vec<Vec<Mat<f64>>>) {
        let (blocks, old) = (&self.blocks, &self.kept.operators);
        let by_block: Vec<Vec<(Vec<f64>, Mat<f64>)>> = map_largest_first(
            &(0..blocks.len()).collect::<Vec<_>>(),
            |&i| blocks[i].dimension,
            |&i| {
                old.iter()
                    .map(|o| shell::new_operator(o, &blocks[i], &vectors[i], keep[i]))
                    .collect()
            },
        );
        let mut operators = vec![Vec::with_capacity(blocks.len()); old.len()];
        let mut expectations = Vec::with_capacity(blocks.len());
        for of_block in by_block {
            let mut diagonals = Vec::new();
            for (o, (diagonal, matrix)) in of_block.into_iter().enumerate() {
                diagonals.push(diagonal);
                operators[o].push(matrix);
            }
            expectations.push(diagonals);
        }
        (expectations, operators)
    }

    /// The kept states with all that the next site needs; nothing after the last one.
    fn carry(
        &mut self,
        operators: Vec<Vec<Mat<f64>>>,
        vectors: &[Mat<f64>],
        levels: &CutLevels,
    ) -> Kept {
        if self.last {
            return Kept::default();
        }
        let reflections = [0, 1].map(|g| {
            let old = self.kept.reflections[g]
                .as_ref()
                .filter(|_| self.active[g])?;
            Some(reflect::actions(
                g,
                old,
                &self.site,
                &self.blocks,
                &self.images,
                vectors,
                &levels.keep,
            ))
        });
        Kept {
            labels: self.blocks.iter().map(|b| b.label).collect(),
            odd: self.blocks.iter().map(|b| b.odd).collect(),
            energies: levels
                .energies
                .iter()
                .zip(&levels.keep)
                .map(|(e, &k)| e[..k].to_vec())
                .collect(),
            hopping: (0..self.symmetry.channels())
                .map(|channel| self.hopping(channel, vectors, &levels.keep))
                .collect(),
            operators,
            reflections,
        }
    }

    /// The hopping tensor of the new site between the kept states.
    fn hopping(
        &mut self,
        channel: usize,
        vectors: &[Mat<f64>],
        keep: &[usize],
    ) -> HashMap<(usize, usize), Mat<f64>> {
        let blocks = &self.blocks;
        let mut pairs = Vec::new();
        for (j, ket) in blocks.iter().enumerate() {
            for (i, bra) in blocks.iter().enumerate() {
                if keep[i] > 0
                    && keep[j] > 0
                    && self.symmetry.connects(&bra.label, channel, &ket.label)
                {
                    pairs.push((i, j));
                    self.timing.product_flops += 0.5 * (keep[i] * keep[j] * ket.dimension) as f64;
                }
            }
        }
        let matrices = map_largest_first(
            &pairs,
            |&(i, j)| keep[i] * keep[j],
            |&(i, j)| {
                shell::new_hopping(
                    self.symmetry,
                    &self.kept,
                    &self.site,
                    channel,
                    (&blocks[i], &vectors[i], keep[i]),
                    (&blocks[j], &vectors[j], keep[j]),
                )
            },
        );
        pairs
            .into_iter()
            .zip(matrices)
            .filter_map(|(pair, m)| m.map(|m| (pair, m)))
            .collect()
    }

    /// The shell in absolute units, and how many levels of each block were kept.
    fn shell(
        &self,
        ground: f64,
        levels: CutLevels,
        expectations: Expectations,
    ) -> (Shell, Vec<usize>) {
        let scale = self.scale;
        let shell = Shell {
            site: self.n,
            scale,
            ground: ground + levels.lowest * scale,
            cut: levels.cut.map(|(e, gap)| (e * scale, gap * scale)),
            blocks: self
                .blocks
                .iter()
                .zip(levels.energies)
                .zip(expectations)
                .zip(&levels.keep)
                .map(|(((b, e), expectations), &kept)| ShellBlock {
                    label: b.label,
                    energies: e.into_iter().map(|x| x * scale).collect(),
                    kept,
                    expectations,
                })
                .collect(),
        };
        (shell, levels.keep)
    }
}

fn cube(block: &ProductBlock) -> f64 {
    (block.dimension as f64).powi(3)
}

#[cfg(test)]
pub(crate) mod tests;
