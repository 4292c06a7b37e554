//! `soak rollback log`.

use std::collections::VecDeque;

use anyhow::anyhow;

use super::cannot_log;
use crate::cli::rollback::{LogShowArgs, LogVerifyArgs};
use crate::cli::values::Format;
use crate::commands::{Failure, print};
use crate::exit::Exit;
use crate::io::audit_log::{AuditLogError, read};
use crate::render::json::compact_ascii;
use crate::render::rollback_text;
use crate::wire::rollback::log::{GENESIS, LogLine};

pub(super) fn verify(args: &LogVerifyArgs) -> Result<Exit, Failure> {
    let LogVerifyArgs { file, head } = args;
    let wanted = head.as_deref().map(str::to_ascii_lowercase);
    if let Some(head) = &wanted
        && !(head.len() == GENESIS.len() && head.bytes().all(|digit| digit.is_ascii_hexdigit()))
    {
        return Err(Failure::usage(anyhow!(
            "`--head` is no hash: expected {} hexadecimal digits",
            GENESIS.len()
        ))
        .hint("`soak rollback log verify` prints it after `head`"));
    }
    let mut is_there = wanted.is_none();
    let (found, torn) = read(file, &mut |line: &LogLine| is_there |= wanted.as_ref() == Some(&line.hash))
        .map_err(unreadable)?;
    if found.seq == 0 {
        return Err(Failure::input(anyhow!(
            "`{}` has no line, so there is nothing to verify",
            file.display()
        ))
        .hint("the server begins a log with a line: what stood here was taken away, or it is another file"));
    }
    if !is_there {
        return Err(Failure::input(anyhow!(
            "`{}` is whole as far as it goes, but the line with the hash of `--head` is not in it: lines were cut off at \
             the end, or it is another log",
            file.display()
        )));
    }
    print(rollback_text::verified(&file.display().to_string(), &found.hash, found.seq, torn))?;
    Ok(Exit::Success)
}

pub(super) fn show(args: &LogShowArgs) -> Result<Exit, Failure> {
    let LogShowArgs { file, last, format } = args;
    let mut lines = VecDeque::new();
    let mut keep = |line: &LogLine| {
        lines.push_back(match format {
            Format::Text => rollback_text::line_of(line) + "\n",
            Format::Json => compact_ascii(line),
        });
        if last.is_some_and(|last| lines.len() > last) {
            lines.pop_front();
        }
    };
    let end = read(file, &mut keep);
    // What could be read is shown, and then what is wrong behind it.
    print(lines.into_iter().collect::<String>())?;
    let (found, torn) = end.map_err(unreadable)?;
    if found.seq == 0 {
        tracing::warn!(log = %file.display(), "there is no line in it");
    }
    if torn > 0 {
        tracing::warn!(bytes = torn, "the last line was cut short by a crash");
    }
    Ok(Exit::Success)
}

fn unreadable(error: AuditLogError) -> Failure {
    match error {
        AuditLogError::Io { .. } | AuditLogError::NoFile { .. } => Failure::input(error),
        AuditLogError::Damaged { .. } => Failure::input(error)
            .hint("what stands before that line is as it was written; what stands behind it proves nothing"),
        AuditLogError::Moved { .. } => cannot_log(error),
    }
}
