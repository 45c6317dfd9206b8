//! Products of U(1), SU(2) and cyclic factors, chain sites in their multiplets, recoupling.
//!
//! A symmetry is a list of factors, (charge, spin, channel). A label holds one integer a factor:
//! for U(1) the charge itself (charge: electrons relative to half filling; spin: 2 S_z; channel:
//! electrons of the first minus those of the second band), for SU(2) twice the isospin, spin or
//! channel spin, for a cyclic factor the charge modulo its order. Reduced matrix elements follow
//! Edmonds for every SU(2) factor,
//! `<j'm'|T^k_q|jm> = (-1)^(j'-m') (j' k j; -m' q m) <j'||T||j>`; another factor is only a selection
//! rule.

use crate::wigner::{six_j, triangle};
use serde::{Deserialize, Serialize};

/// Most factors a symmetry may have.
pub const MAX_FACTORS: usize = 4;

/// One integer for every factor of the symmetry; unused entries are zero.
pub type Label = [i16; MAX_FACTORS];

/// One factor of a symmetry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Factor {
    /// An additive quantum number.
    U1,
    /// An angular momentum.
    SU2,
    /// A quantum number that is conserved up to multiples of this order; with order 1 none is.
    Cyclic(i16),
}

/// No symmetry: every label is zero.
pub const NONE: Factor = Factor::Cyclic(1);

/// The symmetries of one or several spin-1/2 bands.
///
/// ```
/// use kadanoff_nrg::{Factor, NONE, Site, Symmetry};
///
/// let symmetry = Symmetry::single(Factor::U1, Factor::SU2);
/// assert_eq!(symmetry.factors(), [Factor::U1, Factor::SU2, NONE]);
/// // The multiplets of a site: empty, a spin doublet, doubly occupied.
/// let states = Site::new(symmetry, 0).states;
/// let sizes: Vec<usize> = states.iter().map(|s| symmetry.dimension(&s.label)).collect();
/// assert_eq!(sizes, [1, 2, 1]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Symmetry {
    /// Charge: `U1` (Q, that of all bands together), `SU2` (isospin) or `Cyclic(2)` (parity).
    pub charge: Factor,
    /// Spin: `U1` (S_z), `SU2`, or `Cyclic(m)` (2 S_z modulo m).
    pub spin: Factor,
    /// Two bands: `U1` (the difference of their charges) or `SU2` (rotations of one into the
    /// other); `NONE` otherwise.
    pub channel: Factor,
    /// Number of bands.
    pub bands: usize,
    /// Whether the bands take turns, so that a chain site is one of a single band.
    pub interleaved: bool,
}

impl Symmetry {
    /// The symmetry of a single band.
    pub fn single(charge: Factor, spin: Factor) -> Self {
        Self {
            charge,
            spin,
            channel: NONE,
            bands: 1,
            interleaved: false,
        }
    }

    /// Whether [`Site::new`] has sites for it; others come with their cluster.
    pub(crate) fn has_sites(self) -> bool {
        let cyclic = |f: Factor| matches!(f, Factor::Cyclic(_));
        let both_u1 = self.charge == Factor::U1 && self.spin == Factor::U1;
        self.channel == NONE
            && !self.interleaved
            && !cyclic(self.charge)
            && !cyclic(self.spin)
            && (self.bands == 1 || (self.bands == 2 && both_u1))
    }

    /// Number of orbitals of a chain site.
    pub(crate) fn site_orbitals(self) -> usize {
        if self.interleaved { 1 } else { self.bands }
    }

    /// ln of the number of states of a chain site.
    pub(crate) fn site_entropy(self) -> f64 {
        self.site_orbitals() as f64 * 4.0_f64.ln()
    }

    /// Rank of the hopping tensors: twice that of an SU(2) factor.
    pub(crate) fn hopping_rank(self) -> Label {
        std::array::from_fn(|i| i16::from(self.factors().get(i) == Some(&Factor::SU2)))
    }

    /// The factors: charge, spin, channel.
    pub fn factors(self) -> [Factor; 3] {
        [self.charge, self.spin, self.channel]
    }

    /// Number of states in a multiplet.
    pub fn dimension(self, label: &Label) -> usize {
        self.factors()
            .iter()
            .zip(label)
            .map(|(f, &x)| match f {
                Factor::U1 | Factor::Cyclic(_) => 1,
                Factor::SU2 => x as usize + 1,
            })
            .product()
    }

