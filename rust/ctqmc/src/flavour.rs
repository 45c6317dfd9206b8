//! One flavour: the times of its operators and the inverse of its hybridisation matrix.
//!
//! Operators are kept in no order. Neighbours, occupations and overlaps are reductions over all of
//! them, eight at a time, without a branch: at the orders that occur (ten to a hundred) that is
//! faster than keeping a list sorted, and the matrix never has to be permuted.

use crate::table::Table;
use serde::{Deserialize, Serialize};

/// Doubles that are worked on together.
pub(crate) const LANES: usize = 8;
/// Largest number of segments of a flavour.
pub(crate) const MAX_SEGMENTS: usize = 4096;

/// Which of two kinds of operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Adds an electron.
    Creation,
    /// Takes an electron away.
    Annihilation,
}

/// Times and inverse matrix of a flavour.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Operators", into = "Operators")]
pub(crate) struct Flavour {
    /// Segments, half the number of operators.
    pub k: usize,
    capacity: usize,
    /// Whether the flavour is occupied at tau = 0.
    pub occupied: bool,
    /// Time that it is occupied.
    pub length: f64,
    /// Times of creation, `capacity` of them; infinite beyond k.
    starts: Vec<f64>,
    /// Times of annihilation.
    ends: Vec<f64>,
    /// `m[i * capacity + j] = M_ji`, i an end and j a start; zero beyond k.
    m: Vec<f64>,
    /// F(e_new - s_j), zero up to a multiple of `LANES`: sums over starts have no remainders.
    row: Vec<f64>,
    /// F(e_i - s_new).
    column: Vec<f64>,
    left: Vec<f64>,
    right: Vec<f64>,
}

/// All that determines a flavour: its matrix and its length follow, see [`Flavour::restore`].
#[derive(Serialize, Deserialize)]
struct Operators {
    occupied: bool,
    starts: Vec<f64>,
    ends: Vec<f64>,
}

impl From<Flavour> for Operators {
    fn from(flavour: Flavour) -> Self {
        Self {
            occupied: flavour.occupied,
            starts: flavour.starts().to_vec(),
            ends: flavour.ends().to_vec(),
        }
    }
}

impl TryFrom<Operators> for Flavour {
    type Error = &'static str;

    fn try_from(operators: Operators) -> Result<Self, Self::Error> {
        let Operators {
            occupied,
            starts,
            ends,
        } = operators;
        if starts.len() != ends.len() || starts.len() > MAX_SEGMENTS {
            return Err("operators do not make segments");
        }
        Ok(Self::with(occupied, &starts, &ends, 0.0))
    }
}

impl Flavour {
    /// No operators; `occupied` or empty at all times.
    pub(crate) fn new(occupied: bool, beta: f64) -> Self {
        let mut new = Self {
            k: 0,
            capacity: 0,
            occupied,
            length: if occupied { beta } else { 0.0 },
            starts: Vec::new(),
            ends: Vec::new(),
            m: Vec::new(),
            row: Vec::new(),
            column: Vec::new(),
            left: Vec::new(),
            right: Vec::new(),
        };
        new.grow(2 * LANES);
        new
    }

    /// A flavour with these operators; its matrix is not yet known.
    pub(crate) fn with(occupied: bool, starts: &[f64], ends: &[f64], beta: f64) -> Self {
        let mut new = Self::new(occupied, beta);
        new.grow(starts.len());
        new.k = starts.len();
        new.starts[..starts.len()].copy_from_slice(starts);
        new.ends[..ends.len()].copy_from_slice(ends);
        new.refresh_length(beta);
        new
    }

    /// Length and matrix of a flavour that was read, or None if its times are not those of one.
    pub(crate) fn restore(&mut self, table: &Table) -> Option<()> {
        let beta = table.beta();
        let mut times = self.starts().iter().chain(self.ends());
        if !times.all(|t| (0.0..beta).contains(t)) {
            return None;
        }
        self.refresh_length(beta);
        self.renew(table).map(|_| ())
    }

    /// Room for at least `wanted` segments.
    #[cold]
    fn grow(&mut self, wanted: usize) {
        let capacity = wanted.next_power_of_two().max(2 * LANES);
        if capacity <= self.capacity {
            return;
        }
        let mut m = vec![0.0; capacity * capacity];
        for i in 0..self.k {
            m[i * capacity..i * capacity + self.k]
                .copy_from_slice(&self.m[i * self.capacity..i * self.capacity + self.k]);
        }
        self.m = m;
        self.starts.resize(capacity, f64::INFINITY);
        self.ends.resize(capacity, f64::INFINITY);
        for scratch in [
            &mut self.row,
            &mut self.column,
            &mut self.left,
            &mut self.right,
        ] {
            scratch.resize(capacity, 0.0);
        }
        self.capacity = capacity;
    }

