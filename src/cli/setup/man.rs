//! `soak man`: the manual page of soak or of one of its commands, from the same definition as the parser.

use anyhow::{Context, anyhow};

use crate::cli::output::stdout::print;
use crate::cli::{self, ManArgs};
use crate::core::verdict::exit::Exit;
use crate::core::verdict::failure::Failure;

/// Prints the page.
pub(crate) fn run(args: &ManArgs) -> Result<Exit, Failure> {
    let ManArgs { command } = args;
    let mut definition = cli::definition().disable_help_subcommand(true);
    definition.build();
    let page = command.iter().try_fold(&definition, |known, name| {
        known.find_subcommand(name).ok_or_else(|| {
            let names: Vec<&str> = known.get_subcommands().map(clap::Command::get_name).collect();
            let failure = Failure::usage(anyhow!("`{}` has no command `{name}`", spaced(known)));
            if names.is_empty() { failure } else { failure.hint(format!("it has {}", names.join(", "))) }
        })
    })?;
    let title = spaced(page).replace(' ', "-");
    let mut text = Vec::new();
    clap_mangen::Man::new(page.clone())
        .title(title)
        .source(concat!("soak ", env!("CARGO_PKG_VERSION")))
        .render(&mut text)
        .context("cannot render the manual page")
        .map_err(Failure::failed)?;
    print(text)?;
    Ok(Exit::Success)
}

/// The command with those above it, as it is typed.
fn spaced(command: &clap::Command) -> &str {
    command.get_bin_name().unwrap_or_else(|| command.get_name())
}
