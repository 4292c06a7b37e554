//! The readiness score, `READINESS_SCORE.json` and `.md`: six sections out of 100 over the reports of the last days.
//! GO only at 100.
//!
//! A value that is missing has no points on its day, and so has a report that cannot be read or a day without
//! one: what nobody measured is never a pass.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use askama::Template;
use chrono::{DateTime, NaiveDate, SecondsFormat};
use serde::{Serialize, Serializer};

use super::day::{Day, Runtime, read_reports};
use super::texts::{DECIMALS, filters, rendered};
use crate::core::policy::Policy;
use crate::core::policy::release::{ScoreRules, ScoredLimit};
use crate::core::text::number::{fixed, round_half_even, trimmed};
use crate::core::verdict::provenance::Provenance;
use crate::infra::atomic_file;
use crate::infra::atomic_file::FileError;
use crate::infra::clock;
use crate::report::json::compact_ascii;
use crate::report::text::printable;
use crate::stats::median;

/// Name of the score's file in the folder of the reports.
pub(crate) const SCORE_FILE: &str = "READINESS_SCORE.json";

/// By so much may a score differ from the sum of its sections, and from 100.
pub(super) const TOLERANCE: f64 = 1e-6;

/// The score that is GO.
pub(super) const FULL: f64 = 100.0;

/// One of the six sections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, strum::Display)]
#[strum(serialize_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub(crate) enum Section {
    Edge,
    Latency,
    Taker,
    /// Regressions and drift.
    Guards,
    Chaos,
    /// Bug bash.
    Tests,
}

impl Section {
    /// All of them, in the order of reports.
    pub(super) const ALL: [Self; 6] =
        [Self::Edge, Self::Latency, Self::Taker, Self::Guards, Self::Chaos, Self::Tests];

    /// The most points it can have.
    pub(super) fn points(self, rules: &ScoreRules) -> f64 {
        match self {
            Self::Edge => rules.edge.points.value,
            Self::Latency => rules.latency.points.value,
            Self::Taker => rules.taker.points.value,
            Self::Guards => rules.guards.value,
            Self::Chaos => rules.chaos.value,
            Self::Tests => rules.tests.value,
        }
    }
}

/// The points of a section.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scored {
    /// Which.
    pub(crate) section: Section,
    /// Its points, 6 decimals.
    pub(crate) points: f64,
    /// The most it could have.
    pub(crate) of: f64,
    /// How it came to them, in a few words.
    pub(crate) why: String,
}

/// The points of each section.
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "it describes what is written in place of the list of sections")]
struct SectionPoints {
    /// Chaos tests.
    chaos: f64,
    /// Net edge.
    edge: f64,
    /// Regressions and drift.
    guards: f64,
    /// Order age.
    latency: f64,
    /// Taker share.
    taker: f64,
    /// Bug bash.
    tests: f64,
}

/// The score.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema, Template)]
#[template(path = "readiness_score.md")]
pub(crate) struct Score {
    /// Oldest first.
    pub(crate) days: Vec<Day>,
    /// Required days.
    #[serde(rename = "days_wanted")]
    pub(crate) wanted: usize,
    /// SHA-256 of the policy values in force.
    pub(crate) policy_sha256: String,
    /// The `soak.toml` that was found; left out without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) policy_file: Option<String>,
    /// What costs points because it is not known.
    pub(crate) problems: Vec<String>,
    /// Made up data counts; such a GO is none for a release.
    pub(crate) rehearsal: bool,
    /// When, and by which version.
    pub(crate) runtime: Runtime,
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub(crate) schema_version: &'static str,
    /// 0 to 100, the sum of the sections.
    #[serde(rename = "score")]
    pub(crate) total: f64,
    /// The points of each section.
    // In the order of [`Section::ALL`].
    #[serde(serialize_with = "points")]
    #[schemars(with = "SectionPoints")]
    pub(crate) sections: Vec<Scored>,
    /// GO only at 100.
    #[schemars(extend("enum" = ["GO", "HOLD"]))]
    pub(crate) verdict: &'static str,
}

fn points<S: Serializer>(sections: &[Scored], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(sections.iter().map(|scored| (scored.section, scored.points)))
}

