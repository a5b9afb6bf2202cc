use std::time::{Duration, Instant};

use super::*;
use crate::soupbin::packet::{
    Credentials, Frame, LoginAccepted, LoginRequest, Packet, Reject, SessionId, split,
};

const SECOND: Duration = Duration::from_secs(1);

fn login(heartbeat_timeout: Option<Duration>) -> LoginRequest {
    LoginRequest {
        credentials: Credentials::new("user", "pass").unwrap(),
        session: SessionId::BLANK,
        sequence: 5,
        heartbeat_timeout,
    }
}

fn accepted(sequence: u64) -> Packet<'static> {
    Packet::LoginAccepted(LoginAccepted {
        session: "S".parse().unwrap(),
        sequence,
    })
}

fn framed(packet: &Packet<'_>, then: impl FnOnce(Frame<'_>)) {
    let mut bytes = Vec::new();
    packet.encode(&mut bytes).unwrap();
    then(split(&bytes).unwrap().unwrap());
}

fn said_to_client(session: &mut ClientSession, packet: &Packet<'_>) -> String {
    let mut said = String::new();
    framed(packet, |frame| {
        said = match session.received(frame) {
            Ok(read) => format!("{read:?}"),
            Err(error) => error.to_string(),
        }
    });
    said
}

fn said_to_server(session: &mut ServerSession, packet: &Packet<'_>) -> String {
    let mut said = String::new();
    framed(packet, |frame| {
        said = match session.received(frame) {
            Ok(read) => format!("{read:?}"),
            Err(error) => error.to_string(),
        }
    });
    said
}

fn client(now: Instant) -> ClientSession {
    ClientSession::new(login(None), ClientLimits::default(), now)
}

#[test]
fn a_client_counts_messages_and_nothing_else() {
    let mut line = client(Instant::now());
    assert_eq!(line.next(), None);
    assert_eq!(
        said_to_client(&mut line, &Packet::Debug(b"hi")),
        "Debug([104, 105])"
    );
    said_to_client(&mut line, &accepted(5));
    assert_eq!(line.next(), Some(5));
    let first = said_to_client(&mut line, &Packet::Sequenced(b""));
    assert_eq!(first, "Sequenced { number: 5, message: [] }");
    said_to_client(&mut line, &Packet::Unsequenced(b"x"));
    said_to_client(&mut line, &Packet::Debug(b"x"));
    said_to_client(&mut line, &Packet::ServerHeartbeat);
    assert_eq!(line.next(), Some(6));
    assert_eq!(said_to_client(&mut line, &Packet::EndOfSession), "End");
    assert_eq!(line.next(), None);
}

#[test]
fn a_client_refuses_what_must_not_come_now() {
    let mut line = client(Instant::now());
    let early = said_to_client(&mut line, &Packet::Sequenced(b"x"));
    assert_eq!(early, "S (sequenced data) before the login");
    let wrong = said_to_client(&mut line, &Packet::Logout);
    assert_eq!(wrong, "O (logout) from the wrong side");
    assert_eq!(
        said_to_client(&mut line, &accepted(0)),
        "a login accepted at sequence number 0"
    );
    said_to_client(&mut line, &accepted(1));
    let twice = said_to_client(&mut line, &accepted(1));
    assert_eq!(
        twice,
        "A (login accepted), though there was a login already"
    );
    said_to_client(&mut line, &Packet::EndOfSession);
    let late = said_to_client(&mut line, &Packet::Sequenced(b"x"));
    assert_eq!(late, "S (sequenced data) after the end");
}

#[test]
fn a_client_that_is_rejected_expects_nothing_more() {
    let mut line = client(Instant::now());
    let rejected = said_to_client(&mut line, &Packet::LoginRejected(Reject::NotAuthorized));
    assert_eq!(rejected, "Rejected(NotAuthorized)");
    let late = said_to_client(&mut line, &Packet::ServerHeartbeat);
    assert_eq!(late, "H (server heartbeat) after the end");
}

