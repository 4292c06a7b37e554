//! `soak init`: the files that a project starts with. Asks on a terminal, overwrites nothing, writes all of them or none.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow};
use askama::Template;
use clap::{Args, ValueEnum};

use crate::cli::arguments::project;
use crate::cli::arguments::server::ServerArgs;
use crate::cli::arguments::values::{count, link, seconds};
use crate::cli::output::stdout::print;
use crate::core::config::Value;
use crate::core::policy::{self, Layer, Origin};
use crate::core::text::shell;
use crate::core::verdict::exit::Exit;
use crate::core::verdict::failure::Failure;
use crate::infra::atomic_file::{self, NewFile};
use crate::infra::clock::{StopRequest, machine_time};
use crate::infra::http::Limits;
use crate::run::source::prometheus::jobs_that_serve;
use crate::run::source::store::Store;

/// `soak init`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak init
  soak init --profile service --source prometheus --prometheus-url http://localhost:9090 --selector 'job=\"checkout\"' --yes
  soak init --source exec --url http://localhost:8080/ --yes --github")]
pub struct InitArgs {
    /// What is judged [default: asked on a terminal, else service]
    #[arg(long, value_enum)]
    pub profile: Option<InitProfile>,

    /// Where the measurements come from [default: asked on a terminal, else prometheus]
    #[arg(long, value_enum)]
    pub source: Option<InitSource>,

    /// Metrics store that is asked [default: asked on a terminal, else http://localhost:9090]
    #[arg(long, value_name = "URL", value_parser = link)]
    pub prometheus_url: Option<String>,

    /// Label matchers of the service in the metrics store, e.g. `job="checkout"`; empty: every series [default: the job
    /// that has the metrics]
    #[arg(long, value_name = "MATCHERS", value_parser = matchers)]
    pub selector: Option<String>,

    /// Address that the measuring script requests [default: asked on a terminal, else http://localhost:8080/]
    #[arg(long, value_name = "URL", value_parser = link)]
    pub url: Option<String>,

    /// Length of an iteration in seconds [default: 60 with Prometheus, else 10]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    pub interval: Option<f64>,

    /// Iterations of a run
    #[arg(long, value_name = "N", value_parser = count, default_value_t = 60, allow_negative_numbers = true)]
    pub iterations: usize,

    /// Write a workflow for GitHub Actions, too [default: asked on a terminal, else none]
    #[arg(long)]
    pub github: bool,

    /// Ask nothing; what no flag says has its default
    #[arg(long, short)]
    pub yes: bool,

    /// Folder that the files are written into; it may be missing
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
}

/// What is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InitProfile {
    /// Request rate, errors, latency, memory, CPU and descriptors of a service
    Service,
    /// Edge, risk, maker share and latency of a market maker
    Trading,
}

/// Where the measurements come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InitSource {
    /// Queries to Prometheus or what speaks its language
    Prometheus,
    /// A script that is started once an iteration and prints what it measured
    Exec,
    /// A file that the service or a script writes in every iteration
    File,
}

/// What was answered, by flags or on the terminal.
struct Answers {
    profile: InitProfile,
    source: InitSource,
    prometheus_url: String,
    selector: String,
    /// How the selector came about; empty where somebody gave it.
    note: String,
    url: String,
    interval: f64,
    iterations: usize,
    github: bool,
}

#[derive(Template)]
#[template(path = "soak.toml", escape = "none")]
struct PolicyFile<'a> {
    profile: &'a str,
    source: &'a str,
    unmeasured: &'a [&'a str],
    prometheus_url: String,
    selector: String,
    file: &'a str,
    interval: f64,
    iterations: usize,
}

#[derive(Template)]
#[template(path = "measure.sh", escape = "none")]
struct Script<'a> {
    profile: &'a str,
    source: &'a str,
    url: String,
    file: &'a str,
    interval: f64,
    /// Between two measurements, so that every iteration has a new one.
    pause: f64,
}

#[derive(Template)]
#[template(path = "soak.yml", escape = "none")]
struct Workflow<'a> {
    is_local: bool,
    is_file: bool,
    minutes: u64,
    /// Of the project in the repository, as YAML.
    folder: String,
    /// The same before the name of a file.
    prefix: &'a str,
}

/// What a run leaves in the folder.
const IGNORED: &str = "/artifacts/";

