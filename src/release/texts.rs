//! Changelog, rollback plan and canary checklist of a bundle, and what all texts of a release share. The texts
//! themselves are the files in `templates`.
//!
//! No path, address or command but those of the policy's `[service]`; what is not set there is said to be missing.

use std::borrow::Borrow;
use std::fmt::Display;

use askama::Template;

use super::bundle::manifest::BundleManifest;
use super::canary::criteria::statistic_of;
use super::criteria::number;
use super::notes::{GoalNote, SymbolNotes};
use crate::core::policy::Policy;
use crate::core::policy::release::{CanaryBound, CanaryLimit, CanaryRules, Service, ServiceCommand};
use crate::core::text::number::beside;
use crate::core::text::shell;
use crate::core::verdict::Outcome;
use crate::report::analysis::{REHEARSAL, override_line};
use crate::report::text::{cell, prose};

/// Decimals of a section of the score and of their sum.
pub(super) const DECIMALS: usize = 6;

/// The profile in the bundle.
const PROFILE: &str = "soak_profile.runtime_overrides.json";

/// Filters of the templates.
#[expect(
    clippy::inline_always,
    clippy::unnecessary_wraps,
    clippy::unused_self,
    reason = "what `filter_fn` makes of a function"
)]
pub(super) mod filters {
    use std::borrow::Borrow;
    use std::fmt::Display;

    use askama::{Result, Values, filter_fn};

    use crate::core::text::number::fixed;
    use crate::report::text;

    /// Text from a file in a table or a list.
    #[filter_fn]
    pub(in crate::release) fn cell(text: impl Display, _: &dyn Values) -> Result<String> {
        let text = text.to_string();
        Ok(text::cell(&text))
    }

    /// A sentence that may hold text from files.
    #[filter_fn]
    pub(in crate::release) fn prose(text: impl Display, _: &dyn Values) -> Result<String> {
        let text = text.to_string();
        Ok(text::prose(&text))
    }

    /// Text from a file in plain text.
    #[filter_fn]
    pub(in crate::release) fn printable(text: impl Display, _: &dyn Values) -> Result<String> {
        let text = text.to_string();
        Ok(text::printable(&text))
    }

    /// A number as people write it.
    #[filter_fn]
    pub(in crate::release) fn number(value: impl Borrow<f64>, _: &dyn Values) -> Result<String> {
        let value = *value.borrow();
        Ok(crate::release::criteria::number(value))
    }

    /// A number that may be unknown, with so many decimals.
    #[filter_fn]
    pub(in crate::release) fn known(
        value: impl Borrow<Option<f64>>,
        _: &dyn Values,
        digits: usize,
    ) -> Result<String> {
        let shown = value.borrow().map(|value| fixed(value, digits));
        Ok(shown.unwrap_or_else(|| "?".to_owned()))
    }

    /// The value of a parameter that a profile may not have.
    #[filter_fn]
    pub(in crate::release) fn if_set(value: impl Borrow<Option<f64>>, _: &dyn Values) -> Result<String> {
        let shown = value.borrow().map(crate::release::criteria::number);
        Ok(shown.unwrap_or_else(|| "not set".to_owned()))
    }

    /// Points of the score.
    #[filter_fn]
    pub(in crate::release) fn points(points: impl Borrow<f64>, _: &dyn Values) -> Result<String> {
        let points = *points.borrow();
        Ok(fixed(points, super::DECIMALS))
    }

    /// The word for yes, or that it is not so, or that nobody knows.
    #[filter_fn]
    pub(in crate::release) fn yes(
        value: impl Borrow<Option<bool>>,
        _: &dyn Values,
        word: &'static str,
    ) -> Result<&'static str> {
        let shown = value.borrow().map(|value| if value { word } else { "**no**" });
        Ok(shown.unwrap_or("?"))
    }

    #[filter_fn]
    pub(in crate::release) fn count(n: impl Display, _: &dyn Values, word: &str) -> Result<String> {
        let n = n.to_string();
        Ok(if n == "1" { format!("1 {word}") } else { format!("{n} {word}s") })
    }
}

/// A text with one line end behind it.
pub(super) fn rendered(template: &impl Template) -> String {
    // Templates write into memory, which has no way to fail.
    let text = template.render().unwrap_or_default();
    format!("{}\n", text.trim_end_matches('\n'))
}

impl GoalNote {
    /// The value on its side of the limit.
    pub(super) fn observed(&self, unknown: &str) -> String {
        self.observed.map_or_else(|| unknown.to_owned(), |observed| beside(observed, self.limit, 3))
    }
}

/// `CHANGELOG.md`: what is released, by which numbers. Of the files, the manifest lists all others.
#[derive(Template)]
#[template(path = "changelog.md")]
pub(super) struct Changelog<'a> {
    manifest: &'a BundleManifest,
    /// Goals that are met, of all.
    met: usize,
    goals: usize,
}

