//! What a login is answered. Pure.

use l4_failover::soupbin::packet::{Credentials, LoginAccepted, LoginRequest, Reject, SessionId};

/// What becomes of a request for a number that was not generated yet. The specification does not
/// say, and servers differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BeyondEnd {
    /// The answer is the number that comes next.
    #[default]
    Clamp,
    /// The answer repeats the request, and then comes what comes next: a client that believes it
    /// counts wrong.
    Echo,
    /// `J S`.
    Reject,
}

/// What a request for number 0 means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zero {
    /// The newest message, as the specification says.
    #[default]
    Last,
    /// Only messages that are generated from now on.
    Live,
}

/// How logins are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoginRules {
    /// Who is let in, without regard to case; without them, anybody.
    pub credentials: Option<Credentials>,
    /// What becomes of a request beyond the end.
    pub beyond_end: BeyondEnd,
    /// What a request for number 0 means.
    pub zero: Zero,
}

/// What a login meets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) session: SessionId,
    /// Whether the session has ended.
    pub(super) is_over: bool,
    /// Every login is answered so, whatever it asks for.
    pub(super) rejecting: Option<Reject>,
    /// The number of the newest message, or 0.
    pub(super) newest: u64,
    /// The number of the last message that could be sent at once.
    pub(super) end: u64,
}

/// A login that is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Admission {
    /// What it is told.
    pub(super) accepted: LoginAccepted,
    /// The number of the message that it is sent first.
    pub(super) first: u64,
}

impl LoginRules {
    pub(super) fn answer(
        &self,
        login: &LoginRequest,
        moment: &Moment,
    ) -> Result<Admission, Reject> {
        if let Some(reject) = moment.rejecting {
            return Err(reject);
        }
        if self.credentials.is_some_and(|it| it != login.credentials) {
            return Err(Reject::NotAuthorized);
        }
        let is_other = !login.session.is_blank() && login.session != moment.session;
        if is_other || moment.is_over {
            return Err(Reject::SessionUnavailable);
        }
        let (told, first) = self.place(login.sequence, moment)?;
        Ok(Admission {
            accepted: LoginAccepted {
                session: moment.session,
                sequence: told,
            },
            first,
        })
    }

    /// What the client is told comes next, and what does.
    fn place(&self, wanted: u64, moment: &Moment) -> Result<(u64, u64), Reject> {
        let next = moment.end.saturating_add(1);
        match (wanted, self.zero, self.beyond_end) {
            (0, Zero::Last, _) => Ok((moment.newest.max(1), moment.newest.max(1))),
            (0, Zero::Live, _) => Ok((moment.newest + 1, moment.newest + 1)),
            (wanted, _, _) if wanted <= next => Ok((wanted, wanted)),
            (_, _, BeyondEnd::Clamp) => Ok((next, next)),
            (wanted, _, BeyondEnd::Echo) => Ok((wanted, next)),
            (_, _, BeyondEnd::Reject) => Err(Reject::SessionUnavailable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment() -> Moment {
        Moment {
            session: "FEED".parse().unwrap(),
            is_over: false,
            rejecting: None,
            newest: 100,
            end: 100,
        }
    }

    fn login(session: &str, sequence: u64) -> LoginRequest {
        LoginRequest {
            credentials: Credentials::new("user", "secret").unwrap(),
            session: session.parse().unwrap(),
            sequence,
            heartbeat_timeout: None,
        }
    }

    /// What is told, and what comes first.
    fn place(rules: &LoginRules, sequence: u64, moment: &Moment) -> Result<(u64, u64), Reject> {
        let admission = rules.answer(&login("", sequence), moment)?;
        Ok((admission.accepted.sequence, admission.first))
    }

    #[test]
    fn numbers_that_there_are_and_the_next_are_granted() {
        let rules = LoginRules::default();
        for wanted in [1, 50, 100, 101] {
            assert_eq!(place(&rules, wanted, &moment()), Ok((wanted, wanted)));
        }
    }

    #[test]
    fn numbers_beyond_the_end_are_clamped_echoed_or_rejected() {
        let rules = |beyond_end| LoginRules {
            beyond_end,
            ..LoginRules::default()
        };
        let place = |beyond_end| place(&rules(beyond_end), 200, &moment());
        assert_eq!(place(BeyondEnd::Clamp), Ok((101, 101)));
        assert_eq!(place(BeyondEnd::Echo), Ok((200, 101)));
        assert_eq!(place(BeyondEnd::Reject), Err(Reject::SessionUnavailable));
    }

    #[test]
    fn zero_is_the_newest_or_what_comes() {
        let early = Moment {
            newest: 0,
            end: 0,
            ..moment()
        };
        let last = LoginRules::default();
        assert_eq!(place(&last, 0, &moment()), Ok((100, 100)));
        assert_eq!(place(&last, 0, &early), Ok((1, 1)));
        let live = LoginRules {
            zero: Zero::Live,
            ..LoginRules::default()
        };
        assert_eq!(place(&live, 0, &moment()), Ok((101, 101)));
        assert_eq!(place(&live, 0, &early), Ok((1, 1)));
    }

    #[test]
    fn sessions_and_credentials_are_looked_at_and_case_is_not() {
        let rules = LoginRules {
            credentials: Some(Credentials::new("USER", "Secret").unwrap()),
            ..LoginRules::default()
        };
        let answer = |login: &LoginRequest, moment| rules.answer(login, &moment).map(|it| it.first);
        assert_eq!(answer(&login("FEED", 7), moment()), Ok(7));
        let other = answer(&login("OTHER", 7), moment());
        assert_eq!(other, Err(Reject::SessionUnavailable));
        let over = Moment {
            is_over: true,
            ..moment()
        };
        let ended = answer(&login("FEED", 7), over);
        assert_eq!(ended, Err(Reject::SessionUnavailable));
        let stranger = LoginRequest {
            credentials: Credentials::new("user", "wrong").unwrap(),
            ..login("OTHER", 7)
        };
        assert_eq!(answer(&stranger, moment()), Err(Reject::NotAuthorized));
        let rejecting = Moment {
            rejecting: Some(Reject::NotAuthorized),
            ..moment()
        };
        let all = answer(&login("FEED", 7), rejecting);
        assert_eq!(all, Err(Reject::NotAuthorized));
    }
}
