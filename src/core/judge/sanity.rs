//! Two-sided sanity: values that are wrong on the good side are wrong all the same. A KPI that stands still, that
//! collapsed, that is too good to be true, fills that fell away, and iterations that are copies of others.
//!
//! Advisory unless the policy says otherwise. Only iterations that repeat earlier ones are INVALID, and join the verdict
//! unless the policy says otherwise: everything else can be true.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::core::judge::{count, list_numbers, show};
use crate::core::kpi::{Direction, Kind, Kpi, KpiId, KpiTable};
use crate::core::policy::SanityRules;
use crate::core::series::Series;
use crate::core::series::window::Window;
use crate::core::verdict::evidence::Repeat;
use crate::core::verdict::{Check, Comparison, LimitSource, Outcome, Part};
use crate::stats::summary::median;

/// The median absolute deviation of normal values is their standard deviation divided by this (Rousseeuw & Croux
/// 1993, J. Am. Stat. Assoc. 88:1273–1283).
const MAD_TO_STDEV: f64 = 1.4826;

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'s> {
    /// The iterations.
    pub series: &'s Series,
    /// The newest iterations.
    pub last: &'s Window,
    /// Those after the warm-up.
    pub steady: &'s Window,
    /// Those that the verdict rests on.
    pub judged: &'s Window,
    /// Iterations whose files are copies of each other.
    pub repeats: &'s [Repeat],
    /// The KPIs that an iteration must show to pass.
    pub required: &'s [KpiId],
    /// The KPIs that are looked at one by one.
    pub looked_at: &'s [KpiId],
    /// How long an iteration was to take; `None` where no manifest says.
    pub interval: Option<Duration>,
    /// The KPIs.
    pub kpis: &'s KpiTable,
}

/// One KPI in some iterations, with words about it.
struct Oddity {
    numbers: Vec<u64>,
    words: String,
}

/// All checks of sanity on one symbol.
pub fn checks(subject: &Subject<'_>, rules: &SanityRules) -> Vec<Check> {
    // Of a short run the last iterations begin before the steady part does.
    let end = subject.last.positions.start;
    let history = subject.steady.positions.start.min(end)..end;
    let is_history = history.len() >= rules.history();
    let too_short = || {
        let fewest = count(rules.history(), "steady iteration");
        format!("{fewest} before {} needed to know what is usual", subject.last.name)
    };
    let past = |kpi: KpiId| subject.series.known(kpi, history.clone());
    let per_kpi = |of: &dyn Fn(KpiId) -> Option<Oddity>| -> Vec<Oddity> {
        subject.looked_at.iter().copied().filter_map(of).collect()
    };
    let make = |gate: &str, source: &LimitSource, found: Vec<Oddity>, fine: &str, window: &Window| {
        let oddities: usize = found.iter().map(|oddity| oddity.numbers.len()).sum();
        let words: Vec<String> = found.into_iter().map(|oddity| oddity.words).collect();
        let outcome = if oddities > 0 { rules.severity.of_a_miss() } else { Outcome::Pass };
        let reason = if oddities > 0 { words.join("; ") } else { fine.to_owned() };
        check(subject, rules, gate, source, window, oddities, outcome, reason)
    };
    let not_asked = |gate: &str, source: &LimitSource| {
        check(subject, rules, gate, source, subject.last, 0, Outcome::NotApplicable, too_short())
    };
    let repeats = Repeats::find(*subject);
    let mut checks = vec![repeated(subject, &repeats, rules)];
    checks.extend(repeated_before(subject, &repeats, rules));
    checks.extend(jobs_that_stand_still(subject, rules));
    checks.extend(nothing_moves(subject, rules));
    let stuck = per_kpi(&|kpi| stuck(subject, kpi, rules.stuck()));
    let source = &rules.stuck_iterations.source;
    let steady = |kpi| subject.series.known(kpi, subject.steady.positions.clone()).len();
    if subject.looked_at.iter().any(|kpi| steady(*kpi) >= rules.stuck()) {
        checks.push(make("stuck", source, stuck, "every KPI moves", subject.steady));
    } else {
        let fewest = count(rules.stuck(), "steady value");
        let why = format!("{fewest} of a KPI needed to know whether it stands still");
        checks.push(check(subject, rules, "stuck", source, subject.steady, 0, Outcome::NotApplicable, why));
    }
    if is_history {
        let found = per_kpi(&|kpi| collapsed(subject, kpi, &mut past(kpi), rules.collapse_share.value));
        let source = &rules.collapse_share.source;
        checks.push(make("collapsed", source, found, "no KPI collapsed", subject.last));
        let found = per_kpi(&|kpi| too_good(subject, kpi, &mut past(kpi), rules.too_good_spreads.value));
        let source = &rules.too_good_spreads.source;
        checks.push(make("too_good", source, found, "no KPI is too good to be true", subject.last));
    } else {
        checks.push(not_asked("collapsed", &rules.collapse_share.source));
        checks.push(not_asked("too_good", &rules.too_good_spreads.source));
    }
    // Fills are the bot's.
    if !subject.kpis.is_closed() {
        // Only the trading profile has the built-in KPIs, and with them fills.
        if subject.kpis.ids().any(KpiId::is_built_in) {
            checks.push(fills(subject, rules, history.clone(), is_history, too_short()));
        }
    }
    checks
}

#[expect(clippy::too_many_arguments, reason = "a check has that many sides, and this is where they meet")]
fn check(
    subject: &Subject<'_>,
    rules: &SanityRules,
    gate: &str,
    source: &LimitSource,
    window: &Window,
    oddities: usize,
    outcome: Outcome,
    reason: String,
) -> Check {
    Check {
        part: Part::Sanity,
        gate: format!("sanity.{gate}"),
        kpi: None,
        symbol: subject.series.symbol.clone(),
        severity: rules.severity,
        window: window.used(),
        statistic: "odd values".to_owned(),
        comparison: Some(Comparison::AtMost),
        limit: Some(0.0),
        observed: (outcome != Outcome::NotApplicable).then_some(oddities as f64),
        margin: (outcome != Outcome::NotApplicable).then_some(0.0 - oddities as f64),
        outcome,
        reason,
        limit_source: Some(source.clone()),
        joins: rules.gates,
        inference: None,
    }
}

/// Iterations that the verdict rests on and that repeat earlier ones: INVALID, for no measurement repeats so many
/// digits. Where they have so few that equal ones can be chance, an oddity like others.
fn repeated(subject: &Subject<'_>, repeats: &Repeats<'_>, rules: &SanityRules) -> Check {
    let judged = (subject.judged.from, u64::MAX);
    let sure = repeats.sure(judged, rules.repeats());
    let coarse = repeats.coarse(judged, rules.repeats());
    let (found, outcome, joins) = match (sure.count, coarse.count) {
        _ if subject.judged.is_empty() => (sure, Outcome::NotApplicable, true),
        (0, 0) => (sure, Outcome::Pass, true),
        (0, _) => (coarse, rules.severity.of_a_miss(), false),
        _ => (sure, Outcome::Invalid, true),
    };
    let reason = match outcome {
        Outcome::Pass => "no iteration repeats an earlier one".to_owned(),
        Outcome::NotApplicable => "there is no iteration to look at".to_owned(),
        Outcome::Invalid => format!("the source repeats itself: {}", found.sentence),
        _ => format!("{}; fewer than {} digits can be equal by chance", found.sentence, rules.repeats()),
    };
    let source = &rules.repeats_gate_source;
    let check = check(subject, rules, "repeated", source, subject.judged, found.count, outcome, reason);
    Check {
        statistic: "repeated iterations".to_owned(),
        joins: rules.gates || (rules.repeats_gate && joins),
        ..check
    }
}

