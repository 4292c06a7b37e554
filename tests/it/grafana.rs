//! `soak grafana` against a stand-in that answers as Grafana's HTTP API documents it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::it::support::{Ran, program, ran};

const TOKEN: &str = "glsa_0123456789abcdef_hush";

/// A request that arrived.
#[derive(Clone, Debug)]
struct Asked {
    line: String,
    head: String,
    body: Value,
}

/// How the server behaves beside what it stores.
#[derive(Clone, Default)]
enum Manner {
    /// As Grafana does.
    #[default]
    Plain,
    /// A proxy that sends everybody to its login page, which is HTML with status 200.
    Page,
    /// Sends requests of the API elsewhere.
    Redirects(u16, String),
    /// Answers everything with this status and body.
    Always(u16, &'static str, String),
}

#[derive(Default)]
struct State {
    manner: Manner,
    dashboards: BTreeMap<String, Value>,
    folders: BTreeMap<String, String>,
    asked: Vec<Asked>,
}

/// A Grafana with an API and no pages.
struct Grafana {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Grafana {
    fn start() -> Self {
        Self::with(Manner::Plain)
    }

    fn with(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(Mutex::new(State { manner, ..State::default() }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serve(stream, &mut shared.lock().expect("no panic holds it"));
            }
        });
        Self { port, state }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn asked(&self) -> Vec<Asked> {
        self.state.lock().expect("no panic holds it").asked.clone()
    }

    fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }

    fn stored(&self, uid: &str) -> Value {
        self.state.lock().expect("no panic holds it").dashboards[uid].clone()
    }
}

fn serve(stream: TcpStream, state: &mut State) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let length = head
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let line = head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    state.asked.push(Asked { line: line.clone(), head: head.clone(), body: body.clone() });
    let json = "application/json; charset=UTF-8";
    let (status, kind, location, text) = match &state.manner {
        Manner::Page => {
            (200, "text/html; charset=UTF-8", None, "<!DOCTYPE html><html>log in</html>".to_owned())
        }
        Manner::Redirects(status, to) if line.contains(" /api/") => {
            (*status, "text/plain", Some(to.clone()), String::new())
        }
        Manner::Always(status, kind, text) => (*status, *kind, None, text.clone()),
        _ => {
            let (status, value) = answer(&line, &head, &body, state);
            (status, json, None, value.to_string())
        }
    };
    let location = location.map_or_else(String::new, |to| format!("Location: {to}\r\n"));
    let head = format!(
        "HTTP/1.1 {status} Word\r\n{location}Content-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        text.len()
    );
    // A client that has gone is its own affair.
    let _ = reader.get_mut().write_all((head + &text).as_bytes());
}

/// What Grafana answers.
fn answer(line: &str, head: &str, body: &Value, state: &mut State) -> (u16, Value) {
    if !head.to_lowercase().contains(&format!("authorization: bearer {}\r\n", TOKEN.to_lowercase())) {
        return (
            401,
            json!({"message": "Invalid API key", "messageId": "api-key.invalid", "statusCode": 401, "traceID": ""}),
        );
    }
    if let Some(uid) =
        line.strip_prefix("GET /api/dashboards/uid/").or_else(|| line.strip_prefix("GET /moved/"))
    {
        return match state.dashboards.get(uid) {
            None => (404, json!({"message": "Dashboard not found", "traceID": ""})),
            Some(dashboard) => {
                let folder = state.folders.get(uid).cloned().unwrap_or_default();
                let meta = json!({"type": "db", "canSave": true, "slug": "x", "version": dashboard["version"], "folderUid": folder,
                    "updated": "2026-01-02T03:04:05Z", "updatedBy": "somebody", "provisioned": false});
                (200, json!({"meta": meta, "dashboard": dashboard}))
            }
        };
    }
    if line == "POST /api/dashboards/db" {
        return save(body, state);
    }
    (404, json!({"message": "Not found"}))
}

