//! `status`: what the table looks like, to the character.

use serde_json::{Value, json};

use super::{Server, pair};
use crate::admin::pools::{ClustersJson, PoolJson};
use crate::client::out::Paint;
use crate::client::table::table;

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
    assert!(shown.contains("* primary   127.0.0.1:9000  up"), "{shown}");
    assert!(
        shown.contains("  active    primary: 127.0.0.1:9000, for "),
        "{shown}"
    );
    assert!(!shown.contains("why"), "{shown}");
    let json = server
        .run(&["status", "feed", "--kind", "port", "--json"])
        .await;
    let read: ClustersJson = serde_json::from_str(&json.unwrap()).unwrap();
    assert_eq!(read.pools[0].name, "feed");
    server.pools.replace(Vec::new());
    assert_eq!(server.run(&["status"]).await.unwrap(), "no pools\n");
    server.stop().await;
}
