//! docs/interfaces.md says what `--json` shows.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::lines_of;
use crate::wire::{HELLO, connection, pcap, segment};

const DOCUMENT: &str = include_str!("../../../docs/interfaces.md");

/// The names in the first column of the tables, by the event whose heading stands before them.
fn documented(event: &str) -> BTreeSet<&'static str> {
    let (_, section) = DOCUMENT.split_once("\n## sni --json\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let (_, part) = section.split_once(&format!("\n`{event}`")).unwrap();
    let rows = part.lines().skip_while(|line| !line.starts_with('|'));
    let rows = rows.take_while(|line| line.starts_with('|')).skip(2);
    let names = rows.map(|row| row.split('|').nth(1).unwrap());
    names
        .flat_map(|names| names.split(','))
        .map(|name| name.trim().trim_matches('`'))
        .collect()
}

#[test]
fn the_document_lists_the_members_of_every_event() {
    let mut packets = connection(1, 1, HELLO, 2000);
    let alert = [21, 3, 3, 0, 2, 2, 112];
    let last = packets.len() - 2;
    packets.insert(last, ((1, 3_500_000), segment(false, 1, 501, 16, &alert)));
    let said = lines_of(&pcap(&packets), &["--json", "-v"]);
    let events: Vec<Value> = said
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    let kinds: Vec<_> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["hello", "answer", "end"], "{said}");
    for event in &events {
        let members = event.as_object().unwrap().keys();
        let members: BTreeSet<_> = members.map(String::as_str).collect();
        let kind = event["event"].as_str().unwrap();
        assert_eq!(members, documented(kind), "{kind}");
    }
    assert_eq!(events[1]["alert"], "unrecognized_name");
}
