//! Arguments of `soak audit`.

use crate::cli::arguments::globals::GlobalArgs;
use crate::cli::arguments::judging::{CiArgs, MockArgs, OverrideArgs, PathArgs, PolicyArgs, WindowArgs};
use crate::cli::arguments::values::Format;
use crate::cli::judge::folder::{
    NO_ITERATIONS_HINT, cannot_judge, collect_provenance, judging_options, load_window_policy, overriding,
};
use crate::cli::judge::post_soak::{base, leave, style, tell_folder, write_where};
use crate::cli::output::ci::Reporter;
use crate::cli::output::stdout::print;
use crate::core::analysis::audit::Readiness;
use crate::core::analysis::folder as judge;
use crate::core::analysis::folder::JudgeError;
use crate::core::analysis::folder::Request;
use crate::core::load::read_bounded;
use crate::core::load::run_folder::RunFolder;
use crate::core::verdict::exit::Exit;
use crate::core::verdict::failure::Failure;
use crate::infra::archive;
use crate::infra::atomic_file;
use crate::release::legacy_readiness;
use crate::release::legacy_readiness::{Answer, Spelling};
use crate::report::artifacts::{ANALYSIS, add_plots};
use crate::report::audit::{AuditSummary, FILE_NAME, Place, pull_request, read, text};
use crate::report::ci::CiReport;
use crate::report::{audit, json};
use anyhow::anyhow;
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

/// `soak audit`
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  soak audit artifacts/soak/latest
  soak audit artifacts/soak/latest --fail-on-hold
  soak audit --legacy-readiness artifacts/reports/readiness.json
  soak audit --plots                                  pictures of the KPIs, too
  soak audit pr-summary > comment.md"
)]
pub struct AuditArgs {
    /// What else can be asked of an audit.
    #[command(subcommand)]
    pub command: Option<AuditCommand>,

    /// The run.
    #[command(flatten)]
    pub path: PathArgs,
    /// The limits.
    #[command(flatten)]
    pub policy: PolicyArgs,
    /// Relaxed limits.
    #[command(flatten)]
    pub mock: MockArgs,
    /// The iterations.
    #[command(flatten)]
    pub window: WindowArgs,

    /// Exit 1 unless readiness is OK [default: OK and HOLD both exit 0]
    #[arg(long)]
    pub fail_on_hold: bool,

    /// An override.
    #[command(flatten)]
    pub override_: OverrideArgs,

    /// Folder for everything that is written [default: reports/analysis in the folder of the run]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// The files for older readers.
    #[command(flatten)]
    pub legacy: LegacyArgs,

    /// What CI gets.
    #[command(flatten)]
    pub ci: CiArgs,

    /// Draw the KPIs of the verdict into plots/ beside the reports, as PNG and SVG; of several symbols the worst one
    #[arg(long)]
    pub plots: bool,

    /// Write OK and X instead of check marks and crosses
    #[arg(long)]
    pub ascii: bool,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// The `readiness.json` of the earlier scripts.
#[derive(Debug, Args)]
pub struct LegacyArgs {
    /// Also write the answer as `write_legacy_readiness_json` did: status ok or hold, maker_taker_ratio, net_bps,
    /// p95_latency_ms, risk_ratio, failures
    ///
    /// A file that holds another format is not written over. Where there is nothing to audit, the file says hold.
    #[arg(long, value_name = "FILE")]
    pub legacy_readiness: Option<PathBuf>,

    /// Also write the answer as `write_readiness` did: status OK or HOLD, maker_taker, net_bps, p95_latency_ms,
    /// risk_ratio
    ///
    /// Another format than that of --legacy-readiness, so it needs another file.
    #[arg(long, value_name = "FILE")]
    pub write_readiness: Option<PathBuf>,
}

/// `soak audit …`
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Print what an audit found as a few lines of Markdown, for a comment on a pull request
    ///
    /// Reads the POST_SOAK_AUDIT_SUMMARY.json that `soak audit` wrote, judges nothing, writes nothing, and exits 0
    /// on OK and on HOLD.
    PrSummary(PrSummaryArgs),
}

