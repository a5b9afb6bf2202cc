//! BinaryFILE: what was written is read; what is broken is named.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use soupbintcp_sim::binary_file::{Indexed, MESSAGE_MAX, ReadError, Reader, WriteError, Writer};
use soupbintcp_sim::day::Day;

fn written(messages: &[Vec<u8>]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for message in messages {
        writer.write(message).unwrap();
    }
    writer.finish().unwrap()
}

fn read(mut bytes: &[u8]) -> Result<Vec<Vec<u8>>, ReadError> {
    let mut reader = Reader::new(&mut bytes);
    let mut messages = Vec::new();
    while let Some(message) = reader.next()? {
        messages.push(message.to_vec());
    }
    Ok(messages)
}

proptest! {
    #[test]
    fn what_was_written_is_read(messages: Vec<Vec<u8>>) {
        let messages: Vec<_> = messages.into_iter().filter(|it| !it.is_empty()).collect();
        let mut bytes = written(&messages);
        let lengths: usize = messages.iter().map(|it| 2 + it.len()).sum();
        prop_assert_eq!(bytes.len(), lengths, "no end mark");
        prop_assert_eq!(read(&bytes).unwrap(), &messages[..]);
        // Others write one.
        bytes.extend([0, 0]);
        prop_assert_eq!(read(&bytes).unwrap(), messages);
    }
}

#[test]
fn any_cut_is_named_with_message_and_offset() {
    let bytes = written(&[b"abc".to_vec(), b"defg".to_vec()]);
    for end in 6..11 {
        let error = read(&bytes[..end]).unwrap_err();
        let expected = if end == 6 { 2 } else { 6 };
        let text = format!(
            "message 2, at byte 5, is cut: {expected} bytes should be there, {} are",
            end - 5
        );
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn nothing_is_read_behind_the_end_mark() {
    let mut bytes = written(&[b"abc".to_vec()]);
    bytes.extend(b"\0\0\0\x01x");
    assert_eq!(read(&bytes).unwrap(), [b"abc"]);
    assert!(read(b"").unwrap().is_empty());
}

#[test]
fn lengths_that_no_packet_carries_are_refused() {
    let mut writer = Writer::new(Vec::new());
    assert!(matches!(writer.write(b""), Err(WriteError::Empty)));
    let long = vec![b'x'; MESSAGE_MAX + 1];
    assert!(matches!(
        writer.write(&long),
        Err(WriteError::TooLong(65_535))
    ));
    writer.write(&long[..MESSAGE_MAX]).unwrap();
    let mut bytes = writer.finish().unwrap();
    assert_eq!(read(&bytes).unwrap()[0].len(), MESSAGE_MAX);
    bytes[1] = 0xff;
    bytes[0] = 0xff;
    let error = read(&bytes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "message 1, at byte 0, says that it has 65535 bytes; 65534 fit"
    );
}

#[test]
fn readers_of_a_file_begin_anywhere() {
    const MESSAGES: u64 = 10_000;
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut writer = Writer::new(std::io::BufWriter::new(file.reopen().unwrap()));
    let day = Day::new(7);
    let mut stream = day.from(1);
    for _ in 0..MESSAGES {
        writer.write(stream.next()).unwrap();
    }
    writer.finish().unwrap();

    let indexed = Indexed::open(file.path()).unwrap();
    assert_eq!(indexed.messages(), MESSAGES);
    let mut other = indexed.from(2).unwrap();
    for number in [1, 4095, 4096, 4097, 4098, 8192, 8193, MESSAGES] {
        let mut reader = indexed.from(number).unwrap();
        assert_eq!(reader.number(), number);
        assert_eq!(reader.next().unwrap().unwrap(), day.message(number));
    }
    assert_eq!(other.next().unwrap().unwrap(), day.message(2));
    assert_eq!(indexed.from(MESSAGES + 1).unwrap().next().unwrap(), None);
    assert_eq!(indexed.from(u64::MAX).unwrap().next().unwrap(), None);
}

#[test]
fn an_empty_file_has_no_messages() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let indexed = Indexed::open(file.path()).unwrap();
    assert_eq!(indexed.messages(), 0);
    assert_eq!(indexed.from(1).unwrap().next().unwrap(), None);
    let missing = Indexed::open("/nowhere/at/all".as_ref()).unwrap_err();
    assert!(missing.to_string().contains("cannot be read"));
}
