//! Bytes as tcpdump shows them.

use std::fmt::Write;

const ROW: usize = 16;
/// Eight groups of four digits, and a space between two.
const DIGITS: usize = 39;

/// Puts `bytes` after a line: hexadecimal digits, and beside them what is printable, as `-X` does.
pub(super) fn hex(bytes: &[u8], text: &mut String) {
    for (row, bytes) in bytes.chunks(ROW).enumerate() {
        let mut digits = String::with_capacity(DIGITS);
        for pair in bytes.chunks(2) {
            if !digits.is_empty() {
                digits.push(' ');
            }
            for byte in pair {
                // A String takes everything.
                let _ = write!(digits, "{byte:02x}");
            }
        }
        let _ = write!(text, "\t0x{:04x}:  {digits:<DIGITS$}  ", row * ROW);
        text.extend(bytes.iter().map(|byte| printable(*byte)));
        text.push('\n');
    }
}

/// Puts `bytes` after a line, what is not printable as a dot, as `-A` does. A line's end is one too:
/// else a name could pretend to be the next line.
pub(super) fn ascii(bytes: &[u8], text: &mut String) {
    text.extend(bytes.iter().map(|byte| match byte {
        b' ' => ' ',
        byte => printable(*byte),
    }));
    text.push('\n');
}

fn printable(byte: u8) -> char {
    match byte {
        0x21..=0x7e => char::from(byte),
        _ => '.',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_those_of_tcpdump() {
        let mut text = String::new();
        hex(
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 ~ab\x7fc",
            &mut text,
        );
        let expected = "\t0x0000:  1603 0102 0001 0001 fc03 0320 7e61 627f  ............~ab.\n\
             \t0x0010:  63                                       c\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn nothing_that_a_terminal_obeys_passes() {
        let mut text = String::new();
        ascii(b"a b\r\n\x1b[2J\x80", &mut text);
        assert_eq!(text, "a b...[2J.\n");
    }
}
