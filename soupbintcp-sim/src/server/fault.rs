//! What can be made to go wrong, and the words for it. Pure.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use humantime::parse_duration;
use l4_failover::soupbin::packet::{PAYLOAD_MAX, Reject, SessionId};
use thiserror::Error;

use super::Blemish;

/// What can be made to go wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No messages any more; heartbeats go on.
    Pause,
    /// Nothing any more, neither sent nor read; the connection stays.
    Freeze,
    /// Ends pause and freeze.
    Resume,
    /// Half of a frame is sent, and then the connection ends.
    Cut(Ending),
    /// The connection ends.
    End(Ending),
    /// Messages come later than they are due; `None`: no longer.
    Lag(Option<Lag>),
    /// Whether heartbeats are sent.
    Heartbeats(bool),
    /// Every login is answered so; `None`: no longer.
    Reject(Option<Reject>),
    /// The session has this name from here on, and goes on where it stands; connections to the one
    /// before are closed, and logins to it are answered with `J S`.
    Session(SessionId),
    /// `Z`. For one client: to that one alone, and the session goes on. For all: the session ends
    /// with the newest message, and is not entered again.
    EndOfSession,
    /// Something is wrong with the message of this number.
    Blemish(u64, Blemish),
    /// A `+` packet.
    Debug(String),
    /// A `U` packet.
    Unsequenced(String),
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With FIN.
    Close,
    /// With RST.
    Reset,
}

/// How late messages come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lag {
    /// Each so long after it is due.
    Time(Duration),
    /// Each when this many more are due.
    Messages(u64),
}

/// Whom an order is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Every client, and those that come.
    All,
    /// The client of this id, which is connected.
    Client(u64),
}

/// A fault, and whom it is for, in words: [`HELP`](Self::HELP).
///
/// ```
/// use soupbintcp_sim::server::{Ending, Fault, Order, Whom};
///
/// let order: Order = "cut client=3 reset".parse()?;
/// assert_eq!(order, Order { fault: Fault::Cut(Ending::Reset), whom: Whom::Client(3) });
/// let mistake = "paus".parse::<Order>().unwrap_err();
/// assert!(mistake.to_string().starts_with("unknown fault \"paus\"; known are pause, resume, "));
/// # Ok::<(), soupbintcp_sim::server::OrderError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What.
    pub fault: Fault,
    /// Whom for.
    pub whom: Whom,
}

/// Words that are no order.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OrderError {
    /// There is no such fault.
    #[error("unknown fault {word:?}; known are {known}", known = known())]
    Unknown {
        /// The word.
        word: String,
    },
    /// What follows the fault's name is not what it takes.
    #[error("{name} is written {form}, and there is {found:?}")]
    Form {
        /// The fault's name.
        name: &'static str,
        /// How it is written.
        form: &'static str,
        /// What follows its name.
        found: String,
    },
    /// The fault is the same for everybody.
    #[error("{name} is about logins, and so for all: leave out client=")]
    NotForOne {
        /// The fault's name.
        name: &'static str,
    },
    /// A client has no such id.
    #[error("client={0}: the id of a client is a number from 1, as /status shows it")]
    Client(String),
}

/// A fault's name, how it is written, and what it does.
struct Word {
    name: &'static str,
    form: &'static str,
    read: fn(&str) -> Option<Fault>,
}

const fn word(name: &'static str, form: &'static str, read: fn(&str) -> Option<Fault>) -> Word {
    Word { name, form, read }
}

