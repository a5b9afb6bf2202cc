//! Saying what a feed is, and connecting to it.

use std::time::Duration;

use super::Feed;
use super::cursor::Cursor;
use super::error::ConnectError;
use super::intake::Wanted;
use super::policy::FeedPolicy;
use crate::pool::{DialLimits, EndpointOptions, Pool, PoolBuilder};
use crate::probe::CheckOptions;
use crate::soupbin::bridge::FeedOptions;
use crate::soupbin::join::{
    JoinOptions, LineOptions, OnGap, OnMismatch, OnUnverified, SUBSCRIPTION_BYTES_MAX,
    SUBSCRIPTION_MAX, Standby, Unsequenced,
};
use crate::soupbin::packet::{Credentials, CredentialsError, LoginRequest, PAYLOAD_MAX, SessionId};

/// Longer than any process lives; more would be further than a clock can say.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3600);
/// A feed that is started together with its consumer is given some seconds to come up.
const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// An exchange that moves to another site needs minutes. A port bears 5 s, since its consumer cannot see
/// that the book is stale; a program is told at once, by events and by the status, and may decide for
/// itself. For ever would leave one that does not look with a book of last week's.
const MAX_OUTAGE: Duration = Duration::from_secs(5 * 60);
/// All of it together fits into one message, so that each of them does.
const SUBSCRIPTION_BYTES: usize = match SUBSCRIPTION_BYTES_MAX < PAYLOAD_MAX {
    true => SUBSCRIPTION_BYTES_MAX,
    false => PAYLOAD_MAX,
};
/// Four reads, some seven thousand messages of ITCH.
const BUFFER: usize = 256 * 1024;

/// Says what a feed is; see [`Feed::builder`]. What is wrong is told by
/// [`connect`](Self::connect).
///
/// ```no_run
/// use l4_failover::soupbin::feed::Feed;
/// use l4_failover::soupbin::join::{OnGap, Standby};
/// use std::time::Duration;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let feed = Feed::builder("itch")
///     .primary("itch.dc1:9000")
///     .backup("itch.dc2:9000")
///     .credentials("trader", "secret")
///     .standby(Standby::Hot) // both are logged in
///     .heartbeat_timeout(Duration::from_secs(15)) // version 4.1
///     .max_outage(Duration::from_secs(3600))
///     .on_gap(OnGap::Report)
///     .live()
///     .connect()
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct FeedBuilder {
    pub(super) name: String,
    pool: PoolBuilder,
    credentials: Result<Credentials, CredentialsError>,
    begin: (SessionId, u64),
    subscription: Vec<Vec<u8>>,
    room: usize,
    options: FeedOptions,
}

impl FeedBuilder {
    pub(super) fn new(name: String) -> Self {
        let join = JoinOptions {
            unsequenced: Unsequenced::Subscribe,
            login_wait: CONNECT_WAIT,
            max_outage: MAX_OUTAGE,
            // It lives in this process: it is never silent, but busy.
            consumer_silence: FOR_EVER,
            ..JoinOptions::default()
        };
        Self {
            pool: Pool::builder()
                .name(&name)
                .policy(FeedPolicy::default().into()),
            name,
            credentials: Credentials::new("", ""),
            begin: (SessionId::BLANK, 1),
            subscription: Vec::new(),
            room: BUFFER,
            options: FeedOptions {
                join,
                stall: FOR_EVER,
                ..FeedOptions::default()
            },
        }
    }

    /// Adds `"host:port"` to the primary lines.
    #[must_use]
    pub fn primary(mut self, target: impl AsRef<str>) -> Self {
        self.pool = self.pool.primary(target.as_ref());
        self
    }

    /// Adds `"host:port"` as a backup, after those added before.
    #[must_use]
    pub fn backup(mut self, target: impl AsRef<str>) -> Self {
        self.pool = self.pool.backup(target.as_ref());
        self
    }

    /// Adds a primary line with TLS or a weight.
    #[must_use]
    pub fn primary_endpoint(mut self, endpoint: EndpointOptions) -> Self {
        self.pool = self.pool.primary_endpoint(endpoint);
        self
    }

    /// Adds a backup with TLS, after those added before.
    #[must_use]
    pub fn backup_endpoint(mut self, endpoint: EndpointOptions) -> Self {
        self.pool = self.pool.backup_endpoint(endpoint);
        self
    }

    /// Who logs in: at most 6 and 10 characters; by default both are blank.
    #[must_use]
    pub fn credentials(mut self, username: &str, password: &str) -> Self {
        self.credentials = Credentials::new(username, password);
        self
    }

    /// [`credentials`](Self::credentials) that were read before.
    #[must_use]
    pub fn login_as(mut self, credentials: Credentials) -> Self {
        self.credentials = Ok(credentials);
        self
    }

