//! What is remembered of a connection for the next one of the same addresses and ports: what comes
//! late, or again, is not another, and another is not what comes again.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;

use super::super::packet::Datagram;
use super::opening::{Claim, Opening};
use super::stream;

/// Most marks that are kept over UDP. A connection has two, and one of QUIC a third by a Retry: that
/// of the connection before fit too.
const MARKS: usize = 5;

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
        !stream::is_shortly_behind(self.place, sequence)
    }
}

/// Of a connection of TCP.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TcpPast {
    /// The number of each side's SYN.
    pub(super) syns: [Option<u32>; 2],
    pub(super) has_fin: [bool; 2],
    /// The hello that was told last: its own, or that of the connection before.
    pub(super) hello: Option<Spot>,
}

impl TcpPast {
    /// What the next connection is to know. Where a hello was cut, nothing tells another at the same
    /// place from it.
    pub(super) fn heir(&self) -> Self {
        Self {
            hello: self.hello.filter(|spot| spot.mark != Mark::CUT),
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