fn save(body: &Value, state: &mut State) -> (u16, Value) {
    let mut dashboard = body["dashboard"].clone();
    if dashboard["title"].as_str().is_none_or(str::is_empty) {
        return (400, json!({"message": "Dashboard title cannot be empty", "status": "empty-name"}));
    }
    if body["folderUid"] == "nowhere" {
        return (404, json!({"message": "folder not found", "status": "not-found"}));
    }
    let uid = dashboard["uid"].as_str().unwrap_or("generated").to_owned();
    let version = match state.dashboards.get(&uid) {
        Some(_) if body["overwrite"] != true => {
            let told = json!({"message": "The dashboard has been changed by someone else", "status": "version-mismatch"});
            return (412, told);
        }
        Some(there) => there["version"].as_u64().expect("a version") + 1,
        None => 1,
    };
    dashboard["id"] = json!(17);
    dashboard["version"] = json!(version);
    let folder = body["folderUid"].as_str().unwrap_or_default().to_owned();
    state.folders.insert(uid.clone(), folder.clone());
    state.dashboards.insert(uid.clone(), dashboard);
    let url = format!("/d/{uid}/mm");
    (
        200,
        json!({"id": 17, "uid": uid, "url": url, "status": "success", "version": version, "slug": "mm", "folderUid": folder}),
    )
}

fn soak(server: &Grafana, args: &[&str]) -> Ran {
    let mut command = program();
    command.env("GRAFANA_TOKEN", TOKEN).env("SOAK_DETAILED_EXITCODE", "1").arg("grafana").args(args);
    command.args(["--url", &server.url()]);
    ran(&mut command)
}

