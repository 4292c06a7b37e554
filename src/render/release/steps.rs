//! Pieces that checklist and rollback plan share: the banner, steps with their commands, limits, people.
//!
//! No path, address or command but those of the policy's `[service]`; what is not set there is said to be missing.

use std::fmt::Write as _;

use crate::core::kpi::KpiTable;
use crate::core::number::{exact, trimmed};
use crate::core::policy::release::{Service, ServiceCommand};
use crate::core::release::notes::ParamNote;
use crate::core::shell;
use crate::render::markdown::cell;
use crate::render::report_head::{REHEARSAL, override_line};
use crate::render::report_md::prose;
use crate::wire::release::bundle_manifest::BundleManifest;

/// Title, and what must not be overlooked: rehearsal, override, refusals.
pub(super) fn head(title: &str, manifest: &BundleManifest) -> String {
    let mut out = format!("# {title} {}\n\n", cell(&manifest.name));
    if manifest.rehearsal {
        let _ = writeln!(out, "{REHEARSAL}\n");
    }
    if let Some(given) = &manifest.overridden {
        let _ = writeln!(out, "{}\n", override_line(given));
        if !manifest.refusals.is_empty() {
            out.push_str("Released in spite of:\n\n");
            for refusal in &manifest.refusals {
                // Another marker than that of the list which may follow.
                let _ = writeln!(out, "* {}", prose(&refusal.reason));
            }
            out.push('\n');
        }
    }
    out
}

/// A line that can be ticked.
pub(super) fn tick(out: &mut String, text: &str) {
    let _ = writeln!(out, "- [ ] {text}");
}

/// A line of shell, in a block of its own.
pub(super) fn shell_block(out: &mut String, lines: &[String]) {
    let _ = writeln!(out, "\n  ```sh");
    for line in lines {
        let _ = writeln!(out, "  {line}");
    }
    out.push_str("  ```\n\n");
}

/// A step with the service's command for it, or the word that there is none.
pub(super) fn command(
    out: &mut String,
    service: &Service,
    text: &str,
    command: ServiceCommand,
    percent: Option<f64>,
) {
    let line = service.commands.get(&command).map(|line| match percent {
        Some(percent) => line.replace("{percent}", &number(percent)),
        None => line.clone(),
    });
    match line {
        Some(line) => {
            tick(out, &format!("{text}:"));
            shell_block(out, &[line]);
        }
        None => tick(out, &format!("{text}. {}", missing(&format!("service.commands.{}", command.key())))),
    }
}

/// A step that `soak release canary check` does, asked with these flags, or the word that nobody knows which server
/// to ask.
pub(super) fn canary_check(
    out: &mut String,
    service: &Service,
    selector: Option<&str>,
    text: &str,
    flags: &str,
) {
    let Some(url) = &service.prometheus_url else {
        tick(out, &format!("{text}. {}", missing("service.prometheus_url")));
        return;
    };
    let selector =
        selector.map_or_else(String::new, |selector| format!(" --selector {}", shell::word(selector)));
    tick(out, &format!("{text}:"));
    let line = format!(
        "soak release canary check {flags} --policy policy.toml --prometheus-url {}{selector}",
        shell::word(url)
    );
    shell_block(out, &[line]);
}

/// A step that writes the time down in a variable of the shell.
pub(super) fn clock(out: &mut String, service: &Service, text: &str, variable: &str) {
    if service.prometheus_url.is_some() {
        tick(out, &format!("{text}:"));
        shell_block(
            out,
            &[format!("{variable}=$(date -u +%Y-%m-%dT%H:%M:%SZ); echo \"{variable}=${variable}\"")],
        );
    } else {
        tick(out, text);
    }
}

/// That the policy does not say something.
pub(super) fn missing(key: &str) -> String {
    format!("**Not configured: `{key}` is not set in the policy. Write it down here.**")
}

/// Copies a file over another so that a reader finds the old or the new one, whole.
pub(super) fn install(from: &str, to: &str) -> Vec<String> {
    let (beside, to) = (shell::word(&format!("{to}.new")), shell::word(to));
    vec![format!("cp -- {} {beside}", shell::word(from)), format!("mv -f -- {beside} {to}")]
}

/// A step that asks an address of the service.
pub(super) fn ask(out: &mut String, text: &str, key: &str, url: Option<&str>) {
    match url {
        Some(url) => {
            tick(out, &format!("{text}:"));
            shell_block(out, &[format!("curl -fsS --max-time 10 {}", shell::word(url))]);
        }
        None => tick(out, &format!("{text}. {}", missing(key))),
    }
}

/// A number as people write it.
pub(super) fn number(value: f64) -> String {
    trimmed(&exact(value, 0)).to_owned()
}

/// A number with the unit of a KPI.
pub(super) fn with_unit(value: f64, metric: &str, kpis: &KpiTable) -> String {
    let unit = kpis.find(metric).map_or("", |kpi| kpi.unit.symbol());
    if unit.is_empty() { number(value) } else { format!("{} {unit}", number(value)) }
}

/// A count with its word.
pub(super) fn count(n: u64, word: &str) -> String {
    if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") }
}

/// The parameters that the run changed, as a table of two columns of values.
pub(super) fn parameters(
    out: &mut String,
    changed: &[ParamNote],
    heads: [&str; 2],
    values: [fn(&ParamNote) -> Option<f64>; 2],
) {
    let _ = writeln!(out, "| parameter | unit | {} | {} |\n| --- | --- | ---: | ---: |", heads[0], heads[1]);
    for param in changed {
        let [first, second] = values.map(|value| value(param).map_or_else(|| "not set".to_owned(), number));
        let _ = writeln!(out, "| {} | {} | {first} | {second} |", cell(&param.param), cell(&param.unit));
    }
    out.push('\n');
}
