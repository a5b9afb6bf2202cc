//! Reloads that have consumers share a login, or no longer.

use tests::config;
use tests::consumer::{Consumer, Login};
use tests::feed::Feed;
use tests::process::until;
use tests::wire::End;

use crate::fan::{Fan, USER};
use crate::world::PRIMARY;

impl Fan {
    /// The port is to have these consumers.
    fn reload(&self, consumers: &[(&str, &str)]) {
        let feeds = self.world.feeds.each_ref().map(Feed::address);
        let text = config::fan(&feeds, "", self.secrets.path(), consumers);
        self.world.port.rewrite(&text);
        assert_eq!(self.world.port.post("/reload").status, 200);
    }

    fn logins(&self) -> usize {
        self.world.feeds[PRIMARY].clients().len()
    }
}

#[test]
fn who_shared_a_login_is_cut_when_each_is_to_have_its_own_and_the_other_way_round() {
    let fan = Fan::new(&[], "").begun();
    let shared = fan.world.consumer();
    fan.reload(&[]);
    assert_eq!(shared.gone().end, End::Reset);
    let words = ("policy".to_owned(), "removed".to_owned());
    assert_eq!(fan.world.ended(), words);
    until("the login has ended", || fan.logins() == 0);
    assert!(fan.world.status()["feed"]["login"].is_null());
    // Whoever connects has a line of its own, by the credentials of the targets.
    let own = [1, 2].map(|_| fan.world.login(&Login::at(0)));
    for consumer in &own {
        consumer.await_more(100);
        consumer.assert_whole();
    }
    assert_eq!(fan.logins(), 2);
    fan.reload(&[USER]);
    for consumer in own {
        assert_eq!(consumer.gone().end, End::Reset);
    }
    until("there is a session", || fan.login()["history"].is_object());
    until("there is one login", || fan.logins() == 1);
    let again = Consumer::at(fan.world.address(), 1);
    again.await_more(100);
    again.assert_whole();
}
