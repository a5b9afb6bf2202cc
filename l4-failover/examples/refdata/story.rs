//! What happens, told while it does.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use l4_failover::admin::pools::{EventJson, PoolJson};
use tests::page::{digits, time};
use tokio::time::timeout;

use crate::caller::Caller;
use crate::checks::Checks;
use crate::operator::Heard;
use crate::service::Datacenter;
use crate::tally::{Tally, Who};
use crate::world::{ORDERS, WEB, World};

/// Answers on each session that prove that a state lasts, and as many times more on new
/// connections as there are sessions: half a second.
const PROOF: u64 = 10;
/// How often a hold-down is shown.
const TICK: Duration = Duration::from_secs(1);
/// With less than this left, a return may come before the next look.
const SOON: f64 = 1.5;

/// The story so far.
pub(crate) struct Story<'a, 'page> {
    pub(crate) checks: &'a mut Checks<'page>,
    pub(crate) world: &'a mut World,
    /// Connections that each session took until the story began, of both callers.
    pub(crate) opened: [Vec<u64>; 2],
    moments: Vec<Vec<String>>,
}

/// Tells all of it.
pub(crate) async fn tell(checks: &mut Checks<'_>, world: &mut World) -> Result<()> {
    let mut story = Story {
        checks,
        world,
        opened: Default::default(),
        moments: Vec::new(),
    };
    story.all_is_well().await?;
    story.dc1_is_not_well().await?;
    story.dc1_is_well_again().await?;
    story.operator_returns().await?;
    story.dc1_dies().await?;
    story.operator_keeps_it_out().await?;
    story.conclude().await
}

/// Where a caller's requests should be answered: on new connections, on the sessions it holds.
pub(crate) type Due = (Who, Who);

impl Story<'_, '_> {
    /// Begins a part; what was heard before it is not waited for in it.
    pub(crate) fn part(&mut self, heading: &str) {
        self.checks.page.part(heading);
        self.world.events.forget();
    }

    /// From here on these are due; each caller shows that it is so for a while.
    pub(crate) async fn lasts(&mut self, webservice: Due, ordermanager: Due) -> Result<()> {
        let dues = [webservice, ordermanager];
        for (caller, due) in self.world.callers().into_iter().zip(dues) {
            caller.expect(due.0, due.1);
        }
        let before = self.world.callers().map(Caller::tally);
        for (caller, before) in self.world.callers().into_iter().zip(before) {
            let enough = |tally: &Tally| tally.has_more_than(&before, PROOF);
            let now = caller.until("answers on every session", enough).await?;
            let claim = format!("{}: {}", caller.name, now.in_words());
            let found = (now.wrong, now.lost, &now.complaints);
            let holds = (now.wrong, now.lost) == (0, 0);
            self.checks.check(holds, &claim, &found);
        }
        Ok(())
    }

    /// Whoever answers is right for now: something is about to change.
    pub(crate) fn either(&self, callers: [bool; 2]) {
        for (caller, is_it) in self.world.callers().into_iter().zip(callers) {
            if is_it {
                caller.expect(Who::Either, Who::Either);
            }
        }
    }

    /// Waits for a move of a port, and checks its cause.
    pub(crate) async fn moves(
        &mut self,
        port: &str,
        kind: &str,
        cause: &str,
        since: Instant,
    ) -> Result<Heard> {
        let is_so = |event: &EventJson| event.event == kind;
        let heard = self.world.events.until(port, kind, is_so).await?;
        let took = time(heard.at - since);
        let event = &heard.event;
        let reason = event.reason.as_ref().map(|it| format!(" ({it})"));
        let reason = reason.unwrap_or_default();
        let claim = format!("{port}: {kind} after {took}, cause: {cause}{reason}");
        let holds = event.cause.as_deref() == Some(cause);
        self.checks.check(holds, &claim, event);
        Ok(heard)
    }

