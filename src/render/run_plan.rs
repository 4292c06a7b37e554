//! The plan of a run for people.

use std::fmt::Write as _;

use crate::core::number::{exact, fixed, trimmed};
use crate::render::markdown::printable;
use crate::wire::run_plan::{PlannedLimit, RunPlan};

/// Decimals that are enough for any parameter of today.
const DECIMALS: usize = 4;

/// The plan as text.
pub fn text(plan: &RunPlan) -> String {
    let mut out = String::new();
    let number = |value: f64| exact(value, 0);
    let hours = fixed(plan.duration_hours, 2);
    line(&mut out, "source", &plan.source);
    let clock = if plan.virtual_clock { "virtual clock" } else { "real time" };
    let length = format!(
        "{} iterations of {} s, {} h, {clock}",
        plan.iterations,
        number(plan.interval_seconds),
        trimmed(&hours)
    );
    line(&mut out, "length", &length);
    if plan.first > 1 {
        line(&mut out, "resumes at", &plan.first.to_string());
    }
    line(&mut out, "wall time", &wall_time(plan));
    if let Some(at) = plan.measure_at {
        line(&mut out, "measures", &format!("at the {at} of each interval"));
    }
    line(&mut out, "tuning", if plan.auto_tune { "applied, under guards" } else { "proposed only" });
    for phase in &plan.phases {
        let what = format!("{}-{}  {}", phase.first, phase.last, phase.what);
        line(&mut out, phase.phase, &what);
    }
    out.push_str("\noverrides at the start\n");
    let width = plan.overrides.iter().map(|entry| entry.param.len()).max().unwrap_or_default();
    for entry in &plan.overrides {
        let value = exact(entry.value, 0);
        let bounds = format!("{} to {}", number(entry.lowest), number(entry.highest));
        let velocity = fixed(entry.max_change_per_hour, DECIMALS);
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "  {:width$}  {value:>6} {:<6} {bounds:<14} at most {} an hour  ({})",
            entry.param,
            printable(&entry.unit),
            trimmed(&velocity),
            printable(&entry.origin)
        );
    }
    for note in &plan.notes {
        let _ = writeln!(out, "  note: {}", printable(note));
    }
    limits(&mut out, "an iteration passes with", &plan.iteration_pass);
    let title = if plan.run_gates_decide { "run gates (they decide)" } else { "run gates (listed only)" };
    limits(&mut out, title, &plan.run_gates);
    out.push_str("\nfiles\n");
    let width = plan.files.iter().map(|file| file.path.len()).max().unwrap_or_default();
    for file in &plan.files {
        let _ = writeln!(out, "  {:width$}  {}", printable(&file.path), file.what);
    }
    for warning in &plan.warnings {
        let _ = writeln!(out, "\nwarning: {}", printable(warning));
    }
    let _ = writeln!(out, "\npolicy {}\nnothing was started, nothing was written", plan.policy_sha256);
    out
}

/// How long the run takes by the clock on the wall.
fn wall_time(plan: &RunPlan) -> String {
    if plan.virtual_clock {
        return "none: time is simulated".to_owned();
    }
    if plan.no_wait {
        return "as long as measuring takes (--no-wait): a rehearsal".to_owned();
    }
    let seconds = plan.wall_time_seconds;
    let (value, unit) = if seconds >= 3600.0 { (seconds / 3600.0, "h") } else { (seconds, "s") };
    format!("at least {} {unit}", trimmed(&fixed(value, 2)))
}

fn line(out: &mut String, name: &str, value: &str) {
    let _ = writeln!(out, "{name:<10}  {}", printable(value));
}

fn limits(out: &mut String, title: &str, limits: &[PlannedLimit]) {
    let _ = writeln!(out, "\n{title}");
    for limit in limits {
        let _ = writeln!(
            out,
            "  {:<24} {} {:<8} {}  ({})",
            printable(&limit.metric),
            limit.comparison,
            exact(limit.limit, 0),
            limit.severity,
            printable(&limit.origin)
        );
    }
}
