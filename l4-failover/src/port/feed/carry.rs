//! A consumer's connection, from its first byte to its last.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};

use super::metrics::FeedSeries;
use super::news::News;
use crate::port::Error;
use crate::port::record::Record;
use crate::socket::Connection;
use crate::socket::cut::ResetOnDrop;
use crate::socket::live::Entry;
use crate::soupbin::bridge::{self, Carried, Lines, Progress, SharedFeed, Shown, Told, Watched};
use crate::soupbin::join::{End, JoinEvent, Stage};

/// For a consumer that was told that it is over, once it was sent everything: what it sends is read until
/// it leaves, so that what it was told is not lost to a reset.
const FAREWELL: Duration = Duration::from_secs(1);
/// Bytes that are read of it meanwhile, and dropped: more than its heartbeats are.
const FAREWELL_BYTES: usize = 256 * 1024;
/// Until it was sent everything: what is left of its session may fill its socket's buffers, and one
/// heartbeat that nobody reads would lose it all.
const TAIL: Duration = Duration::from_secs(30);
/// How often it is looked whether it was.
const TAIL_LOOK: Duration = Duration::from_millis(20);

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
        part(client, &entry, !matches!(end, End::Logout | End::Closed)).await;
    }
    Err(Error::Feed(record.phase(), end))
}

/// Ends the connection with FIN, after what the consumer was told, if it was. One that does not take that in
/// time is reset, and so is one that is to be ended.
pub(super) async fn part<C: Connection, T>(
    client: &mut ResetOnDrop<C>,
    entry: &Entry<T>,
    is_told: bool,
) {
    let last = async {
        let is_sent = !is_told || timeout(TAIL, all_sent(client.tcp())).await.is_ok();
        let farewell = async {
            if client.shutdown().await.is_ok() && is_told {
                read_to_end(&mut **client).await;
            }
        };
        // Who has everything need not end its side.
        let _ = timeout(FAREWELL, farewell).await;
        is_sent
    };
    let is_sent = tokio::select! {
        is_sent = last => is_sent,
        () = poll_fn(|cx| entry.poll_end(cx)) => false,
    };
    if is_sent {
        client.end();
    }
}

/// Waits until everything has left for the peer, or nothing more can.
async fn all_sent(stream: &TcpStream) {
    // From here on the socket counts as writable only when nothing waits in it to be sent.
    if SockRef::from(stream).set_tcp_notsent_lowat(1).is_err() {
        return;
    }
    let mut looks = interval(TAIL_LOOK);
    while !is_writable(stream) {
        looks.tick().await;
    }
}

/// Whether that is so now: the runtime hears only when it changes.
fn is_writable(stream: &TcpStream) -> bool {
    let mut polled = [PollFd::new(stream, PollFlags::OUT)];
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // One that cannot be asked is not waited for.
    poll(&mut polled, Some(&at_once)) != Ok(0)
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
    use tokio::net::TcpListener;
    use tokio::time::Instant;

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
            part(&mut stream, &entry(), true).await;
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
        part(&mut stream, &entry, true).await;

        let (mut stream, mut peer, all) = full().await;
        let mut came = vec![0; all];
        peer.read_exact(&mut came).await.unwrap();
        let flood = tokio::spawn(async move { while peer.write_all(&[0; 4096]).await.is_ok() {} });
        part(&mut stream, &self::entry(), true).await;
        drop(stream);
        flood.await.unwrap();
    }

    #[tokio::test]
    async fn one_that_has_everything_and_stays_is_not_waited_for_long() {
        let (mut stream, mut peer, all) = full().await;
        let mut came = vec![0; all];
        peer.read_exact(&mut came).await.unwrap();
        let began = Instant::now();
        part(&mut stream, &entry(), true).await;
        assert!(began.elapsed() < TAIL / 2);
        drop(stream);
        assert_eq!(peer.read(&mut [0]).await.unwrap(), 0);
    }
}
