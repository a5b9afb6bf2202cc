//! Feeds over real sockets, and a server that says what a test has it say.

mod hot;
pub(in crate::soupbin) mod server;

use std::time::Duration;

use super::{Batch, ConnectError, Cursor, Feed, FeedError, FeedEvent, FeedFault, Message};
use crate::choice::Failback;
use crate::soupbin::join::{LineFault, LineOptions, OnGap, Why};
use crate::soupbin::packet::{Credentials, CredentialsError, Kind, Packet, Reject};
use server::{SESSION, Server, text};

/// What `connect` failed by.
fn fault(result: Result<Feed, ConnectError>) -> FeedFault {
    match result {
        Err(ConnectError::Feed(error)) => error.fault,
        other => panic!("{other:?}"),
    }
}

/// Takes `count` messages, which must be what their numbers say.
async fn take(feed: &mut Feed, count: usize) -> Vec<u64> {
    let mut numbers = Vec::new();
    for _ in 0..count {
        let message = feed.next().await.unwrap().unwrap();
        assert_eq!(message.payload(), text(message.sequence()).as_bytes());
        numbers.push(message.sequence());
    }
    numbers
}

fn cursor(next: u64) -> Cursor {
    Cursor::new(SESSION.parse().unwrap(), next).unwrap()
}

#[tokio::test]
async fn a_session_is_taken_to_its_end() {
    let server = Server::start().await;
    let serve = async {
        let mut line = server.accept(1).await;
        assert!(line.login.session.is_blank() && line.login.sequence == 1);
        assert_eq!(line.login.credentials.username(), "trader");
        line.tell(1..=3).await;
        line.send(&[Packet::Debug(b"so far"), Packet::EndOfSession])
            .await;
        line.rest().await
    };
    let consume = async {
        let feed = server.feed().credentials("trader", "secret").connect();
        let mut feed = feed.await.unwrap();
        assert_eq!(take(&mut feed, 3).await, [1, 2, 3]);
        assert_eq!(feed.next().await, Ok(None));
        assert_eq!(feed.next().await, Ok(None));
        assert_eq!(feed.next_batch().await, Ok(None));
        assert_eq!(feed.cursor(), cursor(4));
    };
    tokio::join!(serve, consume);
}

#[tokio::test]
async fn a_cursor_is_where_it_goes_on() {
    let server = Server::start().await;
    let serve = async {
        let mut line = server.accept(40).await;
        assert_eq!(
            (line.login.session.as_str(), line.login.sequence),
            (SESSION, 40)
        );
        line.tell(40..=41).await;
        line.rest().await
    };
    let consume = async {
        let mut feed = server.feed().resume(cursor(40)).connect().await.unwrap();
        assert_eq!(feed.cursor(), cursor(40));
        assert_eq!(take(&mut feed, 1).await, [40]);
        assert_eq!(feed.cursor(), cursor(41));
        assert_eq!(feed.close().await, cursor(41));
    };
    let (rest, ()) = tokio::join!(serve, consume);
    assert_eq!(rest, [Kind::Logout]);
}

#[tokio::test]
async fn a_login_that_is_refused_says_so() {
    let server = Server::start().await;
    for (reject, named, wanted) in [
        (Reject::NotAuthorized, false, FeedFault::NotAuthorized),
        (
            Reject::SessionUnavailable,
            true,
            FeedFault::SessionUnavailable {
                session: SESSION.parse().unwrap(),
            },
        ),
    ] {
        let serve = async { server.line().await.reject(reject).await };
        let feed = server.feed().resume(named.then(|| cursor(7)));
        let (connected, ()) = tokio::join!(feed.connect(), serve);
        let Err(ConnectError::Feed(error)) = connected else {
            panic!("it is refused");
        };
        let said = error.to_string();
        assert!(
            said.starts_with("feed test: ") && said.contains(&server.address()),
            "{said}"
        );
        assert_eq!(error.fault, wanted);
    }
}

