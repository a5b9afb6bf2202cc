//! What is remembered of a connection for the next one of the same addresses and ports: what comes
//! late, or again, is not another, and another is not what comes again.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;

use super::super::packet::Datagram;
use super::key::Side;
use super::opening::{Claim, Opening};
use super::stream;

/// Most marks that are kept over UDP. A connection has two, and one of QUIC a third by a Retry: that
/// of the connection before fit too.
const MARKS: usize = 5;

/// Most hellos of TCP that are known when they come again: that of the connection, and of the one
/// before.
const SPOTS: usize = 2;

/// Stands for bytes. It is made with a secret, so that nobody can send others with the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(NonZeroU32);

impl Mark {
    /// Of a hello that was not there in whole.
    const CUT: Self = Self(NonZeroU32::MIN);

    pub(super) fn of(secret: &RandomState, bytes: &[u8]) -> Self {
        let hash = secret.hash_one(bytes) as u32; // One half does.
        Self(NonZeroU32::MIN.saturating_add(hash.max(1)))
    }
}

/// Where the first hello of a connection of TCP stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    /// The number of its first byte.
    place: u32,
    mark: Mark,
}

impl Spot {
    /// Of a hello with this body; of one that was cut, without.
    pub(super) fn new(place: u32, body: Option<&[u8]>, secret: &RandomState) -> Self {
        let mark = body.map_or(Mark::CUT, |body| Mark::of(secret, body));
        Self { place, mark }
    }

    /// Whether a hello at `sequence` is of another connection, though nothing says that this one has
    /// ended.
    pub(super) fn is_far_from(&self, sequence: u32) -> bool {
        !stream::is_shortly_behind(self.place, sequence)
    }

    /// Whether what begins as a hello does at `sequence` may be another one, once its connection
    /// ended; the body is there if one segment holds it. What stands shortly behind was sent with the
    /// first one: the second hello, or what looks like one.
    pub(super) fn may_precede(
        &self,
        sequence: u32,
        body: Option<&[u8]>,
        secret: &RandomState,
    ) -> bool {
        if sequence == self.place {
            let is_same = |body| self.mark == Mark::of(secret, body);
            return self.mark != Mark::CUT && !body.is_some_and(is_same);
        }
        self.is_far_from(sequence)
    }
}

/// The hellos that were told last, the last one first: that of a connection, and of those before.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spots([Option<Spot>; SPOTS]);

impl Spots {
    pub(super) fn remember(&mut self, spot: Spot) {
        if !self.contains(spot) {
            self.0.rotate_right(1);
            self.0[0] = Some(spot);
        }
    }

    pub(super) fn contains(&self, spot: Spot) -> bool {
        self.0.contains(&Some(spot))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Spot> {
        self.0.into_iter().flatten()
    }
}

/// Of a connection of TCP.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TcpPast {
    /// The number of each side's SYN, if it is known: options of their own would take more memory.
    syns: [u32; 2],
    has_syn: [bool; 2],
    pub(super) has_fin: [bool; 2],
    pub(super) hellos: Spots,
}

impl TcpPast {
    pub(super) fn note_syn(&mut self, side: Side, sequence: u32) {
        self.syns[side.at()] = sequence;
        self.has_syn[side.at()] = true;
    }

    /// The number of a side's SYN.
    pub(super) fn syn(&self, side: Side) -> Option<u32> {
        self.has_syn[side.at()].then_some(self.syns[side.at()])
    }

    /// What the next connection is to know. Where a hello was cut, nothing tells another at the same
    /// place from it.
    pub(super) fn heir(&self) -> Self {
        Self {
            hellos: Spots(
                self.hellos
                    .0
                    .map(|spot| spot.filter(|spot| spot.mark != Mark::CUT)),
            ),
            ..Self::default()
        }
    }
}

/// Of connections over UDP.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct UdpPast {
    /// What they are known by, the last one first: ids of QUIC, randoms of DTLS.
    marks: [Option<Mark>; MARKS],
    /// Whether another connection has the same addresses and ports at the same time.
    pub(super) has_sibling: bool,
}

impl UdpPast {
    pub(super) fn remember(&mut self, mark: Mark) {
        if !self.marks.contains(&Some(mark)) {
            self.marks.rotate_right(1);
            self.marks[0] = Some(mark);
        }
    }

    /// Whether this is known.
    pub(super) fn knows(&self, opening: &Opening<'_>, secret: &RandomState) -> bool {
        let mark = Mark::of(secret, opening.known_by());
        self.marks.contains(&Some(mark))
    }

    /// Whose a datagram is that came when the last connection was over.
    pub(super) fn claim(&self, datagram: &Datagram<'_>, secret: &RandomState) -> Claim {
        let Some(opening) = Opening::of(datagram) else {
            return Claim::Unknown;
        };
        if self.knows(&opening, secret) {
            return Claim::Past;
        }
        match opening.is_proved() {
            true => Claim::Another,
            false => Claim::Unknown,
        }
    }
}
