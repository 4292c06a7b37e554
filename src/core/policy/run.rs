//! The part of the policy that `run` works by: parameters, profiles, presets, phases, tuner, guards, queries.

use std::time::Duration;

use crate::core::config::values::{
    Parsed, at_least_one, between, list, name, names, not_negative, number, one_of, positive,
    seconds_or_interval, share, size, string, switch, whole,
};
use crate::core::config::{Keep, Noted, Read, Value, all, section};
use crate::core::iteration::manifest::{MeasureAt, SOURCES};
use crate::core::iteration::params::{ParamName, ParamValues, Parameter, Parameters, Step};
use crate::core::kpi::KpiId;
use crate::core::text::did_you_mean;
use crate::core::verdict::{Comparison, LimitSource, Severity};

use super::advice::{moves, step};
use super::declared::{Table, parameter_at, values};
use super::gates::GateSet;
use super::limits::{Limit, Possible, comparison, decides, kpi, kpi_named, right_way};

section! {
    /// Everything that `run` works by. Its tables are at the top of the policy.
    #[derive(Clone, Debug)]
    pub struct RunPolicy if names_are_in_force {
        /// What may be changed, and how far.
        pub parameters: Parameters { |t| t.parameters().in_force() },
        /// Named sets of values (`--profile`).
        pub profiles: Vec<Profile> { |t| t.at("profiles").each(Profile::section) },
        /// Named sets of changes (`--preset`, `--warmup-preset`).
        pub presets: Vec<Preset> { |t| t.at("presets").each(Preset::section) },
        /// Warm-up and ramp-down.
        pub phases: Phases,
        /// PASS, WARN or FAIL of a single iteration, which panic revert counts.
        pub iteration_verdict: IterationVerdictRules { iteration_verdict },
        /// When to give up on an iteration's tuning or on the run.
        pub patience: Patience,
        /// The tuner's rows, asked from top to bottom.
        pub tuner: Vec<TunerRule> { tuner },
        /// Pairs of changes that must not go together.
        pub cautions: Vec<Caution> { cautions },
        /// The guards of the tuner.
        pub guards: GuardRules,
        /// How the `prometheus` source queries each metric.
        pub queries: Vec<MetricQuery> {
            |t| {
                let queries = t.at("prometheus").each(MetricQuery::section)?;
                Ok(queries.into_iter().filter(|query| !t.kpis().is_taken_out(&query.metric)).collect())
            }
        },
        /// What a run is where the command line does not say.
        pub defaults: RunDefaults { |t| RunDefaults::section(&t.at("run")) },
        /// Where the resources of the system come from.
        pub resources: ResourceRules { |t| ResourceRules::section(&t.at("resources")) },
        /// Where measurements come from, and when they are taken.
        pub measuring: MeasuringRules { |t| MeasuringRules::section(&t.at("run")) },
    }
}

fn names_are_in_force(t: &Table<'_>, run: &RunPolicy) -> Read<()> {
    if !run.tunes() {
        return Ok(());
    }
    let in_force = |table: &str, key: &str, what: &str, name: &str, names: Vec<&str>| {
        if names.contains(&name) {
            return Ok(());
        }
        let hint = did_you_mean(name, names);
        Err(t.at(table).fault_at(key, format!("no {what} `{name}` is in force{hint}")))
    };
    let presets = run.presets.iter().map(|preset| preset.name.as_str()).collect();
    let profiles = run.profiles.iter().map(|profile| profile.name.as_str()).collect();
    let preset = in_force("phases", "warmup_preset", "preset", &run.phases.warmup_preset, presets);
    let profile = in_force("patience", "panic_profile", "profile", &run.patience.panic_profile, profiles);
    preset.and(profile)
}

impl RunPolicy {
    /// Whether there is anything to tune.
    pub fn tunes(&self) -> bool {
        self.parameters.iter().next().is_some()
    }

    /// The profile with this name.
    pub fn profile(&self, name: &str) -> Option<&Profile> {
        self.profiles.iter().find(|profile| profile.name == name)
    }

