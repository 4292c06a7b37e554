//! What a command prints or a file contains at the end of an interval: the one reader of measurements.
//!
//! Four shapes, distinguished by their content: an edge report (`totals`), `{"kpis": {…}}`, flat JSON, and Prometheus text.
//! Names are those of the policy. A name that it does not declare is listed and never guessed; a measurement without
//! any name that it declares is an error, and every error shows what was read and an example of what is expected.
//! Edge reports carry many other numbers, so that theirs are not listed.

mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{BufReader, Read};

use chrono::{DateTime, SecondsFormat, Utc};

use crate::core::kpi::{Kind, KpiId, Unit};
use crate::core::load::edge_report::{EdgeReport, Holder, Measured, read_any};
use crate::core::policy::Policy;
use crate::core::text::printable::visible;
use crate::core::text::{closest, excerpt};
use text::{Found, Selector};

/// So much of what was read is shown, characters.
const SHOWN: usize = 120;

/// Most names in a list.
const LISTED: usize = 8;

/// What an interval begins with is found in so many bytes, and so is what an error shows.
const HEAD: u64 = 4096;

/// The names that the policy knows.
#[derive(Clone, Debug)]
struct Names {
    /// Names of KPIs and of run metrics in files, and whether what has this name is a counter.
    keys: Vec<(String, bool)>,
    /// The same as selectors of Prometheus text; the place of the key is kept.
    selectors: Vec<Selector>,
    places: Vec<usize>,
    /// KPIs that the verdict rests on.
    required: Vec<KpiId>,
    all: Vec<KpiId>,
}

/// Objects below which a run reads numbers that are no KPIs.
const PREFIXES: [&str; 3] = ["fills.", "block_reasons.", "component_breakdown."];

impl Names {
    fn of(policy: &Policy) -> Self {
        let of_kpis =
            policy.kpis.ids().flat_map(|kpi| kpi.spellings.iter().map(|of| of.key).collect::<Vec<_>>());
        let of_gates = policy.run_gates.iter().map(|gate| gate.metric.as_str());
        let of_reports = policy.edge_report.iter().map(|rule| rule.metric.as_str());
        let keys: BTreeSet<&str> = of_kpis.chain(of_gates).chain(of_reports).collect();
        let is_counter = |key| policy.kpis.spelled(key).is_none_or(|(kpi, _)| kpi.kind == Kind::Counter);
        let keys: Vec<(String, bool)> =
            keys.into_iter().map(|key| (key.to_owned(), is_counter(key))).collect();
        let found = keys.iter().enumerate().filter_map(|(at, (key, _))| Some((Selector::parse(key)?, at)));
        let (selectors, places) = found.unzip();
        let required = policy.kpis.of_verdict().to_vec();
        Self { keys, selectors, places, required, all: policy.kpis.ids().collect() }
    }

    fn has(&self, key: &str) -> bool {
        self.keys.iter().any(|(known, _)| known == key)
            || PREFIXES.iter().any(|prefix| key.starts_with(prefix))
    }

    /// Required KPIs that have no number under any of their names.
    fn missing(&self, numbers: &BTreeMap<String, Option<f64>>) -> BTreeSet<KpiId> {
        let is_there = |kpi: &KpiId| kpi.spellings.iter().any(|spelling| numbers.contains_key(spelling.key));
        self.required.iter().copied().filter(|kpi| !is_there(kpi)).collect()
    }

    /// A measurement as it should be.
    fn example(&self) -> String {
        let kpis = if self.required.is_empty() { &self.all } else { &self.required };
        let pairs: Vec<String> =
            kpis.iter().take(2).map(|kpi| format!("\"{}\": {}", kpi.name, plausible(*kpi))).collect();
        format!("{{{}}}", pairs.join(", "))
    }
}

