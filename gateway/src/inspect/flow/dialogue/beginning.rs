//! Where TLS begins, and what may stand before it.

use super::super::super::frame::Timestamp;
use super::super::super::preamble::{Speaker, Step};
use super::super::key::Side;
use super::super::records;
use super::{Before, Dialogue, Reader};
use crate::hello::Reassembly;

impl Dialogue {
    pub(super) fn start<'a>(&mut self, side: Side, bytes: &'a [u8], came: Timestamp) -> &'a [u8] {
        let is_handshake = records::may_begin(&bytes[..1]);
        let has_hello = matches!(self.half(side.other()).reader, Reader::Hello(_));
        match &self.before {
            _ if has_hello && !is_handshake => {
                self.expect_answer(side);
                bytes
            }
            Before::Over => self.begin(side, came, bytes),
            Before::Nothing if is_handshake => {
                self.before = Before::Over;
                self.begin(side, came, bytes)
            }
            Before::Nothing | Before::Preamble(..) => self.preamble(side, bytes, came),
        }
    }

    fn preamble<'a>(&mut self, side: Side, bytes: &'a [u8], came: Timestamp) -> &'a [u8] {
        if matches!(self.before, Before::Nothing) {
            self.before = Before::Preamble(Box::default(), 0);
        }
        let Before::Preamble(preamble, pushed) = &mut self.before else {
            return bytes;
        };
        *pushed += bytes.len();
        let is_opener = side == self.opener;
        let speaker = if is_opener {
            Speaker::Opener
        } else {
            Speaker::Other
        };
        match preamble.push(speaker, bytes) {
            Step::More => &[],
            Step::TlsAt(at) => {
                self.before = Before::Over;
                self.begin(side, came, bytes.get(at..).unwrap_or_default())
            }
            Step::NotTls => {
                self.other(side);
                &[]
            }
        }
    }

    /// A hello begins; it is what follows.
    pub(super) fn begin<'a>(&mut self, side: Side, came: Timestamp, bytes: &'a [u8]) -> &'a [u8] {
        let half = self.half(side);
        half.reader = Reader::Hello(Reassembly::default());
        half.began = came;
        half.place = half.stream.place_before(bytes.len());
        half.packets = 0;
        half.stream.drop_kept();
        bytes
    }

    /// Not TLS. A direction whose other one began a hello is only not read.
    pub(super) fn other(&mut self, side: Side) {
        let is_answer = matches!(self.half(side.other()).reader, Reader::Hello(_));
        self.half(side).reader = Reader::Done;
        self.is_other = self.hellos == 0 && !is_answer;
    }
}
