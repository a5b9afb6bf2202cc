//! What an operator decides about joining lines.

use std::time::Duration;

use crate::soupbin::packet::Credentials;

/// How many messages a line must repeat, byte for byte, before it is trusted to carry on.
pub const COMPARED: usize = 16;

/// How many messages are asked for of a consumer that has got none yet, and did not begin with the
/// first: they cannot be compared. A server that is asked for what it does not have yet may number by
/// that what it sends next; one that is no more than this behind has what it is asked for.
pub(super) const BLIND: u64 = 1024;

/// What becomes of a line that stands where it should, but cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUnverified {
    /// It is not joined.
    Refuse,
    /// It is joined, and shown as not verified.
    Join,
}

/// What becomes of a consumer when every line lacks messages that it has yet to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnGap {
    /// It is cut: a gap is never silent.
    Close,
    /// It goes on after the gap, which is an event.
    Report,
}

/// What becomes of the lines that a consumer does not need now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standby {
    /// There are none: one is logged in to when the joined line fails.
    Cold,
    /// One more line is kept logged in. The consumer gets each message from whichever line brings it
    /// first, and what the other brings later is compared with it.
    Hot,
}

/// What becomes of a consumer when two lines carry different messages under one number. The line
/// that came later with it is out in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnMismatch {
    /// It goes on with the other line; that is an event.
    Report,
    /// It is cut: nobody knows which of them was right.
    Close,
}

/// What becomes of the messages without a number that a consumer sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsequenced {
    /// They go to the joined line, once; with none joined they are dropped, and counted: sent again,
    /// an order would be there twice.
    Active,
    /// Those of the first 2 s after the login are a subscription, and go to each new line before it
    /// joins; later ones are as [`Active`](Self::Active).
    Subscribe,
}

/// How one consumer is carried from line to line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinOptions {
    /// Whether another line is kept beside the joined one.
    pub standby: Standby,
    /// What becomes of a consumer whose lines carry different messages.
    pub on_mismatch: OnMismatch,
    /// Bytes that one line may be behind the other and still be compared with it, where the standby
    /// is hot; so much is kept of what the consumer got last.
    pub skew: usize,
    /// What becomes of a line that cannot be compared.
    pub on_unverified: OnUnverified,
    /// What becomes of a consumer whose next message no line has.
    pub on_gap: OnGap,
    /// What becomes of what a consumer sends.
    pub unsequenced: Unsequenced,
    /// Whether messages without a number from a server go to consumers that logged in with 47 bytes,
    /// too: version 3.00 does not know them, and 4.00 logs in the same way.
    pub server_unsequenced: bool,
    /// From a consumer's login to its answer, while no line can give one.
    pub login_wait: Duration,
    /// From a line's accepted login to the consumer's next message.
    pub catch_up: Duration,
    /// How long a consumer is kept without a line; longer hides a stale book.
    pub max_outage: Duration,
    /// How long a consumer may be silent that logged in with 47 bytes; 52 name their own time.
    pub consumer_silence: Duration,
}

impl Default for JoinOptions {
    /// Cold standby; with a hot one 16 MiB are kept, and a mismatch is an event. Lines that cannot be
    /// compared are refused, and gaps cut; 3 s for a login, 5 s to catch up,
    /// 5 s without a line, 30 s for a silent consumer: some send their first heartbeat after 20.
    fn default() -> Self {
        Self {
            standby: Standby::Cold,
            on_mismatch: OnMismatch::Report,
            skew: 16 * 1024 * 1024,
            on_unverified: OnUnverified::Refuse,
            on_gap: OnGap::Close,
            unsequenced: Unsequenced::Active,
            server_unsequenced: false,
            login_wait: Duration::from_secs(3),
            catch_up: Duration::from_secs(5),
            max_outage: Duration::from_secs(5),
            consumer_silence: Duration::from_secs(30),
        }
    }
}

/// How to speak to one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineOptions {
    /// Who logs in. `None`: the consumer, as it did here.
    pub credentials: Option<Credentials>,
    /// The heartbeat timeout that a login of version 4.10 names. `None`: the 47 bytes of versions
    /// 3.00 and 4.00.
    pub heartbeat_timeout: Option<Duration>,
    /// How long the line may be silent; half of it is a warning.
    pub silence: Duration,
}

impl Default for LineOptions {
    /// The consumer's own credentials, 47 bytes, 3 s: servers send a heartbeat every second.
    fn default() -> Self {
        Self {
            credentials: None,
            heartbeat_timeout: None,
            silence: Duration::from_secs(3),
        }
    }
}
