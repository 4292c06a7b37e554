//! What a process and its children use, read from `/proc` of Linux.
//!
//! Never waits and never judges. A process that ends while it is looked at is left out, and so is one that has ended and
//! that nobody has waited for yet: it uses nothing, which is no measurement.

#![expect(clippy::disallowed_methods, reason = "it reads `/proc`")]

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::core::text::excerpt;
use crate::core::text::printable::printable;
use crate::core::trend::resources::ProcessId;
use crate::infra::atomic_file;
use crate::run::iteration::{Resources, Sample};

/// Why a process cannot be sampled at all.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ProcfsError(String);

/// Clock ticks used by number and start of the process.
type Ticks = BTreeMap<(u32, u64), u64>;

/// The process at the top of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Top {
    /// The one that has this number now; a later one with its number is another.
    Pid(u32),
    /// Whichever a supervisor writes into this file.
    File(PathBuf),
}

impl Top {
    /// Its number now.
    fn pid(&self) -> Result<u32, String> {
        let path = match self {
            Self::Pid(pid) => return Ok(*pid),
            Self::File(path) => path,
        };
        let bytes =
            atomic_file::read_plain(path).map_err(|error| format!("{:#}", anyhow::Error::from(error)))?;
        // Some supervisors write more below the number.
        let text = String::from_utf8_lossy(&bytes);
        let pid = text.lines().next().and_then(|line| line.trim().parse().ok()).filter(|pid| *pid > 0);
        pid.ok_or_else(|| {
            format!("`{}` contains no process number: `{}`", path.display(), excerpt(&printable(&text), 40))
        })
    }
}

/// Samples one process tree.
#[derive(Debug)]
pub(crate) struct Sampler {
    root: PathBuf,
    top: Top,
    /// Number and start of the last process at the top; tells it from a later one.
    last: (u32, u64),
    page_bytes: f64,
    ticks_per_second: f64,
    /// When the last sample was taken, and the ticks of each process then, by number and start.
    before: Option<(Duration, Ticks)>,
}

impl Sampler {
    /// A sampler of a running process.
    #[cfg(target_os = "linux")]
    pub(crate) fn new(top: Top) -> Result<Self, ProcfsError> {
        let page = rustix::param::page_size() as f64;
        Self::below(Path::new("/proc"), top, page, rustix::param::clock_ticks_per_second() as f64)
    }

    /// A sampler of a running process.
    #[cfg(not(target_os = "linux"))]
    pub fn new(_: Top) -> Result<Self, ProcfsError> {
        let problem =
            "a process is sampled from `/proc`, which only Linux has; leave `--pid` and `--pid-file` out";
        Err(ProcfsError(problem.to_owned()))
    }

