//! JA3: the version, cipher suites, extensions, groups and point formats, in the client's order.
//!
//! Source: <https://github.com/salesforce/ja3>. Browsers shuffle their extensions since 2023, so one
//! browser has many; [`ja4`](super::ja4) has one.

use std::fmt::{self, Write};

use md5::{Digest, Md5};

use super::super::{ClientHello, is_grease};
use super::hex;

/// A JA3 fingerprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ja3 {
    text: String,
    digest: [u8; 16],
}

impl Ja3 {
    /// What it is made of, in decimals: `771,4865-4866,0-11-10,29-23,0`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The MD5 of [`Ja3::text`], by which it is known; shown in hexadecimal digits.
    pub fn digest(&self) -> [u8; 16] {
        self.digest
    }
}

/// The digest: 32 hexadecimal digits.
impl fmt::Display for Ja3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for [high, low] in self.digest.map(hex) {
            f.write_char(high.into())?;
            f.write_char(low.into())?;
        }
        Ok(())
    }
}

/// The JA3 of a hello, over whatever it came.
pub fn ja3(hello: &ClientHello<'_>) -> Ja3 {
    let mut text = hello.legacy_version.to_string();
    put_list(&mut text, hello.cipher_suites());
    put_list(&mut text, hello.extensions().map(|(kind, _)| kind));
    put_list(&mut text, hello.groups());
    put_list(&mut text, hello.point_formats().map(u16::from));
    let digest = Md5::digest(&text).into();
    Ja3 { text, digest }
}

fn put_list(text: &mut String, list: impl Iterator<Item = u16>) {
    let mut separator = ',';
    for value in list.filter(|value| !is_grease(*value)) {
        // Writing to a String never fails.
        let _ = write!(text, "{separator}{value}");
        separator = '-';
    }
    if separator == ',' {
        text.push(',');
    }
}
