//! The frames that an Initial may hold (RFC 9000 §12.4, §19).

use super::packet::{varint, vec};

/// A frame, as far as it matters here.
pub(super) enum Frame<'a> {
    Crypto {
        offset: u64,
        bytes: &'a [u8],
    },
    /// The connection was ended, for this reason.
    Close(u64),
    /// PADDING, PING or ACK.
    Other,
}

/// A frame that an Initial must not hold, or that its packet cuts short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadFrame(pub(super) u64);

/// The frames of a packet's payload; nothing behind a bad one.
pub(super) struct Frames<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, BadFrame>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = &mut self.0;
        let kind = varint(rest)?;
        let frame = match kind {
            0x00 => padding(rest),
            0x01 => Some(Frame::Other),
            0x02 => ack(rest),
            0x03 => ack(rest).filter(|_| (0..3).all(|_| varint(rest).is_some())),
            0x06 => crypto(rest),
            0x1c => close(rest),
            _ => None,
        };
        if frame.is_none() {
            self.0 = &[];
        }
        Some(frame.ok_or(BadFrame(kind)))
    }
}

/// Most of a client's first packet is padding: all of it at once.
fn padding<'a>(rest: &mut &'a [u8]) -> Option<Frame<'a>> {
    let end = rest.iter().position(|byte| *byte != 0);
    *rest = &rest[end.unwrap_or(rest.len())..];
    Some(Frame::Other)
}

fn crypto<'a>(rest: &mut &'a [u8]) -> Option<Frame<'a>> {
    let offset = varint(rest)?;
    let bytes = vec(rest)?;
    Some(Frame::Crypto { offset, bytes })
}

/// The count of ranges may lie: each takes two bytes at least, so the payload's end bounds them.
fn ack<'a>(rest: &mut &'a [u8]) -> Option<Frame<'a>> {
    let [_largest, _delay, ranges, _first] =
        [varint(rest)?, varint(rest)?, varint(rest)?, varint(rest)?];
    for _ in 0..ranges {
        let (_gap, _len) = (varint(rest)?, varint(rest)?);
    }
    Some(Frame::Other)
}

fn close<'a>(rest: &mut &'a [u8]) -> Option<Frame<'a>> {
    let (code, _frame) = (varint(rest)?, varint(rest)?);
    vec(rest)?; // A reason in words.
    Some(Frame::Close(code))
}
