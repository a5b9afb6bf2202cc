//! Packets that `-w` picks out.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::process::Stdio;

use crate::wire::{
    HELLO, PLAIN, Style, connection, header, interface, named, packets_of, pcap, pcapng, records,
    segment,
};
use crate::{Said, file, of, of_file, program, run};

/// What `-w` makes of a capture.
fn written(capture: &[u8], words: &[&str]) -> Vec<u8> {
    let into = tempfile::NamedTempFile::new().unwrap();
    let path = into.path().to_str().unwrap();
    let said = of(capture, &[&["-w", path], words].concat());
    assert_eq!(
        (said.code, said.out.as_str()),
        (Some(0), ""),
        "{}",
        said.err
    );
    fs::read(path).unwrap()
}

#[test]
fn the_packets_of_wanted_connections_are_written() {
    let wanted = connection(1, 10, &named(b"a.dc1"), 20);
    let other = connection(2, 10, &named(b"b.dc1"), 20);
    let plain = connection(3, 10, b"GET / HTTP/1.1\r\n", 20);
    let mixed: Vec<_> = wanted
        .iter()
        .zip(&other)
        .zip(plain.iter().cycle())
        .flat_map(|((one, other), plain)| [other.clone(), plain.clone(), one.clone()])
        .collect();
    let capture = pcap(&mixed);
    assert_eq!(written(&capture, &["sni a.dc1"]), pcap(&wanted));
    let both = written(&capture, &[]);
    assert_eq!(
        both.len(),
        24 + records(PLAIN, &wanted).len() + records(PLAIN, &other).len()
    );
    let again = of_file(file(&both).path(), &["--count"]);
    assert_eq!(again.out, "2 hellos\n");
}

#[test]
fn fine_times_stay_fine() {
    let style = Style {
        is_big: true,
        is_nano: true,
    };
    let mut packets = connection(1, 10, HELLO, 2000);
    for packet in &mut packets {
        packet.0.1 += 7;
    }
    let capture = [header(style), records(style, &packets)].concat();
    let native = Style {
        is_big: false,
        is_nano: true,
    };
    let expected = [header(native), records(native, &packets)].concat();
    assert_eq!(written(&capture, &[]), expected);
}

#[test]
fn packets_go_to_stdout_and_lines_beside_them_only_to_a_file() {
    let packets = connection(1, 10, HELLO, 2000);
    let capture = file(&pcap(&packets));
    let output = run(crate::program()
        .arg("-r")
        .arg(capture.path())
        .args(["-w", "-", "-U"]));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout, pcap(&packets));
    assert_eq!(
        of_file(capture.path(), &["-w", "-", "--print"]).code,
        Some(2)
    );
    let into = tempfile::NamedTempFile::new().unwrap();
    let path = into.path().to_str().unwrap();
    let said = of_file(capture.path(), &["-w", path, "--print"]);
    assert_eq!(said.out.lines().count(), 1);
    assert_eq!(of_file(capture.path(), &["-w", "/nowhere/x"]).code, Some(1));
}

#[test]
fn the_fragments_of_a_hello_are_written_with_it() {
    let whole = segment(true, 1, 101, 16, HELLO);
    let (first, second) = fragments(&whole);
    let packets = vec![
        ((10, 0), segment(true, 1, 100, 2, b"")),
        ((10, 1000), first),
        ((10, 2000), second),
    ];
    let capture = pcap(&packets);
    assert_eq!(of(&capture, &["--fields", "sni"]).out, "currency.dc1\n");
    assert_eq!(written(&capture, &[]), capture);
}