/// The names of these, each with the name that may be meant where one is missing.
fn list(names: &BTreeSet<String>, missing: &BTreeSet<KpiId>) -> String {
    let near = |name: &String| closest(name, missing.iter().map(|kpi| kpi.name));
    let mut names: Vec<(&String, Option<&str>)> = names.iter().map(|name| (name, near(name))).collect();
    names.sort_by_key(|(_, near)| near.is_none());
    let one = |(name, near): &(&String, Option<&str>)| {
        let hint = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
        format!("`{}`{hint}", shown(name))
    };
    let mut list = names.iter().take(LISTED).map(one).collect::<Vec<_>>().join(", ");
    if names.len() > LISTED {
        let _ = write!(list, " and {} more", names.len() - LISTED);
    }
    list
}

/// A number that the KPI can have, for an example.
fn plausible(kpi: KpiId) -> f64 {
    let usual = if kpi.unit == Unit::Ratio { 0.25 } else { 12.5 };
    if kpi.is_possible(usual) { usual } else { kpi.lowest.or(kpi.highest).unwrap_or(usual) }
}

/// Text from outside on one line, control characters escaped.
fn shown(text: &str) -> String {
    let mut line = String::new();
    for letter in text.chars() {
        match letter {
            '\n' | '\r' | '\t' => line.extend(letter.escape_default()),
            _ if visible(letter) == letter => line.push(letter),
            _ => line.extend(letter.escape_unicode()),
        }
    }
    line
}

/// Reads measurements, one after the other.
#[derive(Clone, Debug)]
pub struct MeasurementReader {
    names: Names,
    /// The required KPIs that the last measurement whose names were listed lacked.
    listed: Option<BTreeSet<KpiId>>,
    /// Keys that were noted as counters.
    counters: BTreeSet<usize>,
}

impl MeasurementReader {
    /// A reader of what this policy declares.
    pub fn new(policy: &Policy) -> Self {
        Self { names: Names::of(policy), listed: None, counters: BTreeSet::new() }
    }

    /// A measurement as it should be.
    pub fn example(&self) -> String {
        self.names.example()
    }

