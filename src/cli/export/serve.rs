//! Arguments of `soak serve`.

use crate::cli::arguments::globals::{GlobalArgs, LogFormat};
use crate::cli::arguments::judging::JudgedRunArgs;
use crate::cli::arguments::values::{seconds, symbol};
use crate::cli::judge::folder::{collect_provenance, load_window_policy};
use crate::core::verdict::exit::Exit;
use crate::core::verdict::failure::Failure;
use crate::export::live::LiveFacts;
use crate::export::live::folder::{Followed, LiveFolder};
use crate::export::live::server::Server;
use crate::infra::clock;
use crate::infra::clock::{StopRequest, Stopwatch, Wait};
use crate::infra::http_server::{ListenAddress, Listening};
use crate::run::output::log::LogEvent;
use clap::Args;
use std::time::Duration;

/// `soak serve`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak serve                                          http://127.0.0.1:9099/
  soak serve artifacts/soak/history/RUN_1 --listen 0
  soak serve /mnt/soak/latest --listen 0.0.0.0:9099 --every 10")]
pub struct ServeArgs {
    /// The run, and how it is judged.
    #[command(flatten)]
    pub judged: JudgedRunArgs,

    /// Show this symbol [default: the worst one when the run is first seen]
    #[arg(long, value_name = "SYMBOL", value_parser = symbol)]
    pub symbol: Option<String>,

    /// Address to listen on; a port alone means 127.0.0.1, port 0 any free one
    ///
    /// The page shows the run to everybody who reaches the address: there is no password.
    #[arg(long, value_name = "ADDR", default_value = "9099")]
    pub listen: ListenAddress,

    /// Look at the folder every so many seconds; a look that takes long is followed by a longer pause
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, value_parser = seconds)]
    pub every: f64,
}

/// A look may take this share of the time: of a folder that takes a second, one in five.
const SHARE: u32 = 5;

/// Serves until SIGINT or SIGTERM.
pub(crate) fn run(args: &ServeArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
    let ServeArgs { judged: JudgedRunArgs { path, policy, mock, window }, symbol, listen, every } = args;
    let policy = load_window_policy(policy, window)?;
    let provenance = collect_provenance(&policy, None)?;
    let followed = Followed { path: path.folder(), mock: mock.mock, symbol: symbol.clone() };
    let mut folder = LiveFolder::new(followed, policy, &provenance);
    let stop = StopRequest::listen().map_err(Failure::failed)?;
    let listening = Listening::at(*listen).map_err(|error| {
        Failure::failed(error).hint("`--listen` takes a free port, e.g. `--listen 0` for any")
    })?;
    let mut live = folder.nothing();
    live.epoch = u64::try_from(clock::machine_time().timestamp_millis()).unwrap_or_default();
    let view = folder.look(clock::machine_time());
    let mut last = view.facts.clone();
    view.apply(&mut live);
    let server = Server::show(listening, live).map_err(Failure::failed)?;
    let address = format!("http://{}/", server.address());
    log(globals, &LogEvent::new("soak", "SERVE").with("url", address));
    log_state(globals, None, &last);
    let publisher = server.publisher();
    let every = Duration::from_secs_f64(*every);
    let mut pause = every;
    while stop.wait(pause).is_ok() {
        let watch = Stopwatch::start();
        let view = folder.look(clock::machine_time());
        if view.iterations.is_some() || view.facts != last {
            log_state(globals, Some(&last), &view.facts);
            last = view.facts.clone();
            publisher.update(|live| view.apply(live));
        }
        pause = every.max(watch.elapsed() * (SHARE - 1));
    }
    drop(server);
    log(globals, &LogEvent::new("soak", "SERVED"));
    Ok(Exit::Success)
}

/// Says what is followed now, where that is something else than before.
fn log_state(globals: &GlobalArgs, before: Option<&LiveFacts>, now: &LiveFacts) {
    let particulars = |facts: &LiveFacts| (facts.folder.clone(), facts.note.clone(), facts.state);
    if before.map(particulars) == Some(particulars(now)) {
        return;
    }
    let mut event = LogEvent::new("soak", "FOLLOW");
    if let Some(folder) = &now.folder {
        event = event.with("folder", folder.as_str());
    }
    if let Some(state) = now.state {
        event = event.with("state", state.word());
    }
    if let Some(note) = &now.note {
        event = event.with("note", note.as_str());
    }
    log(globals, &event);
}

fn log(globals: &GlobalArgs, event: &LogEvent) {
    let line = match globals.log_format {
        LogFormat::Text => event.text(),
        LogFormat::Json => event.json(),
    };
    crate::cli::judge::post_soak::say(globals, &line);
}
