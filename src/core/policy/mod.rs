//! The policy: every limit the judge applies, with the place each one comes from.
//!
//! The lowest layer is the built-in `deploy/policies/policy.toml`; files, variables and flags are above it. Values are read
//! straight into the types that the judge, `run` and `release` work with; nothing here has a number of its own.

mod advice;
mod compare;
pub(crate) mod declared;
pub mod events;
mod gates;
mod limits;
mod profile;
pub mod release;
pub mod rules;
pub mod run;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::config::values::{Parsed, count, share, whole};
pub use super::config::{
    ConfigError as PolicyError, ConfigErrors as PolicyErrors, Effective, Layer, Origin, Patch, Position,
};
use super::config::{Keep, Noted, Read, Reader, Tree, Value, section};
use super::kpi::{KpiId, KpiTable};
use super::verdict::{LimitSource, Severity};
use crate::infra::hex::hex;
use crate::stats::intervals::FEWEST_FOR_PHI;
use declared::Table;

pub use crate::core::iteration::params::Step;
pub use advice::{Condition, RecommendationRule, Subject};
pub use compare::{CompareRules, KpiRule, Margin, ORDER, SpreadRules};
pub(crate) use gates::kpi_of_a_run;
pub use gates::{
    DURATION, EdgeReportRule, GateSet, HoldCount, Judge, KpiGate, RUN_METRICS, RunGate, ViolationRule,
    ViolationRules,
};
pub use limits::{Limit, SeasonRule, Statistic, WindowSpec, Windows};
pub use profile::Profile;
pub use rules::{
    AnomalyRules, ChangeRules, DeltaRules, DriftGateRules, DriftRules, ExcursionRules, FreezeRule, Horizon,
    IntegrityRules, RotationRules, RunVerdictRule, SanityRules, SymbolList, SymbolRules, TrendRules,
};

/// The policy that is built into the program, as TOML.
pub const BUILT_IN: &str = include_str!("../../../deploy/policies/policy.toml");

/// The version of the policy's format that this program reads.
const SCHEMA_VERSION: u64 = 1;

section! {
    /// Everything the judge needs to know that is not in the artifacts.
    #[derive(Clone, Debug)]
    pub struct Policy if nothing_indispensable_is_out {
        /// What it extends.
        pub profile: Profile { |t| t.or("extends", Profile::parse, Profile::default()) },
        /// The KPIs, built-in and declared.
        pub kpis: KpiTable { |t| t.required("schema_version", schema_version).map(|_| t.kpis().clone()) },
        pub windows: Windows,
        /// What an iteration must show to pass.
        pub iteration_pass: GateSet { |t| GateSet::per_iteration(&t.at("iteration_pass")) },
        /// The same with the relaxed limits of `--mock`.
        pub iteration_pass_mock: GateSet { |t| GateSet::per_iteration(&t.at("iteration_pass_mock")) },
        pub run_verdict: RunVerdictRule,
        /// Readiness for release.
        pub readiness: GateSet { |t| GateSet::over_window(&t.at("readiness"), true) },
        /// `audit` warns below so many iterations.
        pub readiness_warn_below_iterations: usize {
            |t| t.at("readiness").required("warn_below_iterations", count)
        },
        /// Goals of the release notes.
        pub goals: GateSet { |t| GateSet::over_window(&t.at("goals"), false) },
        /// WARN and CRIT per iteration.
        pub violations: ViolationRules,
        /// Limits on an edge report.
        pub edge_report: Vec<EdgeReportRule> { |t| t.at("edge_report").each(EdgeReportRule::section) },
        /// Gates of the 72-hour report.
        pub run_gates: Vec<RunGate> { gates::run_gates },
        /// Delta verification.
        pub deltas: DeltaRules,
        pub anomalies: AnomalyRules,
        /// When the time of a run is evidence.
        pub integrity: IntegrityRules,
        /// Outages, and an end that is worse than all before it; `None` = nobody asks.
        pub excursions: Option<ExcursionRules> { ExcursionRules::of },
        /// Values that cannot be.
        pub sanity: SanityRules,
        /// Which symbols are judged.
        pub symbols: SymbolRules { |t| SymbolRules::of(&t.at("symbols")) },
        /// When a run is worse than another one.
        pub compare: CompareRules,
        /// Advice on parameters.
        pub recommendations: Vec<RecommendationRule> {
            |t| t.at("recommendations").each(RecommendationRule::section)
        },
        /// Growth of resources.
        pub drift: DriftRules,
        /// Steady drifts of KPIs.
        pub kpi_drift: DriftGateRules,
        /// Changes of level of KPIs.
        pub change_points: ChangeRules,
        /// A second half that is spread wider than the first.
        pub spread: SpreadRules,
        /// A trend is flat while it changes less than this share of |median| over the window.
        pub trend_relative_change: Limit { |t| Limit::keep(&t.at("trend"), "relative_change", share) },
        /// What `release` works by.
        pub release: release::ReleasePolicy { release::ReleasePolicy::section },
        /// What `artifacts rotate` keeps.
        pub rotation: RotationRules,
        /// A log of rotations with more bytes than this becomes an archive.
        pub rotation_log_bytes: u64 { rules::rotation_log_bytes },
        /// Restarts and marks.
        pub events: events::EventRules { events::EventRules::section },
        /// What `run` works by.
        pub run: run::RunPolicy { run::RunPolicy::section },
        /// Every value in force with its origin, sorted by key.
        pub effective: Vec<Effective> { |_| Ok(Vec::new()) },
        /// SHA-256 over the values in force (keys and values, not origins), lower-case hex.
        pub sha256: String { |_| Ok(String::new()) },
        /// The same over the values that files give, whatever flags and variables say.
        pub files_sha256: String { |_| Ok(String::new()) },
        /// The `soak.toml` that was found, as it is named; `None` = none.
        pub found: Option<String> { |_| Ok(None) },
    }
}

