//! Files that are read whole: such as have an end, and have it there.

use std::fmt;
use std::fs::{File, FileType};
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

/// What a name leads to where a file was expected: reading it could wait for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotAFile(pub(crate) &'static str);

impl fmt::Display for NotAFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this is {}, which is not read; name a file", self.0)
    }
}

impl std::error::Error for NotAFile {}

impl NotAFile {
    /// What there is in place of a file, if that is why something failed.
    pub(crate) fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

/// Opens a file to be read, and nothing that would be waited for.
///
/// # Errors
///
/// What the system says, or [`NotAFile`] within an [`io::Error`].
pub(crate) fn open(path: &Path) -> io::Result<File> {
    // Not blocking: to open a FIFO would wait for whoever writes to it.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    match otherwise(file.metadata()?.file_type()) {
        None => Ok(file),
        Some(what) => Err(io::Error::other(NotAFile(what))),
    }
}

/// The bytes of a file, at most `max` of them.
///
/// # Errors
///
/// As [`open`].
pub(crate) fn bytes(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn otherwise(is: FileType) -> Option<&'static str> {
    Some(match is {
        _ if is.is_file() => return None,
        _ if is.is_dir() => "a directory",
        _ if is.is_fifo() => "a FIFO",
        _ if is.is_socket() => "a socket",
        _ => "a device",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    #[test]
    fn what_is_no_file_is_said_and_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo");
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR, 0).unwrap();
        let said = |path: &Path| bytes(path, 10).unwrap_err().to_string();
        assert_eq!(
            said(&fifo),
            "this is a FIFO, which is not read; name a file"
        );
        assert!(said(directory.path()).starts_with("this is a directory"));
        assert!(said(Path::new("/dev/zero")).starts_with("this is a device"));
    }

    #[test]
    fn a_file_is_read_up_to_its_bound() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"twelve bytes").unwrap();
        assert_eq!(bytes(file.path(), 6).unwrap(), b"twelve");
        assert_eq!(bytes(file.path(), 60).unwrap(), b"twelve bytes");
    }
}
