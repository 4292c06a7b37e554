//! Writing artifacts: all of a set or, when the disk is full, none; never half a file.
//!
//! The order: lock every folder that is written into, remove the temporary files of writers that were
//! killed, write and sync a temporary file for each artifact that differs from what is there, rename them
//! all, remove stale files, sync the folders, and last the manifest. Being killed between two renames leaves
//! a set of which some files are new and some old, each of them whole; the next commit completes it.
//! Must not know what is in the bytes.

mod folders;
pub mod manifest;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempPath;

use self::folders::Name;
pub(crate) use self::folders::remove_leftovers;
pub use self::folders::{Durability, TEMPORARY_PREFIX, WriteError};
use self::manifest::Record;
pub use self::manifest::{Committed, LeftAlone, LeftReason};
use super::failpoint::failpoint;
use super::lock::FolderLock;

/// How long a commit waits for another writer of the same folder.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// A file to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Where, relative to the folder of the commit; may lie in sub-folders, which are created.
    pub path: PathBuf,
    /// The whole content.
    pub bytes: Vec<u8>,
}

impl Artifact {
    /// A file with this content.
    pub fn new(path: impl Into<PathBuf>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), bytes: bytes.into() }
    }
}

/// Writes the artifacts into the folder (created with its parents if missing), and removes those files of
/// `stale` (names relative to the folder) that soak wrote and nobody changed since. A name that is also
/// among the artifacts is not stale.
pub fn commit(
    folder: &Path,
    artifacts: Vec<Artifact>,
    stale: &[&str],
    durability: Durability,
) -> Result<Committed, WriteError> {
    commit_waiting(folder, artifacts, stale, durability, LOCK_WAIT)
}

fn commit_waiting(
    folder: &Path,
    artifacts: Vec<Artifact>,
    stale: &[&str],
    durability: Durability,
    lock_wait: Duration,
) -> Result<Committed, WriteError> {
    let wanted = unique(artifacts)?;
    let stale = without_wanted(stale, &wanted)?;

    folders::create_top(folder, durability)?;
    let mut parents: BTreeSet<PathBuf> = wanted.keys().map(Name::parent).collect();
    for name in stale.iter().map(Name::parent) {
        if folders::find(folder, &name)? {
            parents.insert(name);
        }
    }
    parents.insert(PathBuf::new());
    // Parents come before their children in this order, in every process: two writers cannot hold what the
    // other one waits for.
    let mut locks = Vec::with_capacity(parents.len());
    for parent in &parents {
        folders::create_below(folder, parent, durability)?;
        locks.push(FolderLock::acquire(&folder.join(parent), lock_wait)?);
    }
    for parent in &parents {
        folders::remove_leftovers(&folder.join(parent))?;
    }

    let mut committed = Committed::default();
    let mut changed = BTreeMap::new();
    for (name, bytes) in &wanted {
        if folders::holds(folder, name, bytes)? {
            committed.unchanged.push(name.path());
        } else {
            committed.written.push(name.path());
            changed.insert(name, bytes.as_slice());
        }
    }
    let record = Record::read(folder)?;
    committed.manifest_was_unreadable = !record.understood;
    let removals = record.removals(folder, &stale, &mut committed)?;
    let manifest_bytes = record.continued(folder, &wanted, &removals).to_bytes();

    let mut staged = Vec::with_capacity(changed.len());
    for (name, bytes) in changed {
        staged.push(Staged::write(&folder.join(name.path()), bytes, durability)?);
    }
    let manifest_path = folder.join(manifest::FILE_NAME);
    let staged_manifest = if record.is_written_as(&manifest_bytes) {
        None
    } else {
        Some(Staged::write(&manifest_path, &manifest_bytes, durability)?)
    };

    for file in staged {
        failpoint("before-rename");
        file.rename()?;
        failpoint("after-rename");
    }
    for name in &removals {
        failpoint("before-removal");
        let path = folder.join(name.path());
        fs::remove_file(&path).map_err(WriteError::io("remove", &path))?;
        failpoint("after-removal");
    }
    failpoint("before-folder-sync");
    for parent in &parents {
        folders::sync(&folder.join(parent), durability)?;
    }
    if let Some(file) = staged_manifest {
        failpoint("before-manifest");
        file.rename()?;
        failpoint("after-manifest");
        folders::sync(folder, durability)?;
    }
    drop(locks);
    Ok(committed)
}