impl<'a> Changelog<'a> {
    pub(super) fn new(manifest: &'a BundleManifest) -> Self {
        let (met, goals) = manifest.notes.goals();
        Self { manifest, met, goals }
    }
}

/// What the headings of a symbol begin with.
fn mark(symbol: &SymbolNotes) -> &'static str {
    if symbol.symbol.is_some() { "###" } else { "##" }
}

/// `rollback_plan.md`: when to roll back, how, and how to see that it worked.
#[derive(Template)]
#[template(path = "rollback_plan.md")]
pub(super) struct RollbackPlan<'a> {
    manifest: &'a BundleManifest,
    canary: &'a CanaryRules,
    service: &'a Service,
    steps: Steps<'a>,
}

impl<'a> RollbackPlan<'a> {
    pub(super) fn new(manifest: &'a BundleManifest, policy: &'a Policy) -> Self {
        let steps = Steps { manifest, policy, service: &policy.release.service };
        Self { manifest, canary: &policy.release.canary, service: steps.service, steps }
    }
}

/// `CANARY_CHECKLIST.md`: before, the checkpoints with their limits, what rolls back, the steps to all of the traffic.
#[derive(Template)]
#[template(path = "canary_checklist.md")]
pub(super) struct CanaryChecklist<'a> {
    manifest: &'a BundleManifest,
    canary: &'a CanaryRules,
    service: &'a Service,
    first_share: f64,
    steps: Steps<'a>,
}

impl<'a> CanaryChecklist<'a> {
    pub(super) fn new(manifest: &'a BundleManifest, policy: &'a Policy) -> Self {
        let canary = &policy.release.canary;
        let steps = Steps { manifest, policy, service: &policy.release.service };
        let first_share = canary.stages.first().map_or(0.0, |stage| stage.percent);
        Self { manifest, canary, service: steps.service, first_share, steps }
    }

    /// Each hour with its limits.
    fn hours(&self) -> Vec<(String, Vec<String>)> {
        let notes = &self.manifest.notes.canary;
        let of_hour = notes.chunk_by(|one, next| one.after_hours == next.after_hours);
        of_hour
            .map(|notes| (number(notes[0].after_hours), notes.iter().map(|note| self.limit(note)).collect()))
            .collect()
    }

    fn limit(&self, note: &super::canary::criteria::CanaryNote) -> String {
        let limit = match note.limit {
            Some(value) => cell(&self.steps.with_unit(value, &note.kpi)),
            None => "**no limit can be computed**".to_owned(),
        };
        let usual = self.canary.statistic;
        let at = self.canary.checkpoints.iter().find(|checkpoint| checkpoint.after_hours == note.after_hours);
        let rule = at.and_then(|at| at.limits.iter().find(|rule| rule.kpi.name == note.kpi));
        let of = rule.map_or(usual, |rule| statistic_of(&rule.bound, usual));
        // A limit that follows the soak says in its basis which statistic it is of.
        let is_said = of == usual || note.basis.starts_with(&format!("soak: {} ", of.word()));
        let of = if is_said { String::new() } else { format!("{}; ", of.word()) };
        format!("{} {} {limit} ({of}{})", cell(&note.kpi), note.comparison, prose(&note.basis))
    }
}

/// Steps that can be ticked, with the service's commands for them, or the word that there are none.
struct Steps<'a> {
    manifest: &'a BundleManifest,
    policy: &'a Policy,
    service: &'a Service,
}

/// That the policy does not say something.
fn missing(key: &str) -> String {
    format!("**Not configured: `{key}` is not set in the policy. Write it down here.**")
}

/// Copies a file over another so that a reader finds the old or the new one, whole.
fn install(from: &str, to: &str) -> [String; 2] {
    let (beside, to) = (shell::word(&format!("{to}.new")), shell::word(to));
    [format!("cp -- {} {beside}", shell::word(from)), format!("mv -f -- {beside} {to}")]
}

/// A step with its lines of shell in a block of their own.
fn shell_step(text: &str, lines: &[String]) -> String {
    let lines = lines.join("\n  ");
    format!("- [ ] {text}:\n\n  ```sh\n  {lines}\n  ```\n")
}

/// A step whose lines are known where the policy says what they need; else the key that is not set.
fn shell_or_missing(text: &str, lines: Result<Vec<String>, &str>) -> String {
    lines.map_or_else(|key| format!("- [ ] {text}. {}", missing(key)), |lines| shell_step(text, &lines))
}

fn configured(key: &str, value: Option<&str>) -> String {
    value.map_or_else(|| missing(key), cell)
}