/// The KPIs of one job, or all of them, that stand still together in iterations that the verdict rests on: their exporter
/// repeats its last values, whatever the others measure. `None` where every job moves.
fn jobs_that_stand_still(subject: &Subject<'_>, rules: &SanityRules) -> Option<Check> {
    let has_values = |kpi: &&KpiId| !known(subject, **kpi, subject.judged).is_empty();
    let required: Vec<KpiId> = subject.required.iter().filter(has_values).copied().collect();
    let mut jobs: BTreeMap<&str, Vec<KpiId>> = BTreeMap::new();
    for kpi in &required {
        if let Some(job) = kpi.job {
            jobs.entry(job).or_default().push(*kpi);
        }
    }
    let groups = jobs.into_iter().map(|(job, kpis)| (Some(job), kpis));
    let of_jobs: Vec<Still<'_>> =
        groups.filter_map(|(job, kpis)| still(subject, job, &kpis, rules)).collect();
    let all = || still(subject, None, &required, rules).filter(|_| subject.kpis.is_closed());
    let found = if of_jobs.is_empty() { Vec::from_iter(all()) } else { of_jobs };
    let outcome = if found.iter().any(|still| still.is_sure) { Outcome::Invalid } else { Outcome::Warn };
    let reason: Vec<String> = found.iter().map(Still::sentence).collect();
    let count = found.iter().map(|still| still.numbers.len()).sum();
    let source = &rules.repeats_gate_source;
    let make =
        || check(subject, rules, "job_stuck", source, subject.judged, count, outcome, reason.join("; "));
    (count > 0).then(|| Check { joins: rules.gates || rules.repeats_gate, ..make() })
}

/// KPIs that stand still together.
struct Still<'j> {
    /// Their job; `None`: they are all that there are.
    job: Option<&'j str>,
    kpis: Vec<KpiId>,
    numbers: Vec<u64>,
    /// Whether it cannot be chance.
    is_sure: bool,
}

impl Still<'_> {
    fn sentence(&self) -> String {
        let names: Vec<String> = self.kpis.iter().map(|kpi| format!("`{}`", kpi.name)).collect();
        let (names, numbers) = (names.join(", "), list_numbers(&self.numbers));
        let what = match self.job {
            Some(job) => format!("the exporter behind the KPIs of `job = \"{job}\"` stands still"),
            None => "the source stands still".to_owned(),
        };
        format!("{what}: {names} do not change in iteration {numbers}")
    }
}

/// All KPIs that a policy declares stand still in all iterations that the verdict rests on, at 0 or anywhere: nothing was
/// measured. INVALID; `None` where one of them moves, and in the trading profile.
fn nothing_moves(subject: &Subject<'_>, rules: &SanityRules) -> Option<Check> {
    let is_still = |kpi: &KpiId| {
        let values = known(subject, *kpi, subject.judged);
        values.windows(2).all(|pair| pair[0].1 == pair[1].1)
    };
    let n = subject.judged.len();
    let is_asked = subject.kpis.is_closed() && subject.required.len() > 1 && n >= rules.stuck();
    if !is_asked || !subject.required.iter().all(is_still) {
        return None;
    }
    let reason = format!(
        "no KPI changes in any of the {}: the source does not measure the service",
        count(n, "iteration")
    );
    let source = &rules.repeats_gate_source;
    let check = check(subject, rules, "nothing_moves", source, subject.judged, n, Outcome::Invalid, reason);
    Some(Check { joins: rules.gates || rules.repeats_gate, ..check })
}

/// The longest row of iterations in which none of these KPIs changes, where chance does not repeat them so often: by the
/// digits that the values have, or by how seldom they repeat themselves elsewhere in the run.
fn still<'j>(
    subject: &Subject<'_>,
    job: Option<&'j str>,
    kpis: &[KpiId],
    rules: &SanityRules,
) -> Option<Still<'j>> {
    let series = subject.series;
    let values =
        |at: usize| -> Values { kpis.iter().map(|kpi| series.value(*kpi, at).map(f64::to_bits)).collect() };
    // One KPI alone is no group, and what has no value does not stand.
    let measured = |at: &usize| values(*at).iter().flatten().count() > 1;
    let positions: Vec<usize> = subject.judged.positions.clone().filter(measured).collect();
    let rows: Vec<&[usize]> = positions
        .chunk_by(|one, other| values(*one) == values(*other))
        .filter(|row| !row.is_empty())
        .collect();
    let longest = rows.iter().max_by_key(|row| row.len())?;
    let numbers: Vec<u64> = longest.iter().map(|at| series.number(*at)).collect();
    let digits = digits(subject, kpis.iter().copied(), *numbers.first()?);
    let is_long = numbers.len() >= rules.stuck();
    let has_digits = digits * (numbers.len() - 1) >= rules.repeats();
    let is_improbable = rules
        .stuck_chance
        .as_ref()
        .is_some_and(|limit| chance_of_a_row(positions.len(), rows.len(), longest.len()) < limit.value);
    // That all KPIs of a calm system stand still for a while is no news.
    let by_digits = job.is_some() && is_long && has_digits;
    let by_chance = is_improbable && has_digits;
    let is_sure = by_digits || by_chance && (is_long || digits >= rules.repeats());
    (by_digits || by_chance).then(|| {
        let is_known = |kpi: &&KpiId| series.value(**kpi, longest[0]).is_some();
        Still { job, kpis: kpis.iter().filter(is_known).copied().collect(), numbers, is_sure }
    })
}

/// At most how probable a row of so many equal iterations is among `n`, in `rows` rows of equal ones, by the other
/// neighbours: a share of them is equal, one of each kind counted besides.
fn chance_of_a_row(n: usize, rows: usize, length: usize) -> f64 {
    let others = n - length;
    let equal = (n - rows) - (length - 1);
    let share = (equal + 1) as f64 / (others + 2) as f64;
    n as f64 * libm::pow(share, (length - 1) as f64)
}

/// The same in the steady part before that: it changes no verdict by itself. `None` without any.
fn repeated_before(subject: &Subject<'_>, repeats: &Repeats<'_>, rules: &SanityRules) -> Option<Check> {
    let Found { count, sentence } = repeats.sure((subject.steady.from, subject.judged.from), rules.repeats());
    let (source, outcome) = (&rules.repeats_gate_source, rules.severity.of_a_miss());
    let make = || check(subject, rules, "repeated_before", source, subject.steady, count, outcome, sentence);
    (count > 0).then(make)
}

