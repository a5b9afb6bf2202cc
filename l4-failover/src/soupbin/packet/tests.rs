use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn encoded(packet: &Packet<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    packet.encode(&mut out).unwrap();
    out
}

fn login(heartbeat_timeout: Option<Duration>) -> LoginRequest {
    LoginRequest {
        credentials: Credentials::new("USER", "pass").unwrap(),
        session: "FEED1".parse().unwrap(),
        sequence: 17,
        heartbeat_timeout,
    }
}

#[test]
fn a_login_has_the_padding_of_the_specification() {
    let short = encoded(&Packet::LoginRequest(login(None)));
    let expected = b"\x00\x2fLUSER  pass           FEED1                  17";
    assert_eq!(short, expected);
    let timeout = Duration::from_millis(1500);
    let long = encoded(&Packet::LoginRequest(login(Some(timeout))));
    assert_eq!(long[..3], *b"\x00\x34L");
    assert_eq!(long[3..], [&expected[3..], b" 1500"].concat());
}

#[test]
fn an_accepted_login_has_the_padding_of_the_specification() {
    let accepted = LoginAccepted {
        session: "FEED1".parse().unwrap(),
        sequence: u64::MAX,
    };
    let sent = encoded(&Packet::LoginAccepted(accepted));
    assert_eq!(sent, b"\x00\x1fA     FEED118446744073709551615");
}

/// As `nasdaq-protocols` pads, and as others may.
#[test]
fn a_field_may_stand_on_either_side_and_be_padded_with_nuls() {
    for fields in [
        b"FEED1     17                  ",
        b"     FEED1                  17",
        b"FEED1\0\0\0\0\x0000000000000000000017",
        b"  FEED1   \0\0\0\0\0\0\0\0\0 17       \0",
    ] {
        let frame = [b"\x00\x1fA".as_slice(), fields].concat();
        let packet = split(&frame).unwrap().unwrap().packet().unwrap();
        let accepted = LoginAccepted {
            session: "FEED1".parse().unwrap(),
            sequence: 17,
        };
        assert_eq!(packet, Packet::LoginAccepted(accepted), "{fields:?}");
    }
}

#[test]
fn credentials_are_the_same_in_upper_and_lower_case_and_never_shown() {
    let one = Credentials::new("trader", "secret").unwrap();
    let other = Credentials::new("TRADER", "Secret").unwrap();
    assert!(one.matches(&other));
    assert!(!one.matches(&Credentials::new("trader", "secre").unwrap()));
    assert!(!one.matches(&Credentials::new("trade", "secret").unwrap()));
    assert_eq!(format!("{one:?}"), "Credentials(\"trader\", ***)");
    let too_long = Credentials::new("traders", "secret");
    assert_eq!(too_long.unwrap_err(), CredentialsError::Username);
    let foreign = Credentials::new("trader", "s\u{e9}cret");
    assert_eq!(foreign.unwrap_err(), CredentialsError::Password);
}

#[test]
fn what_is_wrong_is_said() {
    let said = |bytes: &[u8]| match split(bytes) {
        Err(error) => error.to_string(),
        Ok(None) => "more".to_owned(),
        Ok(Some(frame)) => match frame.packet() {
            Ok(packet) => format!("{packet:?}"),
            Err(error) => error.to_string(),
        },
    };
    let filled = |length: u8, kind: u8, fill: u8| {
        let mut frame = vec![0, length, kind];
        frame.resize(2 + usize::from(length), fill);
        frame
    };
    assert_eq!(said(b"\0\0"), "a frame of length 0");
    assert_eq!(said(b"\xff\xffx"), "a packet of the unknown type 'x'");
    assert_eq!(
        said(b"\0\x02HH"),
        "H (server heartbeat) with a length of 2, where 1 belongs"
    );
    assert_eq!(
        said(&filled(46, b'L', b' ')),
        "L (login request) with a length of 46, where 47 (versions 3.00 and 4.00) or 52 (4.10) \
         belongs"
    );
    assert_eq!(
        said(&filled(47, b'L', b'7')),
        "L (login request): sequence number is no number"
    );
    assert_eq!(
        said(&filled(47, b'L', 7)),
        "L (login request): username has bytes that are not printable ASCII"
    );
    assert_eq!(
        said(&filled(31, b'A', b' ')),
        "A (login accepted): sequence number is no number"
    );
    assert_eq!(said(b"\0\x02JX"), "J (login rejected): unknown reason 'X'");
    assert_eq!(said(b"\0\x01"), "more");
    assert_eq!(said(b"\0\x02S"), "more");
}

