//! The vectors of a store as one file that is mapped, with what came later in memory.
//!
//! The file (`views/rows`, little-endian):
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | magic `voisinR2` |
//! | 8 | rows |
//! | 8 | components of a row |
//! | 8 | the last change of the store that it knows of |
//! | 16 | the mark of the store: views of another store or model are not taken for its own |
//! | 16 | BLAKE3 of the 48 bytes before |
//! | 16 | BLAKE3 of all that follows |
//! | 8 a row | ids, ascending |
//! | 12 a row | what belongs to the codes: scale, length, what is lost, f32 |
//! | 4 a component | rows, f32 |
//! | 0 to 63 | nothing, up to a multiple of 64 |
//! | 1 a component | codes of the rows, int8 |

use std::collections::HashSet;
use std::io::{BufWriter, Write};
use std::ops::Range;

use fs_err::File;

use super::codes::{Codes, OwnedCodes};
use super::{IndexError, folder, replace};
use crate::kernels::mapped::MappedFile;
use crate::store::{Store, to_bytes};
use crate::types::{Sequence, VectorId};

const MAGIC: &[u8; 8] = b"voisinR2";
const HEADER: usize = 80;

/// The mapped part: rows that were in the store when the file was written.
struct Base {
    file: MappedFile,
    layout: Layout,
    sequence: Sequence,
}

/// Where the parts of a file begin.
#[derive(Clone, Copy)]
struct Layout {
    rows: usize,
    dims: usize,
}

impl Layout {
    fn facts(self) -> usize {
        HEADER + 8 * self.rows
    }

    fn values(self) -> usize {
        self.facts() + 12 * self.rows
    }

    fn codes(self) -> usize {
        (self.values() + 4 * self.rows * self.dims).next_multiple_of(64)
    }

    /// The length of the file; `None` where no file can be that long.
    fn end(self) -> Option<usize> {
        let a_row = self.dims.checked_mul(5)?.checked_add(20)?;
        self.rows.checked_mul(a_row)?.checked_add(HEADER + 64)?;
        Some(self.codes() + self.rows * self.dims)
    }
}

/// All vectors of a store.
///
/// A row has a place: those of the file first, then those that came later, so that ids ascend. Rows that have left the store keep
/// their places until the file is written anew.
pub struct Rows {
    dims: usize,
    base: Option<Base>,
    /// In the order of places.
    ids: Vec<VectorId>,
    /// Rows of the file; the places of others follow.
    mapped: usize,
    /// (ids.len() - mapped, dims)
    tail: Vec<f32>,
    tail_codes: OwnedCodes,
    /// Rows of the file that have left the store.
    removed: HashSet<VectorId>,
    /// The change that all this is up to.
    sequence: Sequence,
}

