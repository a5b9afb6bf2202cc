//! Clients of others, of the simulated feed and through the bridge.

use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tests::peers::{self, Peer};
use tests::process::Program;

use crate::world::{Line, SESSION, all_healthy, bridge, digests, fan_bridge, joined, stands_by};

/// Awaits what a client says about its first `count` messages, a thousand at a time, and compares it
/// with the day's; `at_each` is told how many there were.
fn follow(client: &Peer, count: u64, mut at_each: impl FnMut(u64)) {
    let told = |line: String| assert!(client.line(|it| it == line).is_some(), "{line}: {client:?}");
    told(format!("accepted {SESSION} 1"));
    let digests = digests(count);
    for (thousand, digest) in (1..).zip(&digests) {
        told(format!("received {} {digest}", thousand * 1000));
        at_each(thousand * 1000);
    }
    told(format!("left {count} {}", digests.last().unwrap()));
}

/// Everything that a client said is expected of it.
fn assert_quiet(client: &Peer, expected: &[&str]) {
    let expected = [&["accepted", "received", "left"], expected].concat();
    let strange = |line: &&String| !expected.iter().any(|word| line.starts_with(word));
    let lines = client.lines();
    let strange: Vec<_> = lines.iter().filter(strange).collect();
    assert!(strange.is_empty(), "{strange:?}");
}

/// A client consumes `count` messages through the bridge, and the line that it is on is killed every
/// so many; towards the end, when a session could be over before another line is joined, no more.
fn carry_across_kills(
    client: &mut Command,
    bridge: impl FnOnce(&[SocketAddr]) -> Program,
    (flags, is_hot): (&str, bool),
    (count, every): (u64, u64),
) -> Peer {
    let mut lines = Line::pair(flags, 0);
    let bridge = bridge(&lines.each_ref().map(Line::address));
    let client = Peer::start(
        client
            .arg(bridge.address("feed").to_string())
            .arg(count.to_string()),
    );
    let mut kills = 0;
    follow(&client, count, |received| {
        if received % every != 0 || received + 2 * every > count {
            return;
        }
        if is_hot {
            stands_by(&bridge);
        }
        let active = joined(&bridge, kills + 1)["line"].clone();
        let is_active = |line: &&mut Line| active == line.address().to_string();
        let line = lines.iter_mut().find(is_active).unwrap();
        // Neither is for clients of version 3.0; a server may send both.
        line.order("unsequenced not for everybody\ndebug line one");
        line.kill();
        kills += 1;
        let join = joined(&bridge, kills + 1);
        assert_eq!(
            (&join["why"], &join["verified"]),
            (&"failover".into(), &true.into()),
            "{join}"
        );
        line.restart();
        all_healthy(&bridge);
    });
    assert_eq!(kills as u64, count / every - 2);
    client
}

#[test]
fn nasdaq_protocols_is_carried_across_kills() {
    let Some(mut command) = peers::python("nasdaq_client.py") else {
        return;
    };
    let begun = Instant::now();
    let own = |lines: &[SocketAddr]| bridge(lines, "");
    let client = carry_across_kills(&mut command, own, ("--rate 400", false), (12_000, 2000));
    // It sent its first heartbeat meanwhile, later than the specification has it.
    assert!(begun.elapsed() > Duration::from_secs(25));
    assert_quiet(&client, &["unexpected Debug("]);
}

/// Of two lines that are both logged in it gets one stream.
#[test]
fn nasdaq_protocols_is_carried_across_kills_with_a_hot_standby() {
    let Some(mut command) = peers::python("nasdaq_client.py") else {
        return;
    };
    let hot = |lines: &[SocketAddr]| bridge(lines, "standby = \"hot\"");
    let client = carry_across_kills(&mut command, hot, ("--rate 1000", true), (12_000, 2000));
    assert_quiet(&client, &["unexpected Debug("]);
}

#[test]
fn the_client_of_npm_is_carried_across_kills_with_a_hot_standby() {
    let Some(mut command) = peers::node("npm_client.js") else {
        return;
    };
    let hot = |lines: &[SocketAddr]| bridge(lines, "standby = \"hot\"");
    let flags = "--rate 2000 --messages 14000";
    let client = carry_across_kills(&mut command, hot, (flags, true), (14_000, 2000));
    assert_quiet(&client, &["end of session"]);
}

#[test]
fn the_client_of_npm_is_carried_across_kills() {
    let Some(mut command) = peers::node("npm_client.js") else {
        return;
    };
    let flags = "--rate 2000 --messages 14000";
    let own = |lines: &[SocketAddr]| bridge(lines, "");
    let client = carry_across_kills(&mut command, own, (flags, false), (14_000, 2000));
    assert_quiet(&client, &["end of session"]);
}

#[test]
fn nasdaq_protocols_is_one_of_many_with_one_login() {
    let Some(mut command) = peers::python("nasdaq_client.py") else {
        return;
    };
    let secrets = TempDir::new().unwrap();
    let shared = |lines: &[SocketAddr]| fan_bridge(lines, secrets.path());
    let client = carry_across_kills(&mut command, shared, ("--rate 1000", false), (12_000, 2000));
    assert_quiet(&client, &["unexpected Debug("]);
}

#[test]
fn the_client_of_npm_is_one_of_many_with_one_login() {
    let Some(mut command) = peers::node("npm_client.js") else {
        return;
    };
    let secrets = TempDir::new().unwrap();
    let shared = |lines: &[SocketAddr]| fan_bridge(lines, secrets.path());
    let flags = "--rate 2000 --messages 14000";
    let client = carry_across_kills(&mut command, shared, (flags, false), (14_000, 2000));
    assert_quiet(&client, &["end of session"]);
}

#[test]
fn nasdaq_protocols_consumes_the_simulated_feed() {
    let Some(mut command) = peers::python("nasdaq_client.py") else {
        return;
    };
    let line = Line::start("--rate 1000");
    let address = line.address().to_string();
    let client = Peer::start(command.arg(address).arg("2000"));
    follow(&client, 2000, |_| {});
    assert_quiet(&client, &[]);
}

#[test]
fn the_client_of_npm_consumes_the_simulated_feed() {
    let Some(mut command) = peers::node("npm_client.js") else {
        return;
    };
    let line = Line::start("--rate 5000 --messages 10000");
    let address = line.address().to_string();
    let client = Peer::start(command.arg(address).arg("10000"));
    follow(&client, 10_000, |_| {});
    assert_quiet(&client, &["end of session"]);
    assert!(client.lines().iter().any(|line| line == "end of session"));
}
