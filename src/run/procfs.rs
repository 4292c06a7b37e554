//! What a process and its children use, read from `/proc` of Linux.
//!
//! Never waits and never judges. A process that ends while it is looked at is left out.

#![expect(clippy::disallowed_methods, reason = "it reads `/proc`")]

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::run::iteration::{Resources, Sample};

/// Why a process cannot be sampled at all.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ProcfsError(String);

/// Clock ticks used by number and start of the process.
type Ticks = BTreeMap<(u32, u64), u64>;

/// Samples one process tree.
#[derive(Debug)]
pub(crate) struct Sampler {
    root: PathBuf,
    pid: u32,
    /// Tells the process from a later one with its number.
    started: u64,
    page_bytes: f64,
    ticks_per_second: f64,
    /// When the last sample was taken, and the ticks of each process then, by number and start.
    before: Option<(Duration, Ticks)>,
}

impl Sampler {
    /// A sampler of a running process.
    #[cfg(target_os = "linux")]
    pub(crate) fn new(pid: u32) -> Result<Self, ProcfsError> {
        let page = rustix::param::page_size() as f64;
        Self::below(Path::new("/proc"), pid, page, rustix::param::clock_ticks_per_second() as f64)
    }

    /// A sampler of a running process.
    #[cfg(not(target_os = "linux"))]
    pub fn new(_: u32) -> Result<Self, ProcfsError> {
        Err(ProcfsError("`--pid` reads `/proc`, which only Linux has; leave it out here".to_owned()))
    }

    #[cfg_attr(
        not(any(test, target_os = "linux")),
        expect(dead_code, reason = "there is no `/proc` to read")
    )]
    fn below(root: &Path, pid: u32, page_bytes: f64, ticks_per_second: f64) -> Result<Self, ProcfsError> {
        let found = read_stat(root, pid).ok_or_else(|| {
            ProcfsError(format!("there is no process {pid}; give the number of a running process to `--pid`"))
        })?;
        let started = found.started;
        Ok(Self { root: root.to_owned(), pid, started, page_bytes, ticks_per_second, before: None })
    }

    /// A sample now. `at` is the time on any clock that does not go back; the CPU share is that since the
    /// sample before, so the first one has none. What a process used that ended in between is not known.
    pub(crate) fn sample(&mut self, at: Duration) -> Sample {
        let Some(top) = read_stat(&self.root, self.pid) else {
            return self.gone(format!("process {} has ended", self.pid));
        };
        if top.started != self.started {
            return self.gone(format!("process {} has ended, another one has its number now", self.pid));
        }
        let tree = tree(top, &all(&self.root));
        let ticks = tree.iter().map(|stat| ((stat.pid, stat.started), stat.ticks)).collect();
        let files: Option<Vec<u64>> = tree
            .iter()
            .filter_map(|stat| match open_files(&self.root, stat.pid) {
                Files::Known(count) => Some(Some(count)),
                Files::Ended => None,
                Files::Denied => Some(None),
            })
            .collect();
        let note = files.is_none().then(|| "the open files of the process may not be counted".to_owned());
        let pages: u64 = tree.iter().map(|stat| stat.rss_pages).sum();
        let resources = Resources {
            rss_mb: Some(pages as f64 * self.page_bytes / (1024.0 * 1024.0)),
            cpu_pct: self.cpu_percent(at, &ticks),
            threads: Some(tree.iter().map(|stat| stat.threads).sum()),
            open_files: files.map(|counts| counts.iter().sum()),
            processes: Some(tree.len() as u64),
        };
        self.before = Some((at, ticks));
        Sample { resources: Some(resources), restarts: 0, note }
    }

    fn gone(&mut self, note: String) -> Sample {
        self.before = None;
        Sample { resources: None, restarts: 0, note: Some(note) }
    }

    /// Percent of one CPU since the sample before. A process that was not there then used all it has since.
    fn cpu_percent(&self, at: Duration, ticks: &Ticks) -> Option<f64> {
        let (then, before) = self.before.as_ref()?;
        let seconds = at.checked_sub(*then)?.as_secs_f64();
        let used: u64 = ticks
            .iter()
            .map(|(process, ticks)| ticks.saturating_sub(before.get(process).copied().unwrap_or(0)))
            .sum();
        (seconds > 0.0).then(|| 100.0 * used as f64 / self.ticks_per_second / seconds)
    }
}

