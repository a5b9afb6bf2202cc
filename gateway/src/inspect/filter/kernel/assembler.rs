//! Instructions with labels, and their places.

use super::Instruction;

/// Operation codes, as `linux/bpf_common.h` builds them.
pub(super) mod code {
    pub(in super::super) const LOAD: u16 = 0x00;
    pub(in super::super) const LOAD_LENGTH: u16 = 0x80;
    pub(in super::super) const LOAD_WORD: u16 = 0x20;
    pub(in super::super) const LOAD_HALF: u16 = 0x28;
    pub(in super::super) const LOAD_BYTE: u16 = 0x30;
    pub(in super::super) const LOAD_WORD_X: u16 = 0x40;
    pub(in super::super) const LOAD_HALF_X: u16 = 0x48;
    pub(in super::super) const LOAD_BYTE_X: u16 = 0x50;
    pub(in super::super) const LOAD_MEMORY: u16 = 0x60;
    pub(in super::super) const LOAD_X_MEMORY: u16 = 0x61;
    pub(in super::super) const STORE: u16 = 0x02;
    pub(in super::super) const ADD: u16 = 0x04;
    pub(in super::super) const ADD_X: u16 = 0x0c;
    pub(in super::super) const AND: u16 = 0x54;
    pub(in super::super) const SHIFT_LEFT: u16 = 0x64;
    pub(in super::super) const SHIFT_RIGHT: u16 = 0x74;
    pub(in super::super) const TO_X: u16 = 0x07;
    pub(in super::super) const IF_EQUAL: u16 = 0x15;
    pub(in super::super) const IF_GREATER: u16 = 0x25;
    pub(in super::super) const IF_AT_LEAST: u16 = 0x35;
    pub(in super::super) const IF_AT_LEAST_X: u16 = 0x3d;
    pub(in super::super) const IF_SET: u16 = 0x45;
    pub(in super::super) const JUMP: u16 = 0x05;
    pub(in super::super) const RETURN: u16 = 0x06;
}

/// A place in a program that is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label(usize);

#[derive(Clone, Copy, Debug)]
enum Line {
    Plain(u16, u32),
    Jump(Label),
    /// Code, value, where it goes on if it holds, and if not.
    Branch(u16, u32, Label, Label),
}

/// A program that is being written. All jumps go forward, as the kernel demands.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    lines: Vec<Line>,
    /// Before which line each label stands.
    places: Vec<usize>,
}

impl Assembler {
    pub(super) fn label(&mut self) -> Label {
        self.places.push(usize::MAX);
        Label(self.places.len() - 1)
    }

    /// The label stands here.
    pub(super) fn place(&mut self, label: Label) {
        self.places[label.0] = self.lines.len();
    }

    pub(super) fn plain(&mut self, code: u16, k: u32) {
        self.lines.push(Line::Plain(code, k));
    }

    pub(super) fn jump(&mut self, label: Label) {
        self.lines.push(Line::Jump(label));
    }

    pub(super) fn branch(&mut self, code: u16, k: u32, holds: Label, fails: Label) {
        self.lines.push(Line::Branch(code, k, holds, fails));
    }

    /// Goes on at `label` if the comparison holds, else with the next line.
    pub(super) fn branch_if(&mut self, code: u16, k: u32, label: Label) {
        let next = self.label();
        self.branch(code, k, label, next);
        self.place(next);
    }

    /// Goes on at `label` unless the comparison holds, else with the next line.
    pub(super) fn branch_unless(&mut self, code: u16, k: u32, label: Label) {
        let next = self.label();
        self.branch(code, k, next, label);
        self.place(next);
    }

    /// The program. A branch reaches 255 instructions far, a jump any: a branch that goes farther
    /// becomes one over two jumps.
    pub(super) fn assemble(&self) -> Vec<Instruction> {
        let mut is_long = vec![false; self.lines.len()];
        // A branch that became long stays so: each turn but the last has made at least one so.
        loop {
            let starts = starts(&self.lines, &is_long);
            let reach = |at: usize, label: Label| starts[self.places[label.0]] - starts[at] - 1;
            let mut is_done = true;
            for (at, line) in self.lines.iter().enumerate() {
                let Line::Branch(_, _, holds, fails) = line else {
                    continue;
                };
                let is_far = reach(at, *holds).max(reach(at, *fails)) > usize::from(u8::MAX);
                if is_far && !is_long[at] {
                    is_long[at] = true;
                    is_done = false;
                }
            }
            if is_done {
                return self.write(&starts, &is_long);
            }
        }
    }

    fn write(&self, starts: &[usize], is_long: &[bool]) -> Vec<Instruction> {
        let mut program = Vec::with_capacity(starts.len());
        for (line, is_long) in self.lines.iter().zip(is_long) {
            let here = program.len();
            let to = |label: Label, from: usize| (starts[self.places[label.0]] - from - 1) as u32;
            match *line {
                Line::Plain(code, k) => program.push(instruction(code, 0, 0, k)),
                Line::Jump(label) => program.push(instruction(code::JUMP, 0, 0, to(label, here))),
                Line::Branch(code, k, holds, fails) if *is_long => program.extend([
                    instruction(code, 0, 1, k),
                    instruction(code::JUMP, 0, 0, to(holds, here + 1)),
                    instruction(code::JUMP, 0, 0, to(fails, here + 2)),
                ]),
                Line::Branch(code, k, holds, fails) => {
                    let (holds, fails) = (to(holds, here) as u8, to(fails, here) as u8);
                    program.push(instruction(code, holds, fails, k));
                }
            }
        }
        program
    }
}

/// Where each line's first instruction stands, and where the program ends.
fn starts(lines: &[Line], is_long: &[bool]) -> Vec<usize> {
    let mut starts = Vec::with_capacity(lines.len() + 1);
    let mut at = 0;
    for (line, is_long) in lines.iter().zip(is_long) {
        starts.push(at);
        at += match line {
            Line::Branch(..) if *is_long => 3,
            _ => 1,
        };
    }
    starts.push(at);
    starts
}

fn instruction(code: u16, jt: u8, jf: u8, k: u32) -> Instruction {
    Instruction { code, jt, jf, k }
}
