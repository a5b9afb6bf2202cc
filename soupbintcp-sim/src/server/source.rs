//! What is served: a day from a seed, or a file.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::chunk::{CHUNK, Chunk, chunk_of, first_of};
use crate::binary_file::{Indexed, IndexedReader, ReadError};
use crate::day::{Day, Messages};

/// What is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The day of a seed, and the days after it.
    Day {
        /// The seed.
        seed: u64,
    },
    /// The messages of a [BinaryFILE](crate::binary_file), from 1 on.
    Replay {
        /// The file.
        path: PathBuf,
    },
}

/// Why a file cannot be replayed.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// It cannot be read to its end.
    #[error("cannot replay {}: is it a whole BinaryFILE (u16 length and message, repeated)?", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Where, and what is wrong there.
        source: ReadError,
    },
    /// There is nothing to serve.
    #[error("cannot replay {}: there is no message in it", .0.display())]
    Empty(PathBuf),
}

/// What is served, opened.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Day(Day),
    Replay(Indexed),
}

/// Makes chunks, one after another.
#[derive(Debug)]
pub(super) enum Maker {
    Day(Box<Messages>),
    Replay(Box<IndexedReader>),
}

impl Source {
    pub(super) fn open(content: &Content) -> Result<Self, ReplayError> {
        match content {
            Content::Day { seed } => Ok(Self::Day(Day::new(*seed))),
            Content::Replay { path } => replay(path).map(Self::Replay),
        }
    }

    /// How many messages there are, if they have an end.
    pub(super) fn messages(&self) -> Option<u64> {
        match self {
            Self::Day(_) => None,
            Self::Replay(file) => Some(file.messages()),
        }
    }

    /// Makes chunks from this one on. For a day the first takes some milliseconds.
    pub(super) fn maker(&self, chunk: u64) -> io::Result<Maker> {
        let first = first_of(chunk);
        match self {
            Self::Day(day) => Ok(Maker::Day(Box::new(day.from(first)))),
            Self::Replay(file) => {
                let reader = file.from(first).map_err(io::Error::other)?;
                Ok(Maker::Replay(Box::new(reader)))
            }
        }
    }
}

fn replay(path: &Path) -> Result<Indexed, ReplayError> {
    let file = Indexed::open(path).map_err(|source| ReplayError::Read {
        path: path.to_owned(),
        source,
    })?;
    match file.messages() {
        0 => Err(ReplayError::Empty(path.to_owned())),
        _ => Ok(file),
    }
}

impl Maker {
    /// The chunk that comes next.
    pub(super) fn chunk(&self) -> u64 {
        match self {
            Self::Day(messages) => chunk_of(messages.number()),
            Self::Replay(reader) => chunk_of(reader.number()),
        }
    }

    /// The next chunk; of a file's last one what there is.
    pub(super) fn next(&mut self) -> io::Result<Chunk> {
        let mut chunk = Chunk::new(first_of(self.chunk()));
        for _ in 0..CHUNK {
            let Some(message) = self.message()? else {
                break;
            };
            chunk.push(message).map_err(io::Error::other)?;
        }
        match chunk.after() > chunk.first() {
            true => Ok(chunk),
            false => Err(io::Error::other("the file has become shorter")),
        }
    }

    fn message(&mut self) -> io::Result<Option<&[u8]>> {
        match self {
            Self::Day(messages) => Ok(Some(messages.next())),
            Self::Replay(reader) => reader.next().map_err(io::Error::other),
        }
    }
}
