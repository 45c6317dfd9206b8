//! The complete basis of a run: eigenvectors of every shell, in memory or on disk.

use crate::initial_cluster::{Reflected, ReflectionMatrix};
use crate::reflect::{self, Image};
use crate::shell::ProductBlock;
use crate::symmetry::Site;
use faer::Mat;
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex};

/// Bytes that pass between a matrix and the file at a time: they stay in the cache.
const CHUNK: usize = 1 << 18;

/// How much memory a complete basis may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BasisMemory {
    /// Bytes of matrices that stay in memory; the others go to a temporary file.
    pub limit: usize,
    /// Bytes that may stay in memory where the file cannot be written, as on a full disk.
    pub fallback: usize,
}

impl BasisMemory {
    /// Everything in memory.
    pub const UNBOUNDED: Self = Self {
        limit: usize::MAX,
        fallback: 0,
    };
}

/// Keeps matrices in memory up to a limit and in an unnamed temporary file beyond it.
#[derive(Debug)]
pub(crate) struct VectorStore {
    memory: BasisMemory,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    memory: usize,
    file: Option<File>,
    end: u64,
    /// A write failed: the file takes no more.
    refused: bool,
}

/// A matrix in a [`VectorStore`].
#[derive(Debug, Clone)]
pub(crate) enum Stored {
    /// Held in memory.
    Memory(Arc<Mat<f64>>),
    /// Written to the file, column by column.
    Disk {
        /// Where it begins, in bytes.
        offset: u64,
        /// Rows and columns.
        shape: (usize, usize),
    },
}

impl Stored {
    /// Whether both are one matrix.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Memory(a), Self::Memory(b)) => Arc::ptr_eq(a, b),
            // An empty matrix begins where the next one does.
            (
                Self::Disk { offset, shape },
                Self::Disk {
                    offset: o,
                    shape: s,
                },
            ) => (offset, shape) == (o, s),
            _ => false,
        }
    }
}

impl VectorStore {
    /// An empty store.
    pub(crate) fn new(memory: BasisMemory) -> Self {
        Self {
            memory,
            state: Mutex::default(),
        }
    }

    /// Bytes in memory and on disk.
    #[cfg(test)]
    pub(crate) fn size(&self) -> (usize, u64) {
        self.state.lock().map_or((0, 0), |s| (s.memory, s.end))
    }

    pub(crate) fn insert(&self, matrix: Mat<f64>) -> std::io::Result<Stored> {
        let shape = (matrix.nrows(), matrix.ncols());
        let bytes = 8 * shape.0 * shape.1;
        let mut state = self.state.lock().map_err(poisoned)?;
        let limit = self.memory.limit;
        let fallback = self.memory.fallback.max(limit);
        if state.memory + bytes > if state.refused { fallback } else { limit } {
            let offset = state.end;
            match state.append(&matrix) {
                Ok(()) => return Ok(Stored::Disk { offset, shape }),
                Err(_) if state.memory + bytes <= fallback => state.refused = true,
                Err(error) => return Err(error),
            }
        }
        state.memory += bytes;
        Ok(Stored::Memory(Arc::new(matrix)))
    }

    pub(crate) fn load(&self, stored: &Stored) -> std::io::Result<Arc<Mat<f64>>> {
        match stored {
            Stored::Memory(matrix) => Ok(matrix.clone()),
            Stored::Disk { offset, shape } => {
                let mut matrix = Mat::zeros(shape.0, shape.1);
                self.state
                    .lock()
                    .map_err(poisoned)?
                    .read(*offset, &mut matrix)?;
                Ok(Arc::new(matrix))
            }
        }
    }
}

impl State {
    /// Writes a matrix behind all others.
    fn append(&mut self, matrix: &Mat<f64>) -> std::io::Result<()> {
        let end = self.end;
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        file.seek(SeekFrom::Start(end))?;
        let (rows, columns) = (matrix.nrows(), matrix.ncols());
        let at_once = columns_at_once(rows);
        let mut buffer = vec![0_u8; 8 * rows * at_once.min(columns)];
        for first in (0..columns).step_by(at_once) {
            let count = at_once.min(columns - first);
            let (words, _) = buffer.as_chunks_mut::<8>();
            for (column, words) in (first..first + count).zip(words.chunks_exact_mut(rows.max(1))) {
                for (word, x) in words.iter_mut().zip(matrix.col_as_slice(column)) {
                    *word = x.to_le_bytes();
                }
            }
            file.write_all(&buffer[..8 * rows * count])?;
        }
        self.end += 8 * (rows * columns) as u64;
        Ok(())
    }

