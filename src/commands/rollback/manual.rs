//! `soak rollback run` and `soak rollback recover`.

use std::io::Write as _;
use std::time::Duration;

use anyhow::anyhow;

use super::{cannot_act, cannot_log, open, open_journal};
use crate::cli::rollback::{ManualArgs, RecoverArgs, RunNowArgs};
use crate::commands::{Failure, print};
use crate::core::rollback::state::{PlanKind, PlanOutcome};
use crate::exit::Exit;
use crate::flow::provenance::person;
use crate::flow::rollback::act::Hands;
use crate::flow::rollback::journal;
use crate::flow::rollback::manual::{self, Asked, Came, NotBegun, Own};
use crate::io::environment::Environment;
use crate::io::http::Limits;
use crate::io::signals::StopRequest;
use crate::render::rollback_text;
use crate::wire::rollback::log::Mode;

/// How long another rollback that is under way is waited for.
const ACTING: Duration = Duration::from_secs(120);

pub(super) fn run(args: &RunNowArgs) -> Result<Exit, Failure> {
    let RunNowArgs { manual, force } = args;
    undertake(manual, PlanKind::Manual, *force)
}

pub(super) fn recover(args: &RecoverArgs) -> Result<Exit, Failure> {
    let RecoverArgs { manual } = args;
    undertake(manual, PlanKind::Recovery, false)
}

fn undertake(args: &ManualArgs, kind: PlanKind, is_forced: bool) -> Result<Exit, Failure> {
    let ManualArgs { files, live, reason, by } = args;
    let (policy, log, mode) = open(files, *live)?;
    if kind == PlanKind::Recovery && policy.recovery.actions.is_empty() {
        return Err(Failure::usage(anyhow!(
            "the policy has no `recovery.actions`: there is no way back in it"
        )));
    }
    let by = by.clone().unwrap_or_else(|| person(&Environment::of_process()));
    let own = Own::new(open_journal(&log, mode, &policy)?);
    let _acting = journal::acting(&log, ACTING).map_err(cannot_act)?;
    let asked = Asked { kind, reason: reason.clone(), by, is_forced };
    let (id, left) = manual::plan(&own, &asked, &policy).map_err(|not| match not {
        NotBegun::Hindered(why) => {
            Failure::failed(anyhow!("{why}")).hint("`--force` rolls back all the same")
        }
        NotBegun::Log(error) => cannot_log(error),
    })?;
    for left in left {
        tell(&format!(
            "{left} was cut short by a process that is gone; `soak rollback log show` tells how far it came"
        ));
    }
    if kind == PlanKind::Recovery {
        for (alert, by) in own.still_firing() {
            tell(&format!(
                "{alert} was not told to be over: {by} has dealt with it, so while it fires it leads to no other rollback; \
                 watch it"
            ));
        }
    }
    let stop = StopRequest::listen().map_err(Failure::failed)?;
    let environment = Environment::of_process();
    let limits = Limits::default();
    let hands =
        Hands { policy: &policy, mode, environment: &environment, limits: &limits, wait: &stop, log: &own };
    let came = manual::carry_out(&own, id, hands, &mut |result| tell(&rollback_text::result(result)));
    let words = own.undertaking(id).map(|undertaking| rollback_text::undertaking(&undertaking));
    print(words.unwrap_or_default())?;
    exit(&came, mode, stop.is_asked())
}

fn exit(came: &Came, mode: Mode, is_interrupted: bool) -> Result<Exit, Failure> {
    if let Some(problem) = &came.problem {
        return Err(Failure::output(anyhow!("it was broken off: {problem}")));
    }
    match (came.outcome, came.verified) {
        (_, Some(false)) => Err(Failure::external(anyhow!("what must be true afterwards is not"))),
        (Some(PlanOutcome::Done), None) if is_interrupted => {
            Err(Failure::interrupted(anyhow!("everything was done, and nobody looked whether it helped")))
        }
        (Some(PlanOutcome::Done), _) => Ok(Exit::Success),
        (Some(PlanOutcome::DryRun), _) if mode == Mode::DryRun => {
            tell("dry run: nothing was done; --live acts");
            Ok(Exit::Success)
        }
        _ => Err(Failure::external(anyhow!("not everything was done"))),
    }
}

/// A line on stderr, at any level of logging: a person waits for it.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
