//! `soak audit`: is the run ready for release? And the answer in short, for a pull request.

use std::path::Path;

use anyhow::anyhow;

use super::ci::Reporter;
use super::judging::{cannot_judge, collect_provenance, judging_options, load_window_policy, overriding};
use super::post_soak::{leave, style, tell_folder, write_where};
use super::{Failure, print};
use crate::cli::audit::{AuditArgs, AuditCommand, LegacyArgs, PrSummaryArgs};
use crate::cli::globals::GlobalArgs;
use crate::cli::values::Format;
use crate::core::analysis::audit::Readiness;
use crate::core::analysis::folder as judge;
use crate::core::analysis::folder::Request;
use crate::core::load::read_bounded;
use crate::exit::Exit;
use crate::infra::atomic_file as loose;
use crate::release::legacy_readiness;
use crate::release::legacy_readiness::{Answer, Spelling};
use crate::report::artifacts::{ANALYSIS, add_plots};
use crate::report::audit::{self, AuditSummary, FILE_NAME, Place, pull_request, read, text};
use crate::report::ci::CiReport;
use crate::report::json;

/// Audits, writes the reports, tells the result.
pub(super) fn run(args: &AuditArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
    let AuditArgs {
        command,
        path,
        policy,
        mock,
        window,
        fail_on_hold,
        override_,
        out,
        plots,
        legacy,
        ci,
        ascii,
        format,
    } = args;
    if let Some(AuditCommand::PrSummary(args)) = command {
        return pr_summary(args);
    }
    let reporter = Reporter {
        globals,
        args: ci,
        name: "soak audit",
        is_json: *format == Format::Json,
        is_text: *format == Format::Text,
    };
    let asked = path.folder();
    let (policy, provenance, legacy, judged) = reporter.or_error(|| {
        let policy = load_window_policy(policy, window)?;
        let provenance = collect_provenance(&policy, overriding(override_))?;
        let options = judging_options(*mock, window);
        let request = Request::new(&asked, &policy, options);
        let legacy = legacy_files(legacy)?;
        let judged = match judge::judge(&request) {
            Ok(judged) => judged,
            Err(error) => {
                // An earlier file must not go on saying that all is well.
                let nothing = Answer {
                    failures: vec![format!("snapshot_missing: {error}")],
                    overridden: provenance.overridden.clone(),
                    ..Answer::default()
                };
                write_legacy(&legacy, &nothing)?;
                return Err(cannot_judge(error));
            }
        };
        Ok((policy, provenance, legacy, judged))
    })?;
    tell_folder(globals, &judged, &asked);
    let audited = audit::audit(&judged, &policy, &provenance);
    let mut rendered = audit::render(&audited, &policy, &provenance, &judged.folder, out.is_some(), *ascii);
    if *plots {
        let folder = if out.is_some() { "" } else { ANALYSIS };
        reporter.or_error(|| {
            add_plots(&mut rendered.rendered, folder, &judged.analysis, &policy).map_err(Failure::output)
        })?;
    }
    let base = out.as_deref().unwrap_or(&judged.folder);
    let marker = rendered.rendered.artifacts[0].path.clone();
    let written = write_where(globals, base, &judged.analysis, rendered.rendered, &marker);
    let mut failure = written.failure;
    if let Err(refused) = write_legacy(&legacy, &legacy_readiness::answer(&audited, &provenance)) {
        failure.get_or_insert(refused);
    }
    if audited.analysis.evidence.is_empty() {
        let reason = format!(
            "there is nothing to audit in `{}`: {}",
            judged.folder.display(),
            audited.analysis.reason()
        );
        let nothing = Failure::input(anyhow!(reason))
            .hint("`--path` names the folder with the ITER_SUMMARY_<n>.json files");
        failure.get_or_insert(nothing);
    }
    let told = CiReport::audit(&audited, &provenance);
    let exit = verdict_exit(&audited.readiness, *fail_on_hold && provenance.overridden.is_none());
    let ended = reporter.conclude(&told, exit, failure, "--fail-on-hold", |exit_code, error| match format {
        Format::Text => {
            let place = Place {
                run: &judged.folder,
                base,
                written: &written.names,
                report: &rendered.report,
                fail_on_hold: *fail_on_hold,
                exit_code,
            };
            text(&audited, &provenance, place, style(globals, *ascii))
        }
        Format::Json => json::pretty(&AuditSummary { error, ..rendered.summary }),
    });
    drop(audited);
    leave(judged);
    ended
}

type LegacyFile<'a> = (&'a Path, Spelling);

/// The files that were asked for; two formats never share a name.
fn legacy_files(args: &LegacyArgs) -> Result<Vec<LegacyFile<'_>>, Failure> {
    let LegacyArgs { legacy_readiness, write_readiness } = args;
    if let (Some(one), Some(other)) = (legacy_readiness, write_readiness)
        && loose::is_same_place(one, other)
    {
        return Err(Failure::usage(anyhow!(
            "`--legacy-readiness` and `--write-readiness` name the same file"
        ))
        .hint("they are two formats; give each a file of its own"));
    }
    let both = [(legacy_readiness, Spelling::Legacy), (write_readiness, Spelling::Short)];
    Ok(both.into_iter().filter_map(|(path, spelling)| Some((path.as_deref()?, spelling))).collect())
}

fn write_legacy(files: &[LegacyFile<'_>], answer: &Answer) -> Result<(), Failure> {
    for (path, spelling) in files {
        legacy_readiness::write(path, *spelling, answer)?;
    }
    Ok(())
}

/// How an audit ends: `fails` says whether HOLD fails it.
fn verdict_exit(readiness: &Readiness, fails: bool) -> Exit {
    if fails && !readiness.is_ok() { Exit::of_verdict(readiness.outcome, true) } else { Exit::Success }
}

/// A summary larger than this is damage.
const LARGEST: u64 = 64 * 1024 * 1024;

fn pr_summary(args: &PrSummaryArgs) -> Result<Exit, Failure> {
    let PrSummaryArgs { file, path } = args;
    let file = file.clone().unwrap_or_else(|| path.folder().join(ANALYSIS).join(FILE_NAME));
    let unusable = |reason: String| {
        Failure::input(anyhow!("the audit `{}` cannot be used: {reason}", file.display()))
            .hint("`soak audit` writes it; name the file, or the folder of the run with `--path`")
    };
    let mut bytes = Vec::new();
    read_bounded(&file, LARGEST, &mut bytes).map_err(&unusable)?;
    let account = read(&bytes).map_err(|error| unusable(error.to_string()))?;
    print(pull_request(&account))?;
    Ok(Exit::Success)
}
