//! What `release tag` asks of git: short commands, no prompt, no editor, nothing taken from a name for a flag.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::infra::clock::Wait;
use crate::infra::process::{Child, Ended};

/// Why git did not do it.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// It cannot be started.
    #[error("git cannot be started")]
    Start { source: io::Error },
    #[error("`git {what}` failed: {stderr}")]
    Refused { what: &'static str, stderr: String },
    /// It took too long, and was ended with everything that it started.
    #[error("`git {what}` did not end within {} s and was stopped{}", limit.as_secs_f64(), last_words(stderr))]
    TimedOut { what: &'static str, limit: Duration, stderr: String },
    /// A signal came, and it was ended.
    #[error("`git {what}` was interrupted and ended")]
    Interrupted { what: &'static str },
}

fn last_words(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!("; the end of its stderr: {stderr}") }
}

#[derive(Debug)]
pub struct Repository {
    folder: PathBuf,
}

/// What a command left: whether it succeeded, its stdout and its stderr.
struct Output {
    success: bool,
    stdout: Vec<u8>,
    stderr: String,
}

/// What a push that takes too long has between TERM and KILL.
const KILL_AFTER: Duration = Duration::from_secs(5);

/// Bytes of stderr that a message contains.
const LONGEST_STDERR: usize = 2000;

impl Repository {
    /// The repository around a folder.
    pub fn around(folder: &Path) -> Result<Self, GitError> {
        let given = Self { folder: folder.to_owned() };
        let top = given.text("rev-parse", &["--show-toplevel"])?;
        Ok(Self { folder: PathBuf::from(top) })
    }

    /// Its top folder.
    pub fn top(&self) -> &Path {
        &self.folder
    }

    /// The commit that a revision names.
    pub fn commit(&self, revision: &str) -> Result<String, GitError> {
        // Behind `--end-of-options` nothing is taken for a flag.
        self.text(
            "rev-parse",
            &["--verify", "--quiet", "--end-of-options", &format!("{revision}^{{commit}}")],
        )
        .map_err(|error| match error {
            GitError::Refused { what, stderr } if stderr.is_empty() => {
                GitError::Refused { what, stderr: format!("`{revision}` names no commit") }
            }
            other => other,
        })
    }

    /// Paths that differ from the last commit or are not known to git, relative to the top.
    pub fn unclean(&self) -> Result<Vec<String>, GitError> {
        let out =
            self.run("status", &["--porcelain=v1", "-z", "--untracked-files=all", "--no-renames"], None)?;
        let out = out.must("status")?;
        let entries = out.split(|byte| *byte == 0).filter(|entry| entry.len() > 3);
        Ok(entries.map(|entry| String::from_utf8_lossy(&entry[3..]).into_owned()).collect())
    }

    /// Whether exactly this tag is there.
    pub fn has_tag(&self, name: &str) -> Result<bool, GitError> {
        let reference = format!("refs/tags/{name}");
        let found = self.run("show-ref", &["--verify", "--quiet", "--", &reference], None)?;
        match (found.success, found.stderr.is_empty()) {
            (true, _) => Ok(true),
            (false, true) => Ok(false),
            (false, false) => Err(GitError::Refused { what: "show-ref", stderr: found.stderr }),
        }
    }

    /// Makes an annotated tag with exactly this message. An old tag of the name stays until the new one is there.
    pub fn make_tag(
        &self,
        name: &str,
        commit: &str,
        message: &str,
        sign: bool,
        force: bool,
    ) -> Result<(), GitError> {
        let mut args =
            vec!["--annotate", "--cleanup=verbatim", "--file=-", if sign { "--sign" } else { "--no-sign" }];
        if force {
            args.push("--force");
        }
        args.extend(["--", name, commit]);
        self.run("tag", &args, Some(message))?.must("tag").map(|_| ())
    }

    /// The message of a tag, as the object contains it, and the commit that it points to.
    pub fn read_tag(&self, name: &str) -> Result<(String, String), GitError> {
        let reference = format!("refs/tags/{name}");
        let object = self.run("cat-file", &["tag", &reference], None)?.must("cat-file")?;
        let object = String::from_utf8_lossy(&object).into_owned();
        let message = object.split_once("\n\n").map_or("", |(_, message)| message).to_owned();
        Ok((message, self.commit(&reference)?))
    }

    /// Sends a tag to a remote. What is not done after `limit` is ended with its process group: a remote that
    /// accepts a connection and says nothing would hold git forever.
    pub fn push_tag(
        &self,
        remote: &str,
        name: &str,
        force: bool,
        limit: Duration,
        wait: &dyn Wait,
    ) -> Result<(), GitError> {
        const WHAT: &str = "push";
        let plus = if force { "+" } else { "" };
        let spec = format!("{plus}refs/tags/{name}:refs/tags/{name}");
        let command = self.command(WHAT, &["--quiet", "--", remote, &spec], Stdio::null());
        let start = |source| GitError::Start { source };
        let child = Child::start(command, 0).map_err(start)?;
        let done = child.run(limit, KILL_AFTER, wait).map_err(|_| GitError::Interrupted { what: WHAT })?;
        match done.ended {
            Ended::Status(status) if status.success() => Ok(()),
            Ended::Status(_) => Err(GitError::Refused { what: WHAT, stderr: done.stderr }),
            Ended::TimedOut => Err(GitError::TimedOut { what: WHAT, limit, stderr: done.stderr }),
            Ended::Lost(source) => Err(start(source)),
        }
    }

    fn text(&self, what: &'static str, args: &[&str]) -> Result<String, GitError> {
        let out = self.run(what, args, None)?.must(what)?;
        Ok(String::from_utf8_lossy(&out).trim_end_matches(['\n', '\r']).to_owned())
    }

    /// A command that queries nobody anything.
    fn command(&self, what: &str, args: &[&str], input: Stdio) -> Command {
        let mut command = Command::new("git");
        for (name, _) in std::env::vars_os().filter(|(name, _)| leads_elsewhere(name)) {
            command.env_remove(name);
        }
        command
            .arg("-C")
            .arg(&self.folder)
            .args(["--no-pager", what])
            .args(args)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_EDITOR", ":")
            .env("LC_ALL", "C")
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, what: &'static str, args: &[&str], input: Option<&str>) -> Result<Output, GitError> {
        let mut command =
            self.command(what, args, if input.is_some() { Stdio::piped() } else { Stdio::null() });
        let start = |source| GitError::Start { source };
        let mut child = command.spawn().map_err(start)?;
        if let (Some(mut pipe), Some(text)) = (child.stdin.take(), input) {
            // When git has ended before it read all of it, its exit code says so.
            let _ = pipe.write_all(text.as_bytes());
        }
        let out = child.wait_with_output().map_err(start)?;
        let stderr: String =
            String::from_utf8_lossy(&out.stderr).trim().chars().take(LONGEST_STDERR).collect();
        Ok(Output { success: out.status.success(), stdout: out.stdout, stderr })
    }
}

/// Variables of git that say who asks and how a remote is reached. Every other one may lead to another repository, as
/// a hook's `GIT_DIR` does, or change what is printed.
const HARMLESS: [&str; 10] = [
    "GIT_AUTHOR_",
    "GIT_COMMITTER_",
    "GIT_ASKPASS",
    "GIT_SSH",
    "GIT_SSL_",
    "GIT_HTTP_",
    "GIT_PROXY_",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
];

fn leads_elsewhere(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("GIT_") && !HARMLESS.iter().any(|harmless| name.starts_with(harmless))
}

impl Output {
    fn must(self, what: &'static str) -> Result<Vec<u8>, GitError> {
        if self.success { Ok(self.stdout) } else { Err(GitError::Refused { what, stderr: self.stderr }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_a_hook_are_left_out_and_those_of_a_person_are_not() {
        let stays = |name: &str| !leads_elsewhere(OsStr::new(name));
        for name in
            ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_CONFIG_COUNT", "GIT_TRACE"]
        {
            assert!(!stays(name), "{name}");
        }
        for name in [
            "GIT_AUTHOR_NAME",
            "GIT_COMMITTER_DATE",
            "GIT_SSH_COMMAND",
            "GIT_CONFIG_GLOBAL",
            "PATH",
            "DIGIT_DIR",
        ] {
            assert!(stays(name), "{name}");
        }
    }
}
