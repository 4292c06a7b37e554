//! The variables of the process environment, for those who are handed their values: clock, provenance, lock.
//! What the command line itself asks for is read by `cli`.
//!
//! Everyone else is handed an [`Environment`], so tests need not change the one of their process. Must not
//! know what a value means.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;

/// A copy of environment variables.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment {
    values: BTreeMap<OsString, OsString>,
}

/// A variable whose value is no valid Unicode text.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the value of the environment variable `{name}` is no valid unicode text")]
pub struct NotUnicode {
    /// The variable. Its value may be a secret and is not printed.
    pub name: String,
}

impl Environment {
    /// A copy of the variables of this process.
    pub fn of_process() -> Self {
        Self { values: std::env::vars_os().collect() }
    }

    /// These variables and no others.
    #[cfg(test)]
    pub(crate) fn from_pairs<K: Into<OsString>, V: Into<OsString>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self { values: pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect() }
    }

    /// The value of a variable. `None` when it is not set, or set to nothing, as CI systems do for
    /// variables without a value.
    pub fn text(&self, name: &str) -> Result<Option<&str>, NotUnicode> {
        match self.values.get(OsStr::new(name)) {
            None => Ok(None),
            Some(value) => match value.to_str() {
                Some("") => Ok(None),
                Some(text) => Ok(Some(text)),
                None => Err(NotUnicode { name: name.to_owned() }),
            },
        }
    }
}

/// Names only: values may be secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

/// The program and, when it is the first argument, its subcommand: `soak gate`. Further arguments are left
/// out, because they may hold secrets.
pub fn command_of_process() -> String {
    command_of(std::env::args_os().take(2))
}

fn command_of(arguments: impl IntoIterator<Item = OsString>) -> String {
    let mut arguments = arguments.into_iter().map(|argument| argument.to_string_lossy().into_owned());
    let program = arguments
        .next()
        .and_then(|path| path.rsplit(['/', '\\']).next().map(str::to_owned))
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "soak".to_owned());
    let is_subcommand = |word: &String| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.len() <= 20
            && word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
    };
    match arguments.next().filter(is_subcommand) {
        Some(subcommand) => format!("{program} {subcommand}"),
        None => program,
    }
}

/// The name of this machine; `None` where it is not known.
pub fn host_name() -> Option<String> {
    let reported = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name =
        reported.or_else(|| std::env::var("HOSTNAME").ok()).or_else(|| std::env::var("COMPUTERNAME").ok());
    name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// The CPU of this machine and how many of its cores this process may use; `None` where they are unknown.
pub fn cpu_name() -> Option<String> {
    let reported = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cores = std::thread::available_parallelism().ok()?;
    Some(cpu_of(&reported, std::env::consts::ARCH, cores.get()))
}

/// The model that `/proc/cpuinfo` names, else the architecture, with the cores.
fn cpu_of(cpuinfo: &str, architecture: &str, cores: usize) -> String {
    let model = cpuinfo.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        let is_model = matches!(key.trim(), "model name" | "Model" | "cpu model");
        (is_model && !value.trim().is_empty()).then(|| value.trim())
    });
    let words: Vec<&str> = model.unwrap_or(architecture).split_whitespace().collect();
    format!("{}, {cores} {}", words.join(" "), if cores == 1 { "core" } else { "cores" })
}

/// The account's name as the system's list has it, else `uid 1000`; `None` where there are no such accounts.
#[cfg(unix)]
pub fn account_name() -> Option<String> {
    let uid = rustix::process::getuid().as_raw();
    // Accounts of a directory service are in no file; then the number is what is known.
    let list = std::fs::read("/etc/passwd").unwrap_or_default();
    Some(account_in(uid, &String::from_utf8_lossy(&list)).map_or_else(|| format!("uid {uid}"), str::to_owned))
}

/// The account's name as the system's list has it, else `uid 1000`; `None` where there are no such accounts.
#[cfg(not(unix))]
pub fn account_name() -> Option<String> {
    None
}

/// The name in a list in the form of passwd(5): `name:password:uid:…`.
#[cfg(unix)]
fn account_in(uid: u32, list: &str) -> Option<&str> {
    list.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_without_a_value_counts_as_not_set() {
        let environment = Environment::from_pairs([("A", "1"), ("B", "")]);
        assert_eq!(environment.text("A"), Ok(Some("1")));
        assert_eq!(environment.text("B"), Ok(None));
        assert_eq!(environment.text("C"), Ok(None));
    }

    #[test]
    fn a_cpu_is_named_by_its_model_and_its_cores() {
        let cpuinfo = "processor\t: 0\nmodel\t\t: 143\nmodel name\t: Some  CPU @ 2.0GHz\nprocessor\t: 1\n";
        assert_eq!(cpu_of(cpuinfo, "x86_64", 2), "Some CPU @ 2.0GHz, 2 cores");
        assert_eq!(cpu_of("processor : 0\nBogoMIPS : 50\n", "aarch64", 1), "aarch64, 1 core");
        assert_eq!(cpu_of("", "x86_64", 4), "x86_64, 4 cores");
    }

    #[test]
    fn values_are_not_shown_in_debug_output() {
        let shown = format!("{:?}", Environment::from_pairs([("SLACK_WEBHOOK", "hush")]));
        assert!(shown.contains("SLACK_WEBHOOK") && !shown.contains("hush"), "{shown}");
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_no_text_is_an_error_that_names_the_variable() {
        use std::os::unix::ffi::OsStringExt;
        let environment = Environment::from_pairs([("SOAK_NOW", OsString::from_vec(vec![0xff]))]);
        assert_eq!(environment.text("SOAK_NOW"), Err(NotUnicode { name: "SOAK_NOW".to_owned() }));
    }

    #[test]
    fn the_command_holds_the_subcommand_and_no_other_argument() {
        let of = |arguments: &[&str]| command_of(arguments.iter().map(OsString::from));
        assert_eq!(of(&["/usr/bin/soak", "gate"]), "soak gate");
        assert_eq!(of(&["soak", "export-prom"]), "soak export-prom");
        assert_eq!(of(&["soak", "--webhook-url=https://example.test/hush"]), "soak");
        assert_eq!(of(&["soak", "https://example.test/hush"]), "soak");
        assert_eq!(of(&["soak"]), "soak");
        assert_eq!(of(&[]), "soak");
    }

    #[test]
    fn the_environment_of_the_process_is_read() {
        // Cargo sets this variable for every test that it runs.
        assert!(Environment::of_process().text("CARGO_PKG_NAME").is_ok_and(|name| name.is_some()));
    }

    #[cfg(unix)]
    #[test]
    fn an_account_is_found_by_its_number() {
        let list = "root:x:0:0:root:/root:/bin/sh\n\n# a note\n:x:7:\nann:x:1000:1000::/home/ann:\nbob:x:10000:1000\n";
        assert_eq!(account_in(0, list), Some("root"));
        assert_eq!(account_in(1000, list), Some("ann"));
        assert_eq!(account_in(10000, list), Some("bob"));
        for uid in [1, 7, 100] {
            assert_eq!(account_in(uid, list), None, "{uid}");
        }
        assert_eq!(account_in(0, ""), None);
    }
}