    /// Times of creation, in no order.
    pub(crate) fn starts(&self) -> &[f64] {
        &self.starts[..self.k]
    }

    /// Times of annihilation, in no order.
    pub(crate) fn ends(&self) -> &[f64] {
        &self.ends[..self.k]
    }

    /// Row i of the stored matrix: M_ji over starts j, with zeros up to a multiple of `LANES`.
    #[inline(always)]
    pub(crate) fn padded_inverse_row(&self, i: usize) -> &[f64] {
        let from = i * self.capacity;
        &self.m[from..from + self.padded()]
    }

    /// The element `M_ji` of the inverse matrix, i an end and j a start.
    #[inline(always)]
    pub(crate) fn inverse(&self, end: usize, start: usize) -> f64 {
        self.m[end * self.capacity + start]
    }

    /// Time of an operator.
    #[inline(always)]
    pub(crate) fn time(&self, kind: Kind, index: usize) -> f64 {
        match kind {
            Kind::Creation => self.starts[index],
            Kind::Annihilation => self.ends[index],
        }
    }

    #[inline(always)]
    fn padded(&self) -> usize {
        self.k.next_multiple_of(LANES)
    }

    /// Occupation at time t.
    #[inline(always)]
    pub(crate) fn at(&self, t: f64) -> bool {
        let n = self.padded();
        let mut count = [0_i64; LANES];
        for (s, e) in self.starts[..n]
            .chunks_exact(LANES)
            .zip(self.ends[..n].chunks_exact(LANES))
        {
            for l in 0..LANES {
                count[l] += i64::from(s[l] <= t) - i64::from(e[l] <= t);
            }
        }
        let n: i64 = count.iter().sum();
        n + i64::from(self.occupied) == 1
    }

    /// Times of creation and of annihilation, with infinite ones up to a multiple of `LANES`.
    #[inline(always)]
    pub(crate) fn padded_times(&self) -> [&[f64]; 2] {
        let n = self.padded();
        [&self.starts[..n], &self.ends[..n]]
    }

    /// Adds `value` where the flavour is occupied, at a multiple of `LANES` times.
    #[inline(always)]
    pub(crate) fn add_occupation(&self, times: &[f64], value: f64, out: &mut [f64]) {
        let base = f64::from(u8::from(self.occupied));
        for (t, out) in times.chunks_exact(LANES).zip(out.chunks_exact_mut(LANES)) {
            let mut n = [base; LANES];
            for (&s, &e) in self.starts().iter().zip(self.ends()) {
                for l in 0..LANES {
                    n[l] += f64::from(u8::from(s <= t[l])) - f64::from(u8::from(e <= t[l]));
                }
            }
            for l in 0..LANES {
                out[l] += value * n[l];
            }
        }
    }

    /// Time that the flavour is occupied within `[0, t1]` and `[0, t2]`.
    #[inline(always)]
    fn occupied_until(&self, t1: f64, t2: f64) -> (f64, f64) {
        let n = self.padded();
        let mut one = [0.0; LANES];
        let mut two = [0.0; LANES];
        for (s, e) in self.starts[..n]
            .chunks_exact(LANES)
            .zip(self.ends[..n].chunks_exact(LANES))
        {
            for l in 0..LANES {
                one[l] += (t1 - s[l]).max(0.0) - (t1 - e[l]).max(0.0);
                two[l] += (t2 - s[l]).max(0.0) - (t2 - e[l]).max(0.0);
            }
        }
        let base = f64::from(u8::from(self.occupied));
        (base * t1 + sum(&one), base * t2 + sum(&two))
    }

    /// Time that the flavour is occupied within the arc of length l > 0 that begins at t.
    #[inline(always)]
    pub(crate) fn overlap(&self, t: f64, l: f64, beta: f64) -> f64 {
        if self.k == 0 {
            return if self.occupied { l } else { 0.0 };
        }
        let end = t + l;
        if end <= beta {
            let (a, b) = self.occupied_until(t, end);
            b - a
        } else {
            let (a, b) = self.occupied_until(t, end - beta);
            self.length - a + b
        }
    }

