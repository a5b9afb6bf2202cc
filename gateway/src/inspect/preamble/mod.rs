//! What may stand on a stream before TLS: a PROXY header, a proxy's CONNECT or SOCKS, STARTTLS.
//!
//! A hello is never searched for. A stream has to begin with a known opening, and is then read in
//! whole units, as the protocol of that opening has them: a line, a message, a header. TLS may begin
//! at the end of a unit that asks for it, and nowhere else. What is no unit of that protocol ends
//! it: the stream is not TLS.
//!
//! Only what the client says is read. The server's answers are passed over: if it refuses, the
//! client goes on without TLS, which is seen just as well; and where a capture has one direction
//! only, or the answer behind the hello that it permits, the hello is found all the same.

mod binary;
#[cfg(test)]
mod tests;
mod text;

/// Most bytes before TLS, of each direction. What is known here takes some hundred; a server's
/// greeting, or its capabilities, can have some thousand.
pub const PREAMBLE_MAX: usize = 16 * 1024;

/// The type of a TLS record that carries a handshake.
const HANDSHAKE: u8 = 22;

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Speaker {
    /// Who opened the connection, as far as that is known.
    Opener,
    /// Who accepted it.
    Other,
}

/// What is known by the bytes so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It goes on.
    More,
    /// TLS begins, in this direction behind so many of these bytes, fewer than all. What the other
    /// one says from here on is TLS too, once it has answered.
    TlsAt(usize),
    /// Nothing that TLS follows.
    NotTls,
}

/// Both directions of a stream, down to TLS. It remembers no more than [`PREAMBLE_MAX`] bytes.
///
/// ```
/// use gateway::inspect::preamble::{Preamble, Speaker, Step};
///
/// let mut preamble = Preamble::default();
/// let mut push = |speaker, bytes: &[u8]| preamble.push(speaker, bytes);
/// assert_eq!(push(Speaker::Other, b"220 mail.dc1 ESMTP\r\n"), Step::More);
/// assert_eq!(push(Speaker::Opener, b"EHLO a\r\nSTARTTLS\r\n"), Step::More);
/// assert_eq!(push(Speaker::Other, b"220 go ahead\r\n"), Step::More);
/// assert_eq!(push(Speaker::Opener, b"\x16\x03\x01"), Step::TlsAt(0));
/// ```
#[derive(Debug, Default)]
pub struct Preamble {
    /// Who is read; the other one is passed over.
    client: Option<Speaker>,
    talk: Talk,
    /// What came of a unit that is not whole.
    held: Vec<u8>,
    /// How much came of the client, and of the other.
    lengths: [usize; 2],
}

/// What a client speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Talk {
    /// Nothing yet, or what it spoke is over: TLS, or any opening.
    #[default]
    Open,
    /// Lines, whose first the server greeted.
    Greeted,
    /// Lines: SMTP, IMAP, POP3, FTP, NNTP, ManageSieve.
    Lines,
    /// Such lines, the last of which asked for TLS; if that is refused, more of them.
    LinesAsked,
    /// XMPP.
    Xml,
    /// XMPP that asked for TLS.
    XmlAsked,
    /// SOCKS 5 behind its methods.
    Socks5,
    /// LDAP.
    Ldap,
}

/// What bytes begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// A unit that is not whole.
    More,
    /// A unit of so many bytes, at least one, and what is spoken behind it.
    Whole(usize, Talk),
    /// No unit.
    None,
}

impl Preamble {
    /// Takes the next bytes of one direction, in order. After anything but [`Step::More`] it is of no
    /// use.
    pub fn push(&mut self, speaker: Speaker, bytes: &[u8]) -> Step {
        if self.client.is_none() && !bytes.is_empty() {
            self.client = Some(self.who_is_client(speaker, bytes));
        }
        let is_client = self.client == Some(speaker);
        let length = &mut self.lengths[usize::from(is_client)];
        *length = length.saturating_add(bytes.len());
        let is_too_long = *length > PREAMBLE_MAX;
        let step = match is_client {
            true => self.read(bytes),
            false => Step::More,
        };
        match step {
            Step::More if is_too_long => Step::NotTls,
            step => step,
        }
    }

    /// A server that speaks first says who it is, by what it sends at once; everybody else who speaks
    /// first is a client.
    fn who_is_client(&mut self, speaker: Speaker, bytes: &[u8]) -> Speaker {
        let Some(talk) = text::greeting(bytes).or(binary::greeting(bytes)) else {
            return speaker;
        };
        self.talk = talk;
        match speaker {
            Speaker::Opener => Speaker::Other,
            Speaker::Other => Speaker::Opener,
        }
    }

    fn read(&mut self, bytes: &[u8]) -> Step {
        let before = self.held.len();
        self.held.extend_from_slice(bytes);
        let mut taken = 0;
        while let [first, ..] = self.held[taken..] {
            if first == HANDSHAKE && self.talk.may_end() {
                // A unit was whole in front of it, so it came just now.
                return Step::TlsAt(taken.saturating_sub(before));
            }
            match self.talk.unit(&self.held[taken..]) {
                Unit::More => break,
                Unit::None => return Step::NotTls,
                Unit::Whole(len, talk) => (taken, self.talk) = (taken + len, talk),
            }
        }
        self.held.drain(..taken);
        Step::More
    }
}

impl Talk {
    /// Whether TLS may begin here.
    fn may_end(self) -> bool {
        match self {
            Self::Open | Self::LinesAsked | Self::XmlAsked => true,
            Self::Greeted | Self::Lines | Self::Xml | Self::Socks5 | Self::Ldap => false,
        }
    }

    fn unit(self, bytes: &[u8]) -> Unit {
        match self {
            Self::Open => opening(bytes),
            Self::Greeted | Self::Lines | Self::LinesAsked => text::line(bytes),
            Self::Xml | Self::XmlAsked => text::tag(bytes),
            Self::Socks5 => binary::socks5(bytes),
            Self::Ldap => binary::ldap(bytes),
        }
    }
}

/// What a client may begin with.
const OPENINGS: [fn(&[u8]) -> Unit; 10] = [
    binary::proxy,
    text::connect,
    binary::socks4,
    binary::socks5_methods,
    binary::postgres,
    binary::mysql,
    binary::ldap,
    binary::rdp,
    text::first_tag,
    text::first_line,
];

/// The first that knows them. One that needs more bytes to tell goes first: it will say that it does
/// not know them when they are there.
fn opening(bytes: &[u8]) -> Unit {
    let units = OPENINGS.iter().map(|opening| opening(bytes));
    let mut known = units.filter(|unit| *unit != Unit::None);
    known.next().unwrap_or(Unit::None)
}