    /// Waits until a caller's new connections are answered by a data centre; when it began.
    pub(crate) async fn new_by(
        &mut self,
        caller: impl Fn(&World) -> &Caller,
        datacenter: Datacenter,
    ) -> Result<Instant> {
        let what = format!("new connections answered by {}", datacenter.name());
        let is_so = |tally: &Tally| tally.new.last == Some(datacenter);
        let tally = caller(self.world).until(&what, is_so).await?;
        Ok(tally.new.since.unwrap_or_else(Instant::now))
    }

    /// Shows the hold-down of webservice's port from its status, until it has returned.
    pub(crate) async fn count_down(&mut self) -> Result<Heard> {
        let mut last = f64::INFINITY;
        loop {
            let status = self.status(WEB).await?;
            match status.hold_down_left_seconds {
                Some(left) if left < last => last = left,
                _ if status.active_tier == 0 => last = 0.0,
                left => bail!("expected a hold-down under {last} s; found {left:?}: {status:?}"),
            }
            if last < SOON {
                self.either([true, false]);
            }
            let (by, all) = (active(&status), status.hold_down_seconds);
            let line = format!("{WEB}: {by} is active; hold-down: {last:.1} s of {all:.0} s left");
            self.checks.done(&line);
            let is_so = |event: &EventJson| event.event == "failback";
            let failback = self.world.events.until(WEB, "failback", is_so);
            if let Ok(heard) = timeout(TICK, failback).await {
                return heard;
            }
        }
    }

    /// What the operator is shown of a port.
    pub(crate) async fn status(&self, port: &str) -> Result<PoolJson> {
        self.world.operator.pool(port).await
    }

    /// A row of the table: what happened, how long it took until it was over, who answers now.
    pub(crate) fn moment(&mut self, what: &str, since: Instant, until: Instant) {
        let tallies = self.world.callers().map(Caller::tally);
        let mut row = vec![
            time(self.checks.elapsed()),
            what.to_owned(),
            time(until.saturating_duration_since(since)),
        ];
        for tally in &tallies {
            row.extend([
                tally.new_answerer().to_owned(),
                tally.held_answerer().to_owned(),
            ]);
        }
        let sum = |of: fn(&Tally) -> u64| digits(tallies.iter().map(of).sum());
        row.extend([
            sum(Tally::requests),
            sum(|it| it.retried),
            sum(|it| it.lost),
        ]);
        self.moments.push(row);
    }

    async fn conclude(&mut self) -> Result<()> {
        self.checks.page.part("What came of it");
        let columns = [
            ">at",
            "what",
            ">took",
            "webservice: new",
            "held",
            "ordermanager: new",
            "held",
            ">requests",
            ">retried",
            ">lost",
        ];
        self.checks.page.table(&columns, &self.moments);
        self.checks.page.line("");
        for port in [WEB, ORDERS] {
            self.conclude_port(port).await?;
        }
        for caller in self.world.callers() {
            let tally = caller.tally();
            let claim = format!(
                "{}: {} requests, {} answered by dc1, {} by dc2, {} asked twice, slowest {}; \
                 lost: 0, wrong: 0",
                caller.name,
                digits(tally.requests()),
                digits(tally.by(Datacenter::Dc1)),
                digits(tally.by(Datacenter::Dc2)),
                tally.retried,
                time(tally.slowest),
            );
            let found = (tally.lost, tally.wrong, &tally.complaints);
            let holds = (tally.lost, tally.wrong) == (0, 0);
            self.checks.check(holds, &claim, &found);
        }
        Ok(())
    }

    async fn conclude_port(&mut self, port: &str) -> Result<()> {
        let status = self.status(port).await?;
        let connects: u64 = status
            .tiers
            .iter()
            .flat_map(|tier| &tier.endpoints)
            .map(|it| it.connects)
            .sum();
        let claim = format!(
            "{port}: {} connections, {} of them spilled, 4 moves, {} active again",
            digits(connects),
            status.spilled,
            Datacenter::Dc1.name(),
        );
        let holds = (status.moves, status.active_tier) == (4, 0) && status.spilled > 0;
        self.checks.check(holds, &claim, &status);
        Ok(())
    }
}

fn active(status: &PoolJson) -> &'static str {
    let datacenter = Datacenter::ALL.get(status.active_tier);
    datacenter.map_or("nobody", |it| it.name())
}