    /// Time that both flavours are occupied.
    ///
    /// `int n_a n_b = sum_ends N_b(e) - sum_starts N_b(s) + n_a(0) N_b(beta)`, N_b the integral of
    /// n_b from zero.
    #[inline(always)]
    pub(crate) fn common(&self, other: &Self) -> f64 {
        let mut out = if self.occupied { other.length } else { 0.0 };
        for (&e, &s) in self.ends().iter().zip(self.starts()) {
            let (at_end, at_start) = other.occupied_until(e, s);
            out += at_end - at_start;
        }
        out
    }

    /// Distance along the circle, in (0, beta], from t to the next operator of a kind after it.
    #[inline(always)]
    pub(crate) fn next(&self, kind: Kind, t: f64, beta: f64) -> f64 {
        let n = self.padded();
        let times = match kind {
            Kind::Creation => &self.starts[..n],
            Kind::Annihilation => &self.ends[..n],
        };
        let mut best = [beta; LANES];
        for x in times.chunks_exact(LANES) {
            for l in 0..LANES {
                let d = x[l] - t;
                let d = d + beta * f64::from(u8::from(d <= 0.0));
                best[l] = if d < best[l] { d } else { best[l] };
            }
        }
        best.iter().fold(beta, |m, &d| if d < m { d } else { m })
    }

    /// Which operator of a kind stands at distance d from t, as `next` gave it.
    #[inline(always)]
    pub(crate) fn find(&self, kind: Kind, t: f64, d: f64, beta: f64) -> usize {
        let times = match kind {
            Kind::Creation => &self.starts[..self.k],
            Kind::Annihilation => &self.ends[..self.k],
        };
        let mut found = 0;
        for (i, &x) in times.iter().enumerate() {
            let y = x - t;
            let y = if y <= 0.0 { y + beta } else { y };
            if y == d {
                found = i;
            }
        }
        found
    }

    /// Distance back along the circle, in (0, beta], from t to the operator of a kind before it.
    #[inline(always)]
    pub(crate) fn before(&self, kind: Kind, t: f64, beta: f64) -> f64 {
        let n = self.padded();
        let times = match kind {
            Kind::Creation => &self.starts[..n],
            Kind::Annihilation => &self.ends[..n],
        };
        let mut best = [beta; LANES];
        for x in times.chunks_exact(LANES) {
            for l in 0..LANES {
                let d = t - x[l];
                // Padding is infinitely late.
                let d = if d <= 0.0 { d + beta } else { d };
                let d = if d < 0.0 { beta } else { d };
                best[l] = if d < best[l] { d } else { best[l] };
            }
        }
        best.iter().fold(beta, |m, &d| if d < m { d } else { m })
    }

    /// `row[j] = F(e - s_j)`.
    #[inline(always)]
    pub(crate) fn fill_row(&mut self, table: &Table, e: f64) {
        let n = self.padded();
        for (r, &s) in self.row[..self.k].iter_mut().zip(&self.starts) {
            *r = table.signed(e - s);
        }
        self.row[self.k..n].fill(0.0);
    }

    /// `column[i] = F(e_i - s)`.
    #[inline(always)]
    pub(crate) fn fill_column(&mut self, table: &Table, s: f64) {
        for (c, &e) in self.column[..self.k].iter_mut().zip(&self.ends) {
            *c = table.signed(e - s);
        }
    }

    /// `det F' / det F` for a new end e and start s, `row` and `column` filled.
    #[inline(always)]
    pub(crate) fn inserted(&mut self, corner: f64) -> f64 {
        self.times_column();
        let n = self.padded();
        corner - dot(&self.row[..n], &self.left[..n])
    }

    /// `left[j] = sum_i M_ji column[i]`.
    #[inline(always)]
    fn times_column(&mut self) {
        let n = self.padded();
        for j in (0..n).step_by(LANES) {
            let mut acc = [0.0; LANES];
            for i in 0..self.k {
                let q = self.column[i];
                let m = &self.m[i * self.capacity + j..i * self.capacity + j + LANES];
                for l in 0..LANES {
                    acc[l] += m[l] * q;
                }
            }
            self.left[j..j + LANES].copy_from_slice(&acc);
        }
    }

    /// `right[i] = sum_j row[j] M_ji`.
    #[inline(always)]
    fn times_row(&mut self) {
        let n = self.padded();
        let row = &self.row[..n];
        for (right, m) in (self.right[..self.k].iter_mut()).zip(self.m.chunks_exact(self.capacity))
        {
            *right = dot(row, &m[..n]);
        }
    }