/// The longest run of equal values, if it is as long as that.
fn stuck(subject: &Subject<'_>, kpi: KpiId, fewest: usize) -> Option<Oddity> {
    let values: Vec<(u64, f64)> = known(subject, kpi, subject.steady);
    let longest = values.chunk_by(|one, other| one.1 == other.1).max_by_key(|run| run.len())?;
    if longest.len() < fewest {
        return None;
    }
    let numbers: Vec<u64> = longest.iter().map(|(number, _)| *number).collect();
    let words = format!(
        "`{}` stands still at {} in iteration {}",
        kpi.name,
        show(kpi, longest[0].1),
        list_numbers(&numbers)
    );
    Some(Oddity { numbers, words })
}

/// Values of a KPI that cannot be negative which are next to nothing of what is usual.
fn collapsed(subject: &Subject<'_>, kpi: KpiId, past: &mut [f64], share: f64) -> Option<Oddity> {
    let of = kpi;
    if of.lowest.is_none_or(|lowest| lowest < 0.0) {
        return None;
    }
    let usual = median(past)?;
    // Where nothing is usual there is nothing to fall.
    let bound = share * usual;
    // A declared KPI has a floor below which a value is as good as none.
    let least = if of.is_built_in() { of.floor } else { of.floor / share };
    if usual <= least {
        return None;
    }
    odd(subject, kpi, |value| value < bound, &format!("collapsed from {}", show(of, usual)))
}

/// Values on the good side that are farther from what is usual than chance takes them.
fn too_good(subject: &Subject<'_>, kpi: KpiId, past: &mut [f64], spreads: f64) -> Option<Oddity> {
    let of = kpi;
    let good = match of.direction? {
        Direction::Higher => 1.0,
        Direction::Lower => -1.0,
    };
    let usual = median(past)?;
    let spread = spread(past, usual)?.max(of.floor);
    let words = format!("is too good to be true beside {}", show(of, usual));
    odd(subject, kpi, |value| good * (value - usual) > spreads * spread, &words)
}

/// How far values are from their median, as a standard deviation.
pub(super) fn spread(values: &[f64], usual: f64) -> Option<f64> {
    let mut deviations: Vec<f64> = values.iter().map(|value| (value - usual).abs()).collect();
    Some(MAD_TO_STDEV * median(&mut deviations)?)
}

fn odd(subject: &Subject<'_>, kpi: KpiId, is_odd: impl Fn(f64) -> bool, words: &str) -> Option<Oddity> {
    let values: Vec<(u64, f64)> =
        known(subject, kpi, subject.last).into_iter().filter(|(_, value)| is_odd(*value)).collect();
    let (_, first) = *values.first()?;
    let numbers: Vec<u64> = values.iter().map(|(number, _)| *number).collect();
    let of = kpi;
    let words = format!("`{}` {words}: {} in iteration {}", of.name, show(of, first), list_numbers(&numbers));
    Some(Oddity { numbers, words })
}

fn known(subject: &Subject<'_>, kpi: KpiId, window: &Window) -> Vec<(u64, f64)> {
    let series = subject.series;
    window.positions.clone().filter_map(|at| Some((series.number(at), series.value(kpi, at)?))).collect()
}

/// The number of fills behind the measurements: with few of them the KPIs say little.
fn fills(
    subject: &Subject<'_>,
    rules: &SanityRules,
    history: std::ops::Range<usize>,
    is_history: bool,
    too_short: String,
) -> Check {
    let source = &rules.fills_share.source;
    let of = |positions: std::ops::Range<usize>| -> Vec<f64> {
        subject.series.rows()[positions].iter().filter_map(|row| row.fills).collect()
    };
    let (mut past, mut now) = (of(history), of(subject.last.positions.clone()));
    let medians = median(&mut past).zip(median(&mut now)).filter(|(usual, _)| *usual > 0.0);
    let (outcome, reason) = match medians {
        _ if !is_history => (Outcome::NotApplicable, too_short),
        None => (Outcome::NotApplicable, "the iterations tell no fills".to_owned()),
        Some((usual, seen)) if seen < rules.fills_share.value * usual => {
            let reason =
                format!("the median of fills fell from {usual} to {seen}: the KPIs rest on few of them");
            (rules.severity.of_a_miss(), reason)
        }
        Some((usual, seen)) => (Outcome::Pass, format!("the median of fills is {seen}, and was {usual}")),
    };
    let observed = medians.map(|(usual, seen)| seen / usual);
    Check {
        statistic: "fills, share of what is usual".to_owned(),
        comparison: Some(Comparison::AtLeast),
        limit: Some(rules.fills_share.value),
        observed,
        margin: observed.map(|share| share - rules.fills_share.value),
        ..check(subject, rules, "fills", source, subject.last, 0, outcome, reason)
    }
}

/// The denominators that a simple fraction may have.
const LARGEST_DENOMINATOR: f64 = 1e6;

/// How far a computed value may be off the fraction that it stands for: a few units in the last place.
const ROUNDING: f64 = 1e-15;

/// Iterations with equal values of all KPIs of the verdict.
#[derive(Debug)]
struct Group {
    /// Ascending; the first of them is the measurement, the others repeat it.
    numbers: Vec<u64>,
    /// Significant digits of the values together: how improbable it is that another measurement has the same.
    digits: usize,
    /// Whether the files are equal as a whole, and not the KPIs of the verdict only.
    is_file: bool,
}

/// The values of the KPIs of the verdict in one iteration, as bits.
type Values = Vec<Option<u64>>;

/// What repeats in a series.
#[derive(Debug)]
struct Repeats<'s> {
    subject: Subject<'s>,
    groups: Vec<Group>,
    /// The measured iterations in order, each with the place of its values among all different ones.
    order: Vec<(u64, usize)>,
}

/// The repeated iterations of a range of numbers.
#[derive(Debug)]
struct Found {
    /// Iterations that repeat an earlier one.
    count: usize,
    /// Which ones, in a sentence.
    sentence: String,
}

impl<'s> Repeats<'s> {
    /// Looks at the whole series. A failed collection measured nothing.
    fn find(subject: Subject<'s>) -> Self {
        let series = subject.series;
        let values = |at: usize| -> Values {
            subject.required.iter().map(|kpi| series.value(*kpi, at).map(f64::to_bits)).collect()
        };
        let mut places: HashMap<Values, usize> = HashMap::new();
        let mut order = Vec::with_capacity(series.len());
        for (at, row) in series.rows().iter().enumerate() {
            let values = values(at);
            if row.collection_failed.is_some() || values.iter().all(Option::is_none) {
                continue;
            }
            let next = places.len();
            order.push((row.number, *places.entry(values).or_insert(next)));
        }
        let mut numbers: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
        for (number, place) in &order {
            numbers.entry(*place).or_default().push(*number);
        }
        let repeated = numbers.into_values().filter(|numbers| numbers.len() > 1);
        let of_values = repeated.map(|numbers| {
            let digits = digits(&subject, subject.required.iter().copied(), numbers[0]);
            Group { numbers, digits, is_file: false }
        });
        let of_symbol = subject.repeats.iter().filter(|repeat| repeat.symbol == series.symbol);
        let of_files = of_symbol.map(|repeat| {
            let digits =
                repeat.numbers.first().map_or(0, |first| digits(&subject, subject.kpis.ids(), *first));
            Group { numbers: repeat.numbers.clone(), digits, is_file: true }
        });
        let groups = of_values.chain(of_files).collect();
        Self { subject, groups, order }
    }

