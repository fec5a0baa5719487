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
use std::sync::Arc;

use fs_err::File;

use super::codes::{Codes, OwnedCodes};
use super::{IndexError, folder, replace};
use crate::kernels::mapped::MappedFile;
use crate::store::{Store, to_bytes};
use crate::types::{Sequence, VectorId};

const MAGIC: &[u8; 8] = b"voisinR2";
const HEADER: usize = 80;

/// Rows beside each other, which never change: views that were caught up from one another share them.
struct Part {
    /// The place of its first row.
    first: usize,
    /// Ascending; there is at least one.
    ids: Vec<VectorId>,
    held: Held,
}

/// What belongs to the ids of a part.
enum Held {
    /// Rows that were in the store when the file was written.
    File(Base),
    /// Rows that came later.
    Memory {
        /// (ids, dims)
        values: Vec<f32>,
        codes: OwnedCodes,
    },
}

/// The mapped file.
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
/// their places, in whatever is caught up from these rows too, until the store is opened anew.
pub struct Rows {
    dims: usize,
    /// The file, if there is one, then what came later. Of the parts in memory each has more rows than all that follow it:
    /// there are few of them, and a row is copied some ten times while a thousand others come one by one.
    parts: Vec<Arc<Part>>,
    /// Rows of the parts that have left the store.
    removed: HashSet<VectorId>,
    /// The change that all this is up to.
    sequence: Sequence,
}

