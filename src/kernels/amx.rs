//! Products by the tiles of AMX, in int8 and bf16.
//!
//! A tile holds 16 rows of 64 bytes. `tdpbusd` multiplies 16 rows of 64 bytes of `x` by 64 numbers of 16 columns, which are
//! packed four by four, as `vpdpbusd` wants them; `tdpbf16ps` does 32 numbers of bf16, packed two by two. So the panels are those
//! of AVX-512, and a block of 32 rows by one panel is
//!
//! ```text
//! tmm4 (rows 0..16)      tmm0 tmm1        tmm6 tmm7 = a panel's columns 0..16 and 16..32
//! tmm5 (rows 16..32)  ×  tmm2 tmm3
//! ```
//!
//! with each tile that is read used twice. The sums go through a scratch of 4 KiB to the epilogue that all levels share.
//!
//! The instructions are written as assembly, since their intrinsics are not stable. Linux asks each process for leave to use
//! tiles, because they make its threads' saved state 8 KiB larger.

use std::arch::asm;
use std::arch::x86_64::{_mm512_add_epi32, _mm512_add_ps, _mm512_loadu_ps, _mm512_loadu_si512};
use std::sync::OnceLock;

use super::arith::x86::{AmxBf16, AmxInt8};
use super::arith::{Arith, RowScale};
use super::gemm::{self, Product, finish};
use super::simd::Simd;

/// Rows of a tile.
const ROWS: usize = 16;

/// Bytes of a tile's row.
const BYTES: usize = 64;

/// Sums of a block: 32 rows of 32 columns, of 4 bytes.
#[repr(C, align(64))]
pub(super) struct Sums([[u32; 2 * ROWS]; 2 * ROWS]);

/// Whether the CPU has tiles of both kinds, and the operating system gives leave to use them.
pub(super) fn present() -> bool {
    static PRESENT: OnceLock<bool> = OnceLock::new();
    *PRESENT.get_or_init(|| {
        const TILE_BF16_INT8: u32 = 1 << 24 | 1 << 22 | 1 << 25;
        let leaf = std::arch::x86_64::__cpuid_count(7, 0);
        leaf.edx & TILE_BF16_INT8 == TILE_BF16_INT8 && permitted()
    })
}

/// Asks Linux for leave to use tiles.
#[cfg(target_os = "linux")]
fn permitted() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_long = 18;
    // SAFETY: the call takes two integers and touches no memory of ours; an older kernel answers with an error.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0 }
}

/// Elsewhere nobody has tried.
#[cfg(not(target_os = "linux"))]
fn permitted() -> bool {
    false
}

/// What differs between the two kinds of numbers.
///
/// # Safety
/// As [`Arith`].
pub(super) trait Tiles: Arith {
    /// Sums `steps` pairs of tiles: see [`block`].
    unsafe fn sum(rows: &BlockOfRows, weights: *const u8, steps: usize, sums: &mut Sums);
    /// Runs `rounds > 0` rounds of four instructions on tiles of zeros.
    unsafe fn spin(rounds: usize);
    /// `sum` plus the 16 sums at `from`.
    unsafe fn add(sum: Self::Sum, from: *const u32) -> Self::Sum;
}

/// Up to 32 rows of a product's input.
pub(super) struct BlockOfRows {
    /// The first row.
    first: *const u8,
    /// Bytes from one row to the next.
    stride: usize,
    /// Whether there are more than 16.
    two: bool,
}