    /// The preset with this name.
    pub fn preset(&self, name: &str) -> Option<&Preset> {
        self.presets.iter().find(|preset| preset.name == name)
    }
}

section! {
    /// A named set of values. Parameters that it does not name keep theirs.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Profile {
        pub name: String { |t| Ok(t.name()) },
        pub values: ParamValues { values },
        /// Where the profile is.
        pub source: LimitSource { |t| Ok(t.source()) },
    }
}

section! {
    /// A named set of changes.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Preset {
        pub name: String { |t| Ok(t.name()) },
        /// What it does to each parameter.
        pub changes: Vec<(ParamName, Step)> {
            |t| changes(&t.at("change"), |t, parameter| {
                let step = step(t)?;
                Ok(parameter.map(|parameter| (parameter.name.clone(), step)))
            })
        },
        /// Where the preset is: a policy key, or a file.
        pub source: LimitSource { |t| Ok(t.source()) },
    }
}

section! {
    /// The phases of a run with `--warmup`.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Phases {
        /// Iterations 1 to this are WARMUP.
        pub warmup_iterations: u64 = at_least_one,
        /// So many iterations after the warm-up are RAMPDOWN; from then on STEADY.
        pub rampdown_iterations: u64 = at_least_one,
        /// The preset of the warm-up unless another is requested.
        pub warmup_preset: String = name,
    }
}

/// A condition on one KPI of one iteration.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    pub kpi: KpiId,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub limit: Limit,
}

impl Bound {
    /// Whether it holds; a value that is unknown satisfies nothing.
    pub fn holds(&self, value: Option<f64>) -> bool {
        value.is_some_and(|value| self.comparison.holds(value, self.limit.value))
    }
}

section! {
    /// The runner's verdict on a single iteration: any bound that holds is a reason.
    #[derive(Clone, Debug, PartialEq)]
    pub struct IterationVerdictRules {
        /// Reasons for a WARN.
        pub warn: Vec<Bound> { |t| t.at("warn").each(reason) },
        /// Further reasons for a WARN while the run warms up.
        pub warmup_warn: Vec<Bound> { |t| t.at("warmup_warn").each(reason) },
        /// Reasons for a FAIL; a WARN while the run warms up.
        pub fail: Vec<Bound> { |t| t.at("fail").each(reason) },
        /// KPIs that must have a value: without one it is a FAIL; a WARN while the run warms up.
        pub present: Vec<KpiId> { |_| Ok(Vec::new()) },
        /// Whether they are the limits of `[iteration_pass]`, which an iteration without a value misses.
        pub of_iteration_pass: bool { |_| Ok(false) },
    }
}

/// `[iteration_verdict]`; where nothing is in it, what `[iteration_pass]` requires.
fn iteration_verdict(t: &Table<'_>) -> Read<IterationVerdictRules> {
    let own = t.at("iteration_verdict");
    let rules = IterationVerdictRules::section(&own)?;
    if ["warn", "warmup_warn", "fail"].iter().any(|list| !own.at(list).entries().is_empty()) {
        return Ok(rules);
    }
    let GateSet { checks: limits, present, .. } = GateSet::of_iterations(t)?;
    let of = |severity: Severity| {
        let gates = limits.iter().filter(|gate| gate.severity == severity);
        let missed = gates.map(|gate| Bound {
            kpi: gate.kpi,
            comparison: gate.comparison.opposite(),
            limit: gate.limit.clone(),
        });
        missed.collect()
    };
    Ok(IterationVerdictRules {
        warn: of(Severity::Soft),
        fail: of(Severity::Hard),
        present,
        of_iteration_pass: true,
        ..rules
    })
}

