//! Connections over UDP that have the same addresses and ports, one behind the other or at once.
//!
//! Nothing says that a connection over UDP is over, so another one may begin at any time. It takes
//! the place of one that nothing more is wanted of. Beside one whose hello or answer is still to come
//! it gets a second place: so of two at once both are told. Of more, one that waits for an answer
//! only makes room.

use super::super::packet::Datagram;
use super::dialogue::Scene;
use super::event::{FlowEvent, Stage, Touched};
use super::key::{Key, Side};
use super::opening::Claim;
use super::past::UdpPast;
use super::track::{Past, Track};
use super::{Flows, exchange};

/// A datagram of a pair of ends, and which of them sent it.
#[derive(Clone, Copy)]
struct Sent<'d, 'p> {
    key: Key,
    side: Side,
    datagram: &'d Datagram<'p>,
}

impl Flows {
    pub(super) fn datagram(
        &mut self,
        key: Key,
        side: Side,
        datagram: &Datagram<'_>,
        events: &mut Vec<FlowEvent>,
    ) -> Option<Touched> {
        let sent = Sent {
            key,
            side,
            datagram,
        };
        let mut claim = None;
        // The one look-up that most datagrams need.
        let touched = self.take_if(key, sent, events, |track, scene| {
            let claimed = match track.claim(datagram, scene.secret) {
                Claim::Unknown if !track.has_sibling() => Claim::Its,
                claimed => claimed,
            };
            *claim.insert(claimed)
        });
        match claim {
            _ if touched.is_some() => touched,
            Some(Claim::Another) => self.another(sent, events),
            Some(Claim::Its | Claim::Past | Claim::Unknown) => self.unknown(sent, events),
            None if exchange::may_begin(datagram) => self.begin_with(key, sent, events),
            None => None,
        }
    }

    /// A datagram begins a connection that is not in the first place of its ends.
    fn another(&mut self, sent: Sent<'_, '_>, events: &mut Vec<FlowEvent>) -> Option<Touched> {
        let sibling = sent.key.sibling();
        let touched = self.take_if(sibling, sent, events, |track, scene| {
            track.claim(sent.datagram, scene.secret)
        });
        if touched.is_some() {
            return touched;
        }
        let place = self.place(sent.key);
        let touched = self.begin_with(place, sent, events);
        if let Some(track) = self.open.peek_mut(&sent.key)
            && place == sibling
        {
            track.add_sibling();
        }
        touched
    }

    /// A datagram does not say to which of two connections it belongs.
    fn unknown(&mut self, sent: Sent<'_, '_>, events: &mut Vec<FlowEvent>) -> Option<Touched> {
        for key in [sent.key, sent.key.sibling()] {
            let touched = self.take_if(key, sent, events, |track, _| {
                match track.is_gone_on_with(sent.datagram) {
                    true => Claim::Its,
                    false => Claim::Unknown,
                }
            });
            if touched.is_some() {
                return touched;
            }
        }
        // Where it is read, what it costs to read it is bounded.
        self.take_if(sent.key, sent, events, |_, _| Claim::Its)
    }

    /// Where another connection between these ends is followed.
    fn place(&self, key: Key) -> Key {
        let sibling = key.sibling();
        let (first, second) = (self.open.peek(&key), self.open.peek(&sibling));
        let is_told = |track: &Track| track.touched().stage == Stage::Seen;
        match first {
            Some(first) if first.is_over() => key,
            _ if second.is_none_or(Track::is_over) => sibling,
            Some(first) if is_told(first) => key,
            _ => sibling,
        }
    }

    fn begin_with(
        &mut self,
        key: Key,
        sent: Sent<'_, '_>,
        events: &mut Vec<FlowEvent>,
    ) -> Option<Touched> {
        self.begin(key, sent.side, Past::Udp(UdpPast::default()), events);
        self.take_if(key, sent, events, |_, _| Claim::Its)
    }

    /// Has a flow take a datagram, if it is there and this says that it is of it. What is past is
    /// counted.
    fn take_if(
        &mut self,
        key: Key,
        sent: Sent<'_, '_>,
        events: &mut Vec<FlowEvent>,
        claim: impl FnOnce(&Track, &Scene<'_>) -> Claim,
    ) -> Option<Touched> {
        self.take(key, events, |track, scene| {
            match claim(track, scene) {
                Claim::Its => track.datagram(sent.side, sent.datagram, scene),
                Claim::Past => track.pass(sent.side, sent.datagram),
                Claim::Unknown | Claim::Another => return false,
            }
            true
        })
    }
}
