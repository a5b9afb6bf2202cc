//! The straight line of a connection's life: hello → route → connect → replay → relay.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Buf;
use l4_failover::socket::cut::ResetOnDrop;
use l4_failover::socket::proxy::{self, Origin};
use l4_failover::socket::relay::{Op, RelayError, Side, relay};
use l4_failover::socket::send_pieces;
use l4_failover::{AttemptError, Connected, DialError, Dialling, Host, LedNowhere, Reach};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::access::Stay;
use crate::answer::{self, AnswerLimits, First, Unanswered};
use crate::circle::Way;
use crate::destination::Destination;
use crate::error::Error;
use crate::hello::{self, Hello};
use crate::record::ConnectionRecord;
use crate::refuse::{self, Alert};
use crate::route::RouteKind;

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
        if !result.as_ref().is_err_and(Error::is_reset) {
            client.end();
        }
        record.close(result);
    }
}

async fn pass(client: &mut TcpStream, record: &mut ConnectionRecord) -> Result<(), Error> {
    // Boxed: while bytes are relayed, nothing of what opening needed is kept.
    let mut upstream = Box::pin(open_or_end(client, record)).await?;
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
        Poll::Pending => record.poll_cut(cx).map(Err),
    })
    .await
}

/// Opens it, unless an operator ends it before.
async fn open_or_end(
    client: &mut TcpStream,
    record: &mut ConnectionRecord,
) -> Result<ResetOnDrop, Error> {
    let entry = Arc::clone(record.entry());
    let opened = {
        let mut opening = pin!(open(client, record));
        poll_fn(|cx| match opening.as_mut().poll(cx) {
            Poll::Ready(opened) => Poll::Ready(Some(opened)),
            Poll::Pending => entry.poll_end(cx).map(|()| None),
        })
        .await
    };
    opened.unwrap_or_else(|| Err(record.unwanted()))
}

/// Finds out where the connection goes and passes its first bytes on.
async fn open(client: &mut TcpStream, record: &mut ConnectionRecord) -> Result<ResetOnDrop, Error> {
    let hello = greet(client, record).await?;
    // Asked for again: it may have changed while the hello was on its way.
    let front = record.listener().front();
    let (rule, destination) = front.routes.find_by(record.server_name())?;
    let destination = Arc::clone(destination);
    record.routed(rule, &destination);
    let allowed = front.doors.judge(&destination, record.client().ip())?;
    let reach = allowed.and(record.listener().face.reach());
    let limits = (reach, front.replay_timeout, front.answer);
    // A table of routes is not kept for as long as a dial may take.
    drop(front);
    dial(client, &hello, &destination, limits, record).await
}

/// Reads the hello and, where the connection comes from a proxy that is believed, before it whom
/// the proxy connects for; while there are not too many who have not finished theirs. The hello's
/// deadline is for all of it.
async fn greet(client: &mut TcpStream, record: &mut ConnectionRecord) -> Result<Hello, Error> {
    let front = record.listener().front();
    let (limits, since) = (front.hello, Instant::now());
    let is_introduced = front.proxies.contains(record.peer().ip());
    drop(front);
    // Judged before it enters, where it can be: who is refused pushes nobody out.
    let mut stay = match is_introduced {
        true => None,
        false => record.judge(record.client().ip())?,
    };
    let context = Arc::clone(record.context());
    let place = context.half_read.enter_at(record.listener().face as usize);
    let reading = async {
        if is_introduced {
            stay = introduce(client, record, limits.deadline).await?;
        }
        Ok::<_, Error>(hello::read(client, &limits, since, record.tally()).await?)
    };
    let mut hello = tokio::select! {
        hello = reading => hello?,
        () = place.is_taken() => return Err(Error::Crowded),
    };
    record.greeted(&mut hello, stay);
    Ok(hello)
}

/// Learns whom a proxy connects for, and whether that one may have one more connection. What the
/// proxy does for itself, as its checks, is not judged.
async fn introduce(
    client: &mut TcpStream,
    record: &ConnectionRecord,
    limit: Duration,
) -> Result<Option<Box<Stay>>, Error> {
    let header = proxy::read(client, limit).await?;
    let is_local = header.origin == Origin::Local;
    record.introduced(header);
    match is_local {
        true => Ok(None),
        false => Ok(record.judge(record.client().ip())?),
    }
}

