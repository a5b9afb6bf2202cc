//! Lines of a consumer's own, for what is older than the history.

use std::time::Duration;

use tokio::time::timeout;

use super::super::{Departure, FanoutOptions, HistoryLimits};
use super::rig::{Port, credentials, options};
use crate::soupbin::bridge::FeedOptions;
use crate::soupbin::feed::tests::server::{Line, SESSION, Server};
use crate::soupbin::join::End;
use crate::soupbin::packet::{Kind, Reject};

/// A port that keeps ten messages, of forty; its server, and its line.
async fn of_forty() -> (Port, Server, Line) {
    let server = Server::start().await;
    let fanout = FanoutOptions {
        consumers: vec![credentials()],
        history: HistoryLimits {
            messages: 10,
            ..HistoryLimits::default()
        },
    };
    let port = Port::before(
        &[&server],
        FeedOptions {
            fanout: Some(fanout),
            ..options()
        },
    );
    let mut line = server.accept(1).await;
    line.tell(1..=40).await;
    port.stands_at(41).await;
    (port, server, line)
}

#[tokio::test]
async fn after_one_was_refused_there_are_none_for_a_while() {
    let (port, server, mut line) = of_forty().await;
    let mut consumer = port.consumer(1).await;
    let own = server.line().await;
    assert_eq!(
        (own.login.session.as_str(), own.login.sequence),
        (SESSION, 1)
    );
    own.reject(Reject::NotAuthorized).await;
    assert_eq!(consumer.rejected().await, Reject::SessionUnavailable);
    let departure = consumer.gone().await.departure;
    let is_said = matches!(departure, Departure::NotCaughtUp { requested: 1, .. });
    assert!(is_said, "{departure:?}");
    let mut next = port.consumer(1).await;
    assert_eq!(next.rejected().await, Reject::SessionUnavailable);
    let asked = timeout(Duration::from_millis(50), server.line()).await;
    assert!(asked.is_err(), "it is asked again");
    // Who needs none is served, and a reload may have mended it.
    line.tell([41]).await;
    let mut held = port.consumer(40).await;
    assert_eq!(held.accepted().await.1, 40);
    held.gets([40, 41]).await;
    port.fanout.changed();
    let _third = port.consumer(1).await;
    assert_eq!(server.line().await.login.sequence, 1);
}

#[tokio::test]
async fn a_line_that_cannot_answer_in_time_says_why() {
    let (port, server, _line) = of_forty().await;
    let mut consumer = port.consumer(20).await;
    let _own = server.accept(5).await;
    assert_eq!(consumer.rejected().await, Reject::SessionUnavailable);
    let (requested, next) = (20, 5);
    let end = End::BeyondEnd { requested, next };
    let departure = Departure::NotCaughtUp { requested, end };
    assert_eq!(consumer.gone().await.departure, departure);
}

#[tokio::test]
async fn where_nothing_is_held_to_compare_by_the_line_is_left_after_a_moment() {
    let server = Server::start().await;
    let port = Port::before(&[&server], options());
    server.line().await.reject(Reject::SessionUnavailable).await;
    let mut line = server.accept(50).await;
    port.stands_at(50).await;
    let mut consumer = port.consumer(40).await;
    let mut own = server.accept(40).await;
    own.tell(40..=49).await;
    assert_eq!(consumer.accepted().await.1, 40);
    consumer.gets(40..=49).await;
    let rest = async {
        while let Some((kind, _)) = own.frame().await {
            match kind {
                Kind::Logout => return,
                _ => own.beat().await,
            }
        }
        panic!("it logs out");
    };
    tokio::select! {
        () = rest => {}
        () = line.live() => unreachable!("it lives on"),
    }
    assert_eq!(port.fanout.status().catching_up, 0);
    line.tell([50]).await;
    consumer.gets([50]).await;
}
