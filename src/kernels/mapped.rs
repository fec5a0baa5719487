//! A file of f32 as memory, without reading it first.

use std::fs::File;
use std::io;

use memmap2::Mmap;

/// A read-only mapping of a whole file.
///
/// The files mapped here are never changed in place: they are written under another name, synced and renamed, so an
/// open mapping keeps showing the old file.
pub struct MappedFile(Mmap);

impl MappedFile {
    /// Maps a file, which must not be empty.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn open(file: &File) -> io::Result<Self> {
        // SAFETY: the mapping is sound as long as nobody truncates or writes the file while it is mapped. voisin replaces
        // such files by renaming only; someone else who writes into a store's folder breaks more than this.
        unsafe { Mmap::map(file) }.map(Self)
    }

    /// All bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// `count` values of 4 bytes from byte `start`, as f32 of this machine's order; `None` where the file is shorter or
    /// `start` is no multiple of 4.
    pub fn f32s(&self, start: usize, count: usize) -> Option<&[f32]> {
        let bytes = self.0.get(start..start.checked_add(count.checked_mul(4)?)?)?;
        // SAFETY: every bit pattern of 4 bytes is an f32.
        let (before, values, after) = unsafe { bytes.align_to::<f32>() };
        (before.is_empty() && after.is_empty()).then_some(values)
    }
}
