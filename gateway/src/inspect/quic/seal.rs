//! Initials as rustls protects them, for tests and for fuzzing.

use rustls::Side;
use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::quic::{self, DirectionalKeys};

/// The connection id of the examples in RFC 9001.
pub(crate) const ID: &[u8] = b"\x83\x94\xc8\xf0\x3e\x51\x57\x08";

/// An Initial to be made.
#[derive(Clone)]
pub(crate) struct Packet<'a> {
    pub(crate) version: u32,
    /// What the keys are made of.
    pub(crate) id: &'a [u8],
    pub(crate) is_server: bool,
    pub(crate) destination: &'a [u8],
    pub(crate) source: &'a [u8],
    pub(crate) token: &'a [u8],
    pub(crate) number: u32,
    pub(crate) frames: Vec<u8>,
}

impl<'a> Packet<'a> {
    /// The first of a connection whose keys are made of [`ID`].
    pub(crate) fn client(frames: Vec<u8>) -> Self {
        Self {
            version: 1,
            id: ID,
            is_server: false,
            destination: ID,
            source: b"src",
            token: b"",
            number: 0,
            frames,
        }
    }

    fn keys(&self) -> DirectionalKeys {
        let suite = TLS13_AES_128_GCM_SHA256.tls13().expect("it fits");
        let version = match self.version {
            0x6b33_43cf => quic::Version::V2,
            1 => quic::Version::V1,
            _ => quic::Version::V1Draft,
        };
        let side = match self.is_server {
            true => Side::Server,
            false => Side::Client,
        };
        let suite = suite.quic_suite().expect("it fits");
        suite.keys(self.id, side, version).local
    }

    /// The packet, its number in four bytes.
    pub(crate) fn seal(&self) -> Vec<u8> {
        let keys = self.keys();
        let mut payload = self.frames.clone();
        payload.resize(payload.len().max(4), 0); // So much at least makes a sample.
        let kind = if self.version == 0x6b33_43cf { 1 } else { 0 };
        let mut header = vec![0xc3 | kind << 4];
        header.extend(self.version.to_be_bytes());
        header.extend([&[self.destination.len() as u8], self.destination].concat());
        header.extend([&[self.source.len() as u8], self.source].concat());
        header.extend([&[self.token.len() as u8], self.token].concat());
        header.extend((0x4000 | (4 + payload.len() + 16) as u16).to_be_bytes());
        let number_at = header.len();
        header.extend(self.number.to_be_bytes());
        let number = self.number.into();
        let sealed = keys.packet.encrypt_in_place(number, &header, &mut payload);
        payload.extend(sealed.expect("it fits").as_ref());
        let (first, rest) = header.split_at_mut(1);
        let number = &mut rest[number_at - 1..];
        let masked = keys
            .header
            .encrypt_in_place(&payload[..16], &mut first[0], number);
        masked.expect("it fits");
        [header, payload].concat()
    }
}
