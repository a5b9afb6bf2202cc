//! Whose packets are, where several connections have the same addresses and ports.

use super::connection::{Connection, Id};
use super::keys::{Key, Sender};
use super::opening::Opening;
use super::packet::{self, Initial};
use super::retry::Retry;
use super::{Initials, MESSAGE_HEADER, RANDOM_AT};
use crate::hello::RANDOM_BYTES;

impl Initials {
    /// Whether a datagram that may begin a connection is of this one. None if it is of neither, as
    /// far as keys say it.
    pub fn is_same(&self, opening: &Opening<'_>) -> Option<bool> {
        let Some(connection) = &self.connection else {
            return Some(true);
        };
        if self.ids().any(|id| id == opening.id()) || self.opens_packet(connection, &opening.packet)
        {
            return Some(true);
        }
        let opened = opening.open()?;
        Some(match (opened.random(), self.random()) {
            (Some(one), Some(other)) => one == other || self.is_sent_back(&opening.packet),
            _ => opening.packet.has_token && self.may_be_sent_back(opening.packet.source),
        })
    }

    /// Whether the keys of this connection open one of a datagram's packets, or it is a Retry for it.
    pub fn opens(&self, datagram: &[u8]) -> bool {
        self.connection.as_ref().is_some_and(|connection| {
            packet::Initials(datagram)
                .flatten()
                .any(|packet| self.opens_packet(connection, &packet))
        }) || self.retry(datagram).is_some()
    }

    /// The Retry that a datagram is, if it is for this connection.
    pub(super) fn retry<'a>(&self, datagram: &'a [u8]) -> Option<Retry<'a>> {
        let retry = Retry::of(datagram)?;
        let known = self.connection.as_ref().map(|connection| &connection.id);
        let original = self.id_before.as_ref().or(known)?;
        retry.is_for(original.bytes()).then_some(retry)
    }

    /// The ids that the client's packets may go to, and by which they are known when they come again.
    pub fn ids(&self) -> impl Iterator<Item = &[u8]> {
        let known = self.connection.as_ref().map(|connection| &connection.id);
        let others = [&self.id_before, &self.id_of_retry, &self.id_of_server];
        let others = others.into_iter().flat_map(Option::as_ref);
        known.into_iter().chain(others).map(Id::bytes)
    }

    fn opens_packet(&self, connection: &Connection, packet: &Initial<'_>) -> bool {
        [
            (Sender::Client, &self.client),
            (Sender::Server, &self.server),
        ]
        .into_iter()
        .any(|(sender, stream)| {
            Key::new(packet.version, connection.id(), sender)
                .is_some_and(|key| packet.open(&key, stream.largest).is_some())
        })
    }

    /// Whether a packet is of this client, which a Retry sent back: one that was captured, or one of
    /// which its token and the id say it that it chose before. An id without bytes says nothing.
    pub(super) fn is_sent_back(&self, packet: &Initial<'_>) -> bool {
        let is_to = |id: Id| id.bytes() == packet.destination;
        self.id_of_retry.is_some_and(is_to)
            || packet.has_token && !packet.source.is_empty() && self.may_be_sent_back(packet.source)
    }

    /// Whether a Retry may have come that was not captured, by which this client was sent back: hardly
    /// for one that had a token already.
    fn may_be_sent_back(&self, client: &[u8]) -> bool {
        let is_its = self.id_of_client.is_some_and(|id| id.bytes() == client);
        let had_token = self.connection.is_some_and(|known| known.has_token);
        is_its && !had_token && self.server.largest.is_none() && self.id_before.is_none()
    }

    /// That of the last hello, as far as it came.
    fn random(&self) -> Option<[u8; RANDOM_BYTES]> {
        let begun = self.client.pieces.head().get(MESSAGE_HEADER + RANDOM_AT..);
        let begun = || begun.and_then(<[u8]>::first_chunk).copied();
        let heard = self.heard.or(self.heard_before);
        heard.and_then(|told| told.random).or_else(begun)
    }
}
