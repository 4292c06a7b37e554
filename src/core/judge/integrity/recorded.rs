//! Are the iteration files those that the run wrote, and is none a copy of another one?

use super::{base, count};
use crate::core::series::Series;
use crate::core::series::window::Window;
use crate::core::verdict::evidence::{BadFile, Evidence};
use crate::core::verdict::{Check, Comparison, Outcome};

/// More sentences about single files help nobody.
const NAMED: usize = 4;

/// The files of the window against what soak recorded of them.
pub(super) fn check(evidence: &Evidence, series: &Series, window: &Window) -> Check {
    let concerns = |file: &&BadFile| {
        (file.symbol.is_none() || file.symbol == series.symbol) && file.number >= window.from
    };
    let altered: Vec<&BadFile> = evidence.altered.iter().filter(concerns).collect();
    let mut sentences: Vec<String> =
        altered.iter().take(NAMED).map(|file| format!("`{}` {}", file.name, file.reason)).collect();
    if altered.len() > NAMED {
        sentences.push(format!("and {} more", altered.len() - NAMED));
    }
    if let Some(error) = &evidence.log_error {
        sentences.push(format!("`RUN_LOG.jsonl` {error}, so nothing shows that the files are unchanged"));
    }
    let (outcome, reason) = match &evidence.recorded {
        _ if !sentences.is_empty() => (Outcome::Invalid, sentences.join("; ")),
        Some(_) => {
            let files = count(window.len(), "iteration file");
            (
                Outcome::Pass,
                format!("all {files} of the window have the SHA-256 that `RUN_LOG.jsonl` records"),
            )
        }
        None => {
            let reason = "there is no `RUN_LOG.jsonl` with the hashes of the files: judged as foreign data";
            (Outcome::NotApplicable, reason.to_owned())
        }
    };
    let observed = (outcome != Outcome::NotApplicable).then_some(altered.len() as f64);
    Check {
        statistic: "altered files".to_owned(),
        comparison: Some(Comparison::AtMost),
        limit: Some(0.0),
        observed,
        margin: observed.map(|altered| 0.0 - altered),
        outcome,
        reason,
        ..base(series, window, "integrity.recorded")
    }
}
