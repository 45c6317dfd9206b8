//! One shell: the blocks after adding a site, their Hamiltonians and the kept basis.

use crate::WilsonChain;
use crate::initial_cluster::{InitialCluster, Reflected};
use crate::symmetry::{Label, Site, Symmetry};
use faer::Mat;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Eigenvalues of one shell, as they come out of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shell {
    /// Index of the last chain site.
    pub site: usize,
    /// Energy scale `omega_N` of the shell.
    pub scale: f64,
    /// Ground-state energy of the chain up to here, absolute.
    pub ground: f64,
    /// Energy up to which states were kept (absolute, above the ground state) and the gap there;
    /// `None` when everything was kept.
    pub cut: Option<(f64, f64)>,
    /// All multiplets.
    pub blocks: Vec<ShellBlock>,
}

/// The multiplets of one label in a shell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShellBlock {
    /// The label.
    pub label: Label,
    /// Energies above the ground state of the shell, absolute units, ascending.
    pub energies: Vec<f64>,
    /// How many of them were kept, from below.
    pub kept: usize,
    /// Expectation value of every static operator in each state (empty without operators).
    pub expectations: Vec<Vec<f64>>,
}

/// The kept part of a shell: what the next one grows on. Energies in units of the shell's scale.
#[derive(Default)]
pub(crate) struct Kept {
    pub labels: Vec<Label>,
    pub odd: Vec<bool>,
    pub energies: Vec<Vec<f64>>,
    /// For every channel (bra, ket) -> <bra||A||ket> of the last site's hopping tensor.
    pub hopping: Vec<HashMap<(usize, usize), Mat<f64>>>,
    pub operators: Vec<Vec<Mat<f64>>>,
    pub reflections: [Option<Vec<Reflected>>; 2],
}

impl Kept {
    /// The cluster in units of `scale`, energies above its own ground state.
    pub(crate) fn from_cluster(cluster: &InitialCluster, scale: f64, ground: f64) -> Self {
        Self {
            labels: cluster.blocks.iter().map(|b| b.label).collect(),
            odd: cluster.blocks.iter().map(|b| b.odd).collect(),
            energies: cluster
                .blocks
                .iter()
                .map(|b| b.energies.iter().map(|e| (e - ground) / scale).collect())
                .collect(),
            hopping: cluster
                .hopping
                .iter()
                .map(|c| c.iter().map(|(i, j, m)| ((*i, *j), m.clone())).collect())
                .collect(),
            operators: cluster.operators.clone(),
            reflections: cluster.reflections.clone(),
        }
    }
}

/// A stretch of a block's product basis: kept multiplets of one old block times one site multiplet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment {
    pub old: usize,
    pub site: usize,
    pub offset: usize,
    pub size: usize,
}

/// A block of the enlarged chain in its product basis.
#[derive(Debug, Clone)]
pub(crate) struct ProductBlock {
    pub label: Label,
    pub odd: bool,
    pub segments: Vec<Segment>,
    pub dimension: usize,
}

/// The product blocks of the kept multiplets with one more site, ordered by label.
pub(crate) fn product_blocks(symmetry: Symmetry, kept: &Kept, site: &Site) -> Vec<ProductBlock> {
    let mut segments: HashMap<Label, Vec<(usize, usize)>> = HashMap::new();
    for (old, label) in kept.labels.iter().enumerate() {
        if kept.energies[old].is_empty() {
            continue;
        }
        for (s, state) in site.states.iter().enumerate() {
            for total in symmetry.product(label, &state.label) {
                segments.entry(total).or_default().push((old, s));
            }
        }
    }
    let mut blocks: Vec<ProductBlock> = segments
        .into_iter()
        .map(|(label, pairs)| {
            let mut dimension = 0;
            let segments: Vec<Segment> = pairs
                .iter()
                .map(|&(old, site)| {
                    let size = kept.energies[old].len();
                    let segment = Segment {
                        old,
                        site,
                        offset: dimension,
                        size,
                    };
                    dimension += size;
                    segment
                })
                .collect();
            let odd = kept.odd[segments[0].old] != site.states[segments[0].site].odd;
            ProductBlock {
                label,
                odd,
                segments,
                dimension,
            }
        })
        .collect();
    blocks.sort_by_key(|b| b.label);
    blocks
}

