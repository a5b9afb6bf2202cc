//! The straight line of a connection's life: hello → route → connect → replay → relay.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Buf;
use l4_failover::socket::cut::ResetOnDrop;
use l4_failover::socket::proxy;
use l4_failover::socket::relay::{Side, relay};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::error::Error;
use crate::hello::{self, Hello};
use crate::record::ConnectionRecord;
use crate::refuse;

/// Serves one connection to its end; it is counted and logged once, however it ends.
///
/// A block, not an `async fn`, which would keep its arguments twice.
pub fn serve(client: TcpStream, mut record: ConnectionRecord) -> impl Future<Output = ()> + Send {
    let mut client = ResetOnDrop::from(client);
    async move {
        let result = pass(&mut client, &mut record).await;
        if let Err(error) = &result {
            Box::pin(refuse::answer(&mut client, error)).await;
        }
        client.end();
        record.close(result);
    }
}

async fn pass(client: &mut TcpStream, record: &mut ConnectionRecord) -> Result<(), Error> {
    // Boxed: while bytes are relayed, nothing of what opening needed is kept.
    let mut upstream = Box::pin(open(client, record)).await?;
    record.relaying();
    relay_or_cut(client, &mut upstream, record).await?;
    upstream.end();
    Ok(())
}

/// Passes bytes on until both sides have finished, or what the connection is on was left.
async fn relay_or_cut(
    client: &mut TcpStream,
    upstream: &mut TcpStream,
    record: &ConnectionRecord,
) -> Result<(), Error> {
    let context = &record.context().relay;
    let mut relaying = pin!(relay(client, upstream, record.tally(), context));
    poll_fn(|cx| match relaying.as_mut().poll(cx) {
        Poll::Ready(relayed) => Poll::Ready(relayed.map_err(Error::Relay)),
        // Dropped half-way, the relay resets both sides.
        Poll::Pending => record.poll_cut(cx).map(|cut| Err(Error::Cut(cut))),
    })
    .await
}

/// Finds out where the connection goes and passes its first bytes on.
async fn open(client: &mut TcpStream, record: &mut ConnectionRecord) -> Result<ResetOnDrop, Error> {
    let mut hello = greet(client, record).await?;
    record.greeted(&mut hello);
    // Asked for again: it may have changed while the hello was on its way.
    let front = record.listener().front();
    let destination = Arc::clone(front.routes.find(record.server_name())?);
    let replay_timeout = front.replay_timeout;
    drop(front);
    record.routed(&destination);
    let source = Some(record.client().ip());
    let connected = destination.pool.connect_from(source).await?;
    let mut upstream = ResetOnDrop::from(record.connected(connected));
    let header = record.header(client);
    // In one write: the header costs no packet of its own.
    let mut bytes = header.chain(&hello.bytes[..]);
    let replay = timeout(replay_timeout, upstream.write_all_buf(&mut bytes)).await;
    replay
        .map_err(io::Error::from)
        .flatten()
        .map_err(Error::Replay)?;
    record.tally().add(Side::Client, hello.bytes.len() as u64);
    Ok(upstream)
}

/// Reads the hello and, where the connection comes from a proxy that is believed, before it whom
/// the proxy connects for. The hello's deadline is for both.
async fn greet(client: &mut TcpStream, record: &ConnectionRecord) -> Result<Hello, Error> {
    let front = record.listener().front();
    let (limits, since) = (front.hello, Instant::now());
    let is_introduced = front.proxies.contains(record.peer().ip());
    drop(front);
    if is_introduced {
        record.introduced(proxy::read(client, limits.deadline).await?);
    }
    Ok(hello::read(client, &limits, since).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size<A, B, F>(_: impl Fn(A, B) -> F) -> usize {
        size_of::<F>()
    }

    /// Every idle connection keeps its task: what grows here is paid for ten thousand times.
    #[test]
    fn a_connections_task_stays_small() {
        let bytes = size(serve);
        assert!(bytes <= 592, "{bytes}");
    }
}
