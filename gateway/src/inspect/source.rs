//! Where frames come from.

use std::ops::ControlFlow;

use thiserror::Error;

use super::capture::{CaptureError, Live, Wake};
use super::file::{FileError, PACKET_MAX, Precision, Reader};
use super::frame::{Frame, LinkType};
use super::heard::Heard;
use super::say::say_meanwhile;

/// A capture that is read, or made.
pub(super) enum Source {
    /// A file, or a pipe.
    File(Box<Heard>),
    /// Interfaces.
    Live(Box<Live>),
}

/// Why there are no more frames.
#[derive(Debug, Error)]
pub(super) enum SourceError {
    /// The file ends badly.
    #[error(transparent)]
    File(#[from] FileError),
    /// The capture does.
    #[error(transparent)]
    Capture(#[from] CaptureError),
}

impl Source {
    /// Shows the frames that are in memory, until `see` breaks.
    ///
    /// # Errors
    /// Why there are no more.
    pub(super) fn each<B>(
        &mut self,
        see: impl FnMut(&Frame<'_>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, SourceError> {
        match self {
            Self::File(heard) => Ok(heard.each(see)?),
            Self::Live(live) => Ok(live.each(see)),
        }
    }

    /// Waits for more. False at the end.
    ///
    /// # Errors
    /// Why there are no more.
    pub(super) fn fill(&mut self) -> Result<bool, SourceError> {
        let live = match self {
            Self::File(heard) => return Ok(heard.fill()?),
            Self::Live(live) => live,
        };
        match live.wait()? {
            Wake::Frames => Ok(true),
            Wake::End => Ok(false),
            Wake::CountsAsked => {
                say_meanwhile(&live.counts()?.on_one_line());
                Ok(true)
            }
            Wake::WentDown => {
                let name = live.interface();
                say_meanwhile(&format!(
                    "the interface {name} went down; the capture goes on once it is up"
                ));
                Ok(true)
            }
        }
    }

    /// Whether all frames begin as [`Self::link`] says, whatever comes.
    pub(super) fn has_one_link(&self) -> bool {
        match self {
            Self::File(heard) => heard.reader().is_some_and(Reader::has_one_link),
            Self::Live(live) => live.has_one_link(),
        }
    }

    /// How frames begin, as far as that is known.
    pub(super) fn link(&self) -> Option<LinkType> {
        match self {
            Self::File(heard) => heard.reader()?.link(),
            Self::Live(live) => live.link(),
        }
    }

    /// Most bytes of a frame.
    pub(super) fn snapshot_len(&self) -> u32 {
        match self {
            Self::File(heard) => heard
                .reader()
                .map_or(PACKET_MAX as u32, Reader::snapshot_len),
            Self::Live(live) => live.snapshot(),
        }
    }

    /// How fine times are.
    pub(super) fn precision(&self) -> Precision {
        match self {
            Self::File(heard) => heard
                .reader()
                .map_or(Precision::Microseconds, Reader::precision),
            // As tcpdump writes what it captures.
            Self::Live(_) => Precision::Microseconds,
        }
    }

    /// How many packets were passed over, since their link type is not read.
    pub(super) fn unread(&self) -> u64 {
        match self {
            Self::File(heard) => heard.reader().map_or(0, Reader::unread),
            Self::Live(_) => 0,
        }
    }
}