/// [`Tiles::sum`] and [`Tiles::spin`] by the given instruction.
macro_rules! sum_by {
    ($dot:literal) => {
        #[inline]
        unsafe fn spin(rounds: usize) {
            // SAFETY: the caller has configured whole tiles; no memory is touched.
            unsafe {
                asm!(
                    "2:",
                    concat!($dot, " tmm0, tmm4, tmm6"),
                    concat!($dot, " tmm1, tmm4, tmm7"),
                    concat!($dot, " tmm2, tmm5, tmm6"),
                    concat!($dot, " tmm3, tmm5, tmm7"),
                    "dec {rounds}",
                    "jnz 2b",
                    rounds = inout(reg) rounds => _,
                    options(nostack, nomem),
                );
            }
        }

        #[inline]
        unsafe fn sum(rows: &BlockOfRows, weights: *const u8, steps: usize, sums: &mut Sums) {
            // SAFETY: the caller has configured tiles for the block's rows, and promises that rows and panel hold `steps` times 64
            // bytes a row; `sums` holds 32 rows of 128 bytes. Nothing else in this program keeps values in tiles.
            unsafe {
                if rows.two {
                    asm!(
                        "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3",
                        "2:",
                        "tileloadd tmm6, [{b} + {wide}]",
                        "tileloadd tmm4, [{a} + {stride}]",
                        "tileloadd tmm7, [{b} + {wide} + 64]",
                        concat!($dot, " tmm0, tmm4, tmm6"),
                        "tileloadd tmm5, [{a2} + {stride}]",
                        concat!($dot, " tmm1, tmm4, tmm7"),
                        concat!($dot, " tmm2, tmm5, tmm6"),
                        concat!($dot, " tmm3, tmm5, tmm7"),
                        "add {a}, 64", "add {a2}, 64", "add {b}, 2048",
                        "dec {steps}",
                        "jnz 2b",
                        "tilestored [{sums} + {wide}], tmm0",
                        "tilestored [{sums} + {wide} + 64], tmm1",
                        "tilestored [{sums} + {wide} + 2048], tmm2",
                        "tilestored [{sums} + {wide} + 2112], tmm3",
                        a = inout(reg) rows.first => _,
                        a2 = inout(reg) rows.first.add(ROWS * rows.stride) => _,
                        b = inout(reg) weights => _,
                        steps = inout(reg) steps => _,
                        stride = in(reg) rows.stride,
                        wide = in(reg) 2 * BYTES,
                        sums = in(reg) sums,
                        options(nostack),
                    );
                } else {
                    asm!(
                        "tilezero tmm0", "tilezero tmm1",
                        "2:",
                        "tileloadd tmm6, [{b} + {wide}]",
                        "tileloadd tmm4, [{a} + {stride}]",
                        "tileloadd tmm7, [{b} + {wide} + 64]",
                        concat!($dot, " tmm0, tmm4, tmm6"),
                        concat!($dot, " tmm1, tmm4, tmm7"),
                        "add {a}, 64", "add {b}, 2048",
                        "dec {steps}",
                        "jnz 2b",
                        "tilestored [{sums} + {wide}], tmm0",
                        "tilestored [{sums} + {wide} + 64], tmm1",
                        a = inout(reg) rows.first => _,
                        b = inout(reg) weights => _,
                        steps = inout(reg) steps => _,
                        stride = in(reg) rows.stride,
                        wide = in(reg) 2 * BYTES,
                        sums = in(reg) sums,
                        options(nostack),
                    );
                }
            }
        }
    };
}

impl Tiles for AmxInt8 {
    sum_by!("tdpbusd");

    #[inline(always)]
    unsafe fn add(sum: Self::Sum, from: *const u32) -> Self::Sum {
        // SAFETY: the caller promises 16 readable sums, and the level.
        unsafe { _mm512_add_epi32(sum, _mm512_loadu_si512(from.cast())) }
    }
}

impl Tiles for AmxBf16 {
    sum_by!("tdpbf16ps");

    #[inline(always)]
    unsafe fn add(sum: Self::Sum, from: *const u32) -> Self::Sum {
        // SAFETY: the caller promises 16 readable sums, and the level.
        unsafe { _mm512_add_ps(sum, _mm512_loadu_ps(from.cast())) }
    }
}

/// The configuration of tiles: palette 1, and the rows and bytes of each of the eight.
#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    bytes: [u16; 16],
    rows: [u8; 16],
}