    /// Reads a measurement. A sample whose own time stamp is before `since`, in whole seconds, is stale; `None` = no time
    /// stamp is checked.
    /// The error says why there is none, what was read, and what is expected.
    pub fn read(&mut self, mut input: impl Read, since: Option<DateTime<Utc>>) -> Result<EdgeReport, String> {
        let mut head = Vec::new();
        let read = input.by_ref().take(HEAD).read_to_end(&mut head);
        let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head).trim_ascii();
        let measured = match (read, text.first()) {
            (Err(error), _) => Err(format!("it cannot be read: {error}")),
            (Ok(_), None) => Err("it is empty".to_owned()),
            // Lists, texts and bare numbers are JSON that is none of the shapes.
            (Ok(_), Some(b'{' | b'[' | b'"' | b'-' | b'0'..=b'9')) => self.json(head.as_slice().chain(input)),
            (Ok(_), Some(_)) => self.text(BufReader::new(head.as_slice().chain(input)), since),
        };
        measured.map_err(|problem| {
            let got = String::from_utf8_lossy(text);
            let got = if text.is_empty() {
                String::new()
            } else {
                format!("; got `{}`", excerpt(&shown(&got), SHOWN))
            };
            format!("{problem}{got}; expected e.g. `{}`", self.names.example())
        })
    }

    fn json(&mut self, input: impl Read) -> Result<EdgeReport, String> {
        let Measured { holder, mut report, odd, beside } =
            read_any(input).map_err(|error| error.to_string())?;
        if holder == Holder::Totals {
            return Ok(report);
        }
        let is_known = |key: &String| self.names.has(key);
        let others: BTreeSet<String> = report
            .numbers
            .iter()
            .filter(|(key, value)| value.is_some() && !is_known(key))
            .map(|(key, _)| key.clone())
            .collect();
        report.numbers.retain(|key, _| is_known(key));
        let differs = |(key, value): (&String, &Option<f64>)| {
            let (other, own) = (value.as_ref()?, report.numbers.get(key)?.as_ref()?);
            (other != own).then(|| format!("`{key}` is {own} in `kpis`, which counts, and {other} beside it"))
        };
        let contradictions: Vec<String> =
            beside.iter().filter(|(key, _)| is_known(key)).filter_map(differs).collect();
        report.notes.extend(contradictions);
        let odd = odd.iter().filter(|(key, _)| is_known(key));
        report.notes.extend(odd.map(|(key, found)| format!("`{key}` is {found}, expected a number")));
        self.check(report, &others)
    }

    fn text(
        &mut self,
        input: impl std::io::BufRead,
        since: Option<DateTime<Utc>>,
    ) -> Result<EdgeReport, String> {
        let scrape = text::read(input, &self.names.selectors)?;
        let mut report = EdgeReport::default();
        for (found, place) in scrape.found.iter().zip(&self.names.places) {
            let (key, is_counter) = &self.names.keys[*place];
            if found.is_counter && !is_counter && self.counters.insert(*place) {
                let note = "is a counter: with `kind = \"counter\"` of its KPI the value would be its rate";
                report.notes.push(format!("`{}` {note}", shown(key)));
            }
            let value = match value(found, since) {
                Ok(value) => value,
                Err(None) => continue,
                Err(Some(problem)) => {
                    report.notes.push(format!("`{}` {problem}", shown(key)));
                    None
                }
            };
            report.numbers.insert(key.clone(), value);
        }
        self.check(report, &scrape.others)
    }

    /// That at least one name is known; others are noted the first time, and whenever other KPIs are missing than then.
    fn check(&mut self, mut report: EdgeReport, others: &BTreeSet<String>) -> Result<EdgeReport, String> {
        let missing = self.names.missing(&report.numbers);
        let list = list(others, &missing);
        if report.numbers.is_empty() {
            return Err(if others.is_empty() {
                "it has no number".to_owned()
            } else {
                format!("the policy declares none of its names: {list}")
            });
        }
        if !others.is_empty() && self.listed.as_ref() != Some(&missing) {
            report.notes.push(format!("the policy does not declare {list}"));
            self.listed = Some(missing);
        }
        Ok(report)
    }
}

