//! Captures with known answers, which are not part of this repository: server names and JA4 as the
//! fingerprint's authors print them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::of_file;

/// How many flows with a JA4 there are in all of them.
const FLOWS: usize = 194;

/// The authors' own text says that where the first or the last byte of the ALPN is no letter or digit,
/// the first and the last hexadecimal digit stand for it: of `BA AD`, `bd`. Their tool says 99.
const WRONG: (&str, &str, &str) = (
    "tls-non-ascii-alpn.pcapng",
    "t13d151699_8daaf6152771_e5627efa2ab1",
    "t13d1516bd_8daaf6152771_e5627efa2ab1",
);

/// Of a flow: its addresses and ports, what carries it, its name, its JA4.
type Row = Vec<String>;

#[test]
fn names_and_fingerprints_are_the_known_ones() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora/ja4");
    if !folder.is_dir() {
        let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
        assert!(!is_ci, "no captures in {}, and CI=true", folder.display());
        println!("skipped: no captures in {}", folder.display());
        return;
    }
    let mut compared = 0;
    let mut wrong = Vec::new();
    for capture in captures(&folder) {
        let expected = expected(&capture);
        let found = found(&capture);
        compared += expected.len();
        if found != expected {
            wrong.push(difference(&capture, &expected, &found));
        }
    }
    println!("compared {compared} flows with a JA4");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(compared, FLOWS);
}

fn captures(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let is_capture = |path: &PathBuf| {
        let kind = path.extension().unwrap_or_default();
        kind == "pcap" || kind == "pcapng"
    };
    let mut captures: Vec<_> = paths.filter(is_capture).collect();
    captures.sort();
    captures
}

/// The flows with a JA4 that the file beside a capture lists.
fn expected(capture: &Path) -> BTreeSet<Row> {
    let file = format!("{}.expected", capture.display());
    let text = fs::read_to_string(file).unwrap();
    let flows = text.split("\n- stream: ").skip(1).map(members);
    let name = capture.file_name().unwrap().to_str().unwrap();
    let row = |flow: BTreeMap<&str, &str>| {
        let ja4 = *flow.get("ja4")?;
        let ja4 = match (name, ja4) == (WRONG.0, WRONG.1) {
            true => WRONG.2,
            false => ja4,
        };
        let row = [
            flow["src"],
            flow["src_port"],
            flow["dst"],
            flow["dst_port"],
            flow["transport"],
            flow.get("tls_server_name").unwrap_or(&"-"),
            ja4,
        ];
        Some(row.map(str::to_owned).to_vec())
    };
    flows.filter_map(row).collect()
}

/// The members of a flow, but for those of lists in it.
fn members(flow: &str) -> BTreeMap<&str, &str> {
    let lines = flow.lines().filter_map(|line| line.strip_prefix("  "));
    let lines = lines.filter(|line| !line.starts_with([' ', '-']));
    lines.filter_map(|line| line.split_once(": ")).collect()
}

/// The first hello of each flow.
fn found(capture: &Path) -> BTreeSet<Row> {
    let fields = "flow,source,source_port,destination,destination_port,carrier,sni,ja4";
    let said = of_file(capture, &["--fields", fields]);
    assert_eq!(said.code, Some(0), "{}: {}", capture.display(), said.err);
    let mut seen = BTreeSet::new();
    let mut rows = BTreeSet::new();
    for line in said.out.lines() {
        let mut row = line.split('\t').map(str::to_owned);
        if seen.insert(row.next().unwrap()) {
            let mut row: Row = row.collect();
            row[4] = match row[4].as_str() {
                "tcp" => "tcp".to_owned(),
                _ => "udp".to_owned(),
            };
            rows.insert(row);
        }
    }
    rows
}

fn difference(capture: &Path, expected: &BTreeSet<Row>, found: &BTreeSet<Row>) -> String {
    let lines = |what, rows: Vec<&Row>| {
        let lines = rows
            .into_iter()
            .map(move |row| format!("  {what} {}", row.join(" ")));
        lines.collect::<Vec<_>>()
    };
    let missing = lines("missing", expected.difference(found).collect());
    let surplus = lines("surplus", found.difference(expected).collect());
    let all = [vec![capture.display().to_string()], missing, surplus];
    all.concat().join("\n")
}
