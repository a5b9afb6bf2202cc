//! What is seen of a flow, for whoever prints it.

use std::net::SocketAddr;

use super::super::frame::Timestamp;
use super::partial;
use crate::hello::HelloError;

/// A flow's number: they count from 0 on, and none is given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId(pub u64);

/// How far a flow is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// No hello was there yet; one may come.
    Before,
    /// A hello was there, whole or cut.
    Seen,
    /// What was there cannot be TLS: no hello will come.
    Other,
}

/// The flow that a packet belongs to, as it is after this packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touched {
    /// Which one.
    pub flow: FlowId,
    /// How far it is.
    pub stage: Stage,
}

/// What happened to a flow.
#[derive(Debug)]
pub enum FlowEvent {
    /// A ClientHello was seen.
    Sighting(Box<Sighting>),
    /// The server answered a hello that was seen. At most one for each [`Sighting`].
    Answer(Answer),
    /// The flow ended. Each flow ends once, also those without a hello.
    Ended(Ended),
}

/// A ClientHello, seen.
#[derive(Debug)]
pub struct Sighting {
    /// Where.
    pub flow: FlowId,
    /// When the packet passed that completed it; of one that was cut, the last that brought
    /// something of it.
    pub time: Timestamp,
    /// When the first packet passed that brought something of it.
    pub began: Timestamp,
    /// Who sent it.
    pub source: SocketAddr,
    /// To whom.
    pub destination: SocketAddr,
    /// What carried it.
    pub carrier: Carrier,
    /// How many packets brought it: segments of TCP, or datagrams.
    pub packets: u32,
    /// The hello.
    pub message: Message,
    /// Whether this is a second hello of its flow: after a HelloRetryRequest, or in DTLS after a
    /// HelloVerifyRequest. In QUIC that behind a Retry is not.
    pub is_second: bool,
    /// Whether something was sent twice with different bytes; the first are those in `message`.
    pub has_overlap: bool,
}

impl Sighting {
    /// A body that holds what came whole of one that was cut, for the parser that its carrier
    /// asks for: the fields up to the compression methods, and the extensions in front of the first
    /// that is missing something. None if not even those fields are there, or if nothing was cut. So
    /// a name is read whole or not at all.
    #[must_use]
    pub fn whole_part(&self) -> Option<Vec<u8>> {
        match &self.message {
            Message::Whole(_) => None,
            Message::Cut { part, .. } | Message::Broken { part, .. } => {
                partial::whole_part(part, self.carrier == Carrier::Dtls)
            }
        }
    }
}

/// What carries a hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// TLS over TCP.
    Tcp,
    /// QUIC version 1 (RFC 9000).
    QuicV1,
    /// QUIC version 2 (RFC 9369).
    QuicV2,
    /// QUIC by the drafts 29 to 32 of version 1.
    QuicDraft29,
    /// DTLS over UDP.
    Dtls,
}

/// The bytes of a hello, as far as they were captured.
#[derive(Debug)]
pub enum Message {
    /// The whole body, as [`ClientHello::parse`](crate::hello::ClientHello::parse) takes it, or of
    /// DTLS [`ClientHello::parse_dtls`](crate::hello::ClientHello::parse_dtls); they may yet say that
    /// it is malformed.
    Whole(Vec<u8>),
    /// It ends early: by the snapshot length, a gap, or the end of the flow or of the capture; or the
    /// rest was not waited for, where more was held than may be, or more than two connections over UDP
    /// had the same addresses and ports at once.
    Cut {
        /// The body's beginning: all in front of the first byte that is missing.
        part: Vec<u8>,
        /// How long the whole body is, if that was captured.
        stated: Option<usize>,
    },
    /// It began as TLS and broke its rules before it was whole.
    Broken {
        /// The body's beginning.
        part: Vec<u8>,
        /// What was wrong.
        error: HelloError,
    },
}

impl Message {
    /// What was captured of the body.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Whole(bytes)
            | Self::Cut { part: bytes, .. }
            | Self::Broken { part: bytes, .. } => bytes,
        }
    }
}

/// What the server said to a hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Where.
    pub flow: FlowId,
    /// When the packet passed that completed it.
    pub time: Timestamp,
    /// What.
    pub said: Said,
}

/// What a server says first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// The body of a ServerHello, of a HelloRetryRequest too (RFC 8446 §4.1.3, §4.1.4).
    ServerHello(Vec<u8>),
    /// An alert: level and description (RFC 8446 §6).
    Alert(u8, u8),
}

impl Said {
    /// How much memory it takes, beside itself.
    pub(super) fn cost(&self) -> usize {
        match self {
            Self::ServerHello(body) => body.len(),
            Self::Alert(..) => 0,
        }
    }
}

/// How a flow ended, and what it carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Which.
    pub flow: FlowId,
    /// When the packet passed by which it is known.
    pub time: Timestamp,
    /// When its first packet passed.
    pub began: Timestamp,
    /// How.
    pub ending: Ending,
    /// Whether a hello was there.
    pub stage: Stage,
    /// What went from the client to the server; of a flow without a hello, from whoever sent the
    /// first packet.
    pub from_client: Traffic,
    /// What went the other way.
    pub from_server: Traffic,
}

/// How a flow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// FIN in both directions.
    Fin,
    /// RST by the client; of a flow without a hello, by whoever sent the first packet.
    ClientReset,
    /// RST by the other one.
    ServerReset,
    /// A new connection began with the same addresses and ports.
    Reused,
    /// The table was full, and of all flows this was silent for the longest.
    Evicted,
    /// The capture ended first.
    CaptureEnd,
}

/// What went one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Packets.
    pub packets: u64,
    /// Bytes of payload as they passed, whether or not captured, what was sent again too.
    pub bytes: u64,
}
