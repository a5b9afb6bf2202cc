//! Two data centres that stand in for each other: services, gateways and names that fail over, and
//! come back.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::client::{AskError, Asked, Client, Request};
use tests::gateway;
use tests::hello::named;
use tests::pki::Authority;
use tests::ports::Reserved;
use tests::process::{Gateway, PATIENCE, until};
use tests::service::Service;
use tests::wire::{End, read_exactly, read_to_end, reset, send};

/// Comes back at once, so that a test need not wait.
const EAGER: &str = r#"hold_down = "0s""#;
/// Notices a death within half a second.
const OFTEN: &str = r#"check = { interval = "400ms", fast_interval = "50ms", timeout = "390ms", rise = 1, fall = 2 }"#;

/// One data centre.
struct Site {
    name: &'static str,
    other: &'static str,
    listen: Reserved,
    peer: Reserved,
    /// Where gateways of the other data centre connect.
    entrance: SocketAddr,
    service: Service,
    gateway: Option<Gateway>,
}

impl Site {
    async fn new(name: &'static str, other: &'static str, authority: &Authority) -> Self {
        let (listen, peer) = (Reserved::new().unwrap(), Reserved::new().unwrap());
        Self {
            service: serve(None, name, authority).await,
            entrance: peer.address(),
            gateway: None,
            name,
            other,
            listen,
            peer,
        }
    }

    /// The gateway's configuration; `keys` are those of its service, `entrances` the other's.
    fn config(&self, keys: &str, entrances: &[SocketAddr]) -> String {
        let Self { name, other, .. } = self;
        let (listen, peer) = (self.listen.address(), self.peer.address());
        let endpoint = self.service.address();
        let entrances: Vec<String> = entrances.iter().map(ToString::to_string).collect();
        format!(
            r#"datacenter = "{name}"
[listen]
address = "{listen}"
peer_address = "{peer}"
[admin]
address = "127.0.0.1:0"
[log]
format = "json"
[dial]
attempt_timeout = "1s"
timeout = "2s"
[[service]]
name = "currency"
endpoints = ["{endpoint}"]
{EAGER}
{OFTEN}
{keys}
[[datacenter]]
name = "{other}"
gateways = {entrances:?}
{EAGER}
{OFTEN}
"#
        )
    }

    fn gateway(&self) -> &Gateway {
        self.gateway.as_ref().unwrap()
    }

    fn pools(&self) -> Vec<Value> {
        let clusters = self.gateway().get("/clusters").body;
        let mut clusters: Value = serde_json::from_str(&clusters).unwrap();
        serde_json::from_value(clusters["pools"].take()).unwrap()
    }

    /// Whether the pool of this name has its first tier as the active one.
    fn is_on_primary(&self, pool: &str) -> bool {
        let pools = self.pools();
        let pool = pools.iter().find(|it| it["name"] == pool).unwrap();
        pool["active_tier"] == 0
    }

    /// Whether every endpoint passed its last check, and every pool is on its first tier.
    fn is_well(&self) -> bool {
        let passed = |endpoint: &Value| {
            endpoint["last_check"].is_object() && endpoint["last_check"]["error"].is_null()
        };
        self.pools().iter().all(|pool| {
            let tiers = pool["tiers"].as_array().unwrap();
            let endpoints = |tier: &Value| tier["endpoints"].as_array().unwrap().clone();
            pool["active_tier"] == 0 && tiers.iter().flat_map(endpoints).all(|it| passed(&it))
        })
    }
}

/// A service under its names in both data centres, which calls itself by its own.
async fn serve(at: Option<SocketAddr>, site: &str, authority: &Authority) -> Service {
    let tls = authority.issue(&["currency.dc1", "currency.dc2"]).server();
    let at = at.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)));
    Service::start_at(at, site, tls).await.unwrap()
}

struct World {
    authority: Authority,
    client: Client,
    sites: [Site; 2],
}