/// Writes the files and says what to do next.
pub(crate) fn run(args: &InitArgs) -> Result<Exit, Failure> {
    let is_asking = !args.yes && io::stdin().is_terminal() && io::stderr().is_terminal();
    let answers = if is_asking {
        answers(args, &jobs, Some((&mut io::stdin().lock(), &mut io::stderr().lock())))
    } else {
        answers(args, &jobs, None::<(&mut io::Empty, &mut io::Sink)>)
    }?;
    let dir = &args.dir;
    let files = files(dir, &answers)?;
    let there: Vec<String> = files
        .iter()
        .filter(|file| !file.replaces && atomic_file::exists(&file.path))
        .map(|file| format!("`{}`", shown(&file.path)))
        .collect();
    if !there.is_empty() {
        let (verb, it) = if there.len() == 1 { ("exists", "it") } else { ("exist", "them") };
        return Err(Failure::failed(anyhow!("nothing was written: {} {verb} already", there.join(", ")))
            .hint(format!("move {it} away, or name another folder with `--dir`")));
    }
    atomic_file::create_all(&files)
        .map_err(|error| Failure::output(error).hint("nothing was written; `--dir` names another folder"))?;
    print(told(dir, &answers, &files))?;
    Ok(Exit::Success)
}

/// The jobs of a store that have the metrics of the profile.
type Jobs<'a> = &'a dyn Fn(&str) -> Result<Vec<String>, String>;

/// Asks the store which jobs have the metrics of a service; the error says why it cannot be asked.
fn jobs(url: &str) -> Result<Vec<String>, String> {
    let layer =
        Layer { origin: Origin::File(project::FILE.to_owned()), text: "extends = \"service\"".to_owned() };
    let policy = policy::read(&[layer], &[]).map_err(|errors| errors.to_string())?;
    let target = ServerArgs::default().target(url).map_err(|failure| failure.sentence())?;
    let limits = Limits { timeout: Duration::from_secs(3), tries: 1, ..Limits::default() };
    let stop = StopRequest::default();
    let store = Store::new(target, "", limits);
    jobs_that_serve(&store, &policy.run.queries, machine_time(), &stop)
}

/// The selector where nobody gave one, and how it came about.
fn detected(url: &str, jobs: Jobs<'_>) -> Result<(String, String), Failure> {
    let unknown = |why: String| {
        let hint =
            "name the service in `run.selector` before the first run, else the queries sum over every series";
        (String::new(), format!("no selector: {why}; {hint}"))
    };
    match jobs(url).as_deref() {
        Err(why) => Ok(unknown(why.to_owned())),
        Ok([]) => Ok(unknown(format!("`{url}` has no metric of a service yet"))),
        Ok([job]) => {
            let selector = of_job(job);
            let note = format!("selector `{selector}`: the job in `{url}` that has the metrics");
            Ok((selector, note))
        }
        Ok(several) => {
            let names: Vec<String> = several.iter().map(|job| format!("`{}`", of_job(job))).collect();
            let problem = format!("{} jobs in `{url}` have the metrics: {}", several.len(), names.join(", "));
            Err(Failure::usage(anyhow!("{problem}")).hint(format!(
                "name the service, as in `--selector '{}'`; `--selector ''` takes all of them together",
                of_job(&several[0])
            )))
        }
    }
}

fn of_job(job: &str) -> String {
    format!("job=\"{}\"", job.replace('\\', "\\\\").replace('"', "\\\""))
}

