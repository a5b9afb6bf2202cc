//! Two data centres, dc1 and dc2, each a gateway and a service of its own: processes, on one machine
//! or on two.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tests::client::{AskError, Asked, Client, Request};
use tests::config::FAST_CHECK;
use tests::endpoint::Endpoint;
use tests::namespace::Namespace;
use tests::pki::Authority;
use tests::ports::Reserved;
use tests::process::{Gateway, PATIENCE, until};
use tests::{gateway, peers, service};

/// What one gateway of another data centre may cost a client.
pub(crate) const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(1);
/// Within which a client has an answer or a refusal.
pub(crate) const DIAL_TIMEOUT: Duration = Duration::from_secs(2);

/// Where a data centre is; loopback of the test itself, if in no namespace.
#[derive(Debug, Default)]
pub(crate) struct Machine(Option<Namespace>);

impl Machine {
    /// Does something there.
    pub(crate) fn enter<T: Send>(&self, what: impl FnOnce() -> T + Send) -> T {
        match &self.0 {
            Some(namespace) => namespace.enter(what),
            None => what(),
        }
    }
}

/// One data centre.
pub(crate) struct Site {
    name: &'static str,
    machine: Arc<Machine>,
    listen: Reserved,
    /// Where gateways of other data centres connect.
    entrance: Reserved,
    /// Kept for the service while it does not run.
    _place: Reserved,
    service: Endpoint,
    gateway: Option<Gateway>,
    config: String,
}

impl Site {
    /// A data centre, whose service calls itself `called`; its gateway does not run yet.
    pub(crate) fn new(
        name: &'static str,
        called: &str,
        machine: &Arc<Machine>,
        entrance: Ipv4Addr,
        identity: &[PathBuf; 2],
    ) -> Self {
        machine.enter(|| {
            let place = Reserved::new().unwrap();
            Self {
                name,
                listen: Reserved::new().unwrap(),
                entrance: Reserved::at(entrance).unwrap(),
                service: service!(called, place.address(), identity.clone()),
                _place: place,
                machine: Arc::clone(machine),
                gateway: None,
                config: String::new(),
            }
        })
    }

    /// Starts its gateway; `keys` are those of its service, `others` the gateways of the other.
    pub(crate) fn start(&mut self, keys: &str, others: &[SocketAddr]) {
        self.config = self.config(keys, others);
        self.start_gateway();
    }

    fn config(&self, keys: &str, others: &[SocketAddr]) -> String {
        let Self { name, service, .. } = self;
        let (listen, entrance) = (self.listen.address(), self.entrance.address());
        let endpoint = service.address();
        let other = if *name == "dc1" { "dc2" } else { "dc1" };
        let others: Vec<String> = others.iter().map(ToString::to_string).collect();
        format!(
            r#"datacenter = "{name}"
[listen]
address = "{listen}"
peer_address = "{entrance}"
[admin]
address = "127.0.0.1:0"
[log]
format = "json"
[dial]
attempt_timeout = "1s"
timeout = "2s"
[relay]
user_timeout = "2s"
keepalive = "1s"
[[service]]
name = "currency"
endpoints = ["{endpoint}"]
hold_down = "0s"
{FAST_CHECK}
{keys}
[[datacenter]]
name = "{other}"
gateways = {others:?}
hold_down = "0s"
{FAST_CHECK}
"#
        )
    }

    /// Starts its gateway, again where it was.
    pub(crate) fn start_gateway(&mut self) {
        self.gateway = Some(self.machine.enter(|| gateway!(self.config)));
    }

    /// Kills its gateway; dropped, it is.
    pub(crate) fn kill_gateway(&mut self) {
        self.gateway = None;
    }

    pub(crate) fn kill_service(&mut self) {
        self.service.kill();
    }

    pub(crate) fn restart_service(&mut self) {
        self.machine.enter(|| self.service.restart());
    }

    pub(crate) fn gateway(&self) -> &Gateway {
        self.gateway.as_ref().unwrap()
    }

    pub(crate) fn listen(&self) -> SocketAddr {
        self.listen.address()
    }

    pub(crate) fn entrance(&self) -> SocketAddr {
        self.entrance.address()
    }

    /// The network of its machine, which it has to itself.
    pub(crate) fn network(&self) -> &Namespace {
        self.machine.0.as_ref().unwrap()
    }

    /// Waits until the first tier of this pool of its gateway is the active one, or is no more.
    pub(crate) fn await_primary(&self, pool: &str, is_active: bool) {
        let what = format!("the first tier of {pool} is active: {is_active}");
        until(&what, || (self.pool(pool)["active_tier"] == 0) == is_active);
    }

    /// Waits until no endpoint of this pool of its gateway is up.
    pub(crate) fn await_none_up(&self, pool: &str) {
        until(&format!("no endpoint of {pool} is up"), || {
            let pool = self.pool(pool);
            let tiers = pool["tiers"].as_array().unwrap().iter();
            let mut endpoints = tiers.flat_map(|it| it["endpoints"].as_array().unwrap());
            endpoints.all(|it| it["state"] != "up")
        });
    }

