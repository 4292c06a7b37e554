//! What a commit of artifacts survives: being killed at any step, a full disk, a folder that cannot be written,
//! two writers. The writer that is killed is this test program again, started with `child_commit` as its only
//! test.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use soak::infra::artifacts::manifest as artifact_manifest;
use soak::infra::artifacts::manifest::ArtifactManifest;
use soak::infra::artifacts::{Artifact, Durability, WriteError, commit};
use soak::infra::lock::{FolderLock, LockError};

use super::{SmallDisk, TestResult};

/// Tells the child which folder to write into.
const FOLDER: &str = "SOAK_TEST_FOLDER";
/// Tells the child to write one more file, of this name.
const EXTRA: &str = "SOAK_TEST_EXTRA";

/// The steps of a commit at which the child is killed: those before the first rename, and the rest.
const STAGING: [&str; 3] = ["after-create", "half-written", "before-sync"];
const REPLACING: [&str; 7] = [
    "before-rename",
    "after-rename",
    "before-removal",
    "after-removal",
    "before-folder-sync",
    "before-manifest",
    "after-manifest",
];

/// The files before: `kept.md` stays as it is, `FAILURES.md` is to be removed.
fn old_set() -> BTreeMap<&'static str, Vec<u8>> {
    BTreeMap::from([
        ("FAILURES.md", b"old failures".to_vec()),
        ("kept.md", b"kept".to_vec()),
        ("report.md", b"old report ".repeat(20_000)),
        ("reports/analysis/table.csv", b"old,table\n".to_vec()),
    ])
}

/// The files after.
fn new_set() -> BTreeMap<&'static str, Vec<u8>> {
    BTreeMap::from([
        ("kept.md", b"kept".to_vec()),
        ("report.md", b"a new report ".repeat(20_000)),
        ("reports/analysis/extra.json", b"{}\n".to_vec()),
        ("reports/analysis/table.csv", b"new,table\n".to_vec()),
    ])
}

fn artifacts(set: BTreeMap<&'static str, Vec<u8>>) -> Vec<Artifact> {
    set.into_iter().map(|(path, bytes)| Artifact::new(path, bytes)).collect()
}

/// Every file below the folder, hidden ones too, but for the locks.
fn files_in(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, Box<dyn Error>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        for entry in fs::read_dir(current)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with(soak::infra::lock::FILE_NAME) {
                files.insert(path.strip_prefix(folder)?.to_string_lossy().into_owned(), fs::read(&path)?);
            }
        }
    }
    Ok(files)
}

/// What the folder holds, without our own files.
fn artifacts_in(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, Box<dyn Error>> {
    let mut files = files_in(folder)?;
    files.retain(|name, _| !name.contains(".soak-"));
    Ok(files)
}

fn owned(set: BTreeMap<&'static str, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    set.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}

fn manifest_in(folder: &Path) -> Result<ArtifactManifest, Box<dyn Error>> {
    let bytes = fs::read(folder.join(artifact_manifest::FILE_NAME))?;
    ArtifactManifest::parse(&bytes).ok_or_else(|| "the manifest is not whole".into())
}

fn child(folder: &Path, variables: &[(&str, &str)]) -> Result<Command, Box<dyn Error>> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["--exact", "durability::artifacts::child_commit", "--nocapture"])
        .env(FOLDER, folder)
        .envs(variables.iter().copied())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Ok(command)
}

fn run_child(folder: &Path, variables: &[(&str, &str)]) -> Result<ExitStatus, Box<dyn Error>> {
    Ok(child(folder, variables)?.status()?)
}

/// The writer. Does nothing unless another test started it.
#[test]
fn child_commit() -> TestResult {
    let Some(folder) = std::env::var_os(FOLDER) else { return Ok(()) };
    let mut set = artifacts(new_set());
    if let Ok(name) = std::env::var(EXTRA) {
        set.push(Artifact::new(name.clone(), name));
    }
    commit(Path::new(&folder), set, &["FAILURES.md"], Durability::Synced)?;
    Ok(())
}

