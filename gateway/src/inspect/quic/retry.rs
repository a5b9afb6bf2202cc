//! Retries, by which a server sends a client back for a token (RFC 9000 §17.2.5).

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::Version;
use super::packet;

const KEY_BYTES: usize = 16;
const TAG_BYTES: usize = 16;

/// A Retry, and the tag that it ends with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retry<'a> {
    version: Version,
    /// The id that the client's next packets go to.
    pub(super) id: &'a [u8],
    /// All in front of the tag.
    bytes: &'a [u8],
    tag: &'a [u8; TAG_BYTES],
}

impl<'a> Retry<'a> {
    /// A datagram that is one; a Retry has no length, so nothing follows it.
    pub(super) fn of(datagram: &'a [u8]) -> Option<Self> {
        let (version, id) = packet::retry(datagram)?;
        let (bytes, tag) = datagram.split_last_chunk()?;
        Some(Self {
            version,
            id,
            bytes,
            tag,
        })
    }

    /// Whether it is for the connection whose first Initial went to this id: no client takes one
    /// whose tag does not prove that (RFC 9001 §5.8).
    pub(super) fn is_for(&self, original: &[u8]) -> bool {
        tag(self.version, original, self.bytes).is_some_and(|tag| tag == *self.tag)
    }
}

/// The tag of a Retry, which is made of the id that the client's first Initial went to as well. Its
/// key is known to everybody.
fn tag(version: Version, original: &[u8], bytes: &[u8]) -> Option<[u8; TAG_BYTES]> {
    let (key, nonce) = secrets(version);
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, key).ok()?);
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let len = [u8::try_from(original.len()).ok()?];
    let proved = Aad::from([&len, original, bytes].concat());
    let tag = key
        .seal_in_place_separate_tag(nonce, proved, &mut [])
        .ok()?;
    tag.as_ref().try_into().ok()
}

/// What tags are made with (RFC 9001 §5.8, RFC 9369 §3.3.3).
fn secrets(version: Version) -> (&'static [u8; KEY_BYTES], &'static [u8; NONCE_LEN]) {
    match version {
        Version::V1 => (
            b"\xbe\x0c\x69\x0b\x9f\x66\x57\x5a\x1d\x76\x6b\x54\xe3\x68\xc8\x4e",
            b"\x46\x15\x99\xd3\x5d\x63\x2b\xf2\x23\x98\x25\xbb",
        ),
        Version::V2 => (
            b"\x8f\xb4\xb0\x1b\x56\xac\x48\xe2\x60\xfb\xcb\xce\xad\x7c\xcc\x92",
            b"\xd8\x69\x69\xbc\x2d\x7c\x6d\x99\x90\xef\xb0\x4a",
        ),
        Version::Draft29 => (
            b"\xcc\xce\x18\x7e\xd0\x9a\x09\xd0\x57\x28\x15\x5a\x6c\xb9\x6b\xe1",
            b"\xe5\x49\x30\xf9\x7f\x21\x36\xf0\x53\x0a\x8c\x1c",
        ),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::seal::ID;
    use super::*;

    /// To the client with this id, whose first Initial went to `original`: one that asks for `id`.
    pub(crate) fn retry(original: &[u8], client: &[u8], id: &[u8]) -> Vec<u8> {
        let mut bytes = b"\xff\0\0\0\x01".to_vec();
        for id in [client, id] {
            bytes.extend([&[id.len() as u8], id].concat());
        }
        bytes.extend(b"token");
        bytes.extend(tag(Version::V1, original, &bytes).unwrap());
        bytes
    }

    #[test]
    fn those_of_the_standards_are_for_the_connection_of_their_examples() {
        let v1 =
            b"\xff\x00\x00\x00\x01\x00\x08\xf0\x67\xa5\x50\x2a\x42\x62\xb5\x74\x6f\x6b\x65\x6e\
            \x04\xa2\x65\xba\x2e\xff\x4d\x82\x90\x58\xfb\x3f\x0f\x24\x96\xba";
        let v2 =
            b"\xcf\x6b\x33\x43\xcf\x00\x08\xf0\x67\xa5\x50\x2a\x42\x62\xb5\x74\x6f\x6b\x65\x6e\
            \xc8\x64\x6c\xe8\xbf\xe3\x39\x52\xd9\x55\x54\x36\x65\xdc\xc7\xb6";
        let draft =
            b"\xff\xff\x00\x00\x1d\x00\x08\xf0\x67\xa5\x50\x2a\x42\x62\xb5\x74\x6f\x6b\x65\x6e\
            \xd1\x69\x26\xd8\x1f\x6f\x9c\xa2\x95\x3a\x8a\xa4\x57\x5e\x1e\x49";
        for bytes in [&v1[..], v2, draft] {
            let retry = Retry::of(bytes).unwrap();
            assert_eq!(retry.id, b"\xf0\x67\xa5\x50\x2a\x42\x62\xb5");
            assert!(retry.is_for(ID), "{:?}", retry.version);
            assert!(!retry.is_for(b"some other id"));
        }
        assert!(Retry::of(&v1[..20]).is_none_or(|cut| !cut.is_for(ID)));
    }
}
