//! What clients say first: recorded, or built byte by byte.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;

/// How many hellos were built.
static NTH: AtomicU64 = AtomicU64::new(0);

/// A recorded hello, by the name of its file; see `gateway/testdata/hello/manifest.json`.
pub fn recorded(file: &str) -> Vec<u8> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/testdata/hello");
    std::fs::read(directory.join(file)).unwrap()
}

/// A hello with this server name, whatever it is, in one record.
pub fn named(name: &[u8]) -> Vec<u8> {
    let host_name = [&[0], &*vec16(name)].concat();
    with_extension(0, &vec16(&host_name))
}

/// A hello without a server name, in one record.
pub fn nameless() -> Vec<u8> {
    let supported_versions = [2, 3, 4];
    with_extension(43, &supported_versions)
}

/// A hello for `currency.dc1` whose message has about this many bytes.
pub fn long(bytes: usize) -> Vec<u8> {
    let name = [&[0], &*vec16(b"currency.dc1")].concat();
    let name = [&[0, 0], &*vec16(&vec16(&name))].concat();
    let padding = [&[0, 21], &*vec16(&vec![0; bytes])].concat();
    in_records(&message(&[name, padding].concat()), 1 << 14)
}

fn with_extension(kind: u16, content: &[u8]) -> Vec<u8> {
    let extension = [&kind.to_be_bytes(), &*vec16(content)].concat();
    in_records(&message(&extension), 1 << 14)
}

/// A ClientHello (RFC 8446 §4.1.2) with its handshake header.
fn message(extensions: &[u8]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([7; 24]);
    // Random, as far as it has to be: no two hellos are one.
    body.extend(NTH.fetch_add(1, Relaxed).to_be_bytes());
    body.push(0); // no session id
    body.extend([0, 2, 0x13, 0x01]); // TLS_AES_128_GCM_SHA256
    body.extend([1, 0]); // no compression
    body.extend(vec16(extensions));
    let len = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[CLIENT_HELLO], &len[1..], &*body].concat()
}

/// The handshake message that the records of `flight` carry.
pub fn message_of(flight: &[u8]) -> Vec<u8> {
    let (mut message, mut rest) = (Vec::new(), flight);
    while let &[HANDSHAKE, _, _, high, low, ref after @ ..] = rest {
        let (content, next) = after.split_at(usize::from(u16::from_be_bytes([high, low])));
        message.extend(content);
        rest = next;
    }
    message
}

/// A handshake message in records of at most `size` bytes.
pub fn in_records(message: &[u8], size: usize) -> Vec<u8> {
    let record = |content: &[u8]| [&[HANDSHAKE, 3, 1], &*vec16(content)].concat();
    message.chunks(size).flat_map(record).collect()
}

/// A vector with a length of two bytes before it.
fn vec16(content: &[u8]) -> Vec<u8> {
    let len = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&len, content].concat()
}
