//! A consumer's connection, from its first byte to its last.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::metrics::FeedSeries;
use super::news::News;
use crate::port::Error;
use crate::port::record::Record;
use crate::socket::Connection;
use crate::socket::cut::ResetOnDrop;
use crate::soupbin::bridge::{self, Carried, Lines, Progress, SharedFeed, Shown, Told, Watched};
use crate::soupbin::join::{End, JoinEvent, Stage};

/// For the last bytes of a consumer that was told that it is over: they are read, so that what it
/// was told is not lost to a reset.
const FAREWELL: Duration = Duration::from_secs(1);

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
            () = std::future::poll_fn(|cx| entry.poll_end(cx)) => Err(()),
        }
    };
    let Ok(Carried { end, is_whole }) = ended else {
        return Err(record.unwanted().await);
    };
    if end.is_orderly() && is_whole {
        part(client, !matches!(end, End::Logout | End::Closed)).await;
    }
    Err(Error::Feed(record.phase(), end))
}

/// Ends the connection with FIN, after what the consumer was told, if it was.
pub(super) async fn part<C: Connection>(client: &mut ResetOnDrop<C>, is_told: bool) {
    if client.shutdown().await.is_ok() && is_told {
        let last = async { while client.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {} };
        let _ = timeout(FAREWELL, last).await;
    }
    client.end();
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
