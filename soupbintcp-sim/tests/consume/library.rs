//! The consumer in process.

use std::future::pending;
use std::time::{Duration, SystemTime};

use l4_failover::soupbin::packet::{Credentials, LoginAccepted, Packet, Reject};
use soupbintcp_sim::binary_file::Indexed;
use soupbintcp_sim::consumer::{self, Faults, Options, Scheduled};
use soupbintcp_sim::server::Schedule;

use crate::server::{Act, SEED, SESSION, serve};

fn options(address: std::net::SocketAddr) -> Options {
    let credentials = Credentials::new("user", "secret").unwrap();
    Options {
        seed: Some(SEED),
        ..Options::new(address.to_string(), credentials)
    }
}

#[tokio::test]
async fn a_whole_session_is_clean() {
    let script = vec![Act::Accept(None), Act::Send((1..=5000).collect()), Act::End];
    let (address, _server) = serve(vec![script]).await;
    let report = consumer::run(options(address), pending()).await.unwrap();
    assert!(report.is_clean(), "{report} {:?}", report.told);
    assert_eq!(
        (report.messages, report.first, report.last),
        (5000, Some(1), Some(5000))
    );
    assert!(report.latency.is_none());
}

#[tokio::test]
async fn it_ends_with_the_count_and_says_goodbye() {
    let script = vec![
        Act::Accept(None),
        Act::Send((40..=5000).collect()),
        Act::Idle,
    ];
    let (address, server) = serve(vec![script]).await;
    let mut options = options(address);
    options.login.sequence = 40;
    options.count = Some(100);
    let report = consumer::run(options, pending()).await.unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!(
        (report.messages, report.first, report.last),
        (100, Some(40), Some(139))
    );
    let logins = server.await.unwrap();
    assert_eq!(logins[0].sequence, 40);
    assert!(logins[0].session.is_blank());
}

#[tokio::test]
async fn it_ends_with_the_time() {
    let (address, _server) = serve(vec![vec![Act::Accept(None), Act::Idle]]).await;
    let mut options = options(address);
    options.duration = Some(Duration::from_millis(200));
    let report = consumer::run(options, pending()).await.unwrap();
    assert!(report.is_clean());
    assert_eq!(
        (report.messages, report.first, report.last),
        (0, None, None)
    );
    assert!(
        report
            .to_json()
            .starts_with(r#"{"messages":0,"first":null,"last":null,"gaps":0,"#)
    );
}

#[tokio::test]
async fn it_ends_with_the_time_though_every_message_is_wrong() {
    // To judge them all would take half a minute in a build without optimisation.
    let script = vec![
        Act::Accept(None),
        Act::Send((1..=60_000).collect()),
        Act::Idle,
    ];
    let (address, _server) = serve(vec![script]).await;
    let mut options = options(address);
    options.seed = Some(SEED + 1);
    options.duration = Some(Duration::from_secs(2));
    let report = consumer::run(options, pending()).await.unwrap();
    assert_eq!(report.faults.corrupt, report.messages);
    assert!((1..60_000).contains(&report.messages), "{report}");
}

#[tokio::test]
async fn it_ends_when_it_is_told_to() {
    let (address, _server) = serve(vec![vec![Act::Accept(None), Act::Idle]]).await;
    // Told by whoever wants it to end, at a moment when nothing happens.
    let shutdown = tokio::time::sleep(Duration::from_millis(50));
    let report = consumer::run(options(address), shutdown).await.unwrap();
    assert!(report.is_clean());
}

#[tokio::test]
async fn mistakes_of_the_stream_are_told_apart() {
    let numbers = (1..100)
        .chain(103..110)
        .chain(105..120)
        .chain([121, 120, 122]);
    let mut damaged = vec![0, 12];
    damaged.extend(b"Sof no seed.");
    let script = vec![
        Act::Accept(None),
        Act::Send(numbers.collect()),
        Act::Raw(damaged),
        Act::End,
    ];
    let (address, _server) = serve(vec![script]).await;
    let report = consumer::run(options(address), pending()).await.unwrap();
    let expected = Faults {
        gaps: 3,
        duplicates: 5,
        reorders: 1,
        corrupt: 1,
    };
    assert_eq!(report.faults, expected, "{:?}", report.told);
    assert_eq!(report.disconnects, 0);
    assert!(!report.is_clean());
}

#[tokio::test]
async fn every_end_but_that_of_the_session_is_a_disconnect() {
    let closed = "the server closed the connection, and the session had not ended";
    for (act, why) in [
        (Act::Raw(Vec::new()), closed),
        (Act::Raw(vec![0, 9, b'S', 1, 2]), closed),
        (Act::Reset, "the connection broke: "),
        (Act::Silence, "the server was silent for 0.3 s"),
        (
            Act::Raw(vec![0, 0]),
            "what came is no SoupBinTCP: a frame of length 0",
        ),
        (
            Act::Raw(b"\0\x01O".to_vec()),
            "the server broke the protocol: ",
        ),
    ] {
        let script = vec![Act::Accept(None), Act::Send(vec![1, 2, 3]), act.clone()];
        let (address, _server) = serve(vec![script]).await;
        let mut options = options(address);
        options.limits.silence = Duration::from_millis(300);
        let report = consumer::run(options, pending()).await.unwrap();
        assert_eq!(report.disconnects, 1, "{act:?}");
        assert!(
            report.causes[0].starts_with(why),
            "{act:?}: {:?}",
            report.causes
        );
        assert!(report.faults.is_clean() && !report.is_clean(), "{act:?}");
    }
}

#[tokio::test]
async fn it_comes_back_for_what_is_missing() {
    let scripts = vec![
        vec![Act::Accept(None), Act::Send((1..=500).collect())],
        vec![Act::Reject(Reject::SessionUnavailable)],
        vec![
            Act::Accept(None),
            Act::Send((501..=900).collect()),
            Act::End,
        ],
    ];
    let (address, server) = serve(scripts).await;
    let mut options = options(address);
    options.reconnects = true;
    let report = consumer::run(options, pending()).await.unwrap();
    assert_eq!(
        (report.messages, report.last, report.disconnects),
        (900, Some(900), 1)
    );
    assert!(report.faults.is_clean(), "{:?}", report.told);
    let logins = server.await.unwrap();
    assert_eq!(logins[2].sequence, 501);
    assert_eq!(logins[2].session.as_str(), SESSION);
}

#[tokio::test]
async fn without_a_seed_numbers_and_times_are_judged() {
    let scripts = vec![
        vec![Act::Accept(None), Act::Send((1..=50).collect())],
        vec![
            Act::Accept(Some(61)),
            Act::Send((61..=70).chain([66, 90, 80]).collect()),
            Act::End,
        ],
    ];
    let (address, _server) = serve(scripts).await;
    let mut options = options(address);
    (options.seed, options.reconnects) = (None, true);
    let report = consumer::run(options, pending()).await.unwrap();
    let expected = Faults {
        gaps: 10,
        duplicates: 1,
        reorders: 1,
        corrupt: 0,
    };
    assert_eq!(report.faults, expected, "{:?}", report.told);
}

#[tokio::test]
async fn who_comes_back_does_not_go_on_with_another_session() {
    let mut other = Vec::new();
    let accepted = LoginAccepted {
        session: "OTHER".parse().unwrap(),
        sequence: 4,
    };
    Packet::LoginAccepted(accepted).encode(&mut other).unwrap();
    let scripts = vec![
        vec![Act::Accept(None), Act::Send(vec![1, 2, 3])],
        vec![Act::Raw(other), Act::Send(vec![10, 11])],
        vec![Act::Accept(None), Act::Send(vec![4, 5]), Act::End],
    ];
    let (address, server) = serve(scripts).await;
    let mut options = options(address);
    options.reconnects = true;
    let report = consumer::run(options, pending()).await.unwrap();
    assert!(report.faults.is_clean(), "{:?}", report.told);
    assert_eq!((report.messages, report.disconnects), (5, 1));
    assert_eq!(server.await.unwrap().len(), 3);
}

#[tokio::test]
async fn without_a_first_login_there_is_no_verdict() {
    let (address, server) = serve(vec![vec![Act::Reject(Reject::NotAuthorized)]]).await;
    let error = consumer::run(options(address), pending())
        .await
        .unwrap_err();
    let said = format!("{address}: the login was answered with J A (not authorised)");
    assert_eq!(error.to_string(), said);
    // Now nobody listens there.
    server.await.unwrap();
    let error = consumer::run(options(address), pending())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("cannot connect: "), "{error}");
}

