//! What versions, cipher suites and groups are called.

use tls_parser::TlsCipherSuite;

use crate::hello::is_grease;
use crate::inspect::flow::Carrier;

/// Names of groups as IANA has them; those that clients offer today, and those that they offered
/// before.
const GROUPS: [(u16, &str); 20] = [
    (19, "secp192r1"),
    (21, "secp224r1"),
    (22, "secp256k1"),
    (23, "secp256r1"),
    (24, "secp384r1"),
    (25, "secp521r1"),
    (26, "brainpoolP256r1"),
    (27, "brainpoolP384r1"),
    (28, "brainpoolP512r1"),
    (29, "x25519"),
    (30, "x448"),
    (41, "curveSM2"),
    (0x0100, "ffdhe2048"),
    (0x0101, "ffdhe3072"),
    (0x0102, "ffdhe4096"),
    (0x0103, "ffdhe6144"),
    (0x0104, "ffdhe8192"),
    (0x11eb, "SecP256r1MLKEM768"),
    (0x11ec, "X25519MLKEM768"),
    (0x6399, "X25519Kyber768Draft00"),
];

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
    match TlsCipherSuite::from_id(number) {
        Some(suite) => suite.name.to_owned(),
        None => number_or_grease(number),
    }
}

/// A group by its name, or where it has none its number.
pub(super) fn group(number: u16) -> String {
    match GROUPS.iter().find(|(it, _)| *it == number) {
        Some((_, name)) => (*name).to_owned(),
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
