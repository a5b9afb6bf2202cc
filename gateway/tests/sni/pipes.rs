//! Captures that come in a pipe.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Stdio};

use crate::program;
use crate::wire::{HELLO, PLAIN, connection, gzip, header, pcapng, records};

fn started(words: &[&str]) -> Child {
    let mut command = program();
    command.args(["-r", "-"]).args(words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(Stdio::piped()).spawn().unwrap()
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