/// A bound that is bad news where it holds.
fn reason(t: &Table<'_>) -> Read<Bound> {
    let (kpi, comparison) = (kpi(t), t.required("comparison", comparison));
    let limit = Limit::keep(t, "limit", number);
    let (kpi, comparison, limit): (_, _, Limit) = (kpi?, comparison?, limit?);
    right_way(t, "comparison", kpi, false, comparison)?;
    let possible = Possible::of_kpi(kpi);
    decides(t, "limit", possible.pointless_alarm(comparison, limit.value))?;
    Ok(Bound { kpi, comparison, limit })
}

section! {
    /// Where measurements come from, and when they are taken.
    #[derive(Clone, Debug, PartialEq)]
    pub struct MeasuringRules {
        /// The source where the command line names none; `None` = it must name one.
        pub source: Option<&'static str> = |value: &Value| {
            let [sim, exec, file, prometheus] = SOURCES.map(|name| (name, Some(name)));
            one_of(value, "source", &[("none", None), sim, exec, file, prometheus])
        },
        /// When in the interval a command measures, where the command line does not say.
        pub measure_at: MeasureAt = |value: &Value| {
            one_of(value, "time", &[MeasureAt::Start, MeasureAt::End].map(|at| (at.word(), at)))
        },
        /// A report that is older than the start of its iteration by more than this is stale; `None` = one interval.
        pub stale_after: Option<Duration> = seconds_or_interval,
        /// Whether a report whose own time cannot be read, or is ahead of the clock, is stale, too. The readers of
        /// trading reports have always taken those.
        pub times_are_strict: bool { |t| Ok(t.kpis().is_closed()) },
        /// The wall clock may move so far against the time that passes, seconds.
        pub clock_step_seconds: f64 = positive,
        /// Or by this share of the interval, whichever is more.
        pub clock_step_share: f64 = share,
    }
}

section! {
    /// What a run is where the command line does not say. Every key may be absent.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct RunDefaults {
        pub iterations: Option<u64> = at_least_one,
        /// Length of an iteration.
        pub interval_seconds: Option<f64> = between(0.001, 31_536_000.0),
        /// What the `exec` source starts: the program and its arguments.
        pub command: Option<Vec<String>> = command,
        /// What the `file` source reads.
        pub file: Option<String> = name,
        /// The server that the `prometheus` source queries.
        pub prometheus_url: Option<String> = url,
        /// The value of `$selector` in its queries.
        pub selector: Option<String> = string,
    }
}

/// Length of an iteration where nobody says otherwise, seconds.
const INTERVAL: f64 = 300.0;

impl RunDefaults {
    /// Length of an iteration, seconds.
    pub fn interval(&self) -> f64 {
        self.interval_seconds.unwrap_or(INTERVAL)
    }
}

fn command(value: &Value) -> Parsed<Vec<String>> {
    match list(string)(value)? {
        words if words.first().is_none_or(|program| program.trim().is_empty()) => {
            Err("names no program; expected the program and its arguments".to_owned())
        }
        words => Ok(words),
    }
}

/// Policies are shown and copied into bundles, so a password in a URL would be everywhere.
fn url(value: &Value) -> Parsed<String> {
    let url = name(value)?;
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    match rest.map(|rest| rest.split('/').next().unwrap_or_default()) {
        None | Some("") => Err("expected http(s)://host[:port][/prefix]".to_owned()),
        Some(host) if host.contains('@') => Err("has a user or a password in it; expected \
            `--basic-auth-user` and `--basic-auth-password-file` on the command line"
            .to_owned()),
        Some(_) => Ok(url),
    }
}

section! {
    /// When to give up.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Patience {
        /// So many iterations in a row with KPI FAIL put `panic_profile` in force.
        pub panic_after_fails: u64 = at_least_one,
        /// The profile that a panic revert puts in force.
        pub panic_profile: String = name,
        /// So many failed collections in a row end the run.
        pub failed_collections: u64 = at_least_one,
        /// What a child process gets on top of the interval before it is ended, seconds.
        pub child_grace_seconds: f64 = not_negative,
        /// How long a child has between TERM and KILL, seconds.
        pub child_kill_after_seconds: f64 = not_negative,
    }
}

