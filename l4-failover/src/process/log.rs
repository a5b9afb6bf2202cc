//! The log: lines on stderr, written by a thread of their own, so that a slow reader of the log
//! never slows a connection.

use std::io;

use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};

/// Lines that wait for a slow reader; more are lost, and counted.
const LINES_MAX: usize = 16_384;

/// The least severe message that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// What needs somebody to act.
    Error,
    /// What may need somebody to act.
    Warn,
    /// What an operator likes to know.
    Info,
    /// What helps to find a fault.
    Debug,
    /// Every step.
    Trace,
}

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line, for programs.
    Json,
}

/// What is logged, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// The least severe message that is logged.
    pub level: Level,
    /// How a line is written.
    pub format: Format,
}

impl Default for LogOptions {
    /// What an operator likes to know, for people.
    fn default() -> Self {
        Self {
            level: Level::Info,
            format: Format::Text,
        }
    }
}

/// The process's log. Dropping it writes out what waits.
#[derive(Debug)]
pub struct Log {
    lost: ErrorCounter,
    _writer: WorkerGuard,
}

impl Log {
    /// Starts the process's log on stderr. Where a subscriber is set already, that one stays.
    ///
    /// ```
    /// use l4_failover::process::log::{Log, LogOptions};
    ///
    /// let log = Log::start(LogOptions::default());
    /// tracing::info!("ready");
    /// assert_eq!(log.lost().count(), 0);
    /// ```
    #[must_use]
    pub fn start(options: LogOptions) -> Self {
        let builder = NonBlockingBuilder::default().lossy(true);
        let (lines, writer) = builder.buffered_lines_limit(LINES_MAX).finish(io::stderr());
        let lost = lines.error_counter();
        subscribe(options, lines);
        Self {
            lost,
            _writer: writer,
        }
    }

    /// Counts the lines that were lost.
    #[must_use]
    pub fn lost(&self) -> LostLines {
        LostLines(Some(self.lost.clone()))
    }
}

/// Counts log lines that were lost because the log was read too slowly; by default, of no log.
#[derive(Clone, Debug, Default)]
pub struct LostLines(Option<ErrorCounter>);

impl LostLines {
    /// Lines lost since the start.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0
            .as_ref()
            .map_or(0, |lost| lost.dropped_lines() as u64)
    }
}

fn subscribe(options: LogOptions, lines: NonBlocking) {
    let builder = tracing_subscriber::fmt()
        .with_max_level(filter(options.level))
        .with_ansi(false)
        .with_writer(lines);
    // Fails only where a subscriber is set already.
    let _ = match options.format {
        Format::Text => builder.try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    };
}

fn filter(level: Level) -> LevelFilter {
    match level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    }
}
