//! Turning a connection away so that its client learns why.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::error::Error;

/// The client gets this long, and may send this much more, before the connection is closed: were
/// it closed with bytes unread, the kernel would send a RST that can overtake the alert.
const DRAIN_TIME: Duration = Duration::from_secs(1);
const DRAIN_BYTES: u64 = 256 * 1024;

/// A fatal TLS alert (RFC 8446 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Alert {
    /// `access_denied`: who asks may not.
    AccessDenied = 49,
    /// `internal_error`: no endpoint is reachable.
    InternalError = 80,
    /// `unrecognized_name`: no route matches the name (RFC 6066 §3).
    UnrecognizedName = 112,
}

impl Alert {
    /// The type of the records that carry alerts (RFC 8446 §5.1).
    pub const CONTENT_TYPE: u8 = 21;
    /// The length of an alert in a record of its own.
    pub const BYTES: usize = 7;

    /// The alert that answers an error, if it is answered by one at all: what did not speak TLS
    /// gets none, and a connection that was relayed has heard from its endpoint.
    #[must_use]
    pub fn of(error: &Error) -> Option<Self> {
        match error {
            Error::Route(_) => Some(Self::UnrecognizedName),
            Error::Denied(_) => Some(Self::AccessDenied),
            Error::UnknownThere(_) => Some(Self::UnrecognizedName),
            Error::Connect(_) | Error::Circle | Error::Replay(_) => Some(Self::InternalError),
            Error::Proxy(_) | Error::Hello(_) | Error::Crowded | Error::Excess(_) => None,
            Error::Relay(_) | Error::Cut(_) | Error::Unwanted(_) => None,
        }
    }

    /// The alert in a record of its own.
    #[must_use]
    pub fn record(self) -> [u8; Self::BYTES] {
        const FATAL: u8 = 2;
        [Self::CONTENT_TYPE, 3, 3, 0, 2, FATAL, self as u8]
    }
}

/// Sends the alert that `error` calls for, then FIN, and waits shortly for the client to close.
pub async fn answer(client: &mut TcpStream, error: &Error) {
    if let Some(alert) = Alert::of(error) {
        // A client that is gone, or takes nothing, needs no answer.
        let _ = timeout(DRAIN_TIME, say(client, alert)).await;
    }
}

async fn say(client: &mut TcpStream, alert: Alert) -> std::io::Result<()> {
    client.write_all(&alert.record()).await?;
    client.shutdown().await?;
    let mut rest = client.take(DRAIN_BYTES);
    tokio::io::copy(&mut rest, &mut tokio::io::sink()).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hello::ReadError;
    use crate::route::RouteError;

    #[test]
    fn an_alert_is_one_record() {
        assert_eq!(Alert::UnrecognizedName.record(), [21, 3, 3, 0, 2, 2, 112]);
        assert_eq!(Alert::InternalError.record(), [21, 3, 3, 0, 2, 2, 80]);
    }

    #[test]
    fn only_what_spoke_tls_is_answered_in_tls() {
        let unknown = Error::from(RouteError::Unknown);
        assert_eq!(Alert::of(&unknown), Some(Alert::UnrecognizedName));
        assert_eq!(Alert::of(&ReadError::Probe.into()), None);
    }
}
