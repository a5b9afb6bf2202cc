//! What the registries of TLS call its numbers.
//!
//! Source: <https://www.iana.org/assignments/tls-parameters>.

use tls_parser::TlsCipherSuite;

/// The name of a cipher suite: `TLS_AES_128_GCM_SHA256`.
pub fn cipher_suite_name(suite: u16) -> Option<&'static str> {
    TlsCipherSuite::from_id(suite).map(|suite| suite.name)
}

/// The name of a group of key exchange: `x25519`. Those that clients offer today; the names of
/// tls-parser are not those that people know.
pub fn group_name(group: u16) -> Option<&'static str> {
    Some(match group {
        0x0013 => "secp192r1",
        0x0015 => "secp224r1",
        0x0016 => "secp256k1",
        0x0017 => "secp256r1",
        0x0018 => "secp384r1",
        0x0019 => "secp521r1",
        0x001a => "brainpoolP256r1",
        0x001b => "brainpoolP384r1",
        0x001c => "brainpoolP512r1",
        0x001d => "x25519",
        0x001e => "x448",
        0x001f => "brainpoolP256r1tls13",
        0x0020 => "brainpoolP384r1tls13",
        0x0021 => "brainpoolP512r1tls13",
        0x0029 => "curveSM2",
        0x0100 => "ffdhe2048",
        0x0101 => "ffdhe3072",
        0x0102 => "ffdhe4096",
        0x0103 => "ffdhe6144",
        0x0104 => "ffdhe8192",
        0x0200 => "MLKEM512",
        0x0201 => "MLKEM768",
        0x0202 => "MLKEM1024",
        0x11eb => "SecP256r1MLKEM768",
        0x11ec => "X25519MLKEM768",
        0x11ed => "SecP384r1MLKEM1024",
        0x6399 => "X25519Kyber768Draft00",
        _ => return None,
    })
}
