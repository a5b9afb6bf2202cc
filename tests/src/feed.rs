//! A simulated feed as a process of its own, to be killed, stopped, ordered about and started again.

use std::net::SocketAddr;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::process::Signal;
use serde_json::Value;

use crate::http;
use crate::ports::Reserved;
use crate::process::Program;

/// Starts a feed with these flags beside those that say where it listens.
#[macro_export]
macro_rules! feed {
    ($flags:expr) => {
        $crate::feed::Feed::start(env!("CARGO_BIN_EXE_soupbintcp-sim-under-test"), $flags)
    };
}

/// A feed, at the same address however often it is started. Dropping it ends it at once.
#[derive(Debug)]
pub struct Feed {
    program: String,
    flags: Vec<String>,
    listen: Reserved,
    running: Option<Program>,
}

/// The flags of a feed that began so many seconds ago: two with the same stand at the same place.
pub fn began(seconds_ago: f64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    format!("--start=@{:.6}", now.as_secs_f64() - seconds_ago)
}

impl Feed {
    /// Starts `program`; see [`feed!`](crate::feed!).
    pub fn start(program: &str, flags: &[&str]) -> Self {
        let mut feed = Self {
            program: program.to_owned(),
            flags: flags.iter().copied().map(str::to_owned).collect(),
            listen: Reserved::new().unwrap(),
            running: None,
        };
        feed.start_again();
        feed
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listen.address()
    }

    /// Starts it where it was, with the same flags.
    pub fn start_again(&mut self) {
        let listen = self.address().to_string();
        let own = ["serve", "--listen", &listen, "--admin", "127.0.0.1:0"];
        self.running = Some(Program::spawn(
            Command::new(&self.program).args(own).args(&self.flags),
        ));
    }

    /// Ends it with SIGKILL, and waits until it is gone.
    pub fn kill(&mut self) {
        // Dropping it does.
        self.running = None;
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        self.running().signal(signal);
    }

    /// Has a fault happen: how many clients it reached.
    pub fn order(&self, order: &str) -> u64 {
        let answer = http::post(self.running().address("admin"), "/faults", order);
        assert_eq!(answer.status, 200, "{order}: {}", answer.body);
        let done: Value = serde_json::from_str(&answer.body).unwrap();
        done["clients"][0].as_u64().unwrap()
    }

    /// [`order`](Self::order), unless there is no such client; whether there was.
    pub fn try_order(&self, order: &str) -> bool {
        http::post(self.running().address("admin"), "/faults", order).status == 200
    }

    /// How it is.
    pub fn status(&self) -> Value {
        serde_json::from_str(&self.running().get("/status").body).unwrap()
    }

    /// The number of its newest message.
    pub fn newest(&self) -> u64 {
        self.status()["newest"].as_u64().unwrap()
    }

    /// Its clients that are logged in.
    pub fn clients(&self) -> Vec<Value> {
        let mut status = self.status();
        let clients = status["clients"].take();
        let clients: Vec<Value> = serde_json::from_value(clients).unwrap();
        let is_in = |client: &Value| client["username"].is_string();
        clients.into_iter().filter(is_in).collect()
    }

    fn running(&self) -> &Program {
        self.running.as_ref().expect("it was started")
    }
}