/// The artifacts by name. Two of one name, or one inside of another, are an error.
fn unique(artifacts: Vec<Artifact>) -> Result<BTreeMap<Name, Vec<u8>>, WriteError> {
    let mut wanted = BTreeMap::new();
    for Artifact { path, bytes } in artifacts {
        let name = match Name::of(&path) {
            Ok(name) => name,
            Err(reason) => return Err(WriteError::Name { path, reason }),
        };
        if wanted.insert(name, bytes).is_some() {
            return Err(WriteError::Name { path, reason: "another artifact has the same name" });
        }
    }
    for name in wanted.keys() {
        let is_inside_another = name
            .parent()
            .ancestors()
            .any(|ancestor| Name::of(ancestor).is_ok_and(|ancestor| wanted.contains_key(&ancestor)));
        if is_inside_another {
            let reason = "another artifact has the name of its folder";
            return Err(WriteError::Name { path: name.path(), reason });
        }
    }
    Ok(wanted)
}

/// The stale names, sorted, each once, without those that are written.
fn without_wanted(stale: &[&str], wanted: &BTreeMap<Name, Vec<u8>>) -> Result<Vec<Name>, WriteError> {
    let mut names = Vec::with_capacity(stale.len());
    for text in stale {
        let path = Path::new(text);
        let name = Name::of(path).map_err(|reason| WriteError::Name { path: path.to_owned(), reason })?;
        if !wanted.contains_key(&name) {
            names.push(name);
        }
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// A complete temporary file. Dropped without a rename, it is removed.
#[derive(Debug)]
struct Staged {
    temporary: TempPath,
    destination: PathBuf,
}

impl Staged {
    /// Writes the bytes beside the destination. The file is closed afterwards, so that a large set does not
    /// run out of open files.
    fn write(destination: &Path, bytes: &[u8], durability: Durability) -> Result<Self, WriteError> {
        let folder = destination.parent().filter(|parent| !parent.as_os_str().is_empty());
        let mut file = builder()
            .tempfile_in(folder.unwrap_or(Path::new(".")))
            .map_err(WriteError::io("create a temporary file for", destination))?;
        failpoint("after-create");
        let (first, second) = bytes.split_at(bytes.len() / 2);
        let write = WriteError::io("write", destination);
        let written = file.write_all(first).and_then(|()| {
            failpoint("half-written");
            file.write_all(second)?;
            super::atomic_file::settle(file.as_file(), destination)?;
            failpoint("before-sync");
            match durability {
                Durability::Synced => file.as_file().sync_all(),
                Durability::Renamed => Ok(()),
            }
        });
        written.map_err(write)?;
        Ok(Self { temporary: file.into_temp_path(), destination: destination.to_owned() })
    }

    /// Puts the file in its place, replacing what is there.
    fn rename(self) -> Result<(), WriteError> {
        let Self { temporary, destination } = self;
        temporary
            .persist(&destination)
            .map_err(|refused| WriteError::io("replace", &destination)(refused.error))
    }
}

/// Temporary files get the mode of ordinary files, 0666 less the umask: readers such as `node_exporter` run as
/// another user.
#[cfg(unix)]
fn builder() -> tempfile::Builder<'static, 'static> {
    use std::os::unix::fs::PermissionsExt;
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_PREFIX).permissions(std::fs::Permissions::from_mode(0o666));
    builder
}

#[cfg(not(unix))]
fn builder() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_PREFIX);
    builder
}

