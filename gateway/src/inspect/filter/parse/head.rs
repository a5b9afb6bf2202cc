//! What a primitive begins with: qualifiers, or a word that stands for itself.

use super::super::error::{FilterError, Problem};
use super::super::expression::{Direction, Expression, Family, ICMP, ICMP6, Primitive, TCP, UDP};
use super::super::words::Kind;
use super::{Carrying, Parser};

/// What is said before a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Qualifiers {
    pub(super) protocol: Option<Protocol>,
    pub(super) direction: Option<Direction>,
    pub(super) kind: Kinds,
}

/// `ip`, `tcp` and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Ip,
    Ip6,
    Tcp,
    Udp,
    Icmp,
    Icmp6,
    Arp,
    Rarp,
}

/// What a value is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kinds {
    /// Not said: an address.
    Unsaid,
    Host,
    Net,
    Port,
    PortRange,
    Proto,
    Sni,
}

/// Words of tcpdump's language that are left out, with a space between.
const NOT_SUPPORTED: &str = "\
    aarp action addr1 addr2 addr3 addr4 ah atalk broadcast byte carp clnp csnp decnet dir \
    dpc es-is esis esp ether fddi fisu gateway geneve hdpc hfisu hopc hsio hsls icmp6code \
    icmp6type icmpcode icmptype ifindex ifname igmp igrp iih inbound ipx is-is isis iso l1 \
    l2 lane lat len link llc lsp lssu metac mopdl moprc mpls msu multicast netbeui oam oamf4 \
    on opc outbound pim ppp pppoed pppoes protochain psnp ra radio reason rnr rset rulenum \
    ruleset sc sca sctp sio slip sls snp srnr stp subrulenum subtype ta tcpflags tr type vci \
    vpi vrrp wlan";

impl Protocol {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Ip6 => "ip6",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
            Self::Icmp6 => "icmp6",
            Self::Arp => "arp",
            Self::Rarp => "rarp",
        }
    }

    fn of(word: &str) -> Option<Self> {
        let all = [
            Self::Ip,
            Self::Ip6,
            Self::Tcp,
            Self::Udp,
            Self::Icmp,
            Self::Icmp6,
            Self::Arp,
            Self::Rarp,
        ];
        all.into_iter().find(|protocol| protocol.word() == word)
    }

    /// What it says of a packet alone.
    fn alone(self) -> Primitive {
        match self {
            Self::Ip => Primitive::Family(Family::V4),
            Self::Ip6 => Primitive::Family(Family::V6),
            Self::Tcp => Primitive::Protocol(None, TCP),
            Self::Udp => Primitive::Protocol(None, UDP),
            Self::Icmp => Primitive::Protocol(Some(Family::V4), ICMP),
            Self::Icmp6 => Primitive::Protocol(Some(Family::V6), ICMP6),
            Self::Arp | Self::Rarp => Primitive::NotIp,
        }
    }
}

impl Kinds {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Unsaid => "an address",
            Self::Host => "host",
            Self::Net => "net",
            Self::Port => "port",
            Self::PortRange => "portrange",
            Self::Proto => "proto",
            Self::Sni => "sni",
        }
    }

    fn of(word: &str) -> Option<Self> {
        let all = [
            Self::Host,
            Self::Net,
            Self::Port,
            Self::PortRange,
            Self::Proto,
            Self::Sni,
        ];
        all.into_iter().find(|kind| kind.word() == word)
    }

    /// What must follow.
    fn wanted(self) -> &'static str {
        match self {
            Self::Unsaid | Self::Host => "an address",
            Self::Net => "a network",
            Self::Port => "a port",
            Self::PortRange => "a range of ports",
            Self::Proto => "the number of a protocol",
            Self::Sni => "a pattern of names; one that is a word of the language in quotes",
        }
    }
}

fn is_left_out(word: &str) -> bool {
    NOT_SUPPORTED.split(' ').any(|known| known == word)
}

/// Whether a word means something by itself, and is no value.
fn is_keyword(word: &str) -> bool {
    Protocol::of(word).is_some()
        || Kinds::of(word).is_some()
        || is_left_out(word)
        || matches!(
            word,
            "src" | "dst" | "vlan" | "less" | "greater" | "mask" | "netmask"
        )
}