fn read_stat(root: &Path, pid: u32) -> Option<Stat> {
    // A name may be any bytes.
    let bytes = fs::read(root.join(pid.to_string()).join("stat")).ok()?;
    stat(&String::from_utf8_lossy(&bytes)).filter(|stat| stat.pid == pid)
}

/// Every process there is.
fn all(root: &Path) -> Vec<Stat> {
    let Ok(entries) = fs::read_dir(root) else { return Vec::new() };
    let mut found: Vec<Stat> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| read_stat(root, pid))
        .collect();
    found.sort_by_key(|stat| stat.pid);
    found
}

/// The process and all that descend from it.
fn tree(top: Stat, all: &[Stat]) -> Vec<Stat> {
    let mut tree = vec![top];
    let mut at = 0;
    while let Some(parent) = tree.get(at).map(|stat| stat.pid) {
        let children = all.iter().filter(|stat| stat.parent == parent);
        let new: Vec<Stat> =
            children.filter(|child| tree.iter().all(|have| have.pid != child.pid)).copied().collect();
        tree.extend(new);
        at += 1;
    }
    tree
}

enum Files {
    Known(u64),
    Ended,
    Denied,
}

fn open_files(root: &Path, pid: u32) -> Files {
    match fs::read_dir(root.join(pid.to_string()).join("fd")) {
        Ok(entries) => Files::Known(entries.count() as u64),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Files::Denied,
        Err(_) => Files::Ended,
    }
}

/// What a process used, in the kernel's units: the fields of `/proc/PID/stat` that sampling needs (`proc_pid_stat(5)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    /// Its number.
    pid: u32,
    /// The number of its parent.
    parent: u32,
    /// User and system time of itself since it started, clock ticks.
    ticks: u64,
    /// Threads.
    threads: u64,
    /// When it started, clock ticks since boot: distinguishes it from a later process with its number.
    started: u64,
    /// Resident memory, pages.
    rss_pages: u64,
}

