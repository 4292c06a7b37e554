//! An annotated tag for a verified bundle, with the KPIs and the hash of the bundle.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;
use askama::Template;

use super::bundle::manifest::BundleManifest;
use super::bundle::sound;
use super::bundle::store::{ARCHIVE_ENDING, archive_of};
use super::criteria::is_same_commit;
use super::name::REHEARSAL;
use super::texts::{filters, rendered};
use crate::core::verdict::Outcome;
use crate::core::verdict::failure::Failure;
use crate::infra::atomic_file;
use crate::infra::clock::Wait;
use crate::infra::git::{GitError, Repository};

/// What to tag, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TagRequest<'a> {
    /// The bundle, folder or archive.
    pub(crate) bundle: &'a Path,
    /// Name of the tag; `None` = that of the release.
    pub(crate) name: Option<&'a str>,
    /// A folder in the repository.
    pub(crate) repo: &'a Path,
    /// What is tagged.
    pub(crate) target: &'a str,
    pub(crate) sign: bool,
    /// Replace a tag of the name.
    pub(crate) force: bool,
    /// Push it to this remote.
    pub(crate) push: Option<&'a str>,
    /// What is not pushed after this is given up.
    pub(crate) push_limit: Duration,
    /// Write nothing.
    pub(crate) dry_run: bool,
}

/// A tag that was made, or would be.
#[derive(Debug)]
pub(crate) struct Tagged {
    pub(crate) name: String,
    pub(crate) commit: String,
    pub(crate) message: String,
    /// A tag of the name was there and is replaced.
    pub(crate) replaces: bool,
    /// The top folder of the repository.
    pub(crate) repository: PathBuf,
}

/// The message of a tag: plain lines that survive any tool. None begins with `#`, whatever the data holds.
#[derive(Template)]
#[template(path = "tag_message.txt")]
struct TagMessage<'a> {
    manifest: &'a BundleManifest,
    sha256: &'a str,
}

/// The first of a list of paths, and how many more there are.
fn some(paths: &[String]) -> String {
    const SHOWN: usize = 5;
    let some = paths[..paths.len().min(SHOWN)].join(", ");
    let more = paths.len().saturating_sub(SHOWN);
    if more > 0 { format!("{some} and {more} more") } else { some }
}

fn git_failed(error: GitError) -> Failure {
    Failure::external(error).hint("`--repo` names a folder in a git repository; `git tag` must work there")
}

/// Checks everything, then makes the tag, reads it back, and pushes it where that was requested.
pub(crate) fn tag(request: TagRequest<'_>, wait: &dyn Wait) -> Result<Tagged, Failure> {
    let TagRequest { bundle, name, repo, target, sign, force, push, push_limit, dry_run } = request;
    let (manifest, sha256, _) = sound(bundle, "the bundle cannot be tagged")?;
    let name = name.unwrap_or(&manifest.name).to_owned();
    if manifest.rehearsal && !name.ends_with(REHEARSAL) {
        let problem = anyhow!("the bundle is of a rehearsal, and `{name}` does not end in `{REHEARSAL}`");
        return Err(Failure::failed(problem).hint("leave `--tag` out: the bundle knows its name"));
    }
    let repository = Repository::around(repo).map_err(git_failed)?;
    let commit = repository.commit(target).map_err(git_failed)?;
    if let Some(soaked) = manifest.facts.commit().filter(|soaked| !is_same_commit(soaked, &commit)) {
        return Err(Failure::failed(anyhow!("the bundle is of commit {soaked}, and `{target}` is {commit}"))
            .hint("`--target` names the commit that was soaked"));
    }
    // The bundle itself, folder and archive, may lie in the tree before anybody commits it.
    let bundle = atomic_file::resolved(bundle);
    let beside = match bundle.to_string_lossy().strip_suffix(ARCHIVE_ENDING) {
        Some(folder) => PathBuf::from(folder),
        None => archive_of(&bundle),
    };
    let top = atomic_file::resolved(repository.top());
    let is_bundle = |path: &String| {
        let path = top.join(path);
        path.starts_with(&bundle) || path.starts_with(&beside)
    };
    let mut paths = repository.unclean().map_err(git_failed)?;
    paths.retain(|path| !is_bundle(path));
    if !paths.is_empty() {
        return Err(Failure::failed(anyhow!(
            "the tree of `{}` is not clean: {}",
            repository.top().display(),
            some(&paths)
        ))
        .hint("commit changes of the source, and name folders of runs in `.gitignore`; the bundle may be in the tree"));
    }
    let replaces = repository.has_tag(&name).map_err(git_failed)?;
    if replaces && !force {
        return Err(Failure::failed(anyhow!("there is a tag `{name}` already"))
            .hint("`--force` replaces it; `--tag` gives another name"));
    }
    let message = rendered(&TagMessage { manifest: &manifest, sha256: &sha256 });
    if !dry_run {
        repository.make_tag(&name, &commit, &message, sign, force).map_err(git_failed)?;
        let (there, points_to) = repository.read_tag(&name).map_err(git_failed)?;
        // The signature follows the message.
        let is_changed = !there.starts_with(&message) || (!sign && there != message);
        if points_to != commit || is_changed {
            let what =
                if points_to == commit { "its message was changed" } else { "it points to another commit" };
            return Err(Failure::external(anyhow!(
                "the tag `{name}` was made and is not as it should be: {what}"
            ))
            .hint("look at it with `git cat-file -p`; remove it with `git tag -d`"));
        }
        if let Some(remote) = push {
            let pushed = repository.push_tag(remote, &name, force, push_limit, wait);
            pushed.map_err(|error| not_pushed(&name, error))?;
        }
    }
    Ok(Tagged { name, commit, message, replaces, repository: repository.top().to_owned() })
}

/// The tag is there, but not at the remote.
fn not_pushed(name: &str, error: GitError) -> Failure {
    let is_interrupted = matches!(error, GitError::Interrupted { .. });
    let error = anyhow!(error).context(format!("the tag `{name}` was made, but not pushed"));
    let failure = if is_interrupted { Failure::interrupted(error) } else { Failure::external(error) };
    failure.hint("the tag is in this repository; push it by hand when the remote is there again")
}