/// Tables that no policy can do without, and what can be taken out instead.
const INDISPENSABLE: [(&str, &str); 4] = [
    ("iteration_pass", "every verdict rests on it; single limits are taken out in `[iteration_pass.kpi.X]`"),
    ("run_verdict", "every verdict is one of the run; its shares and counts can be changed"),
    ("integrity", "no verdict is sound without it; its shares and counts can be changed"),
    ("canary", "a canary is never without limits; single hours are taken out, as in `[canary.hour_6]`"),
];

fn nothing_indispensable_is_out(t: &Table<'_>, _: &Policy) -> Read<()> {
    INDISPENSABLE.iter().try_for_each(|(name, why)| {
        let table = t.at(name);
        if table.enabled()? {
            Ok(())
        } else {
            Err(table.fault_at("enabled", format!("cannot be taken out: {why}")))
        }
    })
}

/// What is required of a KPI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// A value, in every run.
    Always,
    /// A value, in a run that has any: the trading profile counts on declared KPIs that were measured.
    WhereMeasured,
    /// Nothing: the trend of what there is.
    WhereKnown,
}

impl Policy {
    /// Where the value in force at a dotted key comes from; `None` = there is no such key.
    pub fn source_of(&self, key: &str) -> Option<LimitSource> {
        let value = self.effective.iter().find(|value| value.key == key)?;
        Some(LimitSource { key: key.to_owned(), origin: value.origin.clone() })
    }

    /// A path that a file of the policy names: relative to the folder of that file.
    pub fn beside(&self, key: &str, path: &str) -> PathBuf {
        let source = self.source_of(key);
        let file = source.as_ref().and_then(|source| source.origin.rsplit_once(':')).map(|(file, _)| file);
        // Without a folder before it `./measure.sh` stays as it is.
        let folder = file.and_then(|file| Path::new(file).parent()).filter(|it| !it.as_os_str().is_empty());
        folder.map_or_else(|| path.into(), |folder| folder.join(path))
    }

    /// The gates that join the verdict and can never be judged in a run of so many iterations, with how many they need.
    /// Of the trading profile the run verdict itself is left out: its own minimum is lowered where it is requested.
    pub fn never_judged(&self, iterations: u64) -> Vec<(String, u64)> {
        let sets = [&self.readiness, &self.goals].into_iter().filter(|set| set.gates);
        let gates = sets.flat_map(|set| set.checks.iter().map(|gate| self.of_gate(set, gate)));
        let own = (self.profile != Profile::Trading).then(|| self.of_run_verdict());
        let trend = self.trends().filter(|(_, rules)| rules.insists()).map(|of| self.of_trend(of));
        own.into_iter().chain(gates).chain(trend).filter(|(_, needed)| *needed > iterations).collect()
    }

    /// The tables that look for drifts and changes of level and find none in a run of so many iterations, with how many
    /// they need. Trading runs are short, and theirs are left out.
    pub fn untested(&self, iterations: u64) -> Vec<(String, u64)> {
        let of_profile = self.trends().filter(|_| self.profile != Profile::Trading);
        let soft =
            of_profile.filter(|(_, rules)| rules.gates && !rules.insists()).map(|of| self.of_trend(of));
        soft.filter(|(_, needed)| *needed > iterations).collect()
    }

    /// Everything that a run of so many iterations is too short for, with how many it needs.
    pub fn too_short_for(&self, iterations: u64) -> Vec<(String, u64)> {
        let own = Some(self.of_run_verdict()).filter(|_| self.profile == Profile::Trading);
        let own = own.into_iter().filter(|(_, needed)| *needed > iterations);
        own.chain(self.never_judged(iterations)).chain(self.untested(iterations)).collect()
    }

