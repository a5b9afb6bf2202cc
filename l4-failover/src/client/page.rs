//! Pages about the command line itself.

use clap::{Args, Command};
use clap_complete::Shell;

use super::out::Out;
use super::{ClientError, Program};

/// Whose completions.
#[derive(Clone, Debug, Args)]
pub struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

/// Which page.
#[derive(Clone, Debug, Args)]
pub struct ManArgs {
    /// The command, and the command of that one, if it has any. [default: the program]
    command: Vec<String>,
}

pub(super) fn completions(
    args: &CompletionsArgs,
    program: &Program,
    out: &mut Out<'_>,
) -> Result<(), ClientError> {
    let mut script = Vec::new();
    clap_complete::generate(
        args.shell,
        &mut (program.command)(),
        program.name,
        &mut script,
    );
    out.say(&String::from_utf8_lossy(&script))
}

pub(super) fn man(args: &ManArgs, program: &Program, out: &mut Out<'_>) -> Result<(), ClientError> {
    let mut whole = (program.command)();
    // Gives the commands their full names, as in `l4-failover status`.
    whole.build();
    let mut command = &whole;
    for name in &args.command {
        command = subcommand(command, name)?;
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    out.say(&with_synopsis(command, &String::from_utf8_lossy(&page)))
}

/// The page with the usage as the synopsis: clap_mangen lists every flag there, and of those with a
/// short name alone leaves the value out.
fn with_synopsis(command: &Command, page: &str) -> String {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").replace('-', "\\-");
    let mut was_heading = false;
    let lines = page.lines().map(|line| {
        let is_synopsis = std::mem::replace(&mut was_heading, line == ".SH SYNOPSIS");
        match is_synopsis {
            true => format!("{usage}\n"),
            false => format!("{line}\n"),
        }
    });
    lines.collect()
}

fn subcommand<'c>(of: &'c Command, name: &str) -> Result<&'c Command, ClientError> {
    of.find_subcommand(name).ok_or_else(|| {
        let known = of.get_subcommands().map(Command::get_name);
        let known = known.collect::<Vec<_>>().join(", ");
        ClientError::NoCommand {
            name: name.to_owned(),
            known: if known.is_empty() {
                "none".to_owned()
            } else {
                known
            },
        }
    })
}