#[test]
fn a_writer_killed_at_any_step_leaves_whole_files_and_the_next_one_finishes() -> TestResult {
    let (old, new) = (owned(old_set()), owned(new_set()));
    for step in STAGING.into_iter().chain(REPLACING) {
        let mut kills = 0;
        loop {
            let root = tempfile::tempdir()?;
            let folder = root.path();
            commit(folder, artifacts(old_set()), &[], Durability::Synced)?;
            let manifest_before = manifest_in(folder)?;
            let failpoint = format!("{step}:{}", kills + 1);
            if run_child(folder, &[("SOAK_FAILPOINT", &failpoint)])?.success() {
                assert_eq!(artifacts_in(folder)?, new, "{failpoint} was not reached");
                break;
            }
            kills += 1;

            let found = artifacts_in(folder)?;
            if STAGING.contains(&step) {
                assert_eq!(found, old, "{failpoint}: nothing is replaced before all of it is on the disk");
            }
            for (name, bytes) in &found {
                let is_whole = [&old, &new].iter().any(|set| set.get(name) == Some(bytes));
                assert!(is_whole, "{failpoint}: {name} is neither old nor new");
            }
            for name in old.keys().filter(|name| new.contains_key(*name)) {
                assert!(found.contains_key(name), "{failpoint}: {name} is gone");
            }
            let manifest = manifest_in(folder)?;
            assert_eq!(manifest == manifest_before, step != "after-manifest", "{failpoint}");

            let done = commit(folder, artifacts(new_set()), &["FAILURES.md"], Durability::Synced)?;
            assert!(done.left_alone.is_empty(), "{failpoint}: {done:?}");
            let mut after = files_in(folder)?;
            assert!(after.remove(artifact_manifest::FILE_NAME).is_some());
            assert_eq!(after, new, "{failpoint}: all is new, and no temporary file is left");
            let listed: Vec<_> = manifest_in(folder)?.files.into_iter().map(|entry| entry.name).collect();
            assert_eq!(listed, new.keys().cloned().collect::<Vec<_>>(), "{failpoint}");
        }
        // Three artifacts and the manifest are staged; three artifacts are renamed; the rest happens once.
        let expected = match step {
            step if STAGING.contains(&step) => 4,
            "before-rename" | "after-rename" => 3,
            _ => 1,
        };
        assert_eq!(kills, expected, "{step}");
    }
    Ok(())
}

#[test]
fn a_writer_killed_in_a_new_folder_leaves_nothing_that_looks_like_an_artifact() -> TestResult {
    for step in STAGING {
        let root = tempfile::tempdir()?;
        let folder = root.path().join("artifacts/soak/latest");
        assert!(!run_child(&folder, &[("SOAK_FAILPOINT", step)])?.success());
        assert!(artifacts_in(&folder)?.is_empty(), "{step}");
        assert!(run_child(&folder, &[])?.success());
        let mut after = files_in(&folder)?;
        assert!(after.remove(artifact_manifest::FILE_NAME).is_some());
        assert_eq!(after, owned(new_set()), "{step}");
    }
    Ok(())
}

#[test]
fn writers_in_several_processes_take_turns() -> TestResult {
    let root = tempfile::tempdir()?;
    let names = ["w1.md", "w2.md", "w3.md", "w4.md"];
    let mut children = Vec::new();
    for name in names {
        children.push(child(root.path(), &[(EXTRA, name)])?.spawn()?);
    }
    for mut child in children {
        assert!(child.wait()?.success());
    }
    let mut expected = owned(new_set());
    expected.extend(names.map(|name| (name.to_owned(), name.as_bytes().to_vec())));
    assert_eq!(artifacts_in(root.path())?, expected);
    let listed: Vec<_> = manifest_in(root.path())?.files.into_iter().map(|entry| entry.name).collect();
    assert_eq!(listed, expected.into_keys().collect::<Vec<_>>());
    Ok(())
}

