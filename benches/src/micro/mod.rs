//! The steps that connections, hellos and messages are made of, each by itself.
//!
//! `cargo bench -p benches` times them; [`gate`](crate::gate) counts their instructions.

mod hello;
pub(crate) mod inspect;
mod join;
mod relay;
mod route;

use std::io::Write;

use clap::Args;

/// One step, to be done again and again; what it gives is only there to be used.
pub type Step = Box<dyn FnMut() -> usize>;

/// A step that can be measured.
pub struct Micro {
    /// What it is part of.
    pub group: String,
    /// What tells it from the others of its group.
    pub case: &'static str,
    /// How much one step has to do.
    pub amount: Amount,
    /// Prepares it.
    pub prepare: Box<dyn Fn() -> Step>,
}

/// How much one step has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// One of whatever it does.
    One,
    /// So many bytes.
    Bytes(u64),
    /// So many messages.
    Messages(u64),
}

impl Micro {
    fn new<S: FnMut() -> usize + 'static>(
        group: impl Into<String>,
        case: &'static str,
        amount: Amount,
        prepare: impl Fn() -> S + 'static,
    ) -> Self {
        Self {
            group: group.into(),
            case,
            amount,
            prepare: Box::new(move || Box::new(prepare())),
        }
    }

    /// What it is called, among all.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.group, self.case)
    }
}

impl std::fmt::Debug for Micro {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Micro").field(&self.name()).finish()
    }
}

/// All steps.
#[must_use]
pub fn all() -> Vec<Micro> {
    let parts = [
        hello::all(),
        route::all(),
        relay::all(),
        join::all(),
        inspect::all(),
    ];
    parts.into_iter().flatten().collect()
}

/// [`gate`](crate::gate) counts what happens in here, which it knows by its name.
#[inline(never)]
fn again_and_again(step: &mut Step, times: u64) {
    for _ in 0..times {
        std::hint::black_box(step());
    }
}

/// What the hidden subcommand is given that does one step some times.
#[derive(Debug, Args)]
pub struct Repeat {
    /// The step; without one, the names of all are printed.
    name: Option<String>,
    /// How often it is done.
    #[arg(default_value_t = 1)]
    times: u64,
}

impl Repeat {
    /// Does it.
    ///
    /// # Errors
    ///
    /// When there is no step of this name.
    pub fn run(&self) -> anyhow::Result<()> {
        let all = all();
        let Some(name) = &self.name else {
            let names: String = all.iter().map(|micro| micro.name() + "\n").collect();
            return Ok(std::io::stdout().write_all(names.as_bytes())?);
        };
        let micro = all.iter().find(|micro| micro.name() == *name);
        let micro = micro.ok_or_else(|| anyhow::anyhow!("there is no step \"{name}\""))?;
        let mut step = (micro.prepare)();
        // What is done once only is done.
        step();
        again_and_again(&mut step, self.times);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_step_can_be_done_twice() {
        let mut names: Vec<String> = all().iter().map(Micro::name).collect();
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        for micro in all() {
            let mut step = (micro.prepare)();
            assert!(step() > 0, "{micro:?} did nothing");
            assert!(step() > 0, "{micro:?} did nothing the second time");
        }
    }
}
