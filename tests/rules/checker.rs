//! Finds every path of a source file that leads into another room, and holds it against the direction table.
//!
//! Paths are found in code, in `use` trees, in macro calls (token by token) and in attributes (also inside
//! string literals, as serde takes them). `crate::`, `self::` and `super::` are resolved; other paths start
//! from a name that one of these brought in, or lead outside.

use syn::buffer::Cursor;
use syn::parse::Parser;
use syn::visit::{self, Visit};

/// Each module below `src` and the modules that it may import. No product imports another.
const DIRECTIONS: [(&str, &[&str]); 10] = [
    ("infra", &[]),
    ("stats", &[]),
    ("core", &["infra", "stats"]),
    ("report", &["core", "infra", "stats"]),
    ("run", &["core", "infra", "stats", "report"]),
    ("export", &["core", "infra", "stats", "report", "run"]),
    ("release", &["core", "infra", "stats", "report", "run"]),
    ("rollback", &["core", "infra", "stats", "report", "run"]),
    ("ops", &["core", "infra", "stats", "report", "run"]),
    ("cli", &["core", "infra", "stats", "report", "run", "export", "release", "rollback", "ops"]),
];

/// The program itself may use the library's rooms that it hands over to.
const MAIN: [&str; 1] = ["cli"];

/// A parsed source file and where it stands in the module tree.
pub(crate) struct Source {
    name: String,
    module: Vec<String>,
    file: syn::File,
}

impl Source {
    /// Parses `text`; `name` is the path below `src`, with slashes.
    pub(crate) fn parse(name: &str, text: &str) -> syn::Result<Self> {
        let mut module: Vec<String> = name.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
            module.pop();
        }
        Ok(Self { name: name.to_owned(), module, file: syn::parse_file(text)? })
    }

    /// Every path that leads where it may not, sorted.
    pub(crate) fn violations(&self) -> Vec<String> {
        let mut finder = Finder::new(self);
        finder.is_in_tests = super::house::is_for_tests(&self.name);
        finder.visit_file(&self.file);
        finder.violations.sort();
        finder.violations.dedup();
        finder.violations.into_iter().map(|what| format!("src/{}: {what}", self.name)).collect()
    }

    /// The file's name below `src`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The module that the file is.
    pub(crate) fn module(&self) -> &[String] {
        &self.module
    }

    /// What the file names outside its tests.
    pub(crate) fn imports(&self) -> Imports {
        let mut finder = Finder::new(self);
        finder.visit_file(&self.file);
        finder.imports
    }

    /// The enums of the file that derive an error.
    pub(crate) fn error_enums(&self) -> usize {
        let mut counter = ErrorEnums(0);
        counter.visit_file(&self.file);
        counter.0
    }

    /// The rooms that this file may import; `None` for the root of the library, which declares them all.
    fn allowed(&self) -> Result<Option<&'static [&'static str]>, String> {
        match self.name.as_str() {
            "lib.rs" => return Ok(None),
            "main.rs" => return Ok(Some(&MAIN)),
            _ => {}
        }
        let room = &self.module[0];
        DIRECTIONS
            .iter()
            .find(|(name, _)| name == room)
            .map(|(_, allowed)| Some(*allowed))
            .ok_or_else(|| format!("`{room}` is no room of the house; give it a row in the direction table"))
    }
}

/// What a file names, in the module that names it: paths as written, and what its `use` items bring in.
#[derive(Default)]
pub(crate) struct Imports {
    pub(crate) paths: Vec<(Vec<String>, Vec<String>)>,
    pub(crate) names: Vec<(Vec<String>, String, Vec<String>)>,
}

struct ErrorEnums(usize);

impl<'ast> Visit<'ast> for ErrorEnums {
    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        let derives_error = |attribute: &syn::Attribute| match &attribute.meta {
            syn::Meta::List(list) if list.path.is_ident("derive") => {
                list.tokens.to_string().split(',').any(|name| name.trim().ends_with("Error"))
            }
            _ => false,
        };
        self.0 += usize::from(item.attrs.iter().any(derives_error));
    }
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => {
            list.tokens.to_string().split(|c: char| !c.is_alphanumeric()).any(|word| word == "test")
        }
        _ => false,
    })
}

struct Finder<'a> {
    source: &'a Source,
    module: Vec<String>,
    violations: Vec<String>,
    imports: Imports,
    is_in_tests: bool,
}

