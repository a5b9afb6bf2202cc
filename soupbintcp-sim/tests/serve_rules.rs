//! The rules of `serve`: its place, logins, heartbeats, limits.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod feed;

use std::time::{Duration, Instant, SystemTime};

use feed::{Client, Feed, SECOND, Seen, options, quiet, request, scheduled, unbounded, until};
use l4_failover::soupbin::packet::{Credentials, Packet};
use l4_failover::soupbin::session::ServerLimits;
use soupbintcp_sim::binary_file::Writer;
use soupbintcp_sim::day::Day;
use soupbintcp_sim::server::{BeyondEnd, Content, LoginRules, Options, Server, Zero};

const SHORT: Duration = Duration::from_millis(300);

#[test]
fn a_client_gets_every_message_of_the_seed_in_order() {
    let feed = Feed::start(Options {
        content: Content::Day { seed: 11 },
        ..scheduled("10000", SECOND)
    });
    let mut client = feed.login(1);
    let mut day = Day::new(11).from(1);
    for _ in 0..12_000 {
        assert_eq!(client.message(), day.next());
    }
    // It counts when the kernel has them: a client may be quicker.
    until("they are counted", || {
        let status = feed.handle.status();
        status.clients[0].sent >= 12_000 && status.messages >= 12_000
    });
    let status = feed.handle.status();
    assert_eq!(status.clients[0].username.as_deref(), Some("user"));
    client.send(&Packet::Logout);
    let (more, _) = client.messages();
    until("it is gone", || feed.handle.status().clients.is_empty());
    let gone = &feed.handle.status().gone[0];
    assert_eq!(gone.sent, 12_000 + more.len() as u64);
    assert_eq!((gone.id, &*gone.end), (1, "the client logged out"));
}

#[test]
fn clients_at_different_places_get_what_they_asked_for() {
    let feed = Feed::start(scheduled("100000", 100 * SECOND));
    let day = Day::new(7);
    let places = [1, 256, 257, 300_000, 5_000_000];
    let mut clients: Vec<Client> = places.iter().map(|n| feed.login(*n)).collect();
    for _ in 0..600 {
        for client in &mut clients {
            client.message();
        }
    }
    for (client, place) in clients.iter_mut().zip(places) {
        assert_eq!(client.message(), day.message(place + 600));
    }
}

#[test]
fn the_place_is_start_and_rate() {
    let feed = Feed::start(Options {
        login: LoginRules {
            zero: Zero::Live,
            ..LoginRules::default()
        },
        ..scheduled("1000", 100 * SECOND)
    });
    let began = Instant::now();
    let next = feed.answer(0).sequence();
    // What passed since the start was computed is on top.
    let most = 100_001 + began.elapsed().as_millis() as u64 + 5_000;
    assert!((100_001..=most).contains(&next), "{next}");
}

#[test]
fn nothing_is_there_before_the_start() {
    let feed = Feed::start(quiet());
    assert_eq!(feed.handle.status().newest, 0);
    let mut client = feed.connect();
    assert_eq!(client.login(0), 1);
    assert!(matches!(client.next(), Seen::Heartbeat));
}

#[test]
fn a_server_that_was_restarted_stands_at_the_same_place() {
    let start = SystemTime::now() - 50 * SECOND;
    let options = || Options {
        start: Some(start),
        ..scheduled("10000", SECOND)
    };
    let (first, second) = (Feed::start(options()), Feed::start(options()));
    let before = first.handle.status().newest;
    let between = second.handle.status().newest;
    let after = first.handle.status().newest;
    assert!((before..=after).contains(&between) && before >= 500_000);
    let mut client = first.login(before);
    let message = client.message();
    first.stop();
    let again = Feed::start(options());
    assert!(again.handle.status().newest >= after);
    assert_eq!(again.login(before).message(), message);
}