/// Coefficients of one step in units of the new shell's scale.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// Old scale over new scale.
    pub ratio: f64,
    /// Hopping to the new site, for every channel.
    pub hopping: Vec<f64>,
    /// On-site energy of the new site.
    pub onsite: f64,
    /// Coefficients of the terms of the new site.
    pub terms: Vec<f64>,
}

impl Step {
    /// The step to site `n`.
    pub(crate) fn new(cluster: &InitialCluster, chain: &WilsonChain, n: usize) -> Self {
        let scale = chain.scale[n];
        let own = cluster.sites.as_ref();
        let hopping = match own.filter(|own| !own.hopping.is_empty()) {
            Some(own) => own.hopping.iter().map(|t| t[n - 1] / scale).collect(),
            None => vec![chain.hopping[n - 1] / scale; cluster.symmetry.channels()],
        };
        Self {
            ratio: chain.scale[n - 1] / scale,
            hopping,
            onsite: chain.onsite[n] / scale,
            terms: own.map_or_else(Vec::new, |own| {
                own.terms.iter().map(|e| e[n] / scale).collect()
            }),
        }
    }
}

/// Lower triangle of the block's Hamiltonian.
pub(crate) fn hamiltonian(
    symmetry: Symmetry,
    kept: &Kept,
    site: &Site,
    step: &Step,
    block: &ProductBlock,
) -> Mat<f64> {
    let mut h = Mat::zeros(block.dimension, block.dimension);
    for segment in &block.segments {
        let shift = step.onsite * site.states[segment.site].electrons;
        for (i, e) in kept.energies[segment.old].iter().enumerate() {
            h[(segment.offset + i, segment.offset + i)] = step.ratio * e + shift;
        }
    }
    // (f_N^+ f_{N+1}) takes `ket` to `bra`; its adjoint fills the other triangle.
    let fill = |h: &mut Mat<f64>, bra: &Segment, ket: &Segment| {
        let mut found = false;
        for (channel, hops) in kept.hopping.iter().enumerate() {
            let Some(matrix) = hops.get(&(bra.old, ket.old)) else {
                continue;
            };
            let Some(&(.., amplitude)) = site.hopping[channel]
                .iter()
                .find(|(to, from, _)| *to == ket.site && *from == bra.site)
            else {
                continue;
            };
            let recoupling = symmetry.hopping(
                (&kept.labels[bra.old], &site.states[bra.site].label),
                (&kept.labels[ket.old], &site.states[ket.site].label),
                &block.label,
            );
            let fermion = if kept.odd[ket.old] { -1.0 } else { 1.0 };
            let c = step.hopping[channel] * fermion * recoupling * amplitude;
            found = true;
            for j in 0..ket.size {
                for i in 0..bra.size {
                    let (mut row, mut column) = (bra.offset + i, ket.offset + j);
                    if row < column {
                        std::mem::swap(&mut row, &mut column);
                    }
                    h[(row, column)] += c * matrix[(i, j)];
                }
            }
        }
        found
    };
    for (elements, coefficient) in site.terms.iter().zip(&step.terms) {
        for &(i, j, x) in elements {
            add_term(&mut h, block, (i, j), coefficient * x);
        }
    }
    for (a, first) in block.segments.iter().enumerate() {
        for second in &block.segments[a + 1..] {
            if !fill(&mut h, second, first) || !symmetry.self_conjugate_hopping() {
                fill(&mut h, first, second);
            }
        }
    }
    h
}

/// Adds an element of a scalar operator of the site to the lower triangle.
fn add_term(h: &mut Mat<f64>, block: &ProductBlock, (i, j): (usize, usize), x: f64) {
    for p in block.segments.iter().filter(|p| p.site == i) {
        for q in block
            .segments
            .iter()
            .filter(|q| q.site == j && q.old == p.old)
        {
            for k in 0..p.size {
                let (row, column) = (p.offset + k, q.offset + k);
                h[(row.max(column), row.min(column))] += x;
            }
        }
    }
}

