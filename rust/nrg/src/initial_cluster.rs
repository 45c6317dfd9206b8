//! The starting point of a run: the impurity with the first chain site, in multiplets.

use crate::{ChainSites, Error, Label, Site, SiteState, Symmetry, WilsonChain};
use faer::Mat;
use std::borrow::Cow;

/// Where a reflection takes a block and how it acts: `G|block, i> = sum_j M[j, i] |target, j>`.
#[derive(Debug, Clone)]
pub struct Reflected {
    /// Index of the block that the reflection leads to.
    pub target: usize,
    /// The matrix M.
    pub matrix: ReflectionMatrix,
}

/// The matrix of a reflection between a block and its image.
#[derive(Debug, Clone)]
pub enum ReflectionMatrix {
    /// A sign times the identity: the image's basis was defined by the reflection.
    Sign(f64),
    /// A general orthogonal matrix: the block is its own image.
    Dense(Mat<f64>),
}

/// A multiplet block of the cluster.
#[derive(Debug, Clone)]
pub struct ClusterBlock {
    /// Its label.
    pub label: Label,
    /// Fermion parity, true for an odd number of electrons.
    pub odd: bool,
    /// Eigenvalues of the cluster Hamiltonian, in absolute units.
    pub energies: Vec<f64>,
}

/// Impurity and site 0 of the chain in the eigenbasis of their Hamiltonian.
#[derive(Debug, Clone)]
pub struct InitialCluster {
    /// The symmetry whose multiplets label the blocks.
    pub symmetry: Symmetry,
    /// The blocks, each in its eigenbasis.
    pub blocks: Vec<ClusterBlock>,
    /// For every channel `(bra, ket, <bra||A||ket>)` of the hopping tensor of site 0.
    pub hopping: Vec<Vec<(usize, usize, Mat<f64>)>>,
    /// For every static operator its scalar part, one matrix per block.
    pub operators: Vec<Vec<Mat<f64>>>,
    /// Reflections of charge and of spin that commute with the Hamiltonian, one entry per block.
    pub reflections: [Option<Vec<Reflected>>; 2],
    /// The sites that follow, if they are not those of [`Site::new`].
    pub sites: Option<ChainSites>,
}

impl InitialCluster {
    /// Site 0 of a chain of one band without an impurity, at zero energy: what grows on it is the
    /// clean chain, whose levels are known.
    ///
    /// ```
    /// use kadanoff_nrg::{Factor, InitialCluster, Symmetry};
    ///
    /// let site = InitialCluster::site(Symmetry::single(Factor::U1, Factor::SU2));
    /// assert_eq!((site.blocks.len(), site.dimension()), (3, 4));
    /// ```
    pub fn site(symmetry: Symmetry) -> Self {
        let site = Site::new(symmetry, 0);
        let one = |x: f64| Mat::from_fn(1, 1, |_, _| x);
        let reflections = [0, 1].map(|g: usize| {
            let actions = &site.reflections[g];
            let reflected = |&(target, sign): &(usize, f64)| Reflected {
                target,
                matrix: ReflectionMatrix::Dense(one(sign)),
            };
            (!actions.is_empty()).then(|| actions.iter().map(reflected).collect())
        });
        let block = |s: &SiteState| ClusterBlock {
            label: s.label,
            odd: s.odd,
            energies: vec![0.0],
        };
        let channel = |elements: &Vec<(usize, usize, f64)>| {
            elements.iter().map(|&(i, j, x)| (i, j, one(x))).collect()
        };
        Self {
            symmetry,
            blocks: site.states.iter().map(block).collect(),
            hopping: site.hopping.iter().map(channel).collect(),
            operators: Vec::new(),
            reflections,
            sites: None,
        }
    }

