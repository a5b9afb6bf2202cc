//! First packets of QUIC (RFC 9001, RFC 9369), sealed by rustls.

use std::sync::Arc;

use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::quic::{ClientConnection, Version};
use rustls::{ClientConfig, RootCertStore, Side};

/// What every datagram with such a packet has at least (RFC 9000 §14.1).
const DATAGRAM: usize = 1200;
const TAG: usize = 16;
/// How the number of a packet and its length are written here.
const NUMBER: usize = 4;
const LENGTH: usize = 2;
const CRYPTO: u8 = 6;

/// A hello without its record, for a name and these protocols.
pub(crate) fn hello(version: Version, name: &str, alpn: &[&str]) -> Vec<u8> {
    let config =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let config = config
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap();
    let mut config = config
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|it| it.as_bytes().to_vec()).collect();
    let name = name.to_owned().try_into().unwrap();
    // What the transport wants to say: max_idle_timeout of 1000 ms (RFC 9000 §18).
    let parameters = vec![1, 2, 0x43, 0xe8];
    let client = ClientConnection::new(Arc::new(config), version, name, parameters);
    let mut hello = Vec::new();
    client.unwrap().write_hs(&mut hello);
    hello
}

/// A datagram with one Initial packet: its number, and parts of the hello with their offsets.
pub(crate) fn initial(
    version: Version,
    connection: [u8; 8],
    number: u8,
    parts: &[(usize, &[u8])],
) -> Vec<u8> {
    let (kind, version_number) = match version {
        Version::V2 => (0b01, 0x6b33_43cf_u32),
        _ => (0b00, 1),
    };
    let first = 0xc0 | (kind << 4) | (NUMBER as u8 - 1);
    let mut header = vec![first];
    header.extend(version_number.to_be_bytes());
    header.push(8);
    header.extend(connection);
    // No id of the client's own, no token.
    header.extend([0, 0]);
    let number_at = header.len() + LENGTH;
    header.extend(integer(DATAGRAM - number_at));
    header.extend([0, 0, 0, number]);
    let mut payload = frames(parts);
    payload.resize(DATAGRAM - header.len() - TAG, 0);
    seal(version, connection, number, header, payload)
}

fn frames(parts: &[(usize, &[u8])]) -> Vec<u8> {
    let frame = |(offset, part): &(usize, &[u8])| {
        let head = [&[CRYPTO], &integer(*offset)[..], &integer(part.len())].concat();
        [&head, *part].concat()
    };
    parts.iter().flat_map(frame).collect()
}

/// An integer of two bytes (RFC 9000 §16).
fn integer(number: usize) -> [u8; LENGTH] {
    (0x4000 | u16::try_from(number).unwrap()).to_be_bytes()
}

fn seal(
    version: Version,
    connection: [u8; 8],
    number: u8,
    mut header: Vec<u8>,
    mut payload: Vec<u8>,
) -> Vec<u8> {
    let suite = TLS13_AES_128_GCM_SHA256.tls13().unwrap();
    let keys = suite.quic_suite().unwrap();
    let keys = keys.keys(&connection, Side::Client, version).local;
    let tag = keys
        .packet
        .encrypt_in_place(number.into(), &header, &mut payload);
    payload.extend(tag.unwrap().as_ref());
    // The number is taken to have four bytes, and is here.
    let sample = payload[..TAG].to_vec();
    let (first, rest) = header.split_first_mut().unwrap();
    let at = rest.len() - NUMBER;
    keys.header
        .encrypt_in_place(&sample, first, &mut rest[at..])
        .unwrap();
    [header, payload].concat()
}
