//! The program: it finds the packet of IP, tells which situation it is in, and asks what the
//! expression asks there.

use super::super::expression::{Expression, Family, Primitive, TCP, UDP};
use super::ask::{Asking, asks_ports};
use super::assembler::{Assembler, Label, code};
use super::fold::{Folded, Known, Situation, fold};
use crate::inspect::frame::LinkType;

/// Where the kernel keeps what it took out of a frame: `SKF_AD_OFF`, `SKF_AD_VLAN_TAG` and
/// `SKF_AD_VLAN_TAG_PRESENT` of `linux/filter.h`.
const AUXILIARY: u32 = 0xffff_f000;
const AUXILIARY_TAG: u32 = AUXILIARY + 44;
const AUXILIARY_TAG_PRESENT: u32 = AUXILIARY + 48;

/// Places in the program's memory.
pub(super) mod memory {
    /// Where the header of IP begins.
    pub(in super::super) const NETWORK: u32 = 0;
    /// The number of what IP carries.
    pub(in super::super) const PROTOCOL: u32 = 1;
    /// Where the header of TCP or UDP begins.
    pub(in super::super) const TRANSPORT: u32 = 2;
    /// The tags: first the one that the kernel took out, then those of the frame.
    pub(in super::super) const TAGS: [u32; 4] = [3, 4, 5, 6];
}

/// No tag: no number of one is as great.
pub(super) const NO_TAG: u32 = 0xffff;

/// Where the type of an Ethernet frame stands, and what it is long without tags.
const ETHER_TYPE_AT: u32 = 12;
const ETHER_LEN: u32 = 14;
const TAG_LEN: u32 = 4;

/// Tags within a frame that are gone through; frames with more are passed. With the one that the
/// kernel took out, these are all that the matcher sees.
const TAGS_IN_FRAME: u32 = 3;

const IPV4: u32 = 0x0800;
const IPV6: u32 = 0x86dd;
const TAG_TYPES: [u32; 3] = [0x8100, 0x88a8, 0x9100];
/// Types that carry no IP for certain; others may.
const NOT_IP: [u32; 2] = [0x0806, 0x8035];

/// With IPv4 a header to look behind.
const AUTHENTICATION: u32 = 51;
/// The headers of IPv6 to look behind: hop-by-hop, routing, fragment, authentication, destination
/// options, mobility, host identity, shim6.
const EXTENSIONS: [u32; 8] = [0, 43, 44, AUTHENTICATION, 60, 135, 139, 140];
/// "More fragments", and an offset.
const IS_FRAGMENT: u32 = 0x3fff;

/// The program of an expression; none for a link type that nothing is captured from.
pub(super) fn write(
    expression: Option<&Expression>,
    link: LinkType,
    snapshot: u32,
) -> Option<Assembler> {
    let mut program = Assembler::default();
    let ends = Ends {
        pass: program.label(),
        drop: program.label(),
    };
    let versions = Versions {
        v4: program.label(),
        v6: program.label(),
    };
    let Some(expression) = expression else {
        program.place(ends.pass);
        program.plain(code::RETURN, snapshot);
        return Some(program);
    };
    prepare(&mut program, expression);
    match link {
        LinkType::Ethernet => ethernet(&mut program, expression, ends, versions),
        LinkType::Raw | LinkType::Ipv4 | LinkType::Ipv6 => raw(&mut program, ends, versions),
        LinkType::Loopback | LinkType::LinuxSll | LinkType::LinuxSll2 | LinkType::Ppp => {
            return None;
        }
    }
    version4(&mut program, expression, versions.v4, ends);
    version6(&mut program, expression, versions.v6, ends);
    program.place(ends.pass);
    program.plain(code::RETURN, snapshot);
    program.place(ends.drop);
    program.plain(code::RETURN, 0);
    Some(program)
}

/// Where the program ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) pass: Label,
    pub(super) drop: Label,
}

#[derive(Clone, Copy, Debug)]
struct Versions {
    v4: Label,
    v6: Label,
}

/// Writes what the memory begins with: the kernel wants it written on every path that reads it.
fn prepare(program: &mut Assembler, expression: &Expression) {
    program.plain(code::LOAD, 0);
    program.plain(code::STORE, memory::NETWORK);
    program.plain(code::STORE, memory::TRANSPORT);
    if !asks_tags(expression) {
        return;
    }
    program.plain(code::LOAD, NO_TAG);
    for place in memory::TAGS {
        program.plain(code::STORE, place);
    }
    let none = program.label();
    program.plain(code::LOAD_WORD, AUXILIARY_TAG_PRESENT);
    program.branch_if(code::IF_EQUAL, 0, none);
    program.plain(code::LOAD_WORD, AUXILIARY_TAG);
    store_tag(program, memory::TAGS[0]);
    program.place(none);
}

fn asks_tags(expression: &Expression) -> bool {
    expression.has(|primitive| matches!(primitive, Primitive::Vlan(_)))
}

