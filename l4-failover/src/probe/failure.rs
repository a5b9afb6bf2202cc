//! Why a check failed, in one sentence.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{InAWord, with_causes};
use crate::socket::connect::ConnectError;
use crate::socket::tls::{Alert, HandshakeError};
use crate::soupbin::packet::{FrameError, Reject, SessionId};
use crate::soupbin::session::SessionError;

/// The longest sentence, in characters: it goes into logs and pages, and peers choose words of it.
const SENTENCE_MAX: usize = 400;

/// Why a check failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// This process could not ask; the endpoint is not to blame.
    #[error("{0}")]
    Local(ConnectError),
    #[error("its name has no address: {0}")]
    Unresolved(Arc<str>),
    #[error("no answer within {0:?}")]
    Silent(Duration),
    #[error("{}", InAWord(.0))]
    Connect(io::Error),
    #[error("{0}")]
    All(String),
    #[error("a check by TLS needs a server name")]
    NoServerName,
    #[error("{}", with_causes(.0))]
    Handshake(HandshakeError),
    #[error("the request cannot be made: {0}")]
    Request(hyper::http::Error),
    #[error("no whole HTTP answer within {0:?}")]
    NoAnswer(Duration),
    #[error("closed before the HTTP answer was whole")]
    Closed,
    #[error("the connection broke before the HTTP answer was whole: {0}")]
    Broken(io::ErrorKind),
    #[error("the answer is not HTTP/1: {0}")]
    Malformed(hyper::Error),
    #[error("answered {status}, wanted {}", Ranges(.wanted))]
    Status {
        status: u16,
        wanted: Vec<RangeInclusive<u16>>,
    },
    #[error("the body does not contain {0:?}")]
    Body(String),
    #[error("the first {max} KiB of the body do not contain {text:?}", max = .max >> 10)]
    LongBody { text: String, max: usize },
    #[error("no answer to the login within {0:?}")]
    NoLogin(Duration),
    #[error("closed before it answered the login")]
    LeftLogin,
    #[error("the connection broke before the login was answered: {0}")]
    BrokenLogin(io::ErrorKind),
    #[error("the login was rejected: {0}")]
    Rejected(Reject),
    #[error("not SoupBinTCP: {0}")]
    Frame(#[from] FrameError),
    #[error("not SoupBinTCP: {0}")]
    Session(#[from] SessionError),
    #[error("logged in to session {found}, wanted {wanted}")]
    OtherSession { found: SessionId, wanted: SessionId },
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Refused(error) => Self::Connect(error),
            ConnectError::TimedOut(limit) => Self::Silent(limit),
            ConnectError::Resource(_) => Self::Local(error),
        }
    }
}

impl From<hyper::Error> for Failure {
    fn from(error: hyper::Error) -> Self {
        let io = sources(&error).find_map(|it| it.downcast_ref::<io::Error>());
        match io {
            _ if error.is_incomplete_message() => Self::Closed,
            Some(io) => Self::from_line(io),
            None if error.is_parse() => Self::Malformed(error),
            None => Self::Closed,
        }
    }
}

impl Failure {
    /// What shaking hands said, where `limit` was for connecting too.
    pub(super) fn from_handshake(error: HandshakeError, limit: Duration) -> Self {
        match error {
            HandshakeError::TimedOut(_) => Self::Handshake(HandshakeError::TimedOut(limit)),
            error => Self::Handshake(error),
        }
    }

    /// What came of the attempts at a name's addresses: none of them is to be left out, since any
    /// of them may be the one that traffic would reach.
    pub(super) fn of_all(mut failed: Vec<(SocketAddr, Self)>) -> Self {
        match (failed.pop(), failed.is_empty()) {
            (Some((_, only)), true) => only,
            (last, _) => {
                failed.extend(last);
                let each = failed
                    .iter()
                    .map(|(at, failure)| format!("{at}: {failure}"));
                Self::All(each.collect::<Vec<_>>().join("; "))
            }
        }
    }

    /// What reading or writing said.
    pub(super) fn from_line(error: &io::Error) -> Self {
        match alert(error) {
            Some(alert) => Self::Handshake(HandshakeError::Alert(alert)),
            None if error.kind() == io::ErrorKind::UnexpectedEof => Self::Closed,
            None => Self::Broken(error.kind()),
        }
    }

    /// The same before a login was answered.
    pub(super) fn of_login(error: &io::Error) -> Self {
        match Self::from_line(error) {
            Self::Closed => Self::LeftLogin,
            Self::Broken(kind) => Self::BrokenLogin(kind),
            other => other,
        }
    }

    /// Whether this process is to blame.
    pub(super) fn is_local(&self) -> bool {
        matches!(self, Self::Local(_))
    }

    /// The failure in one line that a log or a page can bear.
    pub(super) fn sentence(&self) -> Arc<str> {
        let whole = self.to_string();
        let bare = |it: char| if it.is_control() { ' ' } else { it };
        let mut shown: String = whole.chars().take(SENTENCE_MAX).map(bare).collect();
        if whole.chars().count() > SENTENCE_MAX {
            shown.push('…');
        }
        shown.into()
    }
}

/// The alert by which a peer refused after the handshake: with TLS 1.3, only then does it look at
/// the certificate that it was shown, or not shown.
pub(super) fn alert(error: &io::Error) -> Option<Alert> {
    match error.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::AlertReceived(alert) => Some(Alert((*alert).into())),
        _ => None,
    }
}

/// What caused an error, and what caused that.
fn sources<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |error| (*error).source())
}

/// Such as "200-299, 304".
struct Ranges<'a>(&'a [RangeInclusive<u16>]);

impl fmt::Display for Ranges<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.0.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            match (range.start(), range.end()) {
                (one, other) if one == other => write!(f, "{comma}{one}")?,
                (from, to) => write!(f, "{comma}{from}-{to}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_one_line_of_bounded_length() {
        let why = format!("first\nsecond\u{1b}[31m{}", "ä".repeat(10_000));
        let sentence = Failure::All(why).sentence();
        assert!(sentence.starts_with("first second [31mä"), "{sentence}");
        assert_eq!(sentence.chars().count(), SENTENCE_MAX + 1);
        assert_eq!(*Failure::All("ä".into()).sentence(), *"ä");
    }
}