#[cfg(test)]
mod tests {

    use std::error::Error;

    use super::*;
    use crate::infra::artifacts::manifest::{ArtifactManifest, sha256_hex};
    use crate::infra::lock::LockError;

    type TestResult = Result<(), Box<dyn Error>>;

    fn write(folder: &Path, files: &[(&str, &str)], stale: &[&str]) -> Result<Committed, WriteError> {
        let artifacts = files.iter().map(|(path, text)| Artifact::new(*path, *text)).collect();
        commit_waiting(folder, artifacts, stale, Durability::Synced, Duration::from_millis(60))
    }

    fn listed(folder: &Path) -> Result<BTreeMap<String, String>, Box<dyn Error>> {
        let manifest =
            ArtifactManifest::parse(&fs::read(folder.join(manifest::FILE_NAME))?).ok_or("no manifest")?;
        Ok(manifest.files.into_iter().map(|entry| (entry.name, entry.sha256)).collect())
    }

    fn names(paths: &[PathBuf]) -> Vec<String> {
        paths.iter().map(|path| path.to_string_lossy().replace('\\', "/")).collect()
    }

    #[test]
    fn a_commit_makes_its_folders_and_lists_its_files() -> TestResult {
        let root = tempfile::tempdir()?;
        let folder = root.path().join("soak/latest");
        let committed = write(&folder, &[("b.md", "two"), ("reports/analysis/a.md", "one")], &[])?;
        assert_eq!(names(&committed.written), ["b.md", "reports/analysis/a.md"]);
        assert_eq!(fs::read_to_string(folder.join("b.md"))?, "two");
        assert_eq!(fs::read_to_string(folder.join("reports/analysis/a.md"))?, "one");
        let expected = [("b.md", "two"), ("reports/analysis/a.md", "one")]
            .map(|(name, text)| (name.to_owned(), sha256_hex(text.as_bytes())));
        assert_eq!(listed(&folder)?, BTreeMap::from(expected));
        Ok(())
    }

    #[test]
    fn a_commit_of_nothing_leaves_an_empty_manifest() -> TestResult {
        let folder = tempfile::tempdir()?;
        assert_eq!(write(folder.path(), &[], &[])?, Committed::default());
        assert!(listed(folder.path())?.is_empty());
        Ok(())
    }

    #[test]
    fn equal_bytes_are_not_rewritten() -> TestResult {
        let folder = tempfile::tempdir()?;
        write(folder.path(), &[("same.md", "one"), ("other.md", "one")], &[])?;
        let long_ago = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        for name in ["same.md", "other.md", manifest::FILE_NAME] {
            fs::File::options().write(true).open(folder.path().join(name))?.set_modified(long_ago)?;
        }
        let modified = |name: &str| fs::metadata(folder.path().join(name)).and_then(|m| m.modified());

        let committed = write(folder.path(), &[("same.md", "one"), ("other.md", "one")], &[])?;
        assert_eq!((committed.written.len(), committed.unchanged.len()), (0, 2));
        assert_eq!(modified(manifest::FILE_NAME)?, long_ago, "an equal manifest is not rewritten either");

        // The same length, another content.
        let committed = write(folder.path(), &[("same.md", "one"), ("other.md", "two")], &[])?;
        assert_eq!(names(&committed.unchanged), ["same.md"]);
        assert_eq!(names(&committed.written), ["other.md"]);
        assert_eq!(modified("same.md")?, long_ago);
        assert_ne!(modified("other.md")?, long_ago);
        Ok(())
    }

