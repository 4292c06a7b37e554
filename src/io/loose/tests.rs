//! Tests of [`super`]: whether a place can be written, without writing it.

use super::*;

/// Names of everything below a folder.
fn listed(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    found.sort();
    found
}

#[test]
fn a_place_that_can_be_written_is_tried_and_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    fs::write(at("there"), "mine").expect("a file");
    for name in ["there", "new", "new/below", "deep/er/file"] {
        try_below(&at(name)).expect(name);
        assert_eq!(listed(folder.path()), [at("there")], "{name}");
        write_below(&at("kept").join(name), b"x").expect(name);
        fs::remove_dir_all(at("kept")).expect("removed");
    }
    assert_eq!(fs::read_to_string(at("there")).expect("still there"), "mine");
}

#[test]
fn a_place_that_cannot_be_written_is_refused_as_writing_would_be() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    fs::write(at("file"), "").expect("a file");
    fs::create_dir(at("folder")).expect("a folder");
    let long = "x".repeat(300);
    for name in ["folder", "file/below", "file/far/below", &long, &format!("new/{long}")] {
        let error = try_below(&at(name)).expect_err(name);
        assert!(error.to_string().ends_with("cannot be written"), "{error}");
        assert!(write_below(&at(name), b"x").is_err(), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_is_in_the_way_of_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    std::os::unix::fs::symlink("gone", folder.path().join("link")).expect("a link");
    assert!(try_below(&folder.path().join("link/file")).is_err());
    assert_eq!(listed(folder.path()).len(), 1);
}
