//! Arguments of `soak release canary check`.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};

use crate::cli::judging::{CiArgs, OverrideByArgs, PolicyArgs};
use crate::cli::server::ServerArgs;
use crate::cli::values::{FailOnWarn, ReportFormat, hours, reason, time};

/// `soak release canary …`
#[derive(Debug, Subcommand)]
pub enum CanaryCommand {
    /// Hold a canary against the limits and triggers of its checklist; exits by the verdict
    ///
    /// The limits come from the bundle, which is verified first, or from the policy and a soak. Every trigger is
    /// looked at in steps of canary.step_minutes since the start, every hour that is due by the window that ends with
    /// it, and the time since by the limits of the last hour. Steps that nobody saw are never good ones.
    ///
    /// The exit code is 0 for PASS and WARN. A canary that still goes on is INCONCLUSIVE, which is exit code 1 (3
    /// with --detailed-exitcode), until its last hour and canary.watch_hours_min have passed; --so-far asks for the
    /// verdict on what is due. A trigger that held is always 1, also where something else is INVALID. Nothing is
    /// written but what --junit and --github ask for. The time is that of the clock, or $SOAK_NOW.
    Check(Box<CanaryCheckArgs>),
}

/// `soak release canary check`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak release canary check --bundle release/v1.4.0 --since 2026-03-01T09:00:00Z --prometheus-url http://localhost:9090 \\
    --selector 'instance=\"canary:9100\"'
  soak release canary check --bundle release/v1.4.0.tar.gz --since 2026-03-01T09:00:00Z --so-far --detailed-exitcode \\
    --prometheus-url http://localhost:9090      every five minutes: 0 good so far, 1 roll back, others look
  soak release canary check --bundle . --since 2026-03-01T09:00:00Z --hour 6 --format md --canary-run artifacts/canary/latest
  soak release canary check --after-rollback 2026-03-01T16:20:00Z --prometheus-url http://localhost:9090")]
pub struct CanaryCheckArgs {
    /// Bundle whose checklist it is, folder or .tar.gz; it is verified, and the policy in it holds [default: none;
    /// --bundle or --path is needed but with --after-rollback]
    #[arg(long, value_name = "BUNDLE", conflicts_with = "path")]
    pub bundle: Option<PathBuf>,

    /// In place of a bundle: folder of the soak that the limits of the policy follow; its verdict must be PASS or WARN
    /// [default: none]
    #[arg(long, value_name = "RUN")]
    pub path: Option<PathBuf>,

    /// When the canary started to get its traffic, RFC 3339 [default: none; --since or --after-rollback is needed]
    #[arg(
        long,
        value_name = "TIME",
        value_parser = time,
        required_unless_present = "after_rollback",
        conflicts_with = "after_rollback"
    )]
    pub since: Option<DateTime<Utc>>,

    /// When a rollback was done: judge only canary.after_rollback, which must hold for its watch_minutes up to now
    /// [default: a canary is judged]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub after_rollback: Option<DateTime<Utc>>,

    /// The server that has the measurements.
    #[command(flatten)]
    pub server: ServerArgs,

    /// In place of a server: run folder whose iterations were measured on the canary; runtime_utc says when each
    /// ended [default: the server of --prometheus-url is asked; one of the two is needed]
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with_all = [
            "prometheus_url", "selector", "bearer_token_file", "basic_auth_user", "basic_auth_password_file", "header"
        ]
    )]
    pub canary_run: Option<PathBuf>,

    /// The symbol to look at, where --canary-run has several [default: the only one]
    #[arg(long, value_name = "SYMBOL", requires = "canary_run")]
    pub symbol: Option<String>,

    /// Judge the limits of this hour alone, with the triggers so far [default: all hours]
    #[arg(long, value_name = "HOUR", value_parser = hours, conflicts_with_all = ["so_far", "after_rollback"])]
    pub hour: Option<f64>,

    /// Judge a canary that still goes on by what is due, instead of INCONCLUSIVE
    #[arg(long, conflicts_with = "after_rollback")]
    pub so_far: bool,

    /// The policy: how metrics are asked for, and the limits where no bundle has them.
    #[command(flatten)]
    pub policy: PolicyArgs,

    /// Take a rehearsal's bundle and simulated data; the result says so
    #[arg(long)]
    pub rehearsal: bool,

    /// Exit 1 on WARN, too [default: WARN exits 0]
    #[arg(long, value_name = "OUTCOME", value_enum)]
    pub fail_on: Option<FailOnWarn>,

    /// Exit 0 whatever the verdict on this one check is; who, when and why stand in every form of the result [default:
    /// no override]
    ///
    /// No rollback is asked for then, also where a trigger held. $READINESS_OVERRIDE is about the release and counts for
    /// nothing here: what is set for a pipeline must not hold a rollback back. What is asked every five minutes must
    /// not carry one either. When is $SOAK_NOW, else what the clock says.
    #[arg(long = "override", value_name = "REASON", value_parser = reason)]
    pub override_reason: Option<String>,

    /// Who overrides.
    #[command(flatten)]
    pub by: OverrideByArgs,

    /// What CI gets.
    #[command(flatten)]
    pub ci: CiArgs,

    /// How the result is printed; md is the checklist, ticked
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
}
