//! The iteration: add a site, diagonalise, truncate, carry the operators along.

use crate::basis::{Basis, VectorStore};
use crate::initial_cluster::InitialCluster;
use crate::reflect::{self, Image};
use crate::shell::{self, Kept, ProductBlock, Shell, ShellBlock, Step};
use crate::symmetry::{Factor, Site};
use crate::truncate::Truncation;
use crate::{Error, WilsonChain};
use faer::Mat;
use kadanoff_linalg::Reduced;
use kadanoff_runtime::{Control, map_largest_first, or_abandon};
use std::collections::HashMap;
use std::sync::Arc;
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
    /// One entry a chain site, from site 0 on.
    pub shells: Vec<Shell>,
    /// Eigenvectors of shells 1, 2, ... when they were asked for.
    pub basis: Vec<Basis>,
    /// Where the time went.
    pub timing: Timing,
}

/// Wall-clock seconds and arithmetic of a run.
#[derive(Debug, Clone, Copy, Default)]
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
        let (shell, next) = add_site(
            cluster,
            chain,
            n,
            ground,
            kept,
            options,
            store.as_ref(),
            control,
            run,
        )?;
        ground = shell.ground;
        run.shells.push(shell);
        kept = next;
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

fn add_site(
    cluster: &InitialCluster,
    chain: &WilsonChain,
    n: usize,
    ground: f64,
    mut kept: Kept,
    options: &Options,
    store: Option<&Arc<VectorStore>>,
    control: &Control,
    run: &mut Run,
) -> Result<(Shell, Kept), Error> {
    let symmetry = cluster.symmetry;
    let scale = chain.scale[n];
    let site = Site::new(symmetry, n);
    let step = Step {
        ratio: chain.scale[n - 1] / scale,
        hopping: chain.hopping[n - 1] / scale,
        onsite: chain.onsite[n] / scale,
    };
    let blocks = shell::product_blocks(symmetry, &kept, &site);
    let active =
        [0, 1].map(|g| kept.reflections[g].is_some() && symmetry.factors()[g] == Factor::U1);
    let images = reflect::orbits(&blocks, active);
    let canonical: Vec<usize> = (0..blocks.len())
        .filter(|&i| images[i].canonical == i)
        .collect();
    let last = n + 1 == chain.sites();
    let all_vectors = !kept.operators.is_empty() || store.is_some();
    check_memory(n, &blocks, &canonical, options, all_vectors, run)?;

    // Eigenvalues of every block, before anything is cut.
    let clock = Instant::now();
    let work: f64 = canonical.iter().map(|&i| cube(&blocks[i])).sum();
    let reduced: Vec<Result<Reduced, Error>> = map_largest_first(
        &canonical,
        |&i| blocks[i].dimension,
        |&i| {
            control.check()?;
            let h = shell::hamiltonian(symmetry, &kept, &site, step, &blocks[i]);
            let long = blocks[i].dimension > LONG;
            let reduced = or_abandon(control, long, || Reduced::new(h))?;
            let reduced = reduced.map_err(|source| Error::Eigen {
                shell: n,
                label: blocks[i].label,
                source,
            })?;
            control.tick((0.8 * SHELL_UNITS as f64 * cube(&blocks[i]) / work) as u64);
            Ok(reduced)
        },
    );
    let mut by_block: HashMap<usize, Reduced> = HashMap::new();
    for (&i, r) in canonical.iter().zip(reduced) {
        run.timing.reduction_flops += 4.0 / 3.0 * cube(&blocks[i]);
        run.timing.largest_block = run.timing.largest_block.max(blocks[i].dimension);
        by_block.insert(i, r?);
    }
    // The old hopping matrices have done their work; they are a quarter of the memory of a shell.
    kept.hopping.clear();
    let mut energies: Vec<Vec<f64>> = images
        .iter()
        .map(|image| {
            by_block
                .get(&image.canonical)
                .map(|r| r.values().to_vec())
                .unwrap_or_default()
        })
        .collect();
    run.timing.values += clock.elapsed().as_secs_f64();

    let lowest = energies
        .iter()
        .filter_map(|e| e.first().copied())
        .fold(f64::INFINITY, f64::min);
    for e in energies.iter_mut().flatten() {
        *e -= lowest;
    }
    let mut levels: Vec<(f64, usize)> = blocks
        .iter()
        .zip(&energies)
        .flat_map(|(b, e)| e.iter().map(move |&x| (x, symmetry.dimension(&b.label))))
        .collect();
    levels.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let cut = options.truncation.cut(&levels);
    let edge = cut.map_or(f64::INFINITY, |(e, gap)| e + 0.5 * gap);
    let keep: Vec<usize> = energies
        .iter()
        .map(|e| e.partition_point(|&x| x < edge))
        .collect();

    let clock = Instant::now();
    let wanted = |i: usize| match (all_vectors, last) {
        (true, _) => blocks[i].dimension,
        (false, true) => 0,
        (false, false) => keep[i],
    };
    let vectors = vectors(
        n, &kept, &site, &blocks, &images, &canonical, by_block, &wanted, control, run,
    )?;
    run.timing.vectors += clock.elapsed().as_secs_f64();

    let clock = Instant::now();
    let expectations_and_operators: Vec<Vec<(Vec<f64>, Mat<f64>)>> = map_largest_first(
        &(0..blocks.len()).collect::<Vec<_>>(),
        |&i| blocks[i].dimension,
        |&i| {
            kept.operators
                .iter()
                .map(|o| shell::new_operator(o, &blocks[i], &vectors[i], keep[i]))
                .collect()
        },
    );
    let mut operators = vec![Vec::with_capacity(blocks.len()); kept.operators.len()];
    let mut expectations = Vec::with_capacity(blocks.len());
    for of_block in expectations_and_operators {
        let mut diagonals = Vec::new();
        for (o, (diagonal, matrix)) in of_block.into_iter().enumerate() {
            diagonals.push(diagonal);
            operators[o].push(matrix);
        }
        expectations.push(diagonals);
    }
    let next = if last {
        Kept {
            labels: Vec::new(),
            odd: Vec::new(),
            energies: Vec::new(),
            hopping: Vec::new(),
            operators: Vec::new(),
            reflections: [None, None],
        }
    } else {
        let reflections = [0, 1].map(|g| {
            let old = kept.reflections[g].as_ref().filter(|_| active[g])?;
            Some(reflect::actions(
                g, old, &site, &blocks, &images, &vectors, &keep,
            ))
        });
        Kept {
            labels: blocks.iter().map(|b| b.label).collect(),
            odd: blocks.iter().map(|b| b.odd).collect(),
            energies: energies
                .iter()
                .zip(&keep)
                .map(|(e, &k)| e[..k].to_vec())
                .collect(),
            hopping: hoppings(symmetry, &kept, &site, &blocks, &vectors, &keep, run),
            operators,
            reflections,
        }
    };
    run.timing.operators += clock.elapsed().as_secs_f64();
    control.tick(SHELL_UNITS / 5);

    let shell = Shell {
        site: n,
        scale,
        ground: ground + lowest * scale,
        cut: cut.map(|(e, gap)| (e * scale, gap * scale)),
        blocks: blocks
            .iter()
            .zip(energies)
            .zip(expectations)
            .zip(&keep)
            .map(|(((b, e), expectations), &kept)| ShellBlock {
                label: b.label,
                energies: e.into_iter().map(|x| x * scale).collect(),
                kept,
                expectations,
            })
            .collect(),
    };
    if let Some(store) = store {
        let reflections = std::mem::take(&mut kept.reflections);
        let basis = Basis::new(blocks, keep, site, images, reflections, vectors, store);
        run.basis.push(basis.map_err(Error::storage)?);
    }
    Ok((shell, next))
}