#[test]
fn a_writer_that_waited_in_vain_names_the_process_that_holds_the_lock() -> TestResult {
    let root = tempfile::tempdir()?;
    let _held = FolderLock::acquire(root.path(), Duration::ZERO)?;
    let output = child(root.path(), &[])?.stdout(Stdio::piped()).stderr(Stdio::piped()).output()?;
    assert!(!output.status.success());
    let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if cfg!(unix) {
        assert!(told.contains(&format!("pid: Some({})", std::process::id())), "{told}");
    }
    assert!(artifacts_in(root.path())?.is_empty());
    Ok(())
}

#[test]
fn a_full_disk_leaves_every_old_file_whole() -> TestResult {
    const PAGE: usize = 4096;
    let Some(disk) = SmallDisk::mount("128k")? else { return Ok(()) };
    let folder = disk.path().join("latest");
    let old = BTreeMap::from([("a.md", b"old a".to_vec()), ("b.md", b"old b".to_vec())]);
    let (mut fitted, mut refused) = (0, 0);
    // Page by page, so that the disk gets full at every one of the steps, the manifest's included.
    for pages in 1..34 {
        commit(&folder, artifacts(old.clone()), &["c.md"], Durability::Synced)?;
        let before = files_in(&folder)?;
        let new = vec![
            Artifact::new("a.md", "new a"),
            Artifact::new("b.md", "x"),
            Artifact::new("c.md", vec![7; pages * PAGE]),
        ];
        match commit(&folder, new, &[], Durability::Synced) {
            Ok(_) => {
                assert_eq!(refused, 0, "{pages} pages fit, but fewer did not");
                fitted += 1;
            }
            Err(error) => {
                assert!(error.hint().is_some_and(|hint| hint.contains("space")), "{pages} pages: {error:?}");
                assert!(error.source().is_some());
                assert_eq!(files_in(&folder)?, before, "{pages} pages: all is as it was, no temporary file");
                refused += 1;
            }
        }
    }
    assert!(fitted > 10 && refused > 3, "{fitted} fitted, {refused} did not");
    Ok(())
}

#[test]
fn a_folder_that_cannot_be_written_is_named_and_stays_as_it_is() -> TestResult {
    let Some(disk) = SmallDisk::mount("128k")? else { return Ok(()) };
    let folder: PathBuf = disk.path().join("latest");
    commit(&folder, vec![Artifact::new("a.md", "old")], &[], Durability::Synced)?;
    if !disk.make_read_only()? {
        eprintln!("skipped: the disk cannot be made read-only");
        return Ok(());
    }
    for target in [folder.clone(), disk.path().join("new/folder")] {
        let Err(error) = commit(&target, vec![Artifact::new("a.md", "new")], &[], Durability::Synced) else {
            return Err("it was written".into());
        };
        let names_it = match &error {
            WriteError::Lock(LockError::Io { path, .. }) | WriteError::Io { path, .. } => {
                path.starts_with(disk.path())
            }
            _ => false,
        };
        assert!(names_it && error.to_string().contains('`'), "{error:?}");
        assert!(error.hint().is_some_and(|hint| hint.contains("writable")), "{error:?}");
    }
    assert_eq!(artifacts_in(&folder)?, owned(BTreeMap::from([("a.md", b"old".to_vec())])));
    Ok(())
}

/// Root may write everywhere, so this one is for everybody else.
#[cfg(unix)]
#[test]
fn a_folder_without_permission_is_named_with_a_hint() -> TestResult {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir()?;
    let folder = root.path().join("locked");
    fs::create_dir(&folder)?;
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555))?;
    if fs::write(folder.join("probe"), "x").is_ok() {
        eprintln!("skipped: this user may write everywhere");
        return Ok(());
    }
    let refused = commit(&folder, vec![Artifact::new("a.md", "a")], &[], Durability::Synced);
    assert!(refused.is_err_and(|error| error.hint().is_some_and(|hint| hint.contains("writable"))));
    Ok(())
}
