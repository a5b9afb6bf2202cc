//! The questions of a program.

use super::super::expression::{Direction, Ports, Primitive, Subnet, Transports};
use super::assembler::{Assembler, Label, code};
use super::fold::Folded;
use super::program::{Ends, NO_TAG, memory};

/// Writes questions.
#[derive(Debug)]
pub(super) struct Asking<'a> {
    program: &'a mut Assembler,
    ends: Ends,
}

/// Where it goes on: if the question holds, and if not.
#[derive(Clone, Copy, Debug)]
struct Ways {
    holds: Label,
    fails: Label,
}

/// Where addresses and ports stand in their headers.
const V4_SOURCE: u32 = 12;
const V4_DESTINATION: u32 = 16;
const V6_SOURCE: u32 = 8;
const V6_DESTINATION: u32 = 24;
const SOURCE_PORT: u32 = 0;
const DESTINATION_PORT: u32 = 2;

/// Whether ports are asked for.
pub(super) fn asks_ports(folded: &Folded<'_>) -> bool {
    match folded {
        Folded::Holds | Folded::Fails => false,
        Folded::All(parts) | Folded::Any(parts) => parts.iter().any(asks_ports),
        Folded::Is(primitive, _) => matches!(primitive, Primitive::Port(..)),
    }
}

impl<'a> Asking<'a> {
    pub(super) fn new(program: &'a mut Assembler, ends: Ends) -> Self {
        Self { program, ends }
    }

    /// Asks all, and ends the program.
    pub(super) fn ask(&mut self, folded: &Folded<'_>) {
        let ways = Ways {
            holds: self.ends.pass,
            fails: self.ends.drop,
        };
        self.whole(folded, ways);
    }

    fn whole(&mut self, folded: &Folded<'_>, ways: Ways) {
        match folded {
            Folded::Holds => self.program.jump(ways.holds),
            Folded::Fails => self.program.jump(ways.fails),
            Folded::All(parts) => self.all(parts, ways),
            Folded::Any(parts) => self.any(parts, ways),
            Folded::Is(primitive, true) => self.primitive(primitive, ways),
            Folded::Is(primitive, false) => self.primitive(
                primitive,
                Ways {
                    holds: ways.fails,
                    fails: ways.holds,
                },
            ),
        }
    }

