//! An expression in one situation: what holds or fails there anyway is gone.

use super::super::expression::{Expression, Family, Primitive};

/// What kind of packet it is, and what can be read of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation {
    pub(super) family: Family,
    pub(super) known: Known,
}

/// What can be read of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// All that primitives ask for, but the name.
    All,
    /// A fragment: neither its ports nor the length of the whole.
    Protocol,
    /// A packet with extension headers: what it carries is not known either.
    Addresses,
}

/// What is left of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Folded<'a> {
    Holds,
    Fails,
    All(Vec<Folded<'a>>),
    Any(Vec<Folded<'a>>),
    /// A primitive that is to hold, or is not to hold.
    Is(&'a Primitive, bool),
}

/// The expression in a situation; `wanted` is whether it is to hold.
pub(super) fn fold<'a>(
    expression: &'a Expression,
    situation: Situation,
    wanted: bool,
) -> Folded<'a> {
    match expression {
        Expression::Not(part) => fold(part, situation, !wanted),
        Expression::Is(primitive) => situation.fold(primitive, wanted),
        // By De Morgan, what is not to hold of all is not to hold of some.
        Expression::All(parts) => join(parts, situation, wanted, wanted),
        Expression::Any(parts) => join(parts, situation, wanted, !wanted),
    }
}

fn join<'a>(
    parts: &'a [Expression],
    situation: Situation,
    wanted: bool,
    is_all: bool,
) -> Folded<'a> {
    let (decides, neutral) = match is_all {
        true => (Folded::Fails, Folded::Holds),
        false => (Folded::Holds, Folded::Fails),
    };
    let mut left = Vec::new();
    for part in parts {
        match fold(part, situation, wanted) {
            folded if folded == decides => return decides,
            folded if folded == neutral => {}
            folded => left.push(folded),
        }
    }
    match (left.pop(), left.is_empty(), is_all) {
        (None, ..) => neutral,
        (Some(one), true, _) => one,
        (Some(last), false, is_all) => {
            left.push(last);
            if is_all {
                Folded::All(left)
            } else {
                Folded::Any(left)
            }
        }
    }
}

impl Situation {
    fn fold(self, primitive: &Primitive, wanted: bool) -> Folded<'_> {
        let known = match self.decides(primitive) {
            Decided::Now(holds) => holds == wanted,
            // What cannot be known is passed, whatever is wanted of it.
            Decided::Never => true,
            Decided::ByPacket => return Folded::Is(primitive, wanted),
        };
        if known { Folded::Holds } else { Folded::Fails }
    }

    fn decides(self, primitive: &Primitive) -> Decided {
        match primitive {
            Primitive::Family(family) => Decided::Now(*family == self.family),
            Primitive::NotIp => Decided::Now(false),
            Primitive::Protocol(Some(family), _) if *family != self.family => Decided::Now(false),
            Primitive::Address(_, subnet) if subnet.family() != self.family => Decided::Now(false),
            Primitive::Protocol(..) if self.known == Known::Addresses => Decided::Never,
            Primitive::Port(..) | Primitive::Less(_) | Primitive::Greater(_)
                if self.known != Known::All =>
            {
                Decided::Never
            }
            Primitive::Name(_) => Decided::Never,
            _ => Decided::ByPacket,
        }
    }
}

enum Decided {
    Now(bool),
    Never,
    ByPacket,
}
