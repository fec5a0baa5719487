//! The vectors of a store as one file that is mapped, with what came later in memory.
//!
//! The file (`views/rows`, little-endian):
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | magic `voisinR1` |
//! | 8 | rows |
//! | 8 | components of a row |
//! | 8 | the last change of the store that it knows of |
//! | 16 | the mark of the store: views of another store or model are not taken for its own |
//! | 16 | BLAKE3 of the 48 bytes before |
//! | 16 | BLAKE3 of all that follows |
//! | 8 a row | ids, ascending |
//! | 4 a component | rows, f32 |

use std::collections::HashSet;
use std::io::{BufWriter, Write};

use fs_err::File;

use super::{IndexError, folder, replace};
use crate::kernels::mapped::MappedFile;
use crate::store::{Store, to_bytes};
use crate::types::{Sequence, VectorId};

const MAGIC: &[u8; 8] = b"voisinR1";
const HEADER: usize = 80;

/// The mapped part: rows that were in the store when the file was written.
struct Base {
    file: MappedFile,
    rows: usize,
    sequence: Sequence,
}

/// All vectors of a store.
pub struct Rows {
    dims: usize,
    base: Option<Base>,
    /// Ids of `base`, ascending.
    ids: Vec<VectorId>,
    /// Ids after those of `base`, ascending.
    tail_ids: Vec<VectorId>,
    /// (tail_ids, dims)
    tail: Vec<f32>,
    /// Rows of `base` that have left the store.
    removed: HashSet<VectorId>,
    /// The change that all this is up to.
    sequence: Sequence,
}

impl Rows {
    /// Maps the file and reads what the store has beyond it. A file that is missing, damaged or of another store is as
    /// good as none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn open(store: &Store) -> Result<Self, IndexError> {
        let dims = store.model().dims;
        // Read first: vectors that come later are read twice rather than never.
        let sequence = store.sequence()?;
        let mut base = Base::map(store).filter(|base| base.sequence <= sequence);
        let mut ids = base.as_ref().map_or_else(Vec::new, Base::ids);
        let mut removed = HashSet::new();
        if let Some(mapped) = &base {
            removed.extend(store.vectors_removed_after(mapped.sequence)?);
            if !mapped.is_of(store, &ids, &removed)? {
                (base, ids) = (None, Vec::new());
                removed.clear();
            }
        }
        let (mut tail_ids, mut tail) = (Vec::new(), Vec::new());
        store.vectors_after(ids.last().copied().unwrap_or(VectorId(0)), |id, vector| {
            tail_ids.push(id);
            tail.extend_from_slice(vector);
        })?;
        Ok(Self { dims, base, ids, tail_ids, tail, removed, sequence })
    }

    /// How many vectors there are.
    pub fn len(&self) -> usize {
        let gone = self.removed.iter().filter(|id| self.ids.binary_search(id).is_ok()).count();
        self.ids.len() + self.tail_ids.len() - gone
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Components of a row.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// Whether a row of the file has left the store.
    pub(super) fn is_removed(&self, id: VectorId) -> bool {
        self.removed.contains(&id)
    }

    /// The two runs of rows, ids beside vectors; removed rows are still among them.
    pub(super) fn runs(&self) -> [(&[VectorId], &[f32]); 2] {
        let base = self.base.as_ref().map_or(&[][..], |base| base.values(self.dims));
        [(&self.ids, base), (&self.tail_ids, &self.tail)]
    }

    /// The vector of a row, unless it has been removed.
    pub(super) fn get(&self, id: VectorId) -> Option<&[f32]> {
        if self.removed.contains(&id) {
            return None;
        }
        self.runs().into_iter().find_map(|(ids, values)| {
            ids.binary_search(&id).ok().map(|at| &values[at * self.dims..(at + 1) * self.dims])
        })
    }

    /// Ids and vectors that are in the store, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = (VectorId, &[f32])> {
        self.runs()
            .into_iter()
            .flat_map(|(ids, values)| ids.iter().copied().zip(values.chunks_exact(self.dims.max(1))))
            .filter(|(id, _)| !self.removed.contains(id))
    }

    /// Whether all rows are of unit length.
    pub(super) fn are_unit(&self) -> bool {
        self.iter().all(|(_, vector)| (vector.iter().map(|value| value * value).sum::<f32>() - 1.0).abs() < 1e-3)
    }

    /// Writes the file anew if it is behind.
    ///
    /// # Errors
    /// When the disk is full or the folder cannot be written.
    pub fn persist(&self, store: &Store) -> Result<(), IndexError> {
        if self.tail_ids.is_empty() && self.removed.is_empty() && self.base.is_some() {
            return Ok(());
        }
        fs_err::create_dir_all(folder(store))?;
        let mut body = blake3::Hasher::new();
        for (id, _) in self.iter() {
            body.update(&id.0.to_le_bytes());
        }
        for (_, vector) in self.iter() {
            body.update(&to_bytes(vector));
        }
        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(&(self.len() as u64).to_le_bytes());
        header.extend_from_slice(&(self.dims as u64).to_le_bytes());
        header.extend_from_slice(&self.sequence.0.to_le_bytes());
        header.extend_from_slice(&store.mark());
        let check = checksum(&header);
        header.extend_from_slice(&check);
        header.extend_from_slice(&body.finalize().as_bytes()[..16]);
        replace(&folder(store).join("rows"), |file| {
            let mut out = BufWriter::with_capacity(1 << 20, file);
            out.write_all(&header)?;
            for (id, _) in self.iter() {
                out.write_all(&id.0.to_le_bytes())?;
            }
            for (_, vector) in self.iter() {
                out.write_all(&to_bytes(vector))?;
            }
            out.flush()
        })?;
        Ok(())
    }

    /// What is wrong with the file and with these rows, a line each; nothing where all agree with the store.
    ///
    /// # Errors
    /// When the store fails.
    pub fn verify(&self, store: &Store) -> Result<Vec<String>, IndexError> {
        let mut wrong = Vec::new();
        if let Some(base) = &self.base {
            let bytes = base.file.bytes();
            if checksum(&bytes[HEADER..]) != bytes[64..80] {
                wrong.push("the file of rows does not have its checksum".to_owned());
            }
        }
        let mut count = 0;
        store.vectors_after(VectorId(0), |id, vector| {
            count += 1;
            if self.get(id) != Some(vector) {
                wrong.push(format!("row {id} is not the vector of the database"));
            }
        })?;
        if count != self.len() {
            wrong.push(format!("there are {} rows for {count} vectors", self.len()));
        }
        Ok(wrong)
    }
}