#[tokio::test]
async fn what_cannot_be_connected_to_says_so() {
    let gone = Server::start().await;
    let feed = gone.feed().connect_wait(Duration::from_millis(200));
    drop(gone);
    let waited = Duration::from_millis(200);
    assert_eq!(fault(feed.connect().await), FeedFault::NoLine { waited });

    let feed = Feed::builder("test").connect().await;
    assert!(matches!(feed, Err(ConnectError::Build(_))));
    let feed = Feed::builder("test").primary("127.0.0.1:1");
    let feed = feed.credentials("far too long", "").connect().await;
    let username = CredentialsError::Username;
    assert!(matches!(feed, Err(ConnectError::Credentials(error)) if error == username));
    let feed = Feed::builder("test").primary("127.0.0.1:1");
    let feed = feed.subscribe(vec![0; 65_535]).connect().await;
    assert!(matches!(
        feed,
        Err(ConnectError::Subscription { messages: 1, .. })
    ));
}

#[tokio::test]
async fn what_is_said_of_a_line_that_is_none_is_a_mistake() {
    let feed = || Feed::builder("test").primary("127.0.0.1:1");
    let other = LineOptions::default();
    let unknown = feed().line("localhost:1", other).connect().await;
    let error = unknown.unwrap_err().to_string();
    let is_clear = error.contains("\"localhost:1\"") && error.ends_with("there are: 127.0.0.1:1");
    assert!(is_clear, "{error}");
    let twice = feed().line("127.0.0.1:1", other).line("127.0.0.1:1", other);
    let error = twice.connect().await.unwrap_err();
    assert!(matches!(error, ConnectError::LineTwice(name) if name == "127.0.0.1:1"));
}

#[tokio::test]
async fn a_line_has_credentials_of_its_own() {
    let server = Server::start().await;
    let own = LineOptions {
        credentials: Credentials::new("own", "secret").ok(),
        ..LineOptions::default()
    };
    let feed = server.feed().credentials("trader", "");
    let feed = feed.line(server.address(), own).connect();
    let (feed, line) = tokio::join!(feed, server.accept(1));
    assert_eq!(line.login.credentials.username(), "own");
    let failback = feed.unwrap().status().pool.failback;
    assert_eq!(failback, Failback::Manual, "unless that is said");
}

#[tokio::test]
async fn a_session_that_begins_later_than_was_asked_for_is_a_gap() {
    let server = Server::start().await;
    let (connected, _line) = tokio::join!(server.feed().connect(), server.accept(50));
    assert_eq!(fault(connected), FeedFault::Gap { next: 1, first: 50 });
    let feed = server.feed().on_gap(OnGap::Report).connect();
    let (feed, mut line) = tokio::join!(feed, server.accept(50));
    line.tell([50]).await;
    assert_eq!(take(&mut feed.unwrap(), 1).await, [50]);
}

#[tokio::test]
async fn a_gap_ends_the_feed_or_keeps_the_numbers_true() {
    for on_gap in [OnGap::Close, OnGap::Report] {
        let server = Server::start().await;
        let feed = server.feed().on_gap(on_gap).connect();
        let (feed, mut line) = tokio::join!(feed, server.accept(1));
        let mut feed = feed.unwrap();
        line.tell(1..=3).await;
        assert_eq!(take(&mut feed, 3).await, [1, 2, 3]);
        let mut events = feed.events();
        drop(line);
        let mut line = server.accept(20).await;
        line.tell([20, 21]).await;
        match on_gap {
            OnGap::Close => {
                let FeedError { fault, .. } = feed.next().await.unwrap_err();
                assert_eq!(fault, FeedFault::Gap { next: 4, first: 20 });
                assert_eq!(feed.cursor(), cursor(4));
                assert!(feed.next().await.is_err());
            }
            OnGap::Report => {
                let numbers = tokio::select! {
                    numbers = take(&mut feed, 2) => numbers,
                    () = line.live() => unreachable!("it lives on"),
                };
                assert_eq!(numbers, [20, 21]);
                assert_eq!(feed.cursor(), cursor(22));
                while events.next().await != Some(FeedEvent::Gap { from: 4, to: 20 }) {}
            }
        }
    }
}

