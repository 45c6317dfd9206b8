//! One more site of the chain: diagonalise, truncate, carry the operators along.

use crate::basis::{Basis, VectorStore};
use crate::iterate::{Options, SHELL_UNITS, Timing};
use crate::reflect::{self, Image};
use crate::shell::{self, Kept, ProductBlock, Shell, ShellBlock, Step};
use crate::symmetry::{Factor, Site, Symmetry};
use crate::{Error, InitialCluster, WilsonChain};
use faer::Mat;
use kadanoff_linalg::{LONG, Reduced};
use kadanoff_runtime::{Clock, Control, map_largest_first, or_abandon};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// One more site: the kept states of the chain so far, and the blocks that they form with it.
///
/// The steps follow each other: [`Growth::diagonalise`] all blocks, [`Growth::cut`] what is too
/// high, [`Growth::rotate`] into the eigenbasis, [`Growth::carry`] the operators along.
pub(crate) struct Growth<'a> {
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
pub(crate) struct Grown {
    pub shell: Shell,
    pub kept: Kept,
    pub basis: Option<Basis>,
}

impl<'a> Growth<'a> {
    pub(crate) fn new(
        cluster: &InitialCluster,
        chain: &WilsonChain,
        n: usize,
        kept: Kept,
        options: &'a Options,
        control: &'a Control,
        timing: &'a mut Timing,
    ) -> Self {
        let symmetry = cluster.symmetry;
        let scale = chain.scale[n];
        let site = cluster.site_of_chain(n).into_owned();
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
            step: Step::new(cluster, chain, n),
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
    pub(crate) fn add_site(
        mut self,
        ground: f64,
        store: Option<&Arc<VectorStore>>,
    ) -> Result<Grown, Error> {
        self.check_memory()?;
        let clock = Clock::start();
        let reduced = self.diagonalise()?;
        let levels = self.cut(&reduced);
        self.timing.values += clock.elapsed().as_secs_f64();

        let clock = Clock::start();
        let vectors = self.rotate(reduced, &levels)?;
        self.timing.vectors += clock.elapsed().as_secs_f64();

        let clock = Clock::start();
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
        let rotated = match (self.kept.operators.is_empty(), self.options.basis) {
            (false, _) => 2 * vectors,
            (true, Some(_)) => reduced + vectors / 2,
            (true, None) => vectors / 4,
        };
        let needed = 8 * (reduced + rotated);
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
                    &self.step,
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
        // The old hopping matrices have done their work, but for those of the bands that this site
        // does not belong to; they are a quarter of the memory of a shell.
        for (old, new) in self.kept.hopping.iter_mut().zip(&self.site.hopping) {
            if !new.is_empty() {
                old.clear();
            }
        }
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

    /// Eigenvectors of all blocks: computed for the canonical ones, reflected for the others, of
    /// which only operators need those of discarded states.
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
        let operators = !self.kept.operators.is_empty();
        let others: Vec<usize> = (0..blocks.len())
            .filter(|&i| self.images[i].canonical != i)
            .collect();
        let reflected = map_largest_first(
            &others,
            |&i| blocks[i].dimension,
            |&i| {
                let image = self.images[i];
                let canonical = &out[image.canonical];
                let reflected = |u: &Mat<f64>| {
                    reflect::image(image, &self.kept.reflections, &self.site, blocks, u)
                };
                let needed = match (operators, self.last) {
                    (true, _) => canonical.ncols(),
                    (false, true) => 0,
                    (false, false) => levels.keep[i],
                };
                if needed < canonical.ncols() {
                    reflected(&canonical.as_ref().subcols(0, needed).to_owned())
                } else {
                    reflected(canonical)
                }
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

    /// The hopping tensor of the last site of a channel between the kept states: of the new site,
    /// or of an older one where the new one belongs to another band.
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
                let bra = (&blocks[i], &vectors[i], keep[i]);
                let ket = (&blocks[j], &vectors[j], keep[j]);
                let (symmetry, kept, site) = (self.symmetry, &self.kept, &self.site);
                if site.hopping[channel].is_empty() {
                    shell::carried_hopping(symmetry, kept, site, channel, bra, ket)
                } else {
                    shell::new_hopping(symmetry, kept, site, channel, bra, ket)
                }
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
