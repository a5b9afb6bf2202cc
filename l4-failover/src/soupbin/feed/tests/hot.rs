//! A feed with a hot standby: which line brings which message.

use super::server::{Line, Server, text};
use super::{cursor, take};
use crate::soupbin::feed::{Feed, FeedBuilder, FeedEvent, FeedEvents, FeedFault};
use crate::soupbin::join::{OnMismatch, Standby, Why};
use crate::soupbin::packet::Packet;

/// Two servers, and a feed of both.
async fn pair() -> (Server, Server, FeedBuilder) {
    let (one, two) = (Server::start().await, Server::start().await);
    let feed = Feed::builder("test").primary(one.address());
    let feed = feed.backup(two.address()).standby(Standby::Hot);
    (one, two, feed)
}

/// A feed that has got the first twenty messages from the first line, and to which the second has
/// repeated what it was asked for.
async fn hot(feed: FeedBuilder, one: &Server, two: &Server) -> (Feed, Line, Line, FeedEvents) {
    let serve = async {
        let mut line = one.accept(1).await;
        line.tell(1..=20).await;
        line
    };
    let (feed, first) = tokio::join!(feed.connect(), serve);
    let mut feed = feed.unwrap();
    let mut events = feed.events();
    assert_eq!(take(&mut feed, 20).await, (1..=20).collect::<Vec<_>>());
    let mut second = two.line().await;
    let from = second.login.sequence.max(1);
    second.accept(from).await;
    second.tell(from..=20).await;
    let name = two.address();
    heard(&mut events, |event| match event {
        FeedEvent::StandingBy {
            line, is_verified, ..
        } => **line == *name && *is_verified,
        FeedEvent::Verified { line } => **line == *name,
        _ => false,
    })
    .await;
    (feed, first, second, events)
}

/// Waits for an event.
async fn heard(events: &mut FeedEvents, wanted: impl Fn(&FeedEvent) -> bool) -> FeedEvent {
    loop {
        let event = events.next().await.expect("the feed goes on");
        if wanted(&event) {
            return event;
        }
    }
}

#[tokio::test]
async fn each_message_comes_from_the_line_that_has_it_first() {
    let (one, two, feed) = pair().await;
    let (mut feed, mut first, mut second, mut events) = hot(feed, &one, &two).await;
    second.tell(21..=23).await;
    assert_eq!(take(&mut feed, 3).await, [21, 22, 23]);
    first.tell(21..=25).await;
    assert_eq!(take(&mut feed, 2).await, [24, 25]);
    let status = feed.status();
    let lines: Vec<_> = status
        .lines
        .iter()
        .map(|it| (it.stage, it.next, it.lag))
        .collect();
    assert!(lines.contains(&("standby", Some(24), Some(2))), "{lines:?}");
    drop(first);
    second.tell(24..=26).await;
    assert_eq!(take(&mut feed, 1).await, [26]);
    let joined = heard(&mut events, |it| matches!(it, FeedEvent::Joined(_))).await;
    let FeedEvent::Joined(joined) = joined else {
        panic!("{joined:?}")
    };
    assert_eq!((&*joined.to, joined.why), (&*two.address(), Why::Failover));
}

#[tokio::test]
async fn a_line_that_says_something_else_is_out() {
    for on_mismatch in [OnMismatch::Report, OnMismatch::Close] {
        let (one, two, feed) = pair().await;
        let feed = feed.on_mismatch(on_mismatch);
        let (mut feed, mut first, mut second, mut events) = hot(feed, &one, &two).await;
        first.tell(21..=22).await;
        assert_eq!(take(&mut feed, 2).await, [21, 22]);
        let same = text(21);
        let said = [
            Packet::Sequenced(same.as_bytes()),
            Packet::Sequenced(b"something else"),
        ];
        second.send(&said).await;
        let diverged = heard(&mut events, |it| matches!(it, FeedEvent::Diverged { .. })).await;
        let (line, sequence) = (two.address().into(), 22);
        assert_eq!(diverged, FeedEvent::Diverged { line, sequence });
        match on_mismatch {
            OnMismatch::Report => {
                first.tell([23]).await;
                assert_eq!(take(&mut feed, 1).await, [23]);
                let lines = feed.status().lines;
                let out = lines.iter().find(|it| *it.endpoint == *two.address());
                assert_eq!(out.and_then(|it| it.diverged), Some(22), "{lines:?}");
            }
            OnMismatch::Close => {
                let error = feed.next().await.unwrap_err();
                assert_eq!(error.fault, FeedFault::Mismatch { sequence });
                assert_eq!(feed.cursor(), cursor(23));
            }
        }
    }
}
