//! Peers that are gone without a word: the network is cut off, as far as TCP can tell.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "figures are for people")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use tests::failover;
use tests::namespace::Namespace;
use tests::peers;
use tests::process::{Program, until};
use tests::wire::{Backend, End, connect, read_exactly, read_to_end};

const USER_TIMEOUT: Duration = Duration::from_secs(2);
/// `attempt_timeout`.
const DIAL: Duration = Duration::from_millis(500);
const KEEPALIVE: Duration = Duration::from_secs(1);

/// A port here, its primary on another machine, its backup here.
struct Far {
    here: Namespace,
    there: Namespace,
    failover: Program,
    primary: Backend,
    backup: Backend,
}

impl Far {
    /// None, and the reason printed, where there can be no namespaces.
    fn start(keys: &str) -> Option<Self> {
        if !peers::are_here(&["ip", "ethtool"]) {
            return None;
        }
        let linked = || {
            let (here, there) = (Namespace::new()?, Namespace::new()?);
            here.link(&there)?;
            Ok::<_, String>((here, there))
        };
        let made = linked().inspect_err(|why| peers::skip(why));
        let (here, there) = made.ok()?;
        let primary = there.enter(|| Backend::from(TcpListener::bind("10.0.0.2:0").unwrap()));
        let backup = here.enter(Backend::default);
        let config = format!(
            r#"
            [admin]
            address = "127.0.0.1:0"
            [dial]
            attempt_timeout = "500ms"
            [relay]
            user_timeout = "2s"
            keepalive = "1s"
            [[port]]
            name = "far"
            listen = "127.0.0.1:0"
            primary = ["{}"]
            backup = ["{}"]
            failback = "manual"
            {keys}
            "#,
            primary.address(),
            backup.address()
        );
        let failover = here.enter(|| failover!(config));
        Some(Self {
            here,
            there,
            failover,
            primary,
            backup,
        })
    }

    /// A session with the primary that has exchanged bytes; both ends.
    fn session(&self) -> (TcpStream, TcpStream) {
        let (mut client, mut server) = loop {
            let mut client = self.here.enter(|| connect(self.failover.address("far")));
            client.write_all(b"ping").unwrap();
            // On a busy machine a dial may miss its time, and the session is the backup's.
            if let Some(server) = self.asked() {
                break (client, server);
            }
        };
        server.write_all(b"pong").unwrap();
        assert_eq!(read_exactly(&mut client, 4), b"pong");
        (client, server)
    }

    /// The primary's end of a connection that says something; checks do not.
    fn asked(&self) -> Option<TcpStream> {
        loop {
            let mut server = self.primary.accept_within(2 * DIAL)?;
            if server.read_exact(&mut [0; 4]).is_ok() {
                return Some(server);
            }
        }
    }

    /// From now on nothing passes, and nobody says so.
    fn cut_off(&self) -> Instant {
        self.there.ip("link set eth0 down").unwrap();
        Instant::now()
    }
}

/// Checks see nothing of this: it is the session itself that ends.
const UNCHECKED: &str = "check = \"none\"";

#[test]
fn an_idle_session_with_a_machine_that_is_gone_ends_in_time() {
    let Some(far) = Far::start(UNCHECKED) else {
        return;
    };
    let (mut client, _server) = far.session();
    let since = far.cut_off();
    let (_, end) = read_to_end(&mut client);
    let took = since.elapsed();
    assert_eq!(end, End::Reset);
    // Asked after the silence allowed, then given up as any unacknowledged byte is.
    let limit = KEEPALIVE + USER_TIMEOUT;
    println!("idle: {took:?}, configured {limit:?}");
    assert!(took < limit + Duration::from_secs(4), "{took:?}");
}

#[test]
fn a_busy_session_with_a_machine_that_is_gone_ends_in_time() {
    let Some(far) = Far::start(UNCHECKED) else {
        return;
    };
    let (mut client, _server) = far.session();
    let since = far.cut_off();
    client.write_all(b"is anybody there?").unwrap();
    let (_, end) = read_to_end(&mut client);
    let took = since.elapsed();
    assert_eq!(end, End::Reset);
    println!("busy: {took:?}, configured {USER_TIMEOUT:?}");
    assert!(took >= USER_TIMEOUT, "{took:?}");
    assert!(took < USER_TIMEOUT + Duration::from_secs(4), "{took:?}");
}

#[test]
fn a_machine_that_is_gone_costs_a_dial_its_timeout_until_checks_leave_it() {
    let keys = "check = { interval = \"200ms\", timeout = \"100ms\" }";
    let Some(far) = Far::start(keys) else {
        return;
    };
    let (_client, _server) = far.session();
    far.cut_off();
    let since = Instant::now();
    let mut client = far.here.enter(|| connect(far.failover.address("far")));
    client.write_all(b"ping").unwrap();
    far.backup.accept_asking(b"ping");
    println!("a dial: {:?}, configured 500 ms", since.elapsed());
    let pools = || far.here.enter(|| far.failover.get("/clusters").body);
    until("the backup is active", || {
        pools().contains("\"active_tier\":1")
    });
}