/// Dials until an endpoint has taken the hello and, where it only leads on, somebody answers.
async fn dial(
    client: &mut TcpStream,
    hello: &Hello,
    destination: &Destination,
    (reach, replay_timeout, answer): (Reach, Duration, AnswerLimits),
    record: &mut ConnectionRecord,
) -> Result<ResetOnDrop, Error> {
    let mut dial = destination.pool.dial(Some(record.client().ip()), reach);
    let mut way = None;
    loop {
        let connected = dial
            .next()
            .await
            .map_err(|error| nobody(error, destination))?;
        if is_ourselves(client, &connected) {
            dial.led_nowhere(connected.endpoint, connected.address, LedNowhere::Ourselves);
            continue;
        }
        let leads_on = connected.endpoint.options().leads_on;
        // Asked only where it matters: it takes the pool's lock.
        let is_last = leads_on && !dial.has_others(&connected.endpoint);
        if leads_on && way.is_none() {
            let begun = record.context().on_the_way.begin(&hello.random);
            way = Some(begun.ok_or(Error::Circle)?);
        }
        let failed = dial.failed().iter().filter(|it| it.was_tried()).count();
        let mut upstream = ResetOnDrop::from(record.connected(connected, failed));
        let header = record.header(client);
        let replayed = replay(&mut upstream, &header, hello, replay_timeout).await;
        if !leads_on {
            replayed.map_err(Error::Replay)?;
            way.into_iter().for_each(Way::answered);
            return Ok(upstream);
        }
        // Half of what is left for each, so that one that hangs does not keep the others from being
        // asked.
        let answer = AnswerLimits {
            patience: answer.delivery.max(dial.left_time() / 2),
            ..answer
        };
        let first = match replayed {
            Ok(()) => tokio::select! {
                first = answer::first(client, &mut upstream, answer, is_last) => first,
                _ = poll_fn(|cx| record.poll_cut(cx)) => Err(LedNowhere::Left.into()),
            },
            Err(error) => Err(LedNowhere::Broken(error).into()),
        };
        match first {
            Ok(first) => {
                way.into_iter().for_each(Way::answered);
                if let Some(endpoint) = record.endpoint() {
                    dial.led_on(endpoint);
                }
                pass_on(client, &first, replay_timeout, record).await?;
                return Ok(upstream);
            }
            Err(Unanswered::Client(source)) => {
                let (side, op) = (Side::Client, Op::Read);
                return Err(RelayError::Broken { side, op, source }.into());
            }
            // Dropped, it is reset: nobody there needs what is on its way.
            Err(Unanswered::LedNowhere(why)) => leave(&mut dial, destination, record, why),
        }
    }
}

/// Whether the endpoint is the very address that the client came to: a host's name stands for this
/// gateway, and the connection would take one place after another. The configuration knows only of
/// addresses.
fn is_ourselves(client: &TcpStream, connected: &Connected) -> bool {
    let is_named = matches!(connected.endpoint.options().target.host, Host::Name(_));
    is_named
        && client
            .local_addr()
            .is_ok_and(|own| own == connected.address)
}

/// Nobody answers. Where only the gateways of a data centre know its names, their last word counts.
fn nobody(error: DialError, destination: &Destination) -> Error {
    let mut said = error
        .attempts()
        .iter()
        .rev()
        .filter_map(|it| match &it.error {
            AttemptError::LedNowhere(LedNowhere::Alert(alert)) => Some(*alert),
            _ => None,
        });
    let is_unknown = said.next() == Some(Alert::UnrecognizedName as u8);
    match destination.kind {
        RouteKind::Datacenter if is_unknown => Error::UnknownThere(error),
        _ => Error::Connect(error),
    }
}

/// Sends the hello behind the PROXY header, if there is one: in one write, so that the header costs
/// no packet of its own. A new connection has room for all of it, nearly always.
async fn replay(
    upstream: &mut TcpStream,
    header: &[u8],
    hello: &Hello,
    limit: Duration,
) -> io::Result<()> {
    let sent = send_pieces(upstream, &[header, &hello.bytes].map(IoSlice::new))?;
    let mut bytes = header.chain(&hello.bytes[..]);
    bytes.advance(sent);
    if !bytes.has_remaining() {
        return Ok(());
    }
    let replay = timeout(limit, upstream.write_all_buf(&mut bytes)).await;
    replay.map_err(io::Error::from).flatten()
}

/// Gives the client what was taken from the upstream to look at.
async fn pass_on(
    client: &mut TcpStream,
    first: &First,
    limit: Duration,
    record: &ConnectionRecord,
) -> Result<(), Error> {
    if first.bytes().is_empty() {
        return Ok(());
    }
    let passed = timeout(limit, client.write_all(first.bytes())).await;
    let passed = passed.map_err(io::Error::from).flatten();
    passed.map_err(|source| RelayError::Broken {
        side: Side::Client,
        op: Op::Write,
        source,
    })?;
    record
        .tally()
        .add(Side::Upstream, first.bytes().len() as u64);
    Ok(())
}

/// Goes on with the dial. What a gateway says of one service of a data centre is not held against
/// the gateway: it leads on to all of them.
fn leave(
    dial: &mut Dialling<'_>,
    destination: &Destination,
    record: &mut ConnectionRecord,
    why: LedNowhere,
) {
    if let Some((endpoint, address)) = record.left() {
        match (destination.kind, &why) {
            // Of the gateway itself it says that it is not there.
            (_, LedNowhere::Silent(_)) => dial.led_nowhere(endpoint, address, why),
            (RouteKind::Datacenter, _) | (_, LedNowhere::Left) => {
                dial.left(endpoint, address, why);
            }
            (RouteKind::Service | RouteKind::Adoption, _) => {
                dial.led_nowhere(endpoint, address, why);
            }
        }
    }
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
        assert!(bytes <= 500, "{bytes}");
    }
}
