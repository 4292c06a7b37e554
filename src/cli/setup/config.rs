//! `soak config`: every value in force with the place it comes from, the check of a policy, and its trial on old runs.

use crate::cli::arguments::judging::{PolicyArgs, ProjectArgs};
use crate::cli::arguments::start::StartArgs;
use crate::cli::arguments::values::Format;
use crate::cli::judge::folder::{cannot_judge, load_policy};
use crate::cli::output::stdout::print;
use crate::core::analysis::folder::Request;
use crate::core::analysis::{Analysis, Options, folder as judge};
use crate::core::policy::{Effective, Policy, Profile};
use crate::core::verdict::exit::Exit;
use crate::core::verdict::failure::Failure;
use crate::report::format::text::printable;
use crate::report::json;
use crate::report::terminal::{padded, width};
use crate::run::start;
use crate::run::start::{Start, StartProblem};
use anyhow::anyhow;
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// `soak config …`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print every value of the policy in force and the start values of a run, with the place each comes from
    Show(ConfigShowArgs),
    /// Check a policy file; errors name line and column
    ///
    /// Also refused is what would fail later: a KPI that is judged and that the source of the policy never gives, and a
    /// run that is too short for a gate.
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
    /// Policy file to check, as --policy takes it [default: the soak.toml that is found]
    pub file: Option<PathBuf>,

    /// The policy below it.
    #[command(flatten)]
    pub project: ProjectArgs,
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

    /// The policy in force, to compare with [default: soak.toml and the built-in policy]
    #[arg(long, value_name = "FILE", env = "SOAK_POLICY")]
    pub against: Option<PathBuf>,

    /// The policy below both.
    #[command(flatten)]
    pub project: ProjectArgs,

    /// Folders of runs, or archives of them
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,
}

/// `soak config show`
pub(crate) fn show(args: &ConfigShowArgs) -> Result<Exit, Failure> {
    let ConfigShowArgs { policy, start, format } = args;
    let policy = load_policy(policy, &[])?;
    let start = start_values(&policy, start)?;
    match format {
        Format::Text => print(found_text(&policy) + &show_text(&policy) + &start_text(&policy, &start))?,
        Format::Json => print(json::pretty(&show_json(&policy, &start)))?,
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
            StartProblem::Values(_) => "bounds are set in the policy, in `[parameters.<name>]`",
        };
        Failure::usage(problem).hint(hint)
    })
}

/// `soak config check`
pub(crate) fn check(args: &ConfigCheckArgs) -> Result<Exit, Failure> {
    let ConfigCheckArgs { file, project } = args;
    let file = file.clone().or_else(|| project.found()).ok_or_else(|| {
        Failure::usage(anyhow!("there is no `soak.toml` to check"))
            .hint("name a policy file, or write one with `soak init`")
    })?;
    let policy = load_policy(&PolicyArgs { policy: Some(file.clone()), project: *project }, &[])?;
    let problems = policy.fails_later();
    if !problems.is_empty() {
        return Err(Failure::usage(anyhow!(problems.join("\n"))));
    }
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
    let ConfigTestArgs { policy, against, project, runs } = args;
    let new = load_policy(&PolicyArgs { policy: Some(policy.clone()), project: *project }, &[])?;
    let old = load_policy(&PolicyArgs { policy: against.clone(), project: *project }, &[])?;
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

/// A value that a run starts with.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct StartParameter {
    /// The parameter.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Its unit.
    pub unit: String,
    /// Where it comes from.
    pub origin: String,
}

/// All values, sorted by key, and the start values, in the order of the policy.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct ConfigShow {
    /// "1".
    #[schemars(extend("const" = "1"))]
    pub schema_version: String,
    /// SHA-256 of the values.
    pub policy_sha256: String,
    /// The `soak.toml` that was found; left out without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_file: Option<String>,
    /// The values.
    pub values: Vec<Effective>,
    /// What a run would start with.
    pub parameters: Vec<StartParameter>,
}

impl ConfigShow {
    /// What a policy holds, and what a run starts with.
    pub fn of(policy: &Policy, start: &Start) -> Self {
        let parameters = start.values.iter().map(|value| StartParameter {
            name: value.param.to_string(),
            value: value.value,
            unit: policy
                .run
                .parameters
                .get(&value.param)
                .map_or_else(String::new, |found| found.unit.clone()),
            origin: value.origin.to_string(),
        });
        Self {
            schema_version: "1".to_owned(),
            policy_sha256: policy.sha256.clone(),
            policy_file: policy.found.clone(),
            values: policy.effective.clone(),
            parameters: parameters.collect(),
        }
    }
}