/// What the flags say, and for the rest the answers, or the defaults where nobody is asked.
fn answers(
    args: &InitArgs,
    jobs: Jobs<'_>,
    mut terminal: Option<(&mut impl BufRead, &mut impl Write)>,
) -> Result<Answers, Failure> {
    let InitArgs {
        profile,
        source,
        prometheus_url,
        selector,
        url,
        interval,
        iterations,
        github,
        yes: _,
        dir: _,
    } = args;
    let mut ask =
        |question: &str, usual: &str, is_good: &dyn Fn(&str) -> Result<(), String>| match &mut terminal {
            Some((input, output)) => asked(*input, *output, question, usual, is_good),
            None => Ok(usual.to_owned()),
        };
    let profile = match profile {
        Some(profile) => *profile,
        None => of_word(&ask("Profile, service or trading", "service", &word::<InitProfile>)?)?,
    };
    let by_flag = if prometheus_url.is_some() || selector.is_some() {
        Some(InitSource::Prometheus)
    } else {
        url.is_some().then_some(InitSource::Exec)
    };
    let source = match source.or(by_flag) {
        Some(source) => source,
        None => of_word(&ask("Source, prometheus, exec or file", "prometheus", &word::<InitSource>)?)?,
    };
    let is_prometheus = source == InitSource::Prometheus;
    let misplaced = [
        ("--prometheus-url", prometheus_url.is_some() && !is_prometheus),
        ("--selector", selector.is_some() && !is_prometheus),
        ("--url", url.is_some() && is_prometheus),
    ];
    if let Some((flag, _)) = misplaced.iter().find(|(_, is_misplaced)| *is_misplaced) {
        let own = if *flag == "--url" { "exec` or `--source file" } else { "prometheus" };
        return Err(Failure::usage(anyhow!("`{flag}` belongs to `--source {own}`")));
    }
    let is_link = |text: &str| link(text).map(drop);
    let mut text = |given: &Option<String>,
                    is_asked: bool,
                    question: &str,
                    usual: &str,
                    is_good: &dyn Fn(&str) -> Result<(), String>| {
        match given {
            Some(given) => Ok(given.clone()),
            None if is_asked => ask(question, usual, is_good),
            None => Ok(usual.to_owned()),
        }
    };
    let prometheus_url =
        text(prometheus_url, is_prometheus, "Address of Prometheus", "http://localhost:9090", &is_link)?;
    let is_detected = is_prometheus && profile == InitProfile::Service && selector.is_none();
    let found = if is_detected { Some(detected(&prometheus_url, jobs)) } else { None };
    let usual = match &found {
        Some(Ok((usual, _))) => usual.as_str(),
        _ => "",
    };
    let is_good = |text: &str| matchers(text).map(drop);
    let question = "Label matchers of the service, e.g. job=\"checkout\"";
    let selector = text(selector, is_prometheus, question, usual, &is_good)?;
    let note = match found {
        Some(Ok((usual, note))) if usual == selector => note,
        Some(Err(failure)) if selector.is_empty() => return Err(failure),
        _ => String::new(),
    };
    let of_script = if profile == InitProfile::Service {
        "http://localhost:8080/"
    } else {
        "http://localhost:8080/edge_report"
    };
    let url = text(url, !is_prometheus, "Address that the script requests", of_script, &is_link)?;
    let github = *github || {
        let answer = ask("A workflow for GitHub Actions, yes or no", "no", &|answer| {
            matches!(answer, "yes" | "no" | "y" | "n")
                .then_some(())
                .ok_or_else(|| "expected yes or no".to_owned())
        })?;
        answer.starts_with('y')
    };
    Ok(Answers {
        profile,
        source,
        prometheus_url,
        selector,
        note,
        url,
        interval: interval.unwrap_or(if is_prometheus { 60.0 } else { 10.0 }),
        iterations: *iterations,
        github,
    })
}

/// Label matchers of `PromQL`: `name="value"`, also with `!=`, `=~` and `!~`, separated by commas.
fn matchers(text: &str) -> Result<String, String> {
    let bare = text.trim();
    let bare = bare.strip_prefix('{').and_then(|bare| bare.strip_suffix('}')).unwrap_or(bare);
    let expected = || "expected label matchers such as `job=\"checkout\",env=\"soak\"`".to_owned();
    let mut rest = bare.trim();
    while !rest.is_empty() {
        let name = rest.find(['=', '!', ',']).ok_or_else(expected)?;
        let (label, after) = rest.split_at(name);
        let value =
            ["=~", "!~", "!=", "="].iter().find_map(|it| after.strip_prefix(it)).ok_or_else(expected)?;
        let value = value.trim_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\'' | '`')).ok_or_else(expected)?;
        let mut is_escaped = false;
        let end = value[1..].find(|c| {
            let ends = c == quote && !is_escaped;
            is_escaped = c == '\\' && !is_escaped && quote != '`';
            ends
        });
        let after = value[end.ok_or_else(expected)? + 2..].trim_start();
        let is_label = |label: &str| {
            label.starts_with(['"', '\'']) || label.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        if label.trim().is_empty() || !is_label(label.trim()) {
            return Err(expected());
        }
        rest = match after.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if after.is_empty() => after,
            None => return Err(expected()),
        };
    }
    Ok(text.to_owned())
}

