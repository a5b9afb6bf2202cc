//! A data centre that the network does not reach any more: packets vanish, and nobody says so.

use crate::world::{ATTEMPT_TIMEOUT, DIAL_TIMEOUT, World};

#[test]
fn a_data_centre_that_is_cut_off_is_answered_for_until_it_is_back() {
    let Some(mut world) = World::over_a_link() else {
        return;
    };
    world.start([r#"adopts = ["dc2"]"#, ""]);
    let asker = world.asker("currency.dc2");
    assert_eq!(asker.answer().0, "dc2");

    world.dc2.network().unplug();
    // One gateway that says nothing, and then dc1's own.
    let (by, took) = asker.answer();
    assert_eq!(by, "dc1");
    assert!(took < DIAL_TIMEOUT, "{took:?}");
    world.dc1.await_primary("currency.dc2", false);
    // Nobody waits for it any more.
    let (by, took) = asker.answer();
    assert_eq!(by, "dc1");
    assert!(took < ATTEMPT_TIMEOUT, "{took:?}");

    world.dc2.network().plug();
    world.dc1.await_primary("currency.dc2", true);
    asker.await_answer("dc2");
}

#[test]
fn a_service_that_is_dead_while_the_other_data_centre_is_cut_off_is_refused_in_time() {
    let Some(mut world) = World::over_a_link() else {
        return;
    };
    world.start([r#"failover = ["dc2"]"#, r#"adopts = ["dc1"]"#]);
    let asker = world.asker("currency.dc1");
    assert_eq!(asker.answer().0, "dc1");
    world.dc1.kill_service();
    assert_eq!(asker.answer().0, "dc2");

    world.dc2.network().unplug();
    let took = asker.refusal();
    assert!(took < DIAL_TIMEOUT, "{took:?}");
    // Where nobody is healthy all are tried, and it takes no longer.
    world.dc1.await_none_up("currency");
    let took = asker.refusal();
    assert!(took < DIAL_TIMEOUT, "{took:?}");

    world.dc2.network().plug();
    asker.await_answer("dc2");
    world.dc1.restart_service();
    world.dc1.await_primary("currency", true);
    asker.await_answer("dc1");
}

/// A gateway that can be connected to, and gets nothing of what is sent then.
#[test]
fn a_hello_that_never_arrives_goes_to_the_next_gateway() {
    let Some(mut world) = World::over_a_link() else {
        return;
    };
    let second = world.another_dc2("second");
    world.dc2.start("", &[world.dc1.entrance()]);
    let gateways = [world.dc2.entrance(), second.entrance()];
    world.dc1.start("", &gateways);
    let asker = world.asker("currency.dc2");
    assert_eq!(asker.answer().0, "dc2");

    world.dc2.network().swallow_data();
    let (by, took) = asker.answer();
    assert_eq!(by, "second");
    assert!((ATTEMPT_TIMEOUT..DIAL_TIMEOUT).contains(&took), "{took:?}");
    let lines = world.dc1.gateway().ended_as(2, |it| it["sni"].is_string());
    assert_eq!(lines[1]["failed_attempts"], 1, "{}", lines[1]);
    assert_eq!(lines[1]["upstream"], gateways[1].to_string());
}

/// The same, where dc1 answers for dc2.
#[test]
fn a_hello_that_never_arrives_is_answered_by_who_adopted_its_name() {
    let Some(mut world) = World::over_a_link() else {
        return;
    };
    world.start([r#"adopts = ["dc2"]"#, ""]);
    let asker = world.asker("currency.dc2");
    assert_eq!(asker.answer().0, "dc2");
    world.dc2.network().swallow_data();
    let (by, took) = asker.answer();
    assert_eq!(by, "dc1");
    assert!((ATTEMPT_TIMEOUT..DIAL_TIMEOUT).contains(&took), "{took:?}");
}