const _: () = assert!(size_of::<Configuration>() == 64);

impl Configuration {
    /// For a block of so many rows, 32 at most.
    fn of(rows: usize) -> Self {
        let (upper, lower) = (rows.min(ROWS) as u8, rows.saturating_sub(ROWS).max(1) as u8);
        let mut configuration = Self { palette: 1, start_row: 0, reserved: [0; 14], bytes: [0; 16], rows: [0; 16] };
        for (tile, rows) in [upper, upper, lower, lower, upper, lower, 16, 16].into_iter().enumerate() {
            configuration.rows[tile] = rows;
            configuration.bytes[tile] = BYTES as u16;
        }
        configuration
    }

    /// # Safety
    /// The CPU has tiles, and the process may use them.
    unsafe fn load(&self) {
        // SAFETY: the configuration is 64 readable bytes in the layout of palette 1; tiles become zero.
        unsafe { asm!("ldtilecfg [{}]", in(reg) self, options(nostack, readonly)) }
    }
}

/// See [`Arith::peak`].
///
/// # Safety
/// The CPU has tiles, and the process may use them.
pub(super) unsafe fn peak<A: Tiles>(rounds: usize) -> u64 {
    if rounds > 0 {
        // SAFETY: passed on from the caller; the tiles of 32 rows are whole.
        unsafe {
            Configuration::of(2 * ROWS).load();
            A::spin(rounds);
            asm!("tilerelease", options(nostack, nomem));
        }
    }
    (rounds * 4 * 2 * ROWS * ROWS * BYTES / size_of::<A::Input>()) as u64
}

/// The whole product.
///
/// A row depends on itself alone: however many rows there are, each of its sums is one chain of tile steps over `k`.
///
/// # Safety
/// As [`gemm::product`]; moreover `x` has rows that are zero up to a multiple of 64 bytes, and panels are those of a packed
/// matrix, or have no more steps than `k` takes (attention's): then they are multiplied by vectors.
#[inline(always)]
pub(super) unsafe fn product<A: Tiles>(job: Product) {
    if job.panel_steps.is_some() || job.k == 0 {
        // SAFETY: passed on from the caller.
        return unsafe { gemm::product::<A>(job) };
    }
    let (width, numbers) = (2 * A::Float::LANES, BYTES / size_of::<A::Input>());
    let steps = job.k.div_ceil(numbers);
    let panel_bytes = width * job.panel_steps::<A>() * A::STEP * size_of::<A::Weight>();
    let stride = job.x_stride * size_of::<A::Input>();
    let mut sums = Sums([[0; 2 * ROWS]; 2 * ROWS]);
    // SAFETY: the level has tiles. Rows `row..row + rows` lie below `m` and columns start below `n`; a panel has a multiple of 16
    // steps, which is one tile's, and rows reach as far.
    unsafe {
        let whole = job.m - job.m % (2 * ROWS);
        for (first, last, rows) in [(0, whole, 2 * ROWS), (whole, job.m, job.m - whole)] {
            if first == last {
                continue;
            }
            Configuration::of(rows).load();
            for col in (0..job.n).step_by(width) {
                let panel = job.panels.add(col / width * panel_bytes);
                for row in (first..last).step_by(rows) {
                    let block = BlockOfRows { first: job.x.add(row * stride), stride, two: rows > ROWS };
                    A::sum(&block, panel, steps, &mut sums);
                    for (r, sum) in sums.0[..rows].iter().enumerate() {
                        let scale = if A::QUANTISED { *job.scales.add(row + r) } else { RowScale::default() };
                        let lanes = A::Float::LANES;
                        let start = [
                            A::add(A::start(&job.columns, col, scale), sum.as_ptr()),
                            A::add(A::start(&job.columns, col + lanes, scale), sum.as_ptr().add(lanes)),
                        ];
                        finish::<A>(&job, row + r, col, start);
                    }
                }
            }
        }
        asm!("tilerelease", options(nostack, nomem));
    }
}