    /// Site `n` of the chain that follows.
    pub(crate) fn site_of_chain(&self, n: usize) -> Cow<'_, Site> {
        match &self.sites {
            Some(own) => Cow::Borrowed(&own.sites[own.kind(n)]),
            None => Cow::Owned(Site::new(self.symmetry, n)),
        }
    }

    /// Number of states of the cluster.
    pub fn dimension(&self) -> usize {
        self.blocks
            .iter()
            .map(|b| b.energies.len() * self.symmetry.dimension(&b.label))
            .sum()
    }

    /// Checks shapes, indices and finiteness, so that the iteration cannot index out of bounds.
    ///
    /// ```
    /// use kadanoff_nrg::{Factor, InitialCluster, Symmetry};
    ///
    /// let mut cluster = InitialCluster::site(Symmetry::single(Factor::U1, Factor::SU2));
    /// cluster.validate()?;
    /// cluster.blocks[0].energies[0] = f64::NAN;
    /// assert!(cluster.validate().is_err());
    /// # Ok::<(), kadanoff_nrg::Error>(())
    /// ```
    pub fn validate(&self) -> Result<(), Error> {
        let fail = |what: String| Err(Error::Argument(format!("invalid initial cluster: {what}")));
        if self.sites.is_none() && !self.symmetry.has_sites() {
            return fail("the sites of this symmetry are missing".into());
        }
        let n = self.blocks.len();
        if n == 0 {
            return fail("it has no blocks".into());
        }
        for (i, b) in self.blocks.iter().enumerate() {
            if b.energies.is_empty() || b.energies.iter().any(|e| !e.is_finite()) {
                return fail(format!("block {i} has no energies or a non-finite one"));
            }
            if self.blocks[..i].iter().any(|c| c.label == b.label) {
                return fail(format!("label {:?} appears twice", b.label));
            }
        }
        let size = |i: usize| self.blocks[i].energies.len();
        let finite = |m: &Mat<f64>| m.col_iter().all(|c| c.iter().all(|x| x.is_finite()));
        let hopping = self.hopping.iter().flatten().map(|(.., m)| m);
        if !hopping.chain(self.operators.iter().flatten()).all(finite) {
            return fail("a matrix element is not finite".into());
        }
        if self.hopping.len() != self.symmetry.channels() {
            return fail(format!(
                "{} hopping channels, the symmetry has {}",
                self.hopping.len(),
                self.symmetry.channels()
            ));
        }
        for (c, channel) in self.hopping.iter().enumerate() {
            for (k, (i, j, m)) in channel.iter().enumerate() {
                if channel[..k].iter().any(|(a, b, _)| (a, b) == (i, j)) {
                    return fail(format!("hopping block ({i}, {j}) appears twice"));
                }
                if *i >= n || *j >= n || m.nrows() != size(*i) || m.ncols() != size(*j) {
                    return fail(format!("hopping block ({i}, {j}) has the wrong shape"));
                }
                let (bra, ket) = (&self.blocks[*i], &self.blocks[*j]);
                if bra.odd == ket.odd || !self.symmetry.connects(&bra.label, c, &ket.label) {
                    return fail(format!("hopping cannot connect blocks {i} and {j}"));
                }
            }
        }
        for blocks in &self.operators {
            if blocks.len() != n
                || (0..n).any(|i| blocks[i].nrows() != size(i) || blocks[i].ncols() != size(i))
            {
                return fail("an operator has the wrong number or shape of blocks".into());
            }
        }
        if let Some(own) = &self.sites {
            self.validate_sites(own)?;
        }
        for (g, reflection) in self.reflections.iter().enumerate() {
            let Some(reflection) = reflection else {
                continue;
            };
            if reflection.len() != n {
                return fail("a reflection does not cover every block".into());
            }
            for (i, r) in reflection.iter().enumerate() {
                let mut goal = self.blocks[i].label;
                goal[g] = -goal[g];
                let fits = r.target < n
                    && self.blocks[r.target].label == goal
                    && match &r.matrix {
                        ReflectionMatrix::Sign(_) => size(i) == size(r.target),
                        ReflectionMatrix::Dense(m) => {
                            m.nrows() == size(r.target) && m.ncols() == size(i)
                        }
                    };
                if !fits {
                    return fail(format!("the reflection of block {i} has the wrong shape"));
                }
            }
        }
        Ok(())
    }

    /// Checks the labels and indices of sites that come with the cluster.
    fn validate_sites(&self, own: &ChainSites) -> Result<(), Error> {
        let fail = |what: &str| Err(Error::Argument(format!("invalid sites: {what}")));
        let (symmetry, channels) = (self.symmetry, self.symmetry.channels());
        let number: f64 = symmetry.site_entropy().exp();
        if own.sites.is_empty() || own.order.iter().any(|&kind| kind >= own.sites.len()) {
            return fail("a kind of site is missing");
        }
        for site in &own.sites {
            let states = &site.states;
            let dimension: usize = states.iter().map(|s| symmetry.dimension(&s.label)).sum();
            if (dimension as f64 - number).abs() > 0.5 {
                return fail("the multiplets do not make up the states of the bands");
            }
            let inside = |&(i, j, x): &(usize, usize, f64)| {
                i < states.len() && j < states.len() && x.is_finite()
            };
            let all = site.hopping.iter().chain(&site.terms);
            if site.hopping.len() != channels || !all.flatten().all(inside) {
                return fail("a channel is missing or has an element that does not exist");
            }
            let connected = site.hopping.iter().enumerate().all(|(c, channel)| {
                channel.iter().all(|&(i, j, _)| {
                    states[i].odd != states[j].odd
                        && symmetry.connects(&states[i].label, c, &states[j].label)
                })
            });
            let scalar = |&(i, j, _): &(usize, usize, f64)| {
                states[i].label == states[j].label && states[i].odd == states[j].odd
            };
            if !connected || !site.terms.iter().flatten().all(scalar) {
                return fail("an element connects labels that it cannot");
            }
            if site.terms.len() != own.terms.len() {
                return fail("every term needs its coefficients");
            }
        }
        if !own.hopping.is_empty() && own.hopping.len() != channels {
            return fail("every channel needs its hoppings");
        }
        if self.reflections.iter().any(Option::is_some) {
            return fail("they have no reflections");
        }
        let finite = |x: &Vec<f64>| x.iter().all(|x| x.is_finite());
        if !own.hopping.iter().chain(&own.terms).all(finite) {
            return fail("a coefficient is not finite");
        }
        Ok(())
    }

    /// Refuses a chain that is longer than the coefficients of its sites.
    pub(crate) fn check_length(&self, chain: &WilsonChain) -> Result<(), Error> {
        let sites = chain.sites();
        let short = self.sites.as_ref().is_some_and(|own| {
            (!own.order.is_empty() && own.order.len() < sites)
                || own.hopping.iter().any(|t| t.len() + 1 < sites)
                || own.terms.iter().any(|e| e.len() < sites)
        });
        if short {
            return Err(Error::Argument(
                "invalid sites: a chain is longer than their coefficients".into(),
            ));
        }
        Ok(())
    }
}