impl World {
    /// Both sites, each with these keys of its service; gateways that run, and have seen each other:
    /// the first one starts checking before there is a second.
    async fn start(keys: [&str; 2]) -> Self {
        let world = Self::start_with(keys, |site| vec![site.entrance]).await;
        until("all is well", || world.sites.iter().all(Site::is_well));
        world
    }

    /// As [`start`](Self::start), with entrances that may be wrong, so that none are waited for.
    async fn start_with(keys: [&str; 2], entrances: impl Fn(&Site) -> Vec<SocketAddr>) -> Self {
        let authority = Authority::default();
        let mut sites = [
            Site::new("dc1", "dc2", &authority).await,
            Site::new("dc2", "dc1", &authority).await,
        ];
        let configs = [
            sites[0].config(keys[0], &entrances(&sites[1])),
            sites[1].config(keys[1], &entrances(&sites[0])),
        ];
        for (site, config) in sites.iter_mut().zip(&configs) {
            site.gateway = Some(gateway!(config));
        }
        let client = Client::new(authority.client(), PATIENCE);
        Self {
            authority,
            client,
            sites,
        }
    }

    /// Asks the gateway of a site for a name.
    async fn ask(&self, site: usize, name: &str) -> Asked {
        let at = self.sites[site].listen.address();
        self.client
            .ask(at, name, &Request::new(7, 10, 10_000))
            .await
    }

    async fn answer(&self, site: usize, name: &str) -> String {
        self.ask(site, name).await.result.unwrap()
    }

    async fn stop_service(&mut self, site: usize) -> SocketAddr {
        let at = self.sites[site].service.address();
        let standin = Service::start("nobody", self.authority.issue(&["nobody"]).server());
        let stopped = std::mem::replace(&mut self.sites[site].service, standin.await.unwrap());
        stopped.stop().await;
        at
    }