    /// Begins where a consumer stopped before. Without a cursor as if this was not said: with the first
    /// message of the session that is active, which is the default.
    #[must_use]
    pub fn resume(self, cursor: impl Into<Option<Cursor>>) -> Self {
        match cursor.into() {
            Some(cursor) => self.begin(cursor.session(), cursor.next()),
            None => self,
        }
    }

    /// Begins with what comes now, in the session that is active. Some servers send their newest
    /// message first, others only what follows it.
    #[must_use]
    pub fn live(self) -> Self {
        self.begin(SessionId::BLANK, 0)
    }

    /// Begins with message number `next` of this session; a blank one is whichever is active.
    #[must_use]
    pub fn begin(mut self, session: SessionId, next: u64) -> Self {
        self.begin = (session, next);
        self
    }

    /// Sends this after the login as a message without a number, to each line before it is joined: at
    /// most 256 messages, and 65 534 bytes in all.
    #[must_use]
    pub fn subscribe(mut self, message: impl Into<Vec<u8>>) -> Self {
        self.subscription.push(message.into());
        self
    }

    /// Whether a second line is kept logged in; by default there is none ([`Standby::Cold`]), and one
    /// is logged in to when it is needed. With [`Standby::Hot`] each message comes once, from whichever
    /// line has it first; what the other brings is compared with it, and a line that dies costs no
    /// wait.
    ///
    /// ```
    /// # use soupbintcp_sim::server::{Options, Server};
    /// use l4_failover::soupbin::feed::{Feed, FeedEvent};
    /// use l4_failover::soupbin::join::Standby;
    ///
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let listen = || Ok::<_, std::net::AddrParseError>(vec!["127.0.0.1:0".parse()?]);
    /// # let start = Some(std::time::SystemTime::now() - std::time::Duration::from_secs(1));
    /// # let (one, two) = (Server::bind(Options { listen: listen()?, start, ..Options::default() })?, Server::bind(Options { listen: listen()?, start, ..Options::default() })?);
    /// # let (primary, backup) = (one.addresses()[0].to_string(), two.addresses()[0].to_string());
    /// # tokio::spawn(one.serve(std::future::pending()));
    /// # tokio::spawn(two.serve(std::future::pending()));
    /// let feed = Feed::builder("itch").primary(&primary).backup(&backup);
    /// let feed = feed.standby(Standby::Hot).connect().await?;
    /// let mut events = feed.events(); // from the login on
    /// while let Some(event) = events.next().await {
    ///     if let FeedEvent::StandingBy { line, .. } = event {
    ///         assert_eq!(*line, *backup);
    ///         break;
    ///     }
    /// }
    /// for line in feed.status().lines {
    ///     println!("{} {} {:?}, {:?} behind", line.endpoint, line.stage, line.next, line.lag);
    /// }
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn standby(mut self, standby: Standby) -> Self {
        self.options.join.standby = standby;
        self
    }

    /// What happens when two lines carry different messages under one number. The line that came later
    /// with it is out in any case, which is an [event](super::FeedEvent::Diverged); by default the feed
    /// goes on with the other. With [`OnMismatch::Close`] it ends with
    /// [`FeedFault::Mismatch`](super::FeedFault::Mismatch).
    #[must_use]
    pub fn on_mismatch(mut self, on_mismatch: OnMismatch) -> Self {
        self.options.join.on_mismatch = on_mismatch;
        self
    }

    /// Bytes that one line may be behind the other and still be compared with it, where the standby is
    /// hot; 16 MiB by default. So much is kept of the messages that came last.
    #[must_use]
    pub fn skew(mut self, bytes: usize) -> Self {
        self.options.join.skew = bytes;
        self
    }

    /// What becomes of a line that repeats nothing to compare it by; by default it is refused.
    #[must_use]
    pub fn on_unverified(mut self, on_unverified: OnUnverified) -> Self {
        self.options.join.on_unverified = on_unverified;
        self
    }

    /// What happens where no line has the message that is wanted next: by default the feed ends with
    /// [`FeedFault::Gap`](super::FeedFault::Gap); with [`OnGap::Report`] it goes on with the first
    /// message that there is, which has its own number, and an [event](super::FeedEvent::Gap) says so.
    #[must_use]
    pub fn on_gap(mut self, on_gap: OnGap) -> Self {
        self.options.join.on_gap = on_gap;
        self
    }

    /// How long [`connect`](Self::connect) waits for a line that accepts the login; 10 s by default.
    #[must_use]
    pub fn connect_wait(mut self, wait: Duration) -> Self {
        self.options.join.login_wait = wait.min(FOR_EVER);
        self
    }

    /// How long the feed goes on looking when it has lost all lines; 5 min by default. What comes after
    /// is [`FeedFault::Outage`](super::FeedFault::Outage), and the cursor stays good.
    #[must_use]
    pub fn max_outage(mut self, outage: Duration) -> Self {
        self.options.join.max_outage = outage.min(FOR_EVER);
        self
    }

