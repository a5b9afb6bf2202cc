//! What versions, cipher suites and groups are called.

use crate::hello::is_grease;
use crate::inspect::flow::Carrier;
use crate::inspect::server_hello::{cipher_suite_name, group_name};

/// A version by its number alone: `1.3`.
pub(super) fn version(version: u16) -> String {
    match version {
        0x0300 => "SSL3".to_owned(),
        0x0301 => "1.0".to_owned(),
        0x0302 => "1.1".to_owned(),
        0x0303 | 0xfefd => "1.2".to_owned(),
        0x0304 | 0xfefc => "1.3".to_owned(),
        0xfeff => "1.0".to_owned(),
        other => format!("0x{other:04x}"),
    }
}

/// A version with its protocol: `TLS1.3`.
pub(super) fn protocol(carrier: Carrier, number: u16) -> String {
    let version = version(number);
    match carrier {
        _ if !version.starts_with('1') => version,
        Carrier::Dtls => format!("DTLS{version}"),
        Carrier::Tcp | Carrier::QuicV1 | Carrier::QuicV2 | Carrier::QuicDraft29 => {
            format!("TLS{version}")
        }
    }
}

/// A cipher suite by its name, or where it has none its number.
pub(super) fn cipher_suite(number: u16) -> String {
    match cipher_suite_name(number) {
        Some(name) => name.to_owned(),
        None => number_or_grease(number),
    }
}

/// A group by its name, or where it has none its number.
pub(super) fn group(number: u16) -> String {
    match group_name(number) {
        Some(name) => name.to_owned(),
        None => number_or_grease(number),
    }
}

/// A number as registries write it.
pub(super) fn number(number: u16) -> String {
    format!("0x{number:04x}")
}

fn number_or_grease(number: u16) -> String {
    match is_grease(number) {
        true => "GREASE".to_owned(),
        false => self::number(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_name_is_called_by_it() {
        assert_eq!(cipher_suite(0x1301), "TLS_AES_128_GCM_SHA256");
        assert_eq!(cipher_suite(0x4a4a), "GREASE");
        assert_eq!(cipher_suite(0xfff0), "0xfff0");
        assert_eq!(group(0x11ec), "X25519MLKEM768");
        assert_eq!(group(0x7777), "0x7777");
    }

    #[test]
    fn a_version_has_its_protocol() {
        for (carrier, number, expected) in [
            (Carrier::Tcp, 0x0304, "TLS1.3"),
            (Carrier::QuicV2, 0x0304, "TLS1.3"),
            (Carrier::Dtls, 0xfefd, "DTLS1.2"),
            (Carrier::Tcp, 0x0300, "SSL3"),
            (Carrier::Tcp, 0x7f1c, "0x7f1c"),
        ] {
            assert_eq!(protocol(carrier, number), expected);
        }
    }
}
