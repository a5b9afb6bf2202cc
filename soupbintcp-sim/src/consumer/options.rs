//! What a consumer is told.

use std::path::PathBuf;
use std::time::Duration;

use l4_failover::soupbin::packet::{Credentials, LoginRequest, SessionId};
use l4_failover::soupbin::session::ClientLimits;

use super::lateness::Scheduled;

/// What to consume, from where, for how long, and what to compare it with.
#[derive(Clone, Debug)]
pub struct Options {
    /// HOST:PORT.
    pub address: String,
    /// More of them, where the same session is: with any, the address is the primary line of a
    /// [`Feed`](l4_failover::soupbin::Feed), and these are its backups.
    pub backups: Vec<String>,
    /// What is sent first: who, which session, from which message on, which version. A later
    /// connection asks for the message that is missing.
    pub login: LoginRequest,
    /// What is borne of the server.
    pub limits: ClientLimits,
    /// Ends after so many messages; 1 at least.
    pub count: Option<u64>,
    /// Ends after so long.
    pub duration: Option<Duration>,
    /// The seed whose day the messages should be.
    pub seed: Option<u64>,
    /// When messages are due: the latency of those is measured that are due after the first login.
    pub scheduled: Option<Scheduled>,
    /// Where messages are kept, as a BinaryFILE.
    pub out: Option<PathBuf>,
    /// Whether to connect again after a disconnect, which counts all the same. A feed does so in any
    /// case, and its lines do not count as disconnects.
    pub reconnects: bool,
}

impl Options {
    /// The whole active session of an address, by a login of 47 bytes, until it ends.
    #[must_use]
    pub fn new(address: impl Into<String>, credentials: Credentials) -> Self {
        Self {
            address: address.into(),
            backups: Vec::new(),
            login: LoginRequest {
                credentials,
                session: SessionId::BLANK,
                sequence: 1,
                heartbeat_timeout: None,
            },
            limits: ClientLimits::default(),
            count: None,
            duration: None,
            seed: None,
            scheduled: None,
            out: None,
            reconnects: false,
        }
    }
}