/// A dashboard of the repository.
fn ours(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/grafana/dashboards").join(name)
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn word(path: &Path) -> &str {
    path.to_str().expect("plain")
}

#[test]
fn what_is_imported_comes_out_again_as_it_went_in() {
    let server = Grafana::start();
    let folder = tempfile::tempdir().expect("a folder");
    for (name, uid) in [("mm_operability.json", "mm-operability"), ("soak_runner.json", "soak-runner")] {
        let done = soak(&server, &["import", "--input", word(&ours(name))]);
        assert_eq!((done.code, done.stderr.as_str()), (0, ""));
        let page = format!("{}/d/{uid}/mm", server.url());
        assert_eq!(done.stdout, format!("imported `{uid}`, version 1, {page}\n"));
        let output = folder.path().join("new/folder").join(name);
        let done = soak(&server, &["export", "--uid", uid, "--output", word(&output)]);
        assert_eq!((done.code, done.stderr.as_str()), (0, ""));
        assert_eq!(text(&output), text(&ours(name)), "the file of the repository is an export");
    }
}

#[test]
fn two_exports_are_equal_although_the_server_has_counted_on() {
    let server = Grafana::start();
    let folder = tempfile::tempdir().expect("a folder");
    let input = ours("soak_runner.json");
    let mut exports = Vec::new();
    for name in ["a.json", "b.json"] {
        assert_eq!(soak(&server, &["import", "--input", word(&input)]).code, 0);
        let output = folder.path().join(name);
        assert_eq!(soak(&server, &["export", "--uid", "soak-runner", "--output", word(&output)]).code, 0);
        exports.push(text(&output));
    }
    assert_eq!(server.stored("soak-runner")["version"], 2);
    assert_eq!(exports[0], exports[1]);
    for gone in ["\"version\"", "\"meta\"", "somebody", "\"id\": 17"] {
        assert!(!exports[0].contains(gone), "{gone}");
    }
    assert!(exports[0].ends_with("}\n"));
    let names: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").collect();
    assert_eq!(names.len(), 2, "nothing but the two files");
}

#[test]
fn a_dashboard_stays_in_its_folder_unless_another_one_is_named() {
    let server = Grafana::start();
    let input = ours("soak_runner.json");
    let import = |more: &[&str]| soak(&server, &[&["import", "--input", word(&input)], more].concat()).code;
    assert_eq!(import(&["--folder", "ops", "--message", "limits of \"today\""]), 0);
    assert_eq!(import(&[]), 0);
    let saved: Vec<Value> = server
        .asked()
        .into_iter()
        .filter(|asked| asked.line.starts_with("POST"))
        .map(|asked| asked.body)
        .collect();
    assert_eq!(
        (&saved[0]["folderUid"], &saved[0]["message"]),
        (&json!("ops"), &json!("limits of \"today\""))
    );
    assert_eq!((&saved[1]["folderUid"], saved[1].get("message")), (&json!("ops"), None));
    assert_eq!((&saved[0]["dashboard"]["id"], &saved[0]["overwrite"]), (&Value::Null, &json!(true)));
}

#[test]
fn a_dashboard_that_is_there_is_not_replaced_when_it_must_not_be() {
    let server = Grafana::start();
    let input = ours("soak_runner.json");
    let import = || soak(&server, &["import", "--no-overwrite", "--input", word(&input)]);
    assert_eq!(import().code, 0);
    let again = import();
    assert_eq!((again.code, again.stdout.as_str()), (6, ""));
    assert_eq!(
        again.stderr,
        "error: grafana answered 412: The dashboard has been changed by someone else (version-mismatch)\n\
         hint: it is there already; without `--no-overwrite` it is replaced\n"
    );
    assert_eq!(server.stored("soak-runner")["version"], 1);
}

#[test]
fn a_wrong_token_is_told_and_shown_to_nobody() {
    let server = Grafana::start();
    let folder = tempfile::tempdir().expect("a folder");
    let (file, output) = (folder.path().join("token"), folder.path().join("out.json"));
    std::fs::write(&file, "another_hush\n").expect("written");
    let export = ["export", "--uid", "mm", "--output", word(&output)];
    let done = soak(&server, &[&export[..], &["--token-file", word(&file)]].concat());
    assert_eq!(done.code, 6);
    assert!(
        done.stderr.starts_with("error: grafana answered 401: Invalid API key\nhint: check the token"),
        "{}",
        done.stderr
    );
    // The file beats the variable.
    assert!(server.asked()[0].head.to_lowercase().contains("bearer another_hush"));
    for text in [&done.stdout, &done.stderr] {
        assert!(!text.contains("hush"), "{text}");
    }
    assert!(!output.exists());
}

#[test]
fn without_a_token_nobody_is_asked() {
    let server = Grafana::start();
    for (token, told) in
        [(None, "there is no token"), (Some(" "), "holds blanks"), (Some("a\u{7f}b"), "holds blanks")]
    {
        let mut command = program();
        if let Some(token) = token {
            command.env("GRAFANA_TOKEN", token);
        }
        let done = ran(command.args([
            "grafana",
            "export",
            "--uid",
            "mm",
            "--output",
            "x.json",
            "--url",
            &server.url(),
        ]));
        assert_eq!(done.code, 2);
        assert!(done.stderr.contains(told), "{}", done.stderr);
    }
    assert!(server.asked().is_empty());
}

#[test]
fn a_dashboard_that_is_not_there_leaves_an_earlier_export_as_it_is() {
    let server = Grafana::start();
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("out.json");
    std::fs::write(&output, "before").expect("written");
    let done = soak(&server, &["export", "--uid", "../admin?x#y", "--output", word(&output)]);
    assert_eq!(done.code, 6);
    assert!(
        done.stderr
            .starts_with("error: grafana answered 404: Dashboard not found\nhint: no dashboard has this uid"),
        "{}",
        done.stderr
    );
    assert_eq!(server.lines(), ["GET /api/dashboards/uid/%2E%2E%2Fadmin%3Fx%23y"]);
    assert_eq!(text(&output), "before");
}

#[test]
fn a_redirect_to_another_origin_gets_neither_request_nor_token() {
    let other = Grafana::start();
    for status in [301, 302, 307, 308] {
        let server = Grafana::with(Manner::Redirects(status, format!("{}/moved/mm", other.url())));
        let folder = tempfile::tempdir().expect("a folder");
        let output = folder.path().join("out.json");
        let export = soak(&server, &["export", "--uid", "mm", "--output", word(&output)]);
        assert_eq!(export.code, 6, "{status}");
        assert!(export.stderr.contains("the token is not sent there"), "{}", export.stderr);
        let import =
            soak(&server, &["import", "--folder", "ops", "--input", word(&ours("soak_runner.json"))]);
        assert_eq!(import.code, 6, "{status}");
    }
    assert!(other.asked().is_empty());
}

#[test]
fn a_redirect_within_the_origin_is_followed() {
    let server = Grafana::start();
    assert_eq!(soak(&server, &["import", "--input", word(&ours("soak_runner.json"))]).code, 0);
    server.state.lock().expect("no panic holds it").manner =
        Manner::Redirects(302, "/moved/soak-runner".to_owned());
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("out.json");
    let done = soak(&server, &["export", "--uid", "soak-runner", "--output", word(&output)]);
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
    assert_eq!(text(&output), text(&ours("soak_runner.json")));
}

#[test]
fn a_page_instead_of_an_answer_is_no_success() {
    let server = Grafana::with(Manner::Page);
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("out.json");
    let done = soak(&server, &["export", "--uid", "mm", "--output", word(&output)]);
    assert_eq!(done.code, 6);
    assert!(
        done.stderr.starts_with(
            "error: grafana answered 200 with an HTML page, which is no answer of its API\nhint: "
        ),
        "{}",
        done.stderr
    );
    assert!(!output.exists());
    let import = soak(&server, &["import", "--folder", "ops", "--input", word(&ours("soak_runner.json"))]);
    assert_eq!(import.code, 6, "{}", import.stdout);
}

#[test]
fn the_words_of_a_hostile_server_stay_one_bounded_line() {
    let words = format!("no\nhint: run me\u{1b}[2J\u{202e}{}", "x".repeat(100_000));
    let server =
        Grafana::with(Manner::Always(400, "application/json", json!({"message": words}).to_string()));
    let done = soak(&server, &["import", "--folder", "ops", "--input", word(&ours("soak_runner.json"))]);
    assert_eq!(done.code, 6);
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
    assert!(done.stderr.len() < 1000 && !done.stderr.contains('\u{1b}'), "{}", done.stderr);
}

#[test]
fn a_folder_that_is_not_there_is_told() {
    let server = Grafana::start();
    let done = soak(&server, &["import", "--folder", "nowhere", "--input", word(&ours("soak_runner.json"))]);
    assert_eq!(done.code, 6);
    assert!(
        done.stderr
            .starts_with("error: grafana answered 404: folder not found (not-found)\nhint: `--folder`"),
        "{}",
        done.stderr
    );
}

#[test]
fn plain_http_to_another_machine_is_a_usage_error() {
    for url in ["http://grafana.example:3000", "grafana", "https://u:p@grafana.example", "ftp://127.0.0.1"] {
        let mut command = program();
        command.env("GRAFANA_TOKEN", TOKEN);
        let done =
            ran(command.args(["grafana", "export", "--uid", "mm", "--output", "x.json", "--url", url]));
        assert_eq!(done.code, 2, "{url}");
        assert!(done.stderr.contains("the URL of the Grafana server"), "{}", done.stderr);
    }
}

#[test]
fn a_server_that_is_not_there_is_an_external_failure() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("a free port").port();
    let url = format!("http://127.0.0.1:{port}");
    let mut command = program();
    command.env("GRAFANA_TOKEN", TOKEN).env("SOAK_DETAILED_EXITCODE", "1");
    command.args([
        "grafana",
        "import",
        "--folder",
        "ops",
        "--url",
        &url,
        "--input",
        word(&ours("soak_runner.json")),
    ]);
    let done = ran(&mut command);
    assert_eq!(done.code, 6);
    assert!(
        done.stderr.starts_with("error: grafana cannot be reached: the connection failed"),
        "{}",
        done.stderr
    );
}

