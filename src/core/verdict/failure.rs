//! A command's failure: the exit class, the error with its chain, and the way out where one is known.
//!
//! There is no conversion from `anyhow::Error`: an error that nobody gave a class does not compile.

use std::fmt;
use std::io::{self, Write};

use crate::core::text::printable::{printable, printable_lines};
use crate::core::verdict::exit::Exit;

/// Why a command did not do its job.
#[derive(Debug)]
pub struct Failure {
    /// The class, which decides the exit code.
    pub exit: Exit,
    /// What happened, outermost first.
    pub error: anyhow::Error,
    /// What the user can do about it; `None` where we do not know.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure of the given class.
    pub fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, error: error.into(), hint: None }
    }

    /// An error of no other class.
    pub fn failed(error: impl Into<anyhow::Error>) -> Self {
        Self::new(Exit::Failed, error)
    }

    /// The command line or the policy file is wrong.
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self::new(Exit::Usage, error)
    }

    /// The input is missing or cannot be trusted.
    pub fn input(error: impl Into<anyhow::Error>) -> Self {
        Self::new(Exit::InputInvalid, error)
    }

    /// An artifact or stdout could not be written.
    pub fn output(error: impl Into<anyhow::Error>) -> Self {
        Self::new(Exit::OutputUnwritable, error)
    }

    /// A child process or an HTTP request failed.
    pub fn external(error: impl Into<anyhow::Error>) -> Self {
        Self::new(Exit::ExternalFailed, error)
    }

    /// Interrupted, after the state was saved.
    pub fn interrupted(error: impl Into<anyhow::Error>) -> Self {
        Self::new(Exit::Interrupted, error)
    }

    /// The same failure with a way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with a way out, where one is known.
    #[must_use]
    pub fn hint_if_known(self, hint: Option<impl Into<String>>) -> Self {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }

    /// What failed and why, on one line.
    pub fn sentence(&self) -> String {
        let mut told = self.error.to_string();
        for cause in self.error.chain().skip(1).map(ToString::to_string) {
            if !told.contains(&cause) {
                told = format!("{told}: {cause}");
            }
        }
        told.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Tells the failure on stderr. If nobody can read it there, the exit code still says it.
    pub fn report(&self) {
        let _ = write!(io::stderr().lock(), "{self}");
    }
}

/// `error: …`, a line per cause, a line per line of the hint; with a final newline.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names and keys in it come from files and may hold anything.
        let mut told = printable_lines(&self.error.to_string());
        writeln!(f, "error: {told}")?;
        for cause in self.error.chain().skip(1).map(|cause| printable_lines(&cause.to_string())) {
            // Many libraries repeat their cause in their own message.
            if !told.contains(&cause) {
                writeln!(f, "  because: {cause}")?;
                told = cause;
            }
        }
        for line in self.hint.iter().flat_map(|hint| hint.lines()) {
            writeln!(f, "hint: {}", printable(line))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn the_chain_and_the_hint_are_told_line_by_line() {
        let error = anyhow!("disk full").context("cannot write `a.json`").context("cannot commit artifacts");
        let failure = Failure::output(error).hint("free some space\nor give another `--out`");
        insta::assert_snapshot!(format!("{}(end)", failure.to_string()), @r"
            error: cannot commit artifacts
              because: cannot write `a.json`
              because: disk full
            hint: free some space
            hint: or give another `--out`
            (end)
            ");
    }

    #[test]
    fn a_cause_that_the_line_above_tells_already_is_not_repeated() {
        let error = anyhow!("no such file").context("cannot open `a`: no such file").context("no policy");
        assert_eq!(
            Failure::usage(error).to_string(),
            "error: no policy\n  because: cannot open `a`: no such file\n"
        );
    }

    #[test]
    fn a_failure_without_causes_and_hint_is_one_line() {
        assert_eq!(Failure::failed(anyhow!("no")).to_string(), "error: no\n");
    }

    #[test]
    fn each_constructor_gives_its_class() {
        let made: [fn(anyhow::Error) -> Failure; 6] = [
            Failure::failed,
            Failure::usage,
            Failure::input,
            Failure::output,
            Failure::external,
            Failure::interrupted,
        ];
        let classes = made.map(|make| make(anyhow!("x")).exit);
        assert_eq!(
            classes,
            [
                Exit::Failed,
                Exit::Usage,
                Exit::InputInvalid,
                Exit::OutputUnwritable,
                Exit::ExternalFailed,
                Exit::Interrupted
            ]
        );
    }
}
