//! What a process needs besides its work: a log, signals, descriptors.

pub mod descriptors;
pub mod log;
pub mod rate;
pub mod signals;
