//! Fields of fixed width: text or digits, and padding.

use super::error::PacketError;
use super::frame::Kind;

/// What a field holds, without its padding: spaces or NULs, on either side.
pub(super) fn trim(field: &[u8]) -> &[u8] {
    let is_padding = |byte: &u8| matches!(byte, b' ' | 0);
    let from = field.iter().position(|byte| !is_padding(byte));
    let to = field.iter().rposition(|byte| !is_padding(byte));
    match (from, to) {
        (Some(from), Some(to)) => &field[from..=to],
        _ => &[],
    }
}

/// Whether all of it can be shown to a person.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Reads a number of decimal digits.
pub(super) fn number(kind: Kind, name: &'static str, field: &[u8]) -> Result<u64, PacketError> {
    let digits = trim(field);
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let text = str::from_utf8(digits).ok().filter(|_| is_number);
    let number = text.and_then(|text| text.parse().ok());
    number.ok_or(PacketError::Number { kind, field: name })
}

/// Writes text at the left of a field of `width` bytes, spaces after it.
pub(super) fn put_left(out: &mut Vec<u8>, text: &[u8], width: usize) {
    out.extend_from_slice(text);
    out.resize(out.len() + width.saturating_sub(text.len()), b' ');
}

/// Writes text at the right of a field of `width` bytes, spaces before it.
pub(super) fn put_right(out: &mut Vec<u8>, text: &[u8], width: usize) {
    out.resize(out.len() + width.saturating_sub(text.len()), b' ');
    out.extend_from_slice(text);
}
