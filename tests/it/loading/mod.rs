//! What folders may hold, and what the gate makes of it: damage, odd values, layouts, names, and the files
//! beside the iterations.

mod files;
mod layouts;
mod records;
mod shrunk;
mod sidecars;
mod spellings;
mod symbols;
mod values;

use serde_json::Value;

use crate::it::support::{Folder, Ran, Run};

/// A gated folder.
struct Gated {
    code: i32,
    told: Value,
}

impl Gated {
    fn of(folder: &Folder, args: &[&str]) -> Self {
        let mut all = vec!["--format", "json", "--detailed-exitcode"];
        all.extend(args);
        let Ran { code, stdout, stderr } = folder.soak("gate", &all);
        let told = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}\n{stdout}{stderr}"));
        Self { code, told }
    }

    fn outcome(&self) -> &str {
        self.told["outcome"].as_str().expect("a word")
    }

    fn reason(&self) -> &str {
        self.told["reason"].as_str().expect("a sentence")
    }

    /// The findings of a kind.
    fn findings(&self, kind: &str) -> Vec<&Value> {
        self.told["findings"].as_array().expect("a list").iter().filter(|one| one["kind"] == kind).collect()
    }

    /// The only finding of a kind.
    #[track_caller]
    fn finding(&self, kind: &str) -> &Value {
        let found = self.findings(kind);
        assert_eq!(found.len(), 1, "findings of kind {kind}: {}", self.told["findings"]);
        found[0]
    }

    /// A check by the name of its gate.
    #[track_caller]
    fn check(&self, gate: &str) -> &Value {
        let checks = self.told["checks"].as_array().expect("a list");
        checks.iter().find(|check| check["gate"] == gate).unwrap_or_else(|| panic!("no check {gate}"))
    }

    #[track_caller]
    fn ends(&self, outcome: &str, code: i32) {
        assert_eq!((self.outcome(), self.code), (outcome, code), "{}", self.reason());
    }
}

/// Gates a run in a folder of its own.
fn gate(run: &Run) -> Gated {
    Gated::of(&run.in_temp(), &[])
}

/// The words of a message.
fn message(finding: &Value) -> &str {
    finding["message"].as_str().expect("a sentence")
}
