//! `/proc/PID/stat` of Linux: the fields that sampling needs (`proc_pid_stat(5)`).
//!
//! Opens no file.

/// What a process used, in the kernel's units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Its number.
    pub pid: u32,
    /// The number of its parent.
    pub parent: u32,
    /// User and system time of itself since it started, clock ticks.
    pub ticks: u64,
    /// Threads.
    pub threads: u64,
    /// When it started, clock ticks since boot: tells it from a later process with its number.
    pub started: u64,
    /// Resident memory, pages.
    pub rss_pages: u64,
}

/// Reads the line. `None` when it is none.
///
/// The name in brackets may hold blanks and brackets: it ends at the last closing one.
pub fn stat(text: &str) -> Option<Stat> {
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
