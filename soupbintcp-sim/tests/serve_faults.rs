//! The faults of `serve`, ordered and by script.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod feed;

use std::time::Duration;

use feed::{Client, Feed, SECOND, Seen, quiet, request, scheduled, unbounded, until};
use l4_failover::soupbin::packet::Packet;
use soupbintcp_sim::day::Day;
use soupbintcp_sim::script::Script;
use soupbintcp_sim::server::Options;

/// Longer than anything takes that does not wait, shorter than a heartbeat's second.
const MOMENT: Duration = Duration::from_millis(200);

/// Reads to the newest message; the number of the next.
fn catch_up(client: &mut Client, feed: &Feed, mut next: u64) -> u64 {
    while next <= feed.handle.status().newest {
        client.message();
        next += 1;
    }
    next
}

/// Messages go on from this number.
fn goes_on(client: &mut Client, from: u64) {
    let mut day = Day::new(7).from(from);
    for _ in 0..100 {
        assert_eq!(client.message(), day.next());
    }
}

#[test]
fn a_pause_leaves_heartbeats_and_ends_without_a_gap() {
    let feed = Feed::start(scheduled("1000", SECOND));
    let mut client = feed.login(1);
    client.message();
    assert_eq!(feed.order("pause"), 1);
    let mut next = 2;
    loop {
        match client.next() {
            Seen::Message(_) => next += 1,
            Seen::Heartbeat => break,
            other => panic!("{other:?}"),
        }
    }
    let status = feed.handle.status();
    assert!(status.clients[0].behind > 500 && status.clients[0].flow == "paused");
    // Who comes meanwhile is treated alike.
    let mut late = feed.login(1);
    assert_eq!(late.next(), Seen::Heartbeat);
    assert_eq!(feed.order("resume"), 2);
    goes_on(&mut client, next);
    goes_on(&mut late, 1);
}

#[test]
fn one_client_is_frozen_and_the_other_goes_on() {
    let feed = Feed::start(scheduled("1000", SECOND));
    let (mut frozen, mut other) = (feed.login(1), feed.login(1));
    frozen.message();
    assert_eq!(feed.order("freeze client=1"), 1);
    let mut next = 2;
    until("it is frozen", || {
        feed.handle.status().clients[0].flow == "frozen"
    });
    // A message that was being written is the last.
    while let Some(seen) = frozen.next_within(MOMENT) {
        assert!(matches!(seen, Seen::Message(_)), "{seen:?}");
        next += 1;
    }
    assert!(
        frozen.is_silent_for(1500 * SECOND / 1000),
        "no heartbeat either"
    );
    goes_on(&mut other, 1);
    feed.order("resume client=1");
    goes_on(&mut frozen, next);
}

#[test]
fn a_cut_ends_within_a_frame() {
    let feed = Feed::start(scheduled("1000", SECOND));
    let (mut closed, mut reset, mut other) = (feed.login(1), feed.login(1), feed.login(1));
    for client in [&mut closed, &mut reset] {
        client.message();
    }
    feed.order("cut client=1");
    feed.order("cut client=2 reset");
    let (messages, end) = closed.messages();
    assert!(matches!(end, Seen::Fin(bytes) if bytes > 0), "{end:?}");
    assert_eq!(
        messages.last(),
        Some(&Day::new(7).message(messages.len() as u64 + 1))
    );
    let (_, end) = reset.messages();
    assert!(matches!(end, Seen::Rst(bytes) if bytes > 0), "{end:?}");
    goes_on(&mut other, 1);
}

#[test]
fn a_feed_with_nothing_to_send_is_cut_within_the_next_frame() {
    let feed = Feed::start(quiet());
    let mut client = feed.login(1);
    feed.order("cut");
    // Half of the fifteen bytes of the first message's frame.
    assert_eq!(client.news(), Seen::Fin(7));
}

#[test]
fn connections_are_reset_and_closed() {
    let feed = Feed::start(quiet());
    let mut client = feed.login(1);
    assert_eq!(feed.order("reset"), 1);
    assert_eq!(client.news(), Seen::Rst(0));
    let mut client = feed.login(1);
    feed.order("close");
    assert_eq!(client.news(), Seen::Fin(0));
    let gone = feed.handle.order(&"reset client=1".parse().unwrap());
    let error = gone.unwrap_err().to_string();
    assert_eq!(error, "no client 1 is connected; /status shows who is");
}

