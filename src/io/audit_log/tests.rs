//! The log on real files: whole, torn, damaged, shared.

use super::*;

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn entry(bytes: u64) -> Entry {
    Entry { at: DateTime::UNIX_EPOCH, mode: Mode::DryRun, event: LogEvent::TornLine { bytes } }
}

/// Writes entries and gives the numbers of others' lines that were heard.
fn write(log: &mut AuditLog, entries: &[u64]) -> Result<Vec<u64>, AuditLogError> {
    let mut heard = Vec::new();
    let entries = entries.iter().map(|bytes| entry(*bytes)).collect();
    log.transact(&mut heard, |heard: &mut Vec<u64>, line| heard.push(line.seq), |_, _| (entries, ()))?;
    Ok(heard)
}

#[test]
fn lines_are_chained_and_read_again() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("deep/er/log.jsonl");
    let mut log = AuditLog::open(&path)?;
    assert!(write(&mut log, &[1, 2])?.is_empty() && write(&mut log, &[3])?.is_empty());
    let mut seen = Vec::new();
    let (head, torn) = read(&path, &mut |line| seen.push(line.event.clone()))?;
    assert_eq!((&head, torn), (log.head(), 0));
    assert_eq!(seen, [1, 2, 3].map(|bytes| LogEvent::TornLine { bytes }));
    Ok(())
}

#[test]
fn each_writer_hears_what_the_other_wrote_before_it_decides() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("log");
    let (mut first, mut second) = (AuditLog::open(&path)?, AuditLog::open(&path)?);
    write(&mut first, &[1])?;
    assert_eq!(write(&mut second, &[2])?, [1]);
    let mut heard = Vec::new();
    let next = first.transact(
        &mut heard,
        |heard: &mut Vec<u64>, line| heard.push(line.seq),
        |heard, next| (Vec::new(), (heard.clone(), next)),
    )?;
    assert_eq!(next, (vec![2], 3));
    Ok(())
}

#[test]
fn a_torn_last_line_is_taken_off_and_told() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("log");
    write(&mut AuditLog::open(&path)?, &[1, 2, 3])?;
    let whole = std::fs::read(&path)?;
    let start_of_last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').ok_or("lines")? + 1;
    for cut in [start_of_last + 1, start_of_last + 40, whole.len() - 1] {
        std::fs::write(&path, &whole[..cut])?;
        assert_eq!(read(&path, &mut |_| ())?.1, (cut - start_of_last) as u64);
        write(&mut AuditLog::open(&path)?, &[9])?;
        let mut seen = Vec::new();
        let (_, torn) = read(&path, &mut |line| seen.push(line.event.clone()))?;
        let bytes = (cut - start_of_last) as u64;
        assert_eq!(torn, 0);
        assert_eq!(seen[2..], [LogEvent::TornLine { bytes }, LogEvent::TornLine { bytes: 9 }]);
    }
    Ok(())
}

#[test]
fn any_other_damage_is_refused_with_its_line() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("log");
    write(&mut AuditLog::open(&path)?, &[1, 2, 3])?;
    let text = std::fs::read_to_string(&path)?;
    let lines: Vec<&str> = text.lines().collect();
    for (damaged, line) in [
        (format!("{}\n{}\n", lines[0], lines[2]), 2),
        (format!("{}\n{}\n{}\n", lines[1], lines[0], lines[2]), 1),
        (format!("{}\n{}\n{}\n", lines[0], lines[1].replace("\"bytes\":2", "\"bytes\":5"), lines[2]), 2),
        (format!("{}\n\n{}\n", lines[0], lines[1]), 2),
        (format!("{}\n{}\n{}\nnonsense\n", lines[0], lines[1], lines[2]), 4),
    ] {
        std::fs::write(&path, &damaged)?;
        let refused = write(&mut AuditLog::open(&path)?, &[4]);
        assert!(matches!(refused, Err(AuditLogError::Damaged { line: at, .. }) if at == line), "{damaged}");
        assert_eq!(std::fs::read_to_string(&path)?, damaged, "what is damaged is left as it is");
    }
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_log_that_was_moved_or_is_a_link_is_refused() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("log");
    let mut log = AuditLog::open(&path)?;
    write(&mut log, &[1])?;
    std::fs::rename(&path, folder.path().join("log.1"))?;
    assert!(matches!(write(&mut log, &[2]), Err(AuditLogError::Moved { .. })));
    std::os::unix::fs::symlink(folder.path().join("log.1"), &path)?;
    assert!(matches!(AuditLog::open(&path), Err(AuditLogError::NoFile { .. })));
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_log_that_was_exchanged_or_shortened_stays_refused_and_one_that_came_back_is_taken() -> TestResult {
    let folder = tempfile::tempdir()?;
    let (path, aside) = (folder.path().join("log"), folder.path().join("aside"));
    let mut log = AuditLog::open(&path)?;
    write(&mut log, &[1, 2])?;
    let whole = std::fs::read(&path)?;
    std::fs::rename(&path, &aside)?;
    for _ in 0..2 {
        assert!(matches!(write(&mut log, &[3]), Err(AuditLogError::Moved { .. })));
        assert!(!path.exists(), "no new log is begun in its place");
        log.rewind();
    }
    std::fs::write(&path, "")?;
    assert!(matches!(write(&mut log, &[3]), Err(AuditLogError::Moved { .. })));
    std::fs::rename(&aside, &path)?;
    log.rewind();
    assert_eq!(write(&mut log, &[3])?, [1, 2], "everything is heard again");
    for content in [&b""[..], &whole] {
        std::fs::write(&path, content)?;
        for _ in 0..2 {
            assert!(matches!(write(&mut log, &[4]), Err(AuditLogError::Moved { .. })));
            log.rewind();
        }
    }
    Ok(())
}

#[test]
fn a_file_that_is_no_log_is_refused_and_left_as_it_is() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("notes");
    for precious in ["precious", "{\"seq\":2,\"at\":\"", "{}", "\0", "precious\n", "[1, 2"] {
        std::fs::write(&path, precious)?;
        let refused = write(&mut AuditLog::open(&path)?, &[1]);
        assert!(matches!(refused, Err(AuditLogError::Damaged { line: 1, .. })), "{precious:?}");
        assert!(matches!(read(&path, &mut |_| ()), Err(AuditLogError::Damaged { line: 1, .. })));
        assert_eq!(std::fs::read_to_string(&path)?, precious);
    }
    // The beginning of a first line that was cut short is ours.
    for torn in ["{", "{\"seq\":1,\"at\":\"2026-01-01T00:00:00.000Z\",\"mo"] {
        std::fs::write(&path, torn)?;
        write(&mut AuditLog::open(&path)?, &[1])?;
        let mut seen = Vec::new();
        read(&path, &mut |line| seen.push(line.event.clone()))?;
        assert_eq!(seen, [torn.len() as u64, 1].map(|bytes| LogEvent::TornLine { bytes }));
    }
    Ok(())
}
