//! Whether what is read is what would be written over.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::inspect::file::STDIN;

/// Whether `-r` and `-w` name one file: by its place on disk, so that links and other paths to it do
/// not hide it. Pipes and devices may well be both, and what cannot be looked at fails when it is opened.
pub(super) fn is_one_file(read: &Path, write: &Path) -> bool {
    let read = of(read, io::stdin().as_fd());
    let write = of(write, io::stdout().as_fd());
    match (read, write) {
        (Ok(read), Ok(write)) => {
            read.is_file() && (read.dev(), read.ino()) == (write.dev(), write.ino())
        }
        _ => false,
    }
}

/// Of a file by its name, or of what `-` stands for.
fn of(file: &Path, dash: BorrowedFd<'_>) -> io::Result<Metadata> {
    match file == Path::new(STDIN) {
        true => File::from(dash.try_clone_to_owned()?).metadata(),
        false => fs::metadata(file),
    }
}
