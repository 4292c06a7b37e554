//! `soak release …`: the score, bundles, their verification, their texts, tags.

mod bundle;
mod canary;
mod canary_ci;
mod legacy;
mod readiness;
mod tag;
mod texts;
mod verify;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::support::{Folder, Ran, Run, program, ran};

/// A folder with a run in `run` and room for what is made of it.
pub fn placed(run: &Run) -> Folder {
    run.in_temp_below("run")
}

/// What release engineers do in such a folder.
pub trait Releases {
    /// Runs `soak release ARGS…` in the folder.
    fn release(&self, args: &[&str]) -> Ran;

    /// Builds `out/v1` from `run`, with further flags.
    fn bundle(&self, args: &[&str]) -> Ran {
        self.release(&[&["bundle", "--src", "run", "--out", "out/v1"], args].concat())
    }

    /// Builds `out/v1`, which must work.
    fn built(&self, args: &[&str]) -> Ran {
        let ran = self.bundle(args);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran
    }
}

impl Releases for Folder {
    fn release(&self, args: &[&str]) -> Ran {
        ran(program().current_dir(self.path()).arg("release").args(args))
    }
}

/// SHA-256 as hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// Changes the manifest and makes `SHA256SUMS` right again, as a forger would.
pub fn forge(place: &Folder, change: impl FnOnce(&mut Value)) {
    let mut manifest = place.json("out/v1/MANIFEST.json");
    change(&mut manifest);
    fs::write(place.file("out/v1/MANIFEST.json"), format!("{manifest:#}\n")).expect("a file");
    let folder = place.file("out/v1");
    let mut sums = String::new();
    for name in names(&folder).iter().filter(|name| *name != "SHA256SUMS") {
        let hash = sha256(&fs::read(folder.join(name)).expect("a file"));
        sums.extend([&hash, "  ", name, "\n"]);
    }
    fs::write(folder.join("SHA256SUMS"), sums).expect("a file");
}

/// Names of everything in a folder, hidden or not, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("`{}`: {error}", folder.display()));
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A policy in which the service is configured, with names that need quotes.
pub const SERVICE: &str = r#"schema_version = 1
[service]
name = "mm-bot"
overrides_file = "/etc/mm bot/it's.json"
canary_overrides_file = "/etc/canary/$HOME.json"
previous_overrides_file = "/var/backups/previous.json"
dashboard_url = "https://grafana.example.com/d/mm"
metrics_url = "http://localhost:9090/metrics?a=1&b=2"
prometheus_url = "http://localhost:9091"
selector = 'job="mm"'
canary_selector = 'job="mm",who="canary"'
health_url = "http://localhost:8080/healthz"
version_url = "http://localhost:8080/version"
contact = "the ops channel"
pager = "the rota"
[service.commands]
freeze_tuning = "systemctl stop mm-tuner"
reload = "curl -X POST -d '{\"a\": \"b c\"}' http://localhost:8080/reload"
stop = "systemctl stop mm-bot"
start = "systemctl start mm-bot"
logs = "journalctl -u mm-bot | tail -n 5"
deploy_previous = "dpkg -i /var/backups/previous.deb"
deploy_canary = "systemctl start mm-canary"
remove_canary = "systemctl stop mm-canary"
set_traffic = "mm-route --canary {percent}"
"#;

/// Whether a document keeps to a published schema.
pub fn keeps_to(schema: &str, document: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("deploy/schemas/{schema}.schema.json"));
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).expect("a schema")).expect("JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("a usable schema");
    let errors: Vec<String> = validator.iter_errors(document).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let mut other = document.clone();
    other["no_such_key"] = json!(1);
    assert!(!validator.is_valid(&other));
}
