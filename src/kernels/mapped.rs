//! A file of numbers as memory, without reading it first.

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

    /// `count` numbers from byte `start`, in this machine's order; `None` where the file is shorter or the numbers do not lie as
    /// their type wants them.
    pub fn numbers<T: Number>(&self, start: usize, count: usize) -> Option<&[T]> {
        let bytes = self.0.get(start..start.checked_add(count.checked_mul(size_of::<T>())?)?)?;
        // SAFETY: every bit pattern is a number of these types.
        let (before, values, after) = unsafe { bytes.align_to::<T>() };
        (before.is_empty() && after.is_empty()).then_some(values)
    }
}

/// Numbers that every bit pattern of their size is one of.
pub trait Number: sealed::Sealed {}

mod sealed {
    pub trait Sealed {}
}

macro_rules! number {
    ($($type:ty)*) => {$(
        impl Number for $type {}
        impl sealed::Sealed for $type {}
    )*};
}
number!(i8 u32 f32 i64);
