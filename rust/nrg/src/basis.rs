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

/// Keeps matrices in memory up to a limit and in an unnamed temporary file beyond it.
#[derive(Debug)]
pub(crate) struct VectorStore {
    limit: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    memory: usize,
    file: Option<File>,
    end: u64,
}

/// A matrix in a [`VectorStore`].
#[derive(Debug)]
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

impl VectorStore {
    /// A store that spills once it holds `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            state: Mutex::default(),
        }
    }

    /// Bytes in memory and on disk.
    #[cfg(test)]
    pub(crate) fn size(&self) -> (usize, u64) {
        self.state.lock().map_or((0, 0), |s| (s.memory, s.end))
    }

    fn insert(&self, matrix: Mat<f64>) -> std::io::Result<Stored> {
        let (rows, columns) = (matrix.nrows(), matrix.ncols());
        let bytes = 8 * rows * columns;
        let mut state = self.state.lock().map_err(poisoned)?;
        if state.memory + bytes <= self.limit {
            state.memory += bytes;
            return Ok(Stored::Memory(Arc::new(matrix)));
        }
        let offset = state.end;
        if state.file.is_none() {
            state.file = Some(tempfile::tempfile()?);
        }
        if let Some(file) = &mut state.file {
            file.seek(SeekFrom::Start(offset))?;
            let mut buffer = Vec::with_capacity(8 * rows);
            for j in 0..columns {
                buffer.clear();
                for i in 0..rows {
                    buffer.extend_from_slice(&matrix[(i, j)].to_le_bytes());
                }
                file.write_all(&buffer)?;
            }
        }
        state.end += bytes as u64;
        Ok(Stored::Disk {
            offset,
            shape: (rows, columns),
        })
    }

    fn load(&self, stored: &Stored) -> std::io::Result<Arc<Mat<f64>>> {
        match stored {
            Stored::Memory(matrix) => Ok(matrix.clone()),
            Stored::Disk {
                offset,
                shape: (rows, columns),
            } => {
                let mut bytes = vec![0_u8; 8 * rows * columns];
                let mut state = self.state.lock().map_err(poisoned)?;
                if let Some(file) = &mut state.file {
                    file.seek(SeekFrom::Start(*offset))?;
                    file.read_exact(&mut bytes)?;
                }
                drop(state);
                let at = |i: usize, j: usize| {
                    let start = 8 * (j * rows + i);
                    let mut word = [0; 8];
                    word.copy_from_slice(&bytes[start..start + 8]);
                    f64::from_le_bytes(word)
                };
                Ok(Arc::new(Mat::from_fn(*rows, *columns, at)))
            }
        }
    }
}

fn poisoned<T>(_: std::sync::PoisonError<T>) -> std::io::Error {
    std::io::Error::other("a thread failed while writing vectors")
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
    reflections: [Option<Vec<Reflected>>; 2],
    vectors: HashMap<usize, Stored>,
    store: Arc<VectorStore>,
}

impl Basis {
    pub(crate) fn new(
        blocks: Vec<ProductBlock>,
        keep: Vec<usize>,
        site: Site,
        images: Vec<Image>,
        reflections: [Option<Vec<Reflected>>; 2],
        vectors: Vec<Mat<f64>>,
        store: &Arc<VectorStore>,
    ) -> std::io::Result<Self> {
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
            reflections,
            vectors,
            store: store.clone(),
        })
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

    /// Averages block matrices on the kept states of the shell before over the reflections.
    pub(crate) fn average_over_orbits(&self, matrices: &mut [Mat<f64>]) {
        for actions in self.reflections.iter().flatten() {
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

    /// All eigenvectors of block `i`, as columns in the order of the energies.
    pub(crate) fn vectors(&self, i: usize) -> std::io::Result<Arc<Mat<f64>>> {
        let canonical = self.images[i].canonical;
        let stored = self
            .vectors
            .get(&canonical)
            .ok_or_else(|| std::io::Error::other("vectors of a block are missing"))?;
        let u = self.store.load(stored)?;
        if canonical == i {
            return Ok(u);
        }
        Ok(Arc::new(reflect::image(
            self.images[i],
            &self.reflections,
            &self.site,
            &self.blocks,
            &u,
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_come_back_from_disk_as_they_went() {
        let store = VectorStore::new(8 * 12);
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
