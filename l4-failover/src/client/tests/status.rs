//! `status`: what the table looks like, to the character.

use serde_json::{Value, json};

use super::{Server, pair};
use crate::admin::pools::PoolJson;
use crate::client::document::{Document, Rates};
use crate::client::out::Paint;

/// These pools of a process, without its first lines.
fn table(pools: &[PoolJson], paint: Paint) -> String {
    let whole = whole(pools, json!([]), paint);
    whole.split_once("\n\n").unwrap().1.to_owned()
}

fn whole(pools: &[PoolJson], recent: Value, paint: Paint) -> String {
    let served = pools.iter().map(|pool| {
        let mut served = serde_json::to_value(pool).unwrap();
        for (key, value) in [
            ("connections", 4),
            ("from_client_bytes", 517),
            ("from_upstream_bytes", 3 << 20),
        ] {
            served[key] = value.into();
        }
        served
    });
    let document: Document = serde_json::from_value(json!({
        "datacenter": "dc1", "state": "draining", "generation": 2, "uptime_seconds": 3723.4,
        "connections": 4, "connections_max": 100, "pools": served.collect::<Vec<_>>(),
        "recent": recent,
    }))
    .unwrap();
    crate::client::table::table(&document, &Rates::default(), paint)
}

fn endpoint(name: &str, state: &str, more: Value) -> Value {
    let mut endpoint = json!({
        "endpoint": name, "state": state, "maintenance": null, "changed_seconds": null,
        "streak": 0, "weight": 1, "max_connections": null, "addresses": [name],
        "connections": 0, "connects": 0, "failures": 0, "last_failure": null, "last_check": null,
    });
    endpoint
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    endpoint
}

/// A port that has moved to its backup.
fn moved() -> PoolJson {
    let primary = endpoint(
        "127.0.0.1:9000",
        "down",
        json!({
            "changed_seconds": 192.4, "connects": 12, "failures": 3,
            "last_failure": "no answer within 1s",
            "last_check": {
                "at": "2025-11-20T12:03:10.400Z", "ago_seconds": 2.0, "took_ms": 0.4,
                "error": "Connection refused\u{1b}[2J",
            },
        }),
    );
    let backup = endpoint(
        "127.0.0.1:9001",
        "up",
        json!({
            "connections": 4, "connects": 4, "max_connections": 100,
            "last_check": {
                "at": "2025-11-20T12:03:10.400Z", "ago_seconds": 2.0, "took_ms": 0.412,
                "error": null,
            },
        }),
    );
    let out = endpoint(
        "127.0.0.1:9002",
        "maintenance",
        json!({"maintenance": "a new disk", "changed_seconds": 3661.0}),
    );
    serde_json::from_value(json!({
        "name": "itch-feed", "kind": "port",
        "labels": {"listen": "127.0.0.1:19100", "protocol": "tcp"},
        "active_tier": 1, "since": "2025-11-20T12:00:00.000Z", "since_unix_seconds": 1763640000,
        "active_seconds": 192.4, "healthy": true, "failback": "auto", "held": false, "forced": false,
        "hold_down_seconds": 30.0, "hold_down_left_seconds": 17.2, "flaps": 2, "moves": 3,
        "spilled": 5,
        "last_move": {
            "time": "2025-11-20T12:00:00.000Z", "pool": "itch-feed", "kind": "port",
            "event": "failover", "cause": "unhealthy", "from": "127.0.0.1:9000",
            "to": "127.0.0.1:9001, 127.0.0.1:9002", "reason": "Connection refused",
        },
        "state_file_error": "/var/lib/feed.state cannot be written",
        "tiers": [
            {"tier": 0, "healthy": false, "endpoints": [primary]},
            {"tier": 1, "healthy": true, "endpoints": [backup, out]},
        ],
    }))
    .unwrap()
}

