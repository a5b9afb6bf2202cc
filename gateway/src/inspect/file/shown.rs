//! How a file is called in what people read.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The name of a file without what a terminal would obey: control characters, bytes that are no text,
/// and backslashes as `\x00`, as in names from the wire.
pub(in crate::inspect) fn shown(file: &Path) -> String {
    let mut shown = String::new();
    for chunk in file.as_os_str().as_bytes().utf8_chunks() {
        for char in chunk.valid().chars() {
            match char.is_control() || char == '\\' {
                true => escape(char.encode_utf8(&mut [0; 4]).as_bytes(), &mut shown),
                false => shown.push(char),
            }
        }
        escape(chunk.invalid(), &mut shown);
    }
    shown
}

fn escape(bytes: &[u8], into: &mut String) {
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(into, "\\x{byte:02x}");
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn only_what_is_text_is_shown_as_it_is() {
        let name = b"caf\xc3\xa9 1.pcap\x1b[2J\n\\\xff\xc2\x9b";
        let shown = shown(Path::new(OsStr::from_bytes(name)));
        assert_eq!(shown, "café 1.pcap\\x1b[2J\\x0a\\x5c\\xff\\xc2\\x9b");
    }
}