    fn trends(&self) -> impl Iterator<Item = (&'static str, &TrendRules)> {
        [("kpi_drift", &self.kpi_drift.trend), ("change_points", &self.change_points.trend)].into_iter()
    }

    /// Hard run gates on the length of a run that one of so many hours can never meet.
    pub fn out_of_reach(&self, hours: f64) -> impl Iterator<Item = &RunGate> {
        let is_missed = move |gate: &&RunGate| {
            gate.metric == DURATION
                && gate.severity == Severity::Hard
                && !gate.comparison.holds(hours, gate.limit.value)
        };
        self.run_gates.iter().filter(is_missed)
    }

    /// The KPIs that the verdict rests on: those that `limits` names, then those of the verdict.
    pub fn judged(&self, limits: &GateSet, requirement: Requirement) -> Vec<KpiId> {
        let mut kpis: Vec<KpiId> = limits.checks.iter().map(|gate| gate.kpi).collect();
        let is_required = |kpi: &KpiId| match requirement {
            Requirement::Always => limits.present.contains(kpi),
            Requirement::WhereMeasured => self.profile == Profile::Trading || limits.present.contains(kpi),
            Requirement::WhereKnown => true,
        };
        let declared = self.kpis.of_verdict().iter().filter(|kpi| !kpi.is_built_in() && is_required(kpi));
        for kpi in declared {
            if !kpis.contains(kpi) {
                kpis.push(*kpi);
            }
        }
        kpis
    }

    /// The KPIs that an iteration or a window must have for the verdict, in the order of the table.
    pub fn needed(&self) -> Vec<KpiId> {
        let mut needed = self.judged(&self.iteration_pass, Requirement::Always);
        let sets = [&self.readiness, &self.goals].into_iter().filter(|set| set.gates);
        needed.extend(sets.flat_map(|set| set.checks.iter().map(|gate| gate.kpi)));
        needed.sort();
        needed.dedup();
        needed
    }

    /// What is right in itself and fails later: a KPI that the source of the policy never gives, a length that it
    /// declares and that no gate can judge. A line each.
    pub fn fails_later(&self) -> Vec<String> {
        let place = |key: &str| {
            let origin = self.source_of(key).map(|source| source.origin).unwrap_or_default();
            let file = origin.rsplit_once(':').map(|(file, line)| format!("`{file}`:{line}: "));
            file.unwrap_or_default() + &format!("`{key}`: ")
        };
        let mut problems = Vec::new();
        if self.run.measuring.source == Some("prometheus") {
            let given = |kpi: &KpiId| {
                let mut queries = self.run.queries.iter();
                queries.any(|query| self.kpis.spelled(&query.metric).is_some_and(|(id, _)| id == *kpi))
            };
            let mut judged = [&self.needed(), self.kpis.of_verdict()].concat();
            judged.sort();
            judged.dedup();
            problems.extend(judged.iter().filter(|kpi| !given(kpi)).map(|kpi| {
                let name = kpi.name;
                format!(
                    "{}the source `prometheus` has no query for `{name}`, which is judged; expected \
                     `[prometheus.{name}]`",
                    place("run.source")
                )
            }));
        }
        if let Some(iterations) = self.run.defaults.iterations {
            let interval = self.run.defaults.interval();
            let hours = iterations as f64 * interval / 3600.0;
            problems.extend(self.out_of_reach(hours).map(|gate| {
                let (name, symbol, limit) = (&gate.name, gate.comparison.symbol(), gate.limit.value);
                format!(
                    "{}{iterations} iterations of {interval} s never meet the hard gate `run_gates.{name}`: \
                     `{DURATION} {symbol} {limit}`",
                    place("run.iterations")
                )
            }));
            problems.extend(self.too_short_for(iterations).into_iter().map(|(gate, needed)| {
                format!(
                    "{}a run of {iterations} iterations never has the {needed} that `{gate}` requires",
                    place("run.iterations")
                )
            }));
        }
        problems
    }

    fn of_gate(&self, set: &GateSet, gate: &KpiGate) -> (String, u64) {
        let values = gate.count.map_or(gate.min_iterations, |count| count.of.max(gate.min_iterations));
        let own = self.until(gate.window, values);
        // Autocorrelation is estimated in the steady part, or in a window that is longer.
        let of_bound = self.until(WindowSpec::Steady, FEWEST_FOR_PHI).max(own);
        let needed = if gate.judge == Judge::Point { own } else { of_bound };
        (format!("{}.{}", set.name, gate.kpi.name), needed)
    }

