//! A program's own feed over simulated feeds, which are processes of their own and are killed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use l4_failover::EndpointOptions;
use l4_failover::probe::CheckOptions;
use l4_failover::socket::tls::TlsOptions;
use l4_failover::soupbin::feed::{
    ConnectError, Cursor, Feed, FeedBuilder, FeedEvent, FeedEvents, FeedFault,
};
use l4_failover::soupbin::join::{OnMismatch, Standby, Why};
use l4_failover::soupbin::packet::{LoginAccepted, Packet};
use serde_json::Value;
use soupbintcp_sim::day::Day;
use tests::config::dc1;
use tests::feed::began;
use tests::pki::Authority;
use tests::process::{PATIENCE, run, until};
use tests::terminator::Terminator;
use tests::{feed, gateway, sim_program};
use tokio::time::timeout;

const SEED: u64 = 7;

/// Two feeds that stand at the same place, at 2000 messages a second.
fn twins(flags: &[&str]) -> [feed::Feed; 2] {
    let start = began(5.0);
    let flags = [&["--rate=2000", "--seed=7", start.as_str()], flags].concat();
    [feed!(&flags), feed!(&flags)]
}

/// What their lines are called.
fn names(feeds: &[feed::Feed; 2]) -> [String; 2] {
    feeds.each_ref().map(|it| it.address().to_string())
}

fn of(feeds: &[feed::Feed; 2]) -> FeedBuilder {
    let [primary, backup] = names(feeds);
    let check = CheckOptions {
        interval: Duration::from_millis(400),
        fast_interval: Duration::from_millis(50),
        timeout: Duration::from_millis(390),
        rise: 1,
        fall: 2,
        ..CheckOptions::default()
    };
    let feed = Feed::builder("itch").primary(primary).backup(backup);
    feed.check(check)
}

/// Takes messages, each of which must be the one that the seed has next.
async fn take(feed: &mut Feed, count: u64) {
    let day = Day::new(SEED);
    let mut expected = day.from(feed.cursor().next());
    for _ in 0..count {
        let message = timeout(PATIENCE, feed.next()).await.unwrap();
        let message = message.unwrap().expect("the session goes on");
        assert_eq!(message.sequence(), expected.number());
        assert!(
            message.payload() == expected.next(),
            "{}",
            message.sequence()
        );
    }
}

async fn take_to(feed: &mut Feed, number: u64) {
    let count = number - feed.cursor().next();
    take(feed, count).await;
}

/// The next line that is joined after that of the login: its name, and why.
async fn joined(events: &mut FeedEvents) -> (String, Why) {
    loop {
        let event = timeout(PATIENCE, events.next()).await.unwrap();
        if let FeedEvent::Joined(joined) = event.expect("the feed goes on")
            && joined.why != Why::Login
        {
            return (joined.to.to_string(), joined.why);
        }
    }
}

