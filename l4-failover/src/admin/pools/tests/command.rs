//! Commands, and each way in which they are refused.

use serde_json::json;

use super::super::NamedPool;
use super::{Server, fields, pair};
use crate::Pool;

#[tokio::test]
async fn a_pool_moves_and_comes_back_by_command() {
    let pool = pair("feed");
    let server = Server::over(&pool);
    let (status, done) = server.ask("POST /pools/feed/failover").await;
    assert_eq!(status, 200);
    assert_eq!(
        done["message"],
        "feed: moved from 127.0.0.1:9000 to 127.0.0.1:9001; it stays there until failback"
    );
    assert_eq!(fields(&done), "kind message moved pool warning");
    assert_eq!(done["moved"]["event"], "failover");
    assert_eq!(pool.status().active, 1);
    let (status, done) = server.ask("POST /pools/feed/failback").await;
    assert_eq!((status, &done["moved"]["to_tier"]), (200, &json!(0)));
    let (status, done) = server.ask("POST /pools/feed/failback").await;
    assert_eq!(
        (status, &done["moved"], &done["message"]),
        (
            200,
            &json!(null),
            &json!("feed: nothing had to move, 127.0.0.1:9000 is active")
        )
    );
    server.stop().await;
}

#[tokio::test]
async fn only_force_returns_to_an_unhealthy_primary() {
    let pool = pair("feed");
    let server = Server::over(&pool);
    let out = r#"{"endpoint": "127.0.0.1:9000", "reason": "a new disk"}"#;
    let (status, done) = server.ask_json("POST /pools/feed/maintenance", out).await;
    assert_eq!(status, 200);
    assert_eq!(
        done["message"],
        "feed: 127.0.0.1:9000 is in maintenance (a new disk); \
         moved from 127.0.0.1:9000 to 127.0.0.1:9001"
    );
    let (status, refused) = server.ask("POST /pools/feed/failback").await;
    assert_eq!(status, 409);
    let sentence = refused["error"].as_str().unwrap();
    assert!(sentence.starts_with("feed: the primary tier, 127.0.0.1:9000, has no healthy"));
    assert_eq!(pool.status().active, 1);
    // Both ways of saying it.
    let (status, _) = server.ask("POST /pools/feed/failback?force=true").await;
    assert_eq!((status, pool.status().active), (200, 0));
    server.stop().await;

    let pool = pair("feed");
    let server = Server::over(&pool);
    server.ask_json("POST /pools/feed/maintenance", out).await;
    let (status, _) = server
        .ask_json("POST /pools/feed/failback", r#"{"force": true}"#)
        .await;
    assert_eq!((status, pool.status().active), (200, 0));
    server.stop().await;
}

#[tokio::test]
async fn a_failback_that_is_forced_where_it_is_says_that_it_holds() {
    let pool = Pool::builder().name("feed").primary("127.0.0.1:9000");
    let pool = pool.build().unwrap();
    let server = Server::over(&pool);
    let out = r#"{"endpoint": "127.0.0.1:9000", "reason": "a new disk"}"#;
    server.ask_json("POST /pools/feed/maintenance", out).await;
    let mut events = server.follow("").await;
    let line = "POST /pools/feed/failback?force=true";
    for _ in 0..2 {
        let (status, done) = server.ask(line).await;
        assert_eq!((status, &done["moved"]), (200, &json!(null)));
        assert_eq!(
            done["message"],
            "feed: nothing had to move, 127.0.0.1:9000 is active; it is not healthy, and stays \
             active until it has been healthy once"
        );
    }
    let (_, shown) = server.ask("GET /clusters").await;
    assert_eq!(shown["pools"][0]["forced"], true);
    pool.failback(true).await.unwrap();
    let back = r#"{"endpoint": "127.0.0.1:9000", "off": true}"#;
    server.ask_json("POST /pools/feed/maintenance", back).await;
    let event = events.event().await.unwrap();
    assert_eq!(
        fields(&event),
        "event forced kind pool reason time to to_tier"
    );
    assert_eq!(
        [
            &event["event"],
            &event["forced"],
            &event["to"],
            &event["reason"]
        ],
        [
            &json!("forced"),
            &json!(true),
            &json!("127.0.0.1:9000"),
            &json!("a new disk")
        ]
    );
    // Once only, however often it is said.
    assert_eq!(events.event().await.unwrap()["event"], "endpoint");
    server.stop().await;
}

#[tokio::test]
async fn maintenance_ends_in_either_way() {
    let pool = pair("feed");
    let server = Server::over(&pool);
    let is_out = || pool.status().tiers[1].endpoints[0].maintenance.is_some();
    let endpoint = r#""endpoint": "127.0.0.1:9001""#;
    for (line, end) in [
        ("DELETE /pools/feed/maintenance", format!("{{{endpoint}}}")),
        (
            "POST /pools/feed/maintenance",
            format!("{{{endpoint}, \"off\": true}}"),
        ),
    ] {
        let out = format!("{{{endpoint}, \"reason\": \"a new kernel\"}}");
        let (status, _) = server.ask_json("POST /pools/feed/maintenance", &out).await;
        assert_eq!((status, is_out()), (200, true), "{line}");
        let (status, done) = server.ask_json(line, &end).await;
        assert_eq!((status, is_out()), (200, false), "{line}");
        assert_eq!(
            done["message"],
            "feed: 127.0.0.1:9001 is not in maintenance any more; \
             nothing had to move, 127.0.0.1:9000 is active"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn maintenance_says_what_it_found() {
    let pool = pair("feed");
    let server = Server::over(&pool);
    let mut events = server.follow("").await;
    let line = "POST /pools/feed/maintenance";
    let on = |reason: &str| format!(r#"{{"endpoint": "127.0.0.1:9001", "reason": "{reason}"}}"#);
    let off = r#"{"endpoint": "127.0.0.1:9001", "off": true}"#.to_owned();
    for (body, said) in [
        (&off, "was not in maintenance"),
        (&on("a new disk"), "is in maintenance (a new disk)"),
        (&on("a new disk"), "was in maintenance already (a new disk)"),
        (
            &on("a new fan"),
            "was in maintenance already, and is now for another reason (a new fan)",
        ),
        (&off, "is not in maintenance any more"),
    ] {
        let (status, done) = server.ask_json(line, body).await;
        let said =
            format!("feed: 127.0.0.1:9001 {said}; nothing had to move, 127.0.0.1:9000 is active");
        assert_eq!((status, &done["message"]), (200, &json!(said)));
    }
    // What has changed is an event, and nothing else.
    for (from, to, reason) in [
        ("up", "maintenance", json!("a new disk")),
        ("maintenance", "maintenance", json!("a new fan")),
        ("maintenance", "up", json!(null)),
    ] {
        let event = events.event().await.unwrap();
        let told = [&event["from"], &event["to"], &event["reason"]];
        assert_eq!(told, [&json!(from), &json!(to), &reason]);
    }
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_with_the_reason() {
    let alone = Pool::builder().name("alone").primary("127.0.0.1:9000");
    let server = Server::over(&alone.build().unwrap());
    let (status, refused) = server.ask("POST /pools/alone/failover").await;
    assert_eq!(status, 409);
    assert!(
        refused["error"]
            .as_str()
            .unwrap()
            .contains("to fail over to")
    );
    for line in [
        "POST /pools/feed/failover",
        "POST /pools/feed/failback",
        "GET /events?pool=feed",
    ] {
        let (status, refused) = server.ask(line).await;
        assert_eq!(status, 404, "{line}");
        let unknown = json!({
            "error": "there is no pool \"feed\"; there are: alone", "known": ["alone"],
        });
        assert_eq!(refused, unknown, "{line}");
    }
    let (status, refused) = server
        .ask_json(
            "POST /pools/alone/maintenance",
            r#"{"endpoint": "127.0.0.1:1", "reason": "why not"}"#,
        )
        .await;
    assert_eq!(status, 404);
    assert_eq!(refused["known"], json!(["127.0.0.1:9000"]));
    server.stop().await;
}

#[tokio::test]
async fn a_name_that_two_pools_have_is_refused_without_a_kind() {
    let (service, datacenter) = (pair("dc2"), pair("dc2"));
    let server = Server::start(vec![
        NamedPool::new(service.clone(), "service"),
        NamedPool::new(datacenter.clone(), "datacenter"),
    ]);
    let (status, refused) = server.ask("POST /pools/dc2/failover").await;
    assert_eq!(status, 409);
    assert_eq!(refused["known"], json!(["service", "datacenter"]));
    let line = "POST /pools/dc2/failover?kind=datacenter";
    assert_eq!(server.ask(line).await.0, 200);
    assert_eq!(
        (service.status().active, datacenter.status().active),
        (0, 1)
    );
    server.stop().await;
}

#[tokio::test]
async fn a_body_is_json_and_says_so() {
    let pool = pair("feed");
    let server = Server::over(&pool);
    let out = r#"{"endpoint": "127.0.0.1:9000", "reason": "a new disk"}"#;
    let line = "POST /pools/feed/maintenance";
    for headers in ["", "Content-Type: text/plain\r\n"] {
        let (status, refused) = server.ask_with(line, headers, out).await;
        assert_eq!(status, 415, "{headers}");
        assert!(
            refused["error"]
                .as_str()
                .unwrap()
                .contains("application/json")
        );
        // Where a body may be left out, it is not passed over either.
        let back = "POST /pools/feed/failback";
        let (status, _) = server.ask_with(back, headers, r#"{"force": true}"#).await;
        assert_eq!(status, 415, "{headers}");
    }
    assert_eq!(server.ask_json(line, "").await.0, 415);
    for (body, word) in [
        ("{", "the body is not what is meant"),
        (r#"{"endpoint": "127.0.0.1:9000", "reasno": "x"}"#, "reasno"),
        (r#"{"endpoint": "127.0.0.1:9000"}"#, "needs a reason"),
        (
            r#"{"endpoint": "127.0.0.1:9000", "reason": " "}"#,
            "needs a reason",
        ),
        (
            r#"{"endpoint": "127.0.0.1:9000", "reason": "a\nb"}"#,
            "one line",
        ),
    ] {
        let (status, refused) = server.ask_json(line, body).await;
        assert_eq!(status, 400, "{body}");
        assert!(
            refused["error"].as_str().unwrap().contains(word),
            "{refused}"
        );
    }
    let long = format!(r#"{{"endpoint": "x", "reason": "{}"}}"#, "x".repeat(501));
    assert_eq!(server.ask_json(line, &long).await.0, 400);
    let endless = "x".repeat(64 * 1024 + 1);
    assert_eq!(server.ask_json(line, &endless).await.0, 413);
    assert_eq!(
        server
            .ask("POST /pools/feed/failback?force=perhaps")
            .await
            .0,
        400
    );
    assert_eq!(server.ask("GET /pools/feed/failover").await.0, 405);
    assert_eq!(pool.status().moves, 0);
    server.stop().await;
}

#[tokio::test]
async fn the_guard_stands_before_commands() {
    let pool = pair("feed");
    let server = Server::over(&pool);
    let foreign = "Origin: http://evil.example\r\n";
    let line = "POST /pools/feed/failover";
    assert_eq!(server.ask_with(line, foreign, "").await.0, 403);
    assert_eq!(pool.status().active, 0);
    server.stop().await;
}

#[tokio::test]
async fn what_a_restart_will_forget_is_done_with_a_warning() {
    let directory = tempfile::tempdir().unwrap();
    let kept = directory.path().join("kept");
    std::fs::create_dir(&kept).unwrap();
    let pool = Pool::builder()
        .name("feed")
        .primary("127.0.0.1:9000")
        .backup("127.0.0.1:9001")
        .state_file(kept.join("feed.state"))
        .build()
        .unwrap();
    let server = Server::over(&pool);
    std::fs::remove_dir_all(&kept).unwrap();
    let (status, done) = server.ask("POST /pools/feed/failover").await;
    assert_eq!((status, pool.status().active), (200, 1));
    assert_eq!(done["moved"]["to"], "127.0.0.1:9001");
    let warning = done["warning"].as_str().unwrap();
    assert!(
        warning.starts_with("done, but a restart will forget it"),
        "{warning}"
    );
    server.stop().await;
}