/// Rows beside each other in memory.
pub(super) struct Run<'a> {
    pub(super) places: Range<usize>,
    pub(super) codes: Codes<'a>,
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
        let mapped = ids.len();
        let (mut tail, mut tail_codes) = (Vec::new(), OwnedCodes::default());
        store.vectors_after(ids.last().copied().unwrap_or(VectorId(0)), |id, vector| {
            ids.push(id);
            tail.extend_from_slice(vector);
            tail_codes.push(vector);
        })?;
        // A row that was removed before the file was written is not in it.
        removed.retain(|id| ids[..mapped].binary_search(id).is_ok());
        Ok(Self { dims, base, ids, mapped, tail, tail_codes, removed, sequence })
    }

    /// How many vectors there are.
    pub fn len(&self) -> usize {
        self.ids.len() - self.removed.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Components of a row.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// The ids of all places; those of removed rows are still among them.
    pub(super) fn ids(&self) -> &[VectorId] {
        &self.ids
    }

    /// Whether a row has left the store.
    pub(super) fn is_removed(&self, id: VectorId) -> bool {
        self.removed.contains(&id)
    }

    /// The vector at a place.
    pub(super) fn vector(&self, place: usize) -> &[f32] {
        let (values, at) = match &self.base {
            Some(base) if place < self.mapped => (base.values(), place),
            _ => (&self.tail[..], place - self.mapped),
        };
        &values[at * self.dims..(at + 1) * self.dims]
    }

    /// The codes at a place, as a run of one.
    pub(super) fn codes(&self, place: usize) -> (Codes<'_>, usize) {
        match &self.base {
            Some(base) if place < self.mapped => (base.codes(), place),
            _ => (self.tail_codes.borrow(), place - self.mapped),
        }
    }

    /// The places in two runs: those of the file, and those that came later.
    pub(super) fn runs(&self) -> [Run<'_>; 2] {
        let base = self.base.as_ref().map_or(Codes { codes: &[], facts: &[] }, Base::codes);
        [
            Run { places: 0..self.mapped, codes: base },
            Run { places: self.mapped..self.ids.len(), codes: self.tail_codes.borrow() },
        ]
    }

    /// The place of a row, unless it has been removed.
    pub(super) fn place(&self, id: VectorId) -> Option<usize> {
        self.ids.binary_search(&id).ok().filter(|_| !self.removed.contains(&id))
    }

    /// The places of rows that are asked for in ascending order; what is not there is passed over.
    pub(super) fn places(&self, ids: impl Iterator<Item = VectorId>) -> impl Iterator<Item = usize> {
        let mut from = 0;
        ids.filter_map(move |id| {
            // Ids differ by at least as much as places do: the row is at this place, or before it where ids are missing.
            let first = self.ids.get(from)?.0;
            let last = from.saturating_add(usize::try_from(id.0.checked_sub(first)?).ok()?).min(self.ids.len() - 1);
            if self.ids[last] == id {
                from = last;
            } else {
                from += self.ids[from..=last].binary_search(&id).ok()?;
            }
            (!self.removed.contains(&id)).then_some(from)
        })
    }

    /// The vector of a row, unless it has been removed.
    pub(super) fn get(&self, id: VectorId) -> Option<&[f32]> {
        self.place(id).map(|place| self.vector(place))
    }

    /// The places of rows that are in the store, ascending.
    pub(super) fn present(&self) -> impl Iterator<Item = usize> {
        (0..self.ids.len()).filter(|&place| !self.removed.contains(&self.ids[place]))
    }

    /// Whether all rows are of unit length.
    pub(super) fn are_unit(&self) -> bool {
        let mut vectors = self.present().map(|place| self.vector(place));
        vectors.all(|vector| (vector.iter().map(|value| value * value).sum::<f32>() - 1.0).abs() < 1e-3)
    }

    /// Writes the file anew if it is behind.
    ///
    /// # Errors
    /// When the disk is full or the folder cannot be written.
    pub fn persist(&self, store: &Store) -> Result<(), IndexError> {
        if self.tail.is_empty() && self.removed.is_empty() && self.base.is_some() {
            return Ok(());
        }
        fs_err::create_dir_all(folder(store))?;
        let mut body = blake3::Hasher::new();
        self.write_body(&mut body)?;
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
            self.write_body(&mut out)?;
            out.flush()
        })?;
        Ok(())
    }

    /// What follows the header of a file of these rows.
    fn write_body(&self, out: &mut impl Write) -> std::io::Result<()> {
        let layout = Layout { rows: self.len(), dims: self.dims };
        for place in self.present() {
            out.write_all(&self.ids[place].0.to_le_bytes())?;
        }
        for place in self.present() {
            let (codes, at) = self.codes(place);
            out.write_all(&to_bytes(&codes.facts[3 * at..3 * at + 3]))?;
        }
        for place in self.present() {
            out.write_all(&to_bytes(self.vector(place)))?;
        }
        out.write_all(&vec![0; layout.codes() - layout.values() - 4 * layout.rows * layout.dims])?;
        for place in self.present() {
            let (codes, at) = self.codes(place);
            out.write_all(&codes.row(at, self.dims).iter().map(|&code| code as u8).collect::<Vec<u8>>())?;
        }
        Ok(())
    }

    /// What is wrong with the file, without looking at the store.
    pub(super) fn file_problems(&self) -> Vec<String> {
        let Some(base) = &self.base else { return Vec::new() };
        let bytes = base.file.bytes();
        let whole = checksum(&bytes[HEADER..]) == bytes[64..80];
        if whole { Vec::new() } else { vec!["the file of rows does not have its checksum".to_owned()] }
    }

    /// Rows that came after the file was written, and rows of the file that are gone.
    pub(super) fn behind(&self) -> usize {
        self.ids.len() - self.mapped + self.removed.len()
    }

    /// What is wrong with the file and with these rows, a line each; nothing where all agree with the store.
    ///
    /// # Errors
    /// When the store fails.
    pub fn verify(&self, store: &Store) -> Result<Vec<String>, IndexError> {
        let mut wrong = self.file_problems();
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
        let layout = Layout { rows, dims };
        let ours = &header[..8] == MAGIC
            && checksum(&header[..48]) == header[48..64]
            && number(16) == dims as u64
            && header[32..48] == store.mark()
            && Some(bytes.len()) == layout.end()
            && cfg!(target_endian = "little");
        let sequence = Sequence(number(24) as i64);
        ours.then_some(Self { file, layout, sequence })
    }

    /// Whether the last row that should still be in the store is there, with the same vector: it is not where the database
    /// was replaced by an older copy of itself, and went another way since.
    fn is_of(&self, store: &Store, ids: &[VectorId], removed: &HashSet<VectorId>) -> Result<bool, IndexError> {
        let dims = self.layout.dims;
        let last = (0..ids.len()).rev().find(|&at| !removed.contains(&ids[at]));
        let Some(at) = last else { return Ok(true) };
        let mine = &self.values()[at * dims..(at + 1) * dims];
        Ok(store.vector(ids[at])?.is_some_and(|theirs| theirs == mine))
    }

    fn ids(&self) -> Vec<VectorId> {
        let ids = self.file.numbers(HEADER, self.layout.rows).unwrap_or_default();
        ids.iter().map(|&id| VectorId(id)).collect()
    }

    fn values(&self) -> &[f32] {
        self.file.numbers(self.layout.values(), self.layout.rows * self.layout.dims).unwrap_or_default()
    }

    fn codes(&self) -> Codes<'_> {
        let Layout { rows, dims } = self.layout;
        Codes {
            codes: self.file.numbers(self.layout.codes(), rows * dims).unwrap_or_default(),
            facts: self.file.numbers(self.layout.facts(), 3 * rows).unwrap_or_default(),
        }
    }
}

pub(super) fn checksum(bytes: &[u8]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
    half
}
