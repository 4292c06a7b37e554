//! Log lines, on stderr. stdout belongs to data.

use std::io::{self, IsTerminal, Write};

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::cli::arguments::environment;
use crate::cli::arguments::globals::{GlobalArgs, LogFormat};
use crate::core::text::printable::without_commands;
use crate::core::verdict::failure::Failure;

/// Starts logging at the level of `-v` and `--quiet`, or by the filter in `SOAK_LOG`.
pub(crate) fn start(globals: &GlobalArgs) -> Result<(), Failure> {
    let filter = filter(environment::text("SOAK_LOG").as_deref(), globals.quiet, globals.verbose)?;
    // Where stderr cannot be written there is nobody to tell; the default is to say so on stderr, and to panic.
    let lines = tracing_subscriber::fmt()
        .log_internal_errors(false)
        .with_env_filter(filter)
        .with_writer(|| Lines)
        .with_ansi(globals.colors(io::stderr().is_terminal()));
    // A second start in one process (a test) keeps the first logger.
    let _ = match globals.log_format {
        LogFormat::Text => lines.without_time().with_target(globals.verbose > 1).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    Ok(())
}

/// Writes log lines to stderr, one event a call. What a server or a file says in one commands no CI system.
struct Lines;

impl Write for Lines {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        io::stderr().lock().write_all(without_commands(&text).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

fn filter(wish: Option<&str>, quiet: bool, verbose: u8) -> Result<EnvFilter, Failure> {
    let level = match (quiet, verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, 2) => "debug",
        (false, _) => "trace",
    };
    EnvFilter::builder()
        .parse(wish.unwrap_or(level))
        .with_context(|| format!("`SOAK_LOG` is no log filter: `{}`", wish.unwrap_or(level)))
        .map_err(|error| {
            Failure::usage(error).hint("a filter is a level like `debug`, or `soak::io=debug,warn`")
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::verdict::exit::Exit;

    fn told(wish: Option<&str>, quiet: bool, verbose: u8) -> String {
        filter(wish, quiet, verbose).expect("a filter").to_string()
    }

    #[test]
    fn each_v_tells_more_and_quiet_tells_least() {
        assert_eq!(told(None, true, 0), "error");
        let levels: Vec<String> = (0..5).map(|verbose| told(None, false, verbose)).collect();
        assert_eq!(levels, ["warn", "info", "debug", "trace", "trace"]);
    }

    #[test]
    fn the_variable_beats_the_flags() {
        assert_eq!(told(Some("soak=debug"), true, 0), "soak=debug");
    }

    #[test]
    fn a_filter_that_is_none_is_a_usage_error() {
        let failure = filter(Some("soak=loud"), false, 0).expect_err("no such level");
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.to_string().starts_with("error: `SOAK_LOG` is no log filter: `soak=loud`\n"));
    }
}
