//! A feed for a program: its messages one by one, whatever becomes of the line that they come from.
//!
//! [`Feed`] is to a program what a [bridge](super::bridge) is to consumers on a local port, by the same
//! rules of [joining](super::join), within the process: each message of the session comes once, in
//! order, under its number, or [`next`](Feed::next) says why there are no more. A [`Cursor`] is where a
//! consumer stands; who stores it goes on there after a restart.
//!
//! ```
//! # use soupbintcp_sim::server::{Options, Server};
//! use l4_failover::soupbin::feed::{Cursor, Feed};
//!
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let options = Options { listen: vec!["127.0.0.1:0".parse()?], messages: Some(30), start: Some(std::time::SystemTime::now() + std::time::Duration::from_secs(1)), ..Options::default() };
//! # let server = Server::bind(options)?;
//! # let primary = server.addresses()[0].to_string();
//! # let serving = tokio::spawn(server.serve(std::future::pending()));
//! # let directory = tempfile::tempdir()?;
//! # let file = directory.path().join("itch.cursor");
//! let stored = std::fs::read_to_string(&file).ok().map(|text| text.parse::<Cursor>()).transpose()?;
//! let mut feed = Feed::builder("itch").primary(&primary).resume(stored).connect().await?;
//! while let Some(message) = feed.next().await? {
//!     println!("{} {}", message.sequence(), message.payload().len());
//!     std::fs::write(&file, feed.cursor().to_string())?;
//! }
//! assert_eq!(feed.cursor().to_string(), "31@FEED000001"); // the session is over
//! # Ok(()) }
//! ```
//!
//! The lines are read, and their heartbeats answered, by a task of its own: it needs a tokio runtime
//! whose threads are not blocked. Messages wait in a bounded [buffer](FeedBuilder::buffer); when that
//! is full the line is not read until some are taken, and no line is given up for it.
//!
//! Messages without a number that a server sends (`U`) are not passed on: nobody carries them from
//! line to line.

mod batch;
mod builder;
mod cursor;
mod error;
mod event;
mod handle;
pub(super) mod intake;
mod pipe;
mod policy;
#[cfg(test)]
pub(super) mod tests;

use std::sync::Arc;

pub use batch::{Batch, Message};
pub use builder::FeedBuilder;
pub use cursor::{Cursor, CursorError};
pub use error::{ConnectError, FeedError, FeedFault};
pub use event::{FeedEvent, FeedEvents};
pub use handle::{FeedHandle, FeedStatus};
pub use policy::{AutoFailback, FeedPolicy};

use crate::pool::{CommandError, Pool, PoolEvent};
use crate::soupbin::bridge::{FeedOptions, SharedFeed};
use crate::soupbin::join::{End, OnGap};
use crate::soupbin::packet::SessionId;
use error::Stood;
use handle::Teller;
use intake::{Intake, Wanted};

/// A session of numbered messages, carried from line to line. Dropped, it leaves its lines, and its
/// task ends.
#[derive(Debug)]
pub struct Feed {
    name: Arc<str>,
    handle: FeedHandle,
    intake: Intake,
    session: SessionId,
    /// Messages that were taken together, as far as they were not given yet.
    batch: Batch,
    options: FeedOptions,
}

impl Feed {
    /// Begins to say what a feed is; `name` is what errors and logs call it.
    #[must_use]
    pub fn builder(name: impl Into<String>) -> FeedBuilder {
        FeedBuilder::new(name.into())
    }

    async fn start(
        name: String,
        pool: Pool,
        wanted: Wanted,
        options: FeedOptions,
    ) -> Result<Self, FeedError> {
        let shared = SharedFeed::new(options.clone());
        let handle = FeedHandle::new(pool.clone());
        let teller = Teller(handle.clone());
        let watch = move |told: crate::soupbin::bridge::Told<'_>| teller.tell(told);
        let intake = Intake::start((pool, shared), &wanted, handle.progress(), watch);
        let asked = wanted.login;
        let mut feed = Self {
            name: name.into(),
            handle,
            intake,
            session: asked.session,
            batch: Batch::empty_at(asked.sequence),
            options,
        };
        let accepted = feed.intake.accepted().await;
        let accepted = accepted.map_err(|end| feed.error(&end))?;
        feed.session = accepted.session;
        feed.handle.accepted(accepted.session);
        let (next, first) = (asked.sequence, accepted.sequence);
        let is_gap = next > 0 && first > next;
        if is_gap && feed.options.join.on_gap == OnGap::Close {
            return Err(feed.error(&End::Gap { next, first }));
        }
        feed.batch = Batch::empty_at(first);
        Ok(feed)
    }

    /// The next message, once there is one; none when the session is over for good.
    ///
    /// It costs no allocation and no copy: the message is a part of the bytes that were read. It is not
    /// borrowed from the feed, so that it can be sent to other threads and [kept](Message).
    ///
    /// Nothing is lost if the future is dropped before it is ready, as by `select!` or a timeout. What
    /// was an end or an error stays one.
    ///
    /// # Errors
    ///
    /// [`FeedError`]: why there are no more messages, though the session is not over.
    pub async fn next(&mut self) -> Result<Option<Message>, FeedError> {
        loop {
            if let Some(message) = self.batch.pop() {
                return Ok(Some(message));
            }
            if !self.refill().await? {
                return Ok(None);
            }
        }
    }

