//! The straight line of a connection's life: handshake, where there is a gate → connect → relay.

use std::future::poll_fn;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::error::Error;
use super::feed;
use super::front::Gate;
use super::record::Record;
use crate::pool::{DialError, Pool};
use crate::socket::cut::ResetOnDrop;
use crate::socket::relay::relay;
use crate::socket::tls::{AcceptError, Caller, HandshakeError};
use crate::socket::{Connection, Stream};

/// Serves one connection to its end; it is counted and logged once, however it ends.
///
/// A block, not an `async fn`, which would keep its arguments twice.
pub(super) fn serve(client: TcpStream, mut record: Record) -> impl Future<Output = ()> + Send {
    let mut client = ResetOnDrop::from(client);
    async move {
        if let Some(gate) = record.front().gate.clone() {
            // Boxed: most connections have no gate to pass.
            return Box::pin(receive(client.into_inner(), gate, record)).await;
        }
        let result = pass(&mut client, &mut record).await;
        drop(client);
        record.close(result);
    }
}

/// Lets a caller in, if it may.
async fn receive(client: TcpStream, gate: Arc<Gate>, mut record: Record) {
    let result = match shake(client, &gate, &mut record).await {
        Ok(mut client) => pass(&mut client, &mut record).await,
        Err(error) => Err(error),
    };
    record.close(result);
}

async fn shake(
    client: TcpStream,
    gate: &Gate,
    record: &mut Record,
) -> Result<ResetOnDrop<Stream>, Error> {
    let context = Arc::clone(record.context());
    let front = Arc::clone(record.front());
    let place = context.handshakes.enter();
    let (stream, caller) = tokio::select! {
        shaken = greet(client, gate, &front.pool) => shaken?,
        () = place.is_taken() => return Err(Error::Crowded),
        error = record.unwanted() => return Err(error),
    };
    record.called(gate.matched(&caller));
    Ok(ResetOnDrop::from(stream))
}

/// Waits for the first byte, which a health probe never sends, then shakes hands: to whoever fails
/// over, a finished handshake is the promise that somebody answers, so that there is none while the
/// application is known to be down.
async fn greet(client: TcpStream, gate: &Gate, behind: &Pool) -> Result<(Stream, Caller), Error> {
    let began = Instant::now();
    match timeout(gate.timeout, client.peek(&mut [0])).await {
        Ok(Ok(0)) => return Err(Error::Probe),
        Err(_) => {
            return Err(AcceptError::Handshake(HandshakeError::TimedOut(gate.timeout)).into());
        }
        // A connection that is broken the handshake finds broken too.
        Ok(_) => {}
    }
    if !behind.is_healthy() {
        return Err(DialError::NoneHealthy.into());
    }
    let left = gate.timeout.saturating_sub(began.elapsed());
    Ok(gate.tls.accept(client, left).await?)
}

/// Passes a connection on. One that nobody answers is reset, as one that is cut: to a client that
/// speaks plain TCP, an end in order would look like an empty answer.
async fn pass<C: Connection>(
    client: &mut ResetOnDrop<C>,
    record: &mut Record,
) -> Result<(), Error> {
    if let Some(feed) = record.front().feed.clone() {
        // Boxed: a consumer keeps more than a connection that is relayed.
        if let Some(fanout) = record.front().fanout.clone() {
            return Box::pin(feed::serve(client, record, (&feed, &fanout))).await;
        }
        return Box::pin(feed::carry(client, record, &feed)).await;
    }
    // Boxed: while bytes are relayed, nothing of what dialling needed is kept.
    let mut upstream = Box::pin(dial_or_end(record)).await?;
    tokio::select! {
        ended = relay(&mut **client, &mut *upstream, record.tally(), &record.context().relay) => ended?,
        // Dropped, the relay resets both sides.
        why = record.cut() => return Err(why),
    }
    client.end();
    upstream.end();
    Ok(())
}

/// Dials, unless an operator ends the connection before.
async fn dial_or_end(record: &mut Record) -> Result<ResetOnDrop<Stream>, Error> {
    let entry = Arc::clone(record.entry());
    let dialled = tokio::select! {
        dialled = dial(record) => Some(dialled),
        () = poll_fn(|cx| entry.poll_end(cx)) => None,
    };
    match dialled {
        Some(dialled) => dialled,
        None => Err(record.unwanted().await),
    }
}

async fn dial(record: &mut Record) -> Result<ResetOnDrop<Stream>, Error> {
    let front = Arc::clone(record.front());
    let source = record.client().ip();
    let connected = front.pool.connect_from(Some(source)).await?;
    Ok(ResetOnDrop::from(record.connected(connected)))
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
        assert!(bytes <= 720, "{bytes}");
    }
}
