//! The readiness score: six sections out of 100 over the reports of the last days. GO only at 100.
//!
//! A value that is missing has no points on its day, and so has a report that cannot be read or a day without
//! one: what nobody measured is never a pass.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::core::number::round_half_even;
use crate::core::policy::release::{ScoreRules, ScoredLimit};
use crate::stats::median;

/// Decimals of a section and of the sum.
const DECIMALS: usize = 6;

/// By so much may a score differ from the sum of its sections, and from 100.
pub const TOLERANCE: f64 = 1e-6;

/// The score that is GO.
pub const FULL: f64 = 100.0;

/// The report of a day, as far as it can be understood. `None` = not known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Day {
    /// Name of the file; of several for one day all of them.
    pub file: String,
    /// `2026-01-31`, from the name of the file.
    pub date: Option<String>,
    /// Net edge, bps.
    pub edge: Option<f64>,
    /// 95th percentile of the order age, ms.
    pub latency: Option<f64>,
    /// Taker share, percent.
    pub taker: Option<f64>,
    /// Neither regression nor drift.
    pub guards_clear: Option<bool>,
    /// The chaos tests are OK.
    pub chaos_ok: Option<bool>,
    /// The bug bash is OK.
    pub tests_ok: Option<bool>,
    /// Where the data came from, as the report says it.
    pub source: Option<String>,
    /// Why the data is no basis for a release; `None` only where the report says that it is one.
    pub unreleasable: Option<String>,
    /// When the report was made, as written.
    pub utc: Option<String>,
    /// What is wrong with it, one sentence each.
    pub problems: Vec<String>,
}

impl Day {
    /// A report of which nothing can be used.
    pub fn unusable(file: &str, date: Option<String>, problem: String) -> Self {
        Self { file: file.to_owned(), date, problems: vec![problem], ..Self::default() }
    }

    fn order(&self) -> (&str, &str) {
        (self.date.as_deref().unwrap_or(&self.file), &self.file)
    }
}

/// Whether a text says OK: its first word is, whatever remark follows. `NOT OK` and `OKAY` do not.
pub fn says_ok(text: &str) -> bool {
    text.trim()
        .strip_prefix("OK")
        .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// The date in the name of a report, `REPORT_SOAK_20260131.json` or `REPORT_SOAK_2026-01-31.json`, as
/// `2026-01-31`.
pub fn date_in(file: &str) -> Option<String> {
    let text = file.strip_prefix("REPORT_SOAK_")?.strip_suffix(".json")?;
    let digits: String = match text.len() {
        10 if text.as_bytes().get(4) == Some(&b'-') && text.as_bytes().get(7) == Some(&b'-') => {
            text.split('-').collect()
        }
        _ => text.to_owned(),
    };
    let is_date = digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_digit());
    if !is_date {
        return None;
    }
    let date = NaiveDate::parse_from_str(&digits, "%Y%m%d").ok()?;
    Some(date.format("%Y-%m-%d").to_string())
}

/// One of the six.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// Net edge.
    Edge,
    /// Order age.
    Latency,
    /// Taker share.
    Taker,
    /// Regressions and drift.
    Guards,
    /// Chaos tests.
    Chaos,
    /// Bug bash.
    Tests,
}

impl Section {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 6] =
        [Self::Edge, Self::Latency, Self::Taker, Self::Guards, Self::Chaos, Self::Tests];

    /// Its key in files.
    pub fn key(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Latency => "latency",
            Self::Taker => "taker",
            Self::Guards => "guards",
            Self::Chaos => "chaos",
            Self::Tests => "tests",
        }
    }

    /// The most points it can have.
    pub fn points(self, rules: &ScoreRules) -> f64 {
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
pub struct Scored {
    /// Which.
    pub section: Section,
    /// Its points, 6 decimals.
    pub points: f64,
    /// The most it could have.
    pub of: f64,
    /// How it came to them, in a few words.
    pub why: String,
}

/// The score.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// The six, in the order of [`Section::ALL`].
    pub sections: Vec<Scored>,
    /// Their sum, 6 decimals.
    pub total: f64,
    /// The days looked at, oldest first.
    pub days: Vec<Day>,
    /// Days asked for.
    pub wanted: usize,
    /// Made up data counts.
    pub rehearsal: bool,
}

impl Score {
    /// The score of these reports, in any order.
    pub fn of(reports: Vec<Day>, rules: &ScoreRules, rehearsal: bool) -> Self {
        let days = last_days(reports, rules.days, rehearsal);
        let sections: Vec<Scored> =
            Section::ALL.iter().map(|section| scored(*section, &days, rules)).collect();
        let total = round_half_even(sections.iter().map(|scored| scored.points).sum(), DECIMALS);
        Self { sections, total, days, wanted: rules.days, rehearsal }
    }

    /// Whether it is GO.
    pub fn is_go(&self) -> bool {
        is_full(self.total)
    }

    /// `GO` or `HOLD`.
    pub fn verdict(&self) -> &'static str {
        if self.is_go() { "GO" } else { "HOLD" }
    }

    /// Whether a report has no points only because its data is no basis for a release.
    pub fn has_unreleasable(&self) -> bool {
        !self.rehearsal && self.days.iter().any(|day| day.unreleasable.is_some())
    }

    /// Everything that costs points because it is not known.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.days.len() < self.wanted {
            problems.push(format!("{} of {} days have a report", self.days.len(), self.wanted));
        }
        for day in &self.days {
            problems.extend(day.problems.iter().map(|problem| format!("{}: {problem}", day.file)));
        }
        problems
    }

    /// From which day to which the reports are, and how many days between them have none: the last reports count,
    /// whatever lies between them. `None` where no two days are known.
    pub fn span(&self) -> Option<String> {
        let known: Vec<NaiveDate> =
            self.days.iter().filter_map(|day| day.date.as_deref()?.parse().ok()).collect();
        let (first, last) = (known.iter().min()?, known.iter().max()?);
        let all = first.iter_days().take_while(|day| day < last).count() + 1;
        let without = all.saturating_sub(known.len());
        let told = format!("{first} to {last}");
        match without {
            _ if known.len() < 2 => None,
            0 => Some(told),
            1 => Some(format!("{told}, and 1 day between them has no report")),
            _ => Some(format!("{told}, and {without} days between them have no report")),
        }
    }
}

/// Whether a score is 100.
pub fn is_full(score: f64) -> bool {
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
    (met * share, format!("median {median} (asked {symbol} {limit}), {on}"))
}

fn on_every_day(days: &[Day], rules: &ScoreRules, ok: impl Fn(&Day) -> Option<bool>) -> (f64, String) {
    let good = days.iter().filter(|day| ok(day) == Some(true)).count();
    let share = if good == rules.days { 1.0 } else { 0.0 };
    (share, format!("OK on {good} of {} days, asked on every day", rules.days))
}

#[cfg(test)]
mod tests;