#[test]
fn fragments_that_belong_to_nothing_whole_are_left_out_and_counted() {
    let (first, second) = fragments(&segment(true, 1, 101, 16, HELLO));
    let (mut lost, _) = fragments(&segment(true, 2, 101, 16, HELLO));
    lost[19] = 7;
    let frames = [&first, &second, &second, &lost];
    let packets: Vec<_> = frames.map(|frame| ((10, 0), frame.clone())).into();
    let into = tempfile::NamedTempFile::new().unwrap();
    let path = into.path().to_str().unwrap();
    let said = of(&pcap(&packets), &["-w", path]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(fs::read(path).unwrap(), pcap(&packets[..2]));
    let expected = "2 fragments not kept for -w, since the rest of their packets did not come, or they \
         came again";
    assert_eq!(said.err.lines().last(), Some(expected));
    // Those that are not wanted anyway are not missing.
    let said = of(&pcap(&packets), &["-w", path, "host 10.9.9.9"]);
    assert_eq!(said.err.lines().count(), 1, "{}", said.err);
}

/// A frame in two fragments.
fn fragments(frame: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (headers, carried) = frame.split_at(34);
    let (begin, end) = carried.split_at(160);
    let part = |carried: &[u8], flags: u16| {
        let mut part = headers.to_vec();
        part[16..18].copy_from_slice(&(20 + carried.len() as u16).to_be_bytes());
        part[20..22].copy_from_slice(&flags.to_be_bytes());
        part.extend(carried);
        part
    };
    (part(begin, 0x2000), part(end, 160 / 8))
}

/// A frame that carries another one over VXLAN.
fn tunnelled(frame: &[u8]) -> Vec<u8> {
    let mut outer = segment(true, 1, 0, 0, b"");
    outer.truncate(34);
    outer[16..18].copy_from_slice(&(36 + frame.len() as u16).to_be_bytes());
    outer[23] = 17;
    outer[26..34].copy_from_slice(&[192, 0, 2, 1, 192, 0, 2, 2]);
    outer.extend([0x30, 0x39, 0x12, 0xb5]);
    outer.extend((16 + frame.len() as u16).to_be_bytes());
    outer.extend([0, 0, 8, 0, 0, 0, 0, 0, 7, 0]);
    outer.extend(frame);
    outer
}

#[test]
fn the_fragments_of_a_tunnel_s_packet_are_written_with_the_hello_in_it() {
    let (first, second) = fragments(&segment(true, 1, 101, 16, HELLO));
    let (one, two) = fragments(&tunnelled(&first));
    let (mut three, mut four) = fragments(&tunnelled(&second));
    for part in [&mut three, &mut four] {
        part[19] = 1;
    }
    let syn = tunnelled(&segment(true, 1, 100, 2, b""));
    for frames in [
        vec![syn.clone(), one, two, three, four],
        // Only what carries it is in fragments.
        {
            let (one, two) = fragments(&tunnelled(&segment(true, 1, 101, 16, HELLO)));
            vec![syn, one, two]
        },
    ] {
        let packets: Vec<_> = (0..).map(|at| (10, at * 1000)).zip(frames).collect();
        let capture = pcap(&packets);
        assert_eq!(of(&capture, &["--fields", "sni"]).out, "currency.dc1\n");
        assert_eq!(written(&capture, &[]), capture);
    }
}

/// A file of pcap has one link type; what it cannot hold is said.
#[test]
fn packets_of_another_link_type_are_left_out_and_counted() {
    let ethernet = connection(1, 10, &named(b"a.dc1"), 2000);
    let mut raw = connection(2, 10, &named(b"b.dc1"), 2000);
    for packet in &mut raw {
        packet.1.drain(..14);
    }
    let capture = [
        pcapng(&[]),
        interface(101, 0),
        packets_of(0, &ethernet),
        packets_of(1, &raw),
    ]
    .concat();
    let into = tempfile::NamedTempFile::new().unwrap();
    let path = into.path().to_str().unwrap();
    let said = of(&capture, &["-w", path, "--print", "--fields", "sni"]);
    assert_eq!(said.out, "a.dc1\nb.dc1\n");
    assert_eq!(said.code, Some(1));
    let mut lines = said.err.lines().skip(1);
    let first = format!(
        "{path}: packets of link type RAW (Raw IP) are left out: a file of pcap has one link type, here \
         EN10MB (Ethernet); each interface needs a file of its own"
    );
    assert_eq!(lines.next(), Some(&*first));
    let count = raw.len();
    let last = format!("{path}: {count} packets left out, of other link types");
    assert_eq!((lines.next(), lines.next()), (Some(&*last), None));
    let written = fs::read(path).unwrap();
    assert_eq!(of(&written, &["--fields", "sni"]).out, "a.dc1\n");
    // The first packet that is written says which link type the file has, whatever came before it.
    let wanted = self::written(&capture, &["sni b.dc1"]);
    let fine = Style {
        is_big: false,
        is_nano: true,
    };
    let expected = [&wanted[..24], &records(fine, &raw)].concat();
    assert_eq!((wanted[20], &wanted), (101, &expected));
    // One without packets is as the first interface.
    let none = self::written(&capture, &["sni c.dc1"]);
    assert_eq!((none[20], none.len()), (1, 24));
    // Where the first interface is not read, the first packet says which link type it is.
    let second = [
        pcapng(&[])[..28].to_vec(),
        interface(105, 0),
        interface(101, 0),
        packets_of(1, &raw),
    ]
    .concat();
    let written = self::written(&second, &[]);
    assert_eq!(of(&written, &["--fields", "sni"]).out, "b.dc1\n");
    assert_eq!(written[20], 101);
}

/// A capture of the test's own, and other ways to it: a link, a second name.
struct Aliased {
    dir: tempfile::TempDir,
    bytes: Vec<u8>,
}

impl Aliased {
    const NAMES: [&str; 3] = ["a.pcap", "link.pcap", "second.pcap"];

    fn new() -> Self {
        let bytes = pcap(&connection(1, 10, HELLO, 2000));
        let dir = tempfile::tempdir().unwrap();
        let [first, link, second] = Self::NAMES.map(|name| dir.path().join(name));
        fs::write(&first, &bytes).unwrap();
        symlink(&first, link).unwrap();
        fs::hard_link(&first, second).unwrap();
        Self { dir, bytes }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    /// It was a mistake, and nothing happened.
    fn is_refused(&self, said: &Said, named: &str) {
        let expected = format!(
            "-w {named} is the file that is read, and would be written over: give another name\n"
        );
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
        assert_eq!(said.err, expected);
        assert_eq!(fs::read(self.path("a.pcap")).unwrap(), self.bytes);
    }
}

#[test]
fn what_is_read_is_not_written_over() {
    let capture = Aliased::new();
    for read in Aliased::NAMES {
        for write in Aliased::NAMES.map(|name| capture.path(name)) {
            let said = of_file(capture.path(read).as_ref(), &["-w", &write]);
            capture.is_refused(&said, &write);
        }
    }
    // Another file of the same directory, which may be there already, is none of its ways.
    let other = capture.path("b.pcap");
    for _ in 0..2 {
        let said = of_file(capture.path("a.pcap").as_ref(), &["-w", &other]);
        assert_eq!(said.code, Some(0), "{}", said.err);
        assert_eq!(fs::read(&other).unwrap(), capture.bytes);
    }
}

#[test]
fn what_is_read_from_stdin_is_not_written_over_nor_what_is_written_to_stdout_read() {
    let capture = Aliased::new();
    let path = capture.path("a.pcap");
    let from = |stdin: Stdio, read: &str, write: &str, stdout: Stdio| {
        let mut command = program();
        command.args(["-r", read, "-w", write]);
        command.stdin(stdin).stdout(stdout).stderr(Stdio::piped());
        Said::from(command.spawn().unwrap().wait_with_output().unwrap())
    };
    let input = || Stdio::from(File::open(&path).unwrap());
    let said = from(input(), "-", &path, Stdio::piped());
    capture.is_refused(&said, &path);
    let appended = || Stdio::from(File::options().append(true).open(&path).unwrap());
    let said = from(Stdio::null(), &path, "-", appended());
    capture.is_refused(&said, "-");
    let said = from(input(), "-", "-", appended());
    capture.is_refused(&said, "-");
    let said = from(input(), "-", "-", Stdio::null());
    assert_eq!(said.code, Some(0), "{}", said.err);
}
