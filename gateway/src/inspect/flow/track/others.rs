//! What tells a flow from others of the same addresses and ports.

use std::hash::RandomState;

use super::super::super::packet::{Datagram, Segment};
use super::super::key::Side;
use super::super::opening::Claim;
use super::super::past::{Spot, TcpPast};
use super::super::records;
use super::{Past, Stage, State, Track};

impl Track {
    /// What a flow that takes the place of this one is to know.
    pub(in crate::inspect::flow) fn heir(&self) -> Past {
        match &self.past {
            Past::Tcp(past) => Past::Tcp(past.heir()),
            Past::Udp(past) => Past::Udp(*past),
        }
    }

    /// Whether this segment begins another connection of the same addresses and ports: by a SYN
    /// with another number than the one that was there, or by a hello: once its sender had said that
    /// nothing more comes, or where it stands nowhere near the one that was told.
    pub(in crate::inspect::flow) fn is_followed_by(
        &self,
        side: Side,
        segment: &Segment<'_>,
        secret: &RandomState,
    ) -> bool {
        let Past::Tcp(past) = &self.past else {
            return false;
        };
        if self.has_ended() {
            return self.is_outlived_by(past, side, segment, secret);
        }
        if !segment.is_syn {
            let is_closed = past.has_fin[side.at()] && self.is_over();
            return is_closed && self.is_outlived_by(past, side, segment, secret)
                || self.is_left_by(past, side, segment);
        }
        match (past.syn(side), &self.state) {
            (Some(syn), _) if syn == segment.sequence => false,
            // A server that answers with another number has not accepted yet, unless there was more.
            (Some(_), State::New) => !segment.is_ack,
            (Some(_), State::Open(_) | State::Over(_)) => !segment.is_ack,
            (None, State::New) => false,
            (None, State::Open(dialogue)) => !dialogue.begins_behind(side, segment.sequence),
            (None, State::Over(_)) => !segment.is_ack,
            (_, State::OpenUdp(_) | State::Ended(_)) => false,
        }
    }

    /// Whether this segment begins another connection when this one has ended: by a SYN, of the same
    /// number too, or where that was not captured by a hello that is not the one that was there.
    fn is_outlived_by(
        &self,
        past: &TcpPast,
        side: Side,
        segment: &Segment<'_>,
        secret: &RandomState,
    ) -> bool {
        if segment.is_syn {
            return !segment.is_ack || past.syn(side) != Some(segment.sequence);
        }
        let payload = segment.payload;
        let is_another =
            |spot: Spot| spot.may_precede(segment.sequence, records::whole_body(payload), secret);
        records::is_client_hello(payload)
            && (side != self.client || past.hellos.iter().all(is_another))
    }

    /// Whether this segment begins another connection though neither the end of this one nor its own
    /// SYN was captured. Behind a hello all is in records of TLS that are encrypted: such a beginning
    /// is no chance. Most segments are told apart by their first byte.
    fn is_left_by(&self, past: &TcpPast, side: Side, segment: &Segment<'_>) -> bool {
        let is_far = |spot: Spot| spot.is_far_from(segment.sequence);
        records::is_client_hello_alone(segment.payload)
            && side == self.client
            && self.touched().stage == Stage::Seen
            && past.hellos.iter().chain(self.told()).all(is_far)
    }

    /// The hello that was told, as long as its answer is waited for.
    fn told(&self) -> Option<Spot> {
        match &self.state {
            State::Open(dialogue) => dialogue.told(),
            State::New | State::OpenUdp(_) | State::Over(_) | State::Ended(_) => None,
        }
    }

    /// Whose a datagram is.
    pub(in crate::inspect::flow) fn claim(
        &self,
        datagram: &Datagram<'_>,
        secret: &RandomState,
    ) -> Claim {
        match (&self.state, &self.past) {
            (State::OpenUdp(exchange), Past::Udp(past)) => exchange.claim(datagram, past, secret),
            (State::Over(_) | State::Ended(_), Past::Udp(past)) => past.claim(datagram, secret),
            _ => Claim::Its,
        }
    }

    /// Whether a datagram goes on with what is read, where its sibling may be meant too.
    pub(in crate::inspect::flow) fn is_gone_on_with(&self, datagram: &Datagram<'_>) -> bool {
        match &self.state {
            State::OpenUdp(exchange) => exchange.goes_on_with(datagram),
            State::New | State::Open(_) | State::Over(_) | State::Ended(_) => false,
        }
    }

    /// Whether another connection over UDP has the same addresses and ports.
    pub(in crate::inspect::flow) fn has_sibling(&self) -> bool {
        matches!(&self.past, Past::Udp(past) if past.has_sibling)
    }

    /// Another connection over UDP has the same addresses and ports from now on.
    pub(in crate::inspect::flow) fn add_sibling(&mut self) {
        if let Past::Udp(past) = &mut self.past {
            past.has_sibling = true;
        }
    }

    /// Whether nothing more is read of it.
    pub(in crate::inspect::flow) fn is_over(&self) -> bool {
        matches!(self.state, State::Over(_) | State::Ended(_))
    }

    /// Keeps of what is read no more what tells the next connection from it.
    pub(in crate::inspect::flow) fn remember(&mut self, secret: &RandomState) {
        match (&self.state, &mut self.past) {
            (State::Open(dialogue), Past::Tcp(past)) => {
                if let Some(spot) = dialogue.told() {
                    past.hellos.remember(spot);
                }
            }
            (State::OpenUdp(exchange), Past::Udp(past)) => exchange.remember(past, secret),
            _ => {}
        }
    }
}
