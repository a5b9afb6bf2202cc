//! What a bridge goes by.

use std::time::Duration;

use crate::soupbin::fanout::FanoutOptions;
use crate::soupbin::join::{JoinOptions, LineOptions};

/// How a port carries its consumers from line to line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedOptions {
    /// How each consumer is carried.
    pub join: JoinOptions,
    /// How long a consumer may take no byte of what waits for it; then it is cut.
    pub stall: Duration,
    /// How to speak to a line of which [`lines`](Self::lines) says nothing.
    pub other_lines: LineOptions,
    /// How to speak to the lines, by the names of their endpoints
    /// ([`Endpoint::name`](crate::Endpoint::name)).
    pub lines: Vec<(String, LineOptions)>,
    /// One login for all consumers, and who they are. `None`: each has a login, and lines, of its own.
    pub fanout: Option<FanoutOptions>,
}

impl FeedOptions {
    /// How to speak to the line of this endpoint.
    ///
    /// ```
    /// use l4_failover::settings::{Protocol, Settings};
    /// use std::time::Duration;
    ///
    /// let settings = Settings::parse("l4-failover.toml", r#"
    ///     [[port]]
    ///     name = "itch-feed"
    ///     listen = "127.0.0.1:19100"
    ///     primary = ["127.0.0.1:9000"]
    ///     backup = [{ address = "127.0.0.1:9001", version = "4.1", silence = "5s" }]
    ///     protocol = "soupbintcp"
    /// "#)?;
    /// let Protocol::SoupBinTcp(feed) = &settings.ports[0].protocol else { unreachable!() };
    /// assert_eq!(feed.line("127.0.0.1:9000").silence, Duration::from_secs(3));
    /// let backup = feed.line("127.0.0.1:9001");
    /// assert_eq!(backup.silence, Duration::from_secs(5));
    /// assert_eq!(backup.heartbeat_timeout, Some(Duration::from_secs(15)));
    /// # Ok::<(), l4_failover::config::Diagnostics>(())
    /// ```
    #[must_use]
    pub fn line(&self, endpoint: &str) -> LineOptions {
        let mut lines = self.lines.iter();
        let found = lines.find(|(name, _)| name == endpoint);
        found.map_or(self.other_lines, |(_, options)| *options)
    }
}

impl Default for FeedOptions {
    /// What holds without a word of configuration; 10 s for a consumer that takes nothing.
    fn default() -> Self {
        Self {
            join: JoinOptions::default(),
            stall: Duration::from_secs(10),
            other_lines: LineOptions::default(),
            lines: Vec::new(),
            fanout: None,
        }
    }
}
