//! The words in which TLS refuses.

use std::fmt;

/// A TLS alert (RFC 8446 §6); shown by its name and number.
///
/// ```
/// # use l4_failover::socket::tls::Alert;
/// assert_eq!(Alert::UNRECOGNIZED_NAME.to_string(), "unrecognized_name (112)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Alert(pub u8);

impl Alert {
    /// The caller's certificate is valid, and not allowed in.
    pub const ACCESS_DENIED: Self = Self(49);
    /// A gateway reaches no endpoint.
    pub const INTERNAL_ERROR: Self = Self(80);
    /// A gateway has no route for the name (RFC 6066 §3).
    pub const UNRECOGNIZED_NAME: Self = Self(112);

    fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "close_notify",
            10 => "unexpected_message",
            20 => "bad_record_mac",
            22 => "record_overflow",
            40 => "handshake_failure",
            42 => "bad_certificate",
            43 => "unsupported_certificate",
            44 => "certificate_revoked",
            45 => "certificate_expired",
            46 => "certificate_unknown",
            47 => "illegal_parameter",
            48 => "unknown_ca",
            49 => "access_denied",
            50 => "decode_error",
            51 => "decrypt_error",
            70 => "protocol_version",
            71 => "insufficient_security",
            80 => "internal_error",
            86 => "inappropriate_fallback",
            90 => "user_canceled",
            109 => "missing_extension",
            110 => "unsupported_extension",
            112 => "unrecognized_name",
            116 => "certificate_required",
            120 => "no_application_protocol",
            _ => return None,
        })
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({})", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}