fn word<T: ValueEnum>(text: &str) -> Result<(), String> {
    T::from_str(text, true).map(drop).map_err(|_| {
        let known = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let known: Vec<String> = known.map(|value| value.get_name().to_owned()).collect();
        format!("expected {}", known.join(" or "))
    })
}

fn of_word<T: ValueEnum>(text: &str) -> Result<T, Failure> {
    T::from_str(text, true).map_err(|_| Failure::usage(anyhow!("`{text}` is none of the answers")))
}

/// Asks until the answer is good; nothing is the usual answer, and so is the end of the input.
fn asked(
    input: &mut impl BufRead,
    output: &mut impl Write,
    question: &str,
    usual: &str,
    is_good: &dyn Fn(&str) -> Result<(), String>,
) -> Result<String, Failure> {
    let lost = |error| Failure::failed(anyhow!("the terminal cannot be asked").context(error));
    loop {
        let shown = if usual.is_empty() { "none" } else { usual };
        write!(output, "{question} [{shown}]: ").and_then(|()| output.flush()).map_err(lost)?;
        let mut answer = String::new();
        let read = input.read_line(&mut answer).map_err(lost)?;
        let answer = answer.trim();
        if answer.is_empty() || read == 0 {
            return Ok(usual.to_owned());
        }
        match is_good(answer) {
            Ok(()) => return Ok(answer.to_owned()),
            Err(problem) => writeln!(output, "{problem}").map_err(lost)?,
        }
    }
}

/// A TOML string, as a person would write it.
fn quoted(text: &str) -> String {
    if text.contains(['\'', '\n', '\r']) || text.chars().any(char::is_control) {
        Value::Text(text.to_owned()).to_string()
    } else {
        format!("'{text}'")
    }
}

/// The files, `soak.toml` last but for what is only added to.
fn files(dir: &Path, answers: &Answers) -> Result<Vec<NewFile>, Failure> {
    let Answers { profile, source, interval, iterations, .. } = answers;
    if interval * *iterations as f64 > LONGEST {
        return Err(Failure::usage(anyhow!(
            "{iterations} iterations of {interval} s are longer than a year"
        ))
        .hint("give fewer `--iterations`, or a shorter `--interval`"));
    }
    let is_service = *profile == InitProfile::Service;
    let profile = if is_service { "service" } else { "trading" };
    let file = if is_service { "measurement.json" } else { "EDGE_REPORT.json" };
    let unmeasured: &[&str] = match (source, is_service) {
        (InitSource::Exec | InitSource::File, true) => &["request_rate", "rss_mb", "cpu_pct", "open_fds"],
        _ => &[],
    };
    let word = match source {
        InitSource::Prometheus => "prometheus",
        InitSource::Exec => "exec",
        InitSource::File => "file",
    };
    let mut files = Vec::new();
    let mut add = |path: PathBuf, text: String, is_program: bool| {
        files.push(NewFile { path, bytes: text.into_bytes(), is_program, replaces: false });
    };
    if *source != InitSource::Prometheus {
        let script = Script {
            profile,
            source: word,
            url: shell::word(&answers.url),
            file,
            interval: *interval,
            pause: interval / 2.0,
        };
        add(dir.join("measure.sh"), rendered(&script)?, true);
    }
    if answers.github {
        let (root, folder) = repository(dir);
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let workflow = Workflow {
            is_local: answers.prometheus_url.contains("localhost") || *source != InitSource::Prometheus,
            is_file: *source == InitSource::File,
            minutes: minutes(interval * *iterations as f64),
            folder: serde_json::Value::from(if folder.is_empty() { "." } else { &folder }).to_string(),
            prefix: &prefix,
        };
        add(root.join(".github/workflows/soak.yml"), rendered(&workflow)?, false);
    }
    let policy = PolicyFile {
        profile,
        source: word,
        unmeasured,
        prometheus_url: quoted(&answers.prometheus_url),
        selector: quoted(&answers.selector),
        file,
        interval: *interval,
        iterations: *iterations,
    };
    let policy = rendered(&policy)?;
    long_enough(&policy, *iterations as u64)?;
    add(dir.join(project::FILE), policy, false);
    files.extend(ignored(dir, (*source == InitSource::File).then_some(file))?);
    Ok(files)
}