const WORDS: [Word; 17] = [
    word("pause", "pause", |rest| alone(rest, Fault::Pause)),
    word("resume", "resume", |rest| alone(rest, Fault::Resume)),
    word("freeze", "freeze", |rest| alone(rest, Fault::Freeze)),
    word("cut", "cut [close|reset]", |rest| {
        Some(Fault::Cut(match rest {
            "" | "close" => Ending::Close,
            "reset" => Ending::Reset,
            _ => return None,
        }))
    }),
    word("reset", "reset", |rest| {
        alone(rest, Fault::End(Ending::Reset))
    }),
    word("close", "close", |rest| {
        alone(rest, Fault::End(Ending::Close))
    }),
    word(
        "lag",
        "lag DURATION (500ms), lag NUMBER (messages) or lag off",
        |rest| {
            Some(Fault::Lag(match rest.parse() {
                _ if rest == "off" => None,
                Ok(messages) => Some(Lag::Messages(messages)),
                Err(_) => Some(Lag::Time(parse_duration(rest).ok()?)),
            }))
        },
    ),
    word("heartbeats", "heartbeats off|on", |rest| match rest {
        "off" => Some(Fault::Heartbeats(false)),
        "on" => Some(Fault::Heartbeats(true)),
        _ => None,
    }),
    word("reject", "reject A|S|off", |rest| {
        Some(Fault::Reject(match rest {
            "A" => Some(Reject::NotAuthorized),
            "S" => Some(Reject::SessionUnavailable),
            "off" => None,
            _ => return None,
        }))
    }),
    word("session", "session NAME (1 to 10 characters)", |rest| {
        let session: SessionId = rest.parse().ok()?;
        (!session.is_blank()).then_some(Fault::Session(session))
    }),
    word("end", "end", |rest| alone(rest, Fault::EndOfSession)),
    word("corrupt", "corrupt NUMBER", |rest| {
        blemish(rest, Blemish::Corrupt)
    }),
    word("omit", "omit NUMBER", |rest| blemish(rest, Blemish::Omit)),
    word("repeat", "repeat NUMBER", |rest| {
        blemish(rest, Blemish::Repeat)
    }),
    word("mend", "mend NUMBER", |rest| blemish(rest, Blemish::None)),
    word("debug", "debug TEXT (at most 65534 bytes)", |rest| {
        text(rest).map(Fault::Debug)
    }),
    word(
        "unsequenced",
        "unsequenced TEXT (at most 65534 bytes)",
        |rest| text(rest).map(Fault::Unsequenced),
    ),
];

fn alone(rest: &str, fault: Fault) -> Option<Fault> {
    rest.is_empty().then_some(fault)
}

fn blemish(rest: &str, blemish: Blemish) -> Option<Fault> {
    let number = rest.parse().ok().filter(|number| *number > 0);
    number.map(|number| Fault::Blemish(number, blemish))
}

fn text(rest: &str) -> Option<String> {
    (rest.len() <= PAYLOAD_MAX).then(|| rest.to_owned())
}

fn known() -> String {
    WORDS.map(|word| word.name).join(", ")
}

impl Order {
    /// How orders are written.
    pub const HELP: &'static str = "\
Each is for every client, also for those that come later, unless client=ID follows its name.

  pause                    send no messages; heartbeats go on
  freeze                   neither send nor read anything; the connection stays
  resume                   end pause and freeze
  cut [close|reset]        send half of the next frame, then FIN (or RST)
  reset, close             end the connection with RST, with FIN
  lag 500ms | 1000 | off   send messages that much later, or that many behind
                           (where there is a rate)
  heartbeats off|on        send no heartbeats
  reject A|S|off           answer every login with J A or J S
  session NAME             rename the session: connections close, the old name gets J S
  end                      Z: to one client, or to all, and the session is over
  corrupt N, omit N, repeat N, mend N
                           change the last byte of message N, leave it out, send it twice, or
                           send it as it is again
  debug TEXT               send a + packet
  unsequenced TEXT         send a U packet
";

    /// An order for all clients.
    #[must_use]
    pub fn all(fault: Fault) -> Self {
        Self {
            fault,
            whom: Whom::All,
        }
    }

    /// An order for the client of this id.
    #[must_use]
    pub fn client(id: u64, fault: Fault) -> Self {
        Self {
            fault,
            whom: Whom::Client(id),
        }
    }
}