/// Reduced elements of the new site's hopping tensor between two blocks in their kept bases.
pub(crate) fn new_hopping(
    symmetry: Symmetry,
    kept: &Kept,
    site: &Site,
    channel: usize,
    bra: (&ProductBlock, &Mat<f64>, usize),
    ket: (&ProductBlock, &Mat<f64>, usize),
) -> Option<Mat<f64>> {
    let mut out: Option<Mat<f64>> = None;
    for p in &ket.0.segments {
        for q in bra.0.segments.iter().filter(|q| q.old == p.old) {
            let Some(&(.., amplitude)) = site.hopping[channel]
                .iter()
                .find(|(to, from, _)| *to == q.site && *from == p.site)
            else {
                continue;
            };
            let recoupling = symmetry.second(
                &kept.labels[p.old],
                (&site.states[q.site].label, &bra.0.label),
                (&site.states[p.site].label, &ket.0.label),
            );
            let fermion = if kept.odd[p.old] { -1.0 } else { 1.0 };
            let left = bra.1.as_ref().submatrix(q.offset, 0, q.size, bra.2);
            let right = ket.1.as_ref().submatrix(p.offset, 0, p.size, ket.2);
            let target = out.get_or_insert_with(|| Mat::zeros(bra.2, ket.2));
            faer::linalg::matmul::matmul(
                target.as_mut(),
                faer::Accum::Add,
                left.transpose(),
                right,
                fermion * recoupling * amplitude,
                faer::Par::Seq,
            );
        }
    }
    out
}

/// Reduced elements of the hopping tensor of an older site between two blocks in their kept bases.
pub(crate) fn carried_hopping(
    symmetry: Symmetry,
    kept: &Kept,
    site: &Site,
    channel: usize,
    bra: (&ProductBlock, &Mat<f64>, usize),
    ket: (&ProductBlock, &Mat<f64>, usize),
) -> Option<Mat<f64>> {
    let rank = symmetry.hopping_rank();
    let mut out: Option<Mat<f64>> = None;
    for p in &ket.0.segments {
        for q in bra.0.segments.iter().filter(|q| q.site == p.site) {
            let Some(old) = kept.hopping[channel].get(&(q.old, p.old)) else {
                continue;
            };
            let recoupling = symmetry.first(
                &rank,
                &site.states[p.site].label,
                (&kept.labels[q.old], &bra.0.label),
                (&kept.labels[p.old], &ket.0.label),
            );
            let left = bra.1.as_ref().submatrix(q.offset, 0, q.size, bra.2);
            let right = ket.1.as_ref().submatrix(p.offset, 0, p.size, ket.2);
            let target = out.get_or_insert_with(|| Mat::zeros(bra.2, ket.2));
            faer::linalg::matmul::matmul(
                target.as_mut(),
                faer::Accum::Add,
                left.transpose() * old,
                right,
                recoupling,
                faer::Par::Seq,
            );
        }
    }
    out
}

/// A scalar operator in the eigenbasis of a block: the diagonal over all given vectors, and the
/// matrix over the first `keep`.
pub(crate) fn new_operator(
    old: &[Mat<f64>],
    block: &ProductBlock,
    vectors: &Mat<f64>,
    keep: usize,
) -> (Vec<f64>, Mat<f64>) {
    let all = vectors.ncols();
    let mut image = Mat::zeros(block.dimension, all);
    for p in &block.segments {
        faer::linalg::matmul::matmul(
            image.as_mut().subrows_mut(p.offset, p.size),
            faer::Accum::Replace,
            old[p.old].as_ref(),
            vectors.as_ref().subrows(p.offset, p.size),
            1.0,
            faer::Par::Seq,
        );
    }
    let diagonal = (0..all)
        .map(|j| vectors.col(j).transpose() * image.col(j))
        .collect();
    let matrix = vectors.as_ref().subcols(0, keep).transpose() * image.as_ref().subcols(0, keep);
    (diagonal, matrix)
}
