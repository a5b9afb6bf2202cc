//! What becomes of what is held when no line carries the session on.

use std::time::Duration;

use super::super::Departure;
use super::rig::{Port, options};
use crate::soupbin::bridge::FeedOptions;
use crate::soupbin::feed::tests::server::{Line, SESSION, Server, text};
use crate::soupbin::join::End;
use crate::soupbin::packet::{Packet, Reject, SessionId};

/// A port that has had messages 1 to 40, and lost its line for longer than it may; and its server, which
/// is there again.
async fn after_an_outage() -> (Port, Server) {
    let server = Server::start().await;
    let port = Port::before(&[&server], options());
    let mut line = server.accept(1).await;
    line.tell(1..=40).await;
    port.stands_at(41).await;
    let mut consumer = port.consumer(30).await;
    assert_eq!(consumer.accepted().await, (SESSION.to_owned(), 30));
    consumer.gets(30..=40).await;
    let address = server.address();
    drop((line, server));
    let outage = Departure::Own(End::Outage { next: 41 });
    assert_eq!(consumer.gone().await.departure, outage);
    port.has_no_session().await;
    (port, Server::start_again(&address).await)
}

/// The next login, which asks for the last of what is held.
async fn asked_for_what_is_held(server: &Server) -> Line {
    let line = server.line().await;
    let asked = (line.login.session.as_str(), line.login.sequence);
    assert_eq!(asked, (SESSION, 25));
    line
}

/// The next login, which asks for whatever there is.
async fn began_anew(server: &Server) -> Line {
    let line = server.line().await;
    assert!(line.login.session.is_blank() && line.login.sequence == 1);
    line
}

#[tokio::test]
async fn it_goes_on_and_who_comes_back_has_all_of_it() {
    let (port, server) = after_an_outage().await;
    let mut waits = port.consumer(41).await;
    let mut line = asked_for_what_is_held(&server).await;
    line.accept(25).await;
    line.tell(25..=45).await;
    port.stands_at(46).await;
    assert_eq!(waits.accepted().await.1, 41);
    waits.gets(41..=45).await;
    let mut all = port.consumer(1).await;
    assert_eq!(all.accepted().await, (SESSION.to_owned(), 1));
    all.gets(1..=45).await;
    line.tell([46]).await;
    all.gets([46]).await;
    waits.gets([46]).await;
}

#[tokio::test]
async fn during_the_outage_logins_wait_and_are_rejected() {
    let (port, server) = after_an_outage().await;
    let _line = asked_for_what_is_held(&server).await;
    let mut early = port.consumer(41).await;
    assert_eq!(early.rejected().await, Reject::SessionUnavailable);
    assert_eq!(early.gone().await.departure, Departure::Own(End::NoLine));
}

#[tokio::test]
async fn a_line_that_repeats_something_else_begins_it_anew() {
    let (port, server) = after_an_outage().await;
    let mut line = asked_for_what_is_held(&server).await;
    line.accept(25).await;
    line.send(&[Packet::Sequenced(b"another")]).await;
    let mut line = began_anew(&server).await;
    line.accept(1).await;
    line.tell(1..=3).await;
    port.stands_at(4).await;
}

/// Neither is the history given up for one line that carries something else, or says that there is no such
/// session, nor is a port kept from the other.
#[tokio::test]
async fn another_line_that_has_the_same_goes_on_where_the_first_does_not() {
    let (one, two) = (Server::start().await, Server::start().await);
    let port = Port::before(&[&one, &two], options());
    let mut line = one.accept(1).await;
    line.tell(1..=40).await;
    port.stands_at(41).await;
    let addresses = [one.address(), two.address()];
    drop((line, one, two));
    port.has_no_session().await;
    let one = Server::start_again(&addresses[0]).await;
    let two = Server::start_again(&addresses[1]).await;
    let first = async {
        let mut line = asked_for_what_is_held(&one).await;
        line.accept(25).await;
        line.send(&[Packet::Sequenced(b"another")]).await;
        line.rest().await;
    };
    let second = async {
        loop {
            // It may be asked beside the first, and left.
            let mut line = asked_for_what_is_held(&two).await;
            line.accept(25).await;
            line.tell(25..=45).await;
            let stands = port.stands_at(46);
            if tokio::time::timeout(Duration::from_secs(5), stands)
                .await
                .is_ok()
            {
                return line;
            }
        }
    };
    let (_, _line) = tokio::join!(first, second);
    assert_eq!(port.fanout.status().history.unwrap().first, 1);
}

#[tokio::test]
async fn a_line_that_begins_behind_a_gap_begins_it_anew() {
    let (port, server) = after_an_outage().await;
    let mut line = asked_for_what_is_held(&server).await;
    line.accept(50).await;
    let mut line = began_anew(&server).await;
    line.accept(50).await;
    line.tell([50]).await;
    port.stands_at(51).await;
    assert_eq!(port.fanout.status().history.unwrap().first, 50);
}

#[tokio::test]
async fn another_session_or_none_begins_it_anew() {
    for is_other in [true, false] {
        let (port, server) = after_an_outage().await;
        let mut line = asked_for_what_is_held(&server).await;
        match is_other {
            true => line.accept_in("NEXTDAY", 25).await,
            false => line.reject(Reject::SessionUnavailable).await,
        }
        let mut line = began_anew(&server).await;
        line.accept_in("NEXTDAY", 1).await;
        line.tell([1]).await;
        port.stands_at(2).await;
        let session = port.fanout.status().session.unwrap();
        assert_eq!(session.as_str(), "NEXTDAY");
    }
}

#[tokio::test]
async fn a_line_that_stands_behind_what_is_held_is_waited_for() {
    let mut options: FeedOptions = options();
    options.join.catch_up = Duration::from_millis(100);
    let server = Server::start().await;
    let port = Port::before(&[&server], options);
    let mut line = server.accept(1).await;
    line.tell(1..=40).await;
    port.stands_at(41).await;
    let address = server.address();
    drop((line, server));
    port.has_no_session().await;
    let server = Server::start_again(&address).await;
    for _ in 0..2 {
        let mut line = asked_for_what_is_held(&server).await;
        line.accept(25).await;
        line.tell(25..=39).await;
        line.rest().await;
    }
    let mut line = asked_for_what_is_held(&server).await;
    line.accept(25).await;
    line.tell(25..=40).await;
    port.stands_at(41).await;
    assert_eq!(port.fanout.status().history.unwrap().first, 1);
}

#[tokio::test]
async fn the_end_of_the_session_ends_what_is_held() {
    let (port, server) = after_an_outage().await;
    let mut waits = port.consumer(30).await;
    let mut line = asked_for_what_is_held(&server).await;
    line.accept(25).await;
    line.tell(25..=42).await;
    line.send(&[Packet::EndOfSession]).await;
    assert_eq!(waits.accepted().await.1, 30);
    waits.gets(30..=42).await;
    waits.is_told_the_end().await;
    let mut line = began_anew(&server).await;
    line.accept_in("NEXTDAY", 1).await;
    line.send(&[Packet::Sequenced(text(1).as_bytes())]).await;
    port.stands_at(2).await;
    let old = SESSION.parse::<SessionId>().unwrap();
    let mut late = super::rig::Client::login(&port, old, 30).await;
    assert_eq!(late.rejected().await, Reject::SessionUnavailable);
}