/// The score of the reports in a folder. Its time is the fixed one, else that of the newest report.
pub(crate) fn score(
    folder: &Path,
    policy: &Policy,
    provenance: &Provenance,
    rehearsal: bool,
) -> Result<Score, FileError> {
    let score = Score::of(read_reports(folder, &policy.release)?, &policy.release.score, rehearsal);
    let is_time = |text: &String| DateTime::parse_from_rfc3339(text).is_ok();
    let newest = || score.days.iter().rev().find_map(|day| day.utc.clone().filter(is_time));
    let now = || clock::machine_time().to_rfc3339_opts(SecondsFormat::Secs, true);
    let utc = provenance.fixed_time.clone().or_else(newest).unwrap_or_else(now);
    let runtime = Runtime { utc, version: provenance.tool_version.clone() };
    Ok(Score {
        runtime,
        policy_sha256: provenance.policy_sha256.clone(),
        policy_file: provenance.policy_file.clone(),
        ..score
    })
}

impl Score {
    /// The score of these reports, in any order. Whose it is, [`score`] says.
    fn of(reports: Vec<Day>, rules: &ScoreRules, rehearsal: bool) -> Self {
        let days = last_days(reports, rules.days, rehearsal);
        let sections: Vec<Scored> =
            Section::ALL.iter().map(|section| scored(*section, &days, rules)).collect();
        let total = round_half_even(sections.iter().map(|scored| scored.points).sum(), DECIMALS);
        let too_few =
            (days.len() < rules.days).then(|| format!("{} of {} days have a report", days.len(), rules.days));
        let of_days =
            days.iter().flat_map(|day| day.problems.iter().map(|problem| format!("{}: {problem}", day.file)));
        Self {
            policy_sha256: String::new(),
            policy_file: None,
            problems: too_few.into_iter().chain(of_days).collect(),
            rehearsal,
            runtime: Runtime { utc: String::new(), version: String::new() },
            schema_version: "1.0",
            total,
            sections,
            wanted: rules.days,
            verdict: if is_full(total) { "GO" } else { "HOLD" },
            days,
        }
    }

    /// Writes the score, and beside it the same for people. Gives the name of the second.
    pub(crate) fn write(&self, file: &Path) -> Result<PathBuf, FileError> {
        let beside = file.with_extension("md");
        atomic_file::write_below(&beside, rendered(self).as_bytes())?;
        atomic_file::write_below(file, compact_ascii(self).as_bytes())?;
        Ok(beside)
    }

    /// The score, section by section.
    pub(crate) fn text(&self, files: [&Path; 2]) -> String {
        let mut out = String::new();
        for scored in &self.sections {
            let points = fixed(scored.points, 6);
            let _ = writeln!(
                out,
                "  {:<8} {points:>10} of {:>3}  {}",
                scored.section,
                trimmed(&fixed(scored.of, 6)),
                scored.why
            );
        }
        if let Some(span) = self.span() {
            let _ = writeln!(out, "  reports of {span}");
        }
        for problem in &self.problems {
            let _ = writeln!(out, "  not known: {}", printable(problem));
        }
        let _ = writeln!(out, "\nWritten: {} and {}", files[0].display(), files[1].display());
        let rehearsal = if self.rehearsal { " (REHEARSAL)" } else { "" };
        let _ = writeln!(out, "\nReadiness: {} (score={}){rehearsal}", self.verdict, fixed(self.total, 6));
        out
    }

    pub(crate) fn is_go(&self) -> bool {
        self.verdict == "GO"
    }

    /// Whether a report has no points only because its data is no basis for a release.
    pub(crate) fn has_unreleasable(&self) -> bool {
        !self.rehearsal && self.days.iter().any(|day| day.unreleasable.is_some())
    }

    /// From which day to which the reports are, and how many days between them have none: the last reports count,
    /// whatever lies between them. `None` where no two days are known.
    pub(crate) fn span(&self) -> Option<String> {
        let known: Vec<NaiveDate> =
            self.days.iter().filter_map(|day| day.date.as_deref()?.parse().ok()).collect();
        let (first, last) = (known.iter().min()?, known.iter().max()?);
        let all = first.iter_days().take_while(|day| day < last).count() + 1;
        let without = all.saturating_sub(known.len());
        let span = format!("{first} to {last}");
        match without {
            _ if known.len() < 2 => None,
            0 => Some(span),
            1 => Some(format!("{span}, and 1 day between them has no report")),
            _ => Some(format!("{span}, and {without} days between them have no report")),
        }
    }
}

/// Whether a score is 100.
pub(super) fn is_full(score: f64) -> bool {
    (score - FULL).abs() <= TOLERANCE
}