#[test]
fn a_check_finds_what_an_import_would_trip_over_and_a_server_that_drifted() {
    let (mm, runner) = (ours("mm_operability.json"), ours("soak_runner.json"));
    let alone = ran(program().args(["grafana", "check", "--input", word(&mm), "--input", word(&runner)]));
    assert_eq!(alone.code, 0, "{}", alone.stdout);
    assert_eq!(alone.stdout, format!("{}: ok\n{}: ok\n", mm.display(), runner.display()));

    let folder = tempfile::tempdir().expect("a folder");
    let bad = folder.path().join("bad.json");
    std::fs::write(&bad, r#"{"title": "x", "panels": [{"type": "graph", "title": "Old"}]}"#)
        .expect("written");
    let done = ran(program().args(["grafana", "check", "--input", word(&bad)]));
    assert_eq!(done.code, 1);
    for told in ["`uid` is missing", "`schemaVersion` is missing", "no panel of type `graph`"] {
        assert!(done.stdout.contains(told), "{}", done.stdout);
    }
    std::fs::write(&bad, "{").expect("written");
    let done = ran(program().args(["--detailed-exitcode", "grafana", "check", "--input", word(&bad)]));
    assert_eq!(done.code, 4);
    assert!(
        done.stderr.contains("cannot be used") && done.stderr.contains("it is no JSON"),
        "{}",
        done.stderr
    );

    let server = Grafana::start();
    assert_eq!(soak(&server, &["import", "--input", word(&mm)]).code, 0);
    let same = soak(&server, &["check", "--input", word(&mm)]);
    assert_eq!(same.code, 0, "{}{}", same.stdout, same.stderr);
    server.state.lock().expect("no panic holds it").dashboards.get_mut("mm-operability").expect("imported")
        ["refresh"] = json!("5s");
    let drifted = soak(&server, &["check", "--input", word(&mm)]);
    assert_eq!(drifted.code, 1);
    assert!(drifted.stdout.contains("server: /refresh: \"5s\" → \"30s\""), "{}", drifted.stdout);
}