impl FromStr for Order {
    type Err = OrderError;

    fn from_str(text: &str) -> Result<Self, OrderError> {
        let (name, rest) = first_word(text);
        let word = WORDS.iter().find(|word| word.name == name);
        let word = word.ok_or_else(|| OrderError::Unknown {
            word: name.to_owned(),
        })?;
        let (whom, rest) = whom(rest)?;
        let form = || OrderError::Form {
            name: word.name,
            form: word.form,
            found: rest.to_owned(),
        };
        let fault = (word.read)(rest).ok_or_else(form)?;
        let is_for_all = matches!(fault, Fault::Reject(_) | Fault::Session(_));
        match whom {
            Whom::Client(_) if is_for_all => Err(OrderError::NotForOne { name: word.name }),
            whom => Ok(Self { fault, whom }),
        }
    }
}

fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim_start())
}

fn whom(text: &str) -> Result<(Whom, &str), OrderError> {
    let (word, rest) = first_word(text);
    let Some(id) = word.strip_prefix("client=") else {
        return Ok((Whom::All, text));
    };
    let number = id.parse().ok().filter(|id| *id > 0);
    let id = number.ok_or_else(|| OrderError::Client(id.to_owned()))?;
    Ok((Whom::Client(id), rest))
}

impl fmt::Display for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all clients"),
            Self::Client(id) => write!(f, "client {id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Fault {
        let order: Order = text.parse().unwrap();
        assert_eq!(order.whom, Whom::All);
        order.fault
    }

    fn mistake(text: &str) -> String {
        text.parse::<Order>().unwrap_err().to_string()
    }

    #[test]
    fn every_fault_has_its_words() {
        assert_eq!(fault(" pause "), Fault::Pause);
        assert_eq!(fault("cut"), Fault::Cut(Ending::Close));
        assert_eq!(fault("reset"), Fault::End(Ending::Reset));
        let half_a_second = Lag::Time(Duration::from_millis(500));
        assert_eq!(fault("lag 500ms"), Fault::Lag(Some(half_a_second)));
        assert_eq!(fault("lag 1000"), Fault::Lag(Some(Lag::Messages(1000))));
        assert_eq!(fault("lag off"), Fault::Lag(None));
        assert_eq!(fault("heartbeats off"), Fault::Heartbeats(false));
        assert_eq!(
            fault("reject S"),
            Fault::Reject(Some(Reject::SessionUnavailable))
        );
        assert_eq!(fault("session NEW"), Fault::Session("NEW".parse().unwrap()));
        assert_eq!(fault("omit 7"), Fault::Blemish(7, Blemish::Omit));
        assert_eq!(
            fault("debug two  words"),
            Fault::Debug("two  words".to_owned())
        );
        let one: Order = "unsequenced client=12 hello".parse().unwrap();
        assert_eq!(
            one,
            Order::client(12, Fault::Unsequenced("hello".to_owned()))
        );
        for word in &WORDS {
            assert!(Order::HELP.contains(word.name), "{}", word.name);
        }
    }

    #[test]
    fn mistakes_say_what_is_known() {
        assert!(mistake("").starts_with("unknown fault \"\"; known are pause, "));
        assert_eq!(
            mistake("cut slowly"),
            "cut is written cut [close|reset], and there is \"slowly\""
        );
        assert_eq!(
            mistake("lag client=2 soon"),
            "lag is written lag DURATION (500ms), lag NUMBER (messages) or lag off, and there is \
             \"soon\""
        );
        assert_eq!(
            mistake("corrupt 0"),
            "corrupt is written corrupt NUMBER, and there is \"0\""
        );
        assert_eq!(
            mistake("reject client=2 A"),
            "reject is about logins, and so for all: leave out client="
        );
        assert_eq!(
            mistake("pause client=x"),
            "client=x: the id of a client is a number from 1, as /status shows it"
        );
    }
}