/// The last days, oldest first. Two reports for one day are a corrupt pair, and a rehearsal is no day.
fn last_days(reports: Vec<Day>, wanted: usize, rehearsal: bool) -> Vec<Day> {
    let mut by_day: BTreeMap<(String, bool), Vec<Day>> = BTreeMap::new();
    for day in reports {
        let key = day.order().0.to_owned();
        by_day.entry((key, day.date.is_some())).or_default().push(day);
    }
    let mut days: Vec<Day> = by_day
        .into_values()
        .map(|mut of_day| {
            if of_day.len() == 1 {
                of_day.remove(0)
            } else {
                of_day.sort_by(|a, b| a.file.cmp(&b.file));
                let names: Vec<&str> = of_day.iter().map(|day| day.file.as_str()).collect();
                let problem = format!("{} are reports of the same day", names.join(" and "));
                Day::unusable(&names.join(", "), of_day[0].date.clone(), problem)
            }
        })
        .map(|day| match day.unreleasable {
            Some(reason) if !rehearsal => {
                let problem = format!("{reason}, so the report counts only with `--rehearsal`");
                Day {
                    source: day.source,
                    utc: day.utc,
                    unreleasable: Some(reason),
                    ..Day::unusable(&day.file, day.date, problem)
                }
            }
            _ => day,
        })
        .collect();
    days.sort_by(|a, b| a.order().cmp(&b.order()));
    let from = days.len().saturating_sub(wanted);
    days.split_off(from)
}

fn scored(section: Section, days: &[Day], rules: &ScoreRules) -> Scored {
    let of = section.points(rules);
    let (share, why) = match section {
        Section::Edge => by_median(days, rules, |day| day.edge, &rules.edge, true),
        Section::Latency => by_median(days, rules, |day| day.latency, &rules.latency, false),
        Section::Taker => by_median(days, rules, |day| day.taker, &rules.taker, false),
        Section::Guards => {
            let good = days.iter().filter(|day| day.guards_clear == Some(true)).count();
            (good as f64 / rules.days as f64, format!("clear on {good} of {} days", rules.days))
        }
        Section::Chaos => on_every_day(days, rules, |day| day.chaos_ok),
        Section::Tests => on_every_day(days, rules, |day| day.tests_ok),
    };
    Scored { section, points: round_half_even(of * share, DECIMALS), of, why }
}

/// The share of the points by the median of the known values.
fn by_median(
    days: &[Day],
    rules: &ScoreRules,
    value: impl Fn(&Day) -> Option<f64>,
    limit: &ScoredLimit,
    is_floor: bool,
) -> (f64, String) {
    let mut known: Vec<f64> = days.iter().filter_map(value).collect();
    let on = format!("known on {} of {} days", known.len(), rules.days);
    let Some(median) = median(&mut known) else { return (0.0, on) };
    let limit = limit.limit.value;
    let met = match is_floor {
        true => (median / limit).clamp(0.0, 1.0),
        false if median <= limit => 1.0,
        false => (limit / median).clamp(0.0, 1.0),
    };
    let symbol = if is_floor { ">=" } else { "<=" };
    let share = known.len() as f64 / rules.days as f64;
    (met * share, format!("median {median} (required {symbol} {limit}), {on}"))
}

fn on_every_day(days: &[Day], rules: &ScoreRules, ok: impl Fn(&Day) -> Option<bool>) -> (f64, String) {
    let good = days.iter().filter(|day| ok(day) == Some(true)).count();
    let share = if good == rules.days { 1.0 } else { 0.0 };
    (share, format!("OK on {good} of {} days, required on every day", rules.days))
}

/// Rules for tests, with the numbers of the documents.
#[cfg(test)]
pub(super) mod fixture {
    use crate::core::judge::fixture::limit;
    use crate::core::policy::release::{ScoreRules, ScoredLimit};

    /// Seven days; 30, 25, 15, 10, 10, 10 points; 2.5 bps, 350 ms, 15 %.
    pub(in crate::release) fn rules() -> ScoreRules {
        let scored = |points, value| ScoredLimit { points: limit(points), limit: limit(value) };
        ScoreRules {
            days: 7,
            regression_share: limit(0.10),
            warn_share: limit(0.10),
            edge: scored(30.0, 2.5),
            latency: scored(25.0, 350.0),
            taker: scored(15.0, 15.0),
            guards: limit(10.0),
            chaos: limit(10.0),
            tests: limit(10.0),
        }
    }
}

/// The vectors of the earlier scorer, with the corrections that were decided on; every number is done by hand.
#[cfg(test)]
mod tests {
    use super::fixture::rules;
    use super::*;
    use crate::release::day::{date_in, says_ok};

