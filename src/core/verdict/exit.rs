//! Every exit code of the program, in one enum; the table in the README is checked against it.
//!
//! This module only names codes. Which one a command ends with is decided by the command.

use crate::core::verdict::Outcome;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// PASS or WARN, or the command did its job.
    Success,
    /// FAIL or HOLD where the command gates, or an error of no other class.
    Failed,
    /// The command line or the policy file is wrong.
    Usage,
    /// INCONCLUSIVE: too little data to judge.
    Inconclusive,
    /// INVALID, or the input is missing or cannot be read.
    InputInvalid,
    /// An artifact or stdout could not be written.
    OutputUnwritable,
    /// A child process or an HTTP request failed.
    ExternalFailed,
    /// SIGINT or SIGTERM, after the state was saved.
    Interrupted,
}

impl Exit {
    /// All of them, by code.
    pub const ALL: [Self; 8] = [
        Self::Success,
        Self::Failed,
        Self::Usage,
        Self::Inconclusive,
        Self::InputInvalid,
        Self::OutputUnwritable,
        Self::ExternalFailed,
        Self::Interrupted,
    ];

    /// The number that the shell sees. Only with `detailed` are the classes 3 to 6 told apart from 1.
    pub fn code(self, detailed: bool) -> u8 {
        match self {
            Self::Success => 0,
            Self::Usage => 2,
            Self::Interrupted => 130,
            Self::Inconclusive if detailed => 3,
            Self::InputInvalid if detailed => 4,
            Self::OutputUnwritable if detailed => 5,
            Self::ExternalFailed if detailed => 6,
            Self::Failed
            | Self::Inconclusive
            | Self::InputInvalid
            | Self::OutputUnwritable
            | Self::ExternalFailed => 1,
        }
    }

    /// What it means, in a few words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Success => "PASS or WARN, or the command did its job",
            Self::Failed => "FAIL or HOLD where the command gates, or an error of no other class",
            Self::Usage => "the command line or the policy file is wrong; `run` completed no iteration",
            Self::Inconclusive => "INCONCLUSIVE: too little data to judge",
            Self::InputInvalid => "INVALID, or the input is missing or cannot be read",
            Self::OutputUnwritable => "an artifact or stdout could not be written",
            Self::ExternalFailed => "an external system failed: a child process or an HTTP request",
            Self::Interrupted => "interrupted by SIGINT or SIGTERM, after the state was saved",
        }
    }

    /// How a command that gates ends on this verdict. With `fail_on_warn` a WARN is a failure too.
    ///
    /// `NOT_APPLICABLE` as the verdict of a whole means that nothing was judged, and that is never a pass.
    pub fn of_verdict(verdict: Outcome, fail_on_warn: bool) -> Self {
        match verdict {
            Outcome::Warn if fail_on_warn => Self::Failed,
            Outcome::Pass | Outcome::Warn => Self::Success,
            Outcome::Inconclusive => Self::Inconclusive,
            Outcome::Fail => Self::Failed,
            Outcome::Invalid | Outcome::NotApplicable => Self::InputInvalid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detailed_codes_are_distinct_and_in_order() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code(true)).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 130]);
    }

    #[test]
    fn without_detail_the_classes_of_failure_are_one() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code(false)).collect();
        assert_eq!(codes, [0, 1, 2, 1, 1, 1, 1, 130]);
    }

    #[test]
    fn only_pass_and_warn_are_success() {
        let exits = |fail_on_warn| {
            [
                Outcome::Pass,
                Outcome::Warn,
                Outcome::Inconclusive,
                Outcome::Fail,
                Outcome::Invalid,
                Outcome::NotApplicable,
            ]
            .map(|verdict| Exit::of_verdict(verdict, fail_on_warn))
        };
        let others = [Exit::Inconclusive, Exit::Failed, Exit::InputInvalid, Exit::InputInvalid];
        assert_eq!(exits(false)[..2], [Exit::Success, Exit::Success]);
        assert_eq!(exits(true)[..2], [Exit::Success, Exit::Failed]);
        assert_eq!(exits(false)[2..], others);
        assert_eq!(exits(true)[2..], others);
    }
}
