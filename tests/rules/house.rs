//! What the source tree measures: code, files, folders, error types, and which file imports which.

use std::collections::{BTreeMap, BTreeSet};

use crate::rules::checker::Source;

/// The files that a value crosses from a run folder to the exit code of `gate`, in order.
pub(crate) const VALUE_WALK: &[&str] = &[
    "core/load/files.rs",
    "core/load/iteration.rs",
    "core/json/text.rs",
    "core/kpi.rs",
    "core/iteration/mod.rs",
    "core/load/mod.rs",
    "core/series/mod.rs",
    "core/analysis/mod.rs",
    "core/judge/passes.rs",
    "core/verdict/mod.rs",
    "cli/judge/post_soak.rs",
    "core/verdict/exit.rs",
];

/// The files that an alert crosses from the hook to the action, in order.
pub(crate) const ALERT_WALK: &[&str] = &[
    "rollback/server/mod.rs",
    "rollback/server/routes.rs",
    "rollback/alert.rs",
    "rollback/coordinator.rs",
    "rollback/decide/mod.rs",
    "rollback/state.rs",
    "rollback/event.rs",
    "rollback/journal.rs",
    "rollback/log.rs",
    "rollback/executor.rs",
    "rollback/action.rs",
    "rollback/policy/mod.rs",
    "rollback/perform.rs",
    "infra/http.rs",
];

/// Whether a file holds nothing but tests and what they need.
pub(crate) fn is_for_tests(name: &str) -> bool {
    let stem = name.rsplit('/').next().unwrap_or(name);
    name.split('/').any(|part| part == "tests") || stem.ends_with("tests.rs") || stem.contains("fixture")
}

/// Lines that are neither blank nor comment nor test.
pub(crate) fn code_lines(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let (mut count, mut at) = (0, 0);
    while at < lines.len() {
        let line = lines[at].trim();
        if line.starts_with("#[cfg(test)]") || line.starts_with("#[cfg(all(test") {
            at += 1;
            while lines[at].trim().starts_with("#[") {
                at += 1;
            }
            if lines[at].ends_with('{') {
                let indent = lines[at].len() - lines[at].trim_start().len();
                let end = format!("{}}}", " ".repeat(indent));
                while !lines[at].starts_with(&end) {
                    at += 1;
                }
            }
        } else if !line.is_empty() && !line.starts_with("//") {
            count += 1;
        }
        at += 1;
    }
    count
}

/// The folder that shows most entries, and how many: files and folders, without hidden ones.
pub(crate) fn fullest_folder(names: &[&str]) -> (String, usize) {
    let mut entries: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for name in names {
        let parts: Vec<&str> = name.split('/').collect();
        for (depth, part) in parts.iter().enumerate() {
            entries.entry(parts[..depth].join("/")).or_default().insert(part);
        }
    }
    let count = |(folder, shown): (String, BTreeSet<&str>)| (format!("src/{folder}"), shown.len());
    entries.into_iter().map(count).max_by_key(|(_, shown)| *shown).unwrap_or_default()
}

/// Which file imports which, through re-exports, outside tests.
pub(crate) struct Graph {
    files: BTreeMap<Vec<String>, String>,
    names: BTreeMap<(Vec<String>, String), Vec<String>>,
    edges: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    pub(crate) fn of(sources: &[Source]) -> Self {
        let sources: Vec<&Source> = sources.iter().filter(|source| !is_for_tests(source.name())).collect();
        let files =
            sources.iter().map(|source| (source.module().to_vec(), source.name().to_owned())).collect();
        let mut graph = Self { files, names: BTreeMap::new(), edges: BTreeMap::new() };
        let imports: Vec<_> = sources.iter().map(|source| (source.name(), source.imports())).collect();
        for (_, imports) in &imports {
            for (module, name, path) in &imports.names {
                graph.names.insert((module.clone(), name.clone()), path.clone());
            }
        }
        for (name, imports) in &imports {
            for (module, path) in &imports.paths {
                if let Some(target) = graph.file_of(module, path, 0).filter(|target| target != name) {
                    graph.edges.entry((*name).to_owned()).or_default().insert(target);
                }
            }
        }
        graph
    }