    /// How long a new line may take to come to the message that is wanted next; 5 s by default.
    #[must_use]
    pub fn catch_up(mut self, within: Duration) -> Self {
        self.options.join.catch_up = within.min(FOR_EVER);
        self
    }

    /// How long a line may be silent; 3 s by default, as servers send a heartbeat every second.
    #[must_use]
    pub fn silence(mut self, silence: Duration) -> Self {
        self.options.other_lines.silence = silence.min(FOR_EVER);
        self
    }

    /// Logs in by version 4.1, which says how long the server may hear nothing from here; at most
    /// 99.999 s. By default the login is that of versions 3.0 and 4.0.
    #[must_use]
    pub fn heartbeat_timeout(mut self, timeout: Duration) -> Self {
        self.options.other_lines.heartbeat_timeout = Some(timeout);
        self
    }

    /// How to speak to the line of the endpoint of this name
    /// ([`EndpointOptions::name`]), where that is otherwise than to the others: with credentials of
    /// its own, another version, another silence. That there is such an endpoint is found out by
    /// [`connect`](Self::connect); once for each.
    #[must_use]
    pub fn line(mut self, endpoint: impl Into<String>, options: LineOptions) -> Self {
        self.options.lines.push((endpoint.into(), options));
        self
    }

    /// How long messages may wait here and none be taken; then the feed ends with
    /// [`FeedFault::Stalled`](super::FeedFault::Stalled). By default for ever: a full
    /// [buffer](Self::buffer) holds up its own line and nobody else, and servers have limits of their
    /// own.
    #[must_use]
    pub fn stall(mut self, stall: Duration) -> Self {
        self.options.stall = stall.min(FOR_EVER);
        self
    }

    /// Bytes that wait to be taken before the line is no longer read; 256 KiB by default. One read more
    /// may come on top, 64 KiB, and as much again are the messages that were taken last.
    #[must_use]
    pub fn buffer(mut self, bytes: usize) -> Self {
        self.room = bytes;
        self
    }

    /// When to move between primary and backups; by default away by itself, and back when that is
    /// [said](Feed::failback), whatever else of the policy is changed.
    #[must_use]
    pub fn policy(mut self, policy: FeedPolicy) -> Self {
        self.pool = self.pool.policy(policy.into());
        self
    }

    /// How endpoints are checked beside the line that is there.
    #[must_use]
    pub fn check(mut self, check: CheckOptions) -> Self {
        self.pool = self.pool.check(check);
        self
    }

    /// Bounds of a dial, and the options of its connections.
    #[must_use]
    pub fn dial(mut self, dial: DialLimits) -> Self {
        self.pool = self.pool.dial(dial);
        self
    }

    /// Logs in, and waits until a line has accepted that: for [`connect_wait`](Self::connect_wait) at
    /// most. Dropped before, it leaves.
    ///
    /// # Errors
    ///
    /// [`ConnectError`]: what is wrong with what was given, or why no line accepted the login.
    pub async fn connect(self) -> Result<Feed, ConnectError> {
        let wanted = self.wanted()?;
        let pool = self.pool.build()?;
        check_lines(&self.options, &pool)?;
        Ok(Feed::start(self.name, pool, wanted, self.options).await?)
    }

    fn wanted(&self) -> Result<Wanted, ConnectError> {
        let messages = self.subscription.len();
        let bytes = self.subscription.iter().map(Vec::len).sum();
        if messages > SUBSCRIPTION_MAX || bytes > SUBSCRIPTION_BYTES {
            return Err(ConnectError::Subscription {
                messages,
                bytes,
                max_messages: SUBSCRIPTION_MAX,
                max_bytes: SUBSCRIPTION_BYTES,
            });
        }
        let (session, sequence) = self.begin;
        Ok(Wanted {
            login: LoginRequest {
                credentials: self.credentials?,
                session,
                sequence,
                // What lines are told is the business of the options.
                heartbeat_timeout: None,
            },
            subscription: self.subscription.clone(),
            room: self.room,
        })
    }
}

/// Whether each line of which something is said is one, and not said to be two things.
fn check_lines(options: &FeedOptions, pool: &Pool) -> Result<(), ConnectError> {
    let endpoints = pool.endpoints();
    for (nth, (name, _)) in options.lines.iter().enumerate() {
        if !endpoints.iter().any(|it| **it.name() == **name) {
            let known = endpoints.iter().map(|it| &**it.name());
            return Err(ConnectError::UnknownLine {
                name: name.clone(),
                known: known.collect::<Vec<_>>().join(", "),
            });
        }
        if options.lines[..nth]
            .iter()
            .any(|(before, _)| before == name)
        {
            return Err(ConnectError::LineTwice(name.clone()));
        }
    }
    Ok(())
}
