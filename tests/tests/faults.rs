//! Endpoints that die or stop behind a port, again and again: how long until the backup answers,
//! and what a client loses.
//!
//! `KILLS` and `STOPS` say how often; the figures are printed (`--nocapture`).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "figures are for people")]

use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use tests::endpoint::Endpoint;
use tests::figures::{figures, random_phase, times};
use tests::http::{self, Keeping};
use tests::process::{Program, until};
use tests::{endpoint, failover};

/// Checks in these tests come this often.
const INTERVAL: Duration = Duration::from_millis(100);

/// What has not answered by then will not.
const STUCK: Duration = Duration::from_secs(1);

/// A primary and a backup behind a port.
struct Pair {
    primary: Endpoint,
    backup: Endpoint,
    failover: Program,
}

impl Pair {
    /// `keys` are more keys of the port.
    fn start(keys: &str) -> Self {
        let (primary, backup) = (endpoint!("primary"), endpoint!("backup"));
        let failover = failover!(format!(
            r#"
            [admin]
            address = "127.0.0.1:0"
            [[port]]
            name = "refdata"
            listen = "127.0.0.1:0"
            primary = ["{}"]
            backup = ["{}"]
            failback = "manual"
            {keys}
            "#,
            primary.address(),
            backup.address()
        ));
        Self {
            primary,
            backup,
            failover,
        }
    }

    fn port(&self) -> SocketAddr {
        self.failover.address("refdata")
    }

    fn pool(&self) -> Value {
        let pools: Value = serde_json::from_str(&self.failover.get("/clusters").body).unwrap();
        pools["pools"][0].clone()
    }

    /// The primary is healthy, active, and is what a new connection gets.
    fn return_to_primary(&self) {
        until("the primary is healthy", || {
            self.pool()["tiers"][0]["endpoints"][0]["state"] == "up"
        });
        let answer = http::post(
            self.failover.address("admin"),
            "/pools/refdata/failback",
            "",
        );
        assert_eq!(answer.status, 200, "{}", answer.body);
        self.assert_primary_serves();
    }

    fn assert_primary_serves(&self) {
        assert_eq!(self.pool()["active_tier"], 0);
        assert_eq!(
            Keeping::connect(self.port()).unwrap().ask("/").unwrap(),
            self.primary.name()
        );
    }

    /// New connections, one after the other, until the backup answers one; how long that took. None is led
    /// to the primary and stuck there, unless checks found the backup not well either, as on a busy machine.
    fn until_backup_answers(&self, since: Instant) -> Duration {
        let until = since + tests::process::PATIENCE;
        loop {
            let began = Instant::now();
            let connected = Keeping::connect(self.port());
            let answer = connected.and_then(|mut it| it.ask_within(STUCK, "/"));
            if answer.as_ref().is_ok_and(|it| it == self.backup.name()) {
                return since.elapsed();
            }
            assert!(Instant::now() < until, "still {answer:?}");
            if answer.is_err_and(|it| it.kind() == io::ErrorKind::WouldBlock) {
                self.assert_backup_was_down(began);
            }
        }
    }

    /// The backup is not up, or has come up since then.
    fn assert_backup_was_down(&self, then: Instant) {
        let backup = self.pool()["tiers"][1]["endpoints"][0].clone();
        let changed = backup["changed_seconds"].as_f64();
        let came_up = changed.is_some_and(|changed| changed <= then.elapsed().as_secs_f64());
        assert!(backup["state"] != "up" || came_up, "stuck, and {backup}");
    }
}

/// Sets its word when it is dropped, by a panic too.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Asks all the time on one connection, and once more on a new one where that fails, which is not
/// before `dying` is over: a process that is killed closes its connections before its listener, and
/// may have accepted the new one in between. Requests asked, and lost.
fn ask_while(port: SocketAddr, goes_on: &AtomicBool, dying: &Mutex<()>) -> (u32, u32) {
    let (mut asked, mut lost) = (0, 0);
    let mut connection = Keeping::connect(port).unwrap();
    while goes_on.load(Ordering::Relaxed) {
        asked += 1;
        if connection.ask("/").is_err() {
            drop(dying.lock().unwrap());
            connection = Keeping::connect(port).unwrap();
            if connection.ask("/").is_err() {
                lost += 1;
                connection = Keeping::connect(port).unwrap();
            }
        }
    }
    (asked, lost)
}

fn kills(dial: &str, bound: Duration) {
    let mut pair = Pair::start(&format!(
        "dial = \"{dial}\"\ncheck = {{ type = \"tcp\", interval = \"100ms\" }}"
    ));
    let (port, goes_on, dying) = (pair.port(), AtomicBool::new(true), Mutex::default());
    let (took, (asked, lost)) = thread::scope(|scope| {
        let stop = Stop(&goes_on);
        let asking = (dial == "any").then(|| scope.spawn(|| ask_while(port, &goes_on, &dying)));
        let mut took = Vec::new();
        for _ in 0..times("KILLS", 20) {
            pair.return_to_primary();
            random_phase(INTERVAL);
            pair.assert_primary_serves();
            let since = Instant::now();
            let is_dying = dying.lock().unwrap();
            pair.primary.kill();
            drop(is_dying);
            took.push(pair.until_backup_answers(since));
            pair.primary.restart();
        }
        drop(stop);
        (took, asking.map_or((0, 0), |it| it.join().unwrap()))
    });
    let max = figures(
        &format!("killed, dial = {dial:?}, to the backup's first byte"),
        took,
    );
    assert!(max < bound, "{max:?}");
    if dial == "any" {
        println!("a client that retries once asked {asked} times and lost {lost}");
        assert!(asked > 0 && lost == 0, "lost {lost} of {asked}");
    }
}

#[test]
fn a_killed_primary_costs_one_refused_dial() {
    kills("any", Duration::from_secs(1));
}

/// Three failed checks of 100 ms, and the time that a busy machine takes for them.
#[test]
fn a_killed_primary_is_left_after_three_failed_checks() {
    kills("active", 3 * INTERVAL + Duration::from_secs(2));
}

/// A stopped process still accepts in its kernel: only a check that wants an answer finds it, and
/// only `on_endpoint_down = "close"` ends the sessions that wait for it.
#[test]
fn a_stopped_primary_is_left_and_its_sessions_end() {
    let timeout = Duration::from_millis(50);
    let pair = Pair::start(
        "on_endpoint_down = \"close\"\n\
         check = { type = \"http\", path = \"/health\", interval = \"100ms\", timeout = \"50ms\" }",
    );
    let (mut took, mut ended) = (Vec::new(), Vec::new());
    for _ in 0..times("STOPS", 20) {
        pair.return_to_primary();
        let mut idle = Keeping::connect(pair.port()).unwrap();
        assert_eq!(idle.ask("/").unwrap(), pair.primary.name());
        random_phase(INTERVAL);
        pair.assert_primary_serves();
        let since = Instant::now();
        pair.primary.signal(Signal::STOP);
        let error = idle.wait_for_end().unwrap_err();
        ended.push(since.elapsed());
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        took.push(pair.until_backup_answers(since));
        pair.primary.signal(Signal::CONT);
    }
    // The check under way when it stops, two more, and the last one's timeout.
    let limit = 3 * INTERVAL + timeout;
    println!("stopped: the limit is {limit:?}");
    let slack = Duration::from_secs(2);
    assert!(figures("stopped, to the end of an idle session", ended) < limit + slack);
    assert!(figures("stopped, to the backup's first byte", took) < limit + slack);
}