/// The line of one is killed, and that of the other carries the feed on.
async fn killed(
    feeds: &mut [feed::Feed; 2],
    dead: usize,
    feed: &mut Feed,
    events: &mut FeedEvents,
) {
    let other = 1 - dead;
    feeds[dead].kill();
    take_to(feed, feeds[other].newest() + 500).await;
    let name = names(feeds)[other].clone();
    assert_eq!(joined(events).await, (name, Why::Failover));
    feeds[dead].start_again();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_goes_on_where_it_stopped_before_a_restart() {
    let feeds = twins(&[]);
    let mut feed = of(&feeds).connect().await.unwrap();
    take(&mut feed, 1000).await;
    let kept = serde_json::to_string(&feed.cursor()).unwrap();
    drop(feed);
    let cursor: Cursor = serde_json::from_str(&kept).unwrap();
    assert_eq!(cursor.to_string(), "1001@FEED000001");
    let mut feed = of(&feeds).resume(cursor).connect().await.unwrap();
    take(&mut feed, 1000).await;
    assert_eq!(feed.close().await.next(), 2001);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_is_killed_costs_no_message() {
    let mut feeds = twins(&[]);
    let mut feed = of(&feeds).connect().await.unwrap();
    let mut events = feed.events();
    take(&mut feed, 3000).await;
    for nth in [0, 1, 0] {
        killed(&mut feeds, nth, &mut feed, &mut events).await;
    }
    assert!(feed.status().is_verified);
}

/// Takes messages until both lines are there, and the second is trusted.
async fn take_until_hot(feed: &mut Feed) {
    let begun = Instant::now();
    loop {
        take(feed, 10).await;
        let lines = feed.status().lines;
        let mut beside = lines.iter().filter(|line| line.stage == "standby");
        if beside.any(|line| line.is_verified) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{lines:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hot_line_that_is_killed_costs_no_message() {
    let mut feeds = twins(&[]);
    let mut feed = of(&feeds).standby(Standby::Hot).connect().await.unwrap();
    let mut events = feed.events();
    for nth in [0, 1, 0] {
        take_until_hot(&mut feed).await;
        for feed in &feeds {
            assert_eq!(feed.clients().len(), 1);
        }
        killed(&mut feeds, nth, &mut feed, &mut events).await;
    }
    assert!(feed.status().is_verified);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hot_line_that_differs_is_out_or_ends_the_feed() {
    for on_mismatch in [OnMismatch::Report, OnMismatch::Close] {
        let feeds = twins(&[]);
        let name: std::sync::Arc<str> = feeds[1].address().to_string().into();
        let feed = of(&feeds).standby(Standby::Hot).on_mismatch(on_mismatch);
        let mut feed = feed.connect().await.unwrap();
        take_until_hot(&mut feed).await;
        let mut events = feed.events();
        // So late that the consumer has had the true one long before.
        feeds[1].order("lag 500");
        let sequence = feeds[1].newest() + 1000;
        feeds[1].order(&format!("corrupt {sequence}"));
        let (line, wanted) = (name.clone(), sequence);
        let diverged = tokio::spawn(async move {
            let wanted = FeedEvent::Diverged {
                line,
                sequence: wanted,
            };
            while timeout(PATIENCE, events.next()).await.unwrap().as_ref() != Some(&wanted) {}
        });
        take_to(&mut feed, sequence + 1).await;
        let fault = loop {
            match timeout(PATIENCE, feed.next()).await.unwrap() {
                Ok(_) if diverged.is_finished() && on_mismatch == OnMismatch::Report => break None,
                Ok(message) => assert!(message.is_some()),
                Err(error) => break Some(error.fault),
            }
        };
        diverged.await.unwrap();
        match on_mismatch {
            OnMismatch::Close => assert_eq!(fault, Some(FeedFault::Mismatch { sequence })),
            OnMismatch::Report => {
                take(&mut feed, 1000).await;
                let lines = feed.status().lines;
                let out = lines.iter().find(|line| line.endpoint == name);
                assert_eq!(out.unwrap().diverged, Some(sequence), "{lines:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_moves_it_and_it_misses_nothing() {
    let feeds = twins(&[]);
    let mut feed = of(&feeds).live().connect().await.unwrap();
    let (handle, mut events) = (feed.handle(), feed.events());
    take(&mut feed, 100).await;
    let operator = tokio::spawn(async move {
        handle.failover().await.unwrap();
        let there = joined(&mut events).await;
        handle.failback(false).await.unwrap();
        (there, joined(&mut events).await)
    });
    take(&mut feed, 100).await;
    while !operator.is_finished() {
        take(&mut feed, 10).await;
    }
    let [primary, backup] = names(&feeds).map(|name| (name, Why::Preferred));
    assert_eq!(operator.await.unwrap(), (backup, primary));
    take(&mut feed, 100).await;
}

#[test]
fn a_line_may_lead_through_a_gateway() {
    let (authority, files) = (Authority::default(), tempfile::tempdir().unwrap());
    let [mut here, there] = twins(&[]);
    let identity = authority.issue(&["currency.dc1"]).server();
    let terminator = Terminator::before(there.address(), identity);
    let gateway = gateway!(dc1("", &[terminator.address()], ""));
    let tls = TlsOptions {
        server_name: "currency.dc1".to_owned(),
        ca: Some(authority.write(files.path())),
        identity: None,
    };
    let behind = EndpointOptions {
        tls: Some(tls),
        ..EndpointOptions::at(gateway.listen().to_string().parse().unwrap())
    };
    let name = behind.name();
    // Not a test of tokio's: the terminator has a runtime of its own.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let feed = Feed::builder("itch").primary(here.address().to_string());
        let mut feed = feed.backup_endpoint(behind).connect().await.unwrap();
        let mut events = feed.events();
        take(&mut feed, 2000).await;
        here.kill();
        take_to(&mut feed, there.newest() + 100).await;
        assert_eq!(joined(&mut events).await, (name, Why::Failover));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_slowly_loses_nothing() {
    let feeds = twins(&[]);
    let mut feed = of(&feeds).buffer(4096).connect().await.unwrap();
    let mut events = feed.events();
    take(&mut feed, 1).await;
    // The buffer is full when the line has gone on and the consumer has not.
    until("the buffer is full", || feed.status().next > Some(100));
    let held = feed.status().next;
    assert!(
        held < Some(5000),
        "10 000 messages were there, and are not all taken in: {held:?}"
    );
    take(&mut feed, 5000).await;
    assert!(feed.status().next > held);
    assert!(feed.status().lines.iter().all(|line| line.fault.is_none()));
    drop(feed);
    while let Some(event) = events.next().await {
        assert!(!matches!(event, FeedEvent::LineDown { .. }), "{event:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_is_dropped_is_gone_from_the_server() {
    let feeds = twins(&[]);
    let mut feed = of(&feeds).connect().await.unwrap();
    take(&mut feed, 10).await;
    assert_eq!(feeds[0].clients().len(), 1);
    let handle = feed.handle();
    drop(feed);
    until("the line is gone", || feeds[0].clients().is_empty());
    let mut events = handle.events();
    // The task is gone.
    while timeout(PATIENCE, events.next()).await.unwrap().is_some() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_session_is_one_and_its_cursor_is_of_no_use() {
    let start = began(0.0);
    let flags = ["--rate=1000", "--seed=7", "--messages=2000", start.as_str()];
    let feeds = [feed!(&flags), feed!(&flags)];
    let mut feed = of(&feeds).connect().await.unwrap();
    take(&mut feed, 2000).await;
    let end = timeout(PATIENCE, feed.next()).await.unwrap();
    assert_eq!(end, Ok(None));
    let cursor = feed.cursor();
    assert_eq!(cursor.next(), 2001);

    let tomorrow = twins(&["--session=FEED000002"]);
    let Err(ConnectError::Feed(error)) = of(&tomorrow).resume(cursor).connect().await else {
        panic!("that session is over");
    };
    let session = cursor.session();
    assert_eq!(error.fault, FeedFault::SessionUnavailable { session });
    let named: HashSet<_> = error.lines.iter().map(|line| &*line.endpoint).collect();
    assert_eq!(named.len(), 2, "{error}");
}

#[test]
fn the_simulators_consumer_takes_several_lines_for_one_feed() {
    let mut feeds = twins(&[]);
    let [primary, backup] = names(&feeds);
    let mut command = std::process::Command::new(sim_program!());
    let words = "--verify-seed 7 --count 16000 --json --for 25s".split(' ');
    command.arg("consume").arg(primary).arg(backup).args(words);
    let consuming = std::thread::spawn(move || run(&mut command));
    until("it consumes", || !feeds[0].clients().is_empty());
    feeds[0].kill();
    let output = consuming.join().unwrap();
    assert!(output.status.success(), "{output:?}");
    let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
    let wanted = [
        ("messages", 16000),
        ("first", 1),
        ("last", 16000),
        ("gaps", 0),
        ("duplicates", 0),
        ("disconnects", 0),
        ("lines_lost", 1),
        ("lines_joined", 1),
    ];
    for (key, value) in wanted {
        assert_eq!(verdict[key], value, "{verdict}");
    }
    assert!(verdict["failover_ms_max"].as_f64().unwrap() > 0.0);
}

/// A server of one session of messages that were made before; checks come and go.
fn made(messages: u64) -> SocketAddr {
    let mut bytes = Vec::new();
    let session = "FEED000001".parse().unwrap();
    let accepted = LoginAccepted {
        session,
        sequence: 1,
    };
    Packet::LoginAccepted(accepted).encode(&mut bytes).unwrap();
    let day = Day::new(SEED);
    let mut made = day.from(1);
    for _ in 0..messages {
        Packet::Sequenced(made.next()).encode(&mut bytes).unwrap();
    }
    Packet::EndOfSession.encode(&mut bytes).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut login) = (stream.unwrap(), [0; 49]);
            if stream.read_exact(&mut login).is_ok() {
                // Heartbeats that nobody reads would reset the connection. The consumer may leave.
                let _ = stream.write_all(&bytes);
                let _ = std::io::copy(&mut stream, &mut std::io::sink());
            }
        }
    });
    address
}

/// `cargo test --release -p tests --test feed_api -- --ignored --nocapture messages_per`
#[tokio::test]
#[ignore = "a measurement, which wants a release build and a quiet machine"]
async fn messages_per_second_of_one_core() {
    const MESSAGES: u64 = 1_000_000;
    let address = made(MESSAGES).to_string();
    for is_batched in [false, true] {
        let feed = Feed::builder("speed").primary(&address).connect();
        let (mut feed, mut bytes, begun) = (feed.await.unwrap(), 0, Instant::now());
        match is_batched {
            false => {
                while let Some(message) = feed.next().await.unwrap() {
                    bytes += message.payload().len();
                }
            }
            true => {
                while let Some(batch) = feed.next_batch().await.unwrap() {
                    bytes += batch.iter().map(|(_, it)| it.len()).sum::<usize>();
                }
            }
        }
        let rate = MESSAGES as f64 / begun.elapsed().as_secs_f64();
        assert_eq!(feed.cursor().next(), MESSAGES + 1);
        println!(
            "batched {is_batched}: {:.2} million/s, {bytes} bytes",
            rate / 1e6
        );
    }
}
