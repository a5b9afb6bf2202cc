//! Why a handshake did not finish.

use std::fmt;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::CertificateError;
use rustls::pki_types::UnixTime;

use super::Alert;

/// Why a handshake did not finish.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// It took longer than it may.
    #[error("the TLS handshake was not finished within {0:?}")]
    TimedOut(Duration),
    /// The peer's certificate is not accepted.
    #[error("{0}")]
    Certificate(CertificateFault),
    /// The peer said no.
    #[error("the peer refused the TLS handshake with the alert {0}")]
    Alert(Alert),
    /// The peer closed.
    #[error("the peer closed the connection before the TLS handshake was finished")]
    Closed,
    /// What the peer sent is not TLS, or none that both sides speak.
    #[error("the peer does not speak TLS as we do")]
    Protocol(#[source] rustls::Error),
    /// The connection broke underneath.
    #[error("the connection broke during the TLS handshake")]
    Broken(#[source] io::Error),
}

impl HandshakeError {
    /// The alert that the peer sent, if it did.
    #[must_use]
    pub fn alert(&self) -> Option<Alert> {
        match self {
            Self::Alert(alert) => Some(*alert),
            _ => None,
        }
    }

    /// What went wrong, as a stream says it; `parties` are those of the handshake.
    pub(super) fn new(error: io::Error, parties: &Parties) -> Self {
        match error.downcast::<rustls::Error>() {
            Ok(error) => Self::from_tls(error, parties),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Self::Closed,
            Err(error) => Self::Broken(error),
        }
    }

    fn from_tls(error: rustls::Error, parties: &Parties) -> Self {
        match error {
            rustls::Error::AlertReceived(alert) => Self::Alert(Alert(alert.into())),
            rustls::Error::InvalidCertificate(reason) => Self::Certificate(CertificateFault {
                parties: parties.clone(),
                reason,
            }),
            other => Self::Protocol(other),
        }
    }
}

/// Who shows a certificate, and who must have issued it, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parties {
    /// Such as "the certificate shown for currency.dc1".
    pub(super) certificate: String,
    /// Such as "the authorities in /etc/ca.pem".
    pub(super) authorities: String,
}

/// What is wrong with the certificate that a peer showed; a sentence.
#[derive(Debug)]
pub struct CertificateFault {
    parties: Parties,
    reason: CertificateError,
}

impl CertificateFault {
    /// What is wrong, as the verifier says it.
    #[must_use]
    pub fn reason(&self) -> &CertificateError {
        &self.reason
    }
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use CertificateError as Reason;
        let authorities = &self.parties.authorities;
        write!(f, "{} ", self.parties.certificate)?;
        match &self.reason {
            Reason::Expired => f.write_str("has expired"),
            Reason::ExpiredContext { not_after, .. } => write!(f, "expired at {}", At(*not_after)),
            Reason::NotValidYet => f.write_str("is not valid yet"),
            Reason::NotValidYetContext { not_before, .. } => {
                write!(f, "is not valid before {}", At(*not_before))
            }
            Reason::UnknownIssuer => write!(f, "was not issued by any of {authorities}"),
            Reason::BadSignature => write!(
                f,
                "was not signed by any of {authorities}, though one of them has the issuer's name"
            ),
            Reason::NotValidForName => f.write_str("is not for this name"),
            Reason::NotValidForNameContext { presented, .. } => {
                write!(f, "is not for this name but {}", Names(presented))
            }
            Reason::Revoked => f.write_str("was revoked"),
            Reason::UnknownRevocationStatus => f.write_str(
                "may be revoked: crl_file holds no list of an authority that it goes back to",
            ),
            other => write!(f, "cannot be verified: {other}"),
        }
    }
}

/// A time, to the second.
struct At(UnixTime);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = UNIX_EPOCH.checked_add(Duration::from_secs(self.0.as_secs()));
        let at = at.unwrap_or(SystemTime::UNIX_EPOCH);
        humantime::format_rfc3339_seconds(at).fmt(f)
    }
}

/// The names that a certificate is for.
struct Names<'a>(&'a [String]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// More of them explain nothing.
        const SHOWN_MAX: usize = 8;
        if self.0.is_empty() {
            return f.write_str("carries none (subjectAltName)");
        }
        // The verifier writes each as `DnsName("currency.dc1")`.
        let bare = |name: &String| match name.split('"').nth(1) {
            Some(bare) => bare.to_owned(),
            None => name.clone(),
        };
        let shown: Vec<_> = self.0.iter().take(SHOWN_MAX).map(bare).collect();
        write!(f, "for {}", shown.join(", "))?;
        match self.0.len().saturating_sub(SHOWN_MAX) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
