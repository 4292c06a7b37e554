//! The program: reads the command line, runs the command, and ends with its exit code. Nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    match soak::cli::parse() {
        Ok(cli) => soak::cli::dispatch::run(&cli),
        Err(answer) => soak::cli::dispatch::answer(&answer),
    }
}
