//! Reads what a server chose: the body of a ServerHello of TLS, of DTLS, or out of QUIC.

mod names;

pub use names::{cipher_suite_name, group_name};

use crate::hello::{Malformed, RANDOM_BYTES, Reader};

const ALPN: u16 = 16;
const SUPPORTED_VERSIONS: u16 = 43;
const KEY_SHARE: u16 = 51;

/// A ServerHello with this random asks for another hello (RFC 8446 §4.1.3): it is the SHA-256 of
/// `HelloRetryRequest`.
pub const RETRY_RANDOM: [u8; RANDOM_BYTES] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What a server chose, borrowed from the bytes of its hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerHello<'a> {
    /// The version: of `supported_versions` where that is there (RFC 8446 §4.2.1), else that of the
    /// field. 0x0304 is TLS 1.3.
    pub version: u16,
    /// The server's random.
    pub random: &'a [u8; RANDOM_BYTES],
    /// The cipher suite.
    pub cipher_suite: u16,
    /// The group of the key share, or that which a HelloRetryRequest wants one of. Before TLS 1.3 it
    /// is said in a later message.
    pub group: Option<u16>,
    /// The application protocol. In TLS 1.3 it is encrypted.
    pub alpn: Option<&'a [u8]>,
}

impl<'a> ServerHello<'a> {
    /// Parses the body of a ServerHello or HelloRetryRequest, which begins with the version.
    ///
    /// # Errors
    /// The first fault that was found. What an extension holds is read leniently.
    ///
    /// ```
    /// use gateway::inspect::server_hello::{ServerHello, cipher_suite_name};
    ///
    /// let body = [&[3, 3][..], &[7; 32], &[0], &[0x13, 0x01], &[0]].concat();
    /// let hello = ServerHello::parse(&body)?;
    /// assert_eq!(cipher_suite_name(hello.cipher_suite), Some("TLS_AES_128_GCM_SHA256"));
    /// # Ok::<(), gateway::hello::Malformed>(())
    /// ```
    pub fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut body = Reader(body);
        let version = body.u16("version")?;
        let random = body.array("random")?;
        body.vec8("session id")?;
        let cipher_suite = body.u16("cipher suite")?;
        body.take(1, "compression method")?;
        let mut hello = Self {
            version,
            random,
            cipher_suite,
            group: None,
            alpn: None,
        };
        if !body.is_empty() {
            hello.read_extensions(body.vec16("extensions")?)?;
        }
        match body.is_empty() {
            true => Ok(hello),
            false => Err(Malformed::TrailingBytes),
        }
    }

    /// Whether it is a HelloRetryRequest: the client is to say hello again.
    pub fn is_retry(&self) -> bool {
        *self.random == RETRY_RANDOM
    }

    fn read_extensions(&mut self, extensions: &'a [u8]) -> Result<(), Malformed> {
        let mut rest = Reader(extensions);
        while !rest.is_empty() {
            let (kind, content) = rest.extension()?;
            match (kind, content) {
                (SUPPORTED_VERSIONS, &[high, low]) => {
                    self.version = u16::from_be_bytes([high, low]);
                }
                (KEY_SHARE, &[high, low, ..]) => {
                    self.group = Some(u16::from_be_bytes([high, low]));
                }
                // A list of one name (RFC 7301 §3.1).
                (ALPN, &[_, _, _, ref name @ ..]) if !name.is_empty() => self.alpn = Some(name),
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(random: [u8; 32], extensions: &[&[u8]]) -> Vec<u8> {
        let extensions = extensions.concat();
        let len = (extensions.len() as u16).to_be_bytes();
        let fixed = [&[3, 3][..], &random, &[2, 9, 9], &[0xc0, 0x2f], &[0]].concat();
        [&fixed[..], &len, &extensions].concat()
    }

    #[test]
    fn what_tls_13_leaves_visible_is_read() {
        let versions = b"\0\x2b\0\x02\x03\x04";
        let share = b"\0\x33\0\x06\0\x1d\0\x02ab";
        let body = body([7; 32], &[share, versions]);
        let hello = ServerHello::parse(&body).unwrap();
        assert_eq!((hello.version, hello.cipher_suite), (0x0304, 0xc02f));
        assert_eq!((hello.group, hello.alpn), (Some(29), None));
        assert!(!hello.is_retry());
    }

    #[test]
    fn tls_12_tells_the_protocol() {
        let body = body([7; 32], &[b"\0\x10\0\x05\0\x03\x02h2", b"\0\x17\0\0"]);
        let hello = ServerHello::parse(&body).unwrap();
        assert_eq!((hello.version, hello.alpn), (0x0303, Some(&b"h2"[..])));
    }

    #[test]
    fn a_hello_without_extensions_is_sound() {
        let body = body([7; 32], &[]);
        let hello = ServerHello::parse(&body[..body.len() - 2]).unwrap();
        assert_eq!((hello.version, hello.group), (0x0303, None));
    }

    #[test]
    fn a_retry_is_known_by_its_random() {
        let body = body(RETRY_RANDOM, &[b"\0\x33\0\x02\0\x17"]);
        let hello = ServerHello::parse(&body).unwrap();
        assert_eq!((hello.is_retry(), hello.group), (true, Some(23)));
        use sha2::Digest;
        let digest: [u8; 32] = sha2::Sha256::digest("HelloRetryRequest").into();
        assert_eq!(digest, RETRY_RANDOM);
    }

    #[test]
    fn every_cut_is_told() {
        let body = body([7; 32], &[b"\0\x33\0\x02\0\x17"]);
        // Without a single byte of the extensions' length, it is one that has none.
        let bare = body.len() - 8;
        for len in (0..body.len()).filter(|len| *len != bare) {
            assert!(ServerHello::parse(&body[..len]).is_err(), "{len} bytes");
        }
        let longer = [&body[..], &[0]].concat();
        assert_eq!(ServerHello::parse(&longer), Err(Malformed::TrailingBytes));
    }
}
