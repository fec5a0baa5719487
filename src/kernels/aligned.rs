//! A buffer of f32 that starts on a cache line, so that no vector load of a panel straddles two, and on a huge page where it is
//! as large as one, so that walking through rows far apart does not wait for the tables of pages.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;

/// One cache line.
const LINE: usize = 64;

/// A huge page of x86-64 and of most aarch64 systems.
const HUGE: usize = 2 << 20;

/// f32 that are zero at first, aligned to a cache line, of a length rounded up to whole lines.
pub struct AlignedBuffer {
    start: NonNull<f32>,
    len: usize,
}

// SAFETY: the buffer owns its memory alone, and f32 may be used from any thread.
unsafe impl Send for AlignedBuffer {}
// SAFETY: as above; a shared reference only reads.
unsafe impl Sync for AlignedBuffer {}

impl AlignedBuffer {
    /// At least `len` zeros.
    ///
    /// # Panics
    /// If so many do not fit in memory.
    pub fn zeroed(len: usize) -> Self {
        if len == 0 {
            return Self { start: NonNull::dangling(), len };
        }
        let layout = Self::layout(len);
        // SAFETY: the layout is not empty; what is allocated is valid for its size, and all-zero bytes are f32.
        unsafe {
            let start = alloc(layout);
            let Some(start) = NonNull::new(start) else { handle_alloc_error(layout) };
            prefer_huge_pages(start, layout);
            start.write_bytes(0, layout.size());
            Self { start: start.cast(), len: layout.size() / size_of::<f32>() }
        }
    }

    fn layout(len: usize) -> Layout {
        let bytes = len.checked_mul(size_of::<f32>()).and_then(|bytes| bytes.checked_next_multiple_of(LINE));
        let align = |bytes| if bytes >= HUGE { HUGE } else { LINE };
        bytes
            .and_then(|bytes| Layout::from_size_align(bytes, align(bytes)).ok())
            .expect("AlignedBuffer: the buffer fits in memory")
    }

    /// Grows to at least `len` elements; what was there is lost if it does.
    pub fn grow(&mut self, len: usize) {
        if self.len < len {
            *self = Self::zeroed(len);
        }
    }

    /// Where the buffer starts, for whoever keeps other numbers than f32 in it.
    pub(super) fn as_mut_ptr(&mut self) -> *mut u8 {
        self.start.as_ptr().cast()
    }

    /// Where the buffer starts, to read.
    pub(super) fn as_ptr(&self) -> *const u8 {
        self.start.as_ptr().cast()
    }

    /// All elements.
    pub fn as_slice(&self) -> &[f32] {
        // SAFETY: `len` initialised f32 were allocated at `start`; a dangling start goes with a length of 0.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    /// All elements, to write.
    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        // SAFETY: as in `as_slice`; the exclusive borrow of `self` is passed on.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl Default for AlignedBuffer {
    fn default() -> Self {
        Self::zeroed(0)
    }
}

impl Drop for AlignedBuffer {
    fn drop(&mut self) {
        if self.len > 0 {
            // SAFETY: the memory was allocated with this layout: rounding a rounded length up changes nothing.
            unsafe { dealloc(self.start.as_ptr().cast(), Self::layout(self.len)) }
        }
    }
}

/// Asks Linux to back large buffers with huge pages; it may refuse, and nothing but speed depends on it.
fn prefer_huge_pages(start: NonNull<u8>, layout: Layout) {
    #[cfg(target_os = "linux")]
    if layout.align() == HUGE {
        // SAFETY: the advice is about whole pages of memory that was allocated with this layout, and changes no content.
        unsafe { libc::madvise(start.as_ptr().cast(), layout.size() / HUGE * HUGE, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (start, layout);
}