#[test]
fn the_last_number_is_followed_by_none() {
    let mut line = client(Instant::now());
    said_to_client(&mut line, &accepted(u64::MAX));
    let said = said_to_client(&mut line, &Packet::Sequenced(b"x"));
    assert_eq!(said, "the session has more messages than there are numbers");
}

#[test]
fn a_client_sends_heartbeats_once_it_is_in_and_bears_three_seconds_of_silence() {
    let start = Instant::now();
    let mut line = client(start);
    assert_eq!(
        line.tick(start + SECOND),
        Tick::Nothing,
        "before the answer none is owed"
    );
    assert_eq!(line.due(), start + 3 * SECOND);
    said_to_client(&mut line, &accepted(1));
    line.heard(start + SECOND);
    assert_eq!(line.due(), start + SECOND);
    assert_eq!(line.tick(start + SECOND), Tick::Heartbeat);
    assert_eq!(line.tick(start + SECOND), Tick::Nothing);
    line.sent(start + SECOND * 3 / 2);
    assert_eq!(line.due(), start + SECOND * 5 / 2);
    assert_eq!(line.silent_for(start + 3 * SECOND), 2 * SECOND);
    assert_eq!(line.tick(start + 4 * SECOND), Tick::Silent);
}

#[test]
fn a_client_that_is_not_answered_is_told_so() {
    let start = Instant::now();
    let mut line = client(start);
    assert_eq!(line.tick(start + 3 * SECOND), Tick::Silent);
}

#[test]
fn a_server_waits_thirty_seconds_for_a_login() {
    let start = Instant::now();
    let mut end = ServerSession::new(ServerLimits::default(), start);
    assert_eq!(
        said_to_server(&mut end, &Packet::ClientHeartbeat),
        "R (client heartbeat) before the login"
    );
    end.heard(start + 29 * SECOND);
    assert_eq!(end.due(), start + 30 * SECOND);
    assert_eq!(end.tick(start + 29 * SECOND), Tick::Nothing);
    assert_eq!(end.tick(start + 30 * SECOND), Tick::NoLogin);
}

#[test]
fn a_server_bears_what_the_version_says() {
    for (own, silence) in [
        (None, 15 * SECOND),
        (Some(2 * SECOND), 2 * SECOND),
        (Some(Duration::ZERO), 15 * SECOND),
    ] {
        let start = Instant::now();
        let mut end = ServerSession::new(ServerLimits::default(), start);
        said_to_server(&mut end, &Packet::LoginRequest(login(own)));
        assert!(!end.is_in());
        end.accepted(start);
        assert!(end.is_in());
        assert_eq!(end.tick(start + SECOND), Tick::Heartbeat);
        assert_eq!(
            end.tick(start + silence - SECOND / 10),
            if silence > 3 * SECOND {
                Tick::Heartbeat
            } else {
                Tick::Nothing
            }
        );
        assert_eq!(end.tick(start + silence), Tick::Silent);
    }
}

#[test]
fn a_server_refuses_what_must_not_come_now() {
    let mut end = ServerSession::new(ServerLimits::default(), Instant::now());
    let wrong = said_to_server(&mut end, &Packet::Sequenced(b"x"));
    assert_eq!(wrong, "S (sequenced data) from the wrong side");
    let request = Packet::LoginRequest(login(None));
    said_to_server(&mut end, &request);
    let twice = said_to_server(&mut end, &request);
    assert_eq!(twice, "L (login request), though there was a login already");
    assert_eq!(
        said_to_server(&mut end, &Packet::Unsequenced(b"")),
        "Unsequenced([])"
    );
    assert_eq!(said_to_server(&mut end, &Packet::Logout), "Logout");
    let late = said_to_server(&mut end, &Packet::ClientHeartbeat);
    assert_eq!(late, "R (client heartbeat) after the end");
}
