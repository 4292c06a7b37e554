//! How restarts of the system under test and marks such as a deploy are found, and how many restarts are expected.

use std::path::PathBuf;

use crate::core::config::values::{Parsed, name, switch, whole};
use crate::core::config::{Read, Value, section};

use super::declared::Table;
use super::limits::Limit;
use super::run::query;

section! {
    /// What happens to a system beside what is measured.
    #[derive(Clone, Debug, PartialEq)]
    pub struct EventRules {
        pub restarts: RestartRules,
        /// Marks, in the order of the file.
        pub phases: Vec<PhaseMark> { |t| t.root().at("phase").each(PhaseMark::section) },
    }
}

section! {
    #[derive(Clone, Debug, PartialEq)]
    pub struct RestartRules {
        pub is_on "enabled": bool = switch => true,
        /// `PromQL` that brings how often the system started again within `$window`; several series are added up.
        pub query: Option<String> = query,
        /// So many restarts of the judged window need no explanation; `None` = none.
        pub expected: Option<Limit> = |value: &Value| whole(value).map(|count| count as f64),
    }
}

/// Where the marks of a phase come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarkedBy {
    /// `PromQL`: the mark is on where it brings a number other than 0 at the end of an iteration.
    Query(String),
    /// A file with a JSON object a line: `name`, `from`, `to`.
    File(PathBuf),
}

section! {
    /// A kind of mark.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PhaseMark if label_is_of_a_query {
        pub name: String { |t| Ok(t.name()) },
        pub by: MarkedBy { marked_by },
        /// The label whose value names the mark, where a query brings series; `None` = the name of the table.
        pub label: Option<String> = name,
        /// Whether a restart during it is expected.
        pub expects_restarts: bool = switch => true,
    }
}

impl EventRules {
    /// Whether a store is queried.
    pub fn asks_a_store(&self) -> bool {
        let asks = |phase: &PhaseMark| matches!(phase.by, MarkedBy::Query(_));
        self.restarts.query_in_force().is_some() || self.phases.iter().any(asks)
    }

    /// Whether there is nothing to look at.
    pub fn is_empty(&self) -> bool {
        self.restarts.query_in_force().is_none() && self.phases.is_empty()
    }
}

impl RestartRules {
    pub fn query_in_force(&self) -> Option<&str> {
        self.query.as_deref().filter(|_| self.is_on)
    }
}

fn marked_by(t: &Table<'_>) -> Read<MarkedBy> {
    let (by_query, by_file) = (t.optional("query", query), t.optional("file", path));
    match (t.one_of(&["query", "file"])?, by_query?, by_file?) {
        (Some(0), Some(query), _) => Ok(MarkedBy::Query(query)),
        (Some(_), _, Some(file)) => Ok(MarkedBy::File(file)),
        _ => Err(t.fault("is missing where its marks come from, expected `query` or `file`")),
    }
}

fn path(value: &Value) -> Parsed<PathBuf> {
    name(value).map(PathBuf::from)
}

fn label_is_of_a_query(t: &Table<'_>, phase: &PhaseMark) -> Read<()> {
    match (&phase.by, &phase.label) {
        (MarkedBy::File(_), Some(_)) => {
            Err(t.fault_at("label", "names a label of series, and a file has none; its lines have names"))
        }
        _ => Ok(()),
    }
}
