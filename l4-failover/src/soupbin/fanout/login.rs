//! What a consumer's login is answered by what the port holds. Pure.

use std::fmt;

use crate::soupbin::packet::{Credentials, Kind, LoginRequest, PacketError, SessionId, announced};
use crate::soupbin::session::SessionError;

/// What a debug packet before a login may have in its length field.
const DEBUG_MAX: usize = 1024;

/// What a port holds of the session that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) session: SessionId,
    /// The oldest message that is kept; the next one if none is.
    pub(super) first: u64,
    /// The message that comes next.
    pub(super) next: u64,
}

/// What becomes of a login now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is accepted, and goes on with this message.
    Accept(u64),
    /// Nobody can tell yet: there is no session, or it has not come as far.
    Wait(Lack),
    /// What it asks for is older than what is kept.
    CatchUp,
    /// It asks for another session.
    OtherSession,
}

/// What a login waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// A session.
    Session,
    /// The message that comes next is this; further on is asked for.
    Beyond(u64),
}

/// What a login is answered, by what is held now. It never gets another number than it asked for.
pub(super) fn answer(request: &LoginRequest, held: Option<Held>) -> Answer {
    let Some(held) = held else {
        return Answer::Wait(Lack::Session);
    };
    if !request.session.is_blank() && request.session != held.session {
        return Answer::OtherSession;
    }
    match request.sequence {
        // The newest that is kept, or, if none is, the one that comes next.
        0 => Answer::Accept(held.next.saturating_sub(1).max(held.first)),
        asked if asked < held.first => Answer::CatchUp,
        asked if asked <= held.next => Answer::Accept(asked),
        _ => Answer::Wait(Lack::Beyond(held.next)),
    }
}

/// Whether somebody may log in with these. All are compared, and each in a time that says nothing.
pub(super) fn is_known(who: &Credentials, consumers: &[Credentials]) -> bool {
    let known = consumers.iter().filter(|it| it.matches(who)).count();
    known > 0
}

/// Nobody who has not logged in is waited for, and kept, to say what will be refused.
///
/// # Errors
///
/// [`SessionError`]: what begins here cannot be a login.
pub(super) fn foresee(bytes: &[u8]) -> Result<(), SessionError> {
    let Ok(Some((kind, length))) = announced(bytes) else {
        return Ok(());
    };
    match kind {
        Kind::LoginRequest if LoginRequest::has_length(length) => Ok(()),
        Kind::LoginRequest => Err(PacketError::Size(kind, length).into()),
        Kind::Debug if length <= DEBUG_MAX => Ok(()),
        _ => Err(SessionError::BeforeLogin(kind)),
    }
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session => f.write_str("there is no session now"),
            Self::Beyond(next) => write!(f, "the session stands at message {next}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::soupbin::packet::{Packet, split};

    fn request(session: &str, sequence: u64) -> LoginRequest {
        LoginRequest {
            credentials: Credentials::new("trader", "secret").unwrap(),
            session: session.parse().unwrap(),
            sequence,
            heartbeat_timeout: None,
        }
    }

    fn held(first: u64, next: u64) -> Option<Held> {
        Some(Held {
            session: "FEED000001".parse().unwrap(),
            first,
            next,
        })
    }

    #[test]
    fn without_a_session_a_login_waits_and_with_another_it_is_refused() {
        assert_eq!(answer(&request("", 1), None), Answer::Wait(Lack::Session));
        assert_eq!(
            answer(&request("OLD", 7), held(1, 10)),
            Answer::OtherSession
        );
        for session in ["", "FEED000001"] {
            assert_eq!(answer(&request(session, 7), held(1, 10)), Answer::Accept(7));
        }
    }

    #[test]
    fn zero_is_the_newest_that_is_held() {
        assert_eq!(answer(&request("", 0), held(1, 10)), Answer::Accept(9));
        assert_eq!(answer(&request("", 0), held(1, 1)), Answer::Accept(1));
        assert_eq!(answer(&request("", 0), held(10, 10)), Answer::Accept(10));
    }

    proptest! {
        #[test]
        fn who_asks_for_a_number_gets_that_one_or_none(
            first in 1..1000_u64, kept in 0..1000_u64, asked in 1..3000_u64,
        ) {
            let next = first + kept;
            let expected = match asked {
                _ if asked < first => Answer::CatchUp,
                _ if asked > next => Answer::Wait(Lack::Beyond(next)),
                _ => Answer::Accept(asked),
            };
            prop_assert_eq!(answer(&request("", asked), held(first, next)), expected);
        }
    }

    #[test]
    fn whoever_is_in_the_list_is_known_in_upper_and_lower_case() {
        let who = |name, password| Credentials::new(name, password).unwrap();
        let list = [who("other", "x"), who("trader", "secret")];
        assert!(is_known(&who("TRADER", "Secret"), &list));
        assert!(!is_known(&who("trader", "x"), &list));
        assert!(!is_known(&who("", ""), &list) && !is_known(&who("trader", "secret"), &[]));
    }

    #[test]
    fn what_cannot_be_a_login_is_not_waited_for() {
        let mut login = Vec::new();
        Packet::LoginRequest(request("", 1))
            .encode(&mut login)
            .unwrap();
        assert!(foresee(&login[..10]).is_ok() && foresee(&login[..1]).is_ok());
        assert!(foresee(b"\0\x05L").is_err() && foresee(b"\xff\xffU").is_err());
        assert!(foresee(b"\x00\x10+").is_ok() && foresee(b"\xff\xff+").is_err());
        assert!(split(&login).unwrap().is_some());
    }
}
