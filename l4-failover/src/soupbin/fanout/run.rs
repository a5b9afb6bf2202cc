//! What some frames begin with.

use crate::soupbin::packet::{Kind, split};

/// Frames at the beginning of some bytes: messages, or one frame that is none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) messages: u64,
    pub(super) bytes: usize,
}

impl Run {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let (mut messages, mut length) = (0, 0);
        while let Ok(Some(frame)) = split(&bytes[length..]) {
            let is_message = frame.kind == Kind::Sequenced;
            if !is_message && messages > 0 {
                break;
            }
            if !is_message {
                return Self {
                    messages: 0,
                    bytes: frame.len(),
                };
            }
            (messages, length) = (messages + 1, length + frame.len());
        }
        Self {
            messages,
            bytes: length,
        }
    }
}

/// The length of so many frames at the beginning of some bytes.
pub(super) fn first_bytes(bytes: &[u8], frames: u64) -> usize {
    let mut length = 0;
    for _ in 0..frames {
        let Ok(Some(frame)) = split(&bytes[length..]) else {
            break;
        };
        length += frame.len();
    }
    length
}
