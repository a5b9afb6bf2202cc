//! A gateway that is told to read its file again, and one that is told to go, under load.
//!
//! `RELOADS` and `HELD` say how often and before how many; the figures are printed (`--nocapture`).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "figures are for people")]

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tests::config::{DRAIN, JSON_LOG, dc1};
use tests::load::{Load, Session, within};
use tests::ports::Reserved;
use tests::process::{Gateway, until};
use tests::wire::{Backend, End, echo, read_exactly, read_to_end, send};
use tests::{gateway, hello, http};

const GENERATION: &str = "mesh_gateway_generation";
const CLOSED: &str = "mesh_gateway_connections_closed_total";

const EVENTS: &[u8] = b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";
/// A stream that ends without it was cut.
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";

/// How many: few in a test run, as many as it takes in a long one.
fn number(variable: &str, otherwise: usize) -> usize {
    let given = std::env::var(variable).ok();
    given.map_or(otherwise, |number| number.parse().expect("a number"))
}

/// Another service.
fn service(name: &str, endpoint: SocketAddr) -> String {
    format!("[[service]]\nname = \"{name}\"\nendpoints = [\"{endpoint}\"]\ncheck = \"none\"\n")
}

/// The generation after a reload that went well.
fn reload(gateway: &Gateway, config: &str) -> u64 {
    gateway.rewrite(config);
    let answer = gateway.post("/reload");
    assert_eq!(answer.status, 200, "{}", answer.body);
    let said: Value = serde_json::from_str(&answer.body).unwrap();
    said["generation"].as_u64().unwrap()
}

/// Why this is not loaded; nothing has changed by it.
fn refusal(gateway: &Gateway, config: &str) -> String {
    let before = (gateway.metric(GENERATION), gateway.get("/routes").body);
    gateway.rewrite(config);
    let answer = gateway.post("/reload");
    assert_eq!(answer.status, 409, "{}", answer.body);
    assert_eq!(
        (gateway.metric(GENERATION), gateway.get("/routes").body),
        before
    );
    let said: Value = serde_json::from_str(&answer.body).unwrap();
    said["error"].as_str().unwrap().to_owned()
}

fn listeners(gateway: &Gateway) -> Vec<(String, SocketAddr)> {
    let all: Vec<Value> = serde_json::from_str(&gateway.get("/listeners").body).unwrap();
    let one = |it: &Value| {
        let word = |key: &str| it[key].as_str().unwrap().to_owned();
        (word("name"), word("address").parse().unwrap())
    };
    all.iter().map(one).collect()
}

/// Whether a client that asks for this name is turned away with `unrecognized_name`.
fn is_unknown(gateway: &Gateway, name: &str) -> bool {
    let mut client = send(gateway.listen(), &hello::named(name.as_bytes()));
    read_to_end(&mut client) == (vec![21, 3, 3, 0, 2, 2, 112], End::Fin)
}

/// Each reload brings a name and takes the one before away, and gives a service that is asked for
/// all the while another endpoint.
#[test]
fn reloads_under_load_are_noticed_by_nobody() {
    let (reloads, held) = (number("RELOADS", 1000), number("HELD", 100));
    let endpoints = [echo(), echo()];
    let config = |nth: usize| {
        let brought = service(&format!("rates-{nth}"), endpoints[0]);
        dc1("", &[endpoints[nth % 2]], &brought)
    };
    let gateway = gateway!(config(0));
    let open = |_| Session::open(gateway.listen(), "currency.dc1").unwrap();
    let mut held: Vec<_> = (0..held).map(open).collect();
    let load = Load::start(2, gateway.listen(), "currency.dc1", Duration::ZERO);
    load.wait_for(500);
    let rest = load.take_times();
    for nth in 1..=reloads {
        assert_eq!(reload(&gateway, &config(nth)), nth as u64);
        let brought = Session::open(gateway.listen(), &format!("rates-{nth}.dc1"));
        brought.unwrap().close().unwrap();
        let one = nth % held.len();
        held[one].exchange(b"still there").unwrap();
    }
    assert!(is_unknown(&gateway, &format!("rates-{}.dc1", reloads - 1)));
    load.wait_for(100);
    let during = load.take_times();
    let failures = load.stop();
    assert!(failures.is_empty(), "{failures:?}");
    for session in &mut held {
        session.exchange(b"after the last").unwrap();
    }
    assert_eq!(gateway.metric(GENERATION), reloads as f64);
    assert_eq!(cut(&gateway), Vec::<String>::new());
    println!(
        "{reloads} reloads, {} sessions held, {} short ones meanwhile, none refused, none cut",
        held.len(),
        during.len()
    );
    println!(
        "time to the first answer: at rest p50 {:?}, p99 {:?}; during reloads p50 {:?}, p99 {:?}",
        within(&rest, 0.5),
        within(&rest, 0.99),
        within(&during, 0.5),
        within(&during, 0.99)
    );
}