fn cube(block: &ProductBlock) -> f64 {
    (block.dimension as f64).powi(3)
}

fn check_memory(
    n: usize,
    blocks: &[ProductBlock],
    canonical: &[usize],
    options: &Options,
    all_vectors: bool,
    run: &mut Run,
) -> Result<(), Error> {
    let square = |i: usize| blocks[i].dimension.pow(2);
    let reduced: usize = canonical.iter().map(|&i| square(i)).sum();
    let vectors: usize = (0..blocks.len()).map(square).sum();
    let needed = 8
        * (reduced
            + if all_vectors {
                2 * vectors
            } else {
                vectors / 4
            });
    run.timing.peak_bytes = run.timing.peak_bytes.max(needed);
    match options.memory_limit {
        Some(limit) if needed > limit => Err(Error::Memory {
            shell: n,
            needed,
            limit,
        }),
        _ => Ok(()),
    }
}

fn vectors(
    n: usize,
    kept: &Kept,
    site: &Site,
    blocks: &[ProductBlock],
    images: &[Image],
    canonical: &[usize],
    mut by_block: HashMap<usize, Reduced>,
    wanted: &(impl Fn(usize) -> usize + Sync),
    control: &Control,
    run: &mut Run,
) -> Result<Vec<Mat<f64>>, Error> {
    let jobs: Vec<(usize, std::sync::Mutex<Option<Reduced>>)> = canonical
        .iter()
        .map(|&i| (i, std::sync::Mutex::new(by_block.remove(&i))))
        .collect();
    let solved: Vec<Result<Mat<f64>, Error>> = map_largest_first(
        &jobs,
        |(i, _)| blocks[*i].dimension,
        |(i, reduced)| {
            control.check()?;
            let reduced = reduced.lock().ok().and_then(|mut r| r.take());
            reduced.map_or_else(
                || Ok(Mat::zeros(0, 0)),
                |r| {
                    let (long, k) = (blocks[*i].dimension > LONG, wanted(*i));
                    let vectors = or_abandon(control, long, move || r.vectors(k))?;
                    vectors.map_err(|source| Error::Eigen {
                        shell: n,
                        label: blocks[*i].label,
                        source,
                    })
                },
            )
        },
    );
    let mut out: Vec<Mat<f64>> = (0..blocks.len()).map(|_| Mat::zeros(0, 0)).collect();
    for (&i, u) in canonical.iter().zip(solved) {
        let d = blocks[i].dimension as f64;
        run.timing.product_flops += 2.0 * d * d * wanted(i) as f64;
        out[i] = u?;
    }
    let others: Vec<usize> = (0..blocks.len())
        .filter(|&i| images[i].canonical != i)
        .collect();
    let reflected = map_largest_first(
        &others,
        |&i| blocks[i].dimension,
        |&i| {
            let canonical = &out[images[i].canonical];
            reflect::image(images[i], &kept.reflections, site, blocks, canonical)
        },
    );
    for (i, u) in others.into_iter().zip(reflected) {
        out[i] = u;
    }
    Ok(out)
}

fn hoppings(
    symmetry: crate::Symmetry,
    kept: &Kept,
    site: &Site,
    blocks: &[ProductBlock],
    vectors: &[Mat<f64>],
    keep: &[usize],
    run: &mut Run,
) -> Vec<HashMap<(usize, usize), Mat<f64>>> {
    (0..symmetry.channels())
        .map(|channel| {
            let mut pairs = Vec::new();
            for (j, ket) in blocks.iter().enumerate() {
                for (i, bra) in blocks.iter().enumerate() {
                    if keep[i] > 0
                        && keep[j] > 0
                        && symmetry.connects(&bra.label, channel, &ket.label)
                    {
                        pairs.push((i, j));
                        run.timing.product_flops +=
                            0.5 * (keep[i] * keep[j] * ket.dimension) as f64;
                    }
                }
            }
            let matrices = map_largest_first(
                &pairs,
                |&(i, j)| keep[i] * keep[j],
                |&(i, j)| {
                    shell::new_hopping(
                        symmetry,
                        kept,
                        site,
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
        })
        .collect()
}

#[cfg(test)]
pub(crate) mod tests;