/// The rows of a part.
pub(super) struct Run<'a> {
    pub(super) places: Range<usize>,
    pub(super) ids: &'a [VectorId],
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
        // The file first, which another thread may write anew, so that it is not of a later time; then the sequence, so that vectors that
        // come later are read twice rather than never.
        let base = Base::map(store);
        let sequence = store.sequence()?;
        let mut rows = Self { dims, parts: Vec::new(), removed: HashSet::new(), sequence };
        let mut removed = Vec::new();
        if let Some(base) = base.filter(|base| base.sequence <= sequence) {
            let ids = base.ids();
            removed = store.vectors_removed_after(base.sequence)?;
            if base.is_of(store, &ids, &removed.iter().copied().collect())? && !ids.is_empty() {
                rows.parts.push(Arc::new(Part { first: 0, ids, held: Held::File(base) }));
            }
        }
        rows.read_on(store)?;
        rows.remove(removed);
        Ok(rows)
    }

    /// These rows with what has changed in their store since: what they have is shared, and the files of the store are not looked
    /// at. Costs what is new, and a copy of some of what came before it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn caught_up(&self, store: &Store) -> Result<Self, IndexError> {
        // A reader that began before may see less of the store than these rows do.
        let sequence = store.sequence()?.max(self.sequence);
        let (parts, removed) = (self.parts.clone(), self.removed.clone());
        let mut rows = Self { dims: self.dims, parts, removed, sequence };
        let gone = store.vectors_removed_after(self.sequence)?;
        rows.read_on(store)?;
        rows.remove(gone);
        Ok(rows)
    }

    /// Reads the rows after the last.
    fn read_on(&mut self, store: &Store) -> Result<(), IndexError> {
        let (mut ids, mut values, mut codes) = (Vec::new(), Vec::new(), OwnedCodes::default());
        let last = self.parts.last().map_or(VectorId(0), |part| part.last());
        store.vectors_after(last, |id, vector| {
            ids.push(id);
            values.extend_from_slice(vector);
            codes.push(vector);
        })?;
        if !ids.is_empty() {
            self.parts.push(Arc::new(Part { first: self.places(), ids, held: Held::Memory { values, codes } }));
            self.join();
        }
        Ok(())
    }

    /// Joins the last parts in memory, so that each has more rows than all that follow it.
    fn join(&mut self) {
        let in_memory = usize::from(self.base().is_some())..self.parts.len() - 1;
        let small = |&at: &usize| self.parts[at].ids.len() <= self.places() - self.parts[at].end();
        if let Some(from) = { in_memory }.find(small) {
            let joined = Part::joined(&self.parts[from..]);
            self.parts.truncate(from);
            self.parts.push(Arc::new(joined));
        }
    }

    /// Notes that rows have left the store. What was removed before the file was written is not in it.
    fn remove(&mut self, gone: Vec<VectorId>) {
        let gone: Vec<_> = gone.into_iter().filter(|id| self.place(*id).is_some()).collect();
        self.removed.extend(gone);
    }

    /// How many vectors there are.
    pub fn len(&self) -> usize {
        self.places() - self.removed.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Components of a row.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// How many places there are; those of removed rows are still among them.
    pub(super) fn places(&self) -> usize {
        self.parts.last().map_or(0, |part| part.end())
    }

    /// The part that has a place, and where in it.
    fn at(&self, place: usize) -> (&Part, usize) {
        let part = &self.parts[self.parts.partition_point(|part| part.end() <= place)];
        (part, place - part.first)
    }

    /// The id of the row at a place; it may have been removed.
    pub(super) fn id(&self, place: usize) -> VectorId {
        let (part, at) = self.at(place);
        part.ids[at]
    }

    /// Whether a row has left the store.
    pub(super) fn is_removed(&self, id: VectorId) -> bool {
        self.removed.contains(&id)
    }

    /// The vector at a place.
    pub(super) fn vector(&self, place: usize) -> &[f32] {
        let (part, at) = self.at(place);
        &part.values()[at * self.dims..(at + 1) * self.dims]
    }

    /// The codes at a place, as a run of one.
    pub(super) fn codes(&self, place: usize) -> (Codes<'_>, usize) {
        let (part, at) = self.at(place);
        (part.codes(), at)
    }

    /// All places, part by part.
    pub(super) fn runs(&self) -> impl Iterator<Item = Run<'_>> {
        self.parts.iter().map(|part| Run { places: part.first..part.end(), ids: &part.ids, codes: part.codes() })
    }

    /// The place of the first row after the one with this id.
    pub(super) fn place_after(&self, id: VectorId) -> usize {
        let after = self.parts.iter().find(|part| part.last() > id);
        after.map_or(self.places(), |part| part.first + part.ids.partition_point(|other| *other <= id))
    }

    /// The place of a row, unless it has been removed.
    pub(super) fn place(&self, id: VectorId) -> Option<usize> {
        self.placed([id].into_iter()).next().flatten()
    }

    /// The places of rows that are asked for in ascending order; what is not there is passed over.
    pub(super) fn places_of(&self, ids: impl Iterator<Item = VectorId>) -> impl Iterator<Item = usize> {
        self.placed(ids).flatten()
    }

    /// For each of the rows that are asked for in ascending order its place, unless it has been removed.
    pub(super) fn placed(&self, ids: impl Iterator<Item = VectorId>) -> impl Iterator<Item = Option<usize>> {
        let (mut parts, mut from) = (&self.parts[..], 0_usize);
        ids.map(move |id| {
            while parts.first()?.last() < id {
                (parts, from) = (&parts[1..], 0);
            }
            let Part { first, ids, .. } = &*parts[0];
            // Ids differ by at least as much as places do: the row is at this place, or before it where ids are missing.
            let last = from.saturating_add(usize::try_from(id.0.checked_sub(ids[from].0)?).ok()?).min(ids.len() - 1);
            if ids[last] == id {
                from = last;
            } else {
                from += ids[from..=last].binary_search(&id).ok()?;
            }
            (!self.removed.contains(&id)).then_some(first + from)
        })
    }

    /// The vector of a row, unless it has been removed.
    pub(super) fn get(&self, id: VectorId) -> Option<&[f32]> {
        self.place(id).map(|place| self.vector(place))
    }

    /// The places of rows that are in the store, ascending.
    pub(super) fn present(&self) -> impl Iterator<Item = usize> {
        let all = self.parts.iter().flat_map(|part| (part.first..part.end()).zip(&part.ids));
        all.filter(|(_, id)| !self.removed.contains(id)).map(|(place, _)| place)
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
        if self.base().is_some() && self.parts.len() == 1 && self.removed.is_empty() {
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
            out.write_all(&self.id(place).0.to_le_bytes())?;
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

    /// The file that was mapped.
    fn base(&self) -> Option<&Base> {
        self.parts.first().and_then(|part| match &part.held {
            Held::File(base) => Some(base),
            Held::Memory { .. } => None,
        })
    }

    /// What is wrong with the file, without looking at the store.
    pub(super) fn file_problems(&self) -> Vec<String> {
        let Some(base) = self.base() else { return Vec::new() };
        let bytes = base.file.bytes();
        let whole = checksum(&bytes[HEADER..]) == bytes[64..80];
        if whole { Vec::new() } else { vec!["the file of rows does not have its checksum".to_owned()] }
    }

    /// Rows that came after the file was written, and rows of the file that are gone.
    pub(super) fn behind(&self) -> usize {
        self.places() - self.base().map_or(0, |base| base.layout.rows) + self.removed.len()
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

impl Part {
    /// Parts in memory as one; there is at least one of them.
    fn joined(parts: &[Arc<Self>]) -> Self {
        let ids = parts.iter().flat_map(|part| &part.ids).copied().collect();
        let values = parts.iter().map(|part| part.values()).collect::<Vec<_>>().concat();
        let mut codes = OwnedCodes::default();
        parts.iter().for_each(|part| codes.push_rows(part.codes()));
        Self { first: parts[0].first, ids, held: Held::Memory { values, codes } }
    }

    /// The place behind its last row.
    fn end(&self) -> usize {
        self.first + self.ids.len()
    }

    /// Its last row.
    fn last(&self) -> VectorId {
        self.ids.last().copied().unwrap_or(VectorId(0))
    }

    fn values(&self) -> &[f32] {
        match &self.held {
            Held::File(base) => base.values(),
            Held::Memory { values, .. } => values,
        }
    }

    fn codes(&self) -> Codes<'_> {
        match &self.held {
            Held::File(base) => base.codes(),
            Held::Memory { codes, .. } => codes.borrow(),
        }
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