/// `soak audit pr-summary`
#[derive(Debug, Args)]
#[command(
    after_help = "\
Examples:
  soak audit pr-summary artifacts/soak/latest
  soak audit pr-summary audit/POST_SOAK_AUDIT_SUMMARY.json > comment.md",
    mut_arg("run_folder", |arg| {
        arg.value_name("DIR|FILE")
            .help(
                "Folder or archive of a run that was audited, or the audit's JSON itself [default: $SOAK_OUT_DIR/latest, else \
                 artifacts/soak/latest]",
            )
            .long_help(None::<&str>)
    })
)]
pub struct PrSummaryArgs {
    /// The audit, or its run.
    #[command(flatten)]
    pub path: PathArgs,
}

/// Audits, writes the reports, tells the result.
pub(crate) fn run(args: &AuditArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
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
    let base = reporter.or_error(|| base(globals, out.as_deref(), &judged, &[("--plots", *plots)]))?;
    let audited = audit::audit(&judged, &policy, &provenance);
    let mut rendered =
        audit::render(&audited, &policy, &provenance, judged.folder.path(), out.is_some(), *ascii);
    if *plots {
        let folder = if out.is_some() { "" } else { ANALYSIS };
        reporter.or_error(|| {
            add_plots(&mut rendered.rendered, folder, &judged.analysis, &policy).map_err(Failure::output)
        })?;
    }
    let marker = rendered.rendered.artifacts[0].path.clone();
    let written = write_where(globals, base.as_deref(), &judged.analysis, rendered.rendered, &marker);
    let mut failure = written.failure;
    if let Err(refused) = write_legacy(&legacy, &legacy_readiness::answer(&audited, &provenance)) {
        failure.get_or_insert(refused);
    }
    if audited.analysis.evidence.is_empty() {
        let reason = format!(
            "there is nothing to audit in `{}`: {}",
            judged.folder.path().display(),
            audited.analysis.reason()
        );
        let nothing = Failure::input(anyhow!(reason)).hint(NO_ITERATIONS_HINT);
        failure.get_or_insert(nothing);
    }
    let told = CiReport::audit(&audited, &provenance);
    let exit = verdict_exit(&audited.readiness, *fail_on_hold && provenance.overridden.is_none());
    let ended = reporter.conclude(&told, exit, failure, "--fail-on-hold", |exit_code, error| match format {
        Format::Text => {
            let place = Place {
                run: judged.folder.path(),
                base: base.as_deref().unwrap_or(judged.folder.path()),
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
        && atomic_file::is_same_place(one, other)
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
    let PrSummaryArgs { path } = args;
    let named = path.folder();
    let place = format!("{ANALYSIS}/{FILE_NAME}");
    let is_archive = archive::is_archive(&named);
    let folder = if is_archive {
        RunFolder::open(&named).map_err(|error| cannot_judge(JudgeError::Load(error)))?
    } else {
        RunFolder::on_disk(&named)
    };
    let is_itself = !is_archive && atomic_file::is_file(&named);
    let file = if is_itself { named } else { named.join(&place) };
    let unusable = |reason: String| {
        Failure::input(anyhow!("the audit `{}` cannot be used: {reason}", file.display()))
            .hint("`soak audit` writes it; name the file, or the folder of the run")
    };
    let mut bytes = Vec::new();
    let found = if is_itself {
        read_bounded(&file, LARGEST, &mut bytes)
    } else {
        folder.read_bounded(&place, LARGEST, &mut bytes)
    };
    found.map_err(&unusable)?;
    let account = read(&bytes).map_err(|error| unusable(error.to_string()))?;
    print(pull_request(&account))?;
    Ok(Exit::Success)
}
