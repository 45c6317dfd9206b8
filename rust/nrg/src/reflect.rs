//! Blocks that a reflection makes equal are diagonalised once.
//!
//! Where the Hamiltonian commutes with `C = exp(-i pi I_y)` (charge) or `R = exp(-i pi S_y)`
//! (spin), the block of `(Q, S_z)` has the spectrum of `(-Q, S_z)`, `(Q, -S_z)` and `(-Q, -S_z)`.
//! Only labels with non-negative entries are diagonalised; the basis of the others is *defined*
//! as `C^x R^y` applied to the canonical one. Both reflections commute, `C^2 = (-1)^Q` and
//! `R^2 = (-1)^(2 S_z)`, which fixes their action on every image. A block with Q = 0 (S_z = 0) is
//! its own image under C (R); there the action is a matrix, carried along.

use crate::initial_cluster::{Reflected, ReflectionMatrix};
use crate::shell::ProductBlock;
use crate::symmetry::{Label, Site};
use faer::Mat;

/// A block's place in its orbit: the canonical block and the powers of C and R that lead here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Image {
    pub canonical: usize,
    pub word: [bool; 2],
}

fn reflected(label: &Label, factor: usize) -> Label {
    let mut out = *label;
    out[factor] = -out[factor];
    out
}

/// For every block its canonical block. Blocks must be sorted by label.
pub(crate) fn orbits(blocks: &[ProductBlock], active: [bool; 2]) -> Vec<Image> {
    let find = |label: &Label| blocks.binary_search_by_key(label, |b| b.label).ok();
    blocks
        .iter()
        .enumerate()
        .map(|(i, block)| {
            let mut label = block.label;
            let mut word = [false; 2];
            for g in 0..2 {
                if active[g] && label[g] < 0 {
                    label = reflected(&label, g);
                    word[g] = true;
                }
            }
            match find(&label) {
                Some(canonical) if blocks[canonical].dimension == block.dimension => {
                    Image { canonical, word }
                }
                // Cannot happen when the kept set is invariant; solving it anew is always right.
                _ => Image {
                    canonical: i,
                    word: [false; 2],
                },
            }
        })
        .collect()
}

/// `G` applied to vectors of block `from`, expressed in the product basis of block `to`.
pub(crate) fn apply(
    generator: usize,
    actions: &[Reflected],
    site: &Site,
    from: &ProductBlock,
    vectors: &Mat<f64>,
    to: &ProductBlock,
) -> Mat<f64> {
    let mut out = Mat::zeros(to.dimension, vectors.ncols());
    for p in &from.segments {
        let action = &actions[p.old];
        let (site_target, sign) = site.reflections[generator][p.site];
        let Some(q) = to
            .segments
            .iter()
            .find(|q| q.old == action.target && q.site == site_target)
        else {
            continue;
        };
        let source = vectors.as_ref().subrows(p.offset, p.size);
        let mut target = out.as_mut().subrows_mut(q.offset, q.size);
        match &action.matrix {
            ReflectionMatrix::Sign(s) => {
                let c = sign * s;
                faer::zip!(&mut target, &source).for_each(|faer::unzip!(t, s)| *t = c * *s);
            }
            ReflectionMatrix::Dense(m) => faer::linalg::matmul::matmul(
                target,
                faer::Accum::Replace,
                m.as_ref(),
                source,
                sign,
                faer::Par::Seq,
            ),
        }
    }
    out
}

/// Vectors of any block from those of its canonical block: `|image> = C^x R^y |canonical>`, R
/// first, by way of the block that it leads to.
pub(crate) fn image(
    image: Image,
    reflections: &[Option<Vec<Reflected>>; 2],
    site: &Site,
    blocks: &[ProductBlock],
    canonical: &Mat<f64>,
) -> Mat<f64> {
    let mut here = image.canonical;
    let mut u = None;
    for g in [1, 0] {
        let Some(actions) = reflections[g].as_ref().filter(|_| image.word[g]) else {
            continue;
        };
        let goal = reflected(&blocks[here].label, g);
        let Ok(there) = blocks.binary_search_by_key(&goal, |b| b.label) else {
            continue;
        };
        let source = u.as_ref().unwrap_or(canonical);
        u = Some(apply(
            g,
            actions,
            site,
            &blocks[here],
            source,
            &blocks[there],
        ));
        here = there;
    }
    u.unwrap_or_else(|| canonical.clone())
}

/// The action of one generator on every block of the new shell, in the kept bases.
pub(crate) fn actions(
    generator: usize,
    old: &[Reflected],
    site: &Site,
    blocks: &[ProductBlock],
    images: &[Image],
    vectors: &[Mat<f64>],
    keep: &[usize],
) -> Vec<Reflected> {
    let self_image = |c: usize| {
        let u = vectors[c].as_ref().subcols(0, keep[c]).to_owned();
        let gu = apply(generator, old, site, &blocks[c], &u, &blocks[c]);
        u.transpose() * gu
    };
    let dense: Vec<Option<Mat<f64>>> = (0..blocks.len())
        .map(|i| {
            let own = images[i].canonical == i && blocks[i].label[generator] == 0;
            own.then(|| self_image(i))
        })
        .collect();
    (0..blocks.len())
        .map(|i| {
            let label = blocks[i].label;
            let Image { canonical, word } = images[i];
            if label[generator] == 0 {
                let matrix = dense[canonical].clone().unwrap_or_else(|| Mat::zeros(0, 0));
                return Reflected {
                    target: i,
                    matrix: ReflectionMatrix::Dense(matrix),
                };
            }
            let goal = reflected(&label, generator);
            let target = blocks.binary_search_by_key(&goal, |b| b.label).unwrap_or(i);
            // G on the canonical side leads to the image; on the image it squares to the sign.
            let square = if label[generator] % 2 == 0 { 1.0 } else { -1.0 };
            let sign = if word[generator] { square } else { 1.0 };
            Reflected {
                target,
                matrix: ReflectionMatrix::Sign(sign),
            }
        })
        .collect()
}