/// What a row does to a parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The parameter.
    pub param: ParamName,
    /// How it moves.
    pub movement: Movement,
    /// It is not moved above this; on top of the parameter's own bounds.
    pub cap: Option<f64>,
    /// It is not moved below this; on top of the parameter's own bounds.
    pub floor: Option<f64>,
}

/// How a parameter moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Movement {
    /// By so much.
    Add(f64),
    /// To so much of its value. Whole parameters round towards the change.
    Multiply(f64),
    /// Up to this value if it is below.
    AtLeast(f64),
}

/// The changes of a preset or a row, in the order of the file; those of parameters that are taken out are too.
fn changes<T>(
    t: &Table<'_>,
    read: impl Fn(&Table<'_>, Option<&Parameter>) -> Read<Option<T>>,
) -> Read<Vec<T>> {
    let changes = all(t.entries().iter().map(|entry| {
        let Ok(parameter) = t.parameters().named(&entry.name(), |problem| entry.fault(problem)) else {
            entry.settle();
            return Err(Noted);
        };
        let (is_on, change) = (entry.enabled(), read(entry, parameter));
        let (change, is_on) = (change?, is_on?);
        Ok(change.filter(|_| is_on))
    }))?;
    if changes.is_empty() {
        return Err(t.fault("changes nothing; expected at least one parameter"));
    }
    Ok(changes)
}

fn change(t: &Table<'_>, parameter: Option<&Parameter>) -> Read<Option<Change>> {
    let [cap, floor] = ["cap", "floor"].map(|key| t.optional(key, number));
    let (movement, cap, floor) = (movement(t), cap?, floor?);
    let (movement, Some(parameter)) = (movement?, parameter) else { return Ok(None) };
    let Parameter { name, lowest, highest, .. } = parameter;
    // Whether a step goes up; what a factor does to a negative value cannot be said beforehand.
    let up = match movement {
        Movement::AtLeast(_) => None,
        Movement::Add(by) => Some(by > 0.0),
        Movement::Multiply(_) if *lowest < 0.0 => None,
        Movement::Multiply(by) => Some(by > 1.0),
    };
    for (key, value, is_cap) in [("cap", cap, true), ("floor", floor, false)] {
        let Some(value) = value else { continue };
        if up == Some(!is_cap) || matches!(movement, Movement::AtLeast(_)) {
            let problem = "shortens nothing: a `cap` is for a step up, a `floor` for a step down";
            return Err(t.fault_at(key, problem));
        }
        let (limit, bound) = if is_cap { ("lowest", lowest) } else { ("highest", highest) };
        if up == Some(is_cap) && ((is_cap && value <= *bound) || (!is_cap && value >= *bound)) {
            let problem = format!("{value} leaves no step: the `{limit}` value of `{name}` is {bound}");
            return Err(t.fault_at(key, problem));
        }
    }
    Ok(Some(Change { param: name.clone(), movement, cap, floor }))
}

/// `add`, `multiply` or `at_least`. A layer that names one takes the place of the others below it.
fn movement(t: &Table<'_>) -> Read<Movement> {
    let (add, multiply) = (t.optional("add", number), t.optional("multiply", positive));
    let at_least = t.optional("at_least", number);
    let chosen = t.one_of(&["add", "multiply", "at_least"])?;
    match (chosen, add?, multiply?, at_least?) {
        (Some(0), Some(by), ..) => moves(t, "add", by, 0.0).map(Movement::Add),
        (Some(1), _, Some(by), _) => moves(t, "multiply", by, 1.0).map(Movement::Multiply),
        (Some(_), _, _, Some(value)) => Ok(Movement::AtLeast(value)),
        _ => Err(t.fault("is missing its step, expected `add`, `multiply` or `at_least`")),
    }
}

section! {
    /// A row of the tuner's table.
    #[derive(Clone, Debug, PartialEq)]
    pub struct TunerRule if row_has_a_condition {
        /// Its name; in upper case the tag of its reasons.
        pub name: String { |t| Ok(t.name()) },
        /// All must hold.
        pub when: Vec<Bound> { |t| bounds(&t.at("when"), true) },
        /// If there are any and all hold, the row does not act.
        pub unless: Vec<Bound> { |t| bounds(&t.at("unless"), true) },
        /// So many iterations in a row, this one included, must satisfy `when`; at least 1.
        pub in_a_row: u64 = at_least_one => 1,
        /// So many iterations after it acted the row does not act again.
        pub rest: u64 = whole => 0,
        /// Whether it acts instead of all other rows.
        pub is_exclusive "exclusive": bool = switch => false,
        /// Rows whose change of a parameter this one takes the place of. Apart from these a row changes only
        /// parameters that no row above has changed.
        pub replaces: Vec<String> = names => Vec::new(),
        /// What it does.
        pub changes: Vec<Change> { |t| changes(&t.at("change"), change) },
    }
}

fn row_has_a_condition(t: &Table<'_>, row: &TunerRule) -> Read<()> {
    has_a_condition(&t.at("when"), &row.when)
}

fn has_a_condition(t: &Table<'_>, when: &[Bound]) -> Read<()> {
    if when.is_empty() {
        return Err(t.fault("has no condition in force; expected at least one"));
    }
    Ok(())
}

/// The rows, in the order of the file; a layer's new rows come after those below it.
fn tuner(t: &Table<'_>) -> Read<Vec<TunerRule>> {
    let mut above = Vec::new();
    t.at("tuner").each(|row| {
        let rule = TunerRule::section(row);
        let are_above = rule.as_ref().map_or(Ok(()), |rule| {
            list_among(row, "replaces", &rule.replaces, "row above", &above.iter().map(String::as_str))
        });
        above.push(row.name());
        are_above?;
        rule
    })
}

/// Bounds on KPIs in the order of the file, as `risk_ratio = { at_least = 0.40, below = 0.60 }`; `both`: a KPI may have
/// a lower and an upper one, and both must hold.
fn bounds(t: &Table<'_>, both: bool) -> Read<Vec<Bound>> {
    let bounds = all(t.entries().iter().map(|entry| {
        let kpi = kpi_named(entry, &entry.name()).map_err(|problem| {
            entry.settle();
            entry.fault(problem)
        })?;
        bounds_on(entry, kpi, both).map(Some)
    }))?;
    Ok(bounds.into_iter().flatten().collect())
}

fn bounds_on(t: &Table<'_>, kpi: KpiId, both: bool) -> Read<Vec<Bound>> {
    let lower = bound(t, kpi, [("at_least", Comparison::AtLeast), ("above", Comparison::Above)]);
    let upper = bound(t, kpi, [("at_most", Comparison::AtMost), ("below", Comparison::Below)]);
    let (is_on, lower, upper) = (t.enabled()?, lower?, upper?);
    match (&lower, &upper) {
        (None, None) => {
            return Err(t.fault("is missing its limit, expected `at_least`, `above`, `at_most` or `below`"));
        }
        (Some(_), Some(_)) if !both => {
            return Err(t.fault("has two limits; here any one is enough, so expected one a KPI"));
        }
        (
            Some((_, Bound { comparison: more, limit: low, .. })),
            Some((_, Bound { comparison: less, limit: high, .. })),
        ) => {
            let is_strict = *more == Comparison::Above || *less == Comparison::Below;
            let (low, high) = (low.value, high.value);
            if low > high || (low == high && is_strict) {
                let (more, less) = (more.symbol(), less.symbol());
                return Err(t.fault(format!("`{more} {low}` and `{less} {high}` can never both hold")));
            }
        }
        _ => {}
    }
    let possible = Possible::of_kpi(kpi);
    let mut bounds = Vec::new();
    for (key, bound) in lower.into_iter().chain(upper) {
        decides(t, key, possible.pointless_alarm(bound.comparison, bound.limit.value))?;
        bounds.push(bound);
    }
    Ok(if is_on { bounds } else { Vec::new() })
}

/// One of two words with its key. A layer that names one takes the place of the other below it.
fn bound(
    t: &Table<'_>,
    kpi: KpiId,
    words: [(&'static str, Comparison); 2],
) -> Read<Option<(&'static str, Bound)>> {
    let [first, second] = words.map(|(word, _)| Option::<Limit>::keep(t, word, number));
    let chosen = t.one_of(&words.map(|(word, _)| word))?;
    let limits = [first?, second?];
    Ok(chosen.and_then(|chosen| {
        let (key, comparison) = words[chosen];
        limits.into_iter().nth(chosen)?.map(|limit| (key, Bound { kpi, comparison, limit }))
    }))
}

/// When `raised` goes up, a lowering of `keeps` is dropped: caution first.
#[derive(Clone, Debug, PartialEq)]
pub struct Caution {
    pub name: String,
    /// The parameter that goes up.
    pub raised: ParamName,
    /// The parameter that must not go down at the same time.
    pub keeps: ParamName,
}

/// Those that name a parameter which is taken out are out too.
fn cautions(t: &Table<'_>) -> Read<Vec<Caution>> {
    let cautions = t.at("cautions").each(|t| {
        let [raised, keeps] = ["raised", "keeps"].map(|key| parameter_at(t, key));
        let (Some(raised), Some(keeps)) = (raised?, keeps?) else { return Ok(None) };
        if raised == keeps {
            let problem = format!("`{keeps}` is `raised` as well; expected another parameter");
            return Err(t.fault_at("keeps", problem));
        }
        Ok(Some(Caution { name: t.name(), raised, keeps }))
    })?;
    Ok(cautions.into_iter().flatten().collect())
}

section! {
    /// The numbers of the guards.
    #[derive(Clone, Debug, PartialEq)]
    pub struct GuardRules {
        /// Freeze after stable iterations.
        pub freeze: FreezeRules,
        /// A → B → A.
        pub oscillation: OscillationRules,
        /// Hourly limit.
        pub velocity: VelocityRules,
        /// Pause after a large step.
        pub cooldown: CooldownRules,
        /// Freeze of subsystems.
        pub partial_freeze: PartialFreezeRules,
        /// Few keys at a time in warm-up and ramp-down.
        pub micro_steps: MicroStepRules,
    }
}

section! {
    /// Freeze after stable iterations.
    #[derive(Clone, Debug, PartialEq)]
    pub struct FreezeRules if freeze_has_a_condition {
        /// Whether the guard is in force.
        pub is_on "enabled": bool = switch => true,
        /// An iteration is stable when all hold.
        pub when: Vec<Bound> { |t| bounds(&t.at("when"), true) },
        /// So many stable iterations in a row start a freeze.
        pub in_a_row: u64 = at_least_one,
        /// It is in force for so many iterations after the one that started it.
        pub lasts: u64 = at_least_one,
        /// The parameters that it holds.
        pub parameters: Vec<ParamName> { frozen },
    }
}

fn freeze_has_a_condition(t: &Table<'_>, rules: &FreezeRules) -> Read<()> {
    if t.parameters().len() == 0 {
        return Ok(());
    }
    has_a_condition(&t.at("when"), &rules.when)
}

fn frozen(t: &Table<'_>) -> Read<Vec<ParamName>> {
    let names = t.required("parameters", names)?;
    let mut parameters = Vec::new();
    for name in &names {
        let found = t.parameters().named(name, |problem| t.fault_at("parameters", problem))?;
        let Some(parameter) = found else { continue };
        if parameters.contains(&parameter.name) {
            return Err(t.fault_at("parameters", format!("`{name}` is listed twice")));
        }
        parameters.push(parameter.name.clone());
    }
    let problem = "a freeze that holds no parameter does nothing; expected at least one";
    let has_parameters = t.parameters().len() > 0;
    decides(t, "parameters", (has_parameters && names.is_empty()).then(|| problem.to_owned()))?;
    Ok(parameters)
}

section! {
    /// Detection of A → B → A.
    #[derive(Clone, Debug, PartialEq)]
    pub struct OscillationRules {
        /// Whether the guard is in force.
        pub is_on "enabled": bool = switch => true,
        /// Applied values that differ by no more than this are the same value.
        pub tolerance: f64 = not_negative,
    }
}

section! {
    /// The hourly limit of each parameter.
    #[derive(Clone, Debug, PartialEq)]
    pub struct VelocityRules {
        /// Whether the guard is in force.
        pub is_on "enabled": bool = switch => true,
        /// Changes of so many seconds of run time are added up.
        pub window_seconds: f64 = positive,
        /// The limit is multiplied with this during warm-up.
        pub warmup_factor: f64 = positive,
    }
}

section! {
    /// The pause after a large step.
    #[derive(Clone, Debug, PartialEq)]
    pub struct CooldownRules if large_step_is_possible {
        /// Whether the guard is in force.
        pub is_on "enabled": bool = switch => true,
        /// A step is large when the sum of |delta| ÷ width of the parameter's bounds is above this.
        pub large_step: f64 = positive,
        /// So many iterations after a large step apply nothing.
        pub iterations: u64 = at_least_one,
    }
}

fn large_step_is_possible(t: &Table<'_>, rules: &CooldownRules) -> Read<()> {
    let (step, largest) = (rules.large_step, t.parameters().len() as f64);
    let problem = format!(
        "`> {step}` can never be reached: {largest} parameters move by at most their whole width each"
    );
    decides(t, "large_step", (largest > 0.0 && step >= largest).then_some(problem))
}

section! {
    /// Freeze of subsystems, debounced in run time.
    #[derive(Clone, Debug, PartialEq)]
    pub struct PartialFreezeRules if turns_are_possible {
        /// Whether the guard is in force.
        pub is_on "enabled": bool = switch => true,
        /// How many applied values of a parameter are looked at.
        pub applied_values: usize = size,
        /// Range ÷ mean |value| above this, together with the next, is an oscillation.
        pub relative_range: f64 = positive,
        /// At least so many changes of direction among them.
        pub direction_changes: usize = size,
        /// Subsystems that an oscillation freezes.
        pub oscillation_freezes: Vec<String> { |t| subsystems(t, "oscillation_freezes") },
        /// Bounds of which any freezes the subsystems below.
        pub latency_when: Vec<Bound> { |t| bounds(&t.at("latency_when"), false) },
        /// Subsystems that latency freezes.
        pub latency_freezes: Vec<String> { |t| subsystems(t, "latency_freezes") },
        /// A freeze opens after so many ms of signal.
        pub open_after_ms: f64 = not_negative,
        /// It closes after so many ms without signal.
        pub close_after_ms: f64 = not_negative,
        /// And lasts at least so many ms.
        pub minimum_ms: f64 = not_negative,
    }
}

/// n values make n - 1 steps, between which there are n - 2 turns.
fn turns_are_possible(t: &Table<'_>, rules: &PartialFreezeRules) -> Read<()> {
    let (values, turns) = (rules.applied_values, rules.direction_changes);
    let problem = format!(
        "{values} values change direction at most {} times; expected `applied_values` to be at least {}",
        values.saturating_sub(2),
        turns.saturating_add(2),
    );
    decides(t, "direction_changes", (turns + 2 > values).then_some(problem))
}

/// A list of subsystems; empty where nothing is to be frozen.
fn subsystems(t: &Table<'_>, key: &str) -> Read<Vec<String>> {
    let found = t.required(key, names)?;
    list_among(t, key, &found, "subsystem", &t.parameters().subsystems.iter().map(String::as_str))?;
    Ok(found)
}

/// Names that must be among those that are known, each once.
fn list_among<'n>(
    t: &Table<'_>,
    key: &str,
    found: &[String],
    what: &str,
    known: &(impl Iterator<Item = &'n str> + Clone),
) -> Read<()> {
    let mut result = Ok(());
    for (index, name) in found.iter().enumerate() {
        if found[..index].contains(name) {
            result = Err(t.fault_at(key, format!("`{name}` is listed twice")));
        } else if !known.clone().any(|known| known == name) {
            let hint = did_you_mean(name, known.clone());
            result = Err(t.fault_at(key, format!("unknown {what} `{name}`{hint}")));
        }
    }
    result
}

section! {
    /// Few keys at a time in warm-up and ramp-down.
    #[derive(Clone, Debug, PartialEq)]
    pub struct MicroStepRules {
        /// Whether the guard is in force.
        pub is_on "enabled": bool = switch => true,
        /// At most so many keys an iteration, largest step first.
        pub keys: usize = size,
        /// A key that was changed rests for so many iterations.
        pub rest: u64 = whole,
    }
}

section! {
    /// How the `prometheus` source queries a metric.
    #[derive(Clone, Debug, PartialEq)]
    pub struct MetricQuery {
        /// Key of the edge report's totals that the answer becomes: a KPI, or a dotted name of the run's metrics.
        pub metric: String { |t| Ok(t.name()) },
        /// `PromQL` with `$window` and `$selector`.
        pub query: String = query,
        /// Whether the run can do without it: no series is then no failure.
        pub is_optional "optional": bool = switch => false,
        /// What becomes of several series; `None` = they are an error.
        pub reduce: Option<Reduce> = |value: &Value| {
            one_of(value, "reduction", &Reduce::ALL.map(|reduce| (reduce.word(), reduce)))
        },
    }
}

/// How several series become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Reduce {
    Max,
    Sum,
    Mean,
}

impl Reduce {
    pub const ALL: [Self; 3] = [Self::Max, Self::Sum, Self::Mean];

    /// The word in the policy.
    pub fn word(self) -> &'static str {
        self.into()
    }

    /// The number; `None` without any.
    pub fn of(self, values: &[f64]) -> Option<f64> {
        let sum = || values.iter().sum::<f64>();
        let reduced = match self {
            Self::Max => values.iter().copied().max_by(f64::total_cmp)?,
            Self::Sum => sum(),
            Self::Mean => sum() / values.len() as f64,
        };
        (!values.is_empty() && reduced.is_finite()).then_some(reduced)
    }
}

section! {
    /// Where the resources of the system come from, where the command line says nothing.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct ResourceRules {
        pub is_on "enabled": bool = switch => true,
        /// The file of a supervisor with the number of the process.
        pub pid_file: Option<String> = name,
        /// How a metrics store is queried for each resource, in the order of reports; `None` = not queried.
        pub queries: [Option<String>; 4] {
            |t| {
                let keys = ["rss_mb", "cpu_pct", "threads", "open_files"];
                let [rss, cpu, threads, files] = keys.map(|key| t.optional(key, query));
                Ok([rss?, cpu?, threads?, files?])
            }
        },
        /// How it queries when the process started, Unix seconds.
        pub started: Option<String> = query,
    }
}

impl ResourceRules {
    /// Whether there is anything to query a store for.
    pub fn asks_a_store(&self) -> bool {
        self.is_on && self.queries.iter().any(Option::is_some)
    }
}

/// A text in which every `$word` is a placeholder. Judges no `PromQL`.
pub(super) fn query(value: &Value) -> Parsed<String> {
    let query = name(value)?;
    let placeholders = ["window", "selector"];
    for part in query.split('$').skip(1) {
        let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(part.len());
        let word = &part[..end];
        // A lone `$` is the end of a text in a regular expression.
        if !word.is_empty() && !placeholders.contains(&word) {
            let hint = did_you_mean(word, placeholders);
            return Err(format!("unknown placeholder `${word}`{hint}; expected `$window` or `$selector`"));
        }
    }
    Ok(query)
}
