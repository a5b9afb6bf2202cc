//! What the port asks for, of whom, and how often.

use std::time::{Duration, Instant};

use super::super::{FanoutOptions, HistoryLimits};
use super::rig::{Port, credentials, options};
use crate::soupbin::bridge::FeedOptions;
use crate::soupbin::feed::tests::server::Server;
use crate::soupbin::packet::{Kind, Packet, Reject};

#[tokio::test]
async fn where_message_1_is_refused_the_newest_is_asked_for_at_once() {
    let server = Server::start().await;
    let port = Port::before(&[&server], options());
    let line = server.line().await;
    assert_eq!(line.login.sequence, 1);
    line.reject(Reject::SessionUnavailable).await;
    let mut line = server.line().await;
    assert!(line.login.session.is_blank() && line.login.sequence == 0);
    line.accept(70).await;
    line.tell([70]).await;
    port.stands_at(71).await;
    let mut consumer = port.consumer(0).await;
    assert_eq!(consumer.accepted().await.1, 70);
    consumer.gets([70]).await;
}

#[tokio::test]
async fn a_past_without_end_is_left_before_the_newest_is_asked_for() {
    let server = Server::start().await;
    let port = Port::before(&[&server], options());
    let mut line = server.accept(1).await;
    // So long a past is not waited for, at whatever pace: the pauses make it one of 120 000 a second.
    let mut next = 1;
    let repeat = async {
        loop {
            line.tell(next..next + 6000).await;
            next += 6000;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let mut newest = tokio::select! {
        newest = server.line() => newest,
        () = repeat => unreachable!("it goes on"),
    };
    let rest = line.rest().await;
    assert_eq!(rest.last(), Some(&Kind::Logout));
    assert_eq!(newest.login.sequence, 0);
    newest.accept(next).await;
    port.stands_at(next).await;
    // It need not be found out again.
    let address = server.address();
    drop((newest, server));
    port.has_no_session().await;
    let again = Server::start_again(&address).await.line().await;
    assert!(again.login.session.is_blank() && again.login.sequence == 0);
}

#[tokio::test]
async fn who_refuses_the_credentials_is_let_alone_and_nobody_else() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let port = Port::before(&[&primary, &backup], options());
    primary.line().await.reject(Reject::NotAuthorized).await;
    let mut line = backup.accept(1).await;
    line.tell(1..=20).await;
    port.stands_at(21).await;
    let address = backup.address();
    drop((line, backup));
    port.has_no_session().await;
    let since = Instant::now();
    let backup = Server::start_again(&address).await;
    let served = async {
        let mut line = backup.accept(5).await;
        line.tell(5..=21).await;
        port.stands_at(22).await;
        line
    };
    tokio::select! {
        line = served => drop(line),
        _ = primary.line() => panic!("it refused"),
    }
    assert!(since.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn with_everybody_refusing_nobody_is_asked_again_until_a_reload() {
    let server = Server::start().await;
    let port = Port::before(&[&server], options());
    server.line().await.reject(Reject::NotAuthorized).await;
    let quiet = tokio::time::timeout(Duration::from_millis(700), server.line()).await;
    assert!(quiet.is_err(), "it is asked again");
    let mut waits = port.consumer(1).await;
    assert_eq!(waits.rejected().await, Reject::SessionUnavailable);
    let departure = waits.gone().await.departure;
    assert_eq!(departure, super::super::Departure::Refused);
    port.feed.change(options());
    port.fanout.changed();
    let mut line = server.accept(1).await;
    line.send(&[Packet::Sequenced(b"one")]).await;
    port.stands_at(2).await;
}

#[tokio::test]
async fn a_reload_while_the_past_is_taken_in_has_its_say() {
    let server = Server::start().await;
    let port = Port::before(&[&server], options());
    let mut line = server.accept(1).await;
    line.tell(1..=40).await;
    assert_eq!(port.fanout.status().history, None, "nobody is let in yet");
    let fanout = FanoutOptions {
        consumers: vec![credentials()],
        history: HistoryLimits {
            messages: 10,
            ..HistoryLimits::default()
        },
    };
    port.feed.change(FeedOptions {
        fanout: Some(fanout),
        ..options()
    });
    port.fanout.changed();
    port.stands_at(41).await;
    assert_eq!(port.fanout.status().history.unwrap().messages, 10);
}
