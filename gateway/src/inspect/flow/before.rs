//! What may stand on a stream before TLS begins.

use super::key::Side;

/// What is known of it by the bytes so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It goes on.
    #[expect(
        dead_code,
        reason = "said by preambles, of which none is known here yet"
    )]
    More,
    /// TLS begins in both directions, in this one behind so many of these bytes.
    #[expect(
        dead_code,
        reason = "said by preambles, of which none is known here yet"
    )]
    TlsAt(usize),
    /// Nothing that TLS follows.
    NotTls,
}

/// Both directions' bytes before TLS.
#[derive(Debug, Default)]
pub(super) struct Before;

impl Before {
    /// Takes the next bytes of one direction. `opener` is who began the connection.
    pub(super) fn push(&mut self, _opener: Side, _side: Side, _bytes: &[u8]) -> Step {
        Step::NotTls
    }
}