    /// Adds e and s after `inserted` gave the ratio.
    #[inline(always)]
    pub(crate) fn insert(&mut self, e: f64, s: f64, ratio: f64) {
        let k = self.k;
        if k + 1 > self.capacity {
            self.grow(k + 1);
        }
        self.times_row();
        let (c, p) = (self.capacity, 1.0 / ratio);
        let n = self.padded();
        for i in 0..k {
            let f = p * self.right[i];
            let m = &mut self.m[i * c..i * c + n];
            for (m, l) in m.chunks_exact_mut(LANES).zip(self.left.chunks_exact(LANES)) {
                for x in 0..LANES {
                    m[x] += f * l[x];
                }
            }
            self.m[i * c + k] = -f;
        }
        for j in 0..k {
            self.m[k * c + j] = -p * self.left[j];
        }
        self.m[k * c + k] = p;
        self.starts[k] = s;
        self.ends[k] = e;
        self.k = k + 1;
    }

    /// Takes end i and start j away; the ratio was `inverse(i, j)`.
    #[inline(always)]
    pub(crate) fn remove(&mut self, i: usize, j: usize) {
        let (c, last, n) = (self.capacity, self.k - 1, self.padded());
        let inverse = 1.0 / self.m[i * c + j];
        self.left[..n].copy_from_slice(&self.m[i * c..i * c + n]);
        // The last row takes the place of row i, the last column that of column j.
        for r in 0..=last {
            if r == i {
                continue;
            }
            let f = self.m[r * c + j] * inverse;
            let m = &mut self.m[r * c..r * c + n];
            for (m, l) in m.chunks_exact_mut(LANES).zip(self.left.chunks_exact(LANES)) {
                for x in 0..LANES {
                    m[x] -= f * l[x];
                }
            }
            self.m[r * c + j] = self.m[r * c + last];
            self.m[r * c + last] = 0.0;
        }
        if i != last {
            self.m.copy_within(last * c..last * c + n, i * c);
        }
        self.m[last * c..last * c + n].fill(0.0);
        self.starts[j] = self.starts[last];
        self.ends[i] = self.ends[last];
        self.starts[last] = f64::INFINITY;
        self.ends[last] = f64::INFINITY;
        self.k = last;
    }

    /// `det F' / det F` for end i moved elsewhere, `row` filled.
    #[inline(always)]
    pub(crate) fn end_moved(&self, i: usize) -> f64 {
        dot(&self.row[..self.padded()], self.padded_inverse_row(i))
    }

    /// Moves end i after `end_moved` gave the ratio.
    #[inline(always)]
    pub(crate) fn move_end(&mut self, i: usize, e: f64, ratio: f64) {
        self.times_row();
        let (c, n, p) = (self.capacity, self.padded(), 1.0 / ratio);
        self.left[..n].copy_from_slice(&self.m[i * c..i * c + n]);
        // Row i itself becomes row / ratio: row - (1 - 1 / ratio) row.
        self.right[i] = ratio - 1.0;
        for r in 0..self.k {
            let f = p * self.right[r];
            let m = &mut self.m[r * c..r * c + n];
            for (m, l) in m.chunks_exact_mut(LANES).zip(self.left.chunks_exact(LANES)) {
                for x in 0..LANES {
                    m[x] -= f * l[x];
                }
            }
        }
        self.ends[i] = e;
    }

    /// `det F' / det F` for start j moved elsewhere, `column` filled.
    #[inline(always)]
    pub(crate) fn start_moved(&self, j: usize) -> f64 {
        let c = self.capacity;
        (0..self.k)
            .map(|i| self.m[i * c + j] * self.column[i])
            .sum()
    }

    /// Moves start j after `start_moved` gave the ratio.
    #[inline(always)]
    pub(crate) fn move_start(&mut self, j: usize, s: f64, ratio: f64) {
        self.times_column();
        let (c, n, p) = (self.capacity, self.padded(), 1.0 / ratio);
        self.left[j] = ratio - 1.0;
        for r in 0..self.k {
            let f = p * self.m[r * c + j];
            let m = &mut self.m[r * c..r * c + n];
            for (m, l) in m.chunks_exact_mut(LANES).zip(self.left.chunks_exact(LANES)) {
                for x in 0..LANES {
                    m[x] -= f * l[x];
                }
            }
        }
        self.starts[j] = s;
    }

    /// The occupied time, after a change.
    #[inline(always)]
    pub(crate) fn refresh_length(&mut self, beta: f64) {
        let mut difference = [0.0; LANES];
        let whole = self.k - self.k % LANES;
        for at in (0..whole).step_by(LANES) {
            for l in 0..LANES {
                difference[l] += self.ends[at + l] - self.starts[at + l];
            }
        }
        for at in whole..self.k {
            difference[at - whole] += self.ends[at] - self.starts[at];
        }
        let base = if self.occupied { beta } else { 0.0 };
        self.length = base + sum(&difference);
    }