#[test]
fn messages_lag_by_a_number_and_by_a_time() {
    let feed = Feed::start(scheduled("1000", 10 * SECOND));
    feed.order("lag 5000");
    let mut client = feed.login(1);
    let mut next = 1;
    while next < feed.handle.status().newest - 5000 {
        client.message();
        next += 1;
        assert!(next <= feed.handle.status().newest - 5000 + 1);
    }
    feed.order("lag 2s");
    next = catch_up_lagging(&mut client, &feed, next, 2000);
    feed.order("lag off");
    catch_up(&mut client, &feed, next);
}

/// Reads messages that come so many milliseconds late, one a millisecond.
fn catch_up_lagging(client: &mut Client, feed: &Feed, mut next: u64, late: u64) -> u64 {
    while next < feed.handle.status().newest - late {
        client.message();
        next += 1;
        assert!(next <= feed.handle.status().newest - late + 1);
    }
    next
}

#[test]
fn who_lags_by_a_number_has_the_last_message_and_the_end() {
    let feed = Feed::start(Options {
        messages: Some(1500),
        ..scheduled("1000", Duration::ZERO)
    });
    feed.order("lag 500");
    let (messages, end) = feed.login(1).messages();
    assert_eq!((messages.len(), end), (1500, Seen::End));
}

#[test]
fn orders_are_carried_out_together_or_not_at_all() {
    let feed = Feed::start(quiet());
    let mut client = feed.login(1);
    let orders = ["debug client=1 no", "pause", "debug client=2 no"];
    let orders = orders.map(|order| order.parse().unwrap());
    assert!(feed.handle.orders(&orders).is_err());
    assert_eq!(feed.handle.status().clients[0].flow, "on");
    assert_eq!(feed.handle.orders(&orders[..2]).unwrap(), [1, 1]);
    assert_eq!(client.news(), Seen::Debug("no".to_owned()));
    assert_eq!(client.next(), Seen::Heartbeat, "it was told once");
}

#[test]
fn a_cut_before_the_first_message_comes_behind_the_answer() {
    for (order, is_reset) in [("cut", false), ("cut reset", true)] {
        let feed = Feed::start(Options {
            script: Script::parse(&format!("#1 {order}")).unwrap(),
            ..unbounded()
        });
        let mut client = feed.connect();
        assert_eq!(client.login(1), 1);
        let end = if is_reset { Seen::Rst(7) } else { Seen::Fin(7) };
        assert_eq!(client.news(), end);
    }
}

#[test]
fn heartbeats_are_left_out_and_come_back() {
    let feed = Feed::start(quiet());
    feed.order("heartbeats off");
    let mut client = feed.login(1);
    assert!(client.is_silent_for(1500 * SECOND / 1000));
    feed.order("heartbeats on");
    assert_eq!(client.next(), Seen::Heartbeat);
}

#[test]
fn logins_are_rejected_for_a_while() {
    let feed = Feed::start(quiet());
    for reason in ['A', 'S'] {
        feed.order(&format!("reject {reason}"));
        assert_eq!(feed.handle.status().rejecting, Some(reason));
        assert_eq!(feed.answer(1), Seen::Rejected(reason));
    }
    feed.order("reject off");
    assert_eq!(feed.answer(1).sequence(), 1);
}

#[test]
fn another_session_closes_the_old_one() {
    let feed = Feed::start(scheduled("1000", SECOND));
    let mut client = feed.login(1);
    feed.order("session NEW");
    assert_eq!(client.messages().1, Seen::Fin(0));
    assert_eq!(
        feed.answer_to(request("FEED000001", 1)),
        Seen::Rejected('S')
    );
    let accepted = Seen::Accepted("NEW".to_owned(), 7);
    assert_eq!(feed.answer_to(request("NEW", 7)), accepted);
    assert_eq!(feed.answer(7), accepted);
}

