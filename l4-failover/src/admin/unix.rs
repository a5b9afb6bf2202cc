//! A unix socket in the file system: taken over from the dead, private, and gone at the end.

use super::error::AdminError;
use super::options::Address;
use rustix::fs::{Mode, chmod, stat};
use socket2::{Domain, SockAddr, Socket, Type};
use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// How many clients may wait to be accepted.
const BACKLOG: i32 = 128;

/// The file of a bound socket; dropped, it is removed, unless another has taken its place.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    inode: (u64, u64),
}

impl SocketFile {
    /// Binds a socket at `path` that only this user reaches.
    pub(super) fn bind(path: &Path) -> Result<(UnixListener, Self), AdminError> {
        clear(path)?;
        listen(path).map_err(|source| AdminError::Bind {
            address: Address::Unix(path.to_owned()),
            source,
        })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if inode(&self.path).is_ok_and(|inode| inode == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes the socket that a dead process left behind; anything else there is an error.
fn clear(path: &Path) -> Result<(), AdminError> {
    let address = Address::Unix(path.to_owned());
    match fs::symlink_metadata(path) {
        Err(_) => return Ok(()),
        Ok(found) if !found.file_type().is_socket() => return Err(AdminError::NotASocket(address)),
        Ok(_) => {}
    }
    let removed = match connect(path).map_err(|error| (error.kind(), error)) {
        Err((io::ErrorKind::ConnectionRefused, _)) => fs::remove_file(path),
        // A full queue takes a process that has one.
        Ok(()) | Err((io::ErrorKind::WouldBlock, _)) => return Err(AdminError::Live(address)),
        Err((_, error)) => Err(error),
    };
    removed.map_err(|source| AdminError::Bind { address, source })
}

/// Connects without waiting: a process that hangs must not hang this one.
fn connect(path: &Path) -> io::Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)
}

/// Nobody can connect between the creation of the file and its mode: it does not listen yet.
fn listen(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    let file = SocketFile {
        path: path.to_owned(),
        inode: inode(path)?,
    };
    chmod(path, Mode::RUSR | Mode::WUSR)?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok((socket.into(), file))
}

fn inode(path: &Path) -> io::Result<(u64, u64)> {
    let stat = stat(path)?;
    Ok((stat.st_dev, stat.st_ino))
}
