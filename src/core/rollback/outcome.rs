//! How far an action has come, and how an undertaking ended. Remembers nothing.

use super::action::{Action, ActionKind};

/// How far an action has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It was not begun.
    NotStarted,
    /// It was begun; the log has no result yet.
    Started,
    /// It was done.
    Done,
    /// It failed.
    Failed {
        /// It is certain that it had no effect.
        nothing_done: bool,
    },
    /// It was begun, and nobody knows what became of it. Never repeated without a person.
    Unknown,
    /// It was left out, because one before it failed.
    LeftOut,
    /// It would have been done.
    DryRun,
}

impl Progress {
    /// Whether it is certain that the action had no effect, so that it may be carried out.
    pub fn is_without_effect(&self) -> bool {
        matches!(self, Self::NotStarted | Self::LeftOut | Self::Failed { nothing_done: true })
    }

    /// Whether the action had an effect, or may have had one.
    pub fn may_have_an_effect(&self) -> bool {
        !self.is_without_effect() && *self != Self::DryRun
    }
}

/// How an undertaking ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanOutcome {
    /// All actions were done.
    Done,
    /// Some were not, or nobody knows.
    Failed,
    /// It is certain that none had an effect: it may be tried again.
    NothingDone,
    /// The process ended in the middle of it.
    Interrupted,
    /// It was a dry run.
    DryRun,
}

impl PlanOutcome {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Done, Self::Failed, Self::NothingDone, Self::Interrupted, Self::DryRun];

    /// The word in log and answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::NothingDone => "nothing_done",
            Self::Interrupted => "interrupted",
            Self::DryRun => "dry_run",
        }
    }

    /// What the results of the actions make of the whole. Whether it is certain that nothing was done does not
    /// depend on notifications, unless there is nothing else: that people were told is no reason not to try again.
    pub fn of(actions: &[Action], progress: &[Progress]) -> Self {
        let all = |is: fn(&Progress) -> bool| progress.iter().all(is);
        let acts = |action: &Action| action.kind != ActionKind::Notify;
        let is_only_told = !actions.iter().any(acts);
        let mut counted =
            actions.iter().zip(progress).filter(|(action, _)| is_only_told || acts(action)).map(|(_, p)| p);
        if all(|p| *p == Progress::DryRun) {
            Self::DryRun
        } else if all(|p| *p == Progress::Done) {
            Self::Done
        } else if counted.all(Progress::is_without_effect) {
            Self::NothingDone
        } else {
            Self::Failed
        }
    }
}
