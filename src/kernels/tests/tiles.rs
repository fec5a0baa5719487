//! AMX on a CPU without it: its instructions are illegal there, and a signal handler does what they say.
//!
//! Only what `kernels::amx` uses is understood, as the instruction set reference of Intel describes it (volume 2, TILELOADD,
//! TILESTORED, TDPBUSD, TDPBF16PS). The compiler of another program may well use more.

use std::cell::UnsafeCell;
use std::sync::{Once, OnceLock};

use crate::kernels::arith::f32_of_bf16;
use crate::kernels::{Isa, Level};

/// The level of AMX, real or emulated; none where not even its vectors are there.
pub(super) fn amx() -> Option<Isa> {
    static LEVEL: OnceLock<Option<Isa>> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        Isa::new(Level::Amx).or_else(|| {
            let vectors = Isa::new(Level::Avx512Bf16)?;
            emulate();
            Some(vectors.pretend(Level::Amx))
        })
    })
}

/// Tiles of one thread.
struct State {
    rows: [u8; 16],
    bytes: [u16; 16],
    tiles: [[[u8; 64]; 16]; 8],
}

thread_local! {
    static STATE: UnsafeCell<State> =
        const { UnsafeCell::new(State { rows: [0; 16], bytes: [0; 16], tiles: [[[0; 64]; 16]; 8] }) };
}

/// From now on, illegal instructions of this process are emulated if they are of AMX.
fn emulate() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: an all-zero `sigaction` is valid; the handler has the signature that SA_SIGINFO asks for.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_NODEFER;
            assert_eq!(libc::sigaction(libc::SIGILL, &action, std::ptr::null_mut()), 0);
        }
    });
}

/// Emulates the instruction at the interrupted thread's program counter and steps over it; ends the process at any other.
extern "C" fn handler(_: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel hands the context of the thread that this runs on, which has no other reference to its tiles: the
    // instruction that was interrupted is not Rust code.
    unsafe {
        let registers = &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs;
        let at = registers[libc::REG_RIP as usize] as *const u8;
        match STATE.with(|state| step(&mut *state.get(), at, registers)) {
            Some(length) => registers[libc::REG_RIP as usize] += length,
            None => libc::abort(),
        }
    }
}

/// The general registers in the order of their numbers.
const REGISTERS: [libc::c_int; 16] = [
    libc::REG_RAX,
    libc::REG_RCX,
    libc::REG_RDX,
    libc::REG_RBX,
    libc::REG_RSP,
    libc::REG_RBP,
    libc::REG_RSI,
    libc::REG_RDI,
    libc::REG_R8,
    libc::REG_R9,
    libc::REG_R10,
    libc::REG_R11,
    libc::REG_R12,
    libc::REG_R13,
    libc::REG_R14,
    libc::REG_R15,
];

