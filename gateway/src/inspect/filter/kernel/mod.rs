//! Programs of classic BPF, for the kernel to leave out what is not wanted before it is copied.
//!
//! A program may pass more than the matcher, never less. So all that it cannot know counts as if it
//! held: the expression is folded for each situation that a packet can be in (its version of IP, and
//! what can be read of it), with every `not` at the primitives, and what is left is compiled.

mod ask;
mod assembler;
mod fold;
mod program;

use super::expression::Expression;
use crate::inspect::frame::LinkType;

/// Most instructions that the kernel takes: `BPF_MAXINSNS` of `linux/bpf_common.h`.
const INSTRUCTIONS_MAX: usize = 4096;

/// An instruction of classic BPF: `struct sock_filter` of `linux/filter.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// What it does.
    pub code: u16,
    /// How many instructions are left out if a comparison holds.
    pub jt: u8,
    /// How many, if it does not.
    pub jf: u8,
    /// What it does it with.
    pub k: u32,
}

/// A program for this expression, if there can be one.
pub(super) fn compile(
    expression: Option<&Expression>,
    link: LinkType,
    snapshot: u32,
) -> Option<Vec<Instruction>> {
    let program = program::write(expression, link, snapshot)?;
    let program = program.assemble();
    (program.len() <= INSTRUCTIONS_MAX).then_some(program)
}
