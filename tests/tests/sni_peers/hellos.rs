//! The hellos of a capture, as the two programs see them.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tests::peers;
use tests::process::run;
use tests::program;

const SECONDS_OF_A_DAY: u64 = 24 * 60 * 60;
const NANOSECONDS: u64 = 1_000_000_000;

/// A hello, as far as both programs tell of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hello {
    /// When it was complete, in nanoseconds of the day.
    pub(crate) time: u64,
    pub(crate) source: (String, u16),
    pub(crate) destination: (String, u16),
    pub(crate) name: Option<String>,
    pub(crate) version: String,
    pub(crate) alpn: Vec<String>,
    pub(crate) ja3: String,
    pub(crate) ja3_text: String,
}

impl Hello {
    /// The same without its time, for captures that were made side by side.
    pub(crate) fn timeless(self) -> Self {
        Self { time: 0, ..self }
    }
}

/// The fields of tshark. Of two of one line, a frame has one or the other.
const FIELDS: [&str; 19] = [
    "frame.time_epoch",
    "ip.src",
    "ipv6.src",
    "ip.dst",
    "ipv6.dst",
    "tcp.srcport",
    "udp.srcport",
    "tcp.dstport",
    "udp.dstport",
    "tls.handshake.extensions_server_name",
    "dtls.handshake.extensions_server_name",
    "tls.handshake.extensions.supported_version",
    "dtls.handshake.extensions.supported_version",
    "tls.handshake.version",
    "dtls.handshake.version",
    "tls.handshake.extensions_alpn_str",
    "dtls.handshake.extensions_alpn_str",
    "tls.handshake.ja3_full",
    "dtls.handshake.ja3_full",
];
/// Beside [`FIELDS`].
const JA3: [&str; 2] = ["tls.handshake.ja3", "dtls.handshake.ja3"];

/// What tshark sees, in the order of time.
pub(crate) fn by_tshark(file: &Path) -> Vec<Hello> {
    let mut command = peers::command("tshark");
    command.arg("-n").arg("-r").arg(file);
    // It takes segments in disorder for lost ones else.
    command.args(["-o", "tcp.reassemble_out_of_order:TRUE"]);
    // A client's port may be one that it knows another protocol by.
    command.args([
        "-o",
        "tcp.try_heuristic_first:TRUE",
        "-d",
        "udp.port==4433,dtls",
    ]);
    // The fragments of a hello of DTLS have its type too, and only the whole of them has more.
    let hellos = "tls.handshake.type==1 || (dtls.handshake.type==1 && dtls.handshake.ja3)";
    command.args(["-Y", hellos]);
    command.args(["-T", "fields"]);
    for field in FIELDS.iter().chain(&JA3) {
        command.args(["-e", field]);
    }
    let output = run(&mut command);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    sorted(text.lines().flat_map(of_tshark))
}

/// The hellos of a frame: two, where that of another was missing, and with it what is behind it.
fn of_tshark(line: &str) -> Vec<Hello> {
    let mut columns = line.split('\t');
    let mut next = || columns.next().unwrap_or_else(|| panic!("{line:?}"));
    let time = nanoseconds(next());
    // Whichever of the two is there.
    let mut either = || [next(), next()].concat();
    let [from, to] = [either(), either()];
    let [from_port, to_port] = [either(), either()].map(|port| port.parse().unwrap());
    let values = [(); 6].map(|()| either());
    let count = values[5].split(',').count();
    let hellos = (0..count).map(|nth| {
        let values = values.each_ref().map(|all| share(all, nth, count));
        let [name, offered, version, alpn, ja3_text, ja3] = values;
        let alpn = alpn.split(',').filter(|it| !it.is_empty());
        Hello {
            time,
            source: (from.clone(), from_port),
            destination: (to.clone(), to_port),
            name: Some(name).filter(|name| !name.is_empty()),
            version: greatest(&offered).unwrap_or_else(|| number(&version).to_owned()),
            alpn: alpn.map(str::to_owned).collect(),
            ja3,
            ja3_text,
        }
    });
    hellos.collect()
}

/// What the `nth` of `count` hellos has of the values of all. The second hello of a client has as many
/// as the first.
fn share(all: &str, nth: usize, count: usize) -> String {
    let values: Vec<&str> = all.split(',').collect();
    let size = values.len() / count;
    values[nth * size..(nth + 1) * size].join(",")
}

