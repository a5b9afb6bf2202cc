//! A hello as it is told: what could be read of it, and what was strange about it.

use std::borrow::Cow;

use crate::hello::fingerprint::{self, Ja3, Ja4, ja3, ja4};
use crate::hello::{ClientHello, HelloError, Malformed, SniField};
use crate::inspect::flow::{Carrier, Message, Sighting};

/// The extension that lists the versions (RFC 8446 §4.2.1).
const SUPPORTED_VERSIONS: u16 = 43;

/// What a hello says of the server's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name<'a> {
    /// Nothing.
    Absent,
    /// That it is empty, which is malformed.
    Empty,
    /// This, as sent.
    Sent(&'a [u8]),
}

/// A hello, read as far as that goes.
#[derive(Debug)]
pub struct Told<'a> {
    /// Where and how it was seen.
    pub sighting: &'a Sighting,
    /// What it says; of one that was cut, what came of it in whole. None if nothing could be read.
    pub hello: Option<ClientHello<'a>>,
    /// What it says of the server's name.
    pub name: Name<'a>,
    /// Why it is no sound hello.
    pub malformed: Option<String>,
}

impl<'a> Told<'a> {
    /// What can be read of a hello; of one that was cut, or broken, what is there in whole.
    pub fn readable(sighting: &Sighting) -> Cow<'_, [u8]> {
        match sighting.whole_part() {
            Some(part) => Cow::Owned(part),
            None => Cow::Borrowed(sighting.message.bytes()),
        }
    }

    /// Reads `body`, which is what [`Self::readable`] gave for this sighting.
    pub fn new(sighting: &'a Sighting, body: &'a [u8]) -> Self {
        let parsed = match sighting.carrier {
            Carrier::Dtls => ClientHello::parse_dtls(body),
            Carrier::Tcp | Carrier::QuicV1 | Carrier::QuicV2 | Carrier::QuicDraft29 => {
                ClientHello::parse(body)
            }
        };
        let name = match &parsed {
            Ok(hello) => match hello.server_name {
                SniField::Absent => Name::Absent,
                SniField::Name(name) => Name::Sent(name),
            },
            Err(Malformed::EmptyServerName) => Name::Empty,
            Err(_) => Name::Absent,
        };
        Self {
            sighting,
            malformed: malformed(&sighting.message, parsed.as_ref().err()),
            hello: parsed.ok(),
            name,
        }
    }

    /// The name as sent, if there is one.
    #[must_use]
    pub fn sent_name(&self) -> Option<&'a [u8]> {
        match self.name {
            Name::Absent => None,
            Name::Empty => Some(b""),
            Name::Sent(name) => Some(name),
        }
    }

    /// Whether it was cut in front of where its name would be: it may have one.
    #[must_use]
    pub fn is_name_cut(&self) -> bool {
        self.is_cut() && self.name == Name::Absent
    }

    /// Whether a part of it is missing.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        matches!(self.sighting.message, Message::Cut { .. })
    }

    /// The greatest version that it offers; none of one that ends in front of where it would say so:
    /// the field before the extensions says 1.2 of 1.3 too (RFC 8446 §4.1.2).
    #[must_use]
    pub fn version(&self) -> Option<u16> {
        let hello = self.hello.as_ref()?;
        let lists_versions = || {
            hello
                .extensions()
                .any(|(kind, _)| kind == SUPPORTED_VERSIONS)
        };
        let is_known = self.whole().is_some() || lists_versions();
        is_known.then(|| hello.version())
    }

    /// The fingerprint JA4; none of a hello that is not whole and sound.
    #[must_use]
    pub fn ja4(&self) -> Option<Ja4> {
        let carrier = match self.sighting.carrier {
            Carrier::Tcp => fingerprint::Carrier::Tcp,
            Carrier::QuicV1 | Carrier::QuicV2 | Carrier::QuicDraft29 => fingerprint::Carrier::Quic,
            Carrier::Dtls => fingerprint::Carrier::Dtls,
        };
        self.whole().map(|hello| ja4(hello, carrier))
    }

    /// The fingerprint JA3; none of a hello that is not whole and sound.
    #[must_use]
    pub fn ja3(&self) -> Option<Ja3> {
        self.whole().map(ja3)
    }

    fn whole(&self) -> Option<&ClientHello<'a>> {
        match self.sighting.message {
            Message::Whole(_) => self.hello.as_ref(),
            Message::Cut { .. } | Message::Broken { .. } => None,
        }
    }
}

/// What is wrong with a hello; nothing can be said against one that was only cut.
fn malformed(message: &Message, error: Option<&Malformed>) -> Option<String> {
    match message {
        Message::Whole(_) => error.map(Malformed::to_string),
        Message::Cut { .. } => None,
        Message::Broken { error, .. } => Some(HelloError::to_string(error)),
    }
}
