//! Signals that come at odd times: before there is anything to read, and while nobody reads what is written.

use std::fs;
use std::io::{Read, Write};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tests::process::until;

use crate::wire::{PLAIN, gzip, header, named, pcap, pcapng, segment};
use crate::{file, program};

fn started(read: &str, words: &[&str]) -> Child {
    let mut command = program();
    command.args(["-r", read]).args(words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Whether the kernel says that this signal is in this set of the process.
fn is_in(child: &Child, set: &str, signal: Signal) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix(set));
    let mask = u64::from_str_radix(mask.unwrap().trim(), 16).unwrap();
    mask >> (signal.as_raw() - 1) & 1 == 1
}

/// Until then a signal ends the process by itself.
fn wait_until_heard(child: &Child) {
    until("signals are heard", || is_in(child, "SigBlk:", Signal::INT));
}

/// Two that wait would be one.
fn wait_until_taken(child: &Child, signal: Signal) {
    until("the signal is taken", || !is_in(child, "ShdPnd:", signal));
}

#[test]
fn one_before_the_header_of_a_pipe_ends_it_as_later_ones_do() {
    let table = "CONNECTIONS  BYTES SENT  BYTES RECEIVED  NAME\n";
    let whole = pcap(&[]);
    let packed = gzip(&whole);
    let described = pcapng(&[]);
    for (came, form, number, wanted) in [
        (&[][..], "--count", Signal::INT, "0 hellos\n"),
        (&whole[..10], "--summary", Signal::TERM, table),
        (&packed[..12], "--count", Signal::HUP, "0 hellos\n"),
        (&described[..28], "--count", Signal::INT, "0 hellos\n"),
    ] {
        for is_closed in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let into = dir.path().join("out.pcap");
            let words = [form, "--print", "-w", into.to_str().unwrap()];
            let mut child = started("-", &words);
            let mut input = child.stdin.take().unwrap();
            input.write_all(came).unwrap();
            wait_until_heard(&child);
            signal(&child, number);
            wait_until_taken(&child, number);
            let _open = (!is_closed).then_some(input);
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(0), "{number:?}: {said}");
            assert_eq!(String::from_utf8(output.stdout).unwrap(), wanted);
            let expected = "reading from file -, which a signal ended before its header came\n";
            assert_eq!(said, expected);
            assert_eq!(fs::read(into).unwrap(), header(PLAIN), "{number:?}");
        }
    }
}

/// As a shell tells one that the signal ended.
#[test]
fn the_second_one_ends_it_at_once_while_nobody_reads_what_it_writes() {
    let flight = named(&[b'x'; 200]);
    let packets: Vec<_> = (1..5000)
        .map(|port| ((10, 0), segment(true, port, 101, 16, &flight)))
        .collect();
    let capture = file(&pcap(&packets));
    for (number, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let mut child = started(capture.path().to_str().unwrap(), &[]);
        // Now as much was written as a pipe holds, and more is to be.
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        signal(&child, number);
        wait_until_taken(&child, number);
        signal(&child, number);
        assert_eq!(child.wait().unwrap().code(), Some(code));
    }
}