    /// Fills a matrix from the file.
    fn read(&mut self, offset: u64, matrix: &mut Mat<f64>) -> std::io::Result<()> {
        let (rows, columns) = (matrix.nrows(), matrix.ncols());
        let Some(file) = &mut self.file else {
            return Err(std::io::Error::other("the temporary file is missing"));
        };
        file.seek(SeekFrom::Start(offset))?;
        let at_once = columns_at_once(rows);
        let mut buffer = vec![0_u8; 8 * rows * at_once.min(columns)];
        for first in (0..columns).step_by(at_once) {
            let count = at_once.min(columns - first);
            file.read_exact(&mut buffer[..8 * rows * count])?;
            let (words, _) = buffer.as_chunks::<8>();
            for (column, words) in (first..first + count).zip(words.chunks_exact(rows.max(1))) {
                for (x, &word) in matrix.col_as_slice_mut(column).iter_mut().zip(words) {
                    *x = f64::from_le_bytes(word);
                }
            }
        }
        Ok(())
    }
}

/// Columns of so many rows that fit into a chunk.
fn columns_at_once(rows: usize) -> usize {
    (CHUNK / (8 * rows.max(1))).max(1)
}

/// Vectors of a shell, in bytes, from which on it is worth giving memory back.
const WORTH_TRIMMING: usize = 2 << 20;
/// After how many shells: pages that come back must be zeroed by the kernel.
const TRIM_EVERY: usize = 8;

/// Gives the free pages between living allocations back to the kernel, now and then, after shell
/// `n` whose vectors take so many bytes.
///
/// Matrices of ever other sizes leave holes in the heap of glibc: without this a spectrum with
/// 1200 states held 54 MB where 27 MB were alive. After every shell it would cost a tenth of the
/// time.
pub(crate) fn trim(n: usize, bytes: usize) {
    if bytes < WORTH_TRIMMING || !n.is_multiple_of(TRIM_EVERY) {
        return;
    }
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it takes no pointer, and what is allocated stays where it is.
    unsafe {
        libc::malloc_trim(0);
    }
}

fn poisoned<T>(_: std::sync::PoisonError<T>) -> std::io::Error {
    std::io::Error::other("a thread failed while writing vectors")
}

/// Where every block goes under both reflections, for those that there are.
pub(crate) type Reflections = [Option<Vec<Reflected>>; 2];

/// A [`Reflected`] whose matrix is in the store.
#[derive(Debug)]
enum Action {
    Sign(usize, f64),
    Dense(usize, Stored),
}

impl Action {
    fn new(reflected: Reflected, store: &VectorStore) -> std::io::Result<Self> {
        Ok(match reflected.matrix {
            ReflectionMatrix::Sign(sign) => Self::Sign(reflected.target, sign),
            ReflectionMatrix::Dense(matrix) => Self::Dense(reflected.target, store.insert(matrix)?),
        })
    }

    fn load(&self, store: &VectorStore) -> std::io::Result<Reflected> {
        Ok(match self {
            &Self::Sign(target, sign) => Reflected {
                target,
                matrix: ReflectionMatrix::Sign(sign),
            },
            Self::Dense(target, stored) => Reflected {
                target: *target,
                matrix: ReflectionMatrix::Dense(Arc::unwrap_or_clone(store.load(stored)?)),
            },
        })
    }
}

/// Eigenvectors of one shell over the product basis of the kept states and the new site.
///
/// Only canonical blocks are stored; the others follow by reflection.
#[derive(Debug)]
pub(crate) struct Basis {
    /// The product blocks.
    pub blocks: Vec<ProductBlock>,
    /// How many states of each block were kept.
    pub keep: Vec<usize>,
    site: Site,
    images: Vec<Image>,
    actions: [Option<Vec<Action>>; 2],
    vectors: HashMap<usize, Stored>,
    store: Arc<VectorStore>,
}

