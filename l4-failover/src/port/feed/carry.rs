//! A consumer's connection, from its first byte to its last.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::metrics::FeedSeries;
use super::news::News;
use crate::port::Error;
use crate::port::record::Record;
use crate::socket::Connection;
use crate::socket::cut::ResetOnDrop;
use crate::socket::live::Entry;
use crate::soupbin::bridge::{self, Carried, Lines, Progress, SharedFeed, Shown, Told, Watched};
use crate::soupbin::join::{End, JoinEvent, Stage};

/// For a consumer that was told that there is no login: what it sends is read until it leaves, so that
/// what it was told is not lost to a reset.
pub(super) const FAREWELL: Duration = Duration::from_secs(1);
/// For one whose session has ended: what is left of it may fill its socket's buffers, and one heartbeat
/// that nobody reads would lose it all.
const TAIL: Duration = Duration::from_secs(30);
/// Bytes that are read of it meanwhile, and dropped: more than its heartbeats are.
const FAREWELL_BYTES: usize = 256 * 1024;

/// Carries a consumer until its connection ends.
pub(in crate::port) async fn carry<C: Connection>(
    client: &mut ResetOnDrop<C>,
    record: &mut Record,
    feed: &SharedFeed,
) -> Result<(), Error> {
    let front = Arc::clone(record.front());
    let watched = Watched::new(record.entry().id, record.client());
    let mut told = Account::new(feed.show(watched), front.series.feed());
    let entry = Arc::clone(record.entry());
    let ended = {
        let consumer = Arc::clone(&told.shown.consumer);
        let lines = Lines {
            pool: &front.pool,
            feed,
            source: record.client().ip(),
        };
        let progress = Progress {
            tally: &entry.tally,
            next: consumer.progress(),
        };
        let news = News {
            port: &front.name,
            pool: &front.pool,
            whose: Some((entry.id, entry.client)),
        };
        let mut watch = |what: Told<'_>| {
            told.hear(what);
            if let (JoinEvent::Joined(_), Some((line, address))) = (what.event, what.joined) {
                record.joined(line, address);
            }
            news.tell(what);
        };
        let carried = bridge::carry(&mut **client, lines, progress, &mut watch);
        tokio::select! {
            carried = carried => Ok(carried),
            () = poll_fn(|cx| entry.poll_end(cx)) => Err(()),
        }
    };
    let Ok(Carried { end, is_whole }) = ended else {
        return Err(record.unwanted().await);
    };
    if end.is_orderly() && is_whole {
        part(client, &entry, farewell(&end)).await;
    }
    Err(Error::Feed(record.phase(), end))
}

/// How long a consumer is waited for that has everything it was to get, as far as its socket goes; none
/// if it left by itself.
pub(super) fn farewell(end: &End) -> Option<Duration> {
    match end {
        End::Logout | End::Closed => None,
        End::EndOfSession | End::SessionGone => Some(TAIL),
        _ => Some(FAREWELL),
    }
}

/// Ends the connection with FIN, and waits until the consumer has taken all and ended it, too: not for
/// longer than this, nor if the connection is to be ended.
pub(super) async fn part<C: Connection, T>(
    client: &mut ResetOnDrop<C>,
    entry: &Entry<T>,
    wait: Option<Duration>,
) {
    let last = async {
        if client.shutdown().await.is_ok() && wait.is_some() {
            read_to_end(&mut **client).await;
        }
    };
    tokio::select! {
        _ = timeout(wait.unwrap_or(FAREWELL), last) => {}
        () = poll_fn(|cx| entry.poll_end(cx)) => return,
    }
    client.end();
}

/// Reads what comes, as far as it is waited for.
async fn read_to_end(client: &mut (impl AsyncRead + Unpin)) {
    let (mut buffer, mut all) = ([0; 1024], 0);
    while all < FAREWELL_BYTES {
        match client.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => all += read,
        }
    }
}

/// Keeps what others see of a consumer true, until it is gone.
struct Account {
    shown: Shown,
    series: Arc<FeedSeries>,
    is_waiting: bool,
    has_standby: bool,
}

impl Account {
    fn new(shown: Shown, series: &Arc<FeedSeries>) -> Self {
        Self {
            shown,
            series: Arc::clone(series),
            is_waiting: false,
            has_standby: false,
        }
    }

    fn hear(&mut self, told: Told<'_>) {
        self.shown.told(told);
        self.series.happened(told.event);
        let mut lines = told.status.lines.iter();
        self.stands_by(lines.any(|line| line.stage == Stage::Standby));
        match told.event {
            JoinEvent::FailoverStarted { .. } => self.waits(true),
            JoinEvent::Joined(_) => self.waits(false),
            _ => {}
        }
    }

    fn waits(&mut self, now: bool) {
        self.series.waits(self.is_waiting, now);
        self.is_waiting = now;
    }

    fn stands_by(&mut self, now: bool) {
        self.series.stands_by(self.has_standby, now);
        self.has_standby = now;
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.waits(false);
        self.stands_by(false);
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::{Instant, interval};

    use super::*;
    use crate::socket::live::Live;

    /// A stream whose buffers are full, its peer, and how many bytes the peer has yet to read.
    async fn full() -> (ResetOnDrop<TcpStream>, TcpStream, usize) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let stream = listener.accept().await.unwrap().0;
        stream.writable().await.unwrap();
        let mut all = 0;
        while let Ok(written) = stream.try_write(&[b'x'; 64 * 1024]) {
            all += written;
        }
        (ResetOnDrop::from(stream), peer, all)
    }

    fn entry() -> Arc<Entry<()>> {
        let live = Live::new(1, 1);
        let client = "192.0.2.1:5".parse().unwrap();
        live.open(live.try_reserve().unwrap(), 0, client, ())
    }

    #[tokio::test]
    async fn a_consumer_that_is_slow_and_says_that_it_lives_has_all_of_it() {
        let (mut stream, mut peer, all) = full().await;
        let parting = tokio::spawn(async move {
            part(&mut stream, &entry(), farewell(&End::EndOfSession)).await;
        });
        let (mut beats, began) = (interval(Duration::from_millis(100)), Instant::now());
        while began.elapsed() < FAREWELL + Duration::from_millis(300) {
            beats.tick().await;
            peer.write_all(b"\0\x01R").await.unwrap();
        }
        let mut came = Vec::new();
        peer.read_to_end(&mut came).await.unwrap();
        assert_eq!(came.len(), all);
        drop(peer);
        parting.await.unwrap();
    }

    #[tokio::test]
    async fn one_that_is_to_be_ended_and_one_that_never_stops_are_not_waited_for() {
        let (mut stream, _peer, _) = full().await;
        let entry = entry();
        entry.end();
        part(&mut stream, &entry, Some(TAIL)).await;

        let (mut stream, mut peer, _) = full().await;
        let flood = tokio::spawn(async move { while peer.write_all(&[0; 4096]).await.is_ok() {} });
        let began = Instant::now();
        part(&mut stream, &self::entry(), Some(TAIL)).await;
        drop(stream);
        flood.await.unwrap();
        assert!(began.elapsed() < TAIL);
    }
}