/// Of `1795273181.778496000`, what is left of the day.
fn nanoseconds(time: &str) -> u64 {
    let (seconds, fraction) = time.split_once('.').unwrap();
    let (seconds, fraction): (u64, u64) = (seconds.parse().unwrap(), fraction.parse().unwrap());
    seconds % SECONDS_OF_A_DAY * NANOSECONDS + fraction
}

/// The greatest version of a list of numbers, if there is one.
fn greatest(offered: &str) -> Option<String> {
    let offered = offered.split(',').map(number);
    offered
        .filter(|version| version.starts_with('1'))
        .max()
        .map(str::to_owned)
}

/// What is called by the name; a number that clients make up is none.
fn number(version: &str) -> &str {
    match version {
        "0x0301" | "0xfeff" => "1.0",
        "0x0302" => "1.1",
        "0x0303" | "0xfefd" => "1.2",
        "0x0304" => "1.3",
        other => other,
    }
}

/// The program under test, on a file.
pub(crate) fn inspector(file: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(program!());
    command.args(["sni", "-r"]).arg(file).args(words);
    command
}

/// What the inspector says of a file with these words on its command line.
pub(crate) fn said(file: &Path, words: &[&str]) -> String {
    let output = run(&mut inspector(file, words));
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The hellos of a file as objects.
pub(crate) fn objects(file: &Path) -> Vec<Value> {
    let lines = said(file, &["--json"]);
    let objects = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    objects.collect()
}

/// What the inspector sees, in the order of time.
pub(crate) fn by_inspector(file: &Path) -> Vec<Hello> {
    sorted(objects(file).iter().map(of_inspector))
}

/// A hello of an object.
pub(crate) fn of_inspector(it: &Value) -> Hello {
    // A hello that is odd in a way that tshark does not tell of is none for this comparison.
    assert!(
        it["cut"] == false && it["overlap"] == false && it["malformed"].is_null(),
        "{it}"
    );
    let text = |name: &str| it[name].as_str().map(str::to_owned);
    let end = |name: &str, port: &str| {
        let port = it[port].as_u64().unwrap();
        (text(name).unwrap(), u16::try_from(port).unwrap())
    };
    let alpn = it["alpn"].as_array().unwrap().iter();
    Hello {
        time: of_day(it["time"].as_str().unwrap()),
        source: end("source", "source_port"),
        destination: end("destination", "destination_port"),
        name: text("sni"),
        version: text("tls").unwrap(),
        alpn: alpn.map(|it| it.as_str().unwrap().to_owned()).collect(),
        ja3: text("ja3").unwrap(),
        ja3_text: text("ja3_text").unwrap(),
    }
}

/// Of `2026-11-21T14:59:41.778496000Z`, the time of day.
fn of_day(time: &str) -> u64 {
    let time = time.split_once('T').unwrap().1.trim_end_matches('Z');
    let (clock, fraction) = time.split_once('.').unwrap();
    let parts = clock.split(':').map(|part| part.parse::<u64>().unwrap());
    let seconds = parts.fold(0, |sum, part| sum * 60 + part);
    seconds * NANOSECONDS + fraction.parse::<u64>().unwrap()
}

fn sorted(hellos: impl Iterator<Item = Hello>) -> Vec<Hello> {
    let mut hellos: Vec<Hello> = hellos.collect();
    hellos.sort();
    hellos
}

/// The hellos of a file, which both programs see alike; how many they are is printed.
pub(crate) fn compared(what: &str, file: &Path) -> Vec<Hello> {
    let (ours, theirs) = (by_inspector(file), by_tshark(file));
    assert_same(what, &ours, &theirs);
    eprintln!("{what}: {} hellos compared", ours.len());
    ours
}

/// Says what is only in one of the two.
pub(crate) fn assert_same(what: &str, ours: &[Hello], theirs: &[Hello]) {
    let lacks = |some: &[Hello], others: &[Hello]| -> Vec<Hello> {
        let alone = some.iter().filter(|it| !others.contains(it));
        alone.cloned().collect()
    };
    let (only_ours, only_theirs) = (lacks(ours, theirs), lacks(theirs, ours));
    assert!(
        ours == theirs,
        "{what}: {} hellos, {} by tshark; only here: {only_ours:#?}; only tshark: {only_theirs:#?}",
        ours.len(),
        theirs.len()
    );
    assert!(!ours.is_empty(), "{what}: no hellos at all");
}

/// How many have this name.
pub(crate) fn named(hellos: &[Hello], name: &str) -> usize {
    let wanted = hellos.iter().filter(|it| it.name.as_deref() == Some(name));
    wanted.count()
}