/// Reads the line. `None` when it is none.
///
/// The name in brackets may hold blanks and brackets: it ends at the last closing one.
fn stat(text: &str) -> Option<Stat> {
    let (pid, rest) = text.split_once(" (")?;
    let (_, rest) = rest.rsplit_once(") ")?;
    // The fields behind the name; the first is number 3 of the manual.
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Stat {
        pid: pid.parse().ok()?,
        parent: u32::try_from(number(4)?).ok()?,
        ticks: number(14)?.checked_add(number(15)?)?,
        threads: number(20)?,
        started: number(22)?,
        rss_pages: number(24)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A `/proc` of our own.
    struct Proc(tempfile::TempDir);

    impl Proc {
        fn new() -> Self {
            Self(tempfile::tempdir().expect("a folder"))
        }

        fn put(&self, pid: u32, parent: u32, ticks: u64, started: u64, files: u32) {
            let folder = self.0.path().join(pid.to_string());
            fs::create_dir_all(folder.join("fd")).expect("a folder");
            let line = format!(
                "{pid} (a b) c) S {parent} 5 6 7 8 9 10 11 12 13 {ticks} 0 16 17 18 19 2 21 {started} 23 256 25\n"
            );
            fs::write(folder.join("stat"), line).expect("a file");
            for file in 0..files {
                fs::write(folder.join("fd").join(file.to_string()), "").expect("a file");
            }
        }

        fn sampler(&self, pid: u32) -> Result<Sampler, ProcfsError> {
            Sampler::below(self.0.path(), pid, 4096.0, 100.0)
        }
    }

    fn used(sampler: &mut Sampler, seconds: u64) -> Resources {
        sampler.sample(Duration::from_secs(seconds)).resources.expect("a living process")
    }

    #[test]
    fn a_tree_is_the_process_its_children_and_theirs() {
        let proc = Proc::new();
        proc.put(1, 0, 900, 1, 9);
        proc.put(10, 1, 100, 50, 3);
        proc.put(11, 10, 100, 51, 1);
        proc.put(5, 11, 100, 52, 0);
        fs::create_dir(proc.0.path().join("net")).expect("a folder");
        fs::create_dir(proc.0.path().join("77")).expect("a process that is just ending");
        let mut sampler = proc.sampler(10).expect("a process");
        let used = used(&mut sampler, 0);
        // Three processes of 256 pages of 4 KiB and 2 threads each.
        assert_eq!((used.rss_mb, used.threads), (Some(3.0), Some(6)));
        assert_eq!((used.open_files, used.processes, used.cpu_pct), (Some(4), Some(3), None));
    }

    #[test]
    fn the_cpu_share_is_that_since_the_sample_before() {
        let proc = Proc::new();
        proc.put(10, 1, 1000, 50, 0);
        let mut sampler = proc.sampler(10).expect("a process");
        assert_eq!(used(&mut sampler, 100).cpu_pct, None);
        // 150 ticks of itself and 50 of a new child are 2 s in 4 s.
        proc.put(10, 1, 1150, 50, 0);
        proc.put(11, 10, 50, 60, 0);
        assert_eq!(used(&mut sampler, 104).cpu_pct, Some(50.0));
        assert_eq!(used(&mut sampler, 104).cpu_pct, None);
        assert_eq!(used(&mut sampler, 105).cpu_pct, Some(0.0));
        // Another process with the child's number is a new one.
        proc.put(11, 10, 20, 99, 0);
        assert_eq!(used(&mut sampler, 106).cpu_pct, Some(20.0));
    }

    #[test]
    fn a_process_that_is_gone_or_replaced_has_no_resources_and_a_note() {
        let proc = Proc::new();
        let refused = proc.sampler(10).expect_err("there is no such process").to_string();
        assert!(refused.starts_with("there is no process 10;"), "{refused}");
        proc.put(10, 1, 1000, 50, 0);
        let mut sampler = proc.sampler(10).expect("a process");
        proc.put(10, 1, 1, 51, 0);
        let sample = sampler.sample(Duration::ZERO);
        assert_eq!(sample.resources, None);
        assert_eq!(sample.note.as_deref(), Some("process 10 has ended, another one has its number now"));
        fs::remove_dir_all(proc.0.path().join("10")).expect("a folder");
        let sample = sampler.sample(Duration::ZERO);
        assert_eq!((sample.resources, sample.note.as_deref()), (None, Some("process 10 has ended")));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_very_process_can_be_sampled() {
        let mut sampler = Sampler::new(std::process::id()).expect("we are running");
        let used = used(&mut sampler, 0);
        assert!(used.rss_mb.is_some_and(|mb| mb > 0.1), "{used:?}");
        assert!(used.threads >= Some(1) && used.open_files >= Some(3), "{used:?}");
    }

    fn line(name: &str) -> String {
        // Fields 3 to 26; each holds its own number, but those that are read.
        format!("42 ({name}) S 7 5 6 7 8 9 10 11 12 13 100 23 16 17 18 19 4 21 9000 23 256 25 26\n")
    }

    #[test]
    fn the_fields_are_those_of_the_manual() {
        let expected = Stat { pid: 42, parent: 7, ticks: 123, threads: 4, started: 9000, rss_pages: 256 };
        assert_eq!(stat(&line("soak")), Some(expected));
    }

    #[test]
    fn a_name_may_hold_blanks_and_brackets() {
        for name in ["a b", "a) S 1", "((", "x) (y", ")", "", "tab\there"] {
            assert_eq!(stat(&line(name)).map(|stat| (stat.pid, stat.parent)), Some((42, 7)), "{name}");
        }
    }

    #[test]
    fn what_is_no_line_is_refused() {
        for text in
            ["", "42", "42 (x", "42 (x) S 7", "x (y) S 7 5 6 7 8 9 10 11 12 13 a 23 16 17 18 19 4 21 9 23 2"]
        {
            assert_eq!(stat(text), None, "{text}");
        }
    }
}
