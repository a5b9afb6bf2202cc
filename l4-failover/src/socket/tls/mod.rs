//! TLS on either side of a port: towards targets, and from callers.

mod options;

pub use options::{Identity, TlsOptions};