    /// Labels that appear in the product of two multiplets.
    pub(crate) fn product(self, a: &Label, b: &Label) -> Vec<Label> {
        let mut out = vec![[0; MAX_FACTORS]];
        for (i, f) in self.factors().into_iter().enumerate() {
            let choices: Vec<i16> = match f {
                Factor::U1 => vec![a[i] + b[i]],
                Factor::Cyclic(m) => vec![(a[i] + b[i]).rem_euclid(m)],
                Factor::SU2 => ((a[i] - b[i]).abs()..=a[i] + b[i]).step_by(2).collect(),
            };
            out = out
                .iter()
                .flat_map(|label| {
                    choices.iter().map(move |&c| {
                        let mut next = *label;
                        next[i] = c;
                        next
                    })
                })
                .collect();
        }
        out
    }

    /// Doubled rank of the hopping tensor in every factor.
    fn rank(self, factor: usize) -> i32 {
        i32::from(self.factors()[factor] == Factor::SU2)
    }

    /// Whether the hopping tensor contains annihilators too, so that `A(1) . A(2)^+` is Hermitian.
    pub(crate) fn self_conjugate_hopping(self) -> bool {
        self.charge == Factor::SU2
    }

    /// Coefficient of `<a'||A||a> <b||A||b'>` in the matrix element of `sum_q A_q(1) A_q(2)^+`
    /// between `|(a' b') J>` and `|(a b) J>`: `(-1)^(a+b+J) {a' a k; b b' J}` for every SU(2)
    /// factor (Edmonds, Eq. 7.1.6, with the adjoint of the second tensor). Fermion signs apart.
    pub(crate) fn hopping(
        self,
        bra: (&Label, &Label),
        ket: (&Label, &Label),
        total: &Label,
    ) -> f64 {
        let mut c = 1.0;
        for (i, f) in self.factors().into_iter().enumerate() {
            if f == Factor::SU2 {
                let [a1, b1, a, b, j] =
                    [bra.0[i], bra.1[i], ket.0[i], ket.1[i], total[i]].map(i32::from);
                c *= sign((a + b + j) / 2) * six_j(a1, a, self.rank(i), b, b1, j);
            }
        }
        c
    }

    /// Coefficient of `<b'||A||b>` in `<(a b')J'||A(2)||(a b)J>`: for every SU(2) factor
    /// `(-1)^(a+b+J'+k) sqrt((2J+1)(2J'+1)) {b' J' a; J b k}` (Edmonds, Eq. 7.1.8).
    pub(crate) fn second(self, a: &Label, bra: (&Label, &Label), ket: (&Label, &Label)) -> f64 {
        let mut c = 1.0;
        for (i, f) in self.factors().into_iter().enumerate() {
            if f == Factor::SU2 {
                let [a, b1, j1, b, j] =
                    [a[i], bra.0[i], bra.1[i], ket.0[i], ket.1[i]].map(i32::from);
                let k = self.rank(i);
                c *= sign((a + b + j1 + k) / 2)
                    * f64::from((j + 1) * (j1 + 1)).sqrt()
                    * six_j(b1, j1, a, j, b, k);
            }
        }
        c
    }

    /// Coefficient of `<a'||T||a>` in `<(a' b)J'||T(1)||(a b)J>` for a tensor of doubled rank k: for
    /// every SU(2) factor `(-1)^(a'+b+J+k) sqrt((2J+1)(2J'+1)) {a' J' b; J a k}` (Edmonds, 7.1.7).
    pub(crate) fn first(
        self,
        rank: &Label,
        b: &Label,
        bra: (&Label, &Label),
        ket: (&Label, &Label),
    ) -> f64 {
        let mut c = 1.0;
        for (i, f) in self.factors().into_iter().enumerate() {
            if f == Factor::SU2 {
                let [k, b, a1, j1, a, j] =
                    [rank[i], b[i], bra.0[i], bra.1[i], ket.0[i], ket.1[i]].map(i32::from);
                c *= sign((a1 + b + j + k) / 2)
                    * f64::from((j + 1) * (j1 + 1)).sqrt()
                    * six_j(a1, j1, b, j, a, k);
            }
        }
        c
    }

    /// Whether a tensor of the given rank can lead from `ket` to `bra`.
    pub(crate) fn raises(self, bra: &Label, rank: &Label, ket: &Label) -> bool {
        self.factors()
            .into_iter()
            .enumerate()
            .all(|(i, f)| match f {
                Factor::SU2 => triangle(bra[i].into(), rank[i].into(), ket[i].into()),
                Factor::U1 => bra[i] == ket[i] + rank[i],
                Factor::Cyclic(m) => (bra[i] - ket[i] - rank[i]).rem_euclid(m) == 0,
            })
    }