    #[test]
    fn the_manifest_keeps_what_earlier_commits_wrote_and_nobody_changed() -> TestResult {
        let folder = tempfile::tempdir()?;
        let path = folder.path();
        write(path, &[("kept.md", "k"), ("edited.md", "e"), ("deleted.md", "d"), ("sub/kept.md", "s")], &[])?;
        fs::write(path.join("edited.md"), "E")?;
        fs::remove_file(path.join("deleted.md"))?;
        write(path, &[("new.md", "n")], &[])?;
        assert_eq!(listed(path)?.into_keys().collect::<Vec<_>>(), ["kept.md", "new.md", "sub/kept.md"]);
        Ok(())
    }

    #[test]
    fn a_stale_file_goes_only_if_soak_wrote_it_and_nobody_changed_it() -> TestResult {
        let folder = tempfile::tempdir()?;
        let path = folder.path();
        write(path, &[("FAILURES.md", "f"), ("edited.md", "e"), ("sub/old.md", "o")], &[])?;
        fs::write(path.join("edited.md"), "mine now")?;
        fs::write(path.join("foreign.md"), "f")?;
        let stale =
            ["FAILURES.md", "edited.md", "foreign.md", "sub/old.md", "absent.md", "no/such/folder.md"];
        let committed = write(path, &[("report.md", "r")], &stale)?;
        assert_eq!(names(&committed.removed), ["FAILURES.md", "sub/old.md"]);
        let left: Vec<_> =
            committed.left_alone.iter().map(|left| (left.path.as_path(), left.reason)).collect();
        assert_eq!(
            left,
            [(Path::new("edited.md"), LeftReason::Changed), (Path::new("foreign.md"), LeftReason::NotOurs)]
        );
        assert!(!path.join("FAILURES.md").exists() && !path.join("sub/old.md").exists());
        assert_eq!(fs::read_to_string(path.join("edited.md"))?, "mine now");
        assert_eq!(fs::read_to_string(path.join("foreign.md"))?, "f");
        assert!(!path.join("no").exists(), "no folder is made for a file that is to go");
        assert_eq!(listed(path)?.into_keys().collect::<Vec<_>>(), ["report.md"]);
        Ok(())
    }

    #[test]
    fn a_name_that_is_written_is_not_removed_as_stale() -> TestResult {
        let folder = tempfile::tempdir()?;
        write(folder.path(), &[("a.md", "1")], &[])?;
        let committed = write(folder.path(), &[("a.md", "2")], &["a.md"])?;
        assert_eq!(names(&committed.written), ["a.md"]);
        assert!(committed.removed.is_empty() && committed.left_alone.is_empty());
        assert_eq!(fs::read_to_string(folder.path().join("a.md"))?, "2");
        Ok(())
    }

    #[test]
    fn a_manifest_that_says_nothing_is_replaced_and_its_files_are_nobodys() -> TestResult {
        let folder = tempfile::tempdir()?;
        let path = folder.path();
        write(path, &[("FAILURES.md", "f")], &[])?;
        fs::write(path.join(manifest::FILE_NAME), "{ half")?;
        let committed = write(path, &[("a.md", "a")], &["FAILURES.md"])?;
        assert!(committed.manifest_was_unreadable);
        assert_eq!(committed.left_alone.first().map(|left| left.reason), Some(LeftReason::NotOurs));
        assert!(path.join("FAILURES.md").exists());
        assert_eq!(listed(path)?.into_keys().collect::<Vec<_>>(), ["a.md"]);
        Ok(())
    }

    #[test]
    fn leftovers_of_killed_writers_are_removed_and_other_hidden_files_are_not() -> TestResult {
        let folder = tempfile::tempdir()?;
        let path = folder.path();
        fs::create_dir_all(path.join("sub/.soak-tmp-folder"))?;
        for name in [".soak-tmp-abc", "sub/.soak-tmp-def", ".soak-other", ".hidden"] {
            fs::write(path.join(name), "half")?;
        }
        write(path, &[("sub/a.md", "a")], &[])?;
        let exists = |name: &str| path.join(name).exists();
        assert!(!exists(".soak-tmp-abc") && !exists("sub/.soak-tmp-def"));
        assert!(exists(".soak-other") && exists(".hidden") && exists("sub/.soak-tmp-folder"));
        Ok(())
    }