impl Parser<'_> {
    /// A primitive with its qualifiers, or a value that takes those of the one before.
    pub(super) fn primitive(
        &mut self,
        carried: Option<Qualifiers>,
    ) -> Result<Carrying, FilterError> {
        self.count()?;
        match self.peek() {
            Some(Kind::Word(word)) if is_keyword(word) => self.keyword(word),
            Some(Kind::Word(_) | Kind::Quoted(_)) => match carried {
                Some(qualifiers) => Ok((self.operand(qualifiers)?, carried)),
                None => Err(self.bare()),
            },
            Some(Kind::Operator(_)) => Err(self.arithmetic()),
            _ => Err(self.missing("a primitive, such as `port 443`")),
        }
    }

    fn keyword(&mut self, word: &str) -> Result<Carrying, FilterError> {
        if is_left_out(word) || matches!(word, "mask" | "netmask") {
            let problem = match self.peek_after(1) {
                Some(Kind::Operator(_)) => Problem::Arithmetic(word.to_owned()),
                _ => Problem::NotSupported(word.to_owned()),
            };
            return Err(self.wrong(self.next, problem));
        }
        let alone = match word {
            "vlan" => self.vlan()?,
            "less" => Primitive::Less(self.length()?),
            "greater" => Primitive::Greater(self.length()?),
            _ => return self.qualified(),
        };
        Ok((Expression::Is(alone), None))
    }

    /// Qualifiers and the values after them, or the name of a protocol alone.
    fn qualified(&mut self) -> Result<Carrying, FilterError> {
        let protocol = self.protocol();
        if let Some(Kind::Operator(_)) = self.peek() {
            return Err(self.arithmetic());
        }
        let direction = self.direction();
        let kind = self.kind();
        let Some(kind) = kind.or(direction.map(|_| Kinds::Unsaid)) else {
            return self.alone(protocol);
        };
        let qualifiers = Qualifiers {
            protocol,
            direction,
            kind,
        };
        self.fits(qualifiers)?;
        Ok((self.values(qualifiers)?, Some(qualifiers)))
    }

    fn alone(&self, protocol: Option<Protocol>) -> Result<Carrying, FilterError> {
        match (protocol, self.peek()) {
            (_, Some(Kind::Word(word))) if is_left_out(word) => {
                Err(self.wrong(self.next, Problem::NotSupported(word.to_owned())))
            }
            (Some(protocol), _) => Ok((Expression::Is(protocol.alone()), None)),
            (None, _) => Err(self.missing("a primitive")),
        }
    }

    fn protocol(&mut self) -> Option<Protocol> {
        let Some(Kind::Word(word)) = self.peek() else {
            return None;
        };
        let protocol = Protocol::of(word)?;
        self.next += 1;
        Some(protocol)
    }

    fn direction(&mut self) -> Option<Direction> {
        let first = self.end(0)?;
        let joined = match (self.peek_after(1), self.end(2)) {
            (Some(Kind::Or), Some(second)) if second != first => Some(Direction::Either),
            (Some(Kind::And), Some(second)) if second != first => Some(Direction::Both),
            _ => None,
        };
        self.next += if joined.is_some() { 3 } else { 1 };
        Some(joined.unwrap_or(first))
    }

    fn end(&self, after: usize) -> Option<Direction> {
        match self.peek_after(after) {
            Some(Kind::Word("src")) => Some(Direction::Source),
            Some(Kind::Word("dst")) => Some(Direction::Destination),
            _ => None,
        }
    }

    fn kind(&mut self) -> Option<Kinds> {
        let Some(Kind::Word(word)) = self.peek() else {
            return None;
        };
        let kind = Kinds::of(word)?;
        self.next += 1;
        Some(kind)
    }

    /// Whether the protocol and the direction can be said of what follows.
    fn fits(&self, said: Qualifiers) -> Result<(), FilterError> {
        let does_fit = match said.kind {
            Kinds::Unsaid | Kinds::Host | Kinds::Net | Kinds::Proto => {
                matches!(said.protocol, None | Some(Protocol::Ip | Protocol::Ip6))
            }
            Kinds::Port | Kinds::PortRange => {
                matches!(said.protocol, None | Some(Protocol::Tcp | Protocol::Udp))
            }
            Kinds::Sni => said.protocol.is_none(),
        };
        let undirected = matches!(said.kind, Kinds::Proto | Kinds::Sni);
        match (said.protocol, said.direction) {
            (Some(protocol), _) if !does_fit => Err(self.misfit(protocol.word(), said.kind)),
            (_, Some(_)) if undirected => Err(self.misfit("src or dst", said.kind)),
            _ => Ok(()),
        }
    }

    fn misfit(&self, what: &str, kind: Kinds) -> FilterError {
        let kind = kind.word().to_owned();
        self.wrong_before(Problem::Qualifier(what.to_owned(), kind))
    }

    /// What follows qualifiers: a value, not a value, or values in parentheses.
    fn values(&mut self, qualifiers: Qualifiers) -> Result<Expression, FilterError> {
        let is_negated = self.negations();
        let values = match self.peek() {
            Some(Kind::Open) => self.parentheses(Some(qualifiers))?.0,
            Some(Kind::Word(word)) if is_left_out(word) => {
                return Err(self.wrong(self.next, Problem::NotSupported(word.to_owned())));
            }
            Some(Kind::Word(word)) if is_keyword(word) && !self.may_be_value(qualifiers.kind) => {
                return Err(self.missing(qualifiers.kind.wanted()));
            }
            Some(Kind::Word(_) | Kind::Quoted(_)) => self.operand(qualifiers)?,
            Some(Kind::Operator(_)) => return Err(self.arithmetic()),
            _ => return Err(self.missing(qualifiers.kind.wanted())),
        };
        match is_negated {
            true => Ok(values.negated()),
            false => Ok(values),
        }
    }

    /// Whether a keyword may be meant as a value: `proto tcp`, `sni vlan`.
    fn may_be_value(&self, kind: Kinds) -> bool {
        matches!(kind, Kinds::Proto | Kinds::Sni)
    }

    /// A value where there are no qualifiers.
    fn bare(&self) -> FilterError {
        let said = self.said(self.next).to_owned();
        let lower = said.to_ascii_lowercase();
        if let Some(Kind::Operator(_)) = self.peek_after(1) {
            return self.arithmetic();
        }
        let is_capital = lower != said;
        let problem = match is_capital && (is_keyword(&lower) || is_junction(&lower)) {
            true => Problem::Capitals(said, lower),
            false => Problem::Bare(said),
        };
        self.wrong(self.next, problem)
    }

    fn arithmetic(&self) -> FilterError {
        // `tcp[13]` is named whole as far as it goes.
        let before = self.next.saturating_sub(1);
        let begins_here = !matches!(self.peek(), Some(Kind::Operator(_))) || self.next == 0;
        let index = if begins_here { self.next } else { before };
        let said = format!("{}{}", self.said(index), self.said(index + 1));
        self.wrong(index, Problem::Arithmetic(said))
    }
}

fn is_junction(word: &str) -> bool {
    matches!(word, "and" | "or" | "not")
}
