//! `soak release tag`.

use std::time::Duration;

use super::bundle::cannot_read;
use super::{Failure, print};
use crate::cli::release::tag::TagArgs;
use crate::exit::Exit;
use crate::flow::release::tag::{self, TagError, TagRequest, Tagged};
use crate::io::git::GitError;
use crate::io::signals::StopRequest;

/// Checks, tags, tells.
pub(super) fn run(args: &TagArgs) -> Result<Exit, Failure> {
    let TagArgs { bundle, tag, repo, target, sign, force, push, push_timeout, dry_run } = args;
    let request = TagRequest {
        bundle,
        name: tag.as_deref(),
        repo,
        target,
        sign: *sign,
        force: *force,
        push: push.as_deref(),
        push_limit: Duration::from_secs_f64(*push_timeout),
        dry_run: *dry_run,
    };
    // Git pushes in a process group of its own, which signals of a terminal do not reach.
    let stop =
        if push.is_some() { StopRequest::listen().map_err(Failure::failed)? } else { StopRequest::default() };
    let tagged = tag::tag(request, &stop).map_err(refused)?;
    print(text(&tagged, push.is_some(), *dry_run))?;
    Ok(Exit::Success)
}

fn text(tagged: &Tagged, pushed: bool, dry_run: bool) -> String {
    let Tagged { name, commit, message, replaces } = tagged;
    let verb = match (dry_run, replaces) {
        (true, true) => "would be replaced",
        (true, false) => "would be made",
        (false, true) => "replaced",
        (false, false) => "made",
    };
    let next = match (pushed, dry_run) {
        (true, false) => "Pushed.\n".to_owned(),
        (true, true) => "It would be pushed.\n".to_owned(),
        (false, _) => format!("Not pushed. To push it: git push REMOTE refs/tags/{name}\n"),
    };
    format!("{message}\nTag `{name}` {verb} at {commit}\n{next}")
}

fn refused(error: TagError) -> Failure {
    let hint = match &error {
        TagError::Unsound { .. } => "`soak release verify` lists what is wrong; build the bundle anew",
        TagError::Rehearsal { .. } => "leave `--tag` out: the bundle knows its name",
        TagError::Unclean { .. } => "commit or stash it; the bundle itself may lie in the tree",
        TagError::Commit { .. } => "`--target` names the commit that was soaked",
        TagError::Exists { .. } => "`--force` replaces it; `--tag` gives another name",
        TagError::Git(_) => "`--repo` names a folder in a git repository; `git tag` must work there",
        TagError::NotPushed { .. } => {
            "the tag is in this repository; push it by hand when the remote is there again"
        }
        TagError::Different { .. } => "look at it with `git cat-file -p`; remove it with `git tag -d`",
        TagError::Bundle(_) => "",
    };
    match error {
        TagError::Bundle(error) => cannot_read(error),
        TagError::Unsound { .. } => Failure::input(error).hint(hint),
        TagError::NotPushed { source: GitError::Interrupted { .. }, .. } => {
            Failure::interrupted(error).hint(hint)
        }
        TagError::Git(_) | TagError::NotPushed { .. } | TagError::Different { .. } => {
            Failure::external(error).hint(hint)
        }
        TagError::Rehearsal { .. }
        | TagError::Unclean { .. }
        | TagError::Commit { .. }
        | TagError::Exists { .. } => Failure::failed(error).hint(hint),
    }
}