/// Does what the instruction at `at` says; its length, if it is one of AMX.
///
/// # Safety
/// `at` points to an instruction, and the addresses that it names are those of the interrupted program.
unsafe fn step(state: &mut State, at: *const u8, registers: &[libc::greg_t; 23]) -> Option<libc::greg_t> {
    // SAFETY: as the caller promises; an instruction that reaches here has at least six bytes or is refused by its first.
    unsafe {
        if *at != 0xc4 {
            return None;
        }
        let (first, second, opcode, modrm) = (*at.add(1), *at.add(2), *at.add(3), *at.add(4));
        if first & 0x1f != 2 {
            return None;
        }
        let (prefix, source) = (second & 3, usize::from(!second >> 3 & 7));
        let (mode, reg, rm) = (modrm >> 6, usize::from(modrm >> 3 & 7), usize::from(modrm & 7));
        let register = |number: usize| registers[REGISTERS[number] as usize];
        let (base_high, index_high) = (usize::from(first & 0x20 == 0) * 8, usize::from(first & 0x40 == 0) * 8);
        // Address, length in all, and the stride that the index gives.
        let memory = || {
            let (mut length, mut address, mut stride) = (5, 0, 0);
            let mut base = rm;
            if rm == 4 {
                let sib = *at.add(5);
                length += 1;
                base = usize::from(sib & 7);
                let index = usize::from(sib >> 3 & 7) + index_high;
                if index != 4 {
                    stride = register(index) << (sib >> 6);
                }
            }
            if !(mode == 0 && base == 5) {
                address += register(base + base_high);
            }
            match mode {
                1 => {
                    address += libc::greg_t::from(at.offset(length).cast::<i8>().read());
                    length += 1;
                }
                2 => {
                    address += libc::greg_t::from(at.offset(length).cast::<i32>().read_unaligned());
                    length += 4;
                }
                _ => {}
            }
            (address as *mut u8, length as libc::greg_t, stride as isize)
        };
        match (opcode, prefix, mode) {
            (0x49, 0, 3) => {
                (state.rows, state.bytes) = ([0; 16], [0; 16]);
                Some(5)
            }
            (0x49, 0, _) => {
                let (address, length, _) = memory();
                assert_eq!(*address, 1, "the palette");
                state.bytes = address.add(16).cast::<[u16; 16]>().read_unaligned();
                state.rows = address.add(48).cast::<[u8; 16]>().read_unaligned();
                state.tiles = [[[0; 64]; 16]; 8];
                Some(length)
            }
            (0x49, 3, 3) => {
                state.tiles[reg] = [[0; 64]; 16];
                Some(5)
            }
            (0x4b, 3 | 2, 0..=2) => {
                let (address, length, stride) = memory();
                let bytes = usize::from(state.bytes[reg]);
                for row in 0..usize::from(state.rows[reg]) {
                    let line = address.offset(stride * row as isize);
                    let tile = &mut state.tiles[reg][row];
                    if prefix == 3 {
                        *tile = [0; 64];
                        std::ptr::copy_nonoverlapping(line, tile.as_mut_ptr(), bytes);
                    } else {
                        std::ptr::copy_nonoverlapping(tile.as_ptr(), line, bytes);
                    }
                }
                Some(length)
            }
            (0x5e, 1, 3) => {
                multiply(state, [reg, rm, source], |sum, a, b| {
                    let products = a.iter().zip(b).map(|(&a, b)| i32::from(a) * i32::from(b as i8));
                    (sum as i32).wrapping_add(products.sum()) as u32
                });
                Some(5)
            }
            (0x5c, 2, 3) => {
                multiply(state, [reg, rm, source], |sum, a, b| {
                    let number = |of: &[u8; 4], at: usize| f32_of_bf16(u16::from_le_bytes([of[at], of[at + 1]]));
                    let sum = f32::from_bits(sum);
                    // The odd numbers are added first, then the even ones.
                    let sum = number(&a, 2).mul_add(number(&b, 2), sum);
                    number(&a, 0).mul_add(number(&b, 0), sum).to_bits()
                });
                Some(5)
            }
            _ => None,
        }
    }
}

/// `tiles[to] += tiles[a] * tiles[b]`, by groups of four bytes.
fn multiply(state: &mut State, [to, a, b]: [usize; 3], add: impl Fn(u32, [u8; 4], [u8; 4]) -> u32) {
    let group = |tile: &[[u8; 64]; 16], row: usize, at: usize| -> [u8; 4] {
        std::array::from_fn(|byte| tile[row][4 * at + byte])
    };
    assert_eq!(state.rows[to], state.rows[a]);
    assert_eq!(state.bytes[to], state.bytes[b]);
    assert_eq!(state.bytes[a] / 4, u16::from(state.rows[b]));
    for row in 0..usize::from(state.rows[to]) {
        for column in 0..usize::from(state.bytes[to]) / 4 {
            let mut sum = u32::from_le_bytes(group(&state.tiles[to], row, column));
            for at in 0..usize::from(state.bytes[a]) / 4 {
                sum = add(sum, group(&state.tiles[a], row, at), group(&state.tiles[b], at, column));
            }
            state.tiles[to][row][4 * column..4 * column + 4].copy_from_slice(&sum.to_le_bytes());
        }
    }
}
