//! What the consumer sends.

use std::time::{Duration, Instant};

use super::action::End;
use super::event::JoinEvent;
use super::options::Unsequenced;
use super::{Join, LoggingIn, Phase, Stage};
use crate::soupbin::packet::{Frame, Kind, LoginRequest, Packet, PacketError, announced, split};
use crate::soupbin::session::{FromClient, SessionError};

/// What a debug packet before a login may have in its length field.
const DEBUG_MAX: usize = 1024;
/// What is sent so soon after the login belongs to it.
const SUBSCRIPTION_TIME: Duration = Duration::from_secs(2);
/// How often it is said how many messages were dropped: a consumer may send any number.
const DROPS_TOLD: Duration = Duration::from_secs(1);
/// Messages of a subscription, at most.
pub(crate) const SUBSCRIPTION_MAX: usize = 256;
/// Bytes of a subscription, at most.
pub(crate) const SUBSCRIPTION_BYTES_MAX: usize = 64 * 1024;

impl Join {
    /// Takes what the consumer sent, as far as it is whole frames: how many bytes. The rest is to be
    /// given again, with what follows it.
    pub fn from_consumer(&mut self, bytes: &[u8], now: Instant) -> usize {
        self.consumer.heard(now);
        let mut taken = 0;
        while !self.is_over() {
            match split(&bytes[taken..]) {
                Ok(Some(frame)) => {
                    taken += frame.len();
                    self.consumer_sent(frame, now);
                }
                Ok(None) => {
                    self.foresee(&bytes[taken..]);
                    break;
                }
                Err(error) => self.end(End::Malformed(error)),
            }
        }
        self.advance(now);
        taken
    }

    /// The consumer is not read now, so that its silence is not its own.
    pub fn spare_consumer(&mut self, now: Instant) {
        self.consumer.heard(now);
    }

    /// Nobody who has not logged in is waited for, and kept, to say what will be refused.
    fn foresee(&mut self, bytes: &[u8]) {
        let Ok(Some((kind, length))) = announced(bytes) else {
            return;
        };
        let error = match kind {
            _ if !matches!(self.phase, Phase::Waiting) => return,
            Kind::LoginRequest if LoginRequest::has_length(length) => return,
            Kind::LoginRequest => PacketError::Size(kind, length).into(),
            Kind::Debug if length <= DEBUG_MAX => return,
            _ => SessionError::BeforeLogin(kind),
        };
        self.end(End::Protocol(error));
    }

    fn consumer_sent(&mut self, frame: Frame<'_>, now: Instant) {
        match self.consumer.received(frame) {
            Ok(FromClient::Login(request)) => self.asked(request, now),
            Ok(FromClient::Unsequenced(message)) => self.pass_on(message, now),
            Ok(FromClient::Logout) => self.end(End::Logout),
            Ok(FromClient::Debug(_) | FromClient::Heartbeat) => {}
            Err(error) => self.end(End::Protocol(error)),
        }
    }

    fn asked(&mut self, request: LoginRequest, now: Instant) {
        self.phase = Phase::LoggingIn(LoggingIn {
            request,
            since: now,
            session: request.session,
            unanswered: 0,
        });
    }

    /// A message without a number goes to the joined line, once, or nowhere.
    fn pass_on(&mut self, message: &[u8], now: Instant) {
        let is_kept = self.subscribe(message, now);
        let is_joined = self.joined().is_some();
        for line in 0..self.lines.len() {
            let line_has_begun = is_kept && self.lines[line].is_subscribed;
            if self.lines[line].stage == Stage::Joined || line_has_begun {
                self.send(line, &Packet::Unsequenced(message), now);
            }
        }
        if !is_joined && !is_kept {
            self.dropped.messages += 1;
            if self
                .dropped
                .told
                .is_none_or(|told| now >= told + DROPS_TOLD)
            {
                self.tell_dropped(now);
            }
        }
    }

    /// Says how many messages were dropped, if any were since that was said last.
    pub(super) fn tell_dropped(&mut self, now: Instant) {
        let messages = std::mem::take(&mut self.dropped.messages);
        if messages > 0 {
            self.dropped.told = Some(now);
            self.say(JoinEvent::UnsequencedDropped { messages });
        }
    }

    /// When that is to be said.
    pub(super) fn dropped_due(&self) -> Option<Instant> {
        let told = self.dropped.told.filter(|_| self.dropped.messages > 0);
        told.map(|told| told + DROPS_TOLD)
    }

    /// Keeps a message for the lines to come, if it is part of a subscription.
    fn subscribe(&mut self, message: &[u8], now: Instant) -> bool {
        let is_soon = match &self.phase {
            Phase::LoggingIn(_) => true,
            Phase::In(place) => now < place.since + SUBSCRIPTION_TIME,
            Phase::Waiting | Phase::Over => false,
        };
        let bytes: usize = self.subscription.iter().map(Vec::len).sum();
        let fits = self.subscription.len() < SUBSCRIPTION_MAX
            && bytes + message.len() <= SUBSCRIPTION_BYTES_MAX;
        let is_kept = self.options.unsequenced == Unsequenced::Subscribe && is_soon && fits;
        if is_kept {
            self.subscription.push(message.to_vec());
        }
        is_kept
    }

    /// Sends a line what the consumer subscribed to.
    pub(super) fn send_subscription(&mut self, line: usize, now: Instant) {
        self.lines[line].is_subscribed = true;
        for message in std::mem::take(&mut self.subscription) {
            self.send(line, &Packet::Unsequenced(&message), now);
            self.subscription.push(message);
        }
    }
}