impl<'a> Finder<'a> {
    fn new(source: &'a Source) -> Self {
        let module = source.module.clone();
        Self { source, module, violations: Vec::new(), imports: Imports::default(), is_in_tests: false }
    }
}

impl Finder<'_> {
    fn complain(&mut self, what: String) {
        self.violations.push(what);
    }

    /// The absolute module path, if the path starts inside this crate.
    fn resolve(&self, path: &[String]) -> Option<Vec<String>> {
        let mut rest = path.iter().peekable();
        let mut absolute = match path.first().map(String::as_str) {
            Some("crate") => Vec::new(),
            Some("soak") if self.source.name == "main.rs" => Vec::new(),
            Some("self") => self.module.clone(),
            Some("super") => {
                let mut module = self.module.clone();
                module.pop();
                module
            }
            _ => return None,
        };
        rest.next();
        while rest.next_if(|segment| *segment == "super").is_some() {
            absolute.pop();
        }
        absolute.extend(rest.cloned());
        Some(absolute)
    }

    fn check(&mut self, path: &[String]) {
        if !self.is_in_tests {
            self.imports.paths.push((self.module.clone(), path.to_vec()));
        }
        let Some(target) = self.resolve(path).filter(|_| !self.is_in_tests) else { return };
        let allowed = match self.source.allowed() {
            Ok(None) => return,
            Ok(Some(allowed)) => allowed,
            Err(what) => return self.complain(what),
        };
        let from = self.source.module.first().map_or("main", String::as_str);
        let shown = path.join("::");
        match target.first().map(String::as_str) {
            None | Some("*") => self.complain(format!("`{shown}` brings in the root of the crate")),
            Some(room) if room == from || allowed.contains(&room) => {}
            Some(room) if DIRECTIONS.iter().any(|(name, _)| *name == room) => {
                self.complain(format!("`{shown}`: `{from}` may not import `{room}`"));
            }
            Some(_) => self.complain(format!("`{shown}` leads to no room of the house")),
        }
    }

    fn check_use(&mut self, tree: &syn::UseTree, prefix: &[String]) {
        let joined = |name: &syn::Ident| [prefix, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.check_use(&path.tree, &joined(&path.ident)),
            // `use a::{self}` brings in `a`.
            syn::UseTree::Name(name) if name.ident == "self" && !prefix.is_empty() => {
                self.bring_in(prefix.last().cloned(), prefix);
            }
            syn::UseTree::Rename(name) if name.ident == "self" && !prefix.is_empty() => {
                self.bring_in(Some(name.rename.to_string()), prefix);
            }
            syn::UseTree::Name(name) => self.bring_in(Some(name.ident.to_string()), &joined(&name.ident)),
            syn::UseTree::Rename(name) => {
                self.bring_in(Some(name.rename.to_string()), &joined(&name.ident));
            }
            syn::UseTree::Glob(_) => {
                self.check(&[prefix, &["*".to_owned()]].concat());
            }
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.check_use(tree, prefix));
            }
        }
    }

    fn bring_in(&mut self, name: Option<String>, path: &[String]) {
        if let Some(name) = name.filter(|_| !self.is_in_tests) {
            self.imports.names.push((self.module.clone(), name, path.to_vec()));
        }
        self.check(path);
    }

    /// Looks for paths in tokens that are no syntax yet: macro calls and attributes.
    fn check_tokens(&mut self, mut cursor: Cursor) {
        let mut path: Vec<String> = Vec::new();
        let mut open = true;
        loop {
            let after_colons = colons(cursor);
            if let Some((ident, next)) = cursor.ident() {
                if !open {
                    self.check_found(&mut path);
                }
                path.push(ident.to_string());
                (cursor, open) = (next, false);
                continue;
            }
            if let Some(next) = after_colons.filter(|_| !path.is_empty()) {
                (cursor, open) = (next, true);
                continue;
            }
            // `crate::{a, b}`: each member continues the path.
            if let Some((inside, _, _, next)) = cursor.any_group() {
                if open && !path.is_empty() {
                    self.check_group(&path, inside);
                    path.clear();
                } else {
                    self.check_found(&mut path);
                }
                self.check_tokens(inside);
                (cursor, open) = (next, true);
                continue;
            }
            if open && cursor.punct().is_some_and(|(punct, _)| punct.as_char() == '*') && !path.is_empty() {
                path.push("*".to_owned());
            }
            self.check_found(&mut path);
            open = true;
            if let Some((literal, next)) = cursor.literal() {
                self.check_literal(&syn::Lit::new(literal));
                cursor = next;
            } else if let Some((_, next)) = cursor.token_tree() {
                cursor = next;
            } else {
                return;
            }
        }
    }

    /// A group after a path in tokens: `prefix::{…}`.
    fn check_group(&mut self, prefix: &[String], inside: Cursor) {
        let parser = syn::punctuated::Punctuated::<syn::UseTree, syn::Token![,]>::parse_terminated;
        match parser.parse2(inside.token_stream()) {
            Ok(trees) => trees.iter().for_each(|tree| self.check_use(tree, prefix)),
            Err(_) => self.check(prefix),
        }
    }

    fn check_found(&mut self, path: &mut Vec<String>) {
        if path.len() > 1 {
            self.check(path);
        }
        path.clear();
    }

    /// serde and its like take paths in string literals.
    fn check_literal(&mut self, literal: &syn::Lit) {
        if let syn::Lit::Str(text) = literal
            && let Ok(path) = text.parse::<syn::Path>()
        {
            let path: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            if path.len() > 1 {
                self.check(&path);
            }
        }
    }
}

