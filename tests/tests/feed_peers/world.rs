//! A feed, its lines and its consumers.

use std::fs::File;
use std::io::BufWriter;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use l4_failover::soupbin::packet::{Credentials, LoginRequest, Packet, SessionId};
use serde_json::Value;
use sha2::{Digest, Sha256};
use soupbintcp_sim::binary_file::Writer;
use soupbintcp_sim::day::Day;
use tests::config::{FAST_CHECK, fan, feed};
use tests::process::{Program, until};
use tests::{failover, http, sim_program, wire};

/// The seed of every feed here.
const SEED: u64 = 7;
pub(crate) const SESSION: &str = "FEED000001";

/// The messages of the day up to a number.
pub(crate) fn day(count: u64) -> Vec<Vec<u8>> {
    let mut messages = Day::new(SEED).from(1);
    (0..count).map(|_| messages.next().to_vec()).collect()
}

/// The SHA-256 of the day's messages up to each thousandth, each behind its length.
pub(crate) fn digests(count: u64) -> Vec<String> {
    let mut sha = Sha256::new();
    let mut digests = Vec::new();
    for (at, message) in (1..).zip(day(count)) {
        sha.update((message.len() as u16).to_be_bytes());
        sha.update(message);
        if at % 1000 == 0 {
            let digest = sha.clone().finalize();
            digests.push(digest.iter().map(|byte| format!("{byte:02x}")).collect());
        }
    }
    digests
}

/// Writes the day's messages up to a number into a BinaryFILE.
pub(crate) fn write_day(count: u64, path: &Path) {
    let mut writer = Writer::new(BufWriter::new(File::create(path).unwrap()));
    for message in day(count) {
        writer.write(&message).unwrap();
    }
    writer.finish().unwrap();
}

/// A simulated line, which can be killed and started again where it was.
pub(crate) struct Line {
    flags: String,
    program: Program,
}

impl Line {
    /// Serves `flags` of the feed.
    pub(crate) fn start(flags: &str) -> Self {
        Self {
            flags: flags.to_owned(),
            program: serve("127.0.0.1:0", flags),
        }
    }

    /// Two lines of one feed, which begins `after` seconds from now.
    pub(crate) fn pair(flags: &str, after: u64) -> [Self; 2] {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let flags = format!("{flags} --start @{}", now.as_secs() + after);
        [Self::start(&flags), Self::start(&flags)]
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.program.address("feed")
    }

    /// Gives an order to all clients.
    pub(crate) fn order(&self, order: &str) {
        let answer = http::post(self.program.address("admin"), "/faults", order);
        assert_eq!(answer.status, 200, "{order}: {}", answer.body);
    }

    pub(crate) fn kill(&mut self) {
        self.program.signal(rustix::process::Signal::KILL);
        self.program.wait();
    }

    pub(crate) fn restart(&mut self) {
        self.program = serve(&self.address().to_string(), &self.flags);
    }
}

fn serve(address: &str, flags: &str) -> Program {
    let seed = SEED.to_string();
    let mut command = Command::new(sim_program!());
    command.args(["serve", "--listen", address, "--admin", "127.0.0.1:0"]);
    command.args(["--seed", &seed, "--session", SESSION]);
    Program::spawn(command.args(flags.split(' ')))
}

/// A bridge in front of these lines, with more keys for its port.
pub(crate) fn bridge(lines: &[SocketAddr], keys: &str) -> Program {
    let keys = format!("protocol = \"soupbintcp\"\n{FAST_CHECK}\n{keys}");
    failover!(feed(lines, &keys, ""))
}

/// The same with one login for all consumers; they log in as the clients of others do here.
pub(crate) fn fan_bridge(lines: &[SocketAddr], secrets: &Path) -> Program {
    failover!(fan(lines, "", secrets, &[("user", "password")]))
}

/// What the bridge has logged under this message so far.
pub(crate) fn logged(bridge: &Program, message: &str) -> Vec<Value> {
    let objects = bridge.lines().into_iter();
    let objects = objects.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    objects.filter(|line| line["message"] == message).collect()
}

/// Waits until the bridge has joined so many lines; the last of them.
pub(crate) fn joined(bridge: &Program, count: usize) -> Value {
    until("the line is joined", || {
        logged(bridge, "line joined").len() >= count
    });
    logged(bridge, "line joined").swap_remove(count - 1)
}

/// Waits until the bridge's checks find no fault with any line.
pub(crate) fn all_healthy(bridge: &Program) {
    until("all lines are healthy", || {
        !bridge.get("/clusters").body.contains("\"healthy\":false")
    });
}

/// Waits until the first consumer has a line that stands by, and is trusted.
pub(crate) fn stands_by(bridge: &Program) {
    until("a line stands by", || {
        let status: Value = serde_json::from_str(&bridge.get("/clusters").body).unwrap();
        let lines = status["pools"][0]["feed"]["shown"][0]["lines"].clone();
        let mut lines = lines.as_array().into_iter().flatten();
        lines.any(|line| line["stage"] == "standby" && line["verified"] == true)
    });
}

/// The number of the first consumer's next message.
pub(crate) fn at(bridge: &Program) -> Option<u64> {
    let status: Value = serde_json::from_str(&bridge.get("/clusters").body).unwrap();
    status["pools"][0]["feed"]["shown"][0]["next"].as_u64()
}

/// Logs in at message 1 of the active session, and reads all that comes, to the end.
pub(crate) fn consume(address: SocketAddr) -> (Received, wire::End) {
    let mut login = Vec::new();
    let request = LoginRequest {
        credentials: Credentials::new("user", "password").unwrap(),
        session: SessionId::BLANK,
        sequence: 1,
        heartbeat_timeout: None,
    };
    Packet::LoginRequest(request).encode(&mut login).unwrap();
    let (bytes, end) = wire::read_to_end(&mut wire::send(address, &login));
    (Received::parse(&bytes), end)
}

/// What came to a consumer; told apart here without the code under test.
#[derive(Debug, Default)]
pub(crate) struct Received {
    /// The type of each packet but messages and heartbeats, in order.
    pub(crate) others: String,
    pub(crate) messages: Vec<Vec<u8>>,
}

impl Received {
    fn parse(mut bytes: &[u8]) -> Self {
        let mut received = Self::default();
        while let Some((length, rest)) = bytes.split_first_chunk() {
            let (frame, rest) = rest.split_at(usize::from(u16::from_be_bytes(*length)));
            match frame[0] {
                b'S' => received.messages.push(frame[1..].to_vec()),
                b'H' => {}
                other => received.others.push(char::from(other)),
            }
            bytes = rest;
        }
        received
    }
}