/// The `soak.toml` in force, as a comment; empty where none is.
fn found_text(policy: &Policy) -> String {
    policy.found.as_ref().map_or_else(String::new, |file| {
        format!("# With `{}`, which `--no-config` leaves out\n\n", printable(file))
    })
}

/// Lines that are longer are not lined up.
const COLUMN: usize = 80;

/// One line a value, `key = value  # origin`, in columns. Up to the comments it is a policy in dotted keys.
pub fn show_text(policy: &Policy) -> String {
    let lines: Vec<(String, &str)> = policy
        .effective
        .iter()
        .map(|entry| (format!("{} = {}", entry.key, entry.value), entry.origin.as_str()))
        .collect();
    // Who reads the queries of a service, which are long, need not scroll for the origin of everything else.
    let most = if policy.profile == Profile::Trading { usize::MAX } else { COLUMN };
    let widest = lines.iter().map(|(line, _)| width(line)).filter(|width| *width <= most).max().unwrap_or(0);
    lines
        .iter()
        .fold(String::new(), |text, (line, origin)| text + &format!("{}  # {origin}\n", padded(line, widest)))
}

/// The start values, one comment line each, so that the whole stays a policy.
pub fn start_text(policy: &Policy, start: &Start) -> String {
    let lines: Vec<(String, String)> = start
        .values
        .iter()
        .map(|value| {
            let unit = policy.run.parameters.get(&value.param).map_or("", |parameter| &parameter.unit);
            (format!("{} = {} {unit}", value.param, value.value), printable(&value.origin.to_string()))
        })
        .collect();
    let widest = lines.iter().map(|(line, _)| width(line)).max().unwrap_or(0);
    let head = "\n# Values that a run starts with\n".to_owned();
    lines
        .iter()
        .fold(head, |text, (line, origin)| text + &format!("# {}  # {origin}\n", padded(line, widest)))
}

/// The same as data, with the start values: `{schema_version, policy_sha256, values: [{key, value, origin}],
/// parameters: [{name, value, unit, origin}]}`.
pub fn show_json(policy: &Policy, start: &Start) -> Value {
    json!(ConfigShow::of(policy, start))
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::core::policy::{Layer, Origin, read};

    fn layer(path: &str, text: &str) -> Layer {
        Layer { origin: Origin::File(path.to_owned()), text: text.to_owned() }
    }

    fn good(text: &str) -> Policy {
        let text = format!("schema_version = 1\n{text}");
        read(&[layer("p.toml", &text)], &[]).unwrap_or_else(|errors| panic!("{errors}"))
    }

    #[test]
    fn the_hash_can_be_redone_from_what_is_shown() {
        let policy = good("windows.last_n = 10\n");
        let lines = show_text(&policy)
            .lines()
            .filter_map(|line| line.rsplit_once("  # ").map(|(value, _)| format!("{}\n", value.trim_end())))
            .collect::<String>();
        assert!(lines.contains("windows.last_n = 10\n"));
        let expected = Sha256::digest(lines).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>();
        assert_eq!(policy.sha256, expected.concat());
    }

    #[test]
    fn what_is_shown_can_be_read_again_and_is_the_same_policy() {
        let policy = good(
            "[prometheus.\"odd \\\"name\\\"\"]\nquery = \"a\\tb\"\noptional = true\n[run_gates.odd]\nmetric = \"ws_lag_max_ms\"\nseverity = \"soft\"\ncomparison = \"<\"\nlimit = 1e300\n",
        );
        let text = show_text(&policy);
        let again = read(&[layer("shown.toml", &text)], &[]).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(again.sha256, policy.sha256);
        assert!(again.effective.iter().all(|entry| entry.origin.starts_with("shown.toml:")));
    }

    #[test]
    fn values_are_shown_in_columns_and_as_data_with_their_origin() {
        let policy = good("windows.last_n = 10\n");
        let text = show_text(&policy);
        let line = text.lines().find(|line| line.starts_with("windows.last_n = 10 ")).expect("shown");
        assert!(line.ends_with("  # p.toml:2"), "{line}");
        let columns: Vec<_> = text.lines().map(|line| line.rfind("  # ")).collect();
        assert!(columns.iter().all(|column| *column == columns[0]));

        let data = show_json(&policy, &Start::default());
        assert_eq!(data["schema_version"], "1");
        assert_eq!(data["policy_sha256"], policy.sha256.as_str());
        let values = data["values"].as_array().expect("a list");
        assert_eq!(values.len(), policy.effective.len());
        let entry = values.iter().find(|entry| entry["key"] == "windows.last_n").expect("shown");
        assert_eq!((&entry["value"], &entry["origin"]), (&"10".into(), &"p.toml:2".into()));
    }
}