#[test]
fn an_end_lets_everybody_have_the_same_last_message() {
    let feed = Feed::start(scheduled("1000", 5 * SECOND));
    let (mut quick, mut slow) = (feed.login(4000), feed.login(1));
    let next = catch_up(&mut quick, &feed, 4000);
    feed.order("end");
    let last = feed.handle.status().last.unwrap();
    let (messages, end) = quick.messages();
    assert_eq!((next + messages.len() as u64, end), (last + 1, Seen::End));
    let (messages, end) = slow.messages();
    assert_eq!((messages.len() as u64, end), (last, Seen::End));
    assert_eq!(feed.answer(1), Seen::Rejected('S'));
    feed.order("session NEXT");
    assert_eq!(feed.answer(1), Seen::Accepted("NEXT".to_owned(), 1));
}

#[test]
fn one_client_may_be_told_of_an_end_that_is_none() {
    let feed = Feed::start(scheduled("1000", SECOND));
    let (mut told, mut other) = (feed.login(1), feed.login(1));
    feed.order("end client=1");
    assert_eq!(told.messages().1, Seen::End);
    assert_eq!(told.next(), Seen::Fin(0));
    goes_on(&mut other, 1);
    assert_eq!(feed.answer(1).sequence(), 1);
}

#[test]
fn messages_are_corrupted_left_out_and_repeated() {
    let feed = Feed::start(scheduled("1000", SECOND));
    for order in ["corrupt 3", "omit 5", "repeat 7"] {
        feed.order(order);
    }
    let mut client = feed.login(1);
    let day = Day::new(7);
    let mut corrupt = day.message(3);
    *corrupt.last_mut().unwrap() ^= 1;
    let wanted = [1, 2, 3, 4, 6, 7, 7, 8];
    for n in wanted {
        let message = client.message();
        assert_eq!(
            message,
            if n == 3 {
                corrupt.clone()
            } else {
                day.message(n)
            }
        );
    }
    feed.order("mend 3");
    let mut again = feed.login(3);
    assert_eq!(again.message(), day.message(3));
}

#[test]
fn what_was_made_already_is_corrupted_too() {
    let feed = Feed::start(scheduled("20", Duration::ZERO));
    let mut client = feed.login(1);
    client.message();
    feed.order("corrupt client=1 20");
    for n in 2..20 {
        assert_eq!(client.message(), Day::new(7).message(n));
    }
    assert_ne!(client.message(), Day::new(7).message(20));
}

#[test]
fn text_and_messages_without_a_number_come_between_frames() {
    let feed = Feed::start(scheduled("1000", SECOND));
    let mut client = feed.login(1);
    feed.order("debug are you there");
    feed.order("unsequenced hello");
    let (before, debug) = client.messages();
    assert_eq!(debug, Seen::Debug("are you there".to_owned()));
    let (between, unsequenced) = client.messages();
    assert_eq!(unsequenced, Seen::Unsequenced("hello".to_owned()));
    goes_on(&mut client, 1 + (before.len() + between.len()) as u64);
}

#[test]
fn a_script_acts_before_exactly_the_message_that_it_names() {
    let script = "#5000 cut client=1\n#6000 session LATER\n";
    let feed = Feed::start(Options {
        script: Script::parse(script).unwrap(),
        ..unbounded()
    });
    let mut cut = feed.login(1);
    let (messages, end) = cut.messages();
    assert_eq!(messages.len(), 4999);
    assert!(matches!(end, Seen::Fin(bytes) if bytes > 0), "{end:?}");
    let mut client = feed.login(4000);
    let (messages, end) = client.messages();
    assert_eq!((messages.len(), end), (2000, Seen::Fin(0)));
    assert_eq!(feed.answer(1), Seen::Accepted("LATER".to_owned(), 1));
}

#[test]
fn a_script_acts_at_its_times_and_reaches_who_comes_later() {
    let feed = Feed::start(Options {
        script: Script::parse("50ms pause\n600ms resume\n").unwrap(),
        ..scheduled("1000", SECOND)
    });
    until("the pause is on", || {
        let mut client = feed.connect();
        client.login(1);
        feed.handle
            .status()
            .clients
            .iter()
            .any(|it| it.flow == "paused")
    });
    let mut client = feed.login(1);
    goes_on(&mut client, 1);
}

#[test]
fn what_a_client_sends_is_borne() {
    let feed = Feed::start(scheduled("1000", SECOND));
    let mut client = feed.login(1);
    client.send(&Packet::Unsequenced(&[b'x'; 60_000]));
    client.send(&Packet::Debug(b"hello"));
    client.send(&Packet::ClientHeartbeat);
    goes_on(&mut client, 1);
}
