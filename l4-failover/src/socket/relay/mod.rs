//! Passing bytes between two connections until both sides have finished, or one breaks.
//!
//! A relay is two flows, one per direction, on one task. A flow copies through the thread's
//! [scratch](super::scratch) buffer; one that proves to be bulk goes on with splice(2), through a
//! pipe borrowed from a bounded pool. Neither holds anything while it is idle.
//!
//! - FIN goes through per direction, after the direction's bytes.
//! - RST goes through as RST, after the bytes that came before it were delivered; one that comes
//!   while its side is not read from is noticed within a second.
//! - A relay that is ended by force (dropped, or over a limit) resets both sides: a stream that
//!   was cut never ends with FIN.
//!
//! Either side may be TLS ([`Stream`](super::Stream)). There `close_notify` is what FIN is on a
//! socket, in both directions, and a FIN without it is a break: the other side gets a RST, and a
//! side that is reset gets no `close_notify`. Bytes that TLS has sealed and its socket does not
//! take are owned like others; on top a TLS session keeps its keys and, inside rustls, 4 KiB to read
//! into, which grow to two records at most (36 KiB) while one is not whole yet and another not yet
//! asked for. Only sockets are spliced.

mod budget;
mod copy;
mod drive;
mod flow;
mod pace;
mod pair;
mod pipe;
mod splice;
mod tally;
mod watch;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use budget::Budget;
use pair::Pair;
use pipe::Pipes;

use super::Connection;

pub use tally::Tally;

/// Bounds of every relay of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayLimits {
    /// Silence allowed in the open direction once the other has finished, and the time that bytes
    /// which came before a RST have to be delivered.
    pub linger: Duration,
    /// Silence allowed in both directions together. `None`: for ever.
    pub idle: Option<Duration>,
    /// Bytes that peers would not take yet, all relays together; of one direction at most 64 KiB,
    /// or what a pipe held whose sink stalled. A direction may always read 1 KiB, which is set
    /// aside for `relays`; where that is more than half of this, it comes on top.
    pub owned_max: usize,
    /// Relays that may run at once.
    pub relays: usize,
    /// Worker threads that share these limits: each may be in the middle of one read.
    pub workers: usize,
    /// Pipes that bulk directions may hold, all relays together. 0: never splice.
    pub pipes: usize,
    /// Bytes of one pipe, rounded up to a power of two by the kernel.
    pub pipe_size: usize,
}

impl Default for RelayLimits {
    fn default() -> Self {
        Self {
            linger: Duration::from_secs(60),
            idle: None,
            owned_max: 64 << 20,
            relays: 10_000,
            workers: 1,
            pipes: 32,
            pipe_size: 256 << 10,
        }
    }
}

/// What the relays of a process share: their limits, the budget of owned bytes, the pipes.
///
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct RelayContext(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limits: RelayLimits,
    budget: Budget,
    pipes: Pipes,
}

impl RelayContext {
    /// A context with these limits. Pipes are made when they are first needed.
    #[must_use]
    pub fn new(limits: RelayLimits) -> Self {
        Self(Arc::new(Shared {
            limits,
            budget: Budget::new(limits.owned_max, limits.relays, limits.workers),
            pipes: Pipes::new(limits.pipes, limits.pipe_size),
        }))
    }

    /// Bytes held now that peers would not take yet.
    #[must_use]
    pub fn owned_bytes(&self) -> usize {
        self.0.budget.used()
    }

    /// Pipes lent to bulk directions now.
    #[must_use]
    pub fn pipes_lent(&self) -> usize {
        self.0.pipes.lent()
    }
}

/// One of the two sides of a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The side that connected to us.
    Client,
    /// The side that we connected to.
    Upstream,
}

impl Side {
    /// The side across.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Client => Self::Upstream,
            Self::Upstream => Self::Client,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Upstream => "upstream",
        })
    }
}

/// What was being done to a side when it broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Reading from it.
    Read,
    /// Writing to it.
    Write,
    /// Sending it the FIN of the other side.
    Shutdown,
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Shutdown => "shutdown",
        })
    }
}

/// Why a relay ended other than by both sides finishing. Both sides were reset.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// A side was reset, or timed out in the kernel.
    #[error("the {side} connection broke on {op}")]
    Broken {
        /// The side that broke.
        side: Side,
        /// What was being done.
        op: Op,
        /// What the kernel said, or TLS: `UnexpectedEof` where a TLS side was cut without
        /// `close_notify`, `InvalidData` where what it sent cannot be right.
        source: io::Error,
    },
    /// One side had finished, and the other was silent for longer than `linger`.
    #[error("{finished} had finished, and the other side was silent for {limit:?}")]
    Lingered {
        /// The side whose FIN was passed on.
        finished: Side,
        /// The limit.
        limit: Duration,
    },
    /// Both sides were silent for longer than `idle`.
    #[error("both sides were silent for {0:?}")]
    Idle(Duration),
}

/// Passes bytes between `client` and `upstream` until both have finished, counting in `tally`.
///
/// When it returns `Ok`, every byte that either side sent was written to the other, in order, and
/// each FIN (or `close_notify`) was passed on after its direction's bytes. When it returns an error, or is dropped
/// before it returns, both streams are set to close with RST.
///
/// # Errors
///
/// [`RelayError`]: a side that broke, or a limit on silence.
///
/// # Examples
///
/// ```
/// use l4_failover::socket::relay::{RelayContext, RelayLimits, Tally, relay};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
/// use tokio::net::{TcpListener, TcpStream};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (front, back) = (TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?);
/// let mut client = TcpStream::connect(front.local_addr()?).await?;
/// let (mut accepted, _) = front.accept().await?;
/// let mut upstream = TcpStream::connect(back.local_addr()?).await?;
/// let (mut server, _) = back.accept().await?;
///
/// let context = RelayContext::new(RelayLimits::default());
/// let tally = Tally::default();
/// let talk = async {
///     client.write_all(b"ping").await?;
///     client.shutdown().await?;
///     let mut asked = String::new();
///     server.read_to_string(&mut asked).await?;
///     server.shutdown().await?;
///     Ok::<_, std::io::Error>(asked)
/// };
/// let (end, asked) = tokio::join!(relay(&mut accepted, &mut upstream, &tally, &context), talk);
/// end?;
/// assert_eq!(asked?, "ping");
/// assert_eq!(tally.from_client(), 4);
/// # Ok(()) }
/// ```
pub fn relay<'a, C: Connection, U: Connection>(
    client: &'a mut C,
    upstream: &'a mut U,
    tally: &'a Tally,
    context: &'a RelayContext,
) -> impl Future<Output = Result<(), RelayError>> + use<'a, C, U> {
    // A block, not an `async fn`, which would keep its arguments twice.
    let mut pair = Pair::new(client, upstream, tally, &context.0);
    async move {
        let Err(error) = (&mut pair).await else {
            pair.finish();
            return Ok(());
        };
        if let RelayError::Broken { side, .. } = &error {
            // Boxed: it is rare, and its timer would make every relay larger.
            Box::pin(pair.deliver(side.other())).await;
        }
        Err(error)
    }
}
