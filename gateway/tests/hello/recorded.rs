//! The hellos of real clients in `testdata/hello`, and what must be found in them.

use std::fs;
use std::path::{Path, PathBuf};

use gateway::hello::{ClientHello, HelloBounds, HelloError, Progress, Reassembly, SniField};
use serde::Deserialize;

/// An entry of `manifest.json`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Recorded {
    pub(crate) file: String,
    pub(crate) sni: Option<String>,
    alpn: Vec<String>,
    version: String,
    ech: bool,
    records: usize,
    extensions: Vec<u16>,
    #[serde(skip)]
    pub(crate) flight: Vec<u8>,
}

impl Recorded {
    pub(crate) fn all() -> Vec<Self> {
        let manifest = fs::read(folder().join("manifest.json")).expect("a manifest");
        let mut all: Vec<Self> = serde_json::from_slice(&manifest).expect("a sound manifest");
        for recorded in &mut all {
            recorded.flight = fs::read(folder().join(&recorded.file)).expect(&recorded.file);
        }
        all
    }

    pub(crate) fn named(file: &str) -> Self {
        let found = Self::all()
            .into_iter()
            .find(|recorded| recorded.file == file);
        found.expect(file)
    }

    /// The handshake message with its header: the contents of the records, one after another.
    pub(crate) fn message(&self) -> Vec<u8> {
        records(&self.flight).concat()
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hello")
}

/// The contents of the records that a sound flight consists of.
fn records(mut flight: &[u8]) -> Vec<&[u8]> {
    let mut contents = Vec::new();
    while let [_, _, _, high, low, rest @ ..] = flight {
        let (content, rest) = rest.split_at(usize::from(u16::from_be_bytes([*high, *low])));
        contents.push(content);
        flight = rest;
    }
    contents
}

/// Reads the whole hello from segments; the name that it gives, as sent.
pub(crate) fn read_name<'a>(
    segments: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Option<Vec<u8>>, HelloError> {
    let mut reassembly = Reassembly::default();
    let mut progress = Progress::Incomplete;
    for segment in segments {
        progress = reassembly.push(segment, &HelloBounds::default())?;
    }
    assert_eq!(progress, Progress::Complete);
    match ClientHello::parse(reassembly.message())?.server_name {
        SniField::Absent => Ok(None),
        SniField::Name(name) => Ok(Some(name.to_vec())),
    }
}

#[test]
fn recorded_hellos_hold_what_their_clients_were_told_to_send() {
    for recorded in Recorded::all() {
        let file = &recorded.file;
        let mut reassembly = Reassembly::default();
        let progress = reassembly.push(&recorded.flight, &HelloBounds::default());
        assert_eq!(progress.expect(file), Progress::Complete, "{file}");
        assert_eq!(reassembly.raw_len(), recorded.flight.len(), "{file}");

        let hello = ClientHello::parse(reassembly.message()).expect(file);
        let sni = match &recorded.sni {
            None => SniField::Absent,
            Some(name) => SniField::Name(name.as_bytes()),
        };
        assert_eq!(hello.server_name, sni, "{file}");
        let alpn: Vec<&[u8]> = recorded.alpn.iter().map(|name| name.as_bytes()).collect();
        assert_eq!(hello.alpn().collect::<Vec<_>>(), alpn, "{file}");
        assert_eq!(
            format!("{:#06x}", hello.version()),
            recorded.version,
            "{file}"
        );
        assert_eq!(hello.ech, recorded.ech, "{file}");
        let extensions: Vec<u16> = hello.extensions().map(|(kind, _)| kind).collect();
        assert_eq!(extensions, recorded.extensions, "{file}");
        assert_eq!(records(&recorded.flight).len(), recorded.records, "{file}");
    }
}

#[test]
fn every_recording_has_an_entry() {
    let mut files: Vec<String> = fs::read_dir(folder())
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .filter(|file| file.ends_with(".bin"))
        .collect();
    let mut entries: Vec<String> = Recorded::all()
        .into_iter()
        .map(|recorded| recorded.file)
        .collect();
    files.sort();
    entries.sort();
    assert_eq!(files, entries);
}

#[test]
fn a_post_quantum_key_share_takes_more_than_one_segment() {
    for file in ["chromium.bin", "rustls-aws-lc-rs.bin"] {
        let recorded = Recorded::named(file);
        let message = recorded.message();
        let hello = ClientHello::parse(&message[4..]).expect(file);
        let (_, groups) = hello
            .extensions()
            .find(|(kind, _)| *kind == 10)
            .expect("supported_groups");
        assert!(
            groups[2..].chunks(2).any(|group| group == [0x11, 0xec]),
            "{file}: X25519MLKEM768"
        );
        assert!(message.len() > 1400, "{file}");
    }
}
