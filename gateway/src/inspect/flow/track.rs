//! What is remembered of a flow.

mod others;

use std::hash::RandomState;

use super::super::frame::Timestamp;
use super::super::packet::{Datagram, Segment};
use super::dialogue::{Dialogue, Scene};
use super::event::{Ended, Ending, FlowEvent, FlowId, Stage, Touched, Traffic};
use super::exchange::Exchange;
use super::key::Side;
use super::past::{TcpPast, UdpPast};
use super::{records, stream};

/// A flow in the table. Once its hello is over, this is all there is of it.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) id: FlowId,
    began: Timestamp,
    traffic: [Traffic; 2],
    past: Past,
    /// Who sent the hello; until there is one, who sent the first packet.
    client: Side,
    state: State,
}

/// What tells it from the flows before and after it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Past {
    Tcp(TcpPast),
    Udp(UdpPast),
}

#[derive(Debug)]
enum State {
    /// Nothing was said yet.
    New,
    /// A hello is read, or its answer.
    Open(Box<Dialogue>),
    /// The same over UDP.
    OpenUdp(Box<Exchange>),
    /// Nothing more is wanted but counts.
    Over(Stage),
    /// Its end was told. It stays for what may come late, or again.
    Ended(Stage),
}

/// Whether a segment may be the first that is seen of a flow that is worth following.
pub(super) fn may_begin(segment: &Segment<'_>) -> bool {
    segment.is_syn || records::may_begin(segment.payload)
}

/// Who began the connection, as far as its first segment says it.
pub(super) fn opener(side: Side, segment: &Segment<'_>) -> Side {
    let is_answer = segment.is_syn && segment.is_ack;
    if is_answer { side.other() } else { side }
}

impl Track {
    pub(super) fn new(id: FlowId, began: Timestamp, client: Side, past: Past) -> Self {
        Self {
            id,
            began,
            traffic: [Traffic::default(); 2],
            past,
            client,
            state: State::New,
        }
    }

    pub(super) fn touched(&self) -> Touched {
        let stage = match &self.state {
            State::New => Stage::Before,
            State::Open(dialogue) if dialogue.has_hello() => Stage::Seen,
            State::OpenUdp(exchange) if exchange.has_hello() => Stage::Seen,
            State::Open(_) | State::OpenUdp(_) => Stage::Before,
            State::Over(stage) | State::Ended(stage) => *stage,
        };
        Touched {
            flow: self.id,
            stage,
        }
    }

    /// How much memory it holds, beside itself and what every open flow takes.
    pub(super) fn cost(&self) -> usize {
        match &self.state {
            State::Open(dialogue) => dialogue.cost(),
            State::OpenUdp(exchange) => exchange.cost(),
            State::New | State::Over(_) | State::Ended(_) => 0,
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended(_))
    }

    /// Takes a segment, which belongs to this flow.
    pub(super) fn segment(&mut self, side: Side, segment: &Segment<'_>, scene: &mut Scene<'_>) {
        if self.has_ended() {
            return;
        }
        self.count(side, segment.payload.len() + segment.cut);
        if segment.is_syn {
            self.syn(side, segment.sequence);
        }
        if !segment.payload.is_empty() || segment.cut > 0 {
            self.payload(side, segment, scene);
        }
        if segment.is_fin || segment.is_rst {
            self.leave(side, segment, scene);
        }
    }

    /// Takes a datagram, which belongs to this flow.
    pub(super) fn datagram(&mut self, side: Side, datagram: &Datagram<'_>, scene: &mut Scene<'_>) {
        if self.has_ended() {
            return;
        }
        self.count(side, datagram.payload.len() + datagram.cut);
        if matches!(self.state, State::New) {
            self.state = State::OpenUdp(Box::new(Exchange::new(self.client, datagram)));
        }
        if let State::OpenUdp(exchange) = &mut self.state {
            exchange.datagram(side, datagram, scene);
            self.look(scene.secret);
        }
    }

    /// Counts a datagram that is not to be read.
    pub(super) fn pass(&mut self, side: Side, datagram: &Datagram<'_>) {
        self.count(side, datagram.payload.len() + datagram.cut);
    }

    fn count(&mut self, side: Side, bytes: usize) {
        let traffic = &mut self.traffic[side.at()];
        traffic.packets += 1;
        traffic.bytes += bytes as u64;
    }