/// A step that asks an address of the service.
fn ask(text: &str, key: &str, url: Option<&str>) -> String {
    let line = url.map(|url| vec![format!("curl -fsS --max-time 10 {}", shell::word(url))]);
    shell_or_missing(text, line.ok_or(key))
}

impl Steps<'_> {
    fn command(&self, text: &str, command: ServiceCommand) -> String {
        let key = format!("service.commands.{}", command.key());
        let line = self.service.commands.get(&command);
        shell_or_missing(text, line.map(|line| vec![line.clone()]).ok_or(&key))
    }

    fn set_traffic(&self, text: impl Display, percent: impl Borrow<f64>) -> String {
        let line = self.service.commands.get(&ServiceCommand::SetTraffic);
        let line = line.map(|line| vec![line.replace("{percent}", &number(*percent.borrow()))]);
        shell_or_missing(&text.to_string(), line.ok_or("service.commands.set_traffic"))
    }

    /// A step that writes the time down in a variable of the shell.
    fn clock(&self, text: &str, variable: &str) -> String {
        let line = format!("{variable}=$(date -u +%Y-%m-%dT%H:%M:%SZ); echo \"{variable}=${variable}\"");
        match self.service.prometheus_url {
            Some(_) => shell_step(text, &[line]),
            None => format!("- [ ] {text}"),
        }
    }

    /// A step that `soak release canary check` does, with these flags.
    fn check(&self, text: &str, flags: &str, selector: Option<&String>) -> String {
        let selector =
            selector.map_or_else(String::new, |selector| format!(" --selector {}", shell::word(selector)));
        let line = |url: &String| {
            let url = shell::word(url);
            let line = format!(
                "soak release canary check {flags} --policy policy.toml --prometheus-url {url}{selector}"
            );
            vec![line]
        };
        let line = self.service.prometheus_url.as_ref().map(line);
        shell_or_missing(text, line.ok_or("service.prometheus_url"))
    }

    /// A check of the canary since its start.
    fn check_canary(&self, text: impl Display, flags: impl Display) -> String {
        let rehearsal = if self.manifest.rehearsal { " --rehearsal" } else { "" };
        let flags = format!("--bundle . --since \"$CANARY_STARTED\"{rehearsal}{flags}");
        self.check(&text.to_string(), &flags, self.service.canary_selector.as_ref())
    }

    fn check_after_rollback(&self) -> String {
        let minutes = self.policy.release.canary.after_rollback_minutes;
        let minutes = if minutes == 1 { "1 minute".to_owned() } else { format!("{minutes} minutes") };
        let text = format!("After {minutes} `soak` holds it against the limits below");
        self.check(&text, "--after-rollback \"$ROLLED_BACK\"", self.service.selector.as_ref())
    }

    /// The files of the overrides, now and of the former release; the error is the key that is not set.
    fn overrides(&self) -> Result<(&String, &String), &'static str> {
        let overrides = self.service.overrides_file.as_ref().ok_or("service.overrides_file")?;
        let previous = self.service.previous_overrides_file.as_ref();
        Ok((overrides, previous.ok_or("service.previous_overrides_file")?))
    }

    fn backup(&self) -> String {
        let lines = self.overrides().map(|(overrides, previous)| {
            let (overrides, previous) = (shell::word(overrides), shell::word(previous));
            vec![format!("cp -p -- {overrides} {previous}"), format!("cmp -- {overrides} {previous}")]
        });
        shell_or_missing("The overrides in force are kept for a rollback", lines)
    }

    fn restore(&self) -> String {
        let lines = self.overrides().map(|(overrides, previous)| install(previous, overrides).into());
        shell_or_missing("Bring the former overrides back", lines)
    }

    fn install_profile(&self) -> String {
        let Some(file) = &self.service.canary_overrides_file else {
            return format!(
                "- [ ] The canary gets `{PROFILE}`. {}",
                missing("service.canary_overrides_file")
            );
        };
        shell_step("The canary gets the profile", &install(PROFILE, file))
    }

    /// A number with the unit of a KPI.
    fn with_unit(&self, value: impl Borrow<f64>, metric: &str) -> String {
        let unit = self.policy.kpis.find(metric).map_or("", |kpi| kpi.unit.symbol());
        let number = number(*value.borrow());
        if unit.is_empty() { number } else { format!("{number} {unit}") }
    }

    /// A limit that is a number of the policy.
    fn fixed_limit(&self, limit: &CanaryLimit) -> Option<String> {
        let CanaryBound::Fixed(bound) = &limit.bound else { return None };
        let name = limit.kpi.name;
        let value = self.with_unit(bound.value, name);
        Some(format!("{} {} {}", cell(name), limit.comparison.symbol(), cell(&value)))
    }
}