    /// The inverse matrix from the times; returns the largest change of an element over the largest
    /// element, or None if the matrix is singular.
    pub(crate) fn renew(&mut self, table: &Table) -> Option<f64> {
        let (k, c) = (self.k, self.capacity);
        if k == 0 {
            return Some(0.0);
        }
        let mut a = Vec::with_capacity(2 * k * k);
        self.invert(&mut a, |l| table.signed(l))?;
        let (mut drift, mut largest) = (0.0_f64, 0.0_f64);
        for j in 0..k {
            for i in 0..k {
                let exact = a[j * 2 * k + k + i];
                let m = &mut self.m[i * c + j];
                drift = drift.max((*m - exact).abs());
                largest = largest.max(exact.abs());
                *m = exact;
            }
        }
        (largest.is_finite() && largest > 0.0).then(|| drift / largest)
    }

    /// The inverse of the matrix of F beside what elimination left of it, `rows[j * 2 k + k + i] =
    /// M_ji`; its determinant, or None if the matrix is singular.
    pub(crate) fn invert(
        &self,
        rows: &mut Vec<f64>,
        f: impl Fn(f64) -> f64,
    ) -> Option<Determinant> {
        let k = self.k;
        rows.clear();
        for (i, &e) in self.ends().iter().enumerate() {
            rows.extend(self.starts().iter().map(|&s| f(e - s)));
            rows.extend((0..k).map(|x| f64::from(u8::from(x == i))));
        }
        eliminate(rows, k, 2 * k)
    }

    /// The determinant alone.
    pub(crate) fn determinant(
        &self,
        rows: &mut Vec<f64>,
        f: impl Fn(f64) -> f64,
    ) -> Option<Determinant> {
        rows.clear();
        for &e in self.ends() {
            rows.extend(self.starts().iter().map(|&s| f(e - s)));
        }
        eliminate(rows, self.k, self.k)
    }

    /// Sign of `(-1)^wraps det F`, the times sorted; None if the matrix is singular.
    pub(crate) fn sign(&self, table: &Table) -> Option<f64> {
        let k = self.k;
        if k == 0 {
            return Some(1.0);
        }
        let (mut s, mut e) = (self.starts().to_vec(), self.ends().to_vec());
        s.sort_by(f64::total_cmp);
        e.sort_by(f64::total_cmp);
        // The end of every start: ends shifted by one if the first end belongs to the last start.
        if self.occupied {
            e.rotate_left(1);
        }
        let mut a: Vec<f64> = Vec::with_capacity(k * k);
        for e in e {
            a.extend(s.iter().map(|&s| table.signed(e - s)));
        }
        let sign = eliminate(&mut a, k, k)?.sign;
        Some(if self.occupied { -sign } else { sign })
    }
}

/// Sign and logarithm of a determinant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Determinant {
    /// Its sign.
    pub sign: f64,
    /// The logarithm of its magnitude.
    pub log: f64,
}

/// Gauss-Jordan elimination with row pivots on k rows of w numbers; the determinant of the first k
/// columns.
fn eliminate(a: &mut [f64], k: usize, w: usize) -> Option<Determinant> {
    let (mut sign, mut log) = (1.0, 0.0);
    for p in 0..k {
        let best = (p..k).max_by(|&x, &y| a[x * w + p].abs().total_cmp(&a[y * w + p].abs()))?;
        if best != p {
            for x in 0..w {
                a.swap(p * w + x, best * w + x);
            }
            sign = -sign;
        }
        let pivot = a[p * w + p];
        if !(pivot.abs() > 0.0 && pivot.is_finite()) {
            return None;
        }
        if pivot < 0.0 {
            sign = -sign;
        }
        log += pivot.abs().ln();
        let scale = 1.0 / pivot;
        for x in p..w {
            a[p * w + x] *= scale;
        }
        for r in (0..k).filter(|&r| r != p) {
            let f = a[r * w + p];
            if f != 0.0 {
                for x in p..w {
                    a[r * w + x] -= f * a[p * w + x];
                }
            }
        }
    }
    Some(Determinant { sign, log })
}

#[inline(always)]
fn sum(x: &[f64; LANES]) -> f64 {
    ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]))
}

/// Of a multiple of `LANES` numbers: the same order of additions on all vector registers.
#[inline(always)]
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut acc = [0.0; LANES];
    for (x, y) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for l in 0..LANES {
            acc[l] += x[l] * y[l];
        }
    }
    sum(&acc)
}
