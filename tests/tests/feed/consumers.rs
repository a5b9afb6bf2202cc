//! Consumers that do what they must not: each ends its own connection, and nobody else's.

use std::cell::Cell;
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use socket2::SockRef;
use tests::consumer::{Login, frame};
use tests::feed;
use tests::feed::began;
use tests::process::until;
use tests::wire::{End, connect, read_exactly, read_to_end, send};

use crate::world::{PRIMARY, World};

/// The lines of the log about connections that ended for this reason, with this in their sentence.
fn ended_as(world: &World, cause: &str, reason: &str, sentence: &str) -> usize {
    let is_it = |line: &serde_json::Value| {
        line["cause"] == cause && line["reason"] == reason && line.to_string().contains(sentence)
    };
    world.port.ended_as(1, is_it).len()
}

fn logged_in(world: &World) -> TcpStream {
    let mut stream = send(world.address(), &Login::at(1).bytes());
    assert_eq!(read_exactly(&mut stream, 3), b"\0\x1fA");
    stream
}

fn wrong_number() -> Vec<u8> {
    let mut login = Login::at(1).bytes();
    let last = login.len() - 1;
    login[last] = b'x';
    login
}

#[test]
fn what_is_malformed_ends_that_connection_with_a_name() {
    let world = World::of_twins(&[], "");
    let bystander = world.consumer();
    let before: [(Vec<u8>, &str, &str); 6] = [
        (vec![0, 0], "malformed", "a frame of length 0"),
        (frame(b'q', b""), "malformed", "unknown type 'q'"),
        (frame(b'L', &[b' '; 40]), "protocol", "with a length of 41"),
        (wrong_number(), "protocol", "is no number"),
        (frame(b'R', b""), "protocol", "before the login"),
        (frame(b'S', b"message"), "protocol", "before the login"),
    ];
    for (bytes, reason, sentence) in before {
        let said = read_to_end(&mut send(world.address(), &bytes)).0;
        assert!(said.is_empty(), "{sentence}: {}", said.escape_ascii());
        assert_eq!(ended_as(&world, "client", reason, sentence), 1);
    }
    let after: [(Vec<u8>, &str, &str); 4] = [
        (vec![0, 0, b'R'], "malformed", "a frame of length 0"),
        (frame(b'?', b""), "malformed", "unknown type '?'"),
        (
            Login::at(1).bytes(),
            "protocol",
            "there was a login already",
        ),
        (frame(b'Z', b""), "protocol", "from the wrong side"),
    ];
    for (bytes, reason, sentence) in after {
        let mut stream = logged_in(&world);
        stream.write_all(&bytes).unwrap();
        read_to_end(&mut stream);
        assert_eq!(ended_as(&world, "client", reason, sentence), 1);
    }
    until("each was counted", || {
        let closed = world.port.series("l4_failover_connections_closed_total");
        let by_client = closed
            .iter()
            .filter(|(labels, _)| labels.contains("cause=\"client\""));
        by_client.map(|(_, count)| count).sum::<f64>() == 10.0
    });
    bystander.await_more(100);
    bystander.assert_whole();
    assert_eq!(world.status()["feed"]["consumers"], 1);
}

#[test]
fn a_consumer_that_says_nothing_is_dropped_in_its_own_time() {
    let world = World::of_twins(&[], "consumer_silence = \"2s\"");
    let bystander = world.consumer();
    let named = Login {
        timeout: Some(4000),
        ..Login::at(1)
    };
    let since = Instant::now();
    let mut mute = [Login::at(1), named].map(|login| send(world.address(), &login.bytes()));
    let bounds = [2, 4].map(Duration::from_secs);
    for (stream, bound) in mute.iter_mut().zip(bounds) {
        read_to_end(stream);
        let took = since.elapsed();
        assert!(
            took >= bound && took < bound + Duration::from_millis(1900),
            "{took:?}"
        );
    }
    assert_eq!(ended_as(&world, "timeout", "silent", ""), 1);
    bystander.assert_whole();
}

/// It begins far back, so that more waits for it than any buffer takes.
#[test]
fn a_consumer_that_reads_nothing_is_cut_and_nobody_else_is_late() {
    let start = began(1000.0);
    let flags = ["--rate=2000", start.as_str()];
    let world = World::before([feed!(&flags), feed!(&flags)], "stall = \"1s\"");
    let bystander = world.consumer();
    let stuck = connect(world.address());
    SockRef::from(&stuck).set_recv_buffer_size(4096).unwrap();
    let since = Instant::now();
    (&stuck).write_all(&Login::at(1).bytes()).unwrap();
    assert_eq!(ended_as(&world, "timeout", "stalled", ""), 1);
    let took = since.elapsed();
    println!("a consumer that reads nothing was cut after {took:?}");
    assert!(took > Duration::from_secs(1), "{took:?}");
    bystander.await_more(100);
    bystander.assert_whole();
    // Its line was left, and was not blamed.
    assert!(world.events.named("line_lost").is_empty());
    until("its line is gone", || {
        world.feeds[PRIMARY].clients().len() == 1
    });
}

/// What waits for it is nobody's any more: neither the process nor its line waits for the stall.
#[test]
fn a_consumer_that_leaves_is_let_go_whatever_waits_for_it() {
    let start = began(1000.0);
    let flags = ["--rate=2000", start.as_str()];
    let world = World::before([feed!(&flags), feed!(&flags)], "stall = \"20s\"");
    let mut stuck = connect(world.address());
    SockRef::from(&stuck).set_recv_buffer_size(4096).unwrap();
    stuck.write_all(&Login::at(1).bytes()).unwrap();
    // Two million messages are there for it: where it goes no further, it is full.
    let last = Cell::new((0, Instant::now()));
    until("more waits for it than it takes", || {
        let status = world.status();
        let next = status["feed"]["shown"][0]["next"].as_u64().unwrap_or(0);
        if next != last.get().0 {
            last.set((next, Instant::now()));
        }
        next > 0 && last.get().1.elapsed() > Duration::from_millis(500)
    });
    let since = Instant::now();
    stuck.write_all(&frame(b'O', b"")).unwrap();
    assert_eq!(ended_as(&world, "done", "logout", ""), 1);
    assert!(since.elapsed() < Duration::from_secs(10));
    assert_eq!(read_to_end(&mut stuck).1, End::Reset);
    assert_eq!(world.status()["feed"]["consumers"], 0);
}