/// The longest run that a start can mean.
const LONGEST: f64 = 366.0 * 86_400.0;

/// That a run of so many iterations can be judged by the policy that is written.
fn long_enough(text: &str, iterations: u64) -> Result<(), Failure> {
    let layer = Layer { origin: Origin::File(project::FILE.to_owned()), text: text.to_owned() };
    let policy = policy::read(&[layer], &[]).context("a file cannot be made").map_err(Failure::failed)?;
    let short = policy.too_short_for(iterations);
    let Some(needed) = short.iter().map(|(_, needed)| *needed).max() else { return Ok(()) };
    let gates: Vec<String> = short.iter().map(|(gate, needed)| format!("`{gate}` ({needed})")).collect();
    let count =
        if iterations == 1 { "1 iteration is".to_owned() } else { format!("{iterations} iterations are") };
    Err(Failure::usage(anyhow!("{count} too few for {}", gates.join(", "))).hint(format!(
        "`--iterations {needed}` is enough for all; `soak run --iterations {iterations}` tries a shorter run out"
    )))
}

fn rendered(template: &impl Template) -> Result<String, Failure> {
    let text = template.render().context("a file cannot be made").map_err(Failure::failed)?;
    Ok(text.trim_end().to_owned() + "\n")
}

/// `.gitignore` with what a run leaves; lines that are there stay, and `None` where none is missing.
fn ignored(dir: &Path, file: Option<&str>) -> Result<Option<NewFile>, Failure> {
    let path = dir.join(".gitignore");
    let replaces = atomic_file::exists(&path);
    let mut text =
        if replaces { atomic_file::read_text(&path).map_err(Failure::input)? } else { String::new() };
    let wanted = std::iter::once(IGNORED.to_owned())
        .chain(file.into_iter().flat_map(|file| [format!("/{file}"), format!("/{file}.tmp")]));
    let missing: Vec<String> =
        wanted.filter(|line| !text.lines().any(|there| there.trim() == line)).collect();
    if missing.is_empty() {
        return Ok(None);
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text += &(missing.join("\n") + "\n");
    Ok(Some(NewFile { path, bytes: text.into_bytes(), is_program: false, replaces }))
}

/// The root of the repository, where GitHub looks for workflows, and the folder in it; both the folder itself where
/// there is no repository.
fn repository(dir: &Path) -> (PathBuf, String) {
    let here = atomic_file::resolved(dir);
    let root = here.ancestors().find(|folder| atomic_file::exists(&folder.join(".git")));
    match root.filter(|root| *root != here).and_then(|root| Some((root, here.strip_prefix(root).ok()?))) {
        Some((root, below)) => {
            (root.to_owned(), below.display().to_string().replace(std::path::MAIN_SEPARATOR, "/"))
        }
        None => (dir.to_owned(), String::new()),
    }
}

/// Of a job that runs so many seconds, with half an hour for all the rest.
fn minutes(seconds: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, and cut off at the end of `u64`"
    )]
    let minutes = (seconds / 60.0).ceil() as u64;
    minutes.saturating_add(30)
}

/// A path without a dot before it.
fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}