    /// The file that defines what `path` names in `module`; `None` outside the crate.
    fn file_of(&self, module: &[String], path: &[String], depth: usize) -> Option<String> {
        let (first, rest) = path.split_first()?;
        let mut start: Vec<String> = match first.as_str() {
            "crate" => Vec::new(),
            "self" => module.to_vec(),
            "super" => module.split_last()?.1.to_vec(),
            name => {
                let child = [module, &[name.to_owned()]].concat();
                if self.files.contains_key(&child) {
                    child
                } else {
                    let brought = self.names.get(&(module.to_vec(), name.to_owned()))?;
                    let is_itself = brought.first() == Some(first);
                    if depth > 20 || is_itself {
                        return None;
                    }
                    return self.file_of(module, &[brought.as_slice(), rest].concat(), depth + 1);
                }
            }
        };
        let mut rest = rest;
        while let [first, tail @ ..] = rest
            && first == "super"
        {
            start.pop();
            rest = tail;
        }
        for (at, name) in rest.iter().enumerate() {
            let child = [start.as_slice(), std::slice::from_ref(name)].concat();
            if self.files.contains_key(&child) {
                start = child;
            } else if let Some(brought) = self.names.get(&(start.clone(), name.clone()))
                && depth < 20
            {
                return self.file_of(&start, &[brought.as_slice(), &rest[at + 1..]].concat(), depth + 1);
            } else {
                break;
            }
        }
        loop {
            if let Some(file) = self.files.get(&start) {
                return Some(file.clone());
            }
            start.pop()?;
        }
    }

    pub(crate) fn imports(&self, from: &str, to: &str) -> bool {
        self.edges.get(from).is_some_and(|targets| targets.contains(to))
    }

    /// Groups of files of which each reaches each other one.
    pub(crate) fn cycles(&self) -> Vec<Vec<String>> {
        let reach: BTreeMap<&String, BTreeSet<&String>> =
            self.edges.keys().map(|from| (from, self.reached(from))).collect();
        let mut seen = BTreeSet::new();
        let mut cycles = Vec::new();
        for (from, targets) in &reach {
            if targets.contains(*from) && !seen.contains(*from) {
                let back = |to: &&&String| reach.get(**to).is_some_and(|there| there.contains(*from));
                let group: Vec<String> = targets.iter().filter(back).map(|to| (*to).clone()).collect();
                seen.extend(targets.iter().copied().filter(|to| back(&to)));
                cycles.push(group);
            }
        }
        cycles
    }

    fn reached<'a>(&'a self, from: &'a String) -> BTreeSet<&'a String> {
        let mut found = BTreeSet::new();
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            for to in self.edges.get(at).into_iter().flatten() {
                if found.insert(to) {
                    open.push(to);
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(files: &[(&str, &str)]) -> Graph {
        let parse = |(name, text): &(&str, &str)| Source::parse(name, text).expect("the snippet is Rust");
        Graph::of(&files.iter().map(parse).collect::<Vec<_>>())
    }

    #[test]
    fn comments_blanks_and_tests_are_no_code() {
        let text = "//! What.\n\nuse a;\n\n// Why.\nfn f() {\n    g();\n}\n\n#[cfg(test)]\nmod tests {\n    fn t() {}\n}\n";
        assert_eq!(code_lines(text), 4);
        assert_eq!(code_lines("#[cfg(test)]\nmod tests;\nfn f() {}\n"), 1);
    }

    #[test]
    fn a_folder_shows_its_files_and_folders() {
        let names = ["a.rs", "b/c.rs", "b/d.rs", "b/e/f.rs", "b/e/g.rs"];
        assert_eq!(fullest_folder(&names), ("src/b".to_owned(), 3));
    }

    #[test]
    fn two_files_that_import_each_other_are_a_cycle() {
        let found =
            graph(&[("a.rs", "use crate::b::X; pub struct Y;"), ("b.rs", "use super::a::Y; pub struct X;")])
                .cycles();
        assert_eq!(found, [["a.rs", "b.rs"]]);
        let found =
            graph(&[("a.rs", "fn f() { crate::b::g() }"), ("b.rs", "fn g() { a::f() }\nuse crate::a;")])
                .cycles();
        assert_eq!(found, [["a.rs", "b.rs"]]);
        let found = graph(&[("a.rs", "use crate::b::X;"), ("b.rs", "pub struct X;")]).cycles();
        assert_eq!(found, Vec::<Vec<String>>::new());
    }

    #[test]
    fn a_re_export_leads_to_the_file_that_defines() {
        let files = [
            ("a/mod.rs", "mod b; mod c; pub use b::X; pub use self::c::Z;"),
            ("a/b.rs", "use super::Z; pub struct X;"),
            ("a/c.rs", "pub struct Z;"),
        ];
        assert!(graph(&files).imports("a/b.rs", "a/c.rs"));
        assert_eq!(graph(&files).cycles(), Vec::<Vec<String>>::new());
        let files =
            [("a/mod.rs", "mod b; pub use b::X; pub struct Z;"), ("a/b.rs", "use super::Z; pub struct X;")];
        assert_eq!(graph(&files).cycles(), [["a/b.rs", "a/mod.rs"]]);
    }

    #[test]
    fn tests_import_what_they_like() {
        let files = [
            ("a.rs", "use crate::b::X;"),
            ("b.rs", "pub struct X;\n#[cfg(test)]\nmod tests { use crate::a::Y; }"),
        ];
        assert_eq!(graph(&files).cycles(), Vec::<Vec<String>>::new());
    }
}
