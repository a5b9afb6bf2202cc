//! Sentences on stderr.

use std::io::{self, Write};

/// One before or behind what is read. A closed stderr leaves nobody to tell.
pub(super) fn say(sentence: &str) {
    let _ = writeln!(io::stderr(), "{sentence}");
}

/// One while a capture goes on, among others' lines: it says whose it is.
pub(super) fn say_meanwhile(sentence: &str) {
    say(&format!("mesh-gateway: {sentence}"));
}
