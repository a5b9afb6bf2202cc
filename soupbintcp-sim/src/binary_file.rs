//! BinaryFILE: messages in a file, each behind its length.
//!
//! A length is two bytes, big-endian; a length of zero ends the file. Files that just end after a
//! message are taken too, and are what is written: the exchange's own are like that, and there are
//! readers that know no other. [`Writer`] and [`Reader`] go from
//! front to back; [`Indexed`] begins at any message.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// Bytes of the longest message: what a SoupBinTCP packet carries besides its type. The length
/// could say one more.
pub const MESSAGE_MAX: usize = 65_534;

/// Messages between two places that an index remembers: a reader skips at most so many, which
/// takes a fraction of a millisecond, and 10⁹ messages cost 2 MB.
const INDEX_STEP: u64 = 4096;

/// What is read at once.
const BUFFER: usize = 64 * 1024;

/// Why a file cannot be read any further.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file itself cannot be read.
    #[error("message {number}, at byte {offset}: the file cannot be read")]
    Read {
        /// Which message, counted from 1.
        number: u64,
        /// Where its length begins.
        offset: u64,
        /// Why.
        source: io::Error,
    },
    /// The file ends within a message.
    #[error(
        "message {number}, at byte {offset}, is cut: {expected} bytes should be there, \
         {found} are"
    )]
    Cut {
        /// Which message, counted from 1.
        number: u64,
        /// Where its length begins.
        offset: u64,
        /// Bytes that the message has, its length included, as far as that is known.
        expected: usize,
        /// Bytes that there are.
        found: usize,
    },
    /// A message that no packet carries.
    #[error(
        "message {number}, at byte {offset}, says that it has {length} bytes; {MESSAGE_MAX} fit"
    )]
    TooLong {
        /// Which message, counted from 1.
        number: u64,
        /// Where its length begins.
        offset: u64,
        /// What it says.
        length: usize,
    },
}

/// Why a message cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// It has no byte: that would end the file.
    #[error("a file has no empty messages: a length of zero ends it")]
    Empty,
    /// It is longer than [`MESSAGE_MAX`].
    #[error("a message of {0} bytes is too long: {MESSAGE_MAX} fit")]
    TooLong(usize),
    /// The file itself cannot be written.
    #[error("the file cannot be written: {0}")]
    Write(io::Error),
}

/// Writes messages one after another. Wants a buffer behind it.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
}

impl<W: Write> Writer<W> {
    /// Messages will go to `out`.
    pub const fn new(out: W) -> Self {
        Self { out }
    }

    /// Adds a message.
    ///
    /// # Errors
    ///
    /// If it is empty or too long; then nothing was written. If `out` fails.
    pub fn write(&mut self, message: &[u8]) -> Result<(), WriteError> {
        if message.is_empty() {
            return Err(WriteError::Empty);
        }
        if message.len() > MESSAGE_MAX {
            return Err(WriteError::TooLong(message.len()));
        }
        let length = (message.len() as u16).to_be_bytes();
        let written = self.out.write_all(&length);
        written
            .and_then(|()| self.out.write_all(message))
            .map_err(WriteError::Write)
    }

    /// Returns what the file was written to, flushed. There is no end mark.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub fn finish(mut self) -> Result<W, WriteError> {
        self.out.flush().map_err(WriteError::Write)?;
        Ok(self.out)
    }
}

/// Reads messages one after another. Wants a buffer before it.
///
/// ```
/// use soupbintcp_sim::binary_file::{Reader, Writer};
///
/// let mut writer = Writer::new(Vec::new());
/// writer.write(b"one")?;
/// writer.write(b"two")?;
/// let file = writer.finish()?;
/// let mut reader = Reader::new(&file[..]);
/// assert_eq!(reader.next()?, Some(&b"one"[..]));
/// assert_eq!(reader.next()?, Some(&b"two"[..]));
/// assert_eq!(reader.next()?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    number: u64,
    offset: u64,
    is_over: bool,
    message: Vec<u8>,
}

impl<R: Read> Reader<R> {
    /// Messages will come from `input`.
    pub const fn new(input: R) -> Self {
        Self::at(input, 1, 0)
    }

    const fn at(input: R, number: u64, offset: u64) -> Self {
        Self {
            input,
            number,
            offset,
            is_over: false,
            message: Vec::new(),
        }
    }

