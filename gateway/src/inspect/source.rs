//! Where frames come from.

use super::file::{FileError, Precision, Reader};
use super::frame::{Frame, LinkType};

/// A capture that is read, or made.
pub enum Source {
    /// A file, or a pipe.
    File(Reader),
}

impl Source {
    /// The next frame that is in memory; none if [`Self::fill`] is to be called.
    ///
    /// # Errors
    /// Why there are no more.
    #[allow(
        clippy::should_implement_trait,
        reason = "a frame borrows from its source"
    )]
    pub fn next(&mut self) -> Result<Option<Frame<'_>>, FileError> {
        match self {
            Self::File(reader) => reader.next(),
        }
    }

    /// Waits for more. False at the end.
    ///
    /// # Errors
    /// Why there are no more.
    pub fn fill(&mut self) -> Result<bool, FileError> {
        match self {
            Self::File(reader) => reader.fill(),
        }
    }

    /// How frames begin, as far as all do so.
    pub fn link(&self) -> Option<LinkType> {
        match self {
            Self::File(reader) => reader.link(),
        }
    }

    /// Most bytes of a frame.
    pub fn snapshot_len(&self) -> u32 {
        match self {
            Self::File(reader) => reader.snapshot_len(),
        }
    }

    /// How fine times are.
    pub fn precision(&self) -> Precision {
        match self {
            Self::File(reader) => reader.precision(),
        }
    }

    /// How many packets were passed over, since their link type is not read.
    pub fn unread(&self) -> u64 {
        match self {
            Self::File(reader) => reader.unread(),
        }
    }
}
