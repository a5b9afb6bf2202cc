//! tcpdump's filter language in the part that people type, and `sni GLOB`.
//!
//! What is not of that part is an error that names the word and points at it; nothing is ignored.
//! Equal to libpcap: `and` and `or` bind equally, from the left; `port 443 or 8443` carries `port`
//! over; `net 10` and `host 10.1` are short forms; `less` and `greater` count the bytes on the wire.
//!
//! Different from libpcap, and why:
//!
//! - `sni GLOB` judges the name of the packet's flow, `sni -` whether it has none.
//! - VLAN tags are seen through without the word `vlan`, and `vlan 5` holds if any tag is 5. That is
//!   what tcpdump sees on an interface whose driver takes the tag out; on files it needs the word.
//! - Packets of IP only: `arp` holds of nothing, and `not tcp` of no frame without a packet of IP.
//! - A packet is judged when its fragments are put together, and behind its extension headers.
//! - Of a tunnel the outer packet is judged.
//! - Ports are those of TCP and UDP; not of SCTP.
//! - Names of hosts are not looked up: a capture that waits for DNS loses packets, and adds its own to
//!   what it captures. Names of ports are those of a small table, see [`Problem::Port`].
//! - One number is no host (`host 10`), since `src 443` is always a mistake; `src 10.0.0.0/8` is a
//!   network; `net 10/8` is one, too.

mod error;
mod expression;
mod judge;
mod kernel;
mod parse;
mod services;
mod words;

#[cfg(test)]
mod tests;

pub use error::{FilterError, Problem};
pub use kernel::Instruction;

use expression::{Expression, Primitive, TCP, UDP};
use judge::{Carried, Facts, Name};

use super::frame::{Frame, LinkType};
use super::packet::{Decoded, Transport};

/// Which packets are wanted.
///
/// ```
/// use gateway::inspect::filter::Filter;
///
/// assert!(Filter::parse(&["tcp port 443 or 8443", "and not sni *.dc1"]).is_ok());
/// let error = Filter::parse(&["tcp port htps"]).unwrap_err();
/// let lines = error.to_string();
/// let mut lines = lines.lines().skip(1);
/// assert_eq!(lines.next(), Some("  tcp port htps"));
/// assert_eq!(lines.next(), Some("           ^^^^"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter(Option<Expression>);

/// What a filter says of a packet before the name of its flow is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is wanted, whatever the name.
    Yes,
    /// It is not wanted, whatever the name.
    No,
    /// The name decides: see [`Filter::judge_name`]. For a [`Transport::Fragment`] it may be the ports
    /// that decide, which the packet shows when it is put together.
    OnName,
}

impl Filter {
    /// Reads a filter from the words of a command line, which are joined by spaces. No words want
    /// everything.
    ///
    /// # Errors
    ///
    /// [`FilterError`]: the first word that is wrong, and why.
    pub fn parse(words: &[impl AsRef<str>]) -> Result<Self, FilterError> {
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        parse::parse(&words.join(" ")).map(Self)
    }

    /// Whether it asks for names at all. Else no packet is [`Verdict::OnName`].
    #[must_use]
    pub fn asks_for_names(&self) -> bool {
        let is_name = |primitive: &Primitive| matches!(primitive, Primitive::Name(_));
        self.0.as_ref().is_some_and(|whole| whole.has(is_name))
    }

    /// Judges a packet whose flow's name is not known, or not yet. Where it stays unknown, as that of a
    /// hello that was cut in front of it, only [`Verdict::Yes`] wants the packet: neither `sni GLOB` nor
    /// `sni -` holds then, nor what either denies.
    #[must_use]
    pub fn judge(&self, packet: &Decoded<'_>, frame: &Frame<'_>) -> Verdict {
        match self.holds(packet, frame, Name::NotYet) {
            Some(true) => Verdict::Yes,
            Some(false) => Verdict::No,
            None => Verdict::OnName,
        }
    }

    /// Whether a packet is wanted whose flow has this name, as it was sent; or none. A
    /// [`Transport::Fragment`] is not, as long as its ports decide.
    #[must_use]
    pub fn judge_name(&self, packet: &Decoded<'_>, frame: &Frame<'_>, name: Option<&[u8]>) -> bool {
        self.holds(packet, frame, Name::Known(name)) == Some(true)
    }

    /// A program for the kernel that passes at least the packets that [`judge`](Self::judge) does not
    /// say [`No`](Verdict::No) to, each with at most `snapshot` bytes; none where the link type has
    /// none here, or it would be longer than the kernel takes.
    ///
    /// It passes more where the name decides, and where it would have to look behind fragments,
    /// extension headers or other link layers within Ethernet.
    #[must_use]
    pub fn kernel(&self, link: LinkType, snapshot: u32) -> Option<Vec<Instruction>> {
        kernel::compile(self.0.as_ref(), link, snapshot)
    }

    fn holds(&self, packet: &Decoded<'_>, frame: &Frame<'_>, name: Name<'_>) -> Option<bool> {
        let Some(expression) = &self.0 else {
            return Some(true);
        };
        let outer = &packet.outer;
        let (protocol, carried) = match &outer.transport {
            Transport::Tcp(tcp) => (TCP, Carried::Ports(tcp.source_port, tcp.destination_port)),
            Transport::Udp(udp) => (UDP, Carried::Ports(udp.source_port, udp.destination_port)),
            Transport::Fragment(protocol) => (*protocol, Carried::Fragment),
            Transport::Other(protocol) => (*protocol, Carried::NoPorts),
        };
        let facts = Facts {
            tags: &packet.tags,
            source: outer.source,
            destination: outer.destination,
            protocol,
            carried,
            wire_len: frame.wire_len,
            name,
        };
        judge::holds(expression, &facts)
    }
}