    #[test]
    fn a_second_writer_is_refused_and_named_and_nothing_is_written() -> TestResult {
        let folder = tempfile::tempdir()?;
        let path = folder.path();
        write(path, &[("a.md", "old"), ("sub/b.md", "old")], &[])?;
        for locked in [path.to_owned(), path.join("sub")] {
            let held = FolderLock::acquire(&locked, Duration::ZERO)?;
            let refused = write(path, &[("a.md", "new"), ("sub/b.md", "new")], &[]);
            let Err(error) = refused else { return Err("two writers at once".into()) };
            assert!(matches!(&error, WriteError::Lock(LockError::Held { .. })));
            if cfg!(unix) {
                assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
            }
            assert!(error.hint().is_some_and(|hint| hint.contains("wait")));
            assert_eq!(fs::read_to_string(path.join("a.md"))?, "old");
            drop(held);
        }
        assert!(write(path, &[("a.md", "new")], &[]).is_ok());
        Ok(())
    }

    #[test]
    fn writers_at_the_same_time_take_turns() -> TestResult {
        let folder = tempfile::tempdir()?;
        let path = folder.path();
        std::thread::scope(|scope| {
            let writers: Vec<_> = (0..4)
                .map(|writer| {
                    scope.spawn(move || {
                        let file = Artifact::new(format!("{writer}.md"), "x".repeat(1000));
                        commit(path, vec![file], &[], Durability::Renamed).map(|_| ())
                    })
                })
                .collect();
            writers.into_iter().all(|writer| matches!(writer.join(), Ok(Ok(()))))
        })
        .then_some(())
        .ok_or("a writer failed")?;
        assert_eq!(listed(path)?.into_keys().collect::<Vec<_>>(), ["0.md", "1.md", "2.md", "3.md"]);
        Ok(())
    }