    /// The messages that are there, once there is one: all of them that follow one another without a
    /// gap. None when the session is over for good.
    ///
    /// The [cursor](Self::cursor) is behind all of them. As with [`next`](Self::next), nothing is lost
    /// if the future is dropped before it is ready.
    ///
    /// # Errors
    ///
    /// [`FeedError`]: why there are no more messages, though the session is not over.
    pub async fn next_batch(&mut self) -> Result<Option<Batch>, FeedError> {
        while self.batch.is_empty() {
            if !self.refill().await? {
                return Ok(None);
            }
        }
        let after = self.batch.end();
        Ok(Some(std::mem::replace(
            &mut self.batch,
            Batch::empty_at(after),
        )))
    }

    /// Whether there are more messages.
    async fn refill(&mut self) -> Result<bool, FeedError> {
        let next = Batch::empty_at(self.batch.sequence());
        self.intake
            .recycle(std::mem::replace(&mut self.batch, next));
        match self.intake.next().await {
            Ok(batch) => self.batch = batch,
            Err(End::EndOfSession) => return Ok(false),
            Err(end) => return Err(self.error(&end)),
        }
        Ok(true)
    }

    /// Where the consumer stands: behind the message that was given last. What is stored once that
    /// message was dealt with is where to [resume](FeedBuilder::resume); stored before, a crash between
    /// would leave it out.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor::at(self.session, self.batch.sequence())
    }

    /// What others use to see the feed and to move it, while its consumer waits for messages.
    #[must_use]
    pub fn handle(&self) -> FeedHandle {
        self.handle.clone()
    }

    /// See [`FeedHandle::events`].
    ///
    /// ```
    /// # use soupbintcp_sim::server::{Options, Server};
    /// use l4_failover::soupbin::feed::{Feed, FeedEvent};
    /// use l4_failover::soupbin::join::Why;
    ///
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let listen = || Ok::<_, std::net::AddrParseError>(vec!["127.0.0.1:0".parse()?]);
    /// # let start = Some(std::time::SystemTime::now() - std::time::Duration::from_secs(1));
    /// # let (one, two) = (Server::bind(Options { listen: listen()?, start, ..Options::default() })?, Server::bind(Options { listen: listen()?, start, ..Options::default() })?);
    /// # let (primary, backup) = (one.addresses()[0].to_string(), two.addresses()[0].to_string());
    /// # tokio::spawn(one.serve(std::future::pending()));
    /// # tokio::spawn(two.serve(std::future::pending()));
    /// let mut feed = Feed::builder("itch").primary(&primary).backup(&backup).connect().await?;
    /// let mut events = feed.events();
    /// for _ in 0..100 {
    ///     feed.next().await?;
    /// }
    /// feed.failover().await?; // make before break
    /// while let Some(event) = events.next().await {
    ///     // From the login on.
    ///     if let FeedEvent::Joined(joined) = event && joined.why == Why::Preferred {
    ///         assert!(*joined.to == *backup && joined.compared == 16 && joined.is_verified);
    ///         break;
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn events(&self) -> FeedEvents {
        self.handle.events()
    }

    /// See [`FeedHandle::status`].
    #[must_use]
    pub fn status(&self) -> FeedStatus {
        self.handle.status()
    }

    /// See [`FeedHandle::failover`].
    ///
    /// # Errors
    ///
    /// [`CommandError`]: nobody else is healthy.
    pub async fn failover(&self) -> Result<Option<PoolEvent>, CommandError> {
        self.handle.failover().await
    }

    /// See [`FeedHandle::failback`].
    ///
    /// # Errors
    ///
    /// [`CommandError`]: the primary is not healthy, and not `force`.
    pub async fn failback(&self, force: bool) -> Result<Option<PoolEvent>, CommandError> {
        self.handle.failback(force).await
    }

    /// See [`FeedHandle::maintenance`].
    ///
    /// # Errors
    ///
    /// [`CommandError`]: there is no such endpoint.
    pub async fn maintenance(
        &self,
        endpoint: &str,
        reason: Option<&str>,
    ) -> Result<Option<PoolEvent>, CommandError> {
        self.handle.maintenance(endpoint, reason).await
    }

    /// Logs out, and waits until that is on its way: which a feed that is dropped does as well, if its
    /// runtime goes on. Where it stood.
    pub async fn close(self) -> Cursor {
        let cursor = self.cursor();
        self.intake.leave().await;
        cursor
    }

    fn error(&self, end: &End) -> FeedError {
        let join = &self.options.join;
        let stood = Stood {
            session: self.session,
            next: self.batch.sequence(),
            connect_wait: join.login_wait,
            max_outage: join.max_outage,
            stall: self.options.stall,
        };
        let unasked = || FeedFault::Broken(end.to_string());
        FeedError {
            feed: Arc::clone(&self.name),
            fault: FeedFault::of(end, stood).unwrap_or_else(unasked),
            lines: self.handle.lines(),
        }
    }
}
