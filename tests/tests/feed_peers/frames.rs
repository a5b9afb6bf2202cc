//! What goes over the wire, judged frame by frame by tshark.

use std::collections::HashMap;
use std::path::Path;

use tests::namespace::Namespace;
use tests::peers::{self, Peer};
use tests::process::{run, until};

use crate::world::{Line, Received, SESSION, at, bridge, consume, day, joined};

const COUNT: u64 = 8000;
/// The line is killed somewhere after this message.
const KILL_AFTER: u64 = 2000;

/// What tshark takes for a fault: of a frame, or of the capture.
const FAULTS: &str = "_ws.malformed || tcp.analysis.lost_segment || \
     soupbintcp.next_seq_num.invalid || soupbintcp.req_seq_num.invalid";

/// One direction of a connection: from a port to another.
type Way = (u16, u16);

/// The packets of one direction, as tshark reads them.
#[derive(Debug, Default)]
struct Packets {
    /// The type of each.
    types: String,
    /// The payload of each message, in hexadecimal digits, and the number that tshark counted.
    messages: Vec<String>,
    numbers: Vec<u64>,
    /// What the login, or the answer to it, said.
    session: String,
    asked: Option<u64>,
    next: Option<u64>,
}

/// What tshark says about the captured packets that a filter lets through.
fn tshark(file: &Path, filter: &str, how: &[&str]) -> String {
    let mut command = peers::command("tshark");
    command.arg("-r").arg(file).args(["-Y", filter]);
    // Every port: a client's may be one that tshark knows another protocol by.
    command.args(["-d", "tcp.port==1-65535,soupbintcp"]);
    // It takes some messages of market data for orders.
    command.args(["--disable-heuristic", "ouch_soupbintcp"]);
    let output = run(command.args(how));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The ends of sessions that were captured so far.
fn ends(file: &Path) -> usize {
    tshark(file, "soupbintcp.packet_type == 0x5a", &[])
        .lines()
        .count()
}

/// What was captured.
fn dissect(file: &Path) -> HashMap<Way, Packets> {
    let (mut ways, mut way) = (HashMap::<Way, Packets>::new(), (0, 0));
    // As for a reader: here are the sequence numbers, but of long messages only the beginning.
    for line in tshark(file, "soupbintcp", &["-V", "-O", "soupbintcp"]).lines() {
        if let Some(ports) = line.strip_prefix("Transmission Control Protocol, ") {
            let mut ports = ports.split(", ").map(|port| number(port) as u16);
            way = (ports.next().unwrap(), ports.next().unwrap());
        } else if let Some((name, value)) = line.trim_start().split_once(": ") {
            ways.entry(way).or_default().take(name, value);
        }
    }
    let how = [
        "-T",
        "fields",
        "-e",
        "tcp.srcport",
        "-e",
        "tcp.dstport",
        "-e",
        "soupbintcp.message",
    ];
    for line in tshark(file, "soupbintcp.message", &how).lines() {
        let [from, to, messages] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let way = (from.parse().unwrap(), to.parse().unwrap());
        let messages = messages.split(',').map(str::to_owned);
        ways.entry(way).or_default().messages.extend(messages);
    }
    ways
}

/// The number of `Src Port: 45361` or `1 (Calculated)`.
fn number(text: &str) -> u64 {
    let text = text.rsplit(": ").next().unwrap_or("");
    let number = text.split(' ').next().and_then(|word| word.parse().ok());
    number.unwrap_or_else(|| panic!("{text}"))
}

impl Packets {
    fn take(&mut self, name: &str, value: &str) {
        match name {
            // As in `Sequenced Data ('S')`.
            "Packet Type" => self.types.push(value.chars().nth_back(2).unwrap()),
            "Sequence number" => self.numbers.push(number(value)),
            "Session" => value.trim().clone_into(&mut self.session),
            "Requested sequence number" => self.asked = Some(number(value)),
            "Next sequence number" => self.next = Some(number(value)),
            _ => {}
        }
    }

    fn heartbeats(&self) -> usize {
        self.types.matches('H').count()
    }

    /// This is what a server sends from message `first` to the end of the session.
    fn assert_feed(&self, first: u64, messages: &[String]) {
        assert_eq!((self.next, &*self.session), (Some(first), SESSION));
        assert_eq!(self.types.replace(['H', 'S'], ""), "AZ");
        assert!(self.types.starts_with('A') && self.types.ends_with('Z'));
        assert!(
            self.messages == messages[first as usize - 1..],
            "{}",
            self.messages.len()
        );
        assert!(
            self.numbers.iter().copied().eq(first..=COUNT),
            "tshark counts otherwise"
        );
    }
}

/// The one direction that begins, or ends, at a port, and has such packets.
fn the(ways: &HashMap<Way, Packets>, wanted: impl Fn(Way, &Packets) -> bool) -> &Packets {
    let mut found = ways.iter().filter(|(way, packets)| wanted(**way, packets));
    let (Some((_, packets)), None) = (found.next(), found.next()) else {
        let seen: Vec<_> = ways
            .iter()
            .map(|(way, it)| (way, it.session.as_str(), it.asked))
            .collect();
        panic!("not exactly one: {seen:?}");
    };
    packets
}

/// Captures what passes between these ports of loopback and others into a file.
fn capture(file: &Path, ports: &[u16]) -> Peer {
    let ports: Vec<String> = ports
        .iter()
        .map(|port| format!("tcp port {port}"))
        .collect();
    let mut command = peers::command("dumpcap");
    command.args(["-q", "-i", "lo", "-f", &ports.join(" or "), "-w"]);
    let capture = Peer::start(command.arg(file));
    let is_open = capture.line(|line| line.starts_with("File: ")).is_some();
    assert!(is_open, "{:?}", capture.lines());
    capture
}

/// What passed: the ports of the primary, the backup and the bridge, and where the backup was joined.
struct Passed {
    ports: [u16; 3],
    joined: u64,
    _capture: Peer,
}

/// A consumer through the bridge, whose primary is killed, and one of the backup itself.
fn feed_two(file: &Path) -> Passed {
    // It begins later, so that there are heartbeats before.
    let mut lines = Line::pair(&format!("--rate 2000 --messages {COUNT}"), 3);
    let [primary, backup] = lines.each_ref().map(Line::address);
    let bridge = bridge(&[primary, backup], "");
    let port = bridge.address("feed");
    let ports = [primary, backup, port].map(|address| address.port());
    let capture = capture(file, &ports);
    let all = day(COUNT);
    let is_all = |received: &Received| received.others == "AZ" && received.messages == all;
    std::thread::scope(|scope| {
        let direct = scope.spawn(|| consume(backup));
        let carried = scope.spawn(|| consume(port));
        until("a quarter has passed", || at(&bridge) > Some(KILL_AFTER));
        lines[0].kill();
        assert!(is_all(&carried.join().unwrap().0) && is_all(&direct.join().unwrap().0));
    });
    Passed {
        ports,
        joined: joined(&bridge, 2)["next"].as_u64().unwrap(),
        _capture: capture,
    }
}

#[test]
fn tshark_reads_in_every_frame_what_was_meant() {
    if !peers::are_here(&["ip", "dumpcap", "tshark"]) {
        return;
    }
    let namespace = Namespace::new();
    let Ok(namespace) = namespace.inspect_err(|why| peers::skip(why)) else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("lo.pcapng");
    let passed = namespace.enter(|| feed_two(&file));
    let [primary, backup, port] = passed.ports;
    // The capture lags behind what it captures.
    until("all is captured", || ends(&file) == 3);
    assert_eq!(tshark(&file, FAULTS, &[]), "", "faults");
    let ways = dissect(&file);
    let hex = |message: Vec<u8>| message.iter().map(|byte| format!("{byte:02x}")).collect();
    let messages: Vec<String> = day(COUNT).into_iter().map(hex).collect();

    // What the simulated feed sends, and what the bridge sends.
    let direct = the(&ways, |way, it| way.0 == backup && it.next == Some(1));
    direct.assert_feed(1, &messages);
    let carried = the(&ways, |way, _| way.0 == port);
    carried.assert_feed(1, &messages);
    assert!(
        direct.heartbeats() >= 1 && carried.heartbeats() >= 1,
        "{direct:?}"
    );

    // The bridge's logins: as its consumer's to the first line, and for more than it needs to the
    // other.
    let first = the(&ways, |way, _| way.1 == primary);
    assert_eq!((first.asked, &*first.session), (Some(1), ""));
    let asked = passed.joined - 16;
    let second = the(&ways, |way, it| way.1 == backup && it.asked == Some(asked));
    assert_eq!(second.session, SESSION);
    let repeated = the(&ways, |way, it| way.0 == backup && it.next == Some(asked));
    repeated.assert_feed(asked, &messages);
}
