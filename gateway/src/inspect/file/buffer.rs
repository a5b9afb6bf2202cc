//! The part of a file that is in memory.

use std::io::{self, Read};

/// Two of the longest packets with their headers fit.
const CAPACITY: usize = 1 << 20;

/// Most that is read at once. Smaller parts show in the time of large files; larger ones leave the
/// CPU's own cache before they are looked at.
const READ_MAX: usize = 1 << 18;

/// A window that moves over a file, and never grows.
pub(super) struct Buffer {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
    /// Where in the file `start` is.
    offset: u64,
    /// What is still to be passed over before anything else is looked at.
    to_pass: u64,
}

impl Buffer {
    pub(super) fn new() -> Self {
        Self {
            bytes: vec![0; CAPACITY].into_boxed_slice(),
            start: 0,
            end: 0,
            offset: 0,
            to_pass: 0,
        }
    }

    /// What is there; nothing while bytes are to be passed over that have not come.
    pub(super) fn front(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// How many of the bytes that are to be passed over have not come.
    pub(super) fn to_pass(&self) -> u64 {
        self.to_pass
    }

    /// Takes `len` bytes off, all of which are there, and gives them.
    pub(super) fn take(&mut self, len: usize) -> &[u8] {
        let from = self.start;
        self.start += len;
        self.offset += len as u64;
        &self.bytes[from..self.start]
    }

    /// Takes `len` bytes off, once they are there.
    pub(super) fn pass(&mut self, len: u64) {
        let there = (self.end - self.start) as u64;
        let now = len.min(there);
        // No more than what is there.
        self.start += now as usize;
        self.offset += now;
        self.to_pass = len - now;
    }

    /// Reads once. False at the end of the file.
    pub(super) fn fill(&mut self, from: &mut (impl Read + ?Sized)) -> io::Result<bool> {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let room = &mut self.bytes[self.end..];
        let most = room.len().min(READ_MAX);
        let read = read(from, &mut room[..most])?;
        self.end += read;
        self.pass(self.to_pass);
        Ok(read > 0)
    }
}

fn read(from: &mut (impl Read + ?Sized), into: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
