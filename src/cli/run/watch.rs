//! Everybody who follows a run: the report, the terminal, the log, the live page, the chat.

use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::cli::arguments::globals::LogFormat;
use crate::core::analysis::Options;
use crate::core::iteration::manifest::ClockStep;
use crate::core::policy::Policy;
use crate::core::verdict::Outcome;
use crate::export::live::LiveVerdict;
use crate::export::live::folder::Follower;
use crate::export::live::server::Publisher;
use crate::infra::clock::{self, Stopwatch};
use crate::infra::notify::{self, Target};
use crate::infra::progress::{self, Progress};
use crate::report::notification::{one_line, with_link};
use crate::report::terminal::Style;
use crate::run::engine::Watcher;
use crate::run::iteration::{IterationRecord, KpiVerdict};
use crate::run::metrics::MetricsCollector;
use crate::run::output::columns::Columns;
use crate::run::output::log::{self, LogEvent};
use crate::run::output::text::{self, TrendRow, Width};
use crate::run::simulator::{Simulator, middle};
use crate::run::source::Interval;

/// Sends texts to a chat without holding up the run.
#[derive(Debug)]
pub(crate) struct Messenger {
    link: Option<String>,
    texts: Sender<String>,
    sending: JoinHandle<Vec<String>>,
}

impl Messenger {
    pub(crate) fn new(target: Target, link: Option<&str>) -> Self {
        let (texts, to_send) = channel::<String>();
        // One thread, so that messages arrive in their order.
        let sending = std::thread::spawn(move || {
            let send = |text: String| {
                notify::send(&target, &text).err().map(|error| {
                    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
                    format!("{error}{}", cause.unwrap_or_default())
                })
            };
            to_send.into_iter().filter_map(send).collect()
        });
        Self { link: link.map(str::to_owned), texts, sending }
    }

    pub(crate) fn send(&self, text: &str) {
        // The thread ends only with the channel.
        let _ = self.texts.send(with_link(one_line(text), self.link.as_deref()));
    }

    /// Waits until everything is sent; what could not be, and why.
    pub(crate) fn finish(self) -> Vec<String> {
        drop(self.texts);
        self.sending.join().unwrap_or_default()
    }
}

/// Where words about a run go while it runs.
pub(crate) struct Voice {
    pub(crate) quiet: bool,
    pub(crate) format: LogFormat,
    pub(crate) progress: Progress,
}

impl Voice {
    /// An event of the run's log, on stderr. Above the bar where one is drawn.
    pub(crate) fn log(&self, event: &LogEvent) {
        if self.quiet {
            return;
        }
        let line = match self.format {
            LogFormat::Text if self.progress.is_drawn() => event.words(),
            LogFormat::Text => event.text(),
            LogFormat::Json => event.json(),
        };
        if self.progress.is_drawn() {
            self.progress.line(&line);
        } else {
            // If nobody can read it there, nothing is lost that the folder of the run does not say.
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        }
    }
}

/// The simulated system, whose own metrics are shown beside those of the run.
#[derive(Debug)]
pub(crate) struct Simulated {
    pub(crate) simulator: Simulator,
    pub(crate) real_time: bool,
}

/// The verdict on a run that is being carried out: what the gate says of its folder.
#[derive(Debug)]
pub(crate) struct SoFar {
    follower: Follower,
    verdict: LiveVerdict,
    /// When it was judged last, and how long that took.
    judged: Option<(Stopwatch, Duration)>,
}

/// Judging takes at most one part in so many of the time of a run.
const SHARE: u32 = 20;

impl SoFar {
    fn new(policy: &Policy, folder: &Path) -> Self {
        let options = Options { live: true, ..Options::default() };
        let follower = Follower::new(folder, policy.clone(), options);
        let verdict = LiveVerdict { outcome: Outcome::Invalid, reason: "nothing was judged yet".to_owned() };
        Self { follower, verdict, judged: None }
    }

    /// The verdict; judged anew unless iterations follow each other so fast that this would hold up the run.
    fn when_due(&mut self) -> LiveVerdict {
        match self.judged {
            Some((since, cost)) if since.elapsed() < cost * SHARE => self.verdict.clone(),
            _ => self.now(),
        }
    }

    /// The verdict on the folder as it is.
    pub(crate) fn now(&mut self) -> LiveVerdict {
        let watch = Stopwatch::start();
        self.verdict = match self.follower.look() {
            Ok(look) => LiveVerdict::of(&look.judged.analysis),
            Err(error) => LiveVerdict { outcome: Outcome::Invalid, reason: error.to_string() },
        };
        self.judged = Some((Stopwatch::start(), watch.elapsed()));
        self.verdict.clone()
    }
}

