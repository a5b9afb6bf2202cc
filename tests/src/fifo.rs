//! A file that does not come: a FIFO, which whoever opens or reads it waits for.

use std::cell::OnceCell;
use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, open};
use tempfile::TempDir;

use crate::process::until;

/// A FIFO in a directory of its own.
#[derive(Debug)]
pub struct Fifo(TempDir);

impl Fifo {
    /// One that nobody writes to.
    #[expect(clippy::new_without_default, reason = "it makes a file")]
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        make(&directory.path().join("fifo"));
        Self(directory)
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.0.path().join("fifo")
    }

    /// Waits until somebody waits for it; for as long as what is returned is there, he goes on
    /// waiting.
    pub fn opened(&self) -> File {
        let write = || {
            open(
                self.path(),
                OFlags::WRONLY | OFlags::NONBLOCK,
                Mode::empty(),
            )
        };
        let held = OnceCell::new();
        until("somebody opens the file", || {
            write().is_ok_and(|file| held.set(file).is_ok())
        });
        held.into_inner().unwrap().into()
    }
}

/// Makes a FIFO at `path`.
pub fn make(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}
