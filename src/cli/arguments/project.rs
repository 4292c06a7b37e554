//! `soak.toml`: the policy of the project that one works in.

use std::path::{Path, PathBuf};

use crate::infra::atomic_file;

/// Its name.
pub(crate) const FILE: &str = "soak.toml";

/// The nearest `soak.toml` above a folder or in it, as a path that is relative to the folder.
///
/// The search ends at the root of the repository, the nearest folder with `.git`. Without a repository it ends at the
/// home folder. Outside of both only the folder itself counts: a file that somebody left in `/tmp` must not judge.
pub(crate) fn find(folder: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let is_root = |folder: &Path| atomic_file::exists(&folder.join(".git"));
    let last = folder
        .ancestors()
        .position(is_root)
        .or_else(|| folder.ancestors().position(|ancestor| Some(ancestor) == home))
        .unwrap_or(0);
    (0..=last)
        .map(|up| PathBuf::from("../".repeat(up) + FILE))
        .find(|file| atomic_file::exists(&folder.join(file)))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests make folders")]
mod tests {
    use super::*;
    use std::fs;

    /// Folders, and files where the name has a dot at its end that is not its start.
    fn place(paths: &[&str]) -> tempfile::TempDir {
        let place = tempfile::tempdir().expect("a folder");
        for path in paths {
            let path = place.path().join(path);
            fs::create_dir_all(path.parent().expect("below the folder")).expect("made");
            match path.file_name() {
                Some(name) if name == FILE => fs::write(&path, "").expect("written"),
                _ => fs::create_dir_all(&path).expect("made"),
            }
        }
        place
    }

    fn found(paths: &[&str], from: &str, home: Option<&str>) -> Option<String> {
        let place = place(paths);
        let home = home.map(|home| place.path().join(home));
        find(&place.path().join(from), home.as_deref()).map(|path| path.display().to_string())
    }

    #[test]
    fn the_nearest_file_up_to_the_root_of_the_repository_is_found() {
        let told = |paths: &[&str]| found(&[&["a/.git", "a/b/c"], paths].concat(), "a/b/c", None);
        assert_eq!(told(&["a/b/c/soak.toml", "a/soak.toml"]).as_deref(), Some("soak.toml"));
        assert_eq!(told(&["a/b/soak.toml", "a/soak.toml"]).as_deref(), Some("../soak.toml"));
        assert_eq!(told(&["a/soak.toml"]).as_deref(), Some("../../soak.toml"));
        assert_eq!(told(&["soak.toml"]), None, "above the repository");
        assert_eq!(told(&[]), None);
    }

    #[test]
    fn a_repository_ends_the_search_also_below_the_home_folder() {
        let paths = ["soak.toml", "a/.git", "a/b"];
        assert_eq!(found(&paths, "a/b", Some("")), None);
        assert_eq!(found(&paths[..1], "", Some("")).as_deref(), Some("soak.toml"));
    }

    #[test]
    fn without_a_repository_the_search_ends_at_the_home_folder_and_elsewhere_at_once() {
        let paths = ["soak.toml", "home/soak.toml", "home/a/b", "tmp/a"];
        assert_eq!(found(&paths, "home/a/b", Some("home")).as_deref(), Some("../../soak.toml"));
        assert_eq!(found(&["soak.toml", "home/a"], "home/a", Some("home")), None);
        assert_eq!(found(&paths, "tmp/a", Some("home")), None);
        assert_eq!(found(&paths, "home/a", None), None);
        assert_eq!(found(&["tmp/soak.toml"], "tmp", Some("home")).as_deref(), Some("soak.toml"));
    }

    #[test]
    fn a_folder_of_that_name_and_a_link_that_leads_nowhere_are_found_so_that_reading_them_fails() {
        let place = place(&[".git", "a/soak.toml/x", "b", "soak.toml"]);
        assert_eq!(find(&place.path().join("a"), None), Some(PathBuf::from("soak.toml")));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("gone", place.path().join("b/soak.toml")).expect("linked");
            assert_eq!(find(&place.path().join("b"), None), Some(PathBuf::from("soak.toml")));
        }
    }
}