/// Follows a run.
pub(crate) struct Watch<'p> {
    pub(crate) policy: &'p Policy,
    pub(crate) iterations: u64,
    pub(crate) voice: Voice,
    pub(crate) style: Style,
    pub(crate) publisher: Option<Publisher>,
    pub(crate) messenger: Option<Messenger>,
    /// `None` where a real system is measured.
    pub(crate) simulated: Option<Simulated>,
    pub(crate) so_far: SoFar,
    pub(crate) metrics: MetricsCollector,
    pub(crate) columns: Columns,
    pub(crate) rows: Vec<TrendRow>,
    /// Iterations whose collection succeeded, those before a resume included.
    pub(crate) collected: u64,
    /// Whether a collection that failed brought values all the same.
    pub(crate) has_parts: bool,
    /// Why the last collection that failed did.
    pub(crate) last_failure: Option<String>,
    /// Iterations in a row, up to the last, with KPI FAIL.
    pub(crate) fails: u64,
    /// Whether an iteration was measured before half of its interval was over.
    pub(crate) measured_early: bool,
    started: Stopwatch,
    seen_now: u64,
}

impl<'p> Watch<'p> {
    pub(crate) fn new(
        policy: &'p Policy,
        folder: &Path,
        iterations: u64,
        voice: Voice,
        style: Style,
    ) -> Self {
        Self {
            policy,
            iterations,
            voice,
            style,
            publisher: None,
            messenger: None,
            simulated: None,
            so_far: SoFar::new(policy, folder),
            metrics: MetricsCollector::new(policy),
            columns: Columns::of(policy),
            rows: Vec::new(),
            collected: 0,
            has_parts: false,
            last_failure: None,
            fails: 0,
            measured_early: false,
            started: Stopwatch::start(),
            seen_now: 0,
        }
    }

    /// Takes in an iteration that an earlier start of the run has made.
    pub(crate) fn earlier(&mut self, record: &IterationRecord) {
        self.metrics.push(record);
        self.rows.push(TrendRow::of(record, &self.columns));
        self.collected += u64::from(record.collection_failed.is_none());
        if record.collection_failed.is_some() {
            self.last_failure.clone_from(&record.collection_failed);
            self.has_parts |= record.summary.values.iter().any(Option::is_some);
        }
        let is_fail = record.summary.kpi_verdict == Some(KpiVerdict::Fail);
        self.fails = if is_fail { self.fails + 1 } else { 0 };
        self.measured_early |= record.measured_early;
        if let Some(publisher) = &self.publisher {
            publisher.update(|live| live.push(record));
        }
    }

    fn publish(&self, record: &IterationRecord, verdict: &LiveVerdict) {
        let Some(publisher) = &self.publisher else { return };
        let pace = self.started.elapsed().as_secs_f64() / self.seen_now as f64;
        publisher.update(|live| {
            live.push(record);
            live.facts.heartbeat = Some(clock::machine_time());
            live.facts.pace_seconds = Some(pace);
            live.facts.verdict = Some(verdict.clone());
        });
    }

    fn draw(&self, record: &IterationRecord, verdict: &LiveVerdict) {
        let elapsed = self.started.elapsed();
        let left = self.iterations.saturating_sub(record.number);
        let left = elapsed.as_secs_f64() / self.seen_now as f64 * left as f64;
        let left = Duration::try_from_secs_f64(left).ok();
        self.voice.progress.step(record.number, progress::text(left, verdict.outcome.word()));
    }
}

impl Watcher for Watch<'_> {
    fn begins(&mut self, interval: &Interval<'_>) {
        let (Some(publisher), Some(simulated)) = (&self.publisher, &mut self.simulated) else { return };
        // What cannot be simulated fails as a collection, and the run tells it there.
        let Ok(ticks) =
            simulated.simulator.at(middle(interval)).observe(interval.iteration, interval.overrides)
        else {
            return;
        };
        let length = if simulated.real_time { interval.length } else { Duration::ZERO };
        publisher.update(|live| {
            live.bot.get_or_insert_default().begin(ticks, clock::machine_time(), length);
        });
    }

    fn clock_step(&mut self, step: &ClockStep) {
        self.voice.log(&log::clock_step(step));
    }

    fn iteration(&mut self, record: &IterationRecord) {
        // The page is told once, below, together with the verdict.
        let publisher = self.publisher.take();
        self.earlier(record);
        self.publisher = publisher;
        self.seen_now += 1;
        let is_drawn = self.voice.progress.is_drawn();
        if is_drawn {
            let width = Width(progress::columns());
            let line = text::line(record, self.iterations, &self.columns, self.style, width);
            self.voice.progress.line(line.trim_end());
        } else if !self.voice.quiet {
            for event in log::lines(record, self.iterations, &self.columns, &self.policy.run.patience) {
                self.voice.log(&event);
            }
        }
        if is_drawn || self.publisher.is_some() {
            let verdict = self.so_far.when_due();
            self.publish(record, &verdict);
            if is_drawn {
                self.draw(record, &verdict);
            }
        }
        if record.tuning.panic_revert
            && let Some(messenger) = &self.messenger
        {
            let profile = &self.policy.run.patience.panic_profile;
            messenger.send(&format!(
                "Soak run [PANIC REVERT] iteration {} of {}: the profile {profile} is in force",
                record.number, self.iterations
            ));
        }
    }
}
