//! The file that messages are written to.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use super::error::ConsumeError;
use crate::binary_file::{WriteError, Writer};

/// Bytes that are written at once.
const BUFFER: usize = 256 * 1024;

/// A file that is emptied only when there is something to write: what was recorded before must not be
/// lost to a server that is not there.
#[derive(Debug)]
pub(super) struct Out {
    /// The same file, while it has what it had.
    before: Option<File>,
    writer: Writer<BufWriter<File>>,
}

impl Out {
    pub(super) fn open(path: &Path) -> Result<Self, ConsumeError> {
        let mut options = File::options();
        let file = options.write(true).create(true).truncate(false).open(path);
        let both = file.and_then(|file| Ok((file.try_clone()?, file)));
        let (before, file) = both.map_err(|cause| ConsumeError::Create {
            path: path.to_owned(),
            cause,
        })?;
        Ok(Self {
            before: Some(before),
            writer: Writer::new(BufWriter::with_capacity(BUFFER, file)),
        })
    }

    pub(super) fn write(&mut self, message: &[u8]) -> Result<(), WriteError> {
        self.empty()?;
        self.writer.write(message)
    }

    /// After a login: what was there before is gone, also if no message came.
    pub(super) fn finish(mut self) -> Result<(), WriteError> {
        self.empty()?;
        self.writer.finish().map(drop)
    }

    fn empty(&mut self) -> Result<(), WriteError> {
        let Some(file) = self.before.take() else {
            return Ok(());
        };
        empty(&file).map_err(WriteError::Write)
    }
}

/// A pipe or a terminal has nothing to be emptied of.
fn empty(file: &File) -> io::Result<()> {
    match file.metadata()?.is_file() {
        true => file.set_len(0),
        false => Ok(()),
    }
}