#[test]
fn a_login_far_into_the_day_is_answered_at_once() {
    let far = 1_000_000_000;
    let feed = Feed::start(scheduled("100000000", 1000 * SECOND));
    let answer = || {
        let mut client = feed.connect();
        let began = Instant::now();
        assert_eq!(client.login(far), far);
        let answered = began.elapsed();
        assert_eq!(client.message(), Day::new(7).message(far));
        answered
    };
    // A busy machine makes one wait, and hardly all of them.
    let best = (0..5).map(|_| answer()).min().unwrap();
    assert!(best < Duration::from_millis(50), "{best:?}");
}

#[test]
fn a_login_beyond_the_end_is_clamped_echoed_or_rejected() {
    let feed = |beyond_end| {
        Feed::start(Options {
            login: LoginRules {
                beyond_end,
                ..LoginRules::default()
            },
            ..scheduled("5", 20 * SECOND)
        })
    };
    let beyond = 1_000_000;
    let clamp = feed(BeyondEnd::Clamp);
    let before = clamp.handle.status().newest;
    let mut client = clamp.connect();
    let next = client.login(beyond);
    let after = clamp.handle.status().newest;
    assert!((before + 1..=after + 1).contains(&next), "{next}");
    assert_eq!(client.message(), Day::new(7).message(next));

    let echo = feed(BeyondEnd::Echo);
    let before = echo.handle.status().newest;
    let mut client = echo.connect();
    assert_eq!(client.login(beyond), beyond);
    let after = echo.handle.status().newest;
    let message = client.message();
    let mut real = (before + 1..=after + 1).map(|n| Day::new(7).message(n));
    assert!(
        real.any(|it| it == message),
        "what comes next, not what was told"
    );

    let reject = feed(BeyondEnd::Reject);
    let mut client = reject.connect();
    client.send(&Packet::LoginRequest(request("", beyond)));
    assert_eq!(client.next(), Seen::Rejected('S'));
    assert_eq!(client.next(), Seen::Fin(0));
}

#[test]
fn zero_is_the_newest_message_or_what_comes_next() {
    let feed = |zero| {
        Feed::start(Options {
            login: LoginRules {
                zero,
                ..LoginRules::default()
            },
            ..scheduled("2", 50 * SECOND)
        })
    };
    for (zero, more) in [(Zero::Last, 0), (Zero::Live, 1)] {
        let feed = feed(zero);
        let before = feed.handle.status().newest;
        let mut client = feed.connect();
        let told = client.login(0);
        let after = feed.handle.status().newest;
        assert!(
            (before + more..=after + more).contains(&told),
            "{zero:?}: {told}"
        );
        assert_eq!(client.message(), Day::new(7).message(told));
    }
}

#[test]
fn the_session_and_who_may_enter_it() {
    let feed = Feed::start(Options {
        session: feed::session("TODAY"),
        login: LoginRules {
            credentials: Some(Credentials::new("User", "SECRET").unwrap()),
            ..LoginRules::default()
        },
        ..quiet()
    });
    let accepted = Seen::Accepted("TODAY".to_owned(), 1);
    assert_eq!(feed.answer(1), accepted);
    assert_eq!(feed.answer_to(request("TODAY", 1)), accepted);
    assert_eq!(feed.answer_to(request("OTHER", 1)), Seen::Rejected('S'));
    let stranger = l4_failover::soupbin::packet::LoginRequest {
        credentials: Credentials::new("user", "guess").unwrap(),
        ..request("", 1)
    };
    assert_eq!(feed.answer_to(stranger), Seen::Rejected('A'));
    assert_eq!(feed.handle.status().rejected, 2);
}

#[test]
fn after_the_last_message_the_session_is_over() {
    let feed = Feed::start(Options {
        messages: Some(500),
        ..scheduled("1000", Duration::ZERO)
    });
    let (mut first, mut second) = (feed.login(1), feed.connect());
    assert!(second.login(100) <= 100);
    for client in [&mut first, &mut second] {
        let (messages, end) = client.messages();
        assert_eq!(messages.last().unwrap(), &Day::new(7).message(500));
        assert_eq!(end, Seen::End);
        assert_eq!(client.next(), Seen::Fin(0));
    }
    for session in ["", "FEED000001"] {
        assert_eq!(feed.answer_to(request(session, 1)), Seen::Rejected('S'));
    }
    assert_eq!(feed.handle.status().state, "ended");
}