/// The value that a selector found; the error is that there is no sample, or what is wrong with it.
fn value(found: &Found, since: Option<DateTime<Utc>>) -> Result<Option<f64>, Option<String>> {
    let Found { count, listed, value, at, .. } = found;
    let utc = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    match (count, since.zip(*at).filter(|(since, at)| at.timestamp() < since.timestamp())) {
        (0, _) => Err(None),
        (1, Some((since, at))) => Err(Some(format!(
            "is stale: its time stamp is {}, before the interval started at {}",
            utc(at),
            utc(since)
        ))),
        (1, None) if value.is_finite() => Ok(Some(*value)),
        (1, None) => Err(Some(format!(
            "is {}",
            if value.is_nan() { "NaN".to_owned() } else { format!("{value:+}").replace("inf", "Inf") }
        ))),
        (several, _) => {
            let list: Vec<String> = listed.iter().map(|series| format!("`{}`", shown(series))).collect();
            let more = if *several > listed.len() { ", …" } else { "" };
            Err(Some(format!("has {several} series, expected one: {}{more}", list.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::policy::{Layer, Origin, read};

    /// A service with three KPIs, of which the verdict rests on two.
    const POLICY: &str = r#"
schema_version = 1
extends = "none"
[kpi.p95_ms]
unit = "ms"
direction = "lower"
aliases = ["http.p95", "latency_ms{quantile=\"0.95\"}"]
[kpi.error_ratio]
unit = "ratio"
direction = "lower"
[kpi.up]
unit = "count"
direction = "higher"
advisory = true
[iteration_pass.kpi.p95_ms]
comparison = "<="
limit = 50
"#;

    fn reader() -> MeasurementReader {
        let layer = Layer { origin: Origin::File("soak.toml".to_owned()), text: POLICY.to_owned() };
        MeasurementReader::new(&read(&[layer], &[]).unwrap_or_else(|errors| panic!("{errors}")))
    }

    fn measured(text: &str) -> EdgeReport {
        reader().read(text.as_bytes(), None).unwrap_or_else(|error| panic!("{error}"))
    }

    fn numbers(text: &str) -> Vec<(String, Option<f64>)> {
        measured(text).numbers.into_iter().collect()
    }

    fn error(text: &str) -> String {
        reader().read(text.as_bytes(), None).expect_err("no measurement")
    }

    fn named(pairs: &[(&str, Option<f64>)]) -> Vec<(String, Option<f64>)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect()
    }

    #[test]
    fn the_four_shapes_give_the_same_numbers() {
        let expected = named(&[("error_ratio", Some(0.002)), ("p95_ms", Some(12.5))]);
        for text in [
            r#"{"p95_ms": 12.5, "error_ratio": 0.002}"#,
            "\u{feff}  {\"p95_ms\": 12.5,\r\n \"error_ratio\": 2e-3}\n",
            r#"{"kpis": {"p95_ms": 12.5, "error_ratio": 0.002}, "p95_ms": 99, "kpi_count": 2}"#,
            r#"{"totals": {"p95_ms": 12.5, "error_ratio": 0.002}, "kpis": {"p95_ms": 99}, "p95_ms": 98, "p95_ms": 97}"#,
            "p95_ms 12.5\nerror_ratio 0.002\n",
            "# HELP p95_ms Latency.\n# TYPE p95_ms gauge\np95_ms{job=\"api\"} 12.5\n\n# just words\r\nerror_ratio{} 2e-3 # {trace=\"x\"} 1\n# EOF",
        ] {
            assert_eq!(numbers(text), expected, "{text}");
        }
    }

    #[test]
    fn a_number_beside_kpis_that_is_another_one_is_noted() {
        let notes = |text: &str| measured(text).notes;
        assert_eq!(
            notes(
                r#"{"p95_ms": 99, "kpis": {"p95_ms": 12.5, "error_ratio": 0}, "error_ratio": 0, "kpi_count": 2}"#
            ),
            ["`p95_ms` is 12.5 in `kpis`, which counts, and 99 beside it"]
        );
        assert_eq!(notes(r#"{"kpis": {"p95_ms": 12.5, "error_ratio": 0}, "p95_ms": 12.5}"#), [""; 0]);
    }

    #[test]
    fn nested_json_has_dotted_names_and_runtime_describes() {
        let report = measured(
            r#"{"runtime": {"utc": "2026-01-31T12:00:00Z", "version": "1.4.2"}, "http": {"p95": 7}}"#,
        );
        assert_eq!(report.number("http.p95"), Some(7.0));
        assert_eq!(
            (report.utc.as_deref(), report.version.as_deref()),
            (Some("2026-01-31T12:00:00Z"), Some("1.4.2"))
        );
        assert_eq!(numbers(r#"{"kpis": {"http": {"p95": 7}}}"#), named(&[("http.p95", Some(7.0))]));
    }

    #[test]
    fn what_is_no_number_is_a_known_name_without_value_and_is_named() {
        for (value, what) in [
            ("\"12.5\"", "text"),
            ("null", "null"),
            ("NaN", "a number that is not finite"),
            ("-Infinity", "a number that is not finite"),
            ("1e999", "a number that is not finite"),
            ("true", "a boolean"),
            ("[1]", "a list"),
        ] {
            for text in [format!("{{\"p95_ms\": {value}}}"), format!("{{\"kpis\": {{\"p95_ms\": {value}}}}}")]
            {
                let report = measured(&text);
                assert_eq!(report.numbers.get("p95_ms"), Some(&None), "{text}");
                assert_eq!(report.notes, [format!("`p95_ms` is {what}, expected a number")], "{text}");
            }
        }
        for (value, what) in [("NaN", "NaN"), ("+Inf", "+Inf"), ("-Inf", "-Inf")] {
            let report = measured(&format!("p95_ms {value}"));
            assert_eq!(report.numbers.get("p95_ms"), Some(&None));
            assert_eq!(report.notes, [format!("`p95_ms` is {what}")]);
        }
        assert_eq!(numbers("up -0"), named(&[("up", Some(0.0))]));
        assert!(numbers("up -0")[0].1.is_some_and(f64::is_sign_positive));
    }

    #[test]
    fn labels_choose_a_series_and_several_are_no_value() {
        let summary = "latency_ms{quantile=\"0.5\",path=\"/\"} 3\nlatency_ms{path=\"/\",quantile=\"0.95\"} 9\nlatency_ms_count 7\n";
        let report = measured(summary);
        assert_eq!(
            report.numbers.into_iter().collect::<Vec<_>>(),
            named(&[("latency_ms{quantile=\"0.95\"}", Some(9.0))])
        );
        let report = measured("up{job=\"a\"} 1\nup{job=\"b\"} 0\n");
        assert_eq!(report.numbers.get("up"), Some(&None));
        assert_eq!(report.notes, [r#"`up` has 2 series, expected one: `up{job="a"}`, `up{job="b"}`"#]);
        let many = ["1", "2", "3", "4", "5", "6"].map(|job| format!("up{{job=\"{job}\"}} 1\n")).concat();
        let notes = measured(&many).notes;
        assert!(
            notes[0].starts_with("`up` has 6 series") && notes[0].ends_with("`up{job=\"4\"}`, …"),
            "{notes:?}"
        );
        assert_eq!(
            error("up{b=\"1\",a=\"2\"} 1\nup{a=\"2\",b=\"1\"} 1\n"),
            "line 2 is no Prometheus text: `up{a=\"2\",b=\"1\"}` is there twice; \
             got `up{b=\"1\",a=\"2\"} 1\\nup{a=\"2\",b=\"1\"} 1`; expected e.g. `{\"p95_ms\": 12.5, \"error_ratio\": 0.25}`"
        );
        // Quotes, escapes, and names that need quotes.
        let quoted = "up{job=\"a \\\"b\\\\ } c\\n\", \"odd name\"=\"x\",} 1\n{\"http.p95\", a=\"b\"} 4\n";
        // The first line decides, and it is no JSON.
        assert_eq!(numbers(quoted), named(&[("up", Some(1.0))]));
        let report = measured(&format!("# quoted\n{quoted}"));
        assert_eq!(report.number("up"), Some(1.0));
    }

    #[test]
    fn a_sample_from_before_the_interval_is_stale() {
        let since: DateTime<Utc> = "2026-01-31T12:00:00.900Z".parse().expect("a time");
        // 2026-01-31T12:00:00Z is 1769860800.
        for (stamp, is_fresh) in [
            ("1769860800000", true),
            ("1769860799999", false),
            ("1769860800", true),
            ("1769860799.9", false),
            ("1769860900.5", true),
        ] {
            let text = format!("p95_ms 12.5 {stamp}\nerror_ratio 0.1");
            let report = reader().read(text.as_bytes(), Some(since)).expect("a measurement");
            assert_eq!(report.number("p95_ms").is_some(), is_fresh, "{stamp}");
            assert_eq!(report.number("error_ratio"), Some(0.1));
            assert!(reader().read(text.as_bytes(), None).expect("not checked").number("p95_ms").is_some());
        }
        let stale = reader().read("p95_ms 1 1769860000000".as_bytes(), Some(since)).expect("a known name");
        assert_eq!(
            stale.notes,
            [
                "`p95_ms` is stale: its time stamp is 2026-01-31T11:46:40Z, before the interval started at 2026-01-31T12:00:00.900Z"
            ]
        );
    }

    #[test]
    fn names_that_the_policy_does_not_declare_are_listed_once() {
        let mut reader = reader();
        let mut notes = |text: &str| reader.read(text.as_bytes(), None).expect("a measurement").notes;
        let renamed = r#"{"p95_sm": 12.5, "error_ratio": 0.1, "queue": 3, "service": "api"}"#;
        assert_eq!(
            notes(renamed),
            ["the policy does not declare `p95_sm` (did you mean `p95_ms`?), `queue`"]
        );
        assert_eq!(notes(renamed), [] as [&str; 0]);
        // Another KPI is missing now.
        assert_eq!(
            notes("error_ration 0.1\np95_ms 3\n"),
            ["the policy does not declare `error_ration` (did you mean `error_ratio`?)"]
        );
        assert_eq!(notes(r#"{"p95_ms": 1, "error_ratio": 0}"#), [] as [&str; 0]);
        let many: Vec<String> = (0..12).map(|at| format!("\"go_{at:02}\": 1")).collect();
        let notes = notes(&format!("{{\"p95_ms\": 1, \"error_ratio\": 0, {}}}", many.join(",")));
        assert!(notes[0].ends_with("`go_07` and 4 more"), "{notes:?}");
    }

    #[test]
    fn a_counter_that_the_policy_takes_for_a_level_is_noted_once() {
        let mut reader = reader();
        let mut notes = |text: &str| reader.read(text.as_bytes(), None).expect("a measurement").notes;
        let note = ["`up` is a counter: with `kind = \"counter\"` of its KPI the value would be its rate"];
        assert_eq!(notes("# TYPE up counter\nup 3\n"), note);
        assert_eq!(notes("# TYPE up counter\nup 4\n"), [] as [&str; 0]);
        let undeclared = ["the policy does not declare `jobs_total`"];
        assert_eq!(notes("# TYPE jobs counter\njobs_total 4\nup 1\n"), undeclared);
        assert_eq!(measured("# TYPE up gauge\nup 3\n").notes, [] as [&str; 0]);
        assert_eq!(notes("# TYPE p95_ms counter\np95_ms 3\n").len(), 1);
    }

    #[test]
    fn edge_reports_list_nothing_and_may_be_without_a_known_name() {
        assert_eq!(measured(r#"{"totals": {"x": 1}}"#).notes, [] as [&str; 0]);
        assert_eq!(measured(r#"{"total": {}}"#), EdgeReport::default());
    }

    #[test]
    fn errors_show_what_was_read_and_what_is_expected() {
        const EXPECTED: &str = "; expected e.g. `{\"p95_ms\": 12.5, \"error_ratio\": 0.25}`";
        for (text, problem) in [
            ("", "it is empty"),
            (" \n\t", "it is empty"),
            ("{}", "it has no number; got `{}`"),
            ("# only words\n", "it has no number; got `# only words`"),
            (r#"{"kpis": {}}"#, r#"it has no number; got `{"kpis": {}}`"#),
            (r#"{"kpis": 5}"#, r#"`kpis` is a number, expected an object; got `{"kpis": 5}`"#),
            (r#"{"name": "api"}"#, r#"it has no number; got `{"name": "api"}`"#),
            (r#"{"queue": 3}"#, r#"the policy declares none of its names: `queue`; got `{"queue": 3}`"#),
            ("queue 3", "the policy declares none of its names: `queue`; got `queue 3`"),
            ("[1, 2]", "`measurement` is a list, expected an object; got `[1, 2]`"),
            ("12.5", "`measurement` is a number, expected an object; got `12.5`"),
            (r#"{"p95_ms": 1, "p95_ms": 2}"#, r#"duplicate key `p95_ms`; got `{"p95_ms": 1, "p95_ms": 2}`"#),
            ("p95_ms=12.5", "line 1 is no Prometheus text: `=12.5` is no number; got `p95_ms=12.5`"),
            ("p95_ms", "line 1 is no Prometheus text: no value behind the name; got `p95_ms`"),
            ("p95_ms 1 x", "line 1 is no Prometheus text: `x` is no time stamp; got `p95_ms 1 x`"),
            ("p95_ms 1 2 3", "line 1 is no Prometheus text: `3` behind the time stamp; got `p95_ms 1 2 3`"),
            (
                "up 1\np95_ms infinity",
                "line 2 is no Prometheus text: `infinity` is no number; got `up 1\\np95_ms infinity`",
            ),
            (
                "up{a=1} 1",
                "line 1 is no Prometheus text: the value of a label is not in quotes; got `up{a=1} 1`",
            ),
            ("up{a=\"1} 1", "line 1 is no Prometheus text: a text in quotes does not end; got `up{a=\"1} 1`"),
            (
                "up{a=\"1\" 1",
                "line 1 is no Prometheus text: the labels do not end with `}`; got `up{a=\"1\" 1`",
            ),
            (
                "up{a=\"1\",a=\"2\"} 1",
                "line 1 is no Prometheus text: the label `a` is there twice; got `up{a=\"1\",a=\"2\"} 1`",
            ),
            (
                "<html>\u{1b}[31m",
                "line 1 is no Prometheus text: no name of a metric in `<html>\u{fffd}[31m`; got `<html>\\u{1b}[31m`",
            ),
        ] {
            // JSON has a position between them.
            let (problem, got) = problem.split_once("; got ").unwrap_or((problem, ""));
            let error = error(text);
            let got = if got.is_empty() { EXPECTED.to_owned() } else { format!("; got {got}{EXPECTED}") };
            assert!(error.starts_with(problem) && error.ends_with(&got), "{error}");
        }
        assert!(error("{\"p95_ms\": ").starts_with("EOF while parsing a value"));
        let binary = reader().read(&b"up \xff 1"[..], None).expect_err("no text");
        assert!(
            binary.starts_with("line 1 is no Prometheus text: it is no UTF-8; got `up \u{fffd} 1`"),
            "{binary}"
        );
        let long = error(&format!("{{\"x\": \"{}\"", "y".repeat(5000)));
        assert!(long.len() < 400 && long.contains("yyy…`; expected"), "{long}");
        let line = error(&format!("up {}", "1".repeat(1 << 16)));
        assert!(line.starts_with("line 1 is no Prometheus text: it is longer than 65536 bytes"), "{line}");
    }

    #[test]
    fn an_endpoint_of_any_size_is_read_and_its_many_names_are_bounded() {
        let mut text = String::from("# TYPE up gauge\n");
        for at in 0..20_000 {
            let _ = writeln!(text, "other_{at}{{a=\"b\"}} {at}");
        }
        text.push_str("up 1\n");
        let report = measured(&text);
        assert_eq!(report.number("up"), Some(1.0));
        assert!(report.notes[0].ends_with(" and 4088 more"), "{:?}", report.notes);
    }

    #[test]
    fn many_keys_of_a_flat_object_are_refused_and_before_totals_they_are_no_matter() {
        let keys: Vec<String> = (0..5000).map(|at| format!("\"k{at}\":1")).collect();
        assert!(
            error(&format!("{{{}}}", keys.join(","))).starts_with("`measurement` has more than 4096 keys")
        );
        let report = measured(&format!("{{{},\"totals\": {{\"p95_ms\": 1}}}}", keys.join(",")));
        assert_eq!(report.number("p95_ms"), Some(1.0));
        let deep =
            format!("{{\"symbols\": {}1{}, \"total\": {{\"up\": 1}}}}", "{\"a\":".repeat(20), "}".repeat(20));
        assert_eq!(measured(&deep).number("up"), Some(1.0));
    }
}
