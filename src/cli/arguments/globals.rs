//! What every command understands: how much is told, how it looks, and how fine the exit code is.

use clap::{ArgAction, Args, ColorChoice, ValueEnum};

use super::environment;
use super::values::switch;

/// The options of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// Tell more on stderr: -v what is done, -vv how, -vvv everything; $SOAK_LOG, a filter like
    /// `soak=debug`, beats it
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,

    /// Tell only errors on stderr; stdout is not affected
    #[arg(short, long, global = true)]
    pub quiet: bool,

    /// Shape of the log lines on stderr
    #[arg(long, global = true, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// Colours; `auto` means on a terminal, unless $NO_COLOR is set
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,

    /// Split exit code 1: 1 FAIL or HOLD, 3 INCONCLUSIVE, 4 input missing or invalid, 5 output not written,
    /// 6 an external system failed
    #[arg(long, global = true, env = "SOAK_DETAILED_EXITCODE", value_parser = switch, action = ArgAction::SetTrue)]
    pub detailed_exitcode: bool,
}

/// Shape of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A line for people
    Text,
    /// A JSON object a line
    Json,
}

impl GlobalArgs {
    /// Whether a stream gets colours.
    pub fn colors(&self, is_terminal: bool) -> bool {
        colors(self.color, is_terminal, environment::variable("NO_COLOR").is_some())
    }
}

fn colors(choice: ColorChoice, is_terminal: bool, no_color: bool) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => is_terminal && !no_color,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_unless_the_user_says_otherwise() {
        assert!(colors(ColorChoice::Auto, true, false));
        assert!(!colors(ColorChoice::Auto, true, true));
        assert!(!colors(ColorChoice::Auto, false, false));
        assert!(colors(ColorChoice::Always, false, true));
        assert!(!colors(ColorChoice::Never, true, false));
    }
}