impl Base {
    fn map(store: &Store) -> Option<Self> {
        let file = MappedFile::open(File::open(folder(store).join("rows")).ok()?.file()).ok()?;
        let bytes = file.bytes();
        let header = bytes.get(..HEADER)?;
        let number = |at: usize| header[at..at + 8].try_into().map(u64::from_le_bytes).unwrap_or_default();
        let (rows, dims) = (usize::try_from(number(8)).ok()?, store.model().dims);
        let length = rows.checked_mul(8 + 4 * dims)?.checked_add(HEADER)?;
        let ours = &header[..8] == MAGIC
            && checksum(&header[..48]) == header[48..64]
            && number(16) == dims as u64
            && header[32..48] == store.mark()
            && bytes.len() == length
            && cfg!(target_endian = "little");
        let sequence = Sequence(number(24) as i64);
        ours.then_some(Self { file, rows, sequence })
    }

    /// Whether the last row that should still be in the store is there, with the same vector: it is not where the database
    /// was replaced by an older copy of itself, and went another way since.
    fn is_of(&self, store: &Store, ids: &[VectorId], removed: &HashSet<VectorId>) -> Result<bool, IndexError> {
        let dims = store.model().dims;
        let last = (0..ids.len()).rev().find(|&at| !removed.contains(&ids[at]));
        let Some(at) = last else { return Ok(true) };
        let mine = &self.values(dims)[at * dims..(at + 1) * dims];
        Ok(store.vector(ids[at])?.is_some_and(|theirs| theirs == mine))
    }

    fn ids(&self) -> Vec<VectorId> {
        self.file.bytes()[HEADER..HEADER + 8 * self.rows]
            .chunks_exact(8)
            .map(|b| VectorId(i64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]])))
            .collect()
    }

    fn values(&self, dims: usize) -> &[f32] {
        self.file.f32s(HEADER + 8 * self.rows, self.rows * dims).unwrap_or_default()
    }
}

fn checksum(bytes: &[u8]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
    half
}
