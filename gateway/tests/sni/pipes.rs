//! Captures that come in a pipe.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::program;
use crate::wire::{HELLO, PLAIN, connection, gzip, header, named, pcapng, records};

fn started(words: &[&str]) -> Child {
    let mut command = program();
    command.args(["-r", "-"]).args(words);
    piped(command)
}

fn piped(mut command: Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Asks how many packets were read, until it is as many.
fn wait_until_read(child: &Child, said: &mut BufReader<ChildStderr>, packets: usize) {
    let wanted = format!("mesh-gateway: {packets} packets read\n");
    let mut line = String::new();
    while line != wanted {
        signal(child, Signal::USR1);
        line.clear();
        said.read_line(&mut line).unwrap();
        assert!(line.starts_with("mesh-gateway: "), "{line}");
    }
}

/// The end of the pipe is far away when its lines are there.
#[test]
fn a_line_comes_as_soon_as_its_packet() {
    let mut child = started(&[]);
    let mut input = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // The first reads bring less than a header.
    let header = header(PLAIN);
    for byte in &header {
        input.write_all(&[*byte]).unwrap();
        input.flush().unwrap();
    }
    for port in 1..=3 {
        let packets = connection(port, 1, HELLO, 100);
        let bytes = records(PLAIN, &packets);
        for part in bytes.chunks(77) {
            input.write_all(part).unwrap();
        }
        let line = lines.next().unwrap().unwrap();
        assert!(line.contains(&format!(" IP 10.0.0.1.{port} > ")), "{line}");
    }
    drop(input);
    assert!(lines.next().is_none());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn every_format_is_read_from_a_pipe() {
    let packets = connection(1, 1, HELLO, 2000);
    let plain = [header(PLAIN), records(PLAIN, &packets)].concat();
    for bytes in [gzip(&plain), pcapng(&packets), plain] {
        let mut child = started(&["--count"]);
        let mut input = child.stdin.take().unwrap();
        for part in bytes.chunks(5) {
            input.write_all(part).unwrap();
        }
        drop(input);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(output.stdout, b"1 hello\n");
    }
}

#[test]
fn a_pipe_that_was_cut_is_said() {
    let mut child = started(&[]);
    let mut input = child.stdin.take().unwrap();
    input.write_all(&header(PLAIN)).unwrap();
    input.write_all(&[0; 9]).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    let expected = "stdin: at offset 24: the file ends within a header, of which 9 bytes are there";
    assert_eq!(said.lines().last(), Some(expected));
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    let mut child = started(&["-l"]);
    let mut input = child.stdin.take().unwrap();
    input.write_all(&header(PLAIN)).unwrap();
    let mut output = child.stdout.take().unwrap();
    let feed = std::thread::spawn(move || {
        for port in 1.. {
            let packets = connection(port, 1, HELLO, 2000);
            if input.write_all(&records(PLAIN, &packets)).is_err() {
                return;
            }
        }
    });
    output.read_exact(&mut [0; 100]).unwrap();
    drop(output);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    feed.join().unwrap();
}

/// The pipe goes on; what was found is told, and what was written is whole.
#[test]
fn a_signal_ends_it_with_all_that_was_found() {
    let packets = connection(1, 1, &named(b"a.dc1"), 2000);
    for (form, number, wanted) in [
        ("--count", Signal::INT, "1 hello\n"),
        ("--summary", Signal::TERM, "a.dc1"),
        ("--count", Signal::HUP, "1 hello\n"),
    ] {
        let into = tempfile::NamedTempFile::new().unwrap();
        let path = into.path().to_str().unwrap();
        let mut child = started(&[form, "-w", path, "--print"]);
        let mut input = child.stdin.take().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let whole = [header(PLAIN), records(PLAIN, &packets)].concat();
        input.write_all(&whole).unwrap();
        said.read_line(&mut String::new()).unwrap();
        wait_until_read(&child, &mut said, packets.len());
        // Of the packet behind them only the beginning comes.
        input.write_all(&[0; 9]).unwrap();
        signal(&child, number);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{number:?}");
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(told.contains(wanted), "{number:?}: {told}");
        assert_eq!(std::fs::read(path).unwrap(), whole, "{number:?}");
        drop(input);
    }
}

#[test]
fn a_hangup_that_is_ignored_ends_nothing() {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]);
    command.arg(program().get_program());
    command.args(["sni", "-r", "-", "--count"]);
    let mut child = piped(command);
    let mut input = child.stdin.take().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    input.write_all(&header(PLAIN)).unwrap();
    said.read_line(&mut String::new()).unwrap();
    signal(&child, Signal::HUP);
    let packets = connection(1, 1, HELLO, 2000);
    input.write_all(&records(PLAIN, &packets)).unwrap();
    wait_until_read(&child, &mut said, packets.len());
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), &*output.stdout),
        (Some(0), &b"1 hello\n"[..])
    );
}