    async fn restart_service(&mut self, site: usize, at: SocketAddr) {
        let name = self.sites[site].name;
        self.sites[site].service = serve(Some(at), name, &self.authority).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_dies_is_answered_elsewhere_and_comes_back() {
    let keys = [r#"failover = ["dc2"]"#, r#"adopts = ["dc1"]"#];
    let mut world = World::start(keys).await;
    assert_eq!(world.answer(0, "currency.dc1").await, "dc1");
    let at = world.stop_service(0).await;
    // At once: the dial goes on within itself.
    assert_eq!(world.answer(0, "currency.dc1").await, "dc2");
    until("dc1 has failed over", || {
        !world.sites[0].is_on_primary("currency")
    });
    assert_eq!(world.answer(0, "currency.dc1").await, "dc2");
    world.restart_service(0, at).await;
    until("dc1 is back", || world.sites[0].is_on_primary("currency"));
    assert_eq!(world.answer(0, "currency.dc1").await, "dc1");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_names_of_a_data_centre_that_is_gone_are_answered_by_who_adopted_them() {
    let keys = [r#"adopts = ["dc2"]"#, ""];
    let mut world = World::start(keys).await;
    assert_eq!(world.answer(0, "currency.dc2").await, "dc2");
    // Dropped, it is killed.
    world.sites[1].gateway = None;
    assert_eq!(world.answer(0, "currency.dc2").await, "dc1");
    until("dc2 is seen to be gone", || {
        !world.sites[0].is_on_primary("currency.dc2")
    });
    let config = world.sites[1].config("", &[world.sites[0].entrance]);
    world.sites[1].gateway = Some(gateway!(config));
    until("dc2 is back", || {
        world.sites[0].is_on_primary("currency.dc2")
    });
    assert_eq!(world.answer(0, "currency.dc2").await, "dc2");
    // Its service dies behind a gateway that lives.
    world.stop_service(1).await;
    assert_eq!(world.answer(0, "currency.dc2").await, "dc1");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_is_left_a_connection_is_refused_after_one_hop() {
    let keys = [
        "failover = [\"dc2\"]\nadopts = [\"dc2\"]",
        "failover = [\"dc1\"]\nadopts = [\"dc1\"]",
    ];
    let mut world = World::start(keys).await;
    for site in [0, 1] {
        world.stop_service(site).await;
    }
    // To dc1's own gateway, and to the one that adopted it: each asks the other, which asks nobody.
    for (site, expected) in [(0, [0, 1]), (1, [1, 1])] {
        let asked = world.ask(site, "currency.dc1").await;
        assert!(
            matches!(asked.result, Err(AskError::Alert(80))),
            "{asked:?}"
        );
        assert!(asked.took < Duration::from_secs(2), "{asked:?}");
        for (site, hellos) in world.sites.iter().zip(expected) {
            site.gateway().ended_as(hellos, is_hello_of_peer);
        }
        let hops = world.sites.each_ref().map(hellos_of_peers);
        assert_eq!(hops, expected);
    }
}

/// Whether a line is about a hello that another gateway passed on: checks send none.
fn is_hello_of_peer(line: &Value) -> bool {
    line["listener"] == "listen-peer" && line["sni"].is_string()
}

fn hellos_of_peers(site: &Site) -> usize {
    let lines = site.gateway().lines();
    let lines = lines
        .iter()
        .filter_map(|line| serde_json::from_str(line).ok());
    lines.filter(is_hello_of_peer).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_that_send_each_other_to_the_wrong_address_find_out() {
    let keys = [r#"failover = ["dc2"]"#, r#"failover = ["dc1"]"#];
    let wrong = |site: &Site| vec![site.listen.address()];
    let mut world = World::start_with(keys, wrong).await;
    for site in [0, 1] {
        world.stop_service(site).await;
    }
    let asked = world.ask(0, "currency.dc1").await;
    assert!(
        matches!(asked.result, Err(AskError::Alert(80))),
        "{asked:?}"
    );
    assert!(asked.took < Duration::from_secs(2), "{asked:?}");
    let gateway = world.sites[0].gateway();
    let line = gateway.line(|line| line.contains("\"reason\":\"circle\""));
    assert!(line.contains("peer_address"), "{line}");
    // There, and back again; that was all.
    assert_eq!(gateway.ended_as(2, |it| it["sni"].is_string()).len(), 2);
}

/// A gateway of `here` that leads whatever it has no endpoint for to these of `there`.
fn leading_on(at: SocketAddr, here: &str, there: &str, gateways: &[Reserved]) -> Gateway {
    let gateways = gateways.iter().map(|it| it.address().to_string());
    let (gateways, dead) = (Vec::from_iter(gateways), Reserved::new().unwrap());
    gateway!(format!(
        r#"datacenter = "{here}"
[listen]
address = "{at}"
[admin]
address = "127.0.0.1:0"
[log]
format = "json"
[[service]]
name = "currency"
endpoints = ["{}"]
failover = ["{there}"]
check = "none"
[[datacenter]]
name = "{there}"
gateways = {gateways:?}
check = "none"
"#,
        dead.address()
    ))
}

/// Each of three passes it on to each of the three others, once.
#[test]
fn a_hello_that_goes_in_circles_goes_over_each_way_once() {
    let sites = [(); 2].map(|()| [(); 3].map(|()| Reserved::new().unwrap()));
    let start = |here: usize, names: [&str; 2]| {
        let there = &sites[1 - here];
        let at = sites[here].iter().map(Reserved::address);
        Vec::from_iter(at.map(|at| leading_on(at, names[0], names[1], there)))
    };
    let mut gateways = start(0, ["dc1", "dc2"]);
    gateways.extend(start(1, ["dc2", "dc1"]));
    let mut client = send(gateways[0].listen(), &named(b"currency.dc1"));
    let refused = (INTERNAL_ERROR.to_vec(), End::Fin);
    assert_eq!(read_to_end(&mut client), refused);
    let hellos = gateways.iter().map(|gateway| {
        until("all are over", || {
            let open = gateway.series("mesh_gateway_connections_active");
            open.into_values().all(|open| open == 0.0)
        });
        let lines = gateway.lines();
        lines.iter().filter(|it| it.contains("\"sni\":")).count()
    });
    let hellos: usize = hellos.sum();
    assert!(hellos <= 1 + 2 * 3 * 3, "{hellos} connections");
}

/// Its configuration knows the endpoint by a name alone.
#[test]
fn a_gateway_that_is_its_own_endpoint_finds_out() {
    let (own, other) = (Reserved::new().unwrap(), answering(SERVED));
    let config = |endpoints: &str| {
        format!(
            "datacenter = \"dc1\"\n[listen]\naddress = \"{}\"\n[admin]\naddress = \"127.0.0.1:0\"\n\
             [log]\nformat = \"json\"\n[[service]]\nname = \"currency\"\n{endpoints}\ncheck = \"none\"\n",
            own.address()
        )
    };
    let itself = format!("localhost:{}", own.address().port());
    let gateway = gateway!(config(&format!("endpoints = [\"{itself}\"]")));
    let mut client = send(gateway.listen(), &named(b"currency.dc1"));
    let refused = (INTERNAL_ERROR.to_vec(), End::Fin);
    assert_eq!(read_to_end(&mut client), refused);
    let line = gateway
        .ended_as(1, |line| line["sni"].is_string())
        .remove(0);
    let error = line["error"].as_str().unwrap();
    assert!(error.contains("is this very gateway"), "{error}");
    // What else there is answers.
    gateway.rewrite(&config(&format!(
        "primary = [\"{itself}\"]\nbackup = [\"{other}\"]"
    )));
    assert_eq!(gateway.post("/reload").status, 200);
    let mut client = send(gateway.listen(), &named(b"currency.dc1"));
    assert_eq!(read_to_end(&mut client).0, SERVED);
    drop(client);
    let sessions = gateway.ended_as(2, |line| line["sni"].is_string()).len();
    assert_eq!(sessions, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_name_is_unknown_also_through_another_gateway() {
    let world = World::start(["", ""]).await;
    let asked = world.ask(0, "nosuch.dc2").await;
    assert!(
        matches!(asked.result, Err(AskError::Alert(112))),
        "{asked:?}"
    );
    // What one name is answered is not held against the gateway.
    assert_eq!(world.answer(0, "currency.dc2").await, "dc2");
    let failures = r#"mesh_gateway_endpoint_failures_total{"#;
    let metrics = world.sites[0].gateway().get("/metrics").body;
    let failed = metrics.lines().filter(|it| it.starts_with(failures));
    assert!(failed.clone().all(|it| it.ends_with(" 0")), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_address_for_gateways_nothing_is_led_on() {
    let world = World::start(["", r#"adopts = ["dc1"]"#]).await;
    let ask = |at: usize, name: &'static str| {
        let peer = world.sites[at].peer.address();
        let client = world.client.clone();
        async move { client.ask(peer, name, &Request::new(7, 1, 1)).await.result }
    };
    assert_eq!(ask(1, "currency.dc2").await.unwrap(), "dc2");
    assert_eq!(ask(1, "currency.dc1").await.unwrap(), "dc2");
    // Its own name is all that dc1 has there.
    assert!(matches!(
        ask(0, "currency.dc2").await,
        Err(AskError::Alert(112))
    ));
    let routes = world.sites[1].gateway().get("/routes").body;
    let routes: Value = serde_json::from_str(&routes).unwrap();
    let routes = routes.as_array().unwrap();
    let peers: Vec<&str> = routes
        .iter()
        .filter(|it| it["face"] == "peers")
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(peers, ["currency.dc1", "currency.dc2"]);
}

/// A gateway of dc2 that answers a hello as `answer` says, for every connection that brings one.
fn gateway_that(answer: impl Fn(&mut TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            if stream.peek(&mut [0]).is_ok_and(|read| read > 0) {
                answer(&mut stream);
            }
        }
    });
    address
}

/// Reads the hello that a test sent, and answers.
fn answering(bytes: &'static [u8]) -> SocketAddr {
    let hello = named(b"currency.dc2").len();
    gateway_that(move |stream| {
        read_exactly(stream, hello);
        stream.write_all(bytes).unwrap();
    })
}

/// What a client hears of dc1's gateway, in front of these gateways of dc2.
fn hear(gateways: &[SocketAddr]) -> (Vec<u8>, End, Gateway) {
    let gateway = before(gateways, "");
    let mut stream = send(gateway.listen(), &named(b"currency.dc2"));
    let (heard, end) = read_to_end(&mut stream);
    (heard, end, gateway)
}

const SERVED: &[u8] = b"\x16\x03\x03 served";
const INTERNAL_ERROR: &[u8] = &[21, 3, 3, 0, 2, 2, 80];

#[test]
fn whatever_says_that_nobody_answers_sends_the_hello_to_the_next_gateway() {
    let closes = gateway_that(|stream| drop(read_exactly(stream, 5)));
    let refuses = answering(INTERNAL_ERROR);
    let knows_none = answering(&[21, 3, 3, 0, 2, 2, 112]);
    let serves = answering(SERVED);
    let (heard, end, gateway) = hear(&[closes, refuses, knows_none, serves]);
    assert_eq!((heard.as_slice(), end), (SERVED, End::Fin));
    let line = gateway.first_ended();
    assert_eq!(line["failed_attempts"], 3, "{line}");
    assert_eq!(line["upstream"], serves.to_string());
}

#[test]
fn other_alerts_are_the_clients() {
    // A warning, after which a handshake may go on, and what a server says of a client.
    for alert in [[21, 3, 3, 0, 2, 1, 112], [21, 3, 3, 0, 2, 2, 40]] {
        let alert: &'static [u8] = Box::leak(Box::new(alert));
        let never = answering(SERVED);
        let (heard, end, _) = hear(&[answering(alert), never]);
        assert_eq!((heard.as_slice(), end), (alert, End::Fin));
    }
}

#[test]
fn an_answer_that_only_begins_as_an_alert_arrives_whole() {
    let (heard, end, _) = hear(&[answering(&[21, 3, 3])]);
    assert_eq!((heard.as_slice(), end), (&[21_u8, 3, 3][..], End::Fin));
}

#[test]
fn the_last_word_of_the_gateways_is_the_clients() {
    let refuses = answering(INTERNAL_ERROR);
    let knows_none = answering(&[21, 3, 3, 0, 2, 2, 112]);
    for (gateways, alert) in [([refuses, knows_none], 112), ([knows_none, refuses], 80)] {
        let (heard, end, gateway) = hear(&gateways);
        assert_eq!(
            (heard.as_slice(), end),
            (&[21, 3, 3, 0, 2, 2, alert][..], End::Fin)
        );
        let line = gateway.first_ended();
        assert_eq!(
            (&line["phase"], &line["cause"]),
            (&"connect".into(), &"upstream".into())
        );
        let error = line["error"].as_str().unwrap();
        assert!(
            error.contains("TLS alert 80") && error.contains("TLS alert 112"),
            "{error}"
        );
    }
}

/// A gateway of dc1 in front of these of dc2, which it does not check. `dial` bounds its dials.
fn before(gateways: &[SocketAddr], dial: &str) -> Gateway {
    let gateways: Vec<String> = gateways.iter().map(ToString::to_string).collect();
    gateway!(format!(
        r#"datacenter = "dc1"
[listen]
address = "127.0.0.1:0"
[admin]
address = "127.0.0.1:0"
[log]
format = "json"
[dial]
{dial}
[[datacenter]]
name = "dc2"
gateways = {gateways:?}
check = "none"
"#
    ))
}

#[test]
fn what_a_client_sends_behind_its_hello_waits_for_whoever_answers() {
    let (say, said) = mpsc::channel();
    let (close, closes) = mpsc::channel();
    let closes = Mutex::new(closes);
    let hello = named(b"currency.dc2");
    let length = hello.len();
    let first = gateway_that(move |stream| {
        read_exactly(stream, length);
        say.send(()).unwrap();
        closes.lock().unwrap().recv().unwrap();
    });
    let second = gateway_that(move |stream| {
        read_exactly(stream, length);
        stream.write_all(SERVED).unwrap();
        let (rest, end) = read_to_end(stream);
        assert_eq!((rest.as_slice(), end), (&b"more"[..], End::Fin));
    });
    let gateway = before(&[first, second], "");
    let mut stream = send(gateway.listen(), &hello);
    said.recv_timeout(PATIENCE).unwrap();
    stream.write_all(b"more").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    close.send(()).unwrap();
    let (heard, end) = read_to_end(&mut stream);
    assert_eq!((heard.as_slice(), end), (SERVED, End::Fin));
}

#[test]
fn a_client_that_is_reset_while_it_waits_is_a_reset_for_the_gateway() {
    let (say, said) = mpsc::channel();
    let hello = named(b"currency.dc2");
    let length = hello.len();
    let silent = gateway_that(move |stream| {
        read_exactly(stream, length);
        say.send(None).unwrap();
        say.send(Some(read_to_end(stream).1)).unwrap();
    });
    let gateway = before(&[silent], "");
    let stream = send(gateway.listen(), &hello);
    assert_eq!(said.recv_timeout(PATIENCE).unwrap(), None);
    reset(stream);
    assert_eq!(said.recv_timeout(PATIENCE).unwrap(), Some(End::Reset));
    let line = gateway.first_ended();
    assert_eq!(
        (&line["cause"], &line["reason"]),
        (&"client".into(), &"reset".into())
    );
}

#[test]
fn a_gateway_that_breaks_within_an_alert_is_left_for_the_next() {
    let length = named(b"currency.dc2").len();
    let breaks = gateway_that(move |stream| {
        read_exactly(stream, length);
        stream.write_all(&[21, 3, 3]).unwrap();
        // It is closed, and reset, once this has returned.
        reset(stream.try_clone().unwrap());
    });
    let (heard, end, _) = hear(&[breaks, answering(SERVED)]);
    assert_eq!((heard.as_slice(), end), (SERVED, End::Fin));
}

#[test]
fn a_gateway_that_hangs_is_left_where_another_could_be_asked() {
    let (hangs, _hung) = hanging();
    let dial = "attempt_timeout = \"100ms\"\ntimeout = \"400ms\"";
    let gateway = before(&[hangs, answering(SERVED)], dial);
    let mut stream = send(gateway.listen(), &named(b"currency.dc2"));
    let (heard, end) = read_to_end(&mut stream);
    assert_eq!((heard.as_slice(), end), (SERVED, End::Fin));
    drop(stream);
    assert_eq!(gateway.first_ended()["failed_attempts"], 1);
}

/// A gateway that takes connections and says nothing, as long as what is returned with it is kept.
fn hanging() -> (SocketAddr, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    (listener.local_addr().unwrap(), listener)
}

#[test]
fn a_gateway_that_takes_its_time_is_waited_for() {
    let (release, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let hello = named(b"currency.dc2");
    let length = hello.len();
    let slow = gateway_that(move |stream| {
        read_exactly(stream, length);
        wait.lock().unwrap().recv().unwrap();
        stream.write_all(SERVED).unwrap();
    });
    let dial = "attempt_timeout = \"200ms\"\ntimeout = \"400ms\"";
    let gateway = before(&[slow], dial);
    let began = Instant::now();
    let mut stream = send(gateway.listen(), &hello);
    // Longer than every bound of the dial and of the answer.
    stream
        .set_read_timeout(Some(Duration::from_millis(900)))
        .unwrap();
    let silent = stream.read(&mut [0]);
    assert!(silent.is_err() && began.elapsed() >= Duration::from_millis(900));
    release.send(()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(read_exactly(&mut stream, SERVED.len()), SERVED);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_out_is_out_wherever_it_stands() {
    let world = World::start([r#"adopts = ["dc2"]"#, ""]).await;
    let gateway = world.sites[0].gateway();
    let maintain = |pool: &str, endpoint: SocketAddr| {
        let line = format!("/pools/{pool}/maintenance");
        let body = format!(r#"{{"endpoint": "{endpoint}", "reason": "a new disk"}}"#);
        let answer = tests::http::post(gateway.address("admin"), &line, &body);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    };
    // dc2's only gateway: whoever is asked for there is answered here at once.
    let said = maintain("dc2", world.sites[1].entrance);
    assert!(said.contains("also for currency.dc2"), "{said}");
    assert_eq!(world.answer(0, "currency.dc2").await, "dc1");
    let said = maintain("currency", world.sites[0].service.address());
    assert!(said.contains("also for currency.dc2"), "{said}");
    let refused = world.ask(0, "currency.dc2").await.result;
    assert!(matches!(refused, Err(AskError::Alert(80))), "{refused:?}");
}

#[test]
fn who_may_not_reach_a_data_centre_is_not_led_there_by_another_name() {
    let (dead, there) = (Reserved::new().unwrap(), answering(SERVED));
    let gateway = |deny: &str| {
        let dead = dead.address();
        gateway!(format!(
            r#"datacenter = "dc1"
[listen]
address = "127.0.0.1:0"
peer_address = "127.0.0.1:0"
[[service]]
name = "currency"
endpoints = ["{dead}"]
check = "none"
failover = ["dc2"]
adopts = ["dc2"]
[[datacenter]]
name = "dc2"
gateways = ["{there}"]
check = "none"
{deny}
"#
        ))
    };
    let hear = |gateway: &Gateway, name: &str| {
        let mut stream = send(gateway.listen(), &named(name.as_bytes()));
        read_to_end(&mut stream).0
    };
    let open = gateway("");
    let denied = gateway("deny = [\"127.0.0.1\"]");
    for name in ["currency.dc1", "currency.dc2"] {
        assert_eq!(hear(&open, name), SERVED, "{name}");
    }
    // Here it may be asked for, and is not served; there it may not.
    assert_eq!(hear(&denied, "currency.dc1"), INTERNAL_ERROR);
    for name in ["currency.dc2", "other.dc2"] {
        assert_eq!(hear(&denied, name), [21, 3, 3, 0, 2, 2, 49], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_leads_nowhere_is_left_for_that_service_alone() {
    let mut world = World::start([r#"adopts = ["dc2"]"#, ""]).await;
    let at = world.stop_service(1).await;
    // Each question finds out for itself, until they have said it often enough.
    while world.sites[0].is_on_primary("currency.dc2") {
        assert_eq!(world.answer(0, "currency.dc2").await, "dc1");
    }
    // The gateway itself is as good as its checks say.
    assert!(world.sites[0].is_on_primary("dc2"));
    let failed = world.sites[0].gateway().get("/clusters?pool=currency.dc2");
    assert!(failed.body.contains("TLS alert 80"), "{}", failed.body);
    world.restart_service(1, at).await;
    // Now and then a question tries whether it leads somewhere again.
    while !world.sites[0].is_on_primary("currency.dc2") {
        world.answer(0, "currency.dc2").await;
    }
    assert_eq!(world.answer(0, "currency.dc2").await, "dc2");
}
