//! What a reload leaves behind.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Weak};
use std::time::Duration;

use ::tests::wire::echo;
use ::tests::{hello, process};
use l4_failover::life::Process;
use l4_failover::process::activation::Activated;

use super::destinations::{Changes, Destinations};
use super::*;
use crate::log::LostLines;

fn text(endpoint: SocketAddr, name: &str) -> String {
    format!(
        "datacenter = \"dc1\"\n[listen]\naddress = \"127.0.0.1:0\"\n\
         [[service]]\nname = \"currency\"\nendpoints = [\"{endpoint}\"]\ncheck = \"none\"\n\
         [[service]]\nname = \"{name}\"\nendpoints = [\"{endpoint}\"]\ncheck = \"none\"\n"
    )
}

/// A session whose hello came back.
fn session(gateway: SocketAddr) -> TcpStream {
    let mut client = TcpStream::connect(gateway).unwrap();
    client.set_read_timeout(Some(process::PATIENCE)).unwrap();
    exchange(&mut client, &hello::named(b"currency.dc1"));
    client
}

fn exchange(client: &mut TcpStream, bytes: &[u8]) {
    client.write_all(bytes).unwrap();
    let mut answer = vec![0; bytes.len()];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(answer, bytes);
}

/// However many reloads there are, and whoever was routed by the tables before.
#[test]
fn open_sessions_keep_no_table_of_routes() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("gateway.toml");
    let endpoint = echo();
    std::fs::write(&file, text(endpoint, "rates-0")).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (config, source) = Source::load(&file).unwrap();
    let lost = LostLines::default();
    let bound = Bound::bind(config, Some(source), Activated::default(), lost).unwrap();
    let listen = bound.addresses().next().unwrap();
    let app = runtime.block_on(bound.start()).unwrap();
    let (mut held, mut tables) = (Vec::new(), Vec::<Weak<_>>::new());
    for nth in 1..=3 {
        held.push(session(listen));
        tables.push(Arc::downgrade(&app.view().tables.clients));
        std::fs::write(&file, text(endpoint, &format!("rates-{nth}"))).unwrap();
        let reloaded = runtime.block_on(app.reload()).unwrap();
        assert_eq!(reloaded.generation, nth);
        process::until("the table is gone", || {
            tables.iter().all(|table| table.strong_count() == 0)
        });
    }
    for session in &mut held {
        exchange(session, b"still there");
    }
    drop(held);
    let stop = std::future::ready(());
    // A bound: it ends by itself long before.
    let force = async { tokio::time::sleep(Duration::from_secs(10)).await };
    assert_eq!(
        runtime
            .block_on(async { app.run(stop, force).await })
            .forced,
        0
    );
}

/// Services of these names, each with so many successes in a row to come back.
fn services(names: &[&str], rise: u32) -> String {
    let service = |name: &&str| {
        format!(
            "[[service]]\nname = \"{name}\"\nendpoints = [\"127.0.0.1:7000\"]\n\
             failover = [\"dc2\"]\ncheck = {{ rise = {rise} }}\n"
        )
    };
    let services: String = names.iter().map(service).collect();
    format!(
        "datacenter = \"dc1\"\n[listen]\naddress = \"127.0.0.1:0\"\n{services}\
         [[datacenter]]\nname = \"dc2\"\ngateways = [\"127.0.0.1:8444\"]\n"
    )
}

/// The tables of another text after those of `before`, and what is to be done to pools.
fn after(before: &(Config, Tables), text: &str) -> (Tables, Changes) {
    let config = Config::parse_after(&before.0, "gateway.toml", text).unwrap();
    let (metrics, retired) = (crate::metrics::Metrics::new().unwrap(), Default::default());
    let mut destinations = Destinations::of(&before.1, &retired, &metrics);
    let tables = plan::tables(&config, |kind, pool| destinations.prepare(kind, pool));
    (tables.unwrap(), destinations.into_changes())
}

/// A reload makes as many pools, and changes as many, as differ, however many there are.
#[test]
fn a_pool_of_which_nothing_differs_is_left_alone() {
    let text = services(&["a", "b", "c"], 3);
    let config = Config::parse("gateway.toml", &text).unwrap();
    let metrics = crate::metrics::Metrics::new().unwrap();
    let tables = plan::tables(&config, |kind, pool| destination(&metrics, kind, pool)).unwrap();
    let before = (config, tables);
    let one_other = text.replacen("rise = 3", "rise = 4", 1);
    for (text, changes) in [
        (text.clone(), 0),
        (format!("# said otherwise\n{text}"), 0),
        (services(&["c", "a", "b"], 3), 0),
        (one_other, 1),
        (services(&["a", "x", "b"], 3), 2),
        (services(&["a", "b", "c"], 4), 3),
    ] {
        let (now, made) = after(&before, &text);
        assert_eq!(made.count(), changes, "{text}");
        for to in now.destinations() {
            let mut before = before.1.destinations();
            let was_there = before.any(|it| Arc::ptr_eq(it, to));
            assert_eq!(was_there, to.name != "x", "{}", to.name);
        }
    }
}
