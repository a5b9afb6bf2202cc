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

impl LinkType {
    /// The link type that a file calls `number`; none for one that is not read.
    ///
    /// ```
    /// use gateway::inspect::frame::LinkType;
    ///
    /// assert_eq!(LinkType::from_number(1), Some(LinkType::Ethernet));
    /// assert_eq!(LinkType::from_number(105), None);
    /// ```
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        match number {
            0 | 108 => Some(Self::Loopback),
            1 => Some(Self::Ethernet),
            9 | 50 => Some(Self::Ppp),
            12 | 14 | 101 => Some(Self::Raw),
            113 => Some(Self::LinuxSll),
            228 => Some(Self::Ipv4),
            229 => Some(Self::Ipv6),
            276 => Some(Self::LinuxSll2),
            _ => None,
        }
    }

    /// What a file calls it.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::Loopback => 0,
            Self::Ethernet => 1,
            Self::Ppp => 9,
            Self::Raw => 101,
            Self::LinuxSll => 113,
            Self::Ipv4 => 228,
            Self::Ipv6 => 229,
            Self::LinuxSll2 => 276,
        }
    }

    /// What tcpdump calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Loopback => "NULL (BSD loopback)",
            Self::Ethernet => "EN10MB (Ethernet)",
            Self::Ppp => "PPP (PPP)",
            Self::Raw => "RAW (Raw IP)",
            Self::LinuxSll => "LINUX_SLL (Linux cooked v1)",
            Self::Ipv4 => "IPV4 (Raw IPv4)",
            Self::Ipv6 => "IPV6 (Raw IPv6)",
            Self::LinuxSll2 => "LINUX_SLL2 (Linux cooked v2)",
        }
    }
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