#[tokio::test]
async fn messages_are_kept() {
    let script = vec![Act::Accept(None), Act::Send((1..=300).collect()), Act::End];
    let (address, _server) = serve(vec![script]).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut options = options(address);
    options.out = Some(file.path().to_owned());
    consumer::run(options, pending()).await.unwrap();
    let kept = Indexed::open(file.path()).unwrap();
    assert_eq!(kept.messages(), 300);
    let day = soupbintcp_sim::day::Day::new(SEED);
    assert_eq!(
        kept.from(300).unwrap().next().unwrap().unwrap(),
        day.message(300)
    );
}

/// The verdict on 100 messages, due after a start that is `early` before now, a millisecond each,
/// and sent after a pause.
async fn timed(early: bool, pause: Duration) -> consumer::Report {
    let script = vec![
        Act::Accept(None),
        Act::Wait(pause),
        Act::Send((1..=100).collect()),
        Act::End,
    ];
    let (address, _server) = serve(vec![script]).await;
    let second = Duration::from_secs(1);
    let now = SystemTime::now();
    let start = if early { now - second } else { now + second };
    let schedule = Schedule::new(1000.try_into().unwrap(), None);
    let scheduled = Some(Scheduled { start, schedule });
    let options = Options {
        scheduled,
        ..options(address)
    };
    consumer::run(options, pending()).await.unwrap()
}

#[tokio::test]
async fn latency_counts_from_when_a_message_was_due() {
    // All are due within 1.1 s.
    let report = timed(false, Duration::from_millis(1400)).await;
    let latency = report.latency.as_ref().unwrap();
    assert_eq!(latency.len(), 100);
    assert!(latency.min() >= 290_000_000, "{}", latency.min());
    // The last message was due 99 ms after the first one.
    let spread = latency.max() - latency.min();
    assert!((80_000_000..110_000_000).contains(&spread), "{spread}");
    assert!(
        report
            .to_json()
            .contains(r#","disconnects":0,"latency_ns":{"count":100,"#)
    );
}

#[tokio::test]
async fn what_was_due_before_the_login_has_no_latency() {
    let report = timed(true, Duration::ZERO).await;
    assert_eq!((report.messages, report.latency.unwrap().len()), (100, 0));
}