    /// A day that meets everything with room.
    fn good(number: usize) -> Day {
        let file = format!("REPORT_SOAK_2026010{number}.json");
        Day {
            date: date_in(&file),
            file,
            edge: Some(2.8),
            latency: Some(320.0),
            taker: Some(12.0),
            guards_clear: Some(true),
            chaos_ok: Some(true),
            tests_ok: Some(true),
            ..Day::default()
        }
    }

    fn week(change: impl Fn(usize, &mut Day)) -> Vec<Day> {
        let day = |number| {
            let mut day = good(number);
            change(number, &mut day);
            day
        };
        (1..=7).map(day).collect()
    }

    fn total(reports: Vec<Day>) -> f64 {
        Score::of(reports, &rules(), false).total
    }

    #[test]
    fn seven_good_days_are_go_and_nothing_less_is() {
        let score = Score::of(week(|_, _| ()), &rules(), false);
        assert_eq!((score.total, score.verdict), (100.0, "GO"));
        assert!(score.problems.is_empty());
        let points: Vec<f64> = score.sections.iter().map(|scored| scored.points).collect();
        assert_eq!(points, [30.0, 25.0, 15.0, 10.0, 10.0, 10.0]);
    }

    #[test]
    fn no_reports_have_no_points() {
        // The earlier scorer gave 60.
        let score = Score::of(Vec::new(), &rules(), false);
        assert_eq!((score.total, score.verdict), (0.0, "HOLD"));
        assert_eq!(score.problems, ["0 of 7 days have a report"]);
    }

    #[test]
    fn a_day_without_a_report_costs_its_share() {
        // Three of seven days: 70 x 3/7 for the medians and 10 x 3/7 for the guards, each to 6 digits; chaos and
        // tests require every day. The earlier scorer gave 94.285714.
        assert_eq!(total((1..=3).map(good).collect()), 34.285_714);
        // Six of seven: 25.714_286 + 21.428_571 + 12.857_143 + 8.571429.
        assert_eq!(total((1..=6).map(good).collect()), 68.571_429);
    }

    #[test]
    fn days_without_a_report_between_the_others_are_reported() {
        let span = |nights: &[usize]| {
            Score::of(nights.iter().copied().map(good).collect(), &rules(), false).span().unwrap_or_default()
        };
        assert_eq!(span(&[1, 2, 3, 4, 5, 6, 7]), "2026-01-01 to 2026-01-07");
        // Only the last seven are looked at, in any order.
        assert_eq!(span(&[9, 8, 7, 6, 5, 4, 3, 1]), "2026-01-03 to 2026-01-09");
        assert_eq!(
            span(&[2, 3, 4, 6, 7, 8, 9]),
            "2026-01-02 to 2026-01-09, and 1 day between them has no report"
        );
        assert_eq!(span(&[1, 9]), "2026-01-01 to 2026-01-09, and 7 days between them have no report");
        assert_eq!((span(&[5]), span(&[])), (String::new(), String::new()));
    }

    #[test]
    fn a_value_that_is_missing_has_no_points_on_its_day() {
        assert_eq!(
            total(week(
                |_, day| *day = Day { file: day.file.clone(), date: day.date.clone(), ..Day::default() }
            )),
            0.0
        );
        // 30 x 6/7 instead of 30, though the median of the other days is fine.
        assert_eq!(total(week(|n, day| day.edge = day.edge.filter(|_| n != 4))), 95.714_286);
        assert_eq!(total(week(|n, day| day.latency = day.latency.filter(|_| n != 4))), 96.428_571);
        assert_eq!(total(week(|n, day| day.taker = day.taker.filter(|_| n != 4))), 97.857_143);
        assert_eq!(total(week(|n, day| day.guards_clear = day.guards_clear.filter(|_| n != 4))), 98.571_429);
        assert_eq!(total(week(|n, day| day.chaos_ok = day.chaos_ok.filter(|_| n != 4))), 90.0);
        assert_eq!(total(week(|n, day| day.tests_ok = day.tests_ok.filter(|_| n != 4))), 90.0);
    }

    #[test]
    fn one_breach_of_a_guard_costs_a_seventh_of_its_points() {
        assert_eq!(total(week(|n, day| day.guards_clear = Some(n != 2))), 98.571_429);
    }