    #[test]
    fn a_folder_or_a_file_in_the_way_is_an_error_before_anything_is_written() -> TestResult {
        let root = tempfile::tempdir()?;
        let path = root.path();
        fs::create_dir_all(path.join("in/taken.md"))?;
        let refused = write(&path.join("in"), &[("a.md", "a"), ("taken.md", "t")], &[]);
        assert!(matches!(refused, Err(WriteError::NotAFile { path }) if path.ends_with("taken.md")));
        assert!(!path.join("in/a.md").exists());

        fs::write(path.join("plain"), "a file")?;
        for folder in ["plain", "plain/below"] {
            let refused = write(&path.join(folder), &[("a.md", "a")], &[]);
            assert!(
                matches!(refused, Err(WriteError::NotAFolder { path }) if path.ends_with("plain")),
                "{folder}"
            );
        }
        let refused = write(path, &[("a.md", "a"), ("plain/b.md", "b")], &[]);
        assert!(matches!(refused, Err(WriteError::NotAFolder { path }) if path.ends_with("plain")));
        assert!(!path.join("a.md").exists());
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn artifacts_are_not_written_through_links() -> TestResult {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir()?;
        let (folder, outside) = (root.path().join("in"), root.path().join("outside"));
        fs::create_dir_all(&folder)?;
        fs::create_dir_all(&outside)?;
        fs::write(outside.join("victim.md"), "precious")?;
        symlink(outside.join("victim.md"), folder.join("linked.md"))?;
        symlink(outside.join("nowhere"), folder.join("dangling.md"))?;
        symlink(&outside, folder.join("reports"))?;
        for (name, link) in
            [("linked.md", "linked.md"), ("dangling.md", "dangling.md"), ("reports/a.md", "reports")]
        {
            let refused = write(&folder, &[("plain.md", "p"), (name, "x")], &[]);
            let Err(error) = refused else { return Err(format!("{name} was written").into()) };
            assert!(
                matches!(&error, WriteError::Symlink { path } if path.ends_with(link)),
                "{name}: {error}"
            );
            assert!(!folder.join("plain.md").exists());
        }
        assert!(write(&folder, &[], &["reports/victim.md"]).is_err(), "nor removed through links");
        assert_eq!(fs::read_to_string(outside.join("victim.md"))?, "precious");
        assert_eq!(fs::read_dir(&outside)?.count(), 1);
        // The folder itself may be a link: it is the one that the user named.
        symlink(&outside, root.path().join("latest"))?;
        write(&root.path().join("latest"), &[("a.md", "a")], &[])?;
        assert!(outside.join("a.md").exists());
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn a_stale_link_is_left_as_it_is_even_if_its_target_is_as_listed() -> TestResult {
        let folder = tempfile::tempdir()?;
        let path = folder.path();
        write(path, &[("FAILURES.md", "f")], &[])?;
        fs::rename(path.join("FAILURES.md"), path.join("moved.md"))?;
        std::os::unix::fs::symlink(path.join("moved.md"), path.join("FAILURES.md"))?;
        let committed = write(path, &[], &["FAILURES.md"])?;
        assert_eq!(committed.left_alone.first().map(|left| left.reason), Some(LeftReason::Changed));
        assert!(path.join("FAILURES.md").is_symlink());
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn files_get_the_mode_of_ordinary_files() -> TestResult {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir()?;
        // What the umask of this process makes of an ordinary file.
        fs::write(folder.path().join("ordinary"), "x")?;
        let mode =
            |name: &str| fs::metadata(folder.path().join(name)).map(|m| m.permissions().mode() & 0o777);
        write(folder.path(), &[("a.prom", "1")], &[])?;
        assert_eq!(mode("a.prom")?, mode("ordinary")?);
        assert_eq!(mode(manifest::FILE_NAME)?, mode("ordinary")?);
        write(folder.path(), &[("a.prom", "2")], &[])?;
        assert_eq!(mode("a.prom")?, mode("ordinary")?);
        Ok(())
    }

    #[test]
    fn errors_of_the_system_name_the_path_and_the_way_out() {
        let reported = |kind: std::io::ErrorKind| {
            let error = WriteError::io("write", Path::new("out/a.md"))(kind.into());
            (error.to_string(), error.hint(), error.source().is_some())
        };
        let (message, hint, has_source) = reported(std::io::ErrorKind::StorageFull);
        assert_eq!(message, "cannot write `out/a.md`");
        assert!(has_source && hint.is_some_and(|hint| hint.contains("space")));
        for kind in [std::io::ErrorKind::PermissionDenied, std::io::ErrorKind::ReadOnlyFilesystem] {
            assert!(reported(kind).1.is_some_and(|hint| hint.contains("writable")));
        }
        assert_eq!(reported(std::io::ErrorKind::BrokenPipe).1, None);
    }

    #[test]
    fn two_artifacts_of_one_name_are_refused_and_so_is_one_inside_another() {
        let set = |paths: &[&str]| unique(paths.iter().map(|path| Artifact::new(*path, "x")).collect());
        assert!(set(&["a", "b", "sub/a"]).is_ok());
        assert!(set(&["a", "a"]).is_err());
        assert!(set(&["sub/a", "sub//a"]).is_err());
        assert!(set(&["sub", "sub/deep/a"]).is_err());
        assert!(set(&["sub", "sub.md"]).is_ok());
    }

    #[test]
    fn a_name_that_is_written_is_not_stale() {
        let wanted = unique(vec![Artifact::new("a", "x")]).unwrap_or_default();
        let names = without_wanted(&["b", "a", "b"], &wanted).unwrap_or_default();
        assert_eq!(names.iter().map(Name::text).collect::<Vec<_>>(), ["b"]);
        assert!(without_wanted(&["../b"], &wanted).is_err());
    }
}