    fn all(&mut self, parts: &[Folded<'_>], ways: Ways) {
        let Some((last, before)) = parts.split_last() else {
            return self.program.jump(ways.holds);
        };
        for part in before {
            let next = self.program.label();
            self.whole(
                part,
                Ways {
                    holds: next,
                    ..ways
                },
            );
            self.program.place(next);
        }
        self.whole(last, ways);
    }

    fn any(&mut self, parts: &[Folded<'_>], ways: Ways) {
        let Some((last, before)) = parts.split_last() else {
            return self.program.jump(ways.fails);
        };
        for part in before {
            let next = self.program.label();
            self.whole(
                part,
                Ways {
                    fails: next,
                    ..ways
                },
            );
            self.program.place(next);
        }
        self.whole(last, ways);
    }

    fn primitive(&mut self, primitive: &Primitive, ways: Ways) {
        match primitive {
            Primitive::Protocol(_, number) => {
                self.load_memory(memory::PROTOCOL);
                self.equal(u32::from(*number), ways);
            }
            Primitive::Address(direction, subnet) => {
                let at = match subnet {
                    Subnet::V4 { .. } => [V4_SOURCE, V4_DESTINATION],
                    Subnet::V6 { .. } => [V6_SOURCE, V6_DESTINATION],
                };
                self.ends_of(*direction, at, ways, |this, at, ways| {
                    this.address(*subnet, at, ways);
                });
            }
            Primitive::Port(direction, transports, ports) => {
                self.transports(*transports, ways.fails);
                let at = [SOURCE_PORT, DESTINATION_PORT];
                self.ends_of(*direction, at, ways, |this, at, ways| {
                    this.port(*ports, at, ways);
                });
            }
            Primitive::Vlan(id) => self.tags(*id, ways),
            Primitive::Less(most) => {
                self.program.plain(code::LOAD_LENGTH, 0);
                self.program
                    .branch(code::IF_GREATER, *most, ways.fails, ways.holds);
            }
            Primitive::Greater(least) => {
                self.program.plain(code::LOAD_LENGTH, 0);
                self.program
                    .branch(code::IF_AT_LEAST, *least, ways.holds, ways.fails);
            }
            // Folding leaves none of them.
            Primitive::Family(_) | Primitive::NotIp | Primitive::Name(_) => {
                self.program.jump(self.ends.pass);
            }
        }
    }

    /// Asks the same of the ends that a direction names.
    fn ends_of(
        &mut self,
        direction: Direction,
        [source, destination]: [u32; 2],
        ways: Ways,
        mut ask: impl FnMut(&mut Self, u32, Ways),
    ) {
        let next = self.program.label();
        match direction {
            Direction::Source => return ask(self, source, ways),
            Direction::Destination => return ask(self, destination, ways),
            Direction::Either => ask(
                self,
                source,
                Ways {
                    fails: next,
                    ..ways
                },
            ),
            Direction::Both => ask(
                self,
                source,
                Ways {
                    holds: next,
                    ..ways
                },
            ),
        }
        self.program.place(next);
        ask(self, destination, ways);
    }

    fn address(&mut self, subnet: Subnet, at: u32, ways: Ways) {
        self.program.plain(code::LOAD_X_MEMORY, memory::NETWORK);
        let (bits, mask) = match subnet {
            Subnet::V4 { bits, mask } => return self.word(at, bits, mask, ways),
            Subnet::V6 { bits, mask } => (words(bits), words(mask)),
        };
        for (index, (bits, mask)) in (0..).zip(bits.into_iter().zip(mask)) {
            if mask == 0 {
                continue;
            }
            let next = self.program.label();
            let at = at + 4 * index;
            self.word(
                at,
                bits,
                mask,
                Ways {
                    holds: next,
                    ..ways
                },
            );
            self.program.place(next);
        }
        self.program.jump(ways.holds);
    }

    fn word(&mut self, at: u32, bits: u32, mask: u32, ways: Ways) {
        self.program.plain(code::LOAD_WORD_X, at);
        if mask != u32::MAX {
            self.program.plain(code::AND, mask);
        }
        self.equal(bits, ways);
    }

    fn transports(&mut self, transports: Transports, fails: Label) {
        let known = self.program.label();
        self.load_memory(memory::PROTOCOL);
        for number in transports.protocols() {
            let number = u32::from(*number);
            self.program.branch_if(code::IF_EQUAL, number, known);
        }
        self.program.jump(fails);
        self.program.place(known);
    }

    fn port(&mut self, ports: Ports, at: u32, ways: Ways) {
        let (first, last) = (u32::from(ports.first), u32::from(ports.last));
        self.program.plain(code::LOAD_X_MEMORY, memory::TRANSPORT);
        self.program.plain(code::LOAD_HALF_X, at);
        if first == last {
            return self.equal(first, ways);
        }
        let program = &mut *self.program;
        program.branch_unless(code::IF_AT_LEAST, first, ways.fails);
        program.branch(code::IF_GREATER, last, ways.fails, ways.holds);
    }

    fn tags(&mut self, id: Option<u16>, ways: Ways) {
        for place in memory::TAGS {
            self.load_memory(place);
            match id {
                Some(id) => {
                    let id = u32::from(id);
                    self.program.branch_if(code::IF_EQUAL, id, ways.holds);
                }
                None => self
                    .program
                    .branch_unless(code::IF_EQUAL, NO_TAG, ways.holds),
            }
        }
        self.program.jump(ways.fails);
    }

    fn load_memory(&mut self, place: u32) {
        self.program.plain(code::LOAD_MEMORY, place);
    }

    fn equal(&mut self, value: u32, ways: Ways) {
        self.program
            .branch(code::IF_EQUAL, value, ways.holds, ways.fails);
    }
}

/// The words of an address of IPv6, in the order of the wire.
fn words(bits: u128) -> [u32; 4] {
    [96, 64, 32, 0].map(|shift| (bits >> shift) as u32)
}
