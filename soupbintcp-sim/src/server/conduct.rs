//! How a client is treated, as orders have it. Pure.

use std::collections::VecDeque;

use super::Blemish;
use super::fault::{Ending, Fault, Lag};

/// Messages that something is wrong with, of each client; of more, the oldest order is forgotten.
const BLEMISHES_MAX: usize = 1024;

/// Things to be done once that wait for a client which takes nothing; more are dropped.
const DEEDS_MAX: usize = 64;

/// How a client is treated from now on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Conduct {
    pub(super) flow: Flow,
    pub(super) is_mute: bool,
    pub(super) lag: Option<Lag>,
    /// By the number of the message; the newest order last.
    pub(super) blemishes: Vec<(u64, Blemish)>,
}

/// What is sent of its own accord.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Flow {
    #[default]
    On,
    /// Heartbeats only.
    Paused,
    /// Nothing, and nothing is read.
    Frozen,
}

/// What is done once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Half a frame, and the end.
    Cut(Ending),
    End(Ending),
    /// `Z`, and the end.
    Farewell,
    Debug(String),
    Unsequenced(String),
}

/// What a client has been ordered.
#[derive(Debug, Default)]
pub(super) struct Orders {
    pub(super) conduct: Conduct,
    pub(super) deeds: VecDeque<Deed>,
}

impl Orders {
    /// A fault is for this client.
    pub(super) fn take(&mut self, fault: &Fault) {
        match deed(fault) {
            Some(deed) if self.deeds.len() < DEEDS_MAX => self.deeds.push_back(deed),
            Some(_) => {}
            None => self.conduct.take(fault),
        }
    }
}

/// What is done once for a client, and not for those that come later.
fn deed(fault: &Fault) -> Option<Deed> {
    match fault {
        Fault::Cut(ending) => Some(Deed::Cut(*ending)),
        Fault::End(ending) => Some(Deed::End(*ending)),
        Fault::Session(_) => Some(Deed::End(Ending::Close)),
        Fault::EndOfSession => Some(Deed::Farewell),
        Fault::Debug(text) => Some(Deed::Debug(text.clone())),
        Fault::Unsequenced(text) => Some(Deed::Unsequenced(text.clone())),
        Fault::Pause
        | Fault::Freeze
        | Fault::Resume
        | Fault::Lag(_)
        | Fault::Heartbeats(_)
        | Fault::Reject(_)
        | Fault::Blemish(..) => None,
    }
}

impl Conduct {
    /// A fault that lasts.
    pub(super) fn take(&mut self, fault: &Fault) {
        match fault {
            Fault::Pause => self.flow = Flow::Paused,
            Fault::Freeze => self.flow = Flow::Frozen,
            Fault::Resume => self.flow = Flow::On,
            Fault::Lag(lag) => self.lag = *lag,
            Fault::Heartbeats(is_sent) => self.is_mute = !is_sent,
            Fault::Blemish(number, blemish) => self.blemish(*number, *blemish),
            Fault::Cut(_)
            | Fault::End(_)
            | Fault::Session(_)
            | Fault::EndOfSession
            | Fault::Debug(_)
            | Fault::Unsequenced(_)
            | Fault::Reject(_) => {}
        }
    }

    fn blemish(&mut self, number: u64, blemish: Blemish) {
        self.blemishes.retain(|(other, _)| *other != number);
        if blemish != Blemish::None {
            self.blemishes.push((number, blemish));
        }
        if self.blemishes.len() > BLEMISHES_MAX {
            self.blemishes.remove(0);
        }
    }

    /// Whether something is wrong with messages from `first` to before `after`.
    pub(super) fn is_blemished(&self, first: u64, after: u64) -> bool {
        let mut numbers = self.blemishes.iter().map(|(number, _)| *number);
        numbers.any(|number| (first..after).contains(&number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lasts_is_kept_apart_from_what_is_done_once() {
        let mut orders = Orders::default();
        orders.take(&Fault::Freeze);
        orders.take(&Fault::Cut(Ending::Reset));
        orders.take(&Fault::Heartbeats(false));
        assert_eq!(orders.conduct.flow, Flow::Frozen);
        assert!(orders.conduct.is_mute);
        assert_eq!(orders.deeds, [Deed::Cut(Ending::Reset)]);
        orders.take(&Fault::Resume);
        assert_eq!(orders.conduct.flow, Flow::On);
    }

    #[test]
    fn blemishes_and_deeds_are_bounded() {
        let mut orders = Orders::default();
        for number in 1..=2000 {
            orders.take(&Fault::Blemish(number, Blemish::Corrupt));
            orders.take(&Fault::Debug(String::new()));
        }
        assert_eq!(orders.conduct.blemishes.len(), BLEMISHES_MAX);
        assert!(!orders.conduct.is_blemished(1, 977) && orders.conduct.is_blemished(977, 978));
        assert_eq!(orders.deeds.len(), DEEDS_MAX);
        orders.take(&Fault::Blemish(2000, Blemish::None));
        assert!(!orders.conduct.is_blemished(2000, 2001));
    }
}
