//! The end of a connection on the wire: with FIN, behind whole frames; with RST; within a frame.

use std::time::Duration;

use l4_failover::socket::cut::ResetOnDrop;
use l4_failover::socket::{Stream, is_delivered};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::time::{sleep, timeout};

use super::end::End;
use super::outgoing::Outgoing;

/// A client gets this long to close after FIN. Were the connection dropped with bytes unread, the
/// kernel would send a RST, which can overtake what is on its way.
const LINGER: Duration = Duration::from_secs(1);

/// Bytes of a client that are read after FIN, and forgotten.
const LINGER_BYTES: u64 = 256 * 1024;

/// How often it is asked whether the half of a frame has arrived.
const DELIVERED_ASK: Duration = Duration::from_millis(1);

/// Parts with a client; within `patience` it has to take what is still to be sent.
pub(super) async fn part(
    mut stream: ResetOnDrop<Stream>,
    mut outgoing: Outgoing,
    end: &End,
    patience: Duration,
) {
    let last_words = async {
        match end {
            End::Cut(_) => half(&mut stream, &mut outgoing).await,
            end if end.is_orderly() => rest(&mut stream, &mut outgoing).await,
            _ => Ok(()),
        }
    };
    let said = timeout(patience, last_words).await;
    // A client that does not take it sees that it was cut: dropped, the connection is reset.
    if end.is_orderly() && matches!(said, Ok(Ok(()))) {
        close(stream).await;
    }
}

/// The rest of a frame that was begun, and packets that wait.
async fn rest(stream: &mut Stream, outgoing: &mut Outgoing) -> std::io::Result<()> {
    outgoing.allow(0);
    while !outgoing.bytes().is_empty() {
        let count = stream.write(outgoing.bytes()).await?;
        outgoing.wrote(count);
    }
    stream.flush().await
}

/// Packets that wait, and half of a frame; they arrive before a RST can overtake them.
async fn half(stream: &mut Stream, outgoing: &mut Outgoing) -> std::io::Result<()> {
    // Behind a frame that was begun nothing comes any more.
    while outgoing.is_saying() && outgoing.is_between() {
        let count = stream.write(outgoing.bytes()).await?;
        outgoing.wrote(count);
    }
    stream.write_all(outgoing.half()).await?;
    stream.flush().await?;
    while !is_delivered(stream.tcp()) {
        sleep(DELIVERED_ASK).await;
    }
    Ok(())
}

async fn close(mut stream: ResetOnDrop<Stream>) {
    let closing = async {
        stream.shutdown().await?;
        let mut rest = (&mut *stream).take(LINGER_BYTES);
        copy(&mut rest, &mut sink()).await
    };
    // Who does not close in time is left with what it has.
    let _ = timeout(LINGER, closing).await;
    stream.end();
}