    /// The number of the message that [`next`](Self::next) will return, counted from 1.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// The next message; none at the end of the file, and ever after.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, ends within a message, or has one that is too long. After that
    /// there is nothing sensible to read.
    #[allow(
        clippy::should_implement_trait,
        reason = "an iterator cannot lend its own buffer"
    )]
    pub fn next(&mut self) -> Result<Option<&[u8]>, ReadError> {
        let mut length = [0; 2];
        if self.is_over {
            return Ok(None);
        }
        match self.fill(&mut length)? {
            0 => return Ok(self.end()),
            2 => {}
            found => return Err(self.cut(2, found)),
        }
        let length = usize::from(u16::from_be_bytes(length));
        if length == 0 {
            return Ok(self.end());
        }
        self.body(length)?;
        self.number += 1;
        self.offset += 2 + length as u64;
        Ok(Some(&self.message))
    }

    fn end(&mut self) -> Option<&[u8]> {
        self.is_over = true;
        None
    }

    fn body(&mut self, length: usize) -> Result<(), ReadError> {
        let (number, offset) = (self.number, self.offset);
        if length > MESSAGE_MAX {
            return Err(ReadError::TooLong {
                number,
                offset,
                length,
            });
        }
        let mut message = std::mem::take(&mut self.message);
        message.resize(length, 0);
        let found = self.fill(&mut message)?;
        self.message = message;
        if found < length {
            Err(self.cut(2 + length, 2 + found))
        } else {
            Ok(())
        }
    }

    /// Fills a buffer as far as the file goes.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, ReadError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.input.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => {
                    let (number, offset) = (self.number, self.offset);
                    return Err(ReadError::Read {
                        number,
                        offset,
                        source,
                    });
                }
            }
        }
        Ok(filled)
    }

    const fn cut(&self, expected: usize, found: usize) -> ReadError {
        ReadError::Cut {
            number: self.number,
            offset: self.offset,
            expected,
            found,
        }
    }
}

/// A file whose messages were counted once, so that readers may begin at any of them. Cheap to
/// clone; its readers do not disturb each other.
#[derive(Clone, Debug)]
pub struct Indexed {
    file: Arc<File>,
    /// Where every [`INDEX_STEP`]th message begins, the first one first.
    places: Arc<[u64]>,
    messages: u64,
}

/// What readers of an [`Indexed`] file read from.
pub type IndexedReader = Reader<BufReader<At>>;

impl Indexed {
    /// Opens a file, and reads it once to its end.
    ///
    /// # Errors
    ///
    /// If it cannot be opened, or any message of it cannot be read.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let file = File::open(path);
        let file = file.map_err(|source| ReadError::Read {
            number: 1,
            offset: 0,
            source,
        })?;
        let file = Arc::new(file);
        let mut reader = reader(&file, 1, 0);
        let mut places = Vec::new();
        loop {
            if (reader.number - 1).is_multiple_of(INDEX_STEP) {
                places.push(reader.offset);
            }
            if reader.next()?.is_none() {
                break;
            }
        }
        Ok(Self {
            file,
            places: places.into(),
            messages: reader.number - 1,
        })
    }

    /// How many messages there are.
    pub const fn messages(&self) -> u64 {
        self.messages
    }

    /// All messages from number `number` on, counted from 1 (0 is taken as 1); none if there are
    /// fewer.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or was changed since it was opened.
    pub fn from(&self, number: u64) -> Result<IndexedReader, ReadError> {
        let number = number.clamp(1, self.messages + 1);
        let step = (number - 1) / INDEX_STEP;
        let mut reader = reader(
            &self.file,
            step * INDEX_STEP + 1,
            self.places[step as usize],
        );
        while reader.number < number && reader.next()?.is_some() {}
        Ok(reader)
    }
}

fn reader(file: &Arc<File>, number: u64, offset: u64) -> IndexedReader {
    let at = At {
        file: Arc::clone(file),
        offset,
    };
    Reader::at(BufReader::with_capacity(BUFFER, at), number, offset)
}

/// A place of its own in a shared file.
#[derive(Debug)]
pub struct At {
    file: Arc<File>,
    offset: u64,
}

impl Read for At {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}
