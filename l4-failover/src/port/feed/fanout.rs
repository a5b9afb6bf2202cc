//! A consumer's connection at a port that has one login for all of them.

use std::future::poll_fn;
use std::sync::Arc;

use super::carry::part;
use super::metrics::FeedSeries;
use super::news::News;
use crate::pool::Pool;
use crate::port::Error;
use crate::port::record::Record;
use crate::socket::Connection;
use crate::socket::cut::ResetOnDrop;
use crate::soupbin::bridge::{SharedFeed, Told, Watched};
use crate::soupbin::fanout::{self, Departure, Fanout, Heard, Seen, Served};
use crate::soupbin::join::{End, JoinEvent};

/// The one login of a port: what happens to its lines is counted and told as the port's.
pub(crate) fn fanout(
    name: &Arc<str>,
    feed: &SharedFeed,
    pool: &Pool,
    series: &Arc<FeedSeries>,
) -> Fanout {
    let (port, series, told_to) = (Arc::clone(name), Arc::clone(series), pool.clone());
    let watch = move |told: Told<'_>| {
        series.happened(told.event);
        let news = News {
            port: &port,
            pool: &told_to,
            whose: None,
        };
        news.tell(told);
    };
    Fanout::new(
        Arc::clone(name),
        feed.clone(),
        pool.clone(),
        Box::new(watch),
    )
}

/// Serves a consumer until its connection ends.
pub(in crate::port) async fn serve<C: Connection>(
    client: &mut ResetOnDrop<C>,
    record: &mut Record,
    (feed, fanout): (&SharedFeed, &Fanout),
) -> Result<(), Error> {
    let (front, entry) = (Arc::clone(record.front()), Arc::clone(record.entry()));
    let shown = feed.show(Watched::new(entry.id, entry.client));
    let consumer = Arc::clone(&shown.consumer);
    let (series, whose) = (
        Arc::clone(front.series.feed()),
        Some((entry.id, entry.client)),
    );
    let watch = {
        let (front, series) = (Arc::clone(&front), Arc::clone(&series));
        move |told: Told<'_>| {
            series.happened(told.event);
            let (port, pool) = (&*front.name, &front.pool);
            News { port, pool, whose }.tell(told);
        }
    };
    let served = {
        let (port, pool) = (&*front.name, &front.pool);
        let mut hear = |heard: Heard| match heard {
            Heard::Admitted => record.admitted(consumer.user()),
            Heard::Dropped(messages) => {
                series.happened(&JoinEvent::UnsequencedDropped { messages });
                News { port, pool, whose }.dropped(messages);
            }
        };
        let seen = Seen {
            consumer: &consumer,
            tally: &entry.tally,
            hear: &mut hear,
            watch: Arc::new(watch),
        };
        tokio::select! {
            served = fanout::serve(&mut **client, fanout, seen) => Ok(served),
            () = poll_fn(|cx| entry.poll_end(cx)) => Err(()),
        }
    };
    let Ok(Served {
        departure,
        is_whole,
    }) = served
    else {
        return Err(record.unwanted().await);
    };
    if departure.is_orderly() && is_whole {
        let has_left = matches!(departure, Departure::Own(End::Logout | End::Closed));
        part(client, &entry, !has_left).await;
    }
    Err(match departure {
        Departure::Own(end) => Error::Feed(record.phase(), end),
        departure => Error::Fanout(record.phase(), departure),
    })
}