    /// A rank as the label of the multiplet that the tensor's components form.
    pub(crate) fn positive(self, rank: &Label) -> Label {
        rank.map(i16::abs)
    }

    /// Whether the hopping tensor can connect two labels.
    pub(crate) fn connects(self, bra: &Label, channel: usize, ket: &Label) -> bool {
        self.factors()
            .into_iter()
            .enumerate()
            .all(|(i, f)| match f {
                Factor::SU2 => triangle(bra[i].into(), 1, ket[i].into()),
                Factor::U1 => bra[i] == ket[i] + self.step(i, channel),
                Factor::Cyclic(m) => (bra[i] - ket[i] - self.step(i, channel)).rem_euclid(m) == 0,
            })
    }

    /// By how much a tensor changes the label of a U(1) or cyclic factor. Channels are ordered by
    /// their band, and by their spin within it.
    fn step(self, factor: usize, channel: usize) -> i16 {
        let spins = self.spins();
        let minus = match factor {
            1 => channel % spins == 1,
            2 => channel / spins == 1,
            _ => false,
        };
        if minus { -1 } else { 1 }
    }

    /// Tensors for each band: both spins apart, or one doublet.
    fn spins(self) -> usize {
        if self.spin == Factor::SU2 { 1 } else { 2 }
    }

    /// Number of tensors that make up `sum_s f_s^+` of all bands.
    pub(crate) fn channels(self) -> usize {
        let bands = if self.channel == Factor::SU2 {
            1
        } else {
            self.bands
        };
        bands * self.spins()
    }
}

fn sign(exponent: i32) -> f64 {
    if exponent % 2 == 0 { 1.0 } else { -1.0 }
}

/// A multiplet of one chain site.
#[derive(Debug, Clone, Copy)]
pub struct SiteState {
    /// Its label.
    pub label: Label,
    /// Fermion parity: true for one electron.
    pub odd: bool,
    /// Electrons on the site, averaged over the multiplet.
    pub electrons: f64,
}

/// A chain site: its multiplets and the reduced elements of the hopping tensors between them.
#[derive(Debug, Clone)]
pub struct Site {
    /// The multiplets.
    pub states: Vec<SiteState>,
    /// For every channel `(bra, ket, <bra||A||ket>)`.
    pub hopping: Vec<Vec<(usize, usize, f64)>>,
    /// For charge and spin: where the reflection takes each multiplet, and its sign.
    pub reflections: [Vec<(usize, f64)>; 2],
    /// Scalar operators on the site: `(bra, ket, element)`, one triangle of a symmetric matrix.
    pub terms: Vec<Vec<(usize, usize, f64)>>,
}

/// Sites of a chain that are not those of equal spin-1/2 bands with on-site energies.
#[derive(Debug, Clone)]
pub struct ChainSites {
    /// The kinds of sites: of even and of odd n, or where bands are interleaved of every band,
    /// whose hopping tensors of the other bands have no elements.
    pub sites: Vec<Site>,
    /// Which kind site n = 0, 1, ... is; none: they take turns. That of n = 0 has no meaning.
    pub order: Vec<usize>,
    /// For every channel its hoppings t_n; none: those of the chain.
    pub hopping: Vec<Vec<f64>>,
    /// For every term of a site its coefficients at n = 0, 1, ...; that of n = 0 belongs to the
    /// cluster.
    pub terms: Vec<Vec<f64>>,
}

impl ChainSites {
    /// Which kind site `n` is.
    pub(crate) fn kind(&self, n: usize) -> usize {
        match self.order.get(n) {
            Some(&kind) => kind,
            None => n % self.sites.len(),
        }
    }
}

impl Site {
    /// Site `n` of the chain; the sign (-1)^n of the isospin raising operator
    /// `I_+ = (-1)^n f_up^+ f_dn^+` makes the hopping an isospin scalar.
    ///
    /// ```
    /// use kadanoff_nrg::{Factor, Site, Symmetry};
    ///
    /// let site = Site::new(Symmetry::single(Factor::U1, Factor::U1), 0);
    /// // Four states, and two channels of hopping: one per spin.
    /// assert_eq!((site.states.len(), site.hopping.len()), (4, 2));
    /// ```
    pub fn new(symmetry: Symmetry, n: usize) -> Self {
        let one = Self::of_one_band(symmetry, n);
        if symmetry.bands == 2 {
            one.doubled()
        } else {
            one
        }
    }

