//! Names of artifacts: relative, inside the folder, the same on every platform, and each given once.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::{Artifact, TEMPORARY_PREFIX, WriteError};
use crate::io::lock;
use crate::wire::artifact_manifest as manifest;

/// A checked name, with `/` between its parts, as the manifest spells it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(String);

impl Name {
    /// The name of this relative path. The error is what is wrong with it.
    pub(super) fn of(path: &Path) -> Result<Self, &'static str> {
        let mut parts = Vec::new();
        for component in path.components() {
            let Component::Normal(part) = component else {
                return Err("it must lead from the folder to a place inside it, without `.`, `..` or a root");
            };
            let part = part.to_str().ok_or("it is no valid unicode text")?;
            if part.contains(|c: char| c.is_control() || matches!(c, '\\' | ':')) {
                return Err("it contains a control character, a backslash or a colon");
            }
            if [lock::FILE_NAME, lock::RUN_FILE_NAME].contains(&part)
                || part == manifest::FILE_NAME
                || part.starts_with(TEMPORARY_PREFIX)
            {
                return Err("soak needs this name for itself");
            }
            parts.push(part);
        }
        if parts.is_empty() { Err("it is empty") } else { Ok(Self(parts.join("/"))) }
    }

    /// The name as the manifest spells it.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// The path relative to the folder of the commit.
    pub(super) fn path(&self) -> PathBuf {
        self.0.split('/').collect()
    }

    /// The sub-folder; empty for the folder of the commit itself.
    pub(super) fn parent(&self) -> PathBuf {
        self.path().parent().map(Path::to_owned).unwrap_or_default()
    }
}

/// The artifacts by name. Two of one name, or one inside of another, are an error.
pub(super) fn unique(artifacts: Vec<Artifact>) -> Result<BTreeMap<Name, Vec<u8>>, WriteError> {
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
pub(super) fn stale(stale: &[&str], wanted: &BTreeMap<Name, Vec<u8>>) -> Result<Vec<Name>, WriteError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(path: &str) -> Option<&'static str> {
        Name::of(Path::new(path)).err()
    }

    #[test]
    fn names_that_lead_out_of_the_folder_are_refused() {
        for path in ["", "/etc/passwd", "../x", "a/../../x", "./x", "a/..", ".."] {
            assert!(refusal(path).is_some(), "{path}");
        }
    }

    #[test]
    fn names_that_are_not_possible_everywhere_are_refused() {
        for path in ["a\nb", "a\\b", "c:x", "tab\there", "\u{1b}[2J"] {
            assert!(refusal(path).is_some(), "{path:?}");
        }
        for path in ["a b.md", "ITER_SUMMARY_BTCUSDT_001.json", "reports/analysis/plots/net_bps.png", "é.md"]
        {
            assert_eq!(refusal(path), None, "{path}");
        }
    }

    #[test]
    fn names_of_our_own_files_are_refused() {
        for path in [".soak.lock", "sub/.soak-artifacts.json", ".soak-tmp-abc", ".soak-tmp-abc/x"] {
            assert_eq!(refusal(path), Some("soak needs this name for itself"), "{path}");
        }
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
        let names = stale(&["b", "a", "b"], &wanted).unwrap_or_default();
        assert_eq!(names.iter().map(Name::text).collect::<Vec<_>>(), ["b"]);
        assert!(stale(&["../b"], &wanted).is_err());
    }
}
