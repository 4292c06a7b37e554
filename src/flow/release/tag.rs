//! An annotated tag for a verified bundle.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::core::release::facts::is_same_commit;
use crate::core::release::name::REHEARSAL;
use crate::core::run::source::Wait;
use crate::io::bundle::{ARCHIVE_ENDING, BundleError, archive_of};
use crate::io::git::{GitError, Repository};
use crate::io::loose;
use crate::render::release::tag_message;

use super::verify::verify;

/// What to tag, and how.
#[derive(Clone, Copy, Debug)]
pub struct TagRequest<'a> {
    /// The bundle, folder or archive.
    pub bundle: &'a Path,
    /// Name of the tag; `None` = that of the release.
    pub name: Option<&'a str>,
    /// A folder in the repository.
    pub repo: &'a Path,
    /// What is tagged.
    pub target: &'a str,
    /// Sign it.
    pub sign: bool,
    /// Replace a tag of the name.
    pub force: bool,
    /// Push it to this remote.
    pub push: Option<&'a str>,
    /// What is not pushed after this is given up.
    pub push_limit: Duration,
    /// Write nothing.
    pub dry_run: bool,
}

/// Why there is no tag, or not where it should be.
#[derive(Debug, thiserror::Error)]
pub enum TagError {
    /// The bundle cannot be read.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The bundle is not sound.
    #[error("the bundle cannot be tagged: {}", problems.join("; "))]
    Unsound {
        /// Everything that is wrong with it.
        problems: Vec<String>,
    },
    /// A rehearsal under the name of a release.
    #[error("the bundle is of a rehearsal, and `{name}` does not end in `{REHEARSAL}`")]
    Rehearsal {
        /// The name.
        name: String,
    },
    /// Something was changed and not committed.
    #[error("the tree is not clean: {}", told(paths))]
    Unclean {
        /// What.
        paths: Vec<String>,
    },
    /// Another commit was soaked.
    #[error("the bundle is of commit {soaked}, and `{target}` is {found}")]
    Commit {
        /// In the bundle.
        soaked: String,
        /// As asked.
        target: String,
        /// What that is.
        found: String,
    },
    /// The name is taken.
    #[error("there is a tag `{name}` already")]
    Exists {
        /// The name.
        name: String,
    },
    /// Git did not do it.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The tag is not what it should be.
    #[error("the tag `{name}` was made and is not as it should be: {what}")]
    Different {
        /// The name.
        name: String,
        /// In what.
        what: &'static str,
    },
    /// It is there, but not at the remote.
    #[error("the tag `{name}` was made, but not pushed")]
    NotPushed {
        /// The name.
        name: String,
        /// Why.
        source: GitError,
    },
}

/// A tag that was made, or would be.
#[derive(Debug)]
pub struct Tagged {
    /// Its name.
    pub name: String,
    /// The commit.
    pub commit: String,
    /// Its message.
    pub message: String,
    /// A tag of the name was there and is replaced.
    pub replaces: bool,
}

fn told(paths: &[String]) -> String {
    const TOLD: usize = 5;
    let some: Vec<&str> = paths.iter().take(TOLD).map(String::as_str).collect();
    let more = paths.len().saturating_sub(TOLD);
    if more > 0 { format!("{} and {more} more", some.join(", ")) } else { some.join(", ") }
}

/// Checks everything, then makes the tag, reads it back, and pushes it where that was asked for.
pub fn tag(request: TagRequest<'_>, wait: &dyn Wait) -> Result<Tagged, TagError> {
    let TagRequest { bundle, name, repo, target, sign, force, push, push_limit, dry_run } = request;
    let checked = verify(bundle)?;
    let (Some(manifest), Some(sha256), true) =
        (checked.manifest, checked.bundle_sha256, checked.problems.is_empty())
    else {
        return Err(TagError::Unsound { problems: checked.problems });
    };
    let name = name.unwrap_or(&manifest.name).to_owned();
    if manifest.rehearsal && !name.ends_with(REHEARSAL) {
        return Err(TagError::Rehearsal { name });
    }
    let repository = Repository::around(repo)?;
    let commit = repository.commit(target)?;
    if let Some(soaked) = manifest.facts.commit().filter(|soaked| !is_same_commit(soaked, &commit)) {
        return Err(TagError::Commit { soaked: soaked.to_owned(), target: target.to_owned(), found: commit });
    }
    // The bundle itself, folder and archive, may lie in the tree before anybody commits it.
    let bundle = loose::resolved(bundle);
    let beside = match bundle.to_string_lossy().strip_suffix(ARCHIVE_ENDING) {
        Some(folder) => PathBuf::from(folder),
        None => archive_of(&bundle),
    };
    let top = loose::resolved(repository.top());
    let is_bundle = |path: &String| {
        let path = top.join(path);
        path.starts_with(&bundle) || path.starts_with(&beside)
    };
    let paths: Vec<String> = repository.unclean()?.into_iter().filter(|path| !is_bundle(path)).collect();
    if !paths.is_empty() {
        return Err(TagError::Unclean { paths });
    }
    let replaces = repository.has_tag(&name)?;
    if replaces && !force {
        return Err(TagError::Exists { name });
    }
    let message = tag_message::message(&manifest, &sha256);
    if !dry_run {
        repository.make_tag(&name, &commit, &message, sign, force)?;
        let (there, points_to) = repository.read_tag(&name)?;
        if points_to != commit {
            return Err(TagError::Different { name, what: "it points to another commit" });
        }
        // Behind the message stands the signature.
        if !there.starts_with(&message) || (!sign && there != message) {
            return Err(TagError::Different { name, what: "its message was changed" });
        }
        if let Some(remote) = push {
            repository
                .push_tag(remote, &name, force, push_limit, wait)
                .map_err(|source| TagError::NotPushed { name: name.clone(), source })?;
        }
    }
    Ok(Tagged { name, commit, message, replaces })
}
