//! What people are told, in plain text. Sends nothing.

use std::fmt::Write as _;

use super::policy::RollbackPolicy;
use super::state::{Plan, PlanKind, Progress};

/// How an action stands, in words.
pub fn progress(progress: Progress) -> &'static str {
    match progress {
        Progress::NotStarted => "not started",
        Progress::Started => "under way",
        Progress::Done => "done",
        Progress::Failed { nothing_done: true } => "failed, without effect",
        Progress::Failed { nothing_done: false } => "FAILED",
        Progress::Unknown => "UNKNOWN OUTCOME",
        Progress::LeftOut => "left out",
        Progress::DryRun => "dry run",
    }
}

/// The text of a notification that is itself an action of a plan: what was decided, and how far it has come.
pub fn plan(plan: &Plan, made: &[Progress], policy: &RollbackPolicy) -> String {
    let what = match plan.kind {
        PlanKind::Rollback => "ROLLBACK",
        PlanKind::Manual => "ROLLBACK, asked for by a person",
        PlanKind::Recovery => "RECOVERY, asked for by a person",
        PlanKind::Notification => "ALERT, no rollback",
    };
    let mut text = format!("soak: {what} ({})\n{}", plan.id, plan.reason);
    for alert in &plan.alerts {
        let gate = policy.hard(&alert.name).or_else(|| policy.soft(&alert.name));
        if let Some(gate) = gate.filter(|gate| !gate.description.is_empty()) {
            line(&mut text, format_args!("{}: {}", gate.name, gate.description));
        }
    }
    if plan.kind != PlanKind::Notification {
        for (action, made) in plan.actions.iter().zip(made) {
            if *made != Progress::Started {
                line(&mut text, format_args!("- {}: {}", action.words(), progress(*made)));
            }
        }
    }
    text
}

/// The text of an escalation: something did not go as it should, and a person is needed.
pub fn escalation(plan: &Plan, problem: &str) -> String {
    format!(
        "soak: {} {} NEEDS A PERSON\n{problem}\nIt began because: {}",
        plan.kind.word(),
        plan.id,
        plan.reason
    )
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    let written = write!(text, "\n{line}");
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}
