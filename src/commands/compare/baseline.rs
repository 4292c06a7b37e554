//! `soak compare baseline`: promote, acknowledge, show, verify.

use chrono::{SecondsFormat, Utc};

use crate::cli::compare::{AckArgs, BaselineCommand, PromoteArgs, StoreViewArgs};
use crate::cli::values::Format;
use crate::commands::judging::{cannot_judge, collect_provenance, load_policy};
use crate::commands::{Failure, print};
use crate::core::policy::Policy;
use crate::exit::Exit;
use crate::flow::baselines::{self, Actor, BaselineError};
use crate::flow::compare::Asked;
use crate::flow::provenance;
use crate::io::clock;
use crate::io::environment::Environment;
use crate::render::{baseline_text, json};

/// Does what was asked for, and tells the state of the store.
pub(super) fn run(command: &BaselineCommand) -> Result<Exit, Failure> {
    match command {
        BaselineCommand::Promote(args) => promote(args),
        BaselineCommand::Ack(args) => ack(args),
        BaselineCommand::Show(args) => view(args, "show"),
        BaselineCommand::Verify(args) => view(args, "verify"),
    }
}

fn promote(args: &PromoteArgs) -> Result<Exit, Failure> {
    let PromoteArgs { run, store, policy, mock, symbol, format } = args;
    let policy = load_policy(policy.policy.as_deref(), &[])?;
    let provenance = collect_provenance(&policy, None)?;
    let store = store.folder();
    let asked = Asked { policy: &policy, mock: mock.mock, so_far: false, symbol: symbol.as_deref() };
    let by = provenance::person(&Environment::of_process());
    let actor = Actor { by, at: now()? };
    baselines::promote(&store, run, &asked, &actor, &provenance.tool_version).map_err(failed)?;
    tell(&store, "promote", &policy, *format)
}

fn ack(args: &AckArgs) -> Result<Exit, Failure> {
    let AckArgs { kpi, owner, reason, until, view: StoreViewArgs { store, policy, format } } = args;
    let policy = load_policy(policy.policy.as_deref(), &[])?;
    let judged = policy.compare.kpis.iter().filter(|rule| rule.margin.is_some());
    let names: Vec<&str> = judged.map(|rule| rule.kpi.name).collect();
    if !names.contains(&kpi.as_str()) {
        let names = names.join(", ");
        return Err(Failure::usage(anyhow::anyhow!("`{kpi}` is no KPI that is compared"))
            .hint(format!("these are: {names}")));
    }
    let at = now()?;
    if until.as_str() < &at[..10] {
        return Err(Failure::usage(anyhow::anyhow!("`--until {until}` is over already"))
            .hint("an acknowledgement counts until the end of a day to come"));
    }
    let store = store.folder();
    let actor = Actor { by: owner.clone(), at };
    baselines::acknowledge(&store, kpi, reason, until, &actor).map_err(failed)?;
    tell(&store, "ack", &policy, *format)
}

fn view(args: &StoreViewArgs, action: &str) -> Result<Exit, Failure> {
    let StoreViewArgs { store, policy, format } = args;
    let policy = load_policy(policy.policy.as_deref(), &[])?;
    tell(&store.folder(), action, &policy, *format)
}

fn tell(store: &std::path::Path, action: &str, policy: &Policy, format: Format) -> Result<Exit, Failure> {
    let status = baselines::status(store, action, policy, &now()?[..10]).map_err(failed)?;
    let exit = if status.problems.is_empty() { Exit::Success } else { Exit::InputInvalid };
    match format {
        Format::Text => print(baseline_text::text(&status))?,
        Format::Json => print(json::pretty(&status))?,
    }
    Ok(exit)
}

/// Now, or what `SOAK_NOW` says.
pub(super) fn now() -> Result<String, Failure> {
    let text = |time: chrono::DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    clock::now(&Environment::of_process())
        .map(text)
        .map_err(|error| Failure::usage(error).hint("an example of a valid time is 2026-01-31T12:00:00Z"))
}

/// What went wrong, with a way out.
pub(super) fn failed(error: BaselineError) -> Failure {
    match error {
        BaselineError::Judge(error) => {
            cannot_judge(error).hint("the run is a folder with ITER_SUMMARY_<n>.json files")
        }
        BaselineError::Store(_) => {
            Failure::output(error).hint("`--store` names a folder that can be read and written")
        }
        BaselineError::Side(error) => Failure::input(error).hint("`--symbol` says which is promoted"),
        BaselineError::NotPassed { .. } => {
            Failure::failed(error).hint("`soak gate` says what has to change before it can become a baseline")
        }
        BaselineError::Broken { .. } => Failure::input(error)
            .hint("`soak compare baseline verify` tells everything that is wrong with it"),
        BaselineError::Empty { .. } => Failure::input(error)
            .hint("`soak compare baseline promote RUN` makes a run that passes the baseline"),
    }
}