    fn of_trend(&self, (name, rules): (&str, &TrendRules)) -> (String, u64) {
        (name.to_owned(), self.until(rules.window, rules.min_iterations.whole()))
    }

    fn of_run_verdict(&self) -> (String, u64) {
        let rule = &self.run_verdict;
        ("run_verdict".to_owned(), self.until(rule.window, rule.min_iterations))
    }

    /// The number of the iteration with which a window holds so many.
    fn until(&self, window: WindowSpec, values: usize) -> u64 {
        let before = match window {
            WindowSpec::Steady => self.windows.steady_start.saturating_sub(1),
            WindowSpec::LastN | WindowSpec::Last(_) | WindowSpec::Overall => 0,
        };
        before + values as u64
    }
}

/// The policy in force: the built-in one, `layers` above it (later ones win), `patches` above those (later
/// ones win).
///
/// The errors are all that is wrong with any layer.
pub fn read(layers: &[Layer], patches: &[Patch]) -> Result<Policy, PolicyErrors> {
    let (mut of_user, mut errors) = (Vec::new(), Vec::new());
    for layer in layers {
        // A layer that cannot be read keeps its place, empty, so that the others are looked at all the same.
        let (mut tree, mut found) = Tree::of_toml(layer);
        if let Err(error) = has_version(&tree) {
            // Keys of another version mean something else; errors about them would mislead.
            if found.is_empty() {
                found.push(error);
            }
            tree.clear();
        }
        errors.extend(found.into_iter().map(|error| (of_user.len(), error)));
        of_user.push(tree);
    }
    let conflict = of_two_profiles(&of_user);
    let of_flags: Vec<Tree> = patches.iter().map(Tree::of_patch).collect();
    let (mut trees, unused) = Profile::of(of_user.iter().chain(&of_flags)).layers(BUILT_IN);
    for (layer, _) in &mut errors {
        *layer += trees.len();
    }
    trees.extend(of_user);
    trees.extend(of_flags);
    let reader = Reader::new(trees);
    let policy = Policy::section(&reader.root());
    let mut effective = reader.finish(errors).map_err(|errors| match conflict {
        // What is wrong below is right for the other profile.
        Some(conflict) => {
            let top = errors.0.into_iter().filter(|error| error.origin == conflict.origin);
            PolicyErrors(std::iter::once(conflict.clone()).chain(top).collect())
        }
        None => errors,
    })?;
    let is_unused = |key: &str| {
        unused.iter().any(|table| {
            key.strip_prefix(table.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    effective.retain(|value| !is_unused(&value.key));
    // Whoever answers `Noted` has noted an error, and then `finish` has returned it.
    let policy = policy.map_err(|Noted| PolicyErrors(Vec::new()))?;
    let mut hash = Sha256::new();
    for Effective { key, value, .. } in &effective {
        hash.update(format!("{key} = {value}\n"));
    }
    let sha256 = hex(&hash.finalize());
    // What files say that only flags make whole has no hash of its own.
    let of_files = || read(layers, &[]).map_or_else(|_| sha256.clone(), |policy| policy.sha256);
    let files_sha256 = if patches.is_empty() { sha256.clone() } else { of_files() };
    Ok(Policy { effective, sha256, files_sha256, ..policy })
}

/// That a file extends another profile than a file below it does.
fn of_two_profiles(layers: &[Tree]) -> Option<PolicyError> {
    let named = |tree: &&Tree| tree.top("extends").is_some();
    let (top, below) = (layers.iter().rfind(named)?, layers.iter().find(named)?);
    let node = top.top("extends")?;
    let [now, then] = [&node.value, &below.top("extends")?.value].map(|value| Profile::parse(value).ok());
    let (now, then) = (now?.word(), then?.word());
    (now != then).then(|| PolicyError {
        origin: top.origin.clone(),
        position: node.place(),
        key: "extends".to_owned(),
        problem: format!(
            "is `{now}`, and `{then}` in `{}`, which this file comes over; `--no-config` leaves that one out",
            below.origin
        ),
    })
}

/// A layer may say which version of the format it is written in; without a word it is this one.
fn has_version(tree: &Tree) -> Result<(), PolicyError> {
    let Some(node) = tree.top("schema_version") else { return Ok(()) };
    let key = "schema_version".to_owned();
    let wrong = |problem| PolicyError { origin: tree.origin.clone(), position: node.place(), key, problem };
    schema_version(&node.value).map(drop).map_err(wrong)
}

fn schema_version(value: &Value) -> Parsed<u64> {
    match whole(value)? {
        SCHEMA_VERSION => Ok(SCHEMA_VERSION),
        other => Err(format!("unknown version {other}, this program reads version {SCHEMA_VERSION}")),
    }
}
