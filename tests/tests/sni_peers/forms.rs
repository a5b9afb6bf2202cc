//! The same hellos in every form: as they pass, as fields, and as packets that are written.

use std::fs;

use serde_json::Value;
use tests::peers::Peer;
use tests::process::{run, until};
use tests::program;

use crate::clients::{curl, openssl, openssl_for};
use crate::hellos::{
    Hello, assert_same, by_tshark, compared, inspector, objects, of_inspector, said,
};
use crate::world::{PICKY, SERVER, TLS, World, created};

fn talk() {
    curl("one.dc1", &["--http1.1"]);
    curl("two.dc1", &["--tls-max", "1.2"]);
    openssl_for(
        &format!("{SERVER}:{PICKY}"),
        "retried.dc1",
        &["-alpn", "h2,x"],
    );
    openssl(&format!("{SERVER}:{TLS}"), &["-noservername"]);
}

/// How many hellos there are then.
const HELLOS: usize = 5;

#[test]
fn what_passes_is_what_a_file_shows() {
    let Some(world) = World::new(&["curl"]) else {
        return;
    };
    let _servers = world.serve_web();
    let (path, lines) = created(&world, "live.json");
    let mut command = std::process::Command::new(program!());
    command
        .args(["sni", "-i", "eth0", "-l", "--json"])
        .stdout(lines);
    let live = world.here.enter(|| Peer::start(&mut command));
    let is_live = live
        .line(|line| line.starts_with("listening on eth0"))
        .is_some();
    assert!(is_live, "{:?}", live.lines());
    let file = world.capture("eth0", talk);
    let seen = || fs::read_to_string(&path).unwrap();
    until("as many are shown", || seen().lines().count() >= HELLOS);
    let shown = seen();
    let objects = shown
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut shown: Vec<Hello> = objects.map(|it| of_inspector(&it).timeless()).collect();
    shown.sort();
    // The two sockets do not take the same time for a packet.
    let mut theirs: Vec<Hello> = by_tshark(&file).into_iter().map(Hello::timeless).collect();
    theirs.sort();
    assert_same("as it passes", &shown, &theirs);
    assert_eq!(shown.len(), HELLOS);
}

#[test]
fn what_is_written_and_what_is_asked_for_by_field() {
    let Some(world) = World::new(&["curl"]) else {
        return;
    };
    let _servers = world.serve_web();
    let file = world.capture("eth0", talk);
    let whole = compared("before writing", &file);
    assert_eq!(whole.len(), HELLOS);

    let written = world.path("written.pcap");
    let output = run(inspector(&file, &["-w"]).arg(&written));
    assert!(output.status.success(), "{output:?}");
    assert_eq!(compared("as written", &written), whole);

    let chosen = world.path("chosen.pcap");
    let output = run(inspector(&file, &["-w"])
        .arg(&chosen)
        .args(["sni", "*.DC1"]));
    assert!(output.status.success(), "{output:?}");
    let chosen = compared("as written of some names", &chosen);
    let named: Vec<Hello> = whole.into_iter().filter(|it| it.name.is_some()).collect();
    assert_eq!(chosen, named);

    let names = [
        "time",
        "source",
        "source_port",
        "destination",
        "sni",
        "tls",
        "ja3",
        "ja3_text",
    ];
    let by_field = said(&file, &["--fields", &names.join(",")]);
    let as_fields = |it: &Value| names.map(|name| shown(&it[name])).join("\t");
    let as_objects: Vec<String> = objects(&file).iter().map(as_fields).collect();
    assert_eq!(by_field.lines().collect::<Vec<_>>(), as_objects);
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