#[test]
fn without_a_rate_every_client_reads_as_fast_as_it_can() {
    let feed = Feed::start(Options {
        messages: Some(20_000),
        ..unbounded()
    });
    let mut behind = feed.login(1);
    let (messages, end) = feed.login(10_001).messages();
    assert_eq!((messages.len(), end), (10_000, Seen::End));
    let (messages, end) = behind.messages();
    assert_eq!((messages.len(), end), (20_000, Seen::End));
    assert_eq!(messages[12_344], Day::new(7).message(12_345));
    assert_eq!(
        feed.answer(20_000).sequence(),
        20_000,
        "others may still come"
    );
    assert_eq!(feed.answer(30_000).sequence(), 20_001);
}

#[test]
fn a_heartbeat_comes_after_a_second_without_messages() {
    let feed = Feed::start(quiet());
    let began = Instant::now();
    let mut client = feed.login(1);
    for _ in 0..2 {
        assert_eq!(client.next(), Seen::Heartbeat);
    }
    let took = began.elapsed();
    assert!(took >= 2 * SECOND && took < 10 * SECOND, "{took:?}");
}

#[test]
fn a_client_that_is_silent_is_dropped_and_one_that_is_not_stays() {
    let mut options = quiet();
    options.limits.session = ServerLimits {
        silence: 3 * SECOND,
        ..ServerLimits::default()
    };
    let feed = Feed::start(options);
    let own = l4_failover::soupbin::packet::LoginRequest {
        heartbeat_timeout: Some(SHORT),
        ..request("", 1)
    };
    let began = Instant::now();
    let mut silent = feed.login(1);
    let mut alive = feed.login(1);
    let mut quick = feed.connect();
    quick.send(&Packet::LoginRequest(own));
    assert_eq!(quick.next().sequence(), 1);
    assert_eq!(quick.news(), Seen::Fin(0), "its own time, not the server's");
    assert!(feed.handle.status().clients.iter().any(|it| it.id == 1));
    alive.send(&Packet::ClientHeartbeat);
    assert_eq!(silent.news(), Seen::Fin(0));
    assert!(began.elapsed() >= 3 * SECOND);
    alive.send(&Packet::ClientHeartbeat);
    assert_eq!(alive.next(), Seen::Heartbeat);
}

#[test]
fn without_a_login_the_connection_is_closed() {
    let mut options = quiet();
    options.limits.session.login = SHORT;
    let feed = Feed::start(options);
    let mut client = feed.connect();
    client.send(&Packet::Debug(b"still thinking"));
    assert_eq!(client.next(), Seen::Fin(0));
}

#[test]
fn a_logout_is_answered_with_fin() {
    let feed = Feed::start(quiet());
    let mut client = feed.login(1);
    client.send(&Packet::Logout);
    assert_eq!(client.next(), Seen::Fin(0));
}

#[test]
fn who_breaks_the_protocol_is_closed_without_an_answer_and_nobody_else_is() {
    let feed = Feed::start(scheduled("1000", SECOND));
    let mut other = feed.login(1);
    let mut too_short = vec![0, 46, b'L'];
    too_short.resize(48, b' ');
    let mut no_number = vec![0, 47, b'L'];
    no_number.resize(49, b' ');
    let before: [&[u8]; 6] = [
        b"\0\0",
        b"\0\x01?",
        b"\0\x01R",
        b"\0\x02Sx",
        &too_short,
        &no_number,
    ];
    for bytes in before {
        let mut client = feed.connect();
        client.send_raw(bytes);
        assert_eq!(client.next(), Seen::Fin(0), "{bytes:?}");
    }
    let mut second = Vec::new();
    Packet::LoginRequest(request("", 1))
        .encode(&mut second)
        .unwrap();
    for bytes in [b"\0\0", &second[..], b"\0\x01H", b"\0\x02Rx"] {
        let mut client = feed.login(1);
        client.send_raw(bytes);
        let (_, end) = client.messages();
        assert_eq!(end, Seen::Fin(0), "{bytes:?}");
    }
    let mut day = Day::new(7).from(1);
    for _ in 0..1000 {
        assert_eq!(other.message(), day.next());
    }
}

