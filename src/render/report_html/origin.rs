//! Where the report comes from: tool, policy, input, time, and the limits that were used with their origins.

use super::words::{end_table, remark, row, section, table, text};
use crate::core::analysis::{Analysis, pass_limits};
use crate::core::number::exact;
use crate::core::policy::{GateSet, Limit, Policy};
use crate::render::report_md::bound;
use crate::wire::provenance::Provenance;

/// Provenance and limits.
pub(super) fn provenance(out: &mut String, analysis: &Analysis, policy: &Policy, provenance: &Provenance) {
    section(out, "provenance", "Provenance");
    table(out, &[("t", "what"), ("w", "value")], false);
    let mut tell = |name: &str, value: String| row(out, [("t", text(name)), ("w", value)]);
    tell("tool", format!("soak {}", text(&provenance.tool_version)));
    tell("policy, SHA-256", format!("<code>{}</code>", text(&provenance.policy_sha256)));
    tell("limits", analysis.limits().to_owned());
    tell("time of the report", time(analysis, provenance));
    tell("source", analysis.source().map_or_else(String::new, |source| text(&source)));
    tell("iterations used", analysis.evidence.len().to_string());
    tell("iteration files that cannot be used", analysis.evidence.bad_files.len().to_string());
    if let Some(declared) = &analysis.evidence.declared {
        let told = format!(
            "{} iterations, {}, {} complete",
            declared.iterations,
            declared.state.word(),
            declared.last_complete
        );
        tell("the run declared", told);
    }
    for (name, foreign) in [
        ("KPI gate beside it", &analysis.evidence.kpi_gate),
        ("earlier snapshot", &analysis.evidence.snapshot),
    ] {
        if let Some(foreign) = foreign {
            tell(name, format!("{} ({})", text(&foreign.verdict), text(&foreign.file)));
        }
    }
    if let Some(given) = &provenance.overridden {
        let told = format!("by {} at {}: {}", text(&given.by), text(&given.at), text(&given.reason));
        tell("override", told);
    }
    end_table(out);
    limits(out, analysis, policy);
    out.push_str("</section>\n");
}

fn time(analysis: &Analysis, provenance: &Provenance) -> String {
    match (&provenance.fixed_time, analysis.last_time()) {
        (Some(time), _) => format!("{} (set by <code>SOAK_NOW</code>)", text(time)),
        (None, Some(time)) => format!("{} (the last one in the data)", text(time)),
        (None, None) => "unknown, no iteration carries one".to_owned(),
    }
}

fn limits(out: &mut String, analysis: &Analysis, policy: &Policy) {
    out.push_str("<h3>Limits that were used</h3>\n");
    remark(out, "They are different questions, so they have different numbers.");
    table(
        out,
        &[("t", "limit"), ("t", "KPI"), ("t", "what must hold"), ("t", "key"), ("t", "origin")],
        false,
    );
    let whole = &policy.run_verdict;
    for (name, share) in
        [("share of passes for PASS", &whole.pass_share), ("share of passes for WARN", &whole.warn_share)]
    {
        one(out, name, "", &format!(">= {}", exact(share.value, 3)), share);
    }
    set(out, "an iteration passes", pass_limits(policy, analysis.mock));
    set(out, "readiness", &policy.readiness);
    set(out, "goals", &policy.goals);
    end_table(out);
}

fn set(out: &mut String, name: &str, set: &GateSet) {
    for gate in &set.checks {
        let kpi = gate.kpi;
        let holds = format!(
            "{} {} {}",
            gate.statistic.word(),
            bound(gate.comparison, gate.limit.value, kpi),
            kpi.unit.symbol()
        );
        one(out, name, kpi.name, &holds, &gate.limit);
    }
}

fn one(out: &mut String, name: &str, kpi: &str, holds: &str, limit: &Limit) {
    row(
        out,
        [
            ("t", text(name)),
            ("t", text(kpi)),
            ("t", text(holds.trim_end())),
            ("t", format!("<code>{}</code>", text(&limit.source.key))),
            ("t", text(&limit.source.origin)),
        ],
    );
}