#[test]
fn a_table_says_who_is_active_since_when_and_why() {
    let expected = "\
itch-feed  (port, listen 127.0.0.1:19100, protocol tcp)
  active    backup 1: 127.0.0.1:9001, 127.0.0.1:9002, for 3m 12s, since 2025-11-20T12:00:00.000Z
  why       failover from 127.0.0.1:9000: unhealthy: Connection refused
  failback  in 17s: hold-down 30s, 2 flaps
  traffic   4 connections, in 517 B, out 3.0 MiB
  spilled   5 sessions outside the active tier
  warning   a restart may forget decisions: /var/lib/feed.state cannot be written
  TIER      ENDPOINT        STATE        FOR     SESSIONS  CONNECTS  FAILURES  NOTE
  primary   127.0.0.1:9000  down         3m 12s  0         12        3         check 2s ago: Connection refused\\u{1b}[2J; last dial: no answer within 1s
* backup 1  127.0.0.1:9001  up           -       4/100     4         0         check 2s ago: ok in 0.412 ms
* backup 1  127.0.0.1:9002  maintenance  1h 1m   0         0         0         a new disk
";
    assert_eq!(table(&[moved()], Paint::NONE), expected);
}

#[test]
fn what_a_check_and_a_dial_say_alike_is_said_once() {
    let mut pool = moved();
    let primary = &mut pool.tiers[0].endpoints[0];
    primary.last_check.as_mut().unwrap().error = Some("connection refused".to_owned());
    primary.last_failure = Some("connection refused".to_owned());
    let text = table(&[pool], Paint::NONE);
    let line = text.lines().find(|line| line.starts_with("  primary"));
    let note = line.unwrap().split_once("  check ").unwrap().1;
    assert_eq!(note, "2s ago: connection refused");
}

#[test]
fn an_active_tier_without_health_stands_out() {
    let mut pool = moved();
    pool.tiers[1].healthy = false;
    let text = table(&[pool], Paint::NONE);
    assert!(
        text.contains("127.0.0.1:9002 (not healthy), for 3m 12s"),
        "{text}"
    );
}

#[test]
fn who_moves_back_is_said_in_each_case() {
    let line = |change: &dyn Fn(&mut PoolJson)| {
        let mut pool = moved();
        pool.hold_down_left_seconds = None;
        pool.flaps = 0;
        change(&mut pool);
        let text = table(&[pool], Paint::NONE);
        let line = text.lines().find(|line| line.starts_with("  failback"));
        line.unwrap()["  failback  ".len()..].to_owned()
    };
    assert_eq!(line(&|_| {}), "by itself: hold-down 30s");
    assert_eq!(
        line(&|pool| pool.flaps = 1),
        "by itself: hold-down 30s, 1 flap"
    );
    assert_eq!(
        line(&|pool| pool.failback = "manual".to_owned()),
        "by command only"
    );
    assert_eq!(
        line(&|pool| pool.held = true),
        "held by an operator's failover, until failback by command"
    );
    assert_eq!(
        line(&|pool| (pool.active_tier, pool.forced) = (0, true)),
        "forced by an operator: the primary stays active, healthy or not, until it has been \
         healthy once"
    );
}

#[test]
fn colours_change_nothing_but_colours() {
    let plain = table(&[moved()], Paint::NONE);
    let painted = table(&[moved()], Paint::FULL);
    assert!(painted.contains("\x1b[31mdown       \x1b[0m"), "{painted}");
    let mut stripped = painted;
    for code in ["\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m"] {
        stripped = stripped.replace(code, "");
    }
    assert_eq!(stripped, plain);
}

#[tokio::test]
async fn a_pipe_gets_the_table_without_colours() {
    let pool = pair("feed");
    let server = Server::over(&pool);
    let shown = server.run(&["status"]).await.unwrap();
    assert!(!shown.contains('\x1b'), "{shown}");
    // Whether a check has said by now that nobody is there, does not matter here.
    assert!(shown.contains("\n* primary   127.0.0.1:9000  "), "{shown}");
    assert!(
        shown.contains("  active    primary: 127.0.0.1:9000"),
        "{shown}"
    );
    assert!(!shown.contains("why"), "{shown}");
    assert!(
        shown.contains("  traffic   0 connections (0.0/s), in 7 B (0 B/s), out 2.0 KiB (0 B/s)"),
        "{shown}"
    );
    let json = server
        .run(&["status", "feed", "--kind", "port", "--json"])
        .await;
    let read: Value = serde_json::from_str(&json.unwrap()).unwrap();
    assert_eq!(read["pools"][0]["name"], "feed");
    assert_eq!(read["connections_max"], 100);
    server.pools.replace(Vec::new());
    let shown = server.run(&["status"]).await.unwrap();
    assert!(shown.ends_with("\nno pools\n"), "{shown}");
    server.stop().await;
}

#[test]
fn the_process_comes_first_and_what_happened_last() {
    let event = json!({
        "time": "2025-11-20T12:00:00.000Z", "pool": "feed", "kind": "port", "event": "endpoint",
        "endpoint": "a:1", "from": "up", "to": "down", "reason": "refused\u{1b}",
    });
    let text = whole(&[], json!(vec![event; 60]), Paint::NONE);
    let line = "  2025-11-20T12:00:00.000Z feed endpoint a:1 up → down: refused\\u{1b}\n";
    let expected = format!(
        "mesh-gateway of dc1  draining for 1h 2m, 2 reloads\n  connections 4 of 100\n\nno pools\n\n\
         last events\n{}",
        line.repeat(8)
    );
    assert_eq!(text, expected);
}

#[test]
fn consumers_of_a_feed_are_shown_with_their_lines() {
    let mut pool = moved();
    let consumer = |line: Value, verified: bool, waiting: Value| {
        json!({
            "id": "1-1", "address": "127.0.0.1:5", "session": "FEED000001", "next": 17,
            "line": line, "verified": verified, "waiting_seconds": waiting, "lines": [],
        })
    };
    let mut shown = vec![
        consumer(Value::Null, false, json!(3.2)),
        consumer(json!("127.0.0.1:9001"), false, Value::Null),
    ];
    shown.resize(12, consumer(json!("127.0.0.1:9001"), true, Value::Null));
    shown[0]["lines"] =
        json!([{"endpoint": "127.0.0.1:9000", "stage": "failed", "reason": "closed"}]);
    let unfit = |endpoint: &str| {
        json!({
            "endpoint": endpoint, "fault": "mismatch", "reason": "other bytes",
            "since_seconds": 62.0, "lines": 3,
        })
    };
    let unfit = [unfit("127.0.0.1:9000"), unfit("127.0.0.1:9002")];
    let feed = json!({"consumers": 20, "waiting": 1, "shown": shown, "unfit": unfit});
    pool.feed = Some(serde_json::from_value(feed).unwrap());
    let text = table(&[pool], Paint::NONE);
    for line in [
        "  consumers 20, 1 without a line",
        "  line      127.0.0.1:9000 failed for 1 of the first 12: closed",
        "  line      127.0.0.1:9002 cannot be joined, for 1m 2s: other bytes",
        "  consumer  127.0.0.1:5: FEED000001, next 17, without a line for 3s",
        "  consumer  127.0.0.1:5: FEED000001, next 17, on 127.0.0.1:9001, not verified",
        "  consumer  127.0.0.1:5: FEED000001, next 17, on 127.0.0.1:9001",
        "  consumer  and 10 more",
    ] {
        assert!(text.lines().any(|it| it == line), "{line} in {text}");
    }
}

#[test]
fn hot_lines_of_a_consumer_are_shown_with_their_places() {
    let mut pool = moved();
    let line = |port: u16, stage: &str, next: Option<u64>, lag: Option<u64>, verified: bool| {
        json!({
            "endpoint": format!("127.0.0.1:{port}"), "stage": stage, "next": next, "lag": lag,
            "verified": verified,
        })
    };
    let mut diverged = line(9002, "diverged", None, None, false);
    diverged["diverged"] = json!(12);
    let consumer = json!({
        "id": "1-1", "address": "127.0.0.1:5", "session": "FEED000001", "next": 17,
        "line": "127.0.0.1:9001", "verified": true, "waiting_seconds": null,
        "lines": [
            line(9001, "joined", Some(17), Some(0), true),
            line(9000, "standby", Some(12), Some(5), false),
            diverged,
        ],
    });
    let feed = json!({
        "consumers": 1, "waiting": 0, "standby": "hot", "standing_by": 1, "diverged": 1,
        "shown": [consumer],
    });
    pool.feed = Some(serde_json::from_value(feed).unwrap());
    let text = table(&[pool], Paint::NONE);
    let said = "  consumers 1, 1 with a hot standby, 1 with a line that diverged
  consumer  127.0.0.1:5: FEED000001, next 17, on 127.0.0.1:9001
            127.0.0.1:9001 joined, next 17
            127.0.0.1:9000 standby, next 12, 5 behind, not verified
            127.0.0.1:9002 diverged at message 12
";
    assert!(text.contains(said), "{text}");
}

#[tokio::test]
async fn an_interval_is_a_time_and_a_name_is_none() {
    use clap::Parser;
    let parsed = |words: &[&str]| {
        super::Cli::try_parse_from([&["l4-failover", "status"], words].concat())
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    assert_eq!(parsed(&["--watch"]), Ok(()));
    assert_eq!(parsed(&["feed", "--watch", "2s"]), Ok(()));
    let said = parsed(&["--watch", "feed"]).unwrap_err();
    assert!(said.contains("a name goes before --watch"), "{said}");
    assert!(
        parsed(&["--watch", "1ms"])
            .unwrap_err()
            .contains("at least 100ms")
    );
    assert!(parsed(&["--watch", "--json"]).is_err());
}

#[test]
fn one_login_is_shown_with_its_history_and_who_is_behind() {
    let mut pool = moved();
    let consumer = json!({
        "id": "0-1", "address": "127.0.0.1:5", "session": "FEED000001", "next": 17, "line": null,
        "verified": false, "waiting_seconds": null, "lines": [],
        "user": "trader", "lag": 3, "catching_up": true,
    });
    let login = json!({
        "session": "FEED000001", "next": 20, "line": "127.0.0.1:9001", "verified": true,
        "waiting_seconds": null, "lines": [], "catching_up": 1, "lag_max": 3,
        "history": {"first": 18, "next": 20, "messages": 2, "bytes": 2048},
    });
    let feed = json!({"consumers": 1, "waiting": 0, "shown": [consumer], "login": login});
    pool.feed = Some(serde_json::from_value(feed).unwrap());
    let text = table(&[pool], Paint::NONE);
    for line in [
        "  login     one for all: FEED000001, on 127.0.0.1:9001, next 20; history from 18, 2.0 KiB, \
         at most 3 behind, 1 catching up",
        "  consumer  127.0.0.1:5 trader: FEED000001, next 17, 3 behind, catching up by a line of its own",
    ] {
        assert!(text.lines().any(|it| it == line), "{line} in {text}");
    }
}