#[tokio::test]
async fn a_line_that_says_otherwise_is_told_and_not_joined() {
    let server = Server::start().await;
    let (feed, mut line) = tokio::join!(server.feed().connect(), server.accept(1));
    let mut feed = feed.unwrap();
    line.tell(1..=20).await;
    take(&mut feed, 20).await;
    let mut events = feed.events();
    drop(line);
    let mut line = server.accept(5).await;
    assert_eq!(line.login.sequence, 5);
    line.send(&[Packet::Sequenced(b"something else")]).await;
    loop {
        if let FeedEvent::LineDown { fault, line, .. } = events.next().await.unwrap()
            && let LineFault::Mismatch { sequence } = fault
        {
            assert_eq!((sequence, &*line), (5, &*server.address()));
            break;
        }
    }
    assert!(feed.status().outage.is_some());
    // It thinks better of it.
    let mut line = server.accept(5).await;
    line.tell(5..=21).await;
    assert_eq!(take(&mut feed, 1).await, [21]);
    let status = feed.status();
    assert!(status.is_verified && status.outage.is_none());
    assert_eq!(
        (status.session, status.next),
        (SESSION.parse().ok(), Some(22))
    );
}

#[tokio::test]
async fn an_outage_has_an_end_and_the_cursor_stays_good() {
    let server = Server::start().await;
    let outage = Duration::from_millis(300);
    let feed = server.feed().max_outage(outage).connect();
    let (feed, mut line) = tokio::join!(feed, server.accept(1));
    let mut feed = feed.unwrap();
    line.tell([1]).await;
    drop((line, server));
    assert_eq!(take(&mut feed, 1).await, [1]);
    let error = feed.next().await.unwrap_err();
    let (next, waited) = (2, outage);
    assert_eq!(error.fault, FeedFault::Outage { next, waited });
    assert!(error.to_string().contains("connection refused"), "{error}");
    assert_eq!(feed.next().await, Err(error));
    assert_eq!(feed.cursor(), cursor(2));
    // Who asks only now hears all of it, and nobody after.
    let (mut all, mut more) = (Vec::new(), feed.events());
    while let Some(event) = more.next().await {
        all.push(event);
    }
    let is_lost = |it: &FeedEvent| matches!(it, FeedEvent::FailoverStarted { next: 2, .. });
    assert!(all.iter().any(is_lost), "{all:?}");
    assert_eq!(feed.events().next().await, None);
}

#[tokio::test]
async fn what_happens_before_there_is_a_feed_is_heard() {
    let server = Server::start().await;
    let serve = async {
        drop(server.line().await);
        server.accept(1).await
    };
    let (feed, _line) = tokio::join!(server.feed().connect(), serve);
    let mut events = feed.unwrap().events();
    let first = events.next().await.unwrap();
    let is_closed = matches!(&first, FeedEvent::LineDown { line, fault: LineFault::Closed | LineFault::Broken(_), .. } if **line == *server.address());
    assert!(is_closed, "{first:?}");
    let up = events.next().await.unwrap();
    assert!(matches!(up, FeedEvent::LineUp { .. }), "{up:?}");
    let FeedEvent::Joined(joined) = events.next().await.unwrap() else {
        panic!("it is joined");
    };
    assert_eq!(
        (joined.from, joined.why, joined.next),
        (None, Why::Login, 1)
    );
}

#[tokio::test]
async fn a_subscription_goes_to_each_line() {
    let server = Server::start().await;
    let feed = server.feed().subscribe("AAPL").subscribe("MSFT").connect();
    let (feed, mut line) = tokio::join!(feed, server.accept(1));
    for _ in 0..2 {
        for wanted in ["AAPL", "MSFT"] {
            let came = line.frame().await.unwrap();
            assert_eq!(came, (Kind::Unsequenced, wanted.into()));
        }
        drop(line);
        line = server.accept(1).await;
    }
    drop(feed);
}

