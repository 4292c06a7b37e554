//! The page in Chromium. `SOAK_SCREENSHOTS=FOLDER` keeps pictures of it.

#![expect(clippy::disallowed_methods, reason = "these tests start a browser and read the environment")]
#![expect(clippy::print_stderr, reason = "a skipped test has to say so")]

use std::path::Path;
use std::process::{Command, Stdio};

use soak::core::iteration::bot_metrics::LiveBot;
use soak::core::iteration::params::ParamValues;
use soak::export::live::LiveRun;
use soak::export::live::server::Server;
use soak::run::simulator::{Scenario, Simulator};

use super::run::{declared, done, policy, push};

/// The browser, where the tests are to use it; says why not.
fn chromium() -> Option<&'static str> {
    if std::env::var_os("SOAK_E2E").is_none_or(|value| value != "1") {
        eprintln!("skipped: set SOAK_E2E=1 to run the end-to-end tests");
        return None;
    }
    let starts = |program: &&str| {
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    };
    let found = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|program| starts(program));
    if found.is_none() {
        eprintln!("skipped: chromium not installed");
    }
    found
}

fn server(run: LiveRun) -> Server {
    Server::start("0".parse().expect("an address"), run).expect("the server starts")
}

/// Loads the page with further arguments; gives back what the browser prints.
fn load(browser: &str, server: &Server, args: &[&str]) -> String {
    let profile = tempfile::tempdir().expect("a folder for the browser");
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--hide-scrollbars", "--enable-logging=stderr", "--timeout=9000"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(args)
        .arg(format!("http://{}/", server.address()))
        .output()
        .expect("the browser starts");
    let told = String::from_utf8_lossy(&output.stderr);
    let trouble: Vec<&str> =
        told.lines().filter(|line| line.contains("CONSOLE") || line.contains("Refused to")).collect();
    assert!(trouble.is_empty(), "{trouble:#?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The text of the element with this id, tags taken out.
fn text(dom: &str, id: &str) -> String {
    let (_, rest) = dom.split_once(&format!("id=\"{id}\"")).unwrap_or_else(|| panic!("no #{id} in\n{dom}"));
    let (_, rest) = rest.split_once('>').expect("a tag ends");
    rest.split_once('<').map_or(rest, |(text, _)| text).to_owned()
}

#[test]
fn the_page_in_a_browser_shows_the_numbers_of_the_run() {
    let Some(browser) = chromium() else { return };
    let server = server(done(24, 24));
    let dom = load(browser, &server, &["--dump-dom", "--window-size=1280,1600"]);
    assert_eq!(text(&dom, "state"), "complete");
    assert_eq!(text(&dom, "verdict-word"), "PASS");
    assert_eq!(text(&dom, "decision"), "The overrides may be frozen. Next: soak gate");
    assert_eq!(text(&dom, "progress-text"), "iteration 24 of 24 · 100 %");
    // 2 + 0.05 * 23 = 3.15, against the limit of the policy.
    assert!(dom.contains("✓ 3.15 bps"), "{dom}");
    assert!(dom.contains("limit ≥ 2.7 bps"), "{dom}");
    // 24 iterations without the one that brought no data; 1 to 14 are below 2.7
    // (2.65 in 14), but 9 has no value.
    assert!(dom.contains("Net edge: 23 values, last 3.15 bps, limit at least 2.7, 13 beyond it"), "{dom}");
    assert!(dom.contains("p95 latency: 22 values"), "{dom}");
    assert!(dom.contains("connection refused &lt;by the venue&gt;"), "{dom}");
}

#[test]
fn the_page_in_a_browser_follows_the_run_to_its_end() {
    let Some(browser) = chromium() else { return };
    let server = server(done(23, 24));
    let publisher = server.publisher();
    let feeder = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(2500));
        publisher.update(|run| push(run, 24));
    });
    // Virtual time stands still while the page listens to events, which it does until the run has ended.
    let dom = load(browser, &server, &["--dump-dom", "--virtual-time-budget=4000"]);
    feeder.join().expect("the feeder ends");
    assert_eq!(text(&dom, "progress-text"), "iteration 24 of 24 · 100 %");
    assert_eq!(
        (text(&dom, "state"), text(&dom, "feed")),
        ("complete".to_owned(), "the run has ended; this is its last state".to_owned())
    );
    assert!(dom.contains("Net edge: 23 values, last 3.15 bps"), "{dom}");
}

#[test]
fn pictures_of_the_page_are_kept_when_asked_for() {
    let Some(folder) = std::env::var_os("SOAK_SCREENSHOTS") else { return };
    let Some(browser) = chromium() else { return };
    let runs = [
        ("none", declared(24)),
        ("one", done(1, 24)),
        ("during", done(13, 24)),
        ("end", done(24, 24)),
        ("long", done(700, 864)),
    ];
    for (name, run) in runs {
        let server = server(run);
        for (look, size, dark) in
            [("wide", "1280,2000", false), ("dark", "1280,2000", true), ("phone", "500,3000", false)]
        {
            let picture =
                format!("--screenshot={}", Path::new(&folder).join(format!("{name}-{look}.png")).display());
            let size = format!("--window-size={size}");
            let scheme = format!("--blink-settings=preferredColorScheme={}", u8::from(!dark));
            load(browser, &server, &[&picture, &size, &scheme]);
        }
    }
}

/// A run of the simulator, which shows the metrics of its trading system, too.
fn simulated() -> LiveRun {
    let parameters = policy().run.parameters;
    let overrides = parameters.iter().map(|parameter| (parameter.name.clone(), parameter.default)).collect();
    let mut simulator = Simulator::new(1, Scenario::FlashCrash);
    let ticks = simulator.observe(1, &ParamValues::new(overrides)).expect("the defaults can be simulated");
    let mut bot = LiveBot::default();
    bot.begin(ticks, chrono::DateTime::UNIX_EPOCH, std::time::Duration::ZERO);
    bot.edge(chrono::DateTime::UNIX_EPOCH, 2.5);
    let mut run = done(3, 24);
    run.bot = Some(bot);
    run
}

#[test]
fn promtool_has_nothing_to_say_about_the_live_metrics() {
    if std::env::var_os("SOAK_E2E").is_none_or(|value| value != "1") {
        eprintln!("skipped: set SOAK_E2E=1 to run the end-to-end tests");
        return;
    }
    for run in [declared(24), done(9, 24), done(24, 24), simulated()] {
        let text = soak::export::live::metrics::metrics(&run, chrono::DateTime::UNIX_EPOCH);
        let started = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut promtool) = started else { return eprintln!("skipped: promtool not installed") };
        let mut stdin = promtool.stdin.take().expect("a pipe");
        std::io::Write::write_all(&mut stdin, text.as_bytes()).expect("promtool reads");
        drop(stdin);
        let output = promtool.wait_with_output().expect("promtool ends");
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success() && said.is_empty(), "{}\n{text}", String::from_utf8_lossy(&said));
    }
}
