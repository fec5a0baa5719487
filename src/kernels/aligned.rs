//! A buffer of f32 that starts on a cache line, so that no vector load of a panel straddles two.

/// One cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

const _: () = assert!(size_of::<Line>() == 64);

/// Zeroed f32, aligned to 64 bytes, of a length rounded up to whole cache lines.
#[derive(Clone, Default)]
pub(super) struct AlignedBuffer(Vec<Line>);

impl AlignedBuffer {
    /// At least `len` zeros.
    pub(super) fn zeroed(len: usize) -> Self {
        Self(vec![Line([0.0; 16]); len.div_ceil(16)])
    }

    /// Grows to at least `len` elements; what was there stays.
    pub(super) fn grow(&mut self, len: usize) {
        if self.0.len() * 16 < len {
            self.0.resize(len.div_ceil(16), Line([0.0; 16]));
        }
    }

    /// Where the buffer starts, for whoever keeps other numbers than f32 in it.
    pub(super) fn as_mut_ptr(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }

    /// Where the buffer starts, to read.
    pub(super) fn as_ptr(&self) -> *const u8 {
        self.0.as_ptr().cast()
    }

    pub(super) fn as_slice(&self) -> &[f32] {
        // SAFETY: `Line` is 16 f32 without padding (asserted above), so `len` lines are `16 * len` initialised f32, and
        // f32 asks for less alignment than `Line`.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len() * 16) }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [f32] {
        // SAFETY: as in `as_slice`; the exclusive borrow of `self` is passed on.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.0.len() * 16) }
    }
}
