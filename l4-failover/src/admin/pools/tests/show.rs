//! The pools at one moment.

use serde_json::json;

use super::super::{ClustersJson, NamedPool, PoolJson};
use super::{PATIENCE, Server, fields, pair};

#[tokio::test]
async fn a_pool_is_shown_with_all_that_an_operator_asks() {
    let pool = pair("feed");
    let named = NamedPool::new(pool.clone(), "port").labelled("listen", "127.0.0.1:19100");
    let server = Server::start(vec![named]);
    pool.failover().await.unwrap();
    pool.maintenance("127.0.0.1:9000", Some("a new disk"))
        .await
        .unwrap();
    let (status, shown) = server.ask("GET /clusters").await;
    assert_eq!(status, 200);
    let feed = &shown["pools"][0];
    for (key, value) in [
        ("name", json!("feed")),
        ("kind", json!("port")),
        ("labels", json!({"listen": "127.0.0.1:19100"})),
        ("active_tier", json!(1)),
        ("healthy", json!(true)),
        ("failback", json!("auto")),
        ("held", json!(true)),
        ("hold_down_seconds", json!(30.0)),
        ("hold_down_left_seconds", json!(null)),
        ("flaps", json!(0)),
        ("moves", json!(1)),
        ("spilled", json!(0)),
        ("state_file_error", json!(null)),
    ] {
        assert_eq!(feed[key], value, "{key}");
    }
    // In the order of the alphabet, as JSON is read here.
    assert_eq!(
        fields(feed),
        "active_seconds active_tier failback flaps forced healthy held hold_down_left_seconds \
         hold_down_seconds kind labels last_move moves name since since_unix_seconds spilled \
         state_file_error tiers"
    );
    assert_eq!(fields(&feed["tiers"][0]), "endpoints healthy tier");
    let since = humantime::parse_rfc3339(feed["since"].as_str().unwrap()).unwrap();
    let unix = since.duration_since(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(feed["since_unix_seconds"], unix.as_secs());
    let moved = &feed["last_move"];
    assert_eq!(moved["event"], "failover");
    assert_eq!(moved["cause"], "operator");
    assert_eq!(
        (&moved["from"], &moved["to_tier"]),
        (&json!("127.0.0.1:9000"), &json!(1))
    );
    let mut out = feed["tiers"][0]["endpoints"][0].clone();
    // Since it was taken out: its health has never changed.
    let out_for = out["changed_seconds"].take();
    assert!(out_for.as_f64().unwrap() < PATIENCE.as_secs_f64());
    assert_eq!(
        out,
        json!({
            "endpoint": "127.0.0.1:9000", "state": "maintenance", "maintenance": "a new disk",
            "changed_seconds": null, "streak": 0, "weight": 1, "max_connections": null,
            "addresses": ["127.0.0.1:9000"], "connections": 0, "connects": 0, "failures": 0,
            "last_failure": null, "last_check": null,
        })
    );
    assert_eq!(feed["tiers"][0]["healthy"], false);
    server.stop().await;
}

#[tokio::test]
async fn programs_read_back_what_is_shown() {
    let server = Server::over(&pair("feed"));
    let (_, shown) = server.ask("GET /clusters").await;
    let read: ClustersJson = serde_json::from_value(shown.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), shown);
    server.stop().await;
}

#[tokio::test]
async fn a_name_or_a_kind_chooses() {
    let both = |name| {
        let named = |kind| NamedPool::new(pair(name), kind);
        [named("service"), named("datacenter")]
    };
    let server = Server::start([both("dc1"), both("dc2")].concat());
    let names = async |query: &str| {
        let (status, shown) = server.ask(&format!("GET /clusters?{query}")).await;
        assert_eq!(status, 200, "{query}");
        let read: ClustersJson = serde_json::from_value(shown).unwrap();
        let name = |it: PoolJson| format!("{} {}", it.kind, it.name);
        read.pools.into_iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(names("pool=dc2").await, ["service dc2", "datacenter dc2"]);
    assert_eq!(names("kind=service").await, ["service dc1", "service dc2"]);
    assert_eq!(names("pool=dc1&kind=datacenter").await, ["datacenter dc1"]);
    let (status, refused) = server.ask("GET /clusters?pool=dc3").await;
    assert_eq!(status, 404);
    assert_eq!(refused["known"], json!(["dc1", "dc2"]));
    for line in [
        "GET /clusters?kind=bogus",
        "GET /events?kind=bogus",
        "GET /events?kind=bogus&pool=dc1",
        "POST /pools/dc1/failover?kind=bogus",
    ] {
        let (status, refused) = server.ask(line).await;
        assert_eq!(status, 400, "{line}");
        assert_eq!(
            refused["error"],
            "there is no pool of the kind \"bogus\"; the kinds are: service, datacenter"
        );
        assert_eq!(refused["known"], json!(["service", "datacenter"]));
    }
    server.stop().await;
}