#[test]
fn the_longest_payload_fits_and_one_more_byte_does_not() {
    let payload = vec![b'x'; PAYLOAD_MAX + 1];
    let mut out = b"before".to_vec();
    let error = Packet::Sequenced(&payload).encode(&mut out).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a payload of 65535 bytes; a frame takes 65534"
    );
    assert_eq!(out, b"before");
    let sent = encoded(&Packet::Sequenced(&payload[1..]));
    assert_eq!(sent.len(), FRAME_MAX);
    assert_eq!(split(&sent).unwrap().unwrap().len(), FRAME_MAX);
}

fn session_ids() -> impl Strategy<Value = SessionId> {
    "[!-~]([ -~]{0,8}[!-~])?|".prop_map(|it| it.parse().unwrap())
}

fn logins() -> impl Strategy<Value = LoginRequest> {
    let timeout = proptest::option::of((0..=99_999u64).prop_map(Duration::from_millis));
    (
        "[!-~]{0,6}",
        "[!-~]{0,10}",
        session_ids(),
        any::<u64>(),
        timeout,
    )
        .prop_map(
            |(username, password, session, sequence, heartbeat_timeout)| LoginRequest {
                credentials: Credentials::new(&username, &password).unwrap(),
                session,
                sequence,
                heartbeat_timeout,
            },
        )
}

/// Every packet, as bytes, beside what they must be read as.
fn check(packet: &Packet<'_>) {
    let sent = encoded(packet);
    let frame = split(&sent).unwrap().unwrap();
    assert_eq!(frame.len(), sent.len());
    assert_eq!(frame.packet().unwrap(), *packet);
    for cut in 0..sent.len() {
        assert_eq!(split(&sent[..cut]), Ok(None), "{cut} of {}", sent.len());
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_it_was(
        payload in vec(any::<u8>(), 0..40),
        login in logins(),
        session in session_ids(),
        sequence: u64,
    ) {
        check(&Packet::Debug(&payload));
        check(&Packet::Sequenced(&payload));
        check(&Packet::Unsequenced(&payload));
        check(&Packet::LoginRequest(login));
        check(&Packet::LoginAccepted(LoginAccepted { session, sequence }));
        check(&Packet::LoginRejected(Reject::NotAuthorized));
        check(&Packet::LoginRejected(Reject::SessionUnavailable));
        check(&Packet::ServerHeartbeat);
        check(&Packet::EndOfSession);
        check(&Packet::ClientHeartbeat);
        check(&Packet::Logout);
    }

    /// Whatever comes, it is read without a panic, and what is read is written to be read again.
    #[test]
    fn any_bytes_are_read_or_refused(
        kind in prop_oneof![any::<u8>(), prop::sample::select(b"+AJSUHZLRO".to_vec())],
        payload in vec(any::<u8>(), 0..60),
    ) {
        let length = u16::try_from(payload.len() + 1).unwrap();
        let bytes = [&length.to_be_bytes()[..], &[kind], &payload].concat();
        if let Ok(Some(frame)) = split(&bytes) {
            prop_assert_eq!(frame.len(), bytes.len());
            if let Ok(packet) = frame.packet() {
                let again = encoded(&packet);
                let read = split(&again).unwrap().unwrap().packet().unwrap();
                prop_assert_eq!(read, packet);
            }
        }
    }
}
