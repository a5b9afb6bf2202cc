//! Flags of tcpdump that there are none of here: what to use in place of each.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Flags, and what is said of them.
const HINTS: [(&[&str], &str); 19] = [
    (
        &["-x"],
        "-X dumps the hello in digits and letters, -XX the frame that completed it too",
    ),
    (
        &["-e"],
        "headers of the link are not shown in lines: -XX dumps them, and `vlan` in the expression \
         judges tags",
    ),
    (
        &["-S", "--absolute-tcp-sequence-numbers"],
        "sequence numbers are not shown: `flow` of --json tells connections apart",
    ),
    (
        &["-C", "-G", "-W", "-z"],
        "a file of -w is not rotated: write to -w -, and let `tcpdump -r - -w FILE` do it",
    ),
    (
        &["-Q", "--direction"],
        "directions of an interface are not told apart: `src host ADDRESS` in the expression tells who \
         sends",
    ),
    (
        &["-B", "--buffer-size"],
        "the buffer has 32 MiB for one interface, and 64 MiB or more for any: what the kernel drops is said at \
         the end",
    ),
    (
        &["-K", "--dont-verify-checksums"],
        "leave it out: checksums are not verified",
    ),
    (
        &["-f", "-N"],
        "leave it out: addresses are shown as numbers",
    ),
    (
        &["-O", "--no-optimize"],
        "leave it out: the kernel gets the expression as it is",
    ),
    (
        &["-d"],
        "the kernel's program is not shown: what it lets through is judged once more",
    ),
    (
        &["-#", "--number"],
        "lines are not numbered: `cat -n` behind a pipe numbers them",
    ),
    (
        &["-I", "--monitor-mode"],
        "there is no monitor mode: frames of IEEE 802.11 are not read",
    ),
    (
        &["-L", "--list-data-link-types", "-y", "--linktype"],
        "leave it out: an interface has one link type, which is said at the start",
    ),
    (
        &[
            "-j",
            "--time-stamp-type",
            "-J",
            "--list-time-stamp-types",
            "--time-stamp-precision",
            "--micro",
            "--nano",
        ],
        "leave it out: times are the kernel's, and those of a file stay as fine as they are",
    ),
    (
        &["--immediate-mode"],
        "leave it out: a line comes 20 ms after its packet at most, and -l never lets it wait for others",
    ),
    (
        &["-Z", "--relinquish-privileges"],
        "there are no privileges to drop: `sudo setcap cap_net_raw+ep` on this program lets every user \
         capture",
    ),
    (
        &["-V"],
        "one file is read at a time: `mergecap -w - FILE FILE | mesh-gateway sni -r -` reads several",
    ),
    (
        &["-T"],
        "leave it out: TLS, QUIC and DTLS are found on every port",
    ),
    (
        &["-E", "-M", "-a", "-b", "-m", "-u", "-H"],
        "leave it out: it is about protocols that are not shown here",
    ),
];

/// The same error; of a flag that only tcpdump has, with what to use instead as its tip.
#[must_use]
pub fn hinted(mut error: clap::Error) -> clap::Error {
    let (ErrorKind::UnknownArgument, Some(ContextValue::String(flag))) =
        (error.kind(), error.get(ContextKind::InvalidArg))
    else {
        return error;
    };
    if let Some(hint) = hint(flag) {
        let tip = ContextValue::StyledStrs(vec![StyledStr::from(hint)]);
        error.remove(ContextKind::SuggestedArg);
        error.insert(ContextKind::Suggested, tip);
    }
    error
}

fn hint(flag: &str) -> Option<&'static str> {
    let known = HINTS.iter().find(|(flags, _)| flags.contains(&flag));
    known.map(|(_, hint)| *hint)
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command};

    use super::super::SniArgs;
    use super::*;

    fn said(flag: &str) -> String {
        let command =
            SniArgs::augment_args(Command::new("sni").version("0").disable_version_flag(true));
        let parsed = command.try_get_matches_from(["sni", "-r", "-", flag, "1"]);
        hinted(parsed.unwrap_err()).render().to_string()
    }

    #[test]
    fn every_flag_of_tcpdump_alone_is_refused_with_what_to_use_instead() {
        for (flags, hint) in HINTS {
            for flag in flags {
                let said = said(flag);
                assert!(said.contains(&format!("'{flag}' found")), "{said}");
                assert!(said.contains(&format!("tip: {hint}\n")), "{said}");
                assert_eq!(said.matches("tip: ").count(), 1, "{said}");
            }
        }
        assert!(said("-xx").contains("-X dumps"), "{}", said("-xx"));
        assert!(said("--nonsense").contains("-- --nonsense"));
    }
}
