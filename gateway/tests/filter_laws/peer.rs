//! tcpdump, on the same frames with the same expressions.

use std::collections::BTreeSet;

use gateway::inspect::filter::{Filter, Verdict};
use gateway::inspect::packet::Decoder;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use tests::peers;
use tests::process::run;

use super::frames::{Oddity, made};
use super::{expression, parsed};

const FRAMES: usize = 600;
const EXPRESSIONS: usize = 150;

/// The part that people type, and what is told apart by libpcap's grammar alone.
const TYPED: &[&str] = &[
    "port 443",
    "tcp port 443 or 8443",
    "port 443 or 8443 and host 10.0.0.1",
    "host 10.0.0.1 and not 192.168.2.1",
    "not port 443 and 80",
    "tcp or udp and port 80",
    "src or dst port 1000 and ip6",
    "src and dst port 443",
    "udp src portrange 80-444",
    "net 10",
    "net 192.168",
    "src net 192.168.2",
    "host 10.0",
    "net 10.0.0.0 mask 255.255.255.254",
    "ip proto 6",
    "ip6 proto 17",
    "proto 89",
    "icmp or icmp6",
    "ip proto \\udp",
    "less 90",
    "greater 120 and less 140",
    "host (10.0.0.0 or 10.0.0.1) && !tcp",
    "port (80 or 443) || net 2001:db8::/32",
    "ip6 host 2001:db8::1",
    "dst host 2001:db8::1 or 10.0.0.1",
    "port https",
    "host not 10.0.0.1",
    "not not tcp",
    "arp or udp",
];

#[test]
fn tcpdump_picks_the_same_frames() {
    if !peers::are_here(&["tcpdump"]) {
        return;
    }
    let mut runner = TestRunner::deterministic();
    let frames = frames(&mut runner);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("frames.pcap");
    std::fs::write(&file, pcap(&frames)).unwrap();
    let made = (0..EXPRESSIONS).map(|_| expression().new_tree(&mut runner).unwrap().current());
    let typed = TYPED.iter().map(|text| (*text).to_owned());
    let mut compared = 0;
    for text in typed.chain(made.collect::<Vec<String>>()) {
        // On files tcpdump sees through no tag, and the word moves all that follows it.
        if text.contains("vlan") {
            continue;
        }
        let output = run(peers::command("tcpdump")
            .args(["-Z", "root", "-w", "-", "-r"])
            .arg(&file)
            .arg(&text));
        let said = String::from_utf8_lossy(&output.stderr);
        // libpcap refuses what it proves never to match, as `ip and ip6`.
        if said.contains("expression rejects all packets") {
            continue;
        }
        assert!(output.status.success(), "{text}: {said}");
        assert_eq!(
            picked(&parsed(&text), &frames),
            numbers(&output.stdout),
            "{text}"
        );
        compared += 1;
    }
    eprintln!("{compared} expressions picked the same of {FRAMES} frames");
    assert!(compared > TYPED.len(), "{compared}");
}

/// Frames without tags and fragments: of those tcpdump has another idea: see the documentation of the filter.
fn frames(runner: &mut TestRunner) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while frames.len() < FRAMES {
        let made = made().new_tree(runner).unwrap().current();
        let is_plain = !made.is_raw && made.tag.is_none() && made.tags.is_empty();
        if is_plain && made.oddity == Oddity::None {
            frames.push(made.bytes());
        }
    }
    frames
}

/// A capture file. Each frame's second is its number.
fn pcap(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 1] {
        file.extend(word.to_le_bytes());
    }
    for (number, frame) in (0_u32..).zip(frames) {
        let len = u32::try_from(frame.len()).unwrap();
        for word in [number, 0, len, len] {
            file.extend(word.to_le_bytes());
        }
        file.extend(frame);
    }
    file
}

/// The numbers of the frames in a capture file.
fn numbers(file: &[u8]) -> BTreeSet<u32> {
    let word = |at: &[u8]| u32::from_le_bytes(at[..4].try_into().unwrap());
    let (mut numbers, mut rest) = (BTreeSet::new(), &file[24..]);
    while !rest.is_empty() {
        numbers.insert(word(rest));
        rest = &rest[16 + word(&rest[8..]) as usize..];
    }
    numbers
}

fn picked(filter: &Filter, frames: &[Vec<u8>]) -> BTreeSet<u32> {
    let mut decoder = Decoder::default();
    let mut picked = BTreeSet::new();
    for (number, frame) in (0..).zip(frames) {
        let frame = super::laws::whole(frame, None);
        let decoded = decoder.decode(&frame).unwrap();
        if filter.judge(&decoded, &frame) == Verdict::Yes {
            picked.insert(number);
        }
    }
    picked
}
