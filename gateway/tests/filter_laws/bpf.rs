//! Classic BPF as the kernel has it: what it accepts, and what it does.

use gateway::inspect::filter::Instruction;
use gateway::inspect::frame::Frame;

const MEMORY: usize = 16;
const AUXILIARY: u32 = 0xffff_f000;

/// What the kernel wants of a program (`bpf_check_classic` of `net/core/filter.c`): it ends, jumps stay
/// within it, and memory is written before it is read, on every path.
pub(crate) fn check(program: &[Instruction]) {
    assert!((1..=4096).contains(&program.len()));
    assert_eq!(program.last().unwrap().code, 0x06, "it ends by returning");
    let mut written = vec![u16::MAX; program.len()];
    written[0] = 0;
    for (at, instruction) in program.iter().enumerate() {
        let mut now = written[at];
        let bit = |k: u32| 1_u16 << k;
        match instruction.code {
            0x02 | 0x03 => now |= bit(instruction.k),
            0x60 | 0x61 => assert!(now & bit(instruction.k) != 0, "{at}: not written"),
            _ => {}
        }
        for next in nexts(at, *instruction) {
            written[next] &= now;
        }
    }
}

fn nexts(at: usize, instruction: Instruction) -> Vec<usize> {
    let to = |by: u32| at + 1 + by as usize;
    match instruction.code {
        0x06 => vec![],
        0x05 => vec![to(instruction.k)],
        code if code & 7 == 5 => vec![to(instruction.jt.into()), to(instruction.jf.into())],
        _ => vec![to(0)],
    }
}

/// How many bytes of a frame the program passes: 0 drops it.
pub(crate) fn run(program: &[Instruction], frame: &Frame<'_>) -> u32 {
    let (mut a, mut x, mut memory, mut at) = (0_u32, 0_u32, [0_u32; MEMORY], 0);
    loop {
        let Instruction { code, jt, jf, k } = program[at];
        at += 1;
        let place = |x: u32| x.wrapping_add(k) as usize;
        let loaded = match code {
            0x20 => load(frame, k as usize, 4),
            0x28 => load(frame, k as usize, 2),
            0x30 => load(frame, k as usize, 1),
            0x40 => load(frame, place(x), 4),
            0x48 => load(frame, place(x), 2),
            0x50 => load(frame, place(x), 1),
            _ => Some(a),
        };
        // A load beyond the end drops the frame.
        let Some(loaded) = loaded else { return 0 };
        a = loaded;
        match code {
            0x20 | 0x28 | 0x30 | 0x40 | 0x48 | 0x50 => {}
            0x00 => a = k,
            0x80 => a = u32::try_from(frame.bytes.len()).unwrap(),
            0x60 => a = memory[k as usize],
            0x61 => x = memory[k as usize],
            0x02 => memory[k as usize] = a,
            0x04 => a = a.wrapping_add(k),
            0x0c => a = a.wrapping_add(x),
            0x54 => a &= k,
            0x64 => a <<= k,
            0x74 => a >>= k,
            0x07 => x = a,
            0x05 => at += k as usize,
            0x15 => at += usize::from(if a == k { jt } else { jf }),
            0x25 => at += usize::from(if a > k { jt } else { jf }),
            0x35 => at += usize::from(if a >= k { jt } else { jf }),
            0x3d => at += usize::from(if a >= x { jt } else { jf }),
            0x45 => at += usize::from(if a & k != 0 { jt } else { jf }),
            0x06 => return k,
            _ => panic!("no such code: {code:#x}"),
        }
    }
}

fn load(frame: &Frame<'_>, at: usize, len: usize) -> Option<u32> {
    let tag = frame.tag.map(|tag| u32::from(tag.id));
    match u32::try_from(at).unwrap().wrapping_sub(AUXILIARY) {
        44 => return Some(tag.unwrap_or(0)),
        48 => return Some(u32::from(tag.is_some())),
        _ => {}
    }
    let bytes = frame.bytes.get(at..at + len)?;
    Some(
        bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | u32::from(*byte)),
    )
}
