//! Why a command comes to nothing.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::Address;
use crate::admin::TokenError;
use crate::socket::tls::{HandshakeError, TlsError};

/// Why a command comes to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No process is there.
    #[error("nobody listens at {address}: is {program} running? --admin says where")]
    NobodyListens {
        /// Where it was asked.
        address: Address,
        /// Who should be there.
        program: &'static str,
    },
    /// The system says that the address cannot be reached.
    #[error("{address} cannot be reached")]
    Unreachable {
        /// Where it was asked.
        address: Address,
        /// What the system says.
        source: io::Error,
    },
    /// Nothing came in time.
    #[error("nothing came from {address} for {limit:?}")]
    Silent {
        /// Where it was asked.
        address: Address,
        /// How long was waited.
        limit: Duration,
    },
    /// The connection broke, or what came was not HTTP.
    #[error("the answer of {address} broke off")]
    Broken {
        /// Where it was asked.
        address: Address,
        /// What happened.
        source: hyper::Error,
    },
    /// What came over a plain connection is not HTTP, and may be TLS.
    #[error("{0} does not speak HTTP; if it speaks TLS, write --admin https://{0}")]
    NotHttp(Address),
    /// The certificate of the process is not accepted, or there is no TLS.
    #[error("no TLS with {address}")]
    Handshake {
        /// Where it was asked.
        address: Address,
        /// Why.
        source: Box<HandshakeError>,
    },
    /// The authorities of `--ca` cannot be had.
    #[error("no TLS without the authorities to trust")]
    Authorities(#[from] TlsError),
    /// The token of `--token-file` cannot be had.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The token would cross the network readable.
    #[error("{0} is another machine, to which a token goes by TLS only: --admin https://{0}")]
    TokenInClear(Address),
    /// The process wants a token.
    #[error("the process at {0} asks for its token: --token-file names the file that holds it")]
    TokenWanted(Address),
    /// The process has another token.
    #[error("the process at {address} does not accept the token in {}", file.display())]
    TokenRefused {
        /// Where it was asked.
        address: Address,
        /// The file with the token that was shown.
        file: PathBuf,
    },
    /// The process says no.
    #[error("{0}")]
    Refused(String),
    /// The process does not understand what was typed.
    #[error("{0}")]
    Mistyped(String),
    /// The process does not know what was asked for.
    #[error("{address} knows no {path}: is it the admin address of {program}?")]
    NotKnown {
        /// Where it was asked.
        address: Address,
        /// For what.
        path: String,
        /// Who should be there.
        program: &'static str,
    },
    /// An answer that is not one.
    #[error("{address} answers what {program} would not: {what}")]
    Garbled {
        /// Where it was asked.
        address: Address,
        /// Who should be there.
        program: &'static str,
        /// What is wrong with the answer.
        what: String,
    },
    /// A stream of events came to its end.
    #[error("no more events: {program} at {address} has stopped")]
    Ended {
        /// Where it was asked.
        address: Address,
        /// Who was there.
        program: &'static str,
    },
    /// No page for a command that does not exist.
    #[error("there is no command \"{name}\"; there are: {known}")]
    NoCommand {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// What was to be said cannot be written.
    #[error("cannot write")]
    Output(#[from] io::Error),
}

impl ClientError {
    /// The sentence, with its causes, on one line.
    pub(super) fn sentence(&self) -> String {
        let mut sentence = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            sentence.push_str(&format!(": {error}"));
            cause = error.source();
        }
        sentence
    }

    /// Whether what was typed is to blame, and not what it met.
    pub(super) fn is_mistyped(&self) -> bool {
        matches!(self, Self::Mistyped(_) | Self::NoCommand { .. })
    }

    /// Whether somebody has read enough and closed the pipe.
    pub(super) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
