//! What was captured, before anybody looked inside.

/// When a frame passed, in nanoseconds since 1970-01-01T00:00:00Z. The year 2554 is its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

/// How a frame begins: the `LINKTYPE_` of a capture file.
///
/// Source: the list of link-layer header types at <https://www.tcpdump.org/linktypes.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkType {
    /// BSD loopback: the protocol family in the byte order of the machine that wrote it (0), or in
    /// that of the network (108).
    Loopback,
    /// Ethernet (1).
    Ethernet,
    /// An IP header, version 4 or 6 by its first half byte (101; 12 and 14 in files of BSD systems).
    Raw,
    /// An IPv4 header (228).
    Ipv4,
    /// An IPv6 header (229).
    Ipv6,
    /// Linux "cooked" capture, version 1 (113).
    LinuxSll,
    /// Linux "cooked" capture, version 2 (276).
    LinuxSll2,
    /// PPP, with or without HDLC framing (9, 50).
    Ppp,
}

/// A tag of IEEE 802.1Q.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VlanTag {
    /// The network's number, 0 to 4095.
    pub id: u16,
}

/// A captured frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// When it passed.
    pub time: Timestamp,
    /// How it begins.
    pub link: LinkType,
    /// The tag that the kernel took out of the frame, and told beside it.
    pub tag: Option<VlanTag>,
    /// What was captured.
    pub bytes: &'a [u8],
    /// How many bytes it had on the wire: more than were captured where a snapshot length cut it.
    pub wire_len: usize,
}