    #[test]
    fn outside_of_its_limit_a_median_has_points_in_proportion() {
        assert_eq!(total(week(|_, day| day.latency = Some(500.0))), 92.5);
        assert_eq!(total(week(|_, day| day.taker = Some(20.0))), 96.25);
        assert_eq!(total(week(|_, day| day.edge = Some(1.0))), 82.0);
        assert_eq!(total(week(|_, day| day.edge = Some(-3.0))), 70.0);
        // At the limit all points are there.
        assert_eq!(total(week(|_, day| day.latency = Some(350.0))), 100.0);
        assert_eq!(total(week(|_, day| day.edge = Some(2.5))), 100.0);
        // One day out of seven does not move a median.
        assert_eq!(total(week(|n, day| day.edge = Some(if n == 1 { -50.0 } else { 2.8 }))), 100.0);
    }

    #[test]
    fn the_median_of_an_even_count_is_the_mean_of_the_middle_two() {
        // Edges 1, 2, 2.4, 3 in four reports: median 2.2, 30 x 2.2/2.5 = 26.4, and 4 of 7 days: 15.085_714;
        // 14.285_714 + 8.571_429 + 5.714_286 for latency, taker and guards.
        let edges = [1.0, 2.0, 2.4, 3.0];
        let reports = (1..=4).map(|n| Day { edge: Some(edges[n - 1]), ..good(n) }).collect();
        assert_eq!(total(reports), 43.657_143);
    }

    #[test]
    fn what_rounds_to_full_points_is_full() {
        let score = Score::of(week(|_, day| day.latency = Some(350.000_000_1)), &rules(), false);
        assert_eq!((score.total, score.verdict), (100.0, "GO"));
    }

    #[test]
    fn ok_is_a_word_of_its_own_at_the_start() {
        for ok in ["OK", " OK ", "OK (2 minor)", "OK: all clear", "OK, done"] {
            assert!(says_ok(ok), "{ok}");
        }
        for other in ["NOT OK", "OKAY", "OK_BUT", "BROKEN", "TOKEN", "ok", "", "O K", "FAIL"] {
            assert!(!says_ok(other), "{other}");
        }
    }

    #[test]
    fn the_last_days_count_by_date_and_not_by_the_spelling_of_the_name() {
        let mut reports = week(|_, _| ());
        let old = Day {
            edge: None,
            file: "REPORT_SOAK_20251231.json".into(),
            date: Some("2025-12-31".into()),
            ..good(1)
        };
        reports.insert(3, old);
        assert_eq!(total(reports), 100.0);
        assert_eq!(date_in("REPORT_SOAK_20260131.json").as_deref(), Some("2026-01-31"));
        assert_eq!(date_in("REPORT_SOAK_2026-01-31.json").as_deref(), Some("2026-01-31"));
        for no_date in [
            "REPORT_SOAK_.json",
            "REPORT_SOAK_20260230.json",
            "REPORT_SOAK_latest.json",
            "REPORT_SOAK_2026013.json",
            "REPORT_SOAK_2026-1-031.json",
            "x.json",
        ] {
            assert_eq!(date_in(no_date), None, "{no_date}");
        }
    }

    #[test]
    fn two_reports_of_a_day_and_one_that_cannot_be_read_are_days_without_points() {
        let mut reports = week(|_, _| ());
        reports.push(Day { file: "REPORT_SOAK_2026-01-07.json".into(), ..good(7) });
        reports[0] = Day::unusable(&reports[0].file.clone(), reports[0].date.clone(), "is no JSON".into());
        let score = Score::of(reports, &rules(), false);
        assert_eq!(score.days.len(), 7);
        // Five of seven days: 50 + 7.142_857 for medians and guards.
        assert_eq!(score.total, 57.142_857);
        assert_eq!(
            score.problems,
            [
                "REPORT_SOAK_20260101.json: is no JSON",
                "REPORT_SOAK_2026-01-07.json, REPORT_SOAK_20260107.json: REPORT_SOAK_2026-01-07.json and \
                 REPORT_SOAK_20260107.json are reports of the same day"
            ]
        );
    }

    #[test]
    fn simulated_days_count_only_in_a_rehearsal() {
        let simulated = || week(|_, day| day.unreleasable = Some("it has no `rehearsal`".to_owned()));
        assert_eq!(total(simulated()), 0.0);
        let refused = Score::of(simulated(), &rules(), false);
        assert!(refused.has_unreleasable());
        assert_eq!(
            refused.problems[0],
            "REPORT_SOAK_20260101.json: it has no `rehearsal`, so the report counts only with `--rehearsal`"
        );
        let rehearsed = Score::of(simulated(), &rules(), true);
        assert_eq!((rehearsed.total, rehearsed.rehearsal), (100.0, true));
        assert!(!rehearsed.has_unreleasable());
    }
}