#[tokio::test]
async fn a_wait_that_is_given_up_loses_nothing() {
    let server = Server::start().await;
    let (feed, mut line) = tokio::join!(server.feed().connect(), server.accept(1));
    let mut feed = feed.unwrap();
    for number in 1..=50 {
        let soon = tokio::time::timeout(Duration::from_millis(1), feed.next());
        assert!(soon.await.is_err(), "nothing has come");
        line.tell([number]).await;
        assert_eq!(take(&mut feed, 1).await, [number]);
    }
}

#[tokio::test]
async fn messages_outlive_the_batch_and_the_feed() {
    let server = Server::start().await;
    let (feed, mut line) = tokio::join!(server.feed().connect(), server.accept(1));
    let mut feed = feed.unwrap();
    line.tell(1..=9).await;
    let first = feed.next().await.unwrap().unwrap();
    let mut kept = vec![first];
    while kept.len() < 9 {
        let batch: Batch = feed.next_batch().await.unwrap().unwrap();
        assert_eq!(
            (batch.sequence(), batch.len()),
            (kept.len() as u64 + 1, batch.iter().count())
        );
        assert_eq!(feed.cursor(), cursor(batch.sequence() + batch.len() as u64));
        kept.extend(batch);
    }
    drop(feed);
    let told = kept.iter().map(Message::payload);
    assert!(
        told.eq((1..=9)
            .map(text)
            .collect::<Vec<_>>()
            .iter()
            .map(String::as_bytes))
    );
    assert_eq!(line.rest().await, [Kind::Logout]);
}

#[tokio::test]
async fn a_feed_that_is_dropped_leaves_no_task_and_no_socket() {
    let server = Server::start().await;
    let (feed, mut line) = tokio::join!(server.feed().connect(), server.accept(1));
    let feed = feed.unwrap();
    let (handle, mut events) = (feed.handle(), feed.events());
    line.tell(1..=9).await;
    drop(feed);
    assert_eq!(line.rest().await, [Kind::Logout]);
    // The task has ended, though somebody looks on.
    while events.next().await.is_some() {}
    assert_eq!(handle.events().next().await, None);

    // A login that nobody waits for any more.
    let connecting = tokio::spawn(server.feed().connect());
    let line = server.line().await;
    connecting.abort();
    assert_eq!(line.rest().await, []);
}

#[tokio::test]
async fn who_takes_nothing_holds_up_the_line_and_is_not_cut() {
    let server = Server::start().await;
    let silence = Duration::from_millis(400);
    let feed = server.feed().buffer(0).silence(silence).connect();
    let (feed, mut line) = tokio::join!(feed, server.accept(1));
    let mut feed = feed.unwrap();
    let mut events = feed.events();
    line.tell(1..=1000).await;
    // Longer than the line may be silent; and a sign of life comes all the same.
    assert_eq!(
        line.frame().await,
        Some((Kind::ClientHeartbeat, Vec::new()))
    );
    line.tell(1001..=2000).await;
    assert_eq!(take(&mut feed, 2000).await, (1..=2000).collect::<Vec<_>>());
    drop(feed);
    while let Some(event) = events.next().await {
        assert!(!matches!(event, FeedEvent::LineDown { .. }), "{event:?}");
    }
}

#[tokio::test]
async fn who_takes_nothing_is_cut_where_that_is_wanted() {
    let server = Server::start().await;
    let allowed = Duration::from_millis(100);
    let feed = server.feed().buffer(0).stall(allowed).connect();
    let (feed, mut line) = tokio::join!(feed, server.accept(1));
    let mut feed = feed.unwrap();
    line.tell(1..=3).await;
    line.rest().await;
    // What had come before is not lost.
    assert_eq!(take(&mut feed, 3).await, [1, 2, 3]);
    assert_eq!(
        feed.next().await.unwrap_err().fault,
        FeedFault::Stalled { allowed }
    );
}