impl Basis {
    pub(crate) fn new(
        blocks: Vec<ProductBlock>,
        keep: Vec<usize>,
        site: Site,
        images: Vec<Image>,
        reflections: Reflections,
        vectors: Vec<Mat<f64>>,
        store: &Arc<VectorStore>,
    ) -> std::io::Result<Self> {
        let [charge, spin] = reflections.map(|of| {
            let stored = |of: Vec<Reflected>| -> std::io::Result<Vec<Action>> {
                of.into_iter().map(|r| Action::new(r, store)).collect()
            };
            of.map(stored).transpose()
        });
        let vectors = vectors
            .into_iter()
            .enumerate()
            .filter(|(i, _)| images[*i].canonical == *i)
            .map(|(i, u)| Ok((i, store.insert(u)?)))
            .collect::<std::io::Result<_>>()?;
        Ok(Self {
            blocks,
            keep,
            site,
            images,
            actions: [charge?, spin?],
            vectors,
            store: store.clone(),
        })
    }

    /// Bytes of the vectors.
    pub(crate) fn bytes(&self) -> usize {
        self.canonical()
            .map(|i| 8 * self.blocks[i].dimension.pow(2))
            .sum()
    }

    /// The site that was added.
    pub(crate) fn site(&self) -> &Site {
        &self.site
    }

    /// One block of every orbit under the reflections.
    pub(crate) fn canonical(&self) -> impl Iterator<Item = usize> {
        (0..self.images.len()).filter(|&i| self.images[i].canonical == i)
    }

    /// How many blocks the orbit of canonical block `i` has.
    pub(crate) fn orbit(&self, i: usize) -> usize {
        self.images.iter().filter(|m| m.canonical == i).count()
    }

    /// The reflections of the kept states of the shell before.
    pub(crate) fn reflections(&self) -> std::io::Result<Reflections> {
        let [charge, spin] = self.actions.each_ref().map(|of| {
            let loaded = |of: &Vec<Action>| -> std::io::Result<Vec<Reflected>> {
                of.iter().map(|a| a.load(&self.store)).collect()
            };
            of.as_ref().map(loaded).transpose()
        });
        Ok([charge?, spin?])
    }

    /// Averages block matrices on the kept states of the shell before over the reflections.
    pub(crate) fn average_over_orbits(reflections: &Reflections, matrices: &mut [Mat<f64>]) {
        for actions in reflections.iter().flatten() {
            let images: Vec<Mat<f64>> = actions
                .iter()
                .enumerate()
                .map(|(source, action)| match &action.matrix {
                    ReflectionMatrix::Sign(_) => matrices[source].clone(),
                    ReflectionMatrix::Dense(m) => m * &matrices[source] * m.transpose(),
                })
                .collect();
            for (action, image) in actions.iter().zip(images) {
                let target = &mut matrices[action.target];
                *target += image;
                *target *= faer::Scale(0.5);
            }
        }
    }

    /// Where the vectors lie.
    pub(crate) fn store(&self) -> &VectorStore {
        &self.store
    }

    /// The canonical block of the orbit of block `i`.
    pub(crate) fn canonical_of(&self, i: usize) -> usize {
        self.images[i].canonical
    }

    /// All eigenvectors of canonical block `i`, as columns in the order of the energies.
    pub(crate) fn vectors(&self, i: usize) -> std::io::Result<Arc<Mat<f64>>> {
        let stored = self
            .vectors
            .get(&i)
            .ok_or_else(|| std::io::Error::other("vectors of a block are missing"))?;
        self.store.load(stored)
    }

    /// The vectors of block `i` from those of its canonical block.
    pub(crate) fn image(
        &self,
        i: usize,
        reflections: &Reflections,
        canonical: &Arc<Mat<f64>>,
    ) -> Arc<Mat<f64>> {
        if self.images[i].canonical == i {
            return canonical.clone();
        }
        Arc::new(reflect::image(
            self.images[i],
            reflections,
            &self.site,
            &self.blocks,
            canonical,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_come_back_from_disk_as_they_went() {
        let store = VectorStore::new(BasisMemory {
            limit: 8 * 12,
            fallback: 0,
        });
        let make = |k: usize| Mat::from_fn(3, 4, |i, j| (i * 7 + j * 3 + k) as f64 / 3.0);
        let stored: Vec<Stored> = (0..3)
            .map(|k| store.insert(make(k)).expect("stores"))
            .collect();
        assert!(matches!(stored[0], Stored::Memory(_)));
        assert!(matches!(stored[2], Stored::Disk { .. }));
        assert_eq!(store.size(), (96, 192));
        for (k, s) in stored.iter().enumerate() {
            assert_eq!(*store.load(s).expect("loads"), make(k));
        }
    }
}
