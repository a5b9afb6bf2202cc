//! The keys of Initial packets, which everybody who sees the first one can derive (RFC 9001 §5.2).

use ring::aead::quic::{AES_128, HeaderProtectionKey};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};

use super::packet::Version;

const SECRET_BYTES: usize = 32;
const KEY_BYTES: usize = 16;
/// What of a packet makes its header's mask (RFC 9001 §5.4.2).
pub(super) const SAMPLE_BYTES: usize = 16;

/// Who sends with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    Client,
    Server,
}

/// The keys of one side's Initials.
pub(super) struct Key {
    packet: LessSafeKey,
    header: HeaderProtectionKey,
    iv: [u8; NONCE_LEN],
}

impl Key {
    /// The keys that the destination connection id of the client's first Initial gives, or of its
    /// first after a Retry.
    pub(super) fn new(version: Version, destination: &[u8], sender: Sender) -> Option<Self> {
        let label = match sender {
            Sender::Client => "client in",
            Sender::Server => "server in",
        };
        let secret = Salt::new(HKDF_SHA256, version.salt()).extract(destination);
        let secret: [u8; SECRET_BYTES] = expand(&secret, label)?;
        let secret = Prk::new_less_safe(HKDF_SHA256, &secret);
        let [key, iv, header] = version.labels();
        let key: [u8; KEY_BYTES] = expand(&secret, key)?;
        let header: [u8; KEY_BYTES] = expand(&secret, header)?;
        Some(Self {
            packet: LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).ok()?),
            header: HeaderProtectionKey::new(&AES_128, &header).ok()?,
            iv: expand(&secret, iv)?,
        })
    }

    /// What hides the first byte and the packet number of a header.
    pub(super) fn mask(&self, sample: &[u8]) -> Option<[u8; 5]> {
        self.header.new_mask(sample).ok()
    }

    /// The payload of packet `number`, if its tag proves it.
    pub(super) fn open<'a>(
        &self,
        number: u64,
        header: &[u8],
        payload: &'a mut [u8],
    ) -> Option<&'a [u8]> {
        let mut nonce = self.iv;
        for (byte, number) in nonce[NONCE_LEN - 8..].iter_mut().zip(number.to_be_bytes()) {
            *byte ^= number;
        }
        let nonce = Nonce::assume_unique_for_key(nonce);
        let opened = self.packet.open_in_place(nonce, Aad::from(header), payload);
        opened.ok().map(|plain| &*plain)
    }
}

struct Len(usize);

impl KeyType for Len {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-Expand-Label with an empty context (RFC 8446 §7.1).
fn expand<const N: usize>(secret: &Prk, label: &str) -> Option<[u8; N]> {
    let len = (N as u16).to_be_bytes();
    let label_len = [("tls13 ".len() + label.len()) as u8];
    let info = [&len[..], &label_len, b"tls13 ", label.as_bytes(), &[0]];
    let mut out = [0; N];
    secret.expand(&info, Len(N)).ok()?.fill(&mut out).ok()?;
    Some(out)
}