    /// Two such sites side by side, the creation operators of the first band to the left.
    fn doubled(&self) -> Self {
        let m = self.states.len();
        let join = |a: usize, b: usize| a * m + b;
        let states = self
            .states
            .iter()
            .flat_map(|a| {
                self.states.iter().map(move |b| SiteState {
                    label: std::array::from_fn(|i| a.label[i] + b.label[i]),
                    odd: a.odd != b.odd,
                    electrons: a.electrons + b.electrons,
                })
            })
            .collect();
        let first = self.hopping.iter().map(|channel| {
            channel
                .iter()
                .flat_map(|&(i, j, x)| (0..m).map(move |b| (join(i, b), join(j, b), x)))
                .collect()
        });
        let second = self.hopping.iter().map(|channel| {
            (0..m)
                .flat_map(|a| {
                    let sign = if self.states[a].odd { -1.0 } else { 1.0 };
                    channel
                        .iter()
                        .map(move |&(i, j, x)| (join(a, i), join(a, j), sign * x))
                })
                .collect()
        });
        let reflections = [0, 1].map(|g| {
            let r = &self.reflections[g];
            r.iter()
                .flat_map(|&(a, s)| r.iter().map(move |&(b, t)| (join(a, b), s * t)))
                .collect()
        });
        Self {
            states,
            hopping: first.chain(second).collect(),
            reflections,
            terms: Vec::new(),
        }
    }

    fn of_one_band(symmetry: Symmetry, n: usize) -> Self {
        let s = if n.is_multiple_of(2) { 1.0 } else { -1.0 };
        let state = |charge: i16, spin: i16, odd: bool, electrons: f64| {
            let mut label = [0; MAX_FACTORS];
            label[0] = charge;
            label[1] = spin;
            SiteState {
                label,
                odd,
                electrons,
            }
        };
        let root = std::f64::consts::SQRT_2;
        match (symmetry.charge, symmetry.spin) {
            // |0>, |up>, |dn>, |2> = f_up^+ f_dn^+ |0>
            (Factor::U1, Factor::U1) => Self {
                states: vec![
                    state(-1, 0, false, 0.0),
                    state(0, 1, true, 1.0),
                    state(0, -1, true, 1.0),
                    state(1, 0, false, 2.0),
                ],
                hopping: vec![
                    vec![(1, 0, 1.0), (3, 2, 1.0)],
                    vec![(2, 0, 1.0), (3, 1, -1.0)],
                ],
                reflections: [
                    vec![(3, -s), (1, 1.0), (2, 1.0), (0, s)],
                    vec![(0, 1.0), (2, 1.0), (1, -1.0), (3, 1.0)],
                ],
                terms: Vec::new(),
            },
            (Factor::U1, Factor::SU2) => Self {
                states: vec![
                    state(-1, 0, false, 0.0),
                    state(0, 1, true, 1.0),
                    state(1, 0, false, 2.0),
                ],
                hopping: vec![vec![(1, 0, -root), (2, 1, root)]],
                reflections: [vec![(2, -s), (1, 1.0), (0, s)], Vec::new()],
                terms: Vec::new(),
            },
            // (|2>, s|0>) form the isospin doublet.
            (Factor::SU2, Factor::SU2) => Self {
                states: vec![state(1, 0, false, 1.0), state(0, 1, true, 1.0)],
                hopping: vec![vec![(1, 0, -2.0 * s), (0, 1, -2.0)]],
                reflections: [Vec::new(), Vec::new()],
                terms: Vec::new(),
            },
            (Factor::SU2, Factor::U1) => Self {
                states: vec![
                    state(1, 0, false, 1.0),
                    state(0, 1, true, 1.0),
                    state(0, -1, true, 1.0),
                ],
                // <0||f_up^+||1/2>: component p = 1/2 between |0> = s|I_z=-1/2> and |up>.
                hopping: vec![
                    vec![(1, 0, root * s), (0, 2, -root)],
                    vec![(2, 0, root * s), (0, 1, root)],
                ],
                reflections: [Vec::new(), vec![(0, 1.0), (2, 1.0), (1, -1.0)]],
                terms: Vec::new(),
            },
            // Sites of other factors come with their cluster, which is checked.
            (Factor::Cyclic(_), _) | (_, Factor::Cyclic(_)) => Self {
                states: Vec::new(),
                hopping: Vec::new(),
                reflections: [Vec::new(), Vec::new()],
                terms: Vec::new(),
            },
        }
    }
}
