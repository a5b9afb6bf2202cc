//! Tells clients apart by how they say hello: JA3 and JA4.
//!
//! Both name the software, not the machine: all installations of a browser's version agree. GREASE
//! (RFC 8701) is left out of both, since clients choose it anew each time.
//!
//! ```
//! use gateway::hello::fingerprint::{Carrier, ja3, ja4};
//! use gateway::hello::{ClientHello, HelloBounds, Reassembly};
//! # let flight = include_bytes!("../../../testdata/hello/openssl-tls12.bin");
//!
//! let mut reassembly = Reassembly::default();
//! reassembly.push(flight, &HelloBounds::default())?;
//! let hello = ClientHello::parse(reassembly.message())?;
//! assert!(ja4(&hello, Carrier::Tcp).as_str().starts_with("t12d"));
//! assert!(ja3(&hello).text().starts_with("771,"));
//! # Ok::<(), gateway::hello::HelloError>(())
//! ```

mod ja3;
mod ja4;
#[cfg(test)]
mod tests;

pub use ja3::{Ja3, ja3};
pub use ja4::{Carrier, JA4_BYTES, Ja4, ja4};

/// The two digits of a byte, in lower case.
fn hex(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [byte >> 4, byte & 0x0f].map(|digit| DIGITS[usize::from(digit)])
}
