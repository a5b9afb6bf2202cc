//! The comparison from its command line, with the programs that are here.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// A comparison, whose files are all in `directory`.
fn compare(directory: &Path, rounds: &str, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_benches"));
    command
        .args(["compare", "--quick", "--rounds", rounds, "--out"])
        .arg(directory.join("out"))
        .args(words)
        .env("TMPDIR", directory.join("tmp"));
    fs::create_dir_all(directory.join("tmp")).unwrap();
    command
}

/// What the proxies need lies in a directory of this run, which their command lines name.
fn assert_nothing_is_left(directory: &Path) {
    let directory = directory.join("tmp");
    let left: Vec<_> = fs::read_dir(&directory).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    let name = directory.to_str().unwrap();
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let words = fs::read_to_string(process.path().join("cmdline")).unwrap_or_default();
        assert!(!words.contains(name), "{words}");
    }
}

fn raw(directory: &Path) -> Value {
    let text = fs::read_to_string(directory.join("out/compare.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_program_that_is_missing_is_named_and_the_others_are_measured() {
    let directory = TempDir::new().unwrap();
    let words = ["--only", "idle", "--peers", "mesh-gateway,nginx"];
    let done = compare(directory.path(), "1", &words)
        .args(["--nginx", "/nonexistent/nginx"])
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    let text = fs::read_to_string(directory.path().join("out/compare.md")).unwrap();
    assert_eq!(String::from_utf8(done.stdout).unwrap().trim(), text.trim());
    let missing = "| nginx | not measured: cannot run /nonexistent/nginx";
    assert!(text.contains(missing), "{text}");
    let raw = raw(directory.path());
    let idle = &raw["series"][0];
    assert_eq!(idle["subject"], "mesh-gateway", "{raw}");
    assert!(idle["median"].as_f64().unwrap() > 100.0, "{raw}");
    assert_nothing_is_left(directory.path());
}

#[test]
fn whoever_is_here_passes_a_small_hello_on_and_leaves_nothing_behind() {
    let directory = TempDir::new().unwrap();
    let done = compare(directory.path(), "1", &["--only", "hello"]).output();
    let done = done.unwrap();
    assert!(done.status.success(), "{done:?}");
    let raw = raw(directory.path());
    let here = raw["programs"].as_array().unwrap().len();
    let series = raw["series"].as_array().unwrap().iter();
    let small = series.filter(|it| it["work"].as_str().unwrap().contains("small hello"));
    let served: Vec<&Value> = small.map(|it| &it["median"]).collect();
    assert_eq!(served, vec![100.0; here], "{raw}");
    let aims = raw["aims"].as_array().unwrap();
    assert!(aims.iter().all(|it| it["is_met"] == true), "{raw}");
    assert_nothing_is_left(directory.path());
}

/// Begins a comparison, and interrupts it once it has said so many times how far it is: the first time
/// before the first piece of work, then every ten seconds. The last line that it says.
fn interrupt(directory: &Path, lines: usize) -> String {
    let mut running = compare(directory, "100", &["--only", "ping"])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(running.stderr.take().unwrap()).lines();
    for _ in 0..lines {
        let line = said.next().unwrap().unwrap();
        assert!(line.contains(" of 800"), "{line}");
    }
    kill_process(Pid::from_child(&running), Signal::INT).unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(1));
    let last = said.last().unwrap().unwrap();
    assert_nothing_is_left(directory);
    last
}

#[test]
fn an_interrupt_ends_it_and_all_that_it_started() {
    let directory = TempDir::new().unwrap();
    let last = interrupt(directory.path(), 1);
    assert_eq!(last, "interrupted");
    assert!(!directory.path().join("out").exists());
}

#[test]
fn what_there_was_until_an_interrupt_is_written() {
    let directory = TempDir::new().unwrap();
    let last = interrupt(directory.path(), 2);
    assert_eq!(last, "interrupted");
    let raw = raw(directory.path());
    assert_eq!(raw["rounds"], 100, "{raw}");
    assert!(raw["interrupted_in_round"].as_u64() >= Some(1), "{raw}");
    let series = raw["series"].as_array().unwrap();
    let is_ours = |it: &Value| it["subject"] == "mesh-gateway";
    assert!(series.iter().any(is_ours), "{raw}");
    let text = fs::read_to_string(directory.path().join("out/compare.md")).unwrap();
    assert!(text.contains("**Interrupted in round "), "{text}");
}
