//! Arguments of `soak config`.

use crate::cli::arguments::judging::PolicyArgs;
use crate::cli::arguments::start::StartArgs;
use crate::cli::arguments::values::Format;
use crate::cli::judge::folder::{cannot_judge, load_policy};
use crate::cli::output::stdout::print;
use crate::cli::setup::config_text as config;
use crate::core::analysis::folder::Request;
use crate::core::analysis::{Analysis, Options, folder as judge};
use crate::core::policy::Policy;
use crate::core::verdict::exit::Exit;
use crate::core::verdict::failure::Failure;
use crate::report::format::text::printable;
use crate::report::json;
use crate::run::start;
use crate::run::start::{Start, StartProblem};
use clap::{Args, Subcommand};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// `soak config …`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print every value of the policy in force and the start values of a run, with the place each comes from
    Show(ConfigShowArgs),
    /// Check a policy file; errors name line and column
    Check(ConfigCheckArgs),
    /// Try a new policy on runs that are done: which verdicts would change?
    ///
    /// Each run is judged by the policy in force and by the new one. Here --policy names the new policy;
    /// $SOAK_POLICY keeps its meaning, it is the policy in force, like --against.
    Test(ConfigTestArgs),
}

/// `soak config show`
#[derive(Debug, Args)]
pub struct ConfigShowArgs {
    /// The policy.
    #[command(flatten)]
    pub policy: PolicyArgs,

    /// The start values.
    #[command(flatten)]
    pub start: StartArgs,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `soak config check`
#[derive(Debug, Args)]
pub struct ConfigCheckArgs {
    /// Policy file to check
    pub file: PathBuf,
}

/// `soak config test`
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  soak config test --policy stricter.toml artifacts/soak/history/*")]
pub struct ConfigTestArgs {
    /// The new policy
    #[arg(long, value_name = "NEW")]
    pub policy: PathBuf,

    /// The policy in force, to compare with [default: the built-in policy alone]
    #[arg(long, value_name = "FILE", env = "SOAK_POLICY")]
    pub against: Option<PathBuf>,

    /// Folders of runs
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,
}

/// `soak config show`
pub(crate) fn show(args: &ConfigShowArgs) -> Result<Exit, Failure> {
    let ConfigShowArgs { policy, start, format } = args;
    let policy = load_policy(policy.policy.as_deref(), &[])?;
    let start = start_values(&policy, start)?;
    match format {
        Format::Text => print(config::show_text(&policy) + &config::start_text(&policy, &start))?,
        Format::Json => print(json::pretty(&config::show_json(&policy, &start)))?,
    }
    Ok(Exit::Success)
}

/// What a run with these arguments would start with.
fn start_values(policy: &Policy, args: &StartArgs) -> Result<Start, Failure> {
    let variable = StartArgs::variable(start::OVERRIDES_VARIABLE);
    let asked = start::StartRequest {
        file: args.overrides.as_deref(),
        usual_file: Some(&StartArgs::usual_file()),
        variable: variable.as_deref(),
        profile: args.profile.as_deref(),
        set: &args.set,
    };
    start::resolve(&policy.run, asked, &[]).map_err(|problem| {
        let hint = match &problem {
            StartProblem::File(_) | StartProblem::Text { .. } => {
                "overrides are a JSON object of numbers, flat or in sections"
            }
            StartProblem::Profile { .. } => "`--profile` and $MM_PROFILE name a profile of the policy",
            StartProblem::Values(_) => "bounds stand in the policy, in `[parameters.<name>]`",
        };
        Failure::usage(problem).hint(hint)
    })
}

/// `soak config check`
pub(crate) fn check(args: &ConfigCheckArgs) -> Result<Exit, Failure> {
    let ConfigCheckArgs { file } = args;
    let policy = load_policy(Some(file), &[])?;
    let own =
        policy.effective.iter().filter(|value| value.origin.starts_with(&*file.to_string_lossy())).count();
    print(format!(
        "`{}` is a valid policy: {own} of {} values come from it\n",
        file.display(),
        policy.effective.len()
    ))?;
    Ok(Exit::Success)
}

/// `soak config test`
pub(crate) fn test(args: &ConfigTestArgs) -> Result<Exit, Failure> {
    let ConfigTestArgs { policy, against, runs } = args;
    let new = load_policy(Some(policy), &[])?;
    let old = load_policy(against.as_deref(), &[])?;
    let mut text = String::new();
    let mut changed = 0;
    for run in runs {
        let before = judged(run, &old)?;
        let after = judged(run, &new)?;
        let arrow = format!("{} -> {}", before.outcome.word(), after.outcome.word());
        let (mark, why) = if before.outcome == after.outcome {
            ("same   ", String::new())
        } else {
            changed += 1;
            ("CHANGED", format!("  {}", printable(&after.reason())))
        };
        line(&mut text, format_args!("{mark}  {arrow:<28} `{}`{why}", run.display()));
        for (gate, was, is) in differences(&before, &after) {
            line(&mut text, format_args!("         {gate}: {was} -> {is}"));
        }
    }
    line(&mut text, format_args!("{changed} of {} verdicts would change", runs.len()));
    print(text)?;
    Ok(Exit::Success)
}

fn judged(run: &Path, policy: &Policy) -> Result<Analysis, Failure> {
    let request = Request::new(run, policy, Options::default());
    Ok(judge::judge(&request).map_err(cannot_judge)?.analysis)
}

/// Gates whose outcome differs, with both words.
fn differences<'a>(before: &'a Analysis, after: &'a Analysis) -> Vec<(String, &'static str, &'static str)> {
    let name = |check: &crate::core::verdict::Check| match &check.symbol {
        Some(symbol) => format!("{}: {}", printable(symbol), check.gate),
        None => check.gate.clone(),
    };
    after
        .checks()
        .filter_map(|check| {
            let old = before.checks().find(|old| old.gate == check.gate && old.symbol == check.symbol)?;
            (old.outcome != check.outcome).then(|| (name(check), old.outcome.word(), check.outcome.word()))
        })
        .collect()
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    let written = writeln!(text, "{line}");
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}