    fn pool(&self, name: &str) -> Value {
        let clusters = self.machine.enter(|| self.gateway().get("/clusters").body);
        let mut clusters: Value = serde_json::from_str(&clusters).unwrap();
        let pools = clusters["pools"].as_array_mut().unwrap();
        let pool = pools.iter_mut().find(|it| it["name"] == name);
        pool.unwrap().take()
    }
}

/// Both data centres, and somebody in dc1 who asks.
pub(crate) struct World {
    pub(crate) dc1: Site,
    pub(crate) dc2: Site,
    pub(crate) client: Client,
    /// The files of a certificate for both names, and its key.
    pub(crate) identity: [PathBuf; 2],
    _directory: TempDir,
}

/// One address for all that is on one machine.
const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;

impl World {
    /// Both on one machine; nothing runs but their services.
    pub(crate) fn on_loopback() -> Self {
        let machine = Arc::default();
        Self::new([(&machine, HERE), (&machine, HERE)])
    }

    /// Each on a machine of its own, with a link between them that can be cut. None, and the reason
    /// printed, where there can be no namespaces.
    pub(crate) fn over_a_link() -> Option<Self> {
        if !peers::are_here(&["ip", "ethtool"]) {
            return None;
        }
        let linked = || {
            let (here, there) = (Namespace::new()?, Namespace::new()?);
            here.link_far(&there)?;
            Ok::<_, String>([here, there])
        };
        let made = linked().inspect_err(|why| peers::skip(why)).ok()?;
        let [here, there] = made.map(|it| Arc::new(Machine(Some(it))));
        let [near, far] = [[10, 0, 0, 1], [10, 0, 0, 2]].map(Ipv4Addr::from);
        Some(Self::new([(&here, near), (&there, far)]))
    }

    fn new([dc1, dc2]: [(&Arc<Machine>, Ipv4Addr); 2]) -> Self {
        let (authority, directory) = (Authority::default(), tempfile::tempdir().unwrap());
        let identity = authority.issue(&["currency.dc1", "currency.dc2"]);
        let identity: [PathBuf; 2] = identity.write(directory.path(), "currency").into();
        Self {
            dc1: Site::new("dc1", "dc1", dc1.0, dc1.1, &identity),
            dc2: Site::new("dc2", "dc2", dc2.0, dc2.1, &identity),
            client: Client::new(authority.client(), PATIENCE),
            identity,
            _directory: directory,
        }
    }

    /// Starts both gateways, each with these keys of its service.
    pub(crate) fn start(&mut self, [dc1, dc2]: [&str; 2]) {
        self.dc2.start(dc2, &[self.dc1.entrance()]);
        self.dc1.start(dc1, &[self.dc2.entrance()]);
    }

    /// One more gateway of dc2 with a service of its own, beside dc1, which it knows.
    pub(crate) fn another_dc2(&self, called: &str) -> Site {
        let mut site = Site::new("dc2", called, &self.dc1.machine, HERE, &self.identity);
        site.start("", &[self.dc1.entrance()]);
        site
    }

    /// Somebody who asks dc1's gateway for this name.
    pub(crate) fn asker(&self, name: &'static str) -> Asker {
        Asker {
            machine: Arc::clone(&self.dc1.machine),
            gateway: self.dc1.listen(),
            client: self.client.clone(),
            request: Request::new(7, 10, 10_000),
            name,
        }
    }
}

/// Somebody who asks for one name.
#[derive(Clone)]
pub(crate) struct Asker {
    machine: Arc<Machine>,
    gateway: SocketAddr,
    client: Client,
    request: Request,
    name: &'static str,
}

impl Asker {
    /// Asks once.
    pub(crate) fn ask(&self) -> Asked {
        let Self { name, request, .. } = self;
        let asking = self.client.ask(self.gateway, name, request);
        self.machine.enter(|| block_on(asking))
    }

    /// Asks once, and is answered; by whom, and how long that took.
    pub(crate) fn answer(&self) -> (String, Duration) {
        let asked = self.ask();
        (asked.result.unwrap(), asked.took)
    }

    /// Asks once, and is refused; how long that took.
    pub(crate) fn refusal(&self) -> Duration {
        let asked = self.ask();
        let is_refused = matches!(asked.result, Err(AskError::Alert(80)));
        assert!(is_refused, "{asked:?}");
        asked.took
    }

    /// Asks until this one answers.
    pub(crate) fn await_answer(&self, by: &str) {
        let is_by = |result: Result<String, _>| result.is_ok_and(|name| name == by);
        until(&format!("{by} answers"), || is_by(self.ask().result));
    }
}

/// Runs a future on this thread, whose network is that of its sockets.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(future)
}