    fn syn(&mut self, side: Side, sequence: u32) {
        if let Past::Tcp(past) = &mut self.past {
            past.note_syn(side, sequence);
        }
        if let State::Open(dialogue) = &mut self.state {
            dialogue.syn(side, sequence);
        }
    }

    fn payload(&mut self, side: Side, segment: &Segment<'_>, scene: &mut Scene<'_>) {
        if let (State::New, Past::Tcp(past)) = (&self.state, &self.past) {
            self.state = State::Open(Box::new(Dialogue::new(self.client, past)));
        }
        if let State::Open(dialogue) = &mut self.state {
            dialogue.segment(side, segment, scene);
            self.look(scene.secret);
        }
    }

    /// What was read has come to this.
    fn look(&mut self, secret: &RandomState) {
        let (client, is_over) = match &self.state {
            State::Open(dialogue) => (dialogue.client(), dialogue.is_over()),
            State::OpenUdp(exchange) => (exchange.client(), exchange.is_over()),
            State::New | State::Over(_) | State::Ended(_) => return,
        };
        self.client = client.unwrap_or(self.client);
        if is_over {
            self.remember(secret);
            let is_seen = self.touched().stage == Stage::Seen;
            self.state = State::Over(if is_seen { Stage::Seen } else { Stage::Other });
        }
    }

    fn leave(&mut self, side: Side, segment: &Segment<'_>, scene: &mut Scene<'_>) {
        let has_fins = self.has_fins_with(side, segment.is_fin);
        if segment.is_rst && self.would_be_taken(side, segment.sequence) {
            self.close(scene);
            let is_client = side == self.client;
            let ending = if is_client {
                Ending::ClientReset
            } else {
                Ending::ServerReset
            };
            self.end(ending, scene);
        } else if has_fins {
            self.end(Ending::Fin, scene);
        }
    }

    /// Notes a FIN, and says whether there is one of each side.
    fn has_fins_with(&mut self, side: Side, is_fin: bool) -> bool {
        let Past::Tcp(past) = &mut self.past else {
            return false;
        };
        past.has_fin[side.at()] |= is_fin;
        past.has_fin == [true; 2]
    }

    /// Whether a receiver would take a reset of this number: one that is not near what is next is of
    /// somebody else (RFC 9293 §3.10.7.4), and hides no hello.
    fn would_be_taken(&self, side: Side, sequence: u32) -> bool {
        let next = match &self.state {
            State::New => self.syn_of(side).map(|syn| syn.wrapping_add(1)),
            State::Open(dialogue) => dialogue.next_byte(side),
            State::OpenUdp(_) | State::Over(_) | State::Ended(_) => None,
        };
        next.is_none_or(|next| stream::is_near(next, sequence))
    }

    fn syn_of(&self, side: Side) -> Option<u32> {
        match &self.past {
            Past::Tcp(past) => past.syn(side),
            Past::Udp(_) => None,
        }
    }

    /// Tells what there is of a hello that is not whole, and reads no further.
    pub(super) fn give_up(&mut self, scene: &mut Scene<'_>) {
        let is_seen = self.close(scene) == Stage::Seen;
        self.state = State::Over(if is_seen { Stage::Seen } else { Stage::Other });
    }

    /// Tells its end, unless that was told.
    pub(super) fn end(&mut self, ending: Ending, scene: &mut Scene<'_>) {
        if self.has_ended() {
            return;
        }
        let stage = self.close(scene);
        self.state = State::Ended(stage);
        scene.events.push(FlowEvent::Ended(Ended {
            flow: self.id,
            time: scene.time,
            began: self.began,
            ending,
            stage,
            from_client: self.traffic[self.client.at()],
            from_server: self.traffic[self.client.other().at()],
        }));
    }

    /// Nothing more comes: tells what there is of a hello.
    fn close(&mut self, scene: &mut Scene<'_>) -> Stage {
        let client = match &mut self.state {
            State::Open(dialogue) => {
                dialogue.end(scene);
                dialogue.client()
            }
            State::OpenUdp(exchange) => {
                exchange.end(scene);
                exchange.client()
            }
            State::New | State::Over(_) | State::Ended(_) => None,
        };
        self.client = client.unwrap_or(self.client);
        self.remember(scene.secret);
        self.touched().stage
    }
}