    #[cfg_attr(
        not(any(test, target_os = "linux")),
        expect(dead_code, reason = "there is no `/proc` to read")
    )]
    fn below(root: &Path, top: Top, page_bytes: f64, ticks_per_second: f64) -> Result<Self, ProcfsError> {
        let pid = top.pid().map_err(ProcfsError)?;
        let of = match &top {
            Top::Pid(_) => String::new(),
            Top::File(path) => format!(", which `{}` names", path.display()),
        };
        let found = read_stat(root, pid).ok_or_else(|| {
            ProcfsError(format!("there is no process {pid}{of}; expected a running process"))
        })?;
        let last = (pid, found.started);
        Ok(Self { root: root.to_owned(), top, last, page_bytes, ticks_per_second, before: None })
    }

    /// A sample now. `at` is the time on any clock that does not go back; the CPU share is that since the
    /// sample before, so the first one has none. What a process used that ended in between is not known.
    pub(crate) fn sample(&mut self, at: Duration) -> Sample {
        let pid = match self.top.pid() {
            Ok(pid) => pid,
            Err(problem) => return self.gone(problem),
        };
        let Some(top) = read_stat(&self.root, pid) else {
            return self.gone(format!("process {pid} has ended"));
        };
        let (last, now) = (self.last, (pid, top.started));
        if now != last && matches!(self.top, Top::Pid(_)) {
            return self.gone(format!("process {pid} has ended, another one has its number now"));
        }
        self.last = now;
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
        let is_restarted = now != last;
        let note = if is_restarted {
            Some(format!("the watched process was restarted: process {pid} after process {}", last.0))
        } else {
            files.is_none().then(|| "the open files of the process may not be counted".to_owned())
        };
        let pages: u64 = tree.iter().map(|stat| stat.rss_pages).sum();
        let resources = Resources {
            rss_mb: Some(pages as f64 * self.page_bytes / (1024.0 * 1024.0)),
            cpu_pct: self.cpu_percent(at, &ticks),
            threads: Some(tree.iter().map(|stat| stat.threads).sum()),
            open_files: files.map(|counts| counts.iter().sum()),
            process: Some(ProcessId { pid: Some(pid), started: top.started as f64 / self.ticks_per_second }),
            processes: Some(tree.len() as u64),
        };
        self.before = Some((at, ticks));
        Sample { resources: Some(resources), failed: None, restarts: u64::from(is_restarted), note }
    }

    fn gone(&mut self, note: String) -> Sample {
        self.before = None;
        Sample { resources: None, failed: Some(note.clone()), restarts: 0, note: Some(note) }
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
    stat(&String::from_utf8_lossy(&bytes)).filter(|stat| stat.pid == pid && !stat.has_ended)
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
    /// Whether it has ended, and only its exit code is left for its parent.
    has_ended: bool,
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
        has_ended: matches!(*fields.first()?, "Z" | "X" | "x"),
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
            self.sampler_of(Top::Pid(pid))
        }

        fn sampler_of(&self, top: Top) -> Result<Sampler, ProcfsError> {
            Sampler::below(self.0.path(), top, 4096.0, 100.0)
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
        assert_eq!((sample.failed, sample.restarts), (sample.note, 0));
        fs::remove_dir_all(proc.0.path().join("10")).expect("a folder");
        let sample = sampler.sample(Duration::ZERO);
        assert_eq!((sample.resources, sample.note.as_deref()), (None, Some("process 10 has ended")));
    }

    #[test]
    fn a_process_that_nobody_has_waited_for_uses_nothing_and_is_gone() {
        let proc = Proc::new();
        proc.put(10, 1, 1000, 50, 0);
        proc.put(11, 10, 5, 51, 0);
        let mut sampler = proc.sampler(10).expect("a process");
        let end = |pid: u32| {
            let stat = proc.0.path().join(pid.to_string()).join("stat");
            let text = fs::read_to_string(&stat).expect("a file");
            fs::write(&stat, text.replace(") S ", ") Z ")).expect("a file");
        };
        end(11);
        assert_eq!(used(&mut sampler, 1).processes, Some(1));
        end(10);
        let sample = sampler.sample(Duration::ZERO);
        assert_eq!((sample.resources, sample.failed.as_deref()), (None, Some("process 10 has ended")));
        assert!(proc.sampler(10).is_err());
    }

    #[test]
    fn a_pid_file_leads_to_the_process_that_comes_after_a_restart() {
        let proc = Proc::new();
        let file = proc.0.path().join("service.pid");
        let top = || Top::File(file.clone());
        let missing = proc.sampler_of(top()).expect_err("no file").to_string();
        assert!(
            missing.ends_with("service.pid` cannot be read: No such file or directory (os error 2)"),
            "{missing}"
        );
        fs::write(&file, "x\n").expect("a file");
        let wrong = proc.sampler_of(top()).expect_err("no number").to_string();
        assert!(wrong.ends_with("service.pid` contains no process number: `x `"), "{wrong}");
        fs::write(&file, " 10 \nmore\n").expect("a file");
        let none = proc.sampler_of(top()).expect_err("no process").to_string();
        assert!(
            none.starts_with("there is no process 10, which `") && none.contains("service.pid"),
            "{none}"
        );

        proc.put(10, 1, 1000, 50, 0);
        let mut sampler = proc.sampler_of(top()).expect("a process");
        let first = used(&mut sampler, 100);
        assert_eq!(first.process, Some(ProcessId { pid: Some(10), started: 0.5 }));
        // It ends, and the supervisor has not written the next number yet.
        fs::remove_dir_all(proc.0.path().join("10")).expect("a folder");
        let sample = sampler.sample(Duration::from_secs(110));
        assert_eq!((sample.resources, sample.restarts), (None, 0));
        assert_eq!(sample.failed.as_deref(), Some("process 10 has ended"));
        fs::write(&file, "12").expect("a file");
        proc.put(12, 1, 300, 9000, 0);
        let sample = sampler.sample(Duration::from_secs(120));
        assert_eq!((sample.restarts, sample.failed), (1, None));
        assert_eq!(
            sample.note.as_deref(),
            Some("the watched process was restarted: process 12 after process 10")
        );
        let now = sample.resources.expect("a process");
        assert_eq!(now.process, Some(ProcessId { pid: Some(12), started: 90.0 }));
        assert_eq!(now.cpu_pct, None, "the sample before failed");
        let sample = sampler.sample(Duration::from_secs(130));
        assert_eq!((sample.restarts, sample.note), (0, None));
        // The same number again, and between two samples: all that it used is of the time between them.
        proc.put(12, 1, 200, 9500, 0);
        let sample = sampler.sample(Duration::from_secs(140));
        assert_eq!((sample.restarts, sample.resources.and_then(|used| used.cpu_pct)), (1, Some(20.0)));
        fs::write(&file, "").expect("a file");
        let sample = sampler.sample(Duration::from_secs(150));
        assert!(sample.failed.is_some_and(|why| why.contains("contains no process number")));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_very_process_can_be_sampled() {
        let mut sampler = Sampler::new(Top::Pid(std::process::id())).expect("we are running");
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
        let expected = Stat {
            pid: 42,
            has_ended: false,
            parent: 7,
            ticks: 123,
            threads: 4,
            started: 9000,
            rss_pages: 256,
        };
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
