//! `soak compare history`.

use anyhow::anyhow;

use crate::cli::compare::{HistoryArgs, HistoryFormat};
use crate::commands::judging::{collect_provenance, load_policy};
use crate::commands::{Failure, print};
use crate::core::spark::Glyphs;
use crate::exit::Exit;
use crate::flow::history;
use crate::render::{history_md, history_text, json};
use crate::wire::history_result::HistoryResult;

/// Finds the runs, judges them, prints a line each.
pub(super) fn run(args: &HistoryArgs) -> Result<Exit, Failure> {
    let HistoryArgs { dir, last, policy, mock, ascii, format } = args;
    let policy = load_policy(policy.policy.as_deref(), &[])?;
    let provenance = collect_provenance(&policy, None)?;
    let hint = "a folder of runs has `latest`, `RUN_*` or `history` in it";
    let (found, runs) =
        history::runs(dir, &policy, mock.mock, *last).map_err(|error| Failure::input(error).hint(hint))?;
    if runs.is_empty() {
        let reason = format!("there is no run in or below `{}`", dir.display());
        return Err(Failure::input(anyhow!(reason)).hint(hint));
    }
    let glyphs = if *ascii { Glyphs::Ascii } else { Glyphs::Blocks };
    let path = dir.to_string_lossy().into_owned();
    let result = HistoryResult::of((path, found, runs), &policy, mock.mock, glyphs, &provenance);
    print(match format {
        HistoryFormat::Text => history_text::text(&result),
        HistoryFormat::Json => json::pretty(&result),
        HistoryFormat::Md => history_md::md(&result),
    })?;
    Ok(Exit::Success)
}