fn store_tag(program: &mut Assembler, place: u32) {
    program.plain(code::AND, 0x0fff);
    program.plain(code::STORE, place);
}

/// Goes through the tags of a frame.
fn ethernet(program: &mut Assembler, expression: &Expression, ends: Ends, versions: Versions) {
    for count in 0..=TAGS_IN_FRAME {
        let (v4, v6, tag) = (program.label(), program.label(), program.label());
        let further = if count < TAGS_IN_FRAME {
            tag
        } else {
            ends.pass
        };
        program.plain(code::LOAD_HALF, ETHER_TYPE_AT + count * TAG_LEN);
        program.branch_if(code::IF_EQUAL, IPV4, v4);
        program.branch_if(code::IF_EQUAL, IPV6, v6);
        for kind in TAG_TYPES {
            program.branch_if(code::IF_EQUAL, kind, further);
        }
        for kind in NOT_IP {
            program.branch_if(code::IF_EQUAL, kind, ends.drop);
        }
        program.jump(ends.pass);
        for (here, version) in [(v4, versions.v4), (v6, versions.v6)] {
            program.place(here);
            program.plain(code::LOAD, ETHER_LEN + count * TAG_LEN);
            program.plain(code::STORE, memory::NETWORK);
            program.jump(version);
        }
        program.place(tag);
        if let Some(place) = memory::TAGS.get(count as usize + 1)
            && asks_tags(expression)
        {
            program.plain(code::LOAD_HALF, ETHER_LEN + count * TAG_LEN);
            store_tag(program, *place);
        }
    }
}

fn raw(program: &mut Assembler, ends: Ends, versions: Versions) {
    program.plain(code::LOAD_BYTE, 0);
    program.plain(code::SHIFT_RIGHT, 4);
    program.branch_if(code::IF_EQUAL, 4, versions.v4);
    program.branch(code::IF_EQUAL, 6, versions.v6, ends.drop);
}

fn version4(program: &mut Assembler, expression: &Expression, here: Label, ends: Ends) {
    let fragment = program.label();
    let whole = folded(expression, Family::V4, Known::All);
    program.place(here);
    program.plain(code::LOAD_X_MEMORY, memory::NETWORK);
    program.plain(code::LOAD_BYTE_X, 9);
    program.plain(code::STORE, memory::PROTOCOL);
    program.branch_if(code::IF_EQUAL, AUTHENTICATION, ends.pass);
    program.plain(code::LOAD_HALF_X, 6);
    program.branch_if(code::IF_SET, IS_FRAGMENT, fragment);
    if asks_ports(&whole) {
        let done = program.label();
        unless_ports(program, done);
        program.plain(code::LOAD_BYTE_X, 0);
        program.plain(code::AND, 0x0f);
        program.plain(code::SHIFT_LEFT, 2);
        program.plain(code::ADD_X, 0);
        find_ports(program, fragment, done);
    }
    Asking::new(program, ends).ask(&whole);
    program.place(fragment);
    Asking::new(program, ends).ask(&folded(expression, Family::V4, Known::Protocol));
}

fn version6(program: &mut Assembler, expression: &Expression, here: Label, ends: Ends) {
    let extended = program.label();
    let whole = folded(expression, Family::V6, Known::All);
    program.place(here);
    program.plain(code::LOAD_X_MEMORY, memory::NETWORK);
    program.plain(code::LOAD_BYTE_X, 6);
    program.plain(code::STORE, memory::PROTOCOL);
    for extension in EXTENSIONS {
        program.branch_if(code::IF_EQUAL, extension, extended);
    }
    if asks_ports(&whole) {
        let done = program.label();
        unless_ports(program, done);
        program.plain(code::LOAD_MEMORY, memory::NETWORK);
        program.plain(code::ADD, 40);
        find_ports(program, extended, done);
    }
    Asking::new(program, ends).ask(&whole);
    program.place(extended);
    Asking::new(program, ends).ask(&folded(expression, Family::V6, Known::Addresses));
}

fn folded(expression: &Expression, family: Family, known: Known) -> Folded<'_> {
    fold(expression, Situation { family, known }, true)
}

/// Goes on at `done` if what is carried has no ports.
fn unless_ports(program: &mut Assembler, done: Label) {
    let has = program.label();
    program.plain(code::LOAD_MEMORY, memory::PROTOCOL);
    program.branch_if(code::IF_EQUAL, u32::from(TCP), has);
    program.branch_unless(code::IF_EQUAL, u32::from(UDP), done);
    program.place(has);
}

/// Stores where the ports are; goes on at `missing` if the packet ends before. A load beyond its
/// end would drop it.
fn find_ports(program: &mut Assembler, missing: Label, done: Label) {
    const PORTS_LEN: u32 = 4;
    program.plain(code::STORE, memory::TRANSPORT);
    program.plain(code::ADD, PORTS_LEN);
    program.plain(code::TO_X, 0);
    program.plain(code::LOAD_LENGTH, 0);
    program.branch(code::IF_AT_LEAST_X, 0, done, missing);
    program.place(done);
}
