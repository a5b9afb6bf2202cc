//! Why a text is no filter.

use std::fmt;
use std::ops::Range;

use thiserror::Error;

/// Why a text is no filter, and where: a sentence, the text, and a line that points.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct FilterError {
    text: String,
    at: Range<usize>,
    problem: Problem,
}

/// What is wrong with a filter.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Problem {
    /// A word of tcpdump's language that is not of ours.
    #[error(
        "`{0}` is not supported: of tcpdump's filter language only the part that is typed most is"
    )]
    NotSupported(String),
    /// Arithmetic over the bytes of a packet.
    #[error(
        "`{0}` is not supported: of tcpdump's filter language expressions over bytes and numbers are left out"
    )]
    Arithmetic(String),
    /// A word that could be an address, where a word that says what it is must come first.
    #[error(
        "`{0}` does not begin a primitive: write what it is, as in `host {0}`, `net {0}`, `port {0}` or `sni {0}`"
    )]
    Bare(String),
    /// A keyword, but in capitals.
    #[error("`{0}` is no word of a filter: write `{1}`")]
    Capitals(String, String),
    /// A name in place of an address.
    #[error(
        "`{0}` is no address, and names of hosts are not looked up: write its address, or, if the name in the hello is meant, `sni {0}`"
    )]
    HostName(String),
    /// A number in place of an address.
    #[error("`{0}` is no address: write all four numbers, or `net {0}`, or `port {0}`")]
    HostNumber(String),
    /// No network.
    #[error("`{0}` is no network: write it as `10.0.0.0/8`, `10`, `192.168` or `2001:db8::/32`")]
    Network(String),
    /// A network in place of an address.
    #[error("`{0}` is a network: write `net {0}`")]
    NotHost(String),
    /// More bits than an address has.
    #[error("`{0}` has a prefix of more than {1} bits")]
    Prefix(String, u8),
    /// Bits set outside of a network.
    #[error("`{0}` has bits set outside of its network: write `{1}`")]
    HostBits(String, String),
    /// No mask.
    #[error("`{0}` is no mask: write it as `255.255.0.0`")]
    Mask(String),
    /// No port.
    #[error("`{0}` is no port: a port is a number from 0 to 65535{hint}", hint = hint(.1.as_deref()))]
    Port(String, Option<String>),
    /// No two ports.
    #[error("`{0}` is no range of ports: write it as `8000-8080`")]
    PortRange(String),
    /// No protocol.
    #[error("`{0}` is no protocol: write its number, 0 to 255, or tcp, udp, icmp or icmp6")]
    Protocol(String),
    /// No number.
    #[error("`{0}` is no number of bytes")]
    Length(String),
    /// No VLAN.
    #[error("`{0}` is no VLAN: they are numbered from 0 to 4095")]
    Vlan(String),
    /// A qualifier that does not go with what follows.
    #[error("`{0}` cannot be said of `{1}`: write `{0} and {1} …`")]
    Qualifier(String, String),
    /// An address of the other version of IP.
    #[error("`{0}` is no address of `{1}`")]
    Family(String, String),
    /// Something is missing.
    #[error("{after} must be followed by {wanted}")]
    Missing {
        /// The word before.
        after: String,
        /// What was expected.
        wanted: &'static str,
    },
    /// Two primitives with nothing between.
    #[error("`and` or `or` is missing before `{0}`")]
    NoOperator(String),
    /// A closing parenthesis too many.
    #[error("this parenthesis was never opened")]
    NotOpened,
    /// A closing parenthesis too few.
    #[error("this parenthesis is never closed")]
    NotClosed,
    /// Nothing between parentheses.
    #[error("nothing stands between these parentheses")]
    Empty,
    /// A quote without its end.
    #[error("this quote is never closed")]
    QuoteOpen,
    /// A pattern of names that is none.
    #[error("an empty pattern matches no name: `sni -` says that there is none")]
    NoPattern,
    /// More than a filter may have.
    #[error("the filter has more than {0} primitives")]
    TooLong(usize),
    /// More parentheses within parentheses than a filter may have.
    #[error("the filter has more than {0} parentheses within parentheses")]
    TooDeep(usize),
}

fn hint(alike: Option<&str>) -> String {
    alike.map_or_else(String::new, |name| format!(", or a name such as {name}"))
}

impl FilterError {
    pub(super) fn new(text: &str, at: Range<usize>, problem: Problem) -> Self {
        let text = text.to_owned();
        Self { text, at, problem }
    }

    /// What is wrong.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Where, in bytes of the words joined by spaces.
    #[must_use]
    pub fn at(&self) -> Range<usize> {
        self.at.clone()
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problem = printable(&self.problem.to_string());
        let before = printable(&self.text[..self.at.start]).chars().count();
        let within = printable(&self.text[self.at.clone()]).chars().count();
        writeln!(f, "{problem}")?;
        writeln!(f, "  {}", printable(&self.text))?;
        write!(f, "  {:before$}{}", "", "^".repeat(within.max(1)))
    }
}

/// On one line, and without what a terminal would obey: a filter may come from a file.
fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\n' | '\t' | '\r' => safe.push(' '),
            _ if char.is_control() => safe.extend(char.escape_default()),
            _ => safe.push(char),
        }
    }
    safe
}