/// Series of connections that ended otherwise than they wanted, but for those that asked for a name
/// that is gone.
fn cut(gateway: &Gateway) -> Vec<String> {
    let ended = gateway.series(CLOSED).into_keys();
    ended
        .filter(|labels| !labels.contains(r#"cause="done""#) && !labels.contains(r#"route="none""#))
        .collect()
}

#[test]
fn routes_and_listeners_come_and_go_and_their_sessions_stay() {
    let (first, second) = (echo(), echo());
    let alone = dc1("", &[first], "");
    let both = alone.replace(
        "[listen]\naddress = \"127.0.0.1:0\"\n",
        "[[listen]]\nname = \"listen\"\naddress = \"127.0.0.1:0\"\n\
         [[listen]]\nname = \"more\"\naddress = \"127.0.0.1:0\"\n",
    ) + &service("orders", second);
    let gateway = gateway!(alone);
    let mut held = Session::open(gateway.listen(), "currency.dc1").unwrap();
    assert!(is_unknown(&gateway, "orders.dc1"));
    reload(&gateway, &both);
    let all = listeners(&gateway);
    assert_eq!(all[0], ("listen".to_owned(), gateway.listen()));
    assert_eq!(all[1].0, "more");
    let mut orders = Session::open(all[1].1, "orders.dc1").unwrap();
    reload(&gateway, &alone);
    assert_eq!(listeners(&gateway), all[..1]);
    until("nobody accepts there", || {
        TcpStream::connect(all[1].1).is_err()
    });
    assert!(is_unknown(&gateway, "orders.dc1"));
    orders.exchange(b"still there").unwrap();
    held.exchange(b"still there").unwrap();
    // What was counted of it goes with the last who used it.
    let is_counted = || gateway.get("/metrics").body.contains("route=\"orders\"");
    assert!(is_counted());
    orders.close().unwrap();
    until("it is no longer counted", || !is_counted());
}

/// Its only session goes on; nobody else looks at it any more.
#[test]
fn a_service_that_is_gone_is_no_longer_checked() {
    let (first, second) = (echo(), TcpListener::bind("127.0.0.1:0").unwrap());
    let address = second.local_addr().unwrap();
    let orders = format!(
        "[[service]]\nname = \"orders\"\nendpoints = [\"{address}\"]\n\
         check = {{ type = \"tcp\", interval = \"100ms\", fast_interval = \"50ms\", timeout = \"90ms\" }}\n"
    );
    let gateway = gateway!(dc1("", &[first], &orders));
    let hello = hello::named(b"orders.dc1");
    let _client = send(gateway.listen(), &hello);
    let (mut session, mut checks) = (None, 0);
    while session.is_none() || checks < 3 {
        let (mut stream, _) = second.accept().unwrap();
        match stream.peek(&mut [0]).unwrap() {
            0 => checks += 1,
            _ => session = Some(read_exactly(&mut stream, hello.len())).map(|_| stream),
        }
    }
    reload(&gateway, &dc1("", &[first], ""));
    second.set_nonblocking(true).unwrap();
    // That nobody comes is what is tested, and no event tells it: first those that were under way,
    // then for longer than from one check to the next.
    std::thread::sleep(Duration::from_millis(200));
    while second.accept().is_ok() {}
    std::thread::sleep(Duration::from_millis(400));
    assert!(second.accept().is_err(), "it is still checked");
    drop(session);
}

#[test]
fn a_file_with_mistakes_is_refused_whole_and_so_is_what_takes_a_restart() {
    let (first, second) = (echo(), echo());
    let config = dc1("", &[first], "");
    let gateway = gateway!(config);
    let mut held = Session::open(gateway.listen(), "currency.dc1").unwrap();
    let changed = dc1("", &[second], "");
    let said = refusal(&gateway, &format!("{changed}\n[[service]\n"));
    assert!(said.contains("config.toml:"), "{said}");
    let said = refusal(&gateway, &changed.replace("announce", "anounce"));
    assert!(said.contains("did you mean \"announce\""), "{said}");
    gateway.line(|line| line.contains("the old one stays") && line.contains("anounce"));
    let elsewhere = changed.replace("\"dc1\"", "\"dc9\"");
    let said = refusal(&gateway, &format!("workers = 1\n{elsewhere}"));
    assert_eq!(said, "a change of datacenter, workers takes a restart");
    let said = refusal(
        &gateway,
        &changed.replace("[admin]\naddress = \"127.0.0.1:0\"\n", ""),
    );
    assert_eq!(said, "a change of [admin] takes a restart");
    let listen = "[listen]\naddress = ";
    let free = format!("{listen}\"127.0.0.1:0\"");
    let taken = changed.replace(&free, &format!("{listen}\"{first}\""));
    let said = refusal(&gateway, &taken);
    assert!(
        said.contains(&format!("cannot listen on {first}")),
        "{said}"
    );
    assert_eq!(
        listeners(&gateway),
        [("listen".to_owned(), gateway.listen())]
    );
    let clusters = gateway.get("/clusters").body;
    assert!(clusters.contains(&first.to_string()) && !clusters.contains(&second.to_string()));
    held.exchange(b"still there").unwrap();
    reload(&gateway, &changed);
    assert!(gateway.get("/clusters").body.contains(&second.to_string()));
}

/// Sessions and decisions of a pool whose endpoints change stay.
#[test]
fn an_operators_failover_stays_through_a_reload() {
    let endpoints = [echo(), echo(), echo()];
    let config = |endpoints: &[SocketAddr]| {
        let text = dc1("", &[], "");
        let [primary, backup] = endpoints else {
            panic!("a primary and a backup");
        };
        text.replace(
            "endpoints = []",
            &format!("primary = [\"{primary}\"]\nbackup = [\"{backup}\"]"),
        )
    };
    let gateway = gateway!(config(&endpoints[..2]));
    assert_eq!(gateway.post("/pools/currency/failover").status, 200);
    reload(&gateway, &config(&[endpoints[2], endpoints[1]]));
    let clusters: Value = serde_json::from_str(&gateway.get("/clusters").body).unwrap();
    let pool = &clusters["pools"][0];
    assert_eq!(
        (&pool["held"], &pool["active_tier"]),
        (&true.into(), &1.into())
    );
}

#[test]
fn a_process_that_drains_says_so_and_still_takes_who_comes() {
    let config = dc1("", &[echo()], JSON_LOG).replace(DRAIN, "announce = \"10m\"");
    let mut gateway = gateway!(config);
    assert_eq!(gateway.get("/health/ready").status, 200);
    let mut events = send(gateway.address("admin"), EVENTS);
    assert_eq!(read_exactly(&mut events, 15), b"HTTP/1.1 200 OK");
    let load = Load::start(2, gateway.listen(), "currency.dc1", Duration::ZERO);
    assert_eq!(gateway.post("/drain").status, 202);
    until("it is not ready", || {
        gateway.get("/health/ready").status == 503
    });
    load.wait_for(50);
    assert!(load.stop().is_empty());
    assert_eq!(gateway.get("/health/live").status, 200);
    assert_eq!(gateway.post("/reload").status, 409);
    // A supervisor's signal says the same again, and changes nothing; another one ends it at once.
    gateway.signal(Signal::TERM);
    gateway.line(|line| line.contains("another signal ends it at once"));
    assert_eq!(gateway.get("/health/live").status, 200);
    gateway.signal(Signal::INT);
    let (said, end) = read_to_end(&mut events);
    assert!(said.ends_with(LAST_CHUNK) && end == End::Fin);
    assert!(gateway.wait().success());
}

#[test]
fn sessions_finish_while_nobody_comes_any_more_and_the_rest_is_reset() {
    let backend = Backend::default();
    let config = dc1("", &[backend.address()], JSON_LOG);
    let mut gateway = gateway!(config.replace(DRAIN, "announce = \"0s\"\ndeadline = \"1s\""));
    let hello = hello::named(b"currency.dc1");
    let open = || {
        let client = send(gateway.listen(), &hello);
        let mut upstream = backend.accept();
        read_exactly(&mut upstream, hello.len());
        (client, upstream)
    };
    let ((mut first, upstream), (mut second, _open)) = (open(), open());
    assert_eq!(gateway.post("/drain").status, 202);
    until("nobody is taken", || {
        TcpStream::connect(gateway.listen()).is_err()
    });
    drop(upstream);
    assert_eq!(read_to_end(&mut first), (vec![], End::Fin));
    drop(first);
    assert_eq!(read_to_end(&mut second), (vec![], End::Reset));
    assert!(gateway.wait().success());
    gateway.line(|line| line.contains("resetting the sessions") && line.contains("\"sessions\":1"));
    let ended = gateway.ended_as(2, |line| line["phase"] == "relay");
    let causes: Vec<_> = ended.iter().map(|line| &line["cause"]).collect();
    assert_eq!(causes, ["done", "drain"]);
}

/// Taken out of the file and put back, a service is who it was: its sessions count, its endpoint is in
/// maintenance still.
#[test]
fn a_service_that_comes_back_is_who_it_was() {
    let endpoints = [echo(), echo()];
    let alone = dc1("", &endpoints[..1], "");
    let orders = format!(
        "[[service]]\nname = \"orders\"\ncheck = \"none\"\nprimary = [\"{}\"]\n\
         backup = [{{ address = \"{}\", max_connections = 1 }}]\n",
        endpoints[0], endpoints[1]
    );
    let both = alone.clone() + &orders;
    let gateway = gateway!(both);
    let out = format!(
        r#"{{"endpoint": "{}", "reason": "a new disk"}}"#,
        endpoints[0]
    );
    let admin = gateway.address("admin");
    let answer = http::post(admin, "/pools/orders/maintenance", &out);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let mut session = Session::open(gateway.listen(), "orders.dc1").unwrap();
    reload(&gateway, &alone);
    reload(&gateway, &alone);
    reload(&gateway, &both);
    let clusters: Value = serde_json::from_str(&gateway.get("/clusters").body).unwrap();
    let pools = clusters["pools"].as_array().unwrap();
    let pool = pools.iter().find(|it| it["name"] == "orders").unwrap();
    let tiers = &pool["tiers"];
    assert_eq!(tiers[0]["endpoints"][0]["maintenance"], "a new disk");
    assert_eq!(tiers[1]["endpoints"][0]["connections"], 1);
    // It is full.
    Session::open(gateway.listen(), "orders.dc1").unwrap_err();
    session.exchange(b"still there").unwrap();
    session.close().unwrap();
    until("there is a place again", || {
        Session::open(gateway.listen(), "orders.dc1").is_ok()
    });
}

/// The text of [`dc1`] with these listeners in place of its own.
fn listening(endpoint: SocketAddr, listeners: &str) -> String {
    let alone = dc1("", &[endpoint], "");
    alone.replace("[listen]\naddress = \"127.0.0.1:0\"\n", listeners)
}

#[test]
fn a_listener_that_would_be_another_is_refused_with_what_to_do() {
    let (endpoint, reserved) = (echo(), [(); 2].map(|()| Reserved::new().unwrap()));
    let [clients, peers] = [0, 1].map(|nth: usize| reserved[nth].address());
    let keys = format!("address = \"{clients}\"\npeer_address = \"{peers}\"\n");
    let gateway = gateway!(listening(endpoint, &format!("[listen]\n{keys}")));
    // A second section beside one without a name.
    let more = "[[listen]]\naddress = \"127.0.0.1:0\"\n";
    let unnamed = format!("[[listen]]\n{keys}{more}");
    let said = refusal(&gateway, &listening(endpoint, &unnamed));
    for (address, after) in [(clients, ""), (peers, "-peer")] {
        let expected = format!(
            "{address} is the address of the listener \"listen{after}\", whose name would be \
             \"listen-1{after}\", as that of one of several [[listen]] is that has no name: \
             give name = \"listen\" in its [[listen]], or restart"
        );
        assert!(said.contains(&expected), "{said}");
    }
    let named = format!("[[listen]]\nname = \"listen\"\n{keys}{more}");
    reload(&gateway, &listening(endpoint, &named));
    // Clients where gateways were.
    let swapped = format!("[listen]\naddress = \"{peers}\"\n");
    let said = refusal(&gateway, &listening(endpoint, &swapped));
    let expected = format!(
        "{peers} is where gateways of other data centres (peer_address) connect, and would be where \
         clients (address) do: use another port, or restart"
    );
    assert!(said.contains(&expected), "{said}");
}

#[test]
fn who_has_the_port_is_this_process_itself() {
    let endpoint = echo();
    let full = |sections: &str| listening(endpoint, sections) + "[limits]\nconnections = 1\n";
    let own = "[[listen]]\nname = \"listen\"\naddress = \"127.0.0.1:0\"\n";
    let more = |address: &str| format!("[[listen]]\nname = \"more\"\naddress = \"{address}\"\n");
    let gateway = gateway!(full(&(own.to_owned() + &more("127.0.0.1:0"))));
    let address = gateway.address("more");
    let every = format!("0.0.0.0:{}", address.port());
    let said = refusal(&gateway, &full(&(own.to_owned() + &more(&every))));
    let expected = format!(
        "cannot listen on {every}: this process itself listens on {address} until all of the change is"
    );
    assert!(said.contains(&expected), "{said}");
    // Nobody else is let in, so that who waits there keeps it from being closed.
    let held = Session::open(gateway.listen(), "currency.dc1").unwrap();
    let _waiting = TcpStream::connect(address).unwrap();
    reload(&gateway, &full(own));
    let again = full(&(own.to_owned() + &more(&address.to_string())));
    let said = refusal(&gateway, &again);
    let expected = format!("cannot listen on {address}: this process still closes {address}");
    assert!(said.contains(&expected), "{said}");
    held.close().unwrap();
    gateway.rewrite(&again);
    until("it is closed, and opened again", || {
        gateway.post("/reload").status == 200
    });
}
