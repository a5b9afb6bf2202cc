//! The straight line of a connection's life: hello → route → connect → replay → relay.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use l4_failover::socket::relay::{RelayContext, RelayError, Side, relay};
use l4_failover::{DialLimits, Exhausted};
use thiserror::Error;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::cut::ResetOnDrop;
use crate::destination::Destination;
use crate::hello::{self, HelloLimits, ReadError};
use crate::live::Live;
use crate::log::{ConnectionLog, LostLines};
use crate::metrics::Metrics;
use crate::outcome::{Cause, Outcome, Phase};
use crate::record::ConnectionRecord;
use crate::refuse;
use crate::route::{RouteError, Routes};

/// What all connections of a process share.
#[derive(Debug)]
pub struct Context {
    /// Bounds of reading a hello.
    pub hello: HelloLimits,
    /// Where names lead.
    pub routes: Routes<Destination>,
    /// Bounds of a dial.
    pub dial: DialLimits,
    /// Bounds and buffers of relays.
    pub relay: RelayContext,
    /// The names of the listeners.
    pub listeners: Vec<String>,
    /// The open connections.
    pub live: Live,
    /// What is counted.
    pub metrics: Metrics,
    /// What is logged of connections.
    pub log: ConnectionLog,
    /// Log lines that were lost.
    pub lost: LostLines,
    /// Set once the process is told to stop.
    pub stopping: AtomicBool,
}

impl Context {
    /// Whether the process was told to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Relaxed)
    }
}

/// Why a connection did not come to its end.
#[derive(Debug, Error)]
pub enum Error {
    /// It gave no hello.
    #[error(transparent)]
    Hello(#[from] ReadError),
    /// Its name has no route.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// No endpoint could be connected to.
    #[error(transparent)]
    Connect(#[from] Exhausted),
    /// The hello could not be passed on.
    #[error("the endpoint did not take the hello: {0}")]
    Replay(io::Error),
    /// A side broke, or was silent for too long.
    #[error(transparent)]
    Relay(#[from] RelayError),
}

impl Error {
    /// Phase × cause, and the reason in one word.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Hello(error) => Outcome::new(Phase::Hello, hello_cause(error), error.reason()),
            Self::Route(error) => Outcome::new(Phase::Route, Cause::Policy, error.reason()),
            Self::Connect(error) => connect_outcome(error),
            Self::Replay(error) => replay_outcome(error),
            Self::Relay(error) => relay_outcome(error),
        }
    }
}

fn hello_cause(error: &ReadError) -> Cause {
    match error {
        ReadError::Probe => Cause::Done,
        ReadError::Deadline { .. } => Cause::Timeout,
        ReadError::Hello(_) | ReadError::Closed { .. } | ReadError::Io(_) => Cause::Client,
    }
}

fn connect_outcome(error: &Exhausted) -> Outcome {
    let (cause, reason) = if error.is_resource() {
        (Cause::Resource, "resource")
    } else if error.is_timeout() {
        (Cause::Timeout, "connect_timeout")
    } else {
        (Cause::Upstream, "unreachable")
    };
    Outcome::new(Phase::Connect, cause, reason)
}

fn replay_outcome(error: &io::Error) -> Outcome {
    let (cause, reason) = match error.kind() {
        io::ErrorKind::TimedOut => (Cause::Timeout, "replay_timeout"),
        _ => (Cause::Upstream, "reset"),
    };
    Outcome::new(Phase::Replay, cause, reason)
}

fn relay_outcome(error: &RelayError) -> Outcome {
    let (cause, reason) = match error {
        RelayError::Broken { source, .. } if source.kind() == io::ErrorKind::TimedOut => {
            (Cause::Timeout, "user_timeout")
        }
        RelayError::Broken {
            side: Side::Client, ..
        } => (Cause::Client, "reset"),
        RelayError::Broken {
            side: Side::Upstream,
            ..
        } => (Cause::Upstream, "reset"),
        RelayError::Lingered { .. } => (Cause::Timeout, "linger"),
        RelayError::Idle(_) => (Cause::Timeout, "idle"),
    };
    Outcome::new(Phase::Relay, cause, reason)
}

/// Serves one connection to its end; it is counted and logged once, however it ends.
pub async fn serve(client: TcpStream, mut record: ConnectionRecord) {
    let mut client = ResetOnDrop::from(client);
    let context = Arc::clone(record.context());
    let result = pass(&mut client, &context, &mut record).await;
    if let Err(error) = &result {
        refuse::answer(&mut client, error).await;
    }
    client.end();
    record.close(result);
}

async fn pass(
    client: &mut TcpStream,
    cx: &Context,
    record: &mut ConnectionRecord,
) -> Result<(), Error> {
    // Boxed: while bytes are relayed, nothing of what opening needed is kept.
    let mut upstream = Box::pin(open(client, cx, record)).await?;
    record.relaying();
    relay(client, &mut upstream, record.tally(), &cx.relay).await?;
    upstream.end();
    Ok(())
}

/// Finds out where the connection goes and passes its first bytes on.
async fn open(
    client: &mut TcpStream,
    cx: &Context,
    record: &mut ConnectionRecord,
) -> Result<ResetOnDrop, Error> {
    let mut hello = hello::read(client, &cx.hello).await?;
    record.greeted(&mut hello);
    let destination = cx.routes.find(record.server_name())?;
    record.routed(destination);
    let connected = destination.pool.connect(&cx.dial).await?;
    let mut upstream = ResetOnDrop::from(record.connected(connected));
    let replay = timeout(cx.dial.total, upstream.write_all(&hello.bytes)).await;
    replay
        .map_err(io::Error::from)
        .flatten()
        .map_err(Error::Replay)?;
    record.tally().add(Side::Client, hello.bytes.len() as u64);
    Ok(upstream)
}
