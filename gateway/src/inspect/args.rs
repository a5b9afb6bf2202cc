//! What `mesh-gateway sni` is told, in the words of tcpdump.

mod hints;

use std::path::{Path, PathBuf};

use clap::{ArgAction, ArgGroup, Args};

use super::file::STDIN;

pub use hints::hinted;

/// What libpcap takes for all.
pub const SNAPSHOT_LEN: u32 = 262_144;

const EXAMPLES: &str = "\
Examples:
  mesh-gateway sni -i eth0 port 8443
  mesh-gateway sni -r capture.pcap.gz 'net 10.0.0.0/8 and not sni *.dc1'
  ssh host sudo tcpdump -i any -U -w - port 443 | mesh-gateway sni -r -
  mesh-gateway sni -r capture.pcapng --fields time,source,sni,ja4

A line has: time, addresses, version, server name, protocols (ALPN), JA4, and marks: frag=N (it came in \
N packets), ech (encrypted client hello: the name is the outer one), hrr (a second hello, after \
HelloRetryRequest), quic, dtls, overlap (parts were sent twice with different bytes; the first ones \
are shown), [|tls] (its end was not captured, or not waited for). Absent is -, empty is \"\", and bytes \
outside 0x21 to 0x7e are shown as \\x00.

EXPRESSION is of tcpdump's language: host, net, port, portrange, proto, with src and dst; tcp, udp, icmp, \
ip, ip6; vlan; less, greater; and, or, not, parentheses. `sni GLOB` judges the server name, `sni -` \
whether there is none; of a hello that was cut in front of its name neither holds, nor does its `not`. \
Ports, addresses and protocols are those of the outer packet of a tunnel.

The word vlan shifts nothing, unlike in tcpdump, where what follows it looks behind the tag: `port 443` \
holds for a packet with tags and without, `vlan 5` if any of its tags is 5, in whichever order they are \
written, and `not vlan` if it has none. tcpdump's `port 443 or (vlan and port 443)` can be `port 443`.

SIGINT, SIGTERM and SIGHUP (unless it is ignored, as under nohup) end it with all that was found; SIGUSR1 \
asks how much was captured, or read. An interface that goes down is waited for; one that is removed ends \
it.

Flags of tcpdump that are not listed are refused, with what to use instead.";

/// What to look at, and what to say of it.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("source").required(true))]
pub struct SniArgs {
    /// Captures on this interface; `any` is all of them.
    #[arg(short, long, value_name = "IF", group = "source")]
    pub interface: Option<String>,
    /// Reads pcap or pcapng, packed with gzip or not; `-` is stdin.
    #[arg(short, value_name = "FILE", group = "source")]
    pub read: Option<PathBuf>,
    /// Lists the interfaces.
    #[arg(short = 'D', long, group = "source")]
    pub list_interfaces: bool,
    /// Which packets to look at; all if nothing is said. The words are joined.
    #[arg(value_name = "EXPRESSION", conflicts_with = "expression_file")]
    pub expression: Vec<String>,
    /// Reads the expression from a file.
    #[arg(short = 'F', value_name = "FILE")]
    pub expression_file: Option<PathBuf>,
    /// Ends after so many hellos (not packets).
    #[arg(short, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Captures so many bytes of each packet; 0 is 262144, as if nothing is said. Of a file, looks at
    /// no more.
    #[arg(
        short,
        long,
        value_name = "BYTES",
        default_value_t = 0,
        hide_default_value = true
    )]
    pub snapshot_length: u32,
    /// Does not put the interface into promiscuous mode.
    #[arg(short = 'p', long)]
    pub no_promiscuous_mode: bool,
    /// Shows addresses as numbers; they always are.
    #[arg(short, action = ArgAction::Count)]
    pub n: u8,
    /// Shows addresses and names only, and what is wrong with a hello.
    #[arg(short, conflicts_with = "form")]
    pub quiet: bool,
    /// Shows cipher suites, groups, JA3, the server's choice and how connections end; twice: versions,
    /// extensions and signature algorithms too.
    #[arg(short, action = ArgAction::Count, conflicts_with_all = ["is_count", "fields", "summary"])]
    pub verbose: u8,
    /// Shows no times; -tt seconds since 1970, -ttt since the line before, -tttt dates too, -ttttt
    /// since the first line.
    #[arg(short = 't', action = ArgAction::Count, conflicts_with = "form")]
    pub times: u8,
    /// Writes each line at once. Lines never wait for packets that have not come; with this, not for
    /// those that have.
    #[arg(short = 'l')]
    pub line_buffered: bool,
    /// Writes each packet of -w at once.
    #[arg(short = 'U')]
    pub packet_buffered: bool,
    /// Dumps the hello in digits and letters; -XX the frame that completed it too.
    #[arg(short = 'X', action = ArgAction::Count, conflicts_with = "form")]
    pub hex: u8,
    /// Dumps the hello in letters.
    #[arg(short = 'A', conflicts_with = "form")]
    pub ascii: bool,
    /// Writes the packets of connections that have a hello to this file (`-` is stdout) in place of
    /// lines. Until the hello is there, at most 256 KiB are kept of a connection, and 64 MiB of all;
    /// what is beyond is missing, and counted, and so are fragments of packets that never are whole and
    /// copies that come later. Within a connection packets keep their order; those
    /// that were kept follow others that passed later. A file has the link type of the first packet
    /// that is written to it: those of others are left out, and counted.
    #[arg(short, value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// Shows lines too, with -w.
    #[arg(long, requires = "write")]
    pub print: bool,
    /// Shows only how many hellos there were.
    #[arg(long = "count", group = "form")]
    pub is_count: bool,
    /// Shows an object of JSON for each hello; with -v for each answer and end too.
    #[arg(long, group = "form")]
    pub json: bool,
    /// Shows these fields of --json with tabs between them.
    #[arg(long, value_name = "NAME,NAME", group = "form")]
    pub fields: Option<String>,
    /// Shows a table of names at the end, by connections and bytes; of more than 65536 names the rest
    /// together, and so those of more than 255 bytes.
    #[arg(long, group = "form")]
    pub summary: bool,
    /// Follows so many connections at once; beyond it, the one that was silent for the longest is
    /// forgotten.
    #[arg(long, value_name = "COUNT", default_value_t = 65_536,
          value_parser = clap::value_parser!(u32).range(1..=16_777_216))]
    pub flows: u32,
    /// Shows the version.
    #[arg(long, action = ArgAction::Version)]
    pub version: Option<bool>,
}

impl SniArgs {
    /// Most bytes of a packet that are looked at.
    #[must_use]
    pub fn snapshot(&self) -> u32 {
        match self.snapshot_length {
            0 => SNAPSHOT_LEN,
            bytes => bytes.min(SNAPSHOT_LEN),
        }
    }

    /// A flag that says what is shown, if there is one.
    #[must_use]
    pub fn asks_for_text(&self) -> Option<&'static str> {
        let flags = [
            ("--count", self.is_count),
            ("--json", self.json),
            ("--fields", self.fields.is_some()),
            ("--summary", self.summary),
            ("-q", self.quiet),
            ("-X", self.hex > 0),
            ("-A", self.ascii),
        ];
        let given = flags.into_iter().find(|(_, is_given)| *is_given);
        given.map(|(flag, _)| flag)
    }

    /// Whether stdout is for packets.
    #[must_use]
    pub fn writes_to_stdout(&self) -> bool {
        self.write.as_deref() == Some(Path::new(STDIN))
    }
}
