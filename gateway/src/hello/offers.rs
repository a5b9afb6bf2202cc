//! What a client offers beyond what routing looks at: for people, and for fingerprints.

use super::ClientHello;
use super::client_hello::pairs;

const SUPPORTED_GROUPS: u16 = 10;
const EC_POINT_FORMATS: u16 = 11;
const SIGNATURE_ALGORITHMS: u16 = 13;

/// These lists are read leniently: a length that lies, or half an entry at the end, costs what it
/// hides and nothing else. Nobody routes by them.
impl<'a> ClientHello<'a> {
    /// The groups of `supported_groups` (RFC 8446 §4.2.7), which were named curves before, in the
    /// client's order, with GREASE; none without the extension.
    pub fn groups(&self) -> impl Iterator<Item = u16> + use<'a> {
        pairs(self.list16(SUPPORTED_GROUPS))
    }

    /// The schemes of `signature_algorithms` (RFC 8446 §4.2.3) in the client's order, with GREASE;
    /// none without the extension.
    pub fn signature_algorithms(&self) -> impl Iterator<Item = u16> + use<'a> {
        pairs(self.list16(SIGNATURE_ALGORITHMS))
    }

    /// The formats of `ec_point_formats` (RFC 8422 §5.1.2) in the client's order; none without the
    /// extension.
    pub fn point_formats(&self) -> impl Iterator<Item = u8> + use<'a> {
        let list = match self.content(EC_POINT_FORMATS) {
            [len, list @ ..] => up_to(list, usize::from(*len)),
            [] => &[],
        };
        list.iter().copied()
    }

    /// Whether the extension is there, whatever it holds.
    pub fn has_extension(&self, kind: u16) -> bool {
        self.extensions().any(|(other, _)| other == kind)
    }

    fn list16(&self, kind: u16) -> &'a [u8] {
        match self.content(kind) {
            [high, low, list @ ..] => up_to(list, usize::from(u16::from_be_bytes([*high, *low]))),
            _ => &[],
        }
    }

    fn content(&self, kind: u16) -> &'a [u8] {
        self.extensions()
            .find_map(|(other, content)| (other == kind).then_some(content))
            .unwrap_or_default()
    }
}

fn up_to(list: &[u8], len: usize) -> &[u8] {
    &list[..len.min(list.len())]
}