#[test]
fn a_client_that_never_reads_is_reset_and_nobody_else_is_disturbed() {
    let mut options = scheduled("1000000", 1000 * SECOND);
    options.limits.stall = SHORT;
    let feed = Feed::start(options);
    let mut never = feed.login(1);
    let mut other = feed.login(1);
    let mut day = Day::new(7).from(1);
    let is_there = || feed.handle.status().clients.iter().any(|it| it.id == 1);
    let mut since = None;
    // Reads on all the while: one that stops is the next.
    while is_there() {
        since = since.or_else(|| Some(Instant::now()));
        assert!(since.is_some_and(|it| it.elapsed() < feed::PATIENCE));
        for _ in 0..1000 {
            assert_eq!(other.message(), day.next());
        }
    }
    let (_, end) = never.messages();
    assert!(matches!(end, Seen::Rst(_)), "{end:?}");
}

#[test]
fn more_clients_than_allowed_wait_for_a_place() {
    let mut options = quiet();
    options.limits.clients_max = 1;
    let feed = Feed::start(options);
    let mut first = feed.login(1);
    let mut second = feed.connect();
    second.send(&Packet::LoginRequest(request("", 1)));
    assert_eq!(first.next(), Seen::Heartbeat);
    assert!(second.is_silent_for(Duration::from_millis(50)));
    first.send(&Packet::Logout);
    assert_eq!(first.news(), Seen::Fin(0));
    drop(first);
    assert_eq!(second.next().sequence(), 1);
}

#[test]
fn a_file_is_replayed_from_any_place_to_its_end() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut writer = Writer::new(file.reopen().unwrap());
    let messages: Vec<Vec<u8>> = (0..1000_u32).map(|n| n.to_string().into_bytes()).collect();
    for message in &messages {
        writer.write(message).unwrap();
    }
    writer.finish().unwrap();
    let options = || Options {
        content: Content::Replay {
            path: file.path().to_owned(),
        },
        ..scheduled("1000", SECOND / 2)
    };
    let feed = Feed::start(options());
    let (mut all, mut some) = (feed.login(1), feed.login(300));
    assert_eq!(all.messages(), (messages.clone(), Seen::End));
    assert_eq!(some.messages(), (messages[299..].to_vec(), Seen::End));
    assert_eq!(feed.answer(1), Seen::Rejected('S'));
    let too_few = Server::bind(Options {
        messages: Some(1001),
        ..options()
    });
    assert_eq!(
        too_few.unwrap_err().to_string(),
        "1001 messages are to be sent, and the file has 1000"
    );
}

#[test]
fn a_server_that_stops_ends_the_frame_and_not_the_session() {
    let feed = Feed::start(scheduled("100000", SECOND));
    let mut client = feed.login(1);
    client.message();
    let reading = std::thread::spawn(move || client.messages().1);
    feed.stop();
    assert_eq!(reading.join().unwrap(), Seen::Fin(0));
}

#[test]
fn several_addresses_lead_to_the_same_feed() {
    let any = options().listen[0];
    let server = Server::bind(Options {
        listen: vec![any, any],
        ..options()
    });
    let server = server.unwrap();
    let ready = server.to_string();
    let [first, second] = server.addresses() else {
        panic!("{ready}");
    };
    assert_eq!(ready, format!("ready feed={first} feed2={second}"));
}

#[test]
fn a_number_that_nothing_reaches_is_the_end_and_not_an_overflow() {
    let feed = Feed::start(unbounded());
    for sequence in [u64::MAX, 1 << 63, Day::FARTHEST + 1] {
        let mut client = feed.connect();
        assert_eq!(client.login(sequence), Day::FARTHEST + 1);
        assert_eq!(client.news(), Seen::End);
    }
    let mut client = feed.login(Day::FARTHEST - 1);
    let (messages, end) = client.messages();
    assert_eq!((messages.len(), end), (2, Seen::End));
}
