//! Iteration files that cannot be used: INVALID inside the window, a finding outside it, never a crash.

use super::{Gated, gate, message};
use crate::it::support::{Run, Step, name};

/// What may stand in a damaged file, and words of the reason.
fn damages() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let good = Step::good(9).json().to_string();
    let middle = good.len() / 2;
    let twice = good.replacen("\"net_bps\":3.2", "\"net_bps\":3.2,\"net_bps\":9.9", 1);
    assert_ne!(twice, good);
    vec![
        ("corrupt", br#"{"iteration": 9, "summary": }"#.to_vec(), "expected value at line 1 column 29"),
        ("cut off", good.as_bytes()[..middle].to_vec(), "the file is cut off at line 1"),
        ("empty", Vec::new(), "the file is empty"),
        ("white space", b" \r\n\t\n".to_vec(), "the file is empty"),
        ("a mark and nothing else", b"\xef\xbb\xbf".to_vec(), "the file is empty"),
        ("two documents", format!("{good}{good}").into_bytes(), "trailing characters"),
        ("a list", format!("[{good}]").into_bytes(), "is a list, expected an object"),
        ("a number", b"9".to_vec(), "is a number, expected an object"),
        ("text", br#""PASS""#.to_vec(), "is text, expected an object"),
        ("a key that stands twice", twice.into_bytes(), "duplicate key `net_bps`"),
        ("Latin-1", b"{\"symbol\": \"\xe4\"}".to_vec(), "byte 12 is not valid UTF-8"),
        ("UTF-16", b"\xff\xfe{\0}\0".to_vec(), "byte 0 is not valid UTF-8"),
        ("nesting without an end", "{\"a\":".repeat(100_000).into_bytes(), "nested deeper than 128"),
        (
            "lists without an end",
            format!("{{\"x\":{}", "[".repeat(100_000)).into_bytes(),
            "nested deeper than 128",
        ),
    ]
}

#[test]
fn a_damaged_file_in_the_window_is_invalid_and_the_sentence_names_it() {
    for (case, content, words) in damages() {
        let gated = gate(&Run::passing(12).with(&name(9), content));
        assert_eq!((gated.outcome(), gated.code), ("INVALID", 4), "{case}: {}", gated.reason());
        assert!(gated.reason().starts_with("`ITER_SUMMARY_9.json`: "), "{case}: {}", gated.reason());
        assert!(gated.reason().contains(words), "{case}: {}", gated.reason());
        let finding = gated.finding("unusable_file");
        assert_eq!((&finding["in_window"], &finding["iteration"]), (&true.into(), &9.into()), "{case}");
    }
}

#[test]
fn a_damaged_file_outside_the_window_is_a_finding_and_changes_no_verdict() {
    for (case, content, words) in damages() {
        let gated = gate(&Run::passing(24).with(&name(3), content));
        assert_eq!((gated.outcome(), gated.code), ("PASS", 0), "{case}: {}", gated.reason());
        let finding = gated.finding("unusable_file");
        assert_eq!((&finding["in_window"], &finding["iteration"]), (&false.into(), &3.into()), "{case}");
        assert_eq!(finding["file"], "ITER_SUMMARY_3.json", "{case}");
        assert!(message(finding).contains(words), "{case}: {}", message(finding));
    }
}

#[test]
fn the_first_file_of_the_window_counts_and_the_one_before_it_does_not() {
    // Of 12 iterations the last eight are 5 to 12.
    assert_eq!(gate(&Run::passing(12).with(&name(5), "{")).outcome(), "INVALID");
    assert_eq!(gate(&Run::passing(12).with(&name(4), "{")).outcome(), "PASS");
    // An unreadable newest file keeps its place: it does not let an older one slip in.
    let newest = gate(&Run::passing(12).with(&name(13), ""));
    newest.ends("INVALID", 4);
    assert_eq!(newest.check("run_verdict.pass_count")["window"]["first"], 6);
}

#[test]
fn all_bad_files_are_named_in_one_go() {
    let run = [5, 7, 9].into_iter().fold(Run::passing(12), |run, number| run.with(&name(number), "{"));
    let gated = gate(&run);
    gated.ends("INVALID", 4);
    for number in [5, 7, 9] {
        assert!(gated.reason().contains(&name(number)), "{}", gated.reason());
    }
    assert_eq!(gated.findings("unusable_file").len(), 3);
    assert_eq!(gated.check("integrity.files")["observed"], 3.0);
}

#[test]
fn more_bad_files_than_a_sentence_holds_are_counted() {
    let run = (3..=12).fold(Run::passing(12), |run, number| run.with(&name(number), "{"));
    let gated = Gated::of(&run.in_temp(), &["--last-n", "10"]);
    gated.ends("INVALID", 4);
    assert!(gated.reason().ends_with("10 files in all"), "{}", gated.reason());
    assert_eq!(gated.findings("unusable_file").len(), 10);
}

#[test]
fn nesting_in_a_key_that_nobody_reads_is_bounded_too() {
    let file = |levels: usize| {
        let deep = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        Step::good(9).json().to_string().replacen('{', &format!("{{\"extra\":{deep},"), 1)
    };
    gate(&Run::passing(12).with(&name(9), file(127))).ends("PASS", 0);
    gate(&Run::passing(12).with(&name(9), file(128))).ends("INVALID", 4);
}

#[test]
fn a_mark_at_the_start_and_windows_line_ends_are_read_like_any_file() {
    let text = format!("{:#}", Step::good(9).json());
    let windows = text.replace('\n', "\r\n");
    for content in [format!("\u{feff}{text}"), windows.clone(), format!("\u{feff}{windows}\r\n")] {
        let gated = gate(&Run::passing(12).with(&name(9), content));
        gated.ends("PASS", 0);
        let imputed = message(gated.finding("gross_imputed"));
        assert!(imputed.contains("in 12 iterations"), "all of the file is read: {imputed}");
        assert_eq!(gated.told["pass_count"], 8);
    }
}

#[test]
fn a_file_that_is_too_large_is_refused_without_reading_all_of_it() {
    let folder = Run::passing(12).without(&name(9)).in_temp();
    let file = std::fs::File::create(folder.file(&name(9))).expect("a file");
    // Sparse: takes no room on the disk.
    file.set_len(1 << 40).expect("a length");
    let gated = Gated::of(&folder, &[]);
    gated.ends("INVALID", 4);
    assert!(gated.reason().contains("is larger than 64 MiB"), "{}", gated.reason());
}

#[test]
fn two_files_of_one_number_are_a_corrupt_pair() {
    let pair = |number: u64| {
        Run::passing(24).with_json(&format!("ITER_SUMMARY_{number:03}.json"), &Step::good(number).json())
    };
    let inside = gate(&pair(20));
    inside.ends("INVALID", 4);
    assert!(
        inside.reason().contains("`ITER_SUMMARY_020.json`, `ITER_SUMMARY_20.json`"),
        "{}",
        inside.reason()
    );
    let outside = gate(&pair(7));
    outside.ends("PASS", 0);
    assert_eq!(outside.finding("duplicate_iteration")["in_window"], false);
}

#[test]
fn a_folder_named_like_an_iteration_is_told_as_such() {
    let folder = Run::passing(12).without(&name(9)).in_temp();
    std::fs::create_dir(folder.file(&name(9))).expect("a folder");
    let gated = Gated::of(&folder, &[]);
    gated.ends("INVALID", 4);
    assert!(gated.reason().contains("is a folder, not a file"), "{}", gated.reason());
}

#[cfg(unix)]
mod unix {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::Command;

    use super::{Gated, Run, name};

    #[test]
    fn links_that_lead_nowhere_are_named() {
        let folder = Run::passing(12).without(&name(9)).without(&name(11)).in_temp();
        symlink("not-there.json", folder.file(&name(9))).expect("a link");
        symlink(name(11), folder.file(&name(11))).expect("a link to itself");
        let gated = Gated::of(&folder, &[]);
        gated.ends("INVALID", 4);
        assert_eq!(gated.reason().matches("is a symbolic link that leads nowhere").count(), 2);
    }

    #[test]
    fn a_link_to_a_file_is_read_as_that_file() {
        let folder = Run::passing(12).in_temp();
        fs::rename(folder.file(&name(9)), folder.file("kept-elsewhere.json")).expect("moved");
        symlink("kept-elsewhere.json", folder.file(&name(9))).expect("a link");
        Gated::of(&folder, &[]).ends("PASS", 0);
    }

    #[test]
    fn a_pipe_named_like_an_iteration_is_never_opened() {
        let folder = Run::passing(12).without(&name(9)).in_temp();
        let made = Command::new("mkfifo").arg(folder.file(&name(9))).status();
        if !made.is_ok_and(|status| status.success()) {
            return;
        }
        // Opening it would block for ever: nobody writes into it.
        let gated = Gated::of(&folder, &[]);
        gated.ends("INVALID", 4);
        assert!(gated.reason().contains("is not a plain file"), "{}", gated.reason());
    }

    #[test]
    fn a_file_without_permission_is_named() {
        let folder = Run::passing(12).in_temp();
        fs::set_permissions(folder.file(&name(9)), fs::Permissions::from_mode(0o000)).expect("permissions");
        if fs::read(folder.file(&name(9))).is_ok() {
            // Root may read everything.
            return;
        }
        let gated = Gated::of(&folder, &[]);
        gated.ends("INVALID", 4);
        assert!(gated.reason().contains("`ITER_SUMMARY_9.json`: cannot be read"), "{}", gated.reason());
    }
}