/// What was written, and the next commands.
fn told(dir: &Path, answers: &Answers, files: &[NewFile]) -> String {
    let written = files.iter().map(|NewFile { path, replaces, .. }| {
        let verb = if *replaces { "extended" } else { "wrote" };
        format!("{verb} `{}`\n", shown(path))
    });
    let seconds = answers.interval * answers.iterations as f64;
    let length = match seconds {
        few if few < 120.0 => format!("{few:.0} s"),
        some if some < 7200.0 => format!("{:.0} min", some / 60.0),
        many => format!("{:.1} h", many / 3600.0),
    };
    let length = format!("{} iterations of {} s: {length}", answers.iterations, answers.interval);
    let mut lines = Vec::new();
    if dir != Path::new(".") {
        lines.push((format!("cd {}", shell::path(dir)), String::new()));
    }
    lines.extend(match answers.source {
        InitSource::File => [
            ("./measure.sh &".to_owned(), "writes what it measures, until it is stopped".to_owned()),
            ("soak doctor && soak run".to_owned(), length),
            ("soak gate".to_owned(), "the verdict".to_owned()),
        ],
        _ => [
            ("soak doctor".to_owned(), "can it measure? a line for each answer, with what to do".to_owned()),
            ("soak run".to_owned(), length),
            ("soak gate".to_owned(), "the verdict".to_owned()),
        ],
    });
    let width = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or_default();
    let lines = lines.iter().map(|(line, what)| {
        if what.is_empty() { format!("  {line}\n") } else { format!("  {line:width$}  # {what}\n") }
    });
    let note = if answers.note.is_empty() { String::new() } else { format!("{}\n", answers.note) };
    written.collect::<String>() + &note + "\nNext:\n" + &lines.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: InitArgs,
    }

    fn args(words: &[&str]) -> InitArgs {
        Line::parse_from([&["init"], words].concat()).args
    }

    /// What is asked, and what comes of these lines of a person.
    fn asked_with(words: &[&str], typed: &str) -> (String, Answers) {
        let mut questions = Vec::new();
        let told = answers(&args(words), &|_| Ok(Vec::new()), Some((&mut typed.as_bytes(), &mut questions)));
        let told = told.unwrap_or_else(|failure| panic!("{failure}"));
        (String::from_utf8(questions).expect("text"), told)
    }

    #[test]
    fn nothing_typed_is_the_usual_answer_and_the_end_of_the_input_is_too() {
        for typed in ["\n\n\n\n\n", ""] {
            let (questions, told) = asked_with(&[], typed);
            insta::allow_duplicates! {
                insta::assert_snapshot!(questions.replace("]: ", "]:\n"), @r#"
                Profile, service or trading [service]:
                Source, prometheus, exec or file [prometheus]:
                Address of Prometheus [http://localhost:9090]:
                Label matchers of the service, e.g. job="checkout" [none]:
                A workflow for GitHub Actions, yes or no [no]:
                "#);
            }
            assert_eq!((told.profile, told.source), (InitProfile::Service, InitSource::Prometheus));
            assert_eq!((told.prometheus_url.as_str(), told.selector.as_str()), ("http://localhost:9090", ""));
            assert_eq!((told.interval, told.iterations, told.github), (60.0, 60, false));
        }
    }

    #[test]
    fn a_wrong_answer_is_asked_for_again() {
        let (questions, told) = asked_with(&[], "bank\nTrading\nexec\nhere\nhttp://bot:1/e\ny\n");
        assert!(questions.contains("expected service or trading\nProfile"), "{questions}");
        assert!(questions.contains("expected an http:// or https:// address"), "{questions}");
        assert_eq!((told.profile, told.source), (InitProfile::Trading, InitSource::Exec));
        assert_eq!((told.url.as_str(), told.interval, told.github), ("http://bot:1/e", 10.0, true));
    }

    #[test]
    fn what_flags_say_is_not_asked() {
        let words =
            ["--profile", "service", "--selector", "job=\"a\"", "--prometheus-url", "http://m", "--github"];
        let (questions, told) = asked_with(&words, "");
        assert_eq!(questions, "");
        assert_eq!((told.source, told.selector.as_str()), (InitSource::Prometheus, "job=\"a\""));
        let (questions, told) = asked_with(&["--profile", "service", "--url", "http://m", "--github"], "");
        assert_eq!((questions.as_str(), told.source), ("", InitSource::Exec));
    }

    #[test]
    fn the_selector_is_the_job_that_has_the_metrics_and_several_are_refused() {
        let of = |words: &[&str], found: &[&str], typed: Option<&str>| {
            let jobs = |_: &str| Ok(found.iter().map(|job| (*job).to_owned()).collect());
            let mut questions = Vec::new();
            let mut typed = typed.map(str::as_bytes);
            let terminal = typed.as_mut().map(|typed| (typed, &mut questions));
            let told = answers(&args(words), &jobs, terminal);
            told.map(|told| (told.selector, told.note)).map_err(|failure| (failure.sentence(), failure.hint))
        };
        let (selector, note) = of(&["--yes"], &["shop"], None).expect("one job");
        assert_eq!(selector, "job=\"shop\"");
        assert_eq!(note, "selector `job=\"shop\"`: the job in `http://localhost:9090` that has the metrics");
        assert_eq!(of(&["--yes"], &["it's \"new\""], None).expect("one job").0, "job=\"it's \\\"new\\\"\"");
        let (problem, hint) = of(&["--yes"], &["cart", "shop"], None).expect_err("several jobs");
        assert_eq!(
            problem,
            "2 jobs in `http://localhost:9090` have the metrics: `job=\"cart\"`, `job=\"shop\"`"
        );
        assert_eq!(
            hint.as_deref(),
            Some(
                "name the service, as in `--selector 'job=\"cart\"'`; `--selector ''` takes all of them together"
            )
        );
        // What is given is not looked for, nothing given is every series, and a terminal chooses.
        let every = (String::new(), String::new());
        assert_eq!(of(&["--yes", "--selector", ""], &["cart", "shop"], None), Ok(every.clone()));
        let typed = of(&[], &["cart", "shop"], Some("\n\n\njob=\"cart\"\n\n"));
        assert_eq!(typed, Ok(("job=\"cart\"".to_owned(), String::new())));
        assert!(of(&[], &["cart", "shop"], Some("\n\n\n\n\n")).is_err());
        assert_eq!(of(&[], &["shop"], Some("\n\n\n\n\n")).expect("the usual answer").0, "job=\"shop\"");
        assert_eq!(of(&["--yes", "--profile", "trading"], &["cart", "shop"], None), Ok(every));
        let (selector, note) = of(&["--yes"], &[], None).expect("no job");
        assert_eq!(selector, "");
        assert!(
            note.starts_with("no selector: `http://localhost:9090` has no metric of a service yet; name")
        );
    }

    #[test]
    fn matchers_are_names_with_quoted_values() {
        for good in [
            "",
            "{}",
            "job=\"a\"",
            "{job=\"a\"}",
            "job=~\"a|b\", env!='x',",
            "a!~`b\"c`",
            "\"my.label\"=\"x\"",
            "job=\"a\\\"b\"",
        ] {
            assert_eq!(matchers(good).as_deref(), Ok(good));
        }
        for bad in [
            "a",
            "job=a",
            "job=\"a",
            "job==\"a\"",
            "job=\"a\" env=\"b\"",
            "=\"a\"",
            "my.label=\"x\"",
            "{job=\"a\"",
            ",",
        ] {
            assert!(matchers(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_run_is_no_longer_than_a_year() {
        let told = |words: &[&str]| {
            let answers = answers(&args(words), &|_| Ok(Vec::new()), None::<(&mut io::Empty, &mut io::Sink)>);
            files(Path::new("."), &answers.unwrap_or_else(|failure| panic!("{failure}")))
                .map(drop)
                .map_err(|failure| failure.sentence())
        };
        assert_eq!(told(&["--yes", "--iterations", "366", "--interval", "86400"]), Ok(()));
        assert_eq!(
            told(&["--yes", "--iterations", "367", "--interval", "86400"]),
            Err("367 iterations of 86400 s are longer than a year".to_owned())
        );
    }

    #[test]
    fn a_flag_of_another_source_is_refused() {
        for words in [
            ["--source", "exec", "--selector", "a=\"b\""],
            ["--source", "file", "--prometheus-url", "http://m"],
            ["--source", "prometheus", "--url", "http://m"],
            ["--url", "http://m", "--selector", "a=\"b\""],
        ] {
            let told = answers(&args(&words), &|_| Ok(Vec::new()), None::<(&mut io::Empty, &mut io::Sink)>);
            assert!(told.is_err_and(|failure| failure.exit == Exit::Usage), "{words:?}");
        }
    }

    #[test]
    fn texts_become_toml_strings() {
        for text in ["", "job=\"a\"", "it's", "a\\b", "two\nlines", "tab\t", "\u{7f}"] {
            let line = format!("x = {}", quoted(text));
            let read = crate::core::policy::read(
                &[crate::core::policy::Layer {
                    origin: crate::core::policy::Origin::File("p".to_owned()),
                    text: line.replace("x =", "run.selector ="),
                }],
                &[],
            );
            let policy = read.unwrap_or_else(|errors| panic!("{text:?} {line}: {errors}"));
            assert_eq!(policy.run.defaults.selector.as_deref(), Some(text));
        }
    }

    #[test]
    fn a_job_has_half_an_hour_for_the_rest() {
        assert_eq!((minutes(60.0), minutes(61.0), minutes(3600.0)), (31, 32, 90));
    }
}