/// What follows `::`, if the tokens start with it.
fn colons(cursor: Cursor) -> Option<Cursor> {
    let (first, next) = cursor.punct()?;
    let (second, next) = next.punct()?;
    (first.as_char() == ':' && second.as_char() == ':').then_some(next)
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let was_in_tests = self.is_in_tests;
        self.is_in_tests |= is_for_tests(&item.attrs);
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
        self.is_in_tests = was_in_tests;
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.check_use(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        // `self` alone is the receiver of a method.
        if segments.len() > 1 {
            self.check(&segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        let tokens = syn::buffer::TokenBuffer::new2(call.tokens.clone());
        self.check_tokens(tokens.begin());
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if attribute.path().is_ident("path") {
            self.complain("`#[path]` moves a module away from its room".to_owned());
        }
        if let syn::Meta::List(list) = &attribute.meta {
            let tokens = syn::buffer::TokenBuffer::new2(list.tokens.clone());
            self.check_tokens(tokens.begin());
        }
        // Doc comments are name-value attributes; links in them import nothing.
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(name: &str, text: &str) -> Vec<String> {
        Source::parse(name, text).expect("the snippet is Rust").violations()
    }

    /// Asserts that the snippet in `src/<name>` has exactly one violation, which says `word`.
    fn refused(name: &str, text: &str, word: &str) {
        let found = violations(name, text);
        assert_eq!(found.len(), 1, "{name}: {text}: {found:?}");
        assert!(found[0].contains(word), "{name}: {text}: {found:?}");
    }

    fn fine(name: &str, text: &str) {
        assert_eq!(violations(name, text), Vec::<String>::new(), "{name}: {text}");
    }

    #[test]
    fn the_core_imports_none_of_the_other_rooms() {
        for room in ["report", "run", "export", "release", "rollback", "ops", "cli"] {
            refused("core/kpi.rs", &format!("use crate::{room}::x;"), &format!("may not import `{room}`"));
        }
        fine(
            "core/kpi.rs",
            "use crate::core::series::Series; use super::policy; use std::io; use serde::Serialize;",
        );
    }

    #[test]
    fn the_table_holds_in_both_directions() {
        for (from, allowed) in DIRECTIONS {
            for (to, _) in DIRECTIONS.into_iter().filter(|(to, _)| *to != from) {
                let found = violations(&format!("{from}/file.rs"), &format!("use crate::{to}::x;"));
                assert_eq!(found.is_empty(), allowed.contains(&to), "{from} -> {to}: {found:?}");
            }
        }
    }

    #[test]
    fn no_two_rooms_may_import_each_other() {
        for (from, allowed) in DIRECTIONS {
            for (to, back) in DIRECTIONS {
                assert!(!(allowed.contains(&to) && back.contains(&from)), "{from} <-> {to}");
            }
        }
    }

    #[test]
    fn super_and_self_are_followed() {
        refused("core/kpi.rs", "use super::super::ops::load;", "may not import `ops`");
        refused("core/tuning/guards.rs", "use super::super::super::ops::load;", "may not import `ops`");
        refused("core/mod.rs", "use super::ops::load;", "may not import `ops`");
        refused("core/kpi.rs", "use self::super::super::ops::load;", "may not import `ops`");
        fine("core/tuning/guards.rs", "use super::super::kpi::KpiId; use self::inner::X;");
        fine("core/mod.rs", "pub use self::kpi::KpiId;");
    }

    #[test]
    fn a_module_in_the_file_is_one_level_down() {
        fine("core/kpi.rs", "mod tests { use super::*; use super::super::policy; }");
        refused("core/kpi.rs", "mod tests { use super::super::super::ops; }", "may not import `ops`");
        refused("core/kpi.rs", "mod tests { fn f() { crate::rollback::x(); } }", "may not import `rollback`");
    }

    #[test]
    fn groups_renames_and_globs_are_followed() {
        refused("run/iter.rs", "use crate::{core::kpi, ops::load};", "may not import `ops`");
        refused("run/iter.rs", "use crate::{core::{kpi}, release::{self}};", "may not import `release`");
        refused("run/iter.rs", "use crate::ops as storage;", "may not import `ops`");
        refused("run/iter.rs", "use crate::ops::*;", "may not import `ops`");
        refused("core/mod.rs", "use super::{ops::{a}};", "may not import `ops`");
    }

    #[test]
    fn the_root_of_the_crate_is_no_way_around() {
        refused("core/kpi.rs", "use crate::*;", "root of the crate");
        refused("core/kpi.rs", "use crate as all;", "root of the crate");
        refused("core/kpi.rs", "use crate::{self as all};", "root of the crate");
        refused("core/mod.rs", "use super::*;", "root of the crate");
        refused("core/kpi.rs", "use crate::Reexported;", "no room");
    }

    #[test]
    fn paths_in_code_are_found() {
        refused("run/csv.rs", "fn f() { crate::ops::load(); }", "may not import `ops`");
        refused("run/load.rs", "fn f(x: &crate::release::Page) {}", "may not import `release`");
        refused("run/load.rs", "fn f() -> Vec<crate::cli::Run> { vec![] }", "may not import `cli`");
        refused("run/load.rs", "impl crate::cli::Source for X {}", "may not import `cli`");
        refused("run/load.rs", "fn f(x: X) { if let crate::cli::Y(_) = x {} }", "may not import `cli`");
        fine(
            "run/load.rs",
            "impl X { pub(super) fn f(self) { self.g(); } pub(in crate::run) fn g(&self) {} }",
        );
    }

    #[test]
    fn paths_in_macro_calls_are_found() {
        refused("core/kpi.rs", "fn f() { println!(\"{}\", crate::ops::name()); }", "may not import `ops`");
        refused("core/kpi.rs", "fn f() { vec![(1, [crate::ops::X])]; }", "may not import `ops`");
        refused("core/mod.rs", "m! { use super::{core::x, ops::y}; }", "may not import `ops`");
        refused("core/kpi.rs", "fn f() { crate::ops::shout!(); }", "may not import `ops`");
        fine("core/kpi.rs", "fn f() { assert_eq!(super::series::x, crate::core::y, \"crate io\"); }");
    }

    #[test]
    fn paths_in_attributes_are_found() {
        refused(
            "core/kpi.rs",
            "struct S { #[serde(with = \"crate::rollback::finite\")] x: f64 }",
            "`rollback`",
        );
        refused("core/kpi.rs", "#[derive(crate::rollback::Wire)] struct S;", "may not import `rollback`");
        refused("core/kpi.rs", "#[path = \"../ops/load.rs\"] mod load;", "away from its room");
        fine("core/kpi.rs", "/// Read by [`crate::rollback::policy`].\nstruct S;");
    }

    #[test]
    fn the_program_uses_the_library_through_its_door_only() {
        fine("main.rs", "fn main() { soak::cli::run(&soak::cli::parse()); }");
        refused("main.rs", "use soak::core::load;", "may not import `core`");
        fine("lib.rs", "pub mod ops; pub use crate::ops::X;");
    }

    #[test]
    fn a_new_room_needs_a_row_in_the_table() {
        refused("utils.rs", "use crate::core::x;", "no room of the house");
    }

    #[test]
    fn a_violation_names_file_path_and_direction() {
        let found = violations("core/kpi.rs", "//! Doc.\n\nuse crate::ops::load;\n");
        assert_eq!(found, ["src/core/kpi.rs: `crate::ops::load`: `core` may not import `ops`"]);
    }
}