    /// Repeated iterations with numbers from `from` on and below `end` that cannot be equal by chance: their values
    /// have `fewest` digits together.
    fn sure(&self, (from, end): (u64, u64), fewest: usize) -> Found {
        self.found((from, end), |group| group.digits >= fewest)
    }

    /// Those that can be equal by chance: whole files, or KPIs where most of the iterations repeat others of the range.
    fn coarse(&self, (from, end): (u64, u64), fewest: usize) -> Found {
        let inside = self.order.iter().filter(|(number, _)| (from..end).contains(number));
        let mut places: Vec<usize> = inside.map(|(_, place)| *place).collect();
        let n = places.len();
        places.sort_unstable();
        places.dedup();
        let most_repeat = 2 * places.len() <= n;
        self.found((from, end), |group| group.digits < fewest && (group.is_file || most_repeat))
    }

    fn found(&self, (from, end): (u64, u64), is_meant: impl Fn(&Group) -> bool) -> Found {
        let copies = |group: &Group| -> Vec<u64> {
            group.numbers.iter().skip(1).copied().filter(|number| (from..end).contains(number)).collect()
        };
        let groups: Vec<&Group> =
            self.groups.iter().filter(|group| is_meant(group) && !copies(group).is_empty()).collect();
        let mut all: Vec<u64> = groups.iter().flat_map(|group| copies(group)).collect();
        all.sort_unstable();
        all.dedup();
        // What the KPIs show needs no file beside it.
        let of_values = groups.iter().filter(|group| !group.is_file).count();
        let told: Vec<&&Group> = groups.iter().filter(|group| !group.is_file || of_values == 0).collect();
        let digits = told.iter().map(|group| group.digits).min().unwrap_or_default();
        let named: Vec<String> = told.iter().take(4).map(|group| list_numbers(&group.numbers)).collect();
        let more = if told.len() > 4 { "; and more" } else { "" };
        let what =
            if of_values > 0 { self.names() } else { "the files without number and time are".to_owned() };
        let sentence = format!(
            "{what} equal to the last digit ({} together) in iteration {}{more}{}",
            count(digits, "digit"),
            named.join("; in "),
            if of_values > 0 { self.rhythm() } else { String::new() }
        );
        Found { count: all.len(), sentence }
    }

    /// The KPIs of the verdict, as the subject of a sentence.
    fn names(&self) -> String {
        let names: Vec<String> = self.subject.required.iter().map(|kpi| format!("`{}`", kpi.name)).collect();
        match names.as_slice() {
            [only] => format!("{only} is"),
            [both @ .., last] if both.len() < 5 => format!("{} and {last} are", both.join(", ")),
            _ => format!("all {} KPIs of the verdict are", names.len()),
        }
    }

    /// How the values come and go, to stand behind a sentence about them.
    fn rhythm(&self) -> String {
        let blocks: Vec<&[(u64, usize)]> = self.order.chunk_by(|one, other| one.1 == other.1).collect();
        // Places are given in order, so values that were there before have a lower one.
        let is_new = blocks.windows(2).all(|pair| pair[1][0].1 > pair[0][0].1);
        match blocks.as_slice() {
            [only] if only.len() > 2 => "; they never change".to_owned(),
            // The first and the last block are cut off.
            [_, inner @ .., _]
                if is_new && !inner.is_empty() && inner.iter().all(|block| block.len() > 1) =>
            {
                let mut lengths: Vec<usize> = inner.iter().map(|block| block.len()).collect();
                lengths.sort_unstable();
                let length = lengths[lengths.len() / 2];
                format!("; they change every {length} iterations{}", self.too_short(length))
            }
            _ if !is_new => "; the source returns to values that it had before".to_owned(),
            _ => String::new(),
        }
    }

    fn too_short(&self, iterations: usize) -> String {
        let Some(interval) = self.subject.interval.filter(|interval| *interval > Duration::ZERO) else {
            return ": the interval is shorter than the source takes to renew them".to_owned();
        };
        let seconds = interval.as_secs();
        let renewal = seconds.saturating_mul(iterations as u64);
        format!(
            ": the interval of {seconds} s is shorter than the source takes to renew them (about {renewal} s)"
        )
    }
}

/// Significant digits of these KPIs of an iteration together. What accumulates stands still in a system at rest, all of
/// it at once, so it has one digit.
fn digits(subject: &Subject<'_>, kpis: impl Iterator<Item = KpiId>, number: u64) -> usize {
    let at = subject.series.position_of(number);
    let known = kpis.filter_map(|kpi| Some((kpi, subject.series.value(kpi, at)?)));
    let (held, moving): (Vec<_>, Vec<_>) = known.partition(|(kpi, _)| kpi.kind == Kind::Accumulating);
    let of = |kpis: &[(KpiId, f64)]| -> usize {
        kpis.iter().map(|(kpi, value)| informative_digits(kpi, *value)).sum()
    };
    of(&moving) + of(&held).min(1)
}

/// A value at a bound says nothing: that is where an idle system stands.
fn informative_digits(kpi: &Kpi, value: f64) -> usize {
    let is_bound = kpi.lowest == Some(value) || kpi.highest == Some(value);
    if is_bound { 0 } else { significant_digits(value) }
}

/// Of the shortest decimal that reads back as the same number, or of numerator and denominator where it is a simple
/// fraction: 2/3 has two, however many sixes are written. 0 of 0.
fn significant_digits(value: f64) -> usize {
    if value == 0.0 || !value.is_finite() {
        return 0;
    }
    let shortest = format!("{value:e}");
    let decimal = shortest.bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit).count();
    fraction_digits(value.abs()).map_or(decimal, |fraction| fraction.min(decimal))
}

