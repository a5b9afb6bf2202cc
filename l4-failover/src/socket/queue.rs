//! What the kernel still holds for a peer.

use std::os::fd::AsFd;

use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::GetStruct;
use nix::{getsockopt_impl, libc};

/// The words of `SO_MEMINFO` (linux/sock_diag.h, `SK_MEMINFO_VARS`).
const MEMINFO_WORDS: usize = 9;
/// `SK_MEMINFO_WMEM_QUEUED`: bytes of memory in the send queue, unsent or not yet acknowledged.
const WMEM_QUEUED: usize = 5;

/// `SO_MEMINFO`: how much memory a socket holds, by purpose.
#[derive(Clone, Copy)]
struct MemInfo;

getsockopt_impl!(
    MemInfo,
    libc::SOL_SOCKET,
    libc::SO_MEMINFO,
    [u32; MEMINFO_WORDS],
    GetStruct<[u32; MEMINFO_WORDS]>
);

/// Whether the peer's kernel has acknowledged all that was written to `socket`.
///
/// A kernel that cannot say (before Linux 4.12) counts as having delivered.
pub(crate) fn is_delivered(socket: &impl AsFd) -> bool {
    getsockopt(&socket.as_fd(), MemInfo).is_ok_and(|words| words[WMEM_QUEUED] == 0)
}
