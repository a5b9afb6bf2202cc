//! What `-v` tells below the line of a hello.

use std::fmt::{self, Write};

use super::names::{cipher_suite, group, number, version};
use super::told::Told;
use crate::hello::ClientHello;

/// Puts cipher suites, groups and JA3 in lines of their own; from `-vv` on versions, extensions and
/// signature algorithms too.
pub(super) fn put(told: &Told<'_>, verbosity: u8, text: &mut String) {
    // A String takes everything.
    let _ = try_put(told, verbosity, text);
}

fn try_put(told: &Told<'_>, verbosity: u8, text: &mut String) -> fmt::Result {
    let Some(hello) = &told.hello else {
        return Ok(());
    };
    list(
        "cipher suites",
        hello.cipher_suites().map(cipher_suite),
        text,
    )?;
    list("groups", hello.groups().map(group), text)?;
    if verbosity > 1 {
        more(hello, text)?;
    }
    match told.ja3() {
        Some(ja3) => writeln!(text, "    ja3: {ja3} {}", ja3.text()),
        None => Ok(()),
    }
}

fn more(hello: &ClientHello<'_>, text: &mut String) -> fmt::Result {
    list("versions", hello.versions().map(version), text)?;
    list(
        "extensions",
        hello.extensions().map(|(kind, _)| kind.to_string()),
        text,
    )?;
    list(
        "signature algorithms",
        hello.signature_algorithms().map(number),
        text,
    )
}

/// A list that is not there has no line.
fn list(what: &str, items: impl Iterator<Item = String>, text: &mut String) -> fmt::Result {
    let items: Vec<_> = items.collect();
    match items.is_empty() {
        true => Ok(()),
        false => writeln!(text, "    {what}: {}", items.join(" ")),
    }
}
