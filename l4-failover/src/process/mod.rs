//! What a process needs besides its work: a log, signals, descriptors, a supervisor.

pub mod activation;
pub mod descriptors;
pub(crate) mod file;
pub mod log;
pub mod notify;
pub mod rate;
pub mod signals;