/// Digits of the simplest fraction that a value stands for, by its convergents.
fn fraction_digits(value: f64) -> Option<usize> {
    let length = |whole: f64| format!("{whole:.0}").len();
    let (mut before, mut last) = ((0.0, 1.0), (1.0, 0.0));
    let mut rest = value;
    loop {
        let whole = rest.floor();
        let next: (f64, f64) = (whole * last.0 + before.0, whole * last.1 + before.1);
        if next.1 > LARGEST_DENOMINATOR || next.0 > LARGEST_DENOMINATOR {
            return None;
        }
        if (value - next.0 / next.1).abs() <= ROUNDING * value {
            return Some(length(next.0) + if next.1 == 1.0 { 0 } else { length(next.1) });
        }
        let remainder = rest - whole;
        if remainder <= 0.0 {
            return None;
        }
        rest = 1.0 / remainder;
        (before, last) = (last, next);
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::core::iteration::Iteration;
    use crate::core::judge::fixture::{empty, limit, series_of};
    use crate::core::policy::{WindowSpec, Windows};
    use crate::core::series::ranges::Ranges;
    use crate::core::verdict::Severity;

    pub(crate) const WINDOWS: Windows =
        Windows { last_n: 4, steady_start: 3, season: crate::core::policy::SeasonRule::Auto };

    pub(crate) fn rules() -> SanityRules {
        SanityRules {
            gates: false,
            severity: Severity::Soft,
            stuck_iterations: limit(5.0),
            collapse_share: limit(0.1),
            too_good_spreads: limit(10.0),
            fills_share: limit(0.5),
            min_history: limit(12.0),
            stuck_chance: None,
            repeats_gate: true,
            repeats_gate_source: limit(0.0).source,
            repeat_digits: limit(16.0),
        }
    }

    /// 18 iterations: two of warm-up, twelve of history, four last ones. Net is 3 ± 0.1 and never the same twice, latency
    /// 300 ± 3, fills 1000.
    fn usual(change: impl Fn(u64, &mut Iteration)) -> Vec<Iteration> {
        (1..=18u64)
            .map(|number| {
                let wave = if number % 2 == 0 { 1.0 } else { -1.0 };
                let mut iteration = Iteration { number, fills: Some(1000.0), ..empty() };
                iteration.values[KpiId::NET_BPS.index()] = Some(3.0 + 0.1 * wave + 1e-6 * number as f64);
                iteration.values[KpiId::P95_LATENCY_MS.index()] = Some(300.0 - 3.0 * wave);
                change(number, &mut iteration);
                iteration
            })
            .collect()
    }

    fn judged(iterations: Vec<Iteration>, repeats: &[Repeat], rules: &SanityRules) -> Vec<Check> {
        let series = series_of(iterations);
        let numbers: Ranges = series.rows().iter().map(|row| row.number).collect();
        let window = |spec| Window::find(&series, spec, &WINDOWS, &numbers);
        checks(
            &Subject {
                series: &series,
                last: &window(WindowSpec::LastN),
                steady: &window(WindowSpec::Steady),
                judged: &window(WindowSpec::LastN),
                repeats,
                required: &KpiId::OF_THE_VERDICT,
                looked_at: &KpiId::OF_THE_VERDICT,
                interval: None,
                kpis: &KpiTable::default(),
            },
            rules,
        )
    }

    /// The outcome and the reason of one check.
    fn one(gate: &str, change: impl Fn(u64, &mut Iteration)) -> (Outcome, String) {
        let checks = judged(usual(change), &[], &rules());
        let check = checks.into_iter().find(|check| check.gate == gate).expect("this check");
        assert_eq!(check.joins, gate == "sanity.repeated");
        (check.outcome, check.reason)
    }

    fn set(iteration: &mut Iteration, kpi: KpiId, value: f64) {
        iteration.values[kpi.index()] = Some(value);
    }

    #[test]
    fn a_usual_run_is_sane_and_every_kind_is_asked() {
        let checks = judged(usual(|_, _| ()), &[], &rules());
        let told: Vec<(&str, Outcome)> =
            checks.iter().map(|check| (check.gate.as_str(), check.outcome)).collect();
        let gates =
            ["sanity.repeated", "sanity.stuck", "sanity.collapsed", "sanity.too_good", "sanity.fills"];
        assert_eq!(told, gates.map(|gate| (gate, Outcome::Pass)));
    }

    #[test]
    fn runs_of_any_length_are_looked_at() {
        for length in 0..18 {
            let run = usual(|_, _| ()).into_iter().take(length).collect();
            assert_eq!(judged(run, &[], &rules()).len(), 5, "{length}");
        }
    }

    /// 24 iterations of a service with two jobs of two KPIs each; `change` sees the values in the order of the table.
    fn of_two_jobs(change: impl Fn(u64, &mut [Option<f64>])) -> Vec<Check> {
        of_two_jobs_by(&rules(), change)
    }

    fn of_two_jobs_by(rules: &SanityRules, change: impl Fn(u64, &mut [Option<f64>])) -> Vec<Check> {
        let mut kpis = KpiTable::empty();
        for (name, job) in [("rate", "http"), ("p95", "http"), ("rss", "process"), ("cpu", "process")] {
            let kind = if name == "rss" { Kind::Accumulating } else { Kind::Level };
            let kpi =
                Kpi { direction: Some(Direction::Lower), job: Some(job), kind, ..Kpi::declared(&[name]) };
            kpis.declare(kpi).expect("a free name");
        }
        let mut series = Series::new(None, kpis.columns());
        for number in 1..=24 {
            let mut iteration = Iteration { number, values: vec![None; kpis.columns()], ..empty() };
            let own = &mut iteration.values[KpiTable::empty().columns()..];
            let value = |at: usize| Some((at + 1) as f64 * 10.25 + number as f64 * 0.375);
            own.iter_mut().enumerate().for_each(|(at, slot)| *slot = value(at));
            change(number, own);
            series.push(iteration, &mut crate::core::series::Interner::default());
        }
        let numbers: Ranges = (1..=24).collect();
        let window = |spec| Window::find(&series, spec, &WINDOWS, &numbers);
        let subject = Subject {
            series: &series,
            last: &window(WindowSpec::LastN),
            steady: &window(WindowSpec::Steady),
            judged: &window(WindowSpec::Steady),
            repeats: &[],
            required: kpis.of_verdict(),
            looked_at: kpis.of_verdict(),
            interval: None,
            kpis: &kpis,
        };
        checks(&subject, rules)
    }

    #[test]
    fn kpis_that_stand_still_for_longer_than_chance_are_no_measurement() {
        let rules = SanityRules { stuck_iterations: limit(20.0), stuck_chance: Some(limit(1e-6)), ..rules() };
        let stuck = |change: &dyn Fn(u64, &mut [Option<f64>])| {
            let checks = of_two_jobs_by(&rules, change);
            let found = checks.iter().find(|check| check.gate == "sanity.job_stuck");
            found.map(|check| (check.outcome, check.joins, check.reason.clone()))
        };
        // The window holds 22 iterations. None of the others is equal to its neighbour, so a row of seven has a probability
        // of at most 22·(1/17)⁶ = 9.1e-7, and one of six 22·(1/18)⁵ = 1.2e-5.
        let from = |first: u64, of: std::ops::Range<usize>, cpu: f64| {
            move |number: u64, own: &mut [Option<f64>]| {
                if number >= first {
                    let values = [10.25, 20.5, 31.375, cpu];
                    own[of.clone()]
                        .iter_mut()
                        .zip(&values[of.clone()])
                        .for_each(|(slot, value)| *slot = Some(*value));
                }
            }
        };
        assert_eq!(stuck(&from(19, 2..4, 41.625)), None);
        let (outcome, joins, _) = stuck(&from(18, 2..4, 41.625)).expect("seven iterations");
        assert_eq!((outcome, joins), (Outcome::Warn, true), "five digits together");
        let (outcome, ..) = stuck(&from(18, 2..4, 41.123_456_789_012_34)).expect("seven iterations");
        assert_eq!(outcome, Outcome::Invalid, "no chance repeats so many digits");
        // One KPI of a job is no job, also where the others have no value.
        assert_eq!(stuck(&from(5, 2..3, 0.0)), None);
        let dead = |number: u64, own: &mut [Option<f64>]| {
            if number >= 12 {
                own.fill(None);
                own[3] = Some(41.123_456_789_012_34);
            }
        };
        assert_eq!(stuck(&dead), None);
        // Where they repeat themselves all the time, seven iterations in a row are no news.
        let calm = |number: u64, own: &mut [Option<f64>]| {
            own[2] = Some(31.375);
            own[3] = Some(if number < 18 { 41.625 + (number / 3) as f64 } else { 40.125 });
        };
        assert_eq!(stuck(&calm), None);
        // All KPIs of a source without jobs.
        let all = stuck(&from(18, 0..4, 41.625)).expect("all of them");
        assert_eq!(all.0, Outcome::Warn);
    }

    #[test]
    fn a_job_whose_kpis_stand_still_together_is_invalid_and_one_kpi_of_it_is_not() {
        let stuck = |checks: &[Check]| {
            let found = checks.iter().find(|check| check.gate == "sanity.job_stuck");
            found.map(|check| (check.outcome, check.joins, check.reason.clone()))
        };
        assert_eq!(stuck(&of_two_jobs(|_, _| ())), None);
        // Memory that stands still has one digit, cpu 41.625 is 333/8: five digits together, so four repetitions are beyond
        // chance, and five iterations are as many as stand still.
        let from = |first: u64, columns: std::ops::Range<usize>| {
            move |number: u64, own: &mut [Option<f64>]| {
                if number >= first {
                    for (at, slot) in own.iter_mut().enumerate().filter(|(at, _)| columns.contains(at)) {
                        *slot = Some([10.25, 20.5, 31.375, 41.625][at]);
                    }
                }
            }
        };
        assert_eq!(stuck(&of_two_jobs(from(21, 2..4))), None);
        let (outcome, joins, reason) = stuck(&of_two_jobs(from(20, 2..4))).expect("a job that stands still");
        assert_eq!((outcome, joins), (Outcome::Invalid, true));
        let expected = "the exporter behind the KPIs of `job = \"process\"` stands still: `rss`, `cpu` do not change in iteration 20-24";
        assert_eq!(reason, expected);
        assert_eq!(stuck(&of_two_jobs(from(3, 2..3))), None);
        // Memory beside a rate of 0: a system at rest, until it takes 16 repetitions. The window begins at 7.
        let held = |first: u64| {
            of_two_jobs(move |number, own| {
                from(first, 2..3)(number, own);
                own[3] = Some(0.0);
            })
        };
        assert_eq!(stuck(&held(9)), None);
        assert_eq!(stuck(&held(8)).map(|found| found.0), Some(Outcome::Invalid));
        // All at 0 in every iteration: nothing measures anything. One that moves once is enough.
        let moves_not = |checks: &[Check]| {
            let found = checks.iter().find(|check| check.gate == "sanity.nothing_moves");
            found.map(|check| (check.outcome, check.joins, check.reason.clone()))
        };
        let reason = "no KPI changes in any of the 22 iterations: the source does not measure the service";
        let dead = of_two_jobs(|_, own| own.fill(Some(0.0)));
        assert_eq!(moves_not(&dead), Some((Outcome::Invalid, true, reason.to_owned())));
        let once = of_two_jobs(|number, own| {
            own.fill(Some(0.0));
            own[0] = Some(if number == 24 { 1.0 } else { 0.0 });
        });
        assert_eq!(moves_not(&once), None);
        // An idle job stands at 0, which says nothing.
        let idle = of_two_jobs(|_, own| own[2..].fill(Some(0.0)));
        assert_eq!(stuck(&idle), None);
        // The bot's fills are no question to a service.
        assert!(idle.iter().all(|check| check.gate != "sanity.fills"));
    }

    #[test]
    fn the_same_value_so_many_times_in_a_row_stands_still() {
        let from = |first: u64| {
            move |number: u64, iteration: &mut Iteration| {
                if number >= first {
                    set(iteration, KpiId::NET_BPS, 3.0);
                }
            }
        };
        assert_eq!(one("sanity.stuck", from(15)).0, Outcome::Pass);
        let (outcome, reason) = one("sanity.stuck", from(14));
        assert_eq!(
            (outcome, reason.as_str()),
            (Outcome::Warn, "`net_bps` stands still at 3.00 bps in iteration 14-18")
        );
        // A gap does not make it move, and what was before the steady part does not count.
        let gap = |number: u64, iteration: &mut Iteration| {
            from(13)(number, iteration);
            if number == 15 {
                iteration.values[KpiId::NET_BPS.index()] = None;
            }
        };
        assert_eq!(one("sanity.stuck", gap).0, Outcome::Warn);
        let warm = |number: u64, iteration: &mut Iteration| {
            if number <= 6 {
                set(iteration, KpiId::NET_BPS, 2.0);
            }
        };
        assert_eq!(one("sanity.stuck", warm).0, Outcome::Pass);
    }

    #[test]
    fn a_latency_of_next_to_nothing_collapsed_and_an_edge_cannot() {
        let last = |kpi, value| {
            move |number: u64, iteration: &mut Iteration| {
                if number == 18 {
                    set(iteration, kpi, value);
                }
            }
        };
        // The median of the history is 300, between 297 and 303.
        assert_eq!(one("sanity.collapsed", last(KpiId::P95_LATENCY_MS, 30.0)).0, Outcome::Pass);
        let (outcome, reason) = one("sanity.collapsed", last(KpiId::P95_LATENCY_MS, 29.0));
        assert_eq!(outcome, Outcome::Warn);
        assert_eq!(reason, "`p95_latency_ms` collapsed from 300 ms: 29 ms in iteration 18");
        assert_eq!(one("sanity.collapsed", last(KpiId::NET_BPS, 0.0)).0, Outcome::Pass);
    }

    #[test]
    fn only_the_good_side_is_too_good() {
        let last = |kpi, value| {
            move |number: u64, iteration: &mut Iteration| {
                if number == 17 {
                    set(iteration, kpi, value);
                }
            }
        };
        // All deviations of the history are 3 ms: ten spreads are 44.478 ms; of net 0.1 bps, so 1.4826 bps.
        for (kpi, value, expected) in [
            (KpiId::P95_LATENCY_MS, 255.6, Outcome::Pass),
            (KpiId::P95_LATENCY_MS, 255.4, Outcome::Warn),
            (KpiId::P95_LATENCY_MS, 500.0, Outcome::Pass),
            (KpiId::NET_BPS, 4.48, Outcome::Pass),
            (KpiId::NET_BPS, 4.49, Outcome::Warn),
            (KpiId::NET_BPS, -9.0, Outcome::Pass),
        ] {
            assert_eq!(one("sanity.too_good", last(kpi, value)).0, expected, "{value}");
        }
    }

    #[test]
    fn fills_that_fell_below_their_share_are_told_and_unknown_ones_are_not_judged() {
        let now = |fills| {
            move |number: u64, iteration: &mut Iteration| {
                if number > 14 {
                    iteration.fills = fills;
                }
            }
        };
        assert_eq!(one("sanity.fills", now(Some(500.0))).0, Outcome::Pass);
        let (outcome, reason) = one("sanity.fills", now(Some(499.0)));
        assert_eq!((outcome, reason.contains("fell from 1000 to 499")), (Outcome::Warn, true), "{reason}");
        assert_eq!(one("sanity.fills", now(None)).0, Outcome::NotApplicable);
    }

    #[test]
    fn too_little_history_is_not_judged_and_the_policy_makes_it_gate() {
        let short = judged(usual(|_, _| ()), &[], &SanityRules { min_history: limit(13.0), ..rules() });
        for gate in ["sanity.collapsed", "sanity.too_good", "sanity.fills"] {
            let check = short.iter().find(|check| check.gate == gate).expect("this check");
            assert_eq!(check.outcome, Outcome::NotApplicable, "{gate}");
        }
        let hard = SanityRules { gates: true, severity: Severity::Hard, ..rules() };
        let stuck = judged(usual(|_, iteration| set(iteration, KpiId::NET_BPS, 3.0)), &[], &hard);
        assert!(stuck.iter().all(|check| check.joins));
        assert_eq!(stuck[1].outcome, Outcome::Fail);
    }

    #[test]
    fn what_too_few_values_cannot_show_is_not_said_to_be_fine() {
        // Six iterations, four of them steady; five equal ones stand still.
        let few = judged(usual(|_, _| ()).into_iter().take(6).collect(), &[], &rules());
        let of = |checks: &[Check], gate: &str| {
            let check = checks.iter().find(|check| check.gate == gate).expect("a check").clone();
            (check.outcome, check.observed, check.reason)
        };
        let told = "5 steady values of a KPI needed to know whether it stands still".to_owned();
        assert_eq!(of(&few, "sanity.stuck"), (Outcome::NotApplicable, None, told));
        let enough = judged(usual(|_, _| ()).into_iter().take(7).collect(), &[], &rules());
        assert_eq!(of(&enough, "sanity.stuck").0, Outcome::Pass);
        let none = judged(Vec::new(), &[], &rules());
        let told = "there is no iteration to look at".to_owned();
        assert_eq!(of(&none, "sanity.repeated"), (Outcome::NotApplicable, None, told));
    }
}

#[cfg(test)]
mod repeats_tests {
    use super::tests::{WINDOWS, rules};
    use super::*;
    use super::{Subject, checks};
    use crate::core::iteration::Iteration;
    use crate::core::judge::fixture::{empty, limit, series_of};
    use crate::core::kpi::{Kpi, KpiTable};
    use crate::core::policy::{SanityRules, WindowSpec};
    use crate::core::series::ranges::Ranges;
    use crate::core::series::window::Window;
    use crate::core::verdict::evidence::Repeat;
    use crate::core::verdict::{Check, Outcome, Severity};

    const NET: KpiId = KpiId::NET_BPS;
    const RISK: KpiId = KpiId::RISK_RATIO;
    const LATENCY: KpiId = KpiId::P95_LATENCY_MS;

    /// Nine digits each.
    const FINE: [f64; 4] = [3.123_456_78, 3.212_345_67, 3.323_456_78, 3.434_567_89];

    /// Eighteen iterations of a source; the verdict rests on 15 to 18, the steady part begins at 3.
    struct Source<'s> {
        values: &'s dyn Fn(u64) -> Vec<(KpiId, f64)>,
        required: &'s [KpiId],
        repeats: &'s [Repeat],
        rules: SanityRules,
        interval: Option<Duration>,
        failed: &'s [u64],
    }

    impl<'s> Source<'s> {
        fn of(required: &'s [KpiId], values: &'s dyn Fn(u64) -> Vec<(KpiId, f64)>) -> Self {
            Self { values, required, repeats: &[], rules: rules(), interval: None, failed: &[] }
        }

        fn checks(&self) -> Vec<Check> {
            let series = series_of((1..=18).map(|number| {
                let mut iteration = Iteration { number, ..empty() };
                for (kpi, value) in (self.values)(number) {
                    iteration.values[kpi.index()] = Some(value);
                }
                iteration.collection_failed = self.failed.contains(&number).then(|| "no answer".into());
                iteration
            }));
            let numbers: Ranges = series.rows().iter().map(|row| row.number).collect();
            let window = |spec| Window::find(&series, spec, &WINDOWS, &numbers);
            let subject = Subject {
                series: &series,
                last: &window(WindowSpec::LastN),
                steady: &window(WindowSpec::Steady),
                judged: &window(WindowSpec::LastN),
                repeats: self.repeats,
                required: self.required,
                looked_at: self.required,
                interval: self.interval,
                kpis: &KpiTable::default(),
            };
            let found = checks(&subject, &self.rules).into_iter();
            found.filter(|check| check.gate.starts_with("sanity.repeated")).collect()
        }

        /// The check on the iterations of the verdict: outcome, whether it joins, repeated iterations, reason.
        fn judged(&self) -> (Outcome, bool, Option<f64>, String) {
            let check = self.checks().remove(0);
            (check.outcome, check.joins, check.observed, check.reason)
        }
    }

    /// A value that no other number has.
    fn moving(number: u64) -> f64 {
        300.0 + number as f64 / 7.0
    }

    #[test]
    fn a_source_that_says_the_same_for_ever_is_no_measurement() {
        let (outcome, joins, repeated, reason) =
            Source::of(&[NET, RISK], &|_| vec![(NET, FINE[0]), (RISK, 0.312_345_6)]).judged();
        assert_eq!((outcome, joins, repeated), (Outcome::Invalid, true, Some(4.0)));
        assert_eq!(
            reason,
            "the source repeats itself: `net_bps` and `risk_ratio` are equal to the last digit (16 digits together) in \
         iteration 1-18; they never change"
        );
    }

    #[test]
    fn a_source_that_alternates_or_replays_a_cycle_repeats_itself_too() {
        for cycle in 2..=4 {
            let values = move |number: u64| {
                let value = FINE[usize::try_from(number % cycle).expect("a small number")];
                vec![(NET, value), (RISK, value / 11.0)]
            };
            let (outcome, joins, repeated, reason) = Source::of(&[NET, RISK], &values).judged();
            assert_eq!((outcome, joins, repeated), (Outcome::Invalid, true, Some(4.0)), "{cycle}");
            assert!(reason.ends_with("; the source returns to values that it had before"), "{reason}");
        }
        // A recording of nine iterations that is played twice.
        let values = |number: u64| vec![(NET, 3.0 + (number % 9) as f64 / 7919.0)];
        let one = SanityRules { repeat_digits: limit(5.0), ..rules() };
        assert_eq!(Source { rules: one, ..Source::of(&[NET], &values) }.judged().0, Outcome::Invalid);
    }

    #[test]
    fn an_interval_shorter_than_the_source_renews_its_values_is_named() {
        let values =
            |number: u64| vec![(NET, moving(number / 3).sqrt()), (RISK, moving(number / 3).sqrt() / 7.0)];
        let source = Source::of(&[NET, RISK], &values);
        let (outcome, _, repeated, reason) = source.judged();
        // 15-17 and 18: of the last four only 16 and 17 repeat.
        assert_eq!((outcome, repeated), (Outcome::Invalid, Some(2.0)));
        let blocks =
            "; they change every 3 iterations: the interval is shorter than the source takes to renew them";
        assert!(reason.ends_with(blocks), "{reason}");
        let declared = Source { interval: Some(Duration::from_secs(10)), ..source };
        let told = "; they change every 3 iterations: the interval of 10 s is shorter than the source takes to renew them \
                (about 30 s)";
        assert!(declared.judged().3.ends_with(told), "{}", declared.judged().3);
    }

    #[test]
    fn one_iteration_that_repeats_another_is_enough() {
        let values = |number: u64| {
            let of = if number == 17 { 9 } else { number };
            vec![(NET, moving(of).sqrt()), (RISK, moving(of).sqrt() / 7.0)]
        };
        let (outcome, joins, repeated, reason) = Source::of(&[NET, RISK], &values).judged();
        assert_eq!((outcome, joins, repeated), (Outcome::Invalid, true, Some(1.0)));
        assert!(reason.contains("in iteration 9, 17;"), "{reason}");
    }

    #[test]
    fn with_fewer_digits_equal_values_can_be_chance() {
        // 9 and 6 digits, and 9 and 7.
        for (risk, expected) in [(0.312_345, (Outcome::Warn, false)), (0.312_345_6, (Outcome::Invalid, true))]
        {
            let values = |_| vec![(NET, FINE[0]), (RISK, risk)];
            let (outcome, joins, repeated, reason) = Source::of(&[NET, RISK], &values).judged();
            assert_eq!((outcome, joins), expected, "{risk}");
            assert_eq!(repeated, Some(4.0));
            let is_said = reason.contains("fewer than 16 digits can be equal by chance");
            assert_eq!(is_said, outcome == Outcome::Warn, "{reason}");
        }
        // Now and then an equal one says nothing at all.
        let values = |number: u64| vec![(NET, if number == 17 { 3.9 } else { 2.0 + number as f64 / 10.0 })];
        let twice = |number: u64| if number == 16 { values(17) } else { values(number) };
        assert_eq!(Source::of(&[NET], &values).judged().0, Outcome::Pass);
        assert_eq!(Source::of(&[NET], &twice).judged().0, Outcome::Pass);
        let hard = SanityRules { gates: true, severity: Severity::Hard, ..rules() };
        let constant = |_| vec![(NET, 3.1)];
        let (outcome, joins, ..) = Source { rules: hard, ..Source::of(&[NET], &constant) }.judged();
        assert_eq!((outcome, joins), (Outcome::Fail, true));
    }

    #[test]
    fn an_idle_system_stands_at_zero_or_at_a_bound_and_that_is_no_defect() {
        let bounded = Kpi { highest: Some(FINE[0]), ..(*NET).clone() };
        assert_eq!(informative_digits(&bounded, FINE[0]), 0);
        assert_eq!(informative_digits(&bounded, FINE[1]), 9);
        let values = |_| vec![(NET, 0.0), (RISK, 0.0), (KpiId::MAKER_TAKER_RATIO, 1.0), (LATENCY, 0.0)];
        let (outcome, joins, ..) = Source::of(&KpiId::OF_THE_VERDICT, &values).judged();
        assert_eq!((outcome, joins), (Outcome::Warn, false));
    }

    #[test]
    fn one_kpi_that_stands_still_while_another_moves_is_no_repetition() {
        let values = |number: u64| vec![(NET, FINE[0]), (RISK, 0.312_345_678_9), (LATENCY, moving(number))];
        let source = Source::of(&[NET, RISK, LATENCY], &values);
        assert_eq!((source.judged().0, source.judged().2), (Outcome::Pass, Some(0.0)));
        // The verdict of one's own KPI rests on that one, whatever moves beside it.
        let own = |number: u64| vec![(NET, 4.123_456_789_012_345), (LATENCY, moving(number))];
        let (outcome, _, _, reason) = Source::of(&[NET], &own).judged();
        assert_eq!(outcome, Outcome::Invalid);
        assert!(reason.contains("`net_bps` is equal to the last digit (16 digits together)"), "{reason}");
    }

    #[test]
    fn a_missing_value_is_as_equal_as_any_and_a_failed_collection_measured_nothing() {
        let values = |_| vec![(NET, 4.123_456_789_012_345)];
        assert_eq!(Source::of(&[NET, RISK], &values).judged().0, Outcome::Invalid);
        let all: Vec<u64> = (1..=18).collect();
        let failed = Source { failed: &all, ..Source::of(&[NET], &values) };
        assert_eq!((failed.judged().0, failed.judged().2), (Outcome::Pass, Some(0.0)));
        assert_eq!(Source::of(&[], &values).judged().0, Outcome::Pass);
    }

    #[test]
    fn repetitions_before_the_window_are_shown_and_join_nothing() {
        let values = |number: u64| {
            let of = if number < 6 { 0 } else { number };
            vec![(NET, moving(of).sqrt()), (RISK, moving(of).sqrt() / 7.0)]
        };
        let found = Source::of(&[NET, RISK], &values).checks();
        let told: Vec<(&str, Outcome, bool, Option<f64>)> = found
            .iter()
            .map(|check| (check.gate.as_str(), check.outcome, check.joins, check.observed))
            .collect();
        // 2 repeats as well, but the steady part begins at 3.
        let before = ("sanity.repeated_before", Outcome::Warn, false, Some(3.0));
        assert_eq!(told, [("sanity.repeated", Outcome::Pass, true, Some(0.0)), before]);
    }

    #[test]
    fn files_that_are_equal_as_a_whole_count_with_the_digits_of_all_their_kpis() {
        // 3.1 and 9 digits of a KPI that the verdict does not rest on.
        let values = |number: u64| vec![(NET, 3.0 + number as f64 / 10.0), (KpiId::GROSS_BPS, FINE[0])];
        let judged = |numbers: &[u64], digits: f64, gate: bool| {
            let repeats = [Repeat { symbol: None, numbers: numbers.to_vec() }];
            let rules = SanityRules { repeat_digits: limit(digits), repeats_gate: gate, ..rules() };
            Source { repeats: &repeats, rules, ..Source::of(&[NET], &values) }.judged()
        };
        let (outcome, joins, repeated, reason) = judged(&[1, 15, 17], 11.0, true);
        assert_eq!((outcome, joins, repeated), (Outcome::Invalid, true, Some(2.0)));
        assert!(reason.contains("the files without number and time are equal"), "{reason}");
        assert_eq!(judged(&[15, 17], 11.0, true).2, Some(1.0));
        assert!(!judged(&[15, 17], 11.0, false).1, "by policy it is shown beside the verdict");
        let (outcome, joins, ..) = judged(&[15, 17], 12.0, true);
        assert_eq!((outcome, joins), (Outcome::Warn, false));
        assert_eq!(judged(&[1, 3], 11.0, true).0, Outcome::Pass);
        let other = [Repeat { symbol: Some("A".to_owned()), numbers: vec![15, 17] }];
        assert_eq!(Source { repeats: &other, ..Source::of(&[NET], &values) }.judged().0, Outcome::Pass);
    }

    #[test]
    fn digits_are_those_of_the_shortest_decimal_or_of_a_simple_fraction() {
        let told = [
            (0.0, 0),
            (-0.0, 0),
            (5.0, 1),
            (250.0, 2),
            (-3.1, 2),
            (0.105, 3),
            (1e-300, 1),
            (1.0 / 3.0, 2),
            (-2.0 / 3.0, 2),
            (15.0 / 17.0, 4),
            (880.0 / 999.0, 6),
            // 3/10 and 19/4, computed.
            (0.1 + 0.2, 3),
            (4.749_999_999_999_999, 3),
            (4.123_456_789_012_345, 16),
            (3.123_456_789_01, 12),
            (std::f64::consts::PI, 16),
            (f64::MAX, 17),
            (f64::MIN_POSITIVE, 17),
            (f64::NAN, 0),
        ];
        for (value, digits) in told {
            assert_eq!(significant_digits(value), digits, "{value}");
        }
    }
}
