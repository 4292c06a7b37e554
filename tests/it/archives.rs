//! An archive of a run is read where its folder is, and gives the same verdict and the same numbers.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use soak::core::kpi::KpiTable;
use soak::core::load::{Loaded, load};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::support::{Ran, Run, program, ran};

/// Every file below a folder, hidden ones too.
fn files(folder: &Path, above: &str) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        let name = format!("{above}{}", entry.file_name().into_string().expect("a plain name"));
        if entry.path().is_dir() {
            found.extend(files(&entry.path(), &format!("{name}/")));
        } else {
            found.push((name, fs::read(entry.path()).expect("a file")));
        }
    }
    found
}

fn tar(files: &[(String, Vec<u8>)], above: &str) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, format!("{above}{name}"), bytes.as_slice()).expect("packed");
    }
    builder.into_inner().expect("packed")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).expect("packed");
    gzip.finish().expect("packed")
}

fn zip(files: &[(String, Vec<u8>)], above: &str) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(format!("{above}{name}"), SimpleFileOptions::default()).expect("packed");
        writer.write_all(bytes).expect("packed");
    }
    writer.finish().expect("packed").into_inner()
}

/// The run in a folder in all forms: with a leading folder, without, below several, and under a name that says another.
fn packed(folder: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let files = files(folder, "");
    vec![
        ("run.tar.gz", gzip(&tar(&files, "run/"))),
        ("run.tgz", gzip(&tar(&files, "./"))),
        ("run.tar", tar(&files, "artifacts/soak/latest/")),
        ("run.zip", zip(&files, "run/")),
        ("bare.zip", zip(&files, "")),
        ("really.tar.gz", zip(&files, "run/")),
        ("really-a-tar.bin", tar(&files, "")),
    ]
}

fn fixtures() -> Vec<PathBuf> {
    let all = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")).expect("fixtures");
    let mut folders: Vec<PathBuf> =
        all.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn soak(folder: &Path, words: &[&str]) -> Ran {
    ran(program().current_dir(folder).env("SOAK_NOW", "2026-02-01T00:00:00Z").args(words))
}

/// The JSON without what names the input.
fn nameless(ran: &Ran) -> Value {
    let mut value = ran.json();
    let without = |value: &mut Value| {
        let Some(object) = value.as_object_mut() else { return };
        for key in ["archive", "base_dir", "path", "runs"] {
            object.remove(key);
        }
    };
    without(&mut value);
    for side in ["a", "b"] {
        value.get_mut(side).map(without);
    }
    value
}

#[test]
fn an_archive_of_every_fixture_holds_what_its_folder_does() {
    let kpis = KpiTable::default();
    let mut read = 0;
    for fixture in fixtures() {
        let expected = load(&fixture, &kpis).expect("a folder");
        // A file that lies beside the folder is not in its archive.
        let place = tempfile::tempdir().expect("a folder");
        for (name, bytes) in packed(&fixture) {
            let path = place.path().join(name);
            fs::write(&path, &bytes).expect("written");
            let Loaded { folder, evidence } = load(&path, &kpis).expect("an archive");
            let archive = evidence.archive.clone().expect("its name");
            assert_eq!(
                (folder.path(), archive.name.as_str(), archive.sha256.len()),
                (path.as_path(), name, 64)
            );
            let mut evidence = evidence;
            evidence.archive = None;
            assert_eq!(evidence, expected.evidence, "{} as {name}", fixture.display());
            read += 1;
        }
    }
    assert!(read > 70, "{read}");
}

#[test]
fn an_archive_of_several_runs_is_refused_with_their_names() {
    let files = [
        "may/a/ITER_SUMMARY_1.json",
        "may/b/ITER_SUMMARY_1.json",
        "may/b/ITER_SUMMARY_2.json",
        "may/notes.md",
    ]
    .map(|name| (name.to_owned(), b"{}".to_vec()));
    let place = tempfile::tempdir().expect("a folder");
    fs::write(place.path().join("two.tgz"), gzip(&tar(&files, ""))).expect("written");
    let told = soak(place.path(), &["gate", "two.tgz"]);
    assert_eq!((told.code, told.stdout.as_str()), (1, ""));
    assert_eq!(
        told.stderr,
        "error: the archive `two.tgz` holds several runs: `may/a`, `may/b`\n\
         hint: pack one run: `tar czf run.tar.gz -C FOLDER .`, or unpack it and name the folder\n"
    );
}

#[test]
fn every_fixture_gets_the_same_verdict_and_the_same_artifacts_from_its_archive() {
    for fixture in fixtures() {
        let place = tempfile::tempdir().expect("a folder");
        let (name, bytes) = packed(&fixture).swap_remove(0);
        fs::write(place.path().join(name), bytes).expect("written");
        let path = fixture.to_str().expect("a plain name");
        let words = |path, out| ["gate", path, "--out", out, "--format", "json", "--detailed-exitcode"];
        let of_folder = soak(place.path(), &words(path, "of-folder"));
        let of_archive = soak(place.path(), &words(name, "of-archive"));
        assert_eq!(of_archive.code, of_folder.code, "{path}: {}", of_archive.stderr);
        assert_eq!(nameless(&of_archive), nameless(&of_folder), "{path}");
        let snapshot = |out: &str| fs::read(place.path().join(out).join("POST_SOAK_SNAPSHOT.json")).ok();
        assert_eq!(snapshot("of-archive"), snapshot("of-folder"), "{path}");
    }
}

#[test]
fn every_command_that_reads_a_run_reads_its_archive_and_writes_nothing_beside_it() {
    let run = Run::releasable();
    let folder = run.in_temp_below("run");
    let (name, bytes) = packed(&folder.file("run")).swap_remove(0);
    fs::write(folder.file(name), bytes).expect("written");
    for words in [
        &["gate", "RUN", "--format", "json"][..],
        &["analyze", "RUN", "--format", "json"],
        &["audit", "RUN", "--format", "json"],
        &["extract", "RUN"],
        &["deltas", "verify", "RUN", "--format", "json"],
        &["selftest", "RUN", "--format", "json"],
        &["compare", "RUN", "RUN", "--format", "json"],
        &["compare", "--a", "RUN", "--b", "RUN", "--format", "json"],
        &["release", "bundle", "RUN", "--out", "v1", "--dry-run", "--format", "json"],
    ] {
        let of = |path: &str| {
            let words: Vec<&str> =
                words.iter().map(|word| if *word == "RUN" { path } else { word }).collect();
            soak(folder.path(), &words)
        };
        // The archive first: what the folder's commands write is no part of it.
        let (of_archive, of_folder) = (of(name), of("run"));
        assert_eq!(of_archive.code, 0, "{words:?}: {}", of_archive.stderr);
        let without_artifacts = |ran: &Ran| {
            let mut value = nameless(ran);
            let object = value.as_object_mut().expect("an object");
            object.remove("artifacts");
            object.remove("files");
            value
        };
        assert_eq!(without_artifacts(&of_archive), without_artifacts(&of_folder), "{words:?}");
        // What the folder's commands wrote is taken away again, for the next.
        fs::remove_dir_all(folder.file("run")).expect("removed");
        run.write(&folder.file("run"));
        let mut there: Vec<_> = fs::read_dir(folder.path())
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        there.sort();
        assert_eq!(there, ["run", name], "{words:?}");
    }
    let metrics = |path| soak(folder.path(), &["export-prom", path]);
    assert_eq!((metrics(name).code, metrics(name).stdout), (0, metrics("run").stdout));
    let tried = soak(folder.path(), &["config", "test", "--policy", "p.toml", name]);
    assert!(tried.stderr.contains("p.toml"), "{}", tried.stderr);
    let recorded = soak(
        folder.path(),
        &["release", "readiness", "record", name, "--chaos", "OK", "--bug-bash", "OK", "--drift", "NONE"],
    );
    assert!(!recorded.stderr.contains("folder"), "{}", recorded.stderr);
}

#[test]
fn results_name_the_archive_and_its_hash() {
    let folder = Run::releasable().in_temp_below("run");
    let (name, bytes) = packed(&folder.file("run")).swap_remove(3);
    fs::write(folder.file(name), &bytes).expect("written");
    let sha256 = soak::infra::artifacts::manifest::sha256_hex(&bytes);
    let expected = serde_json::json!({"name": name, "sha256": sha256});
    let json = |words: &[&str]| soak(folder.path(), words).json();
    assert_eq!(json(&["gate", name, "--format", "json"])["archive"], expected);
    assert_eq!(json(&["audit", name, "--format", "json"])["archive"], expected);
    assert_eq!(json(&["compare", name, "run", "--format", "json"])["a"]["archive"], expected);
    assert_eq!(json(&["compare", name, "run", "--format", "json"])["b"]["archive"], Value::Null);
    assert_eq!(json(&["release", "bundle", name, "--out", "v1", "--format", "json"])["archive"], expected);
    assert_eq!(soak(folder.path(), &["release", "verify", "v1"]).code, 0);
    let gate = soak(folder.path(), &["gate", name, "--out", "out"]);
    assert!(
        gate.stdout.contains(&format!("Path:         {name}\nSHA-256:      {sha256}\n")),
        "{}",
        gate.stdout
    );
    for file in ["POST_SOAK_AUDIT.md", "RECOMMENDATIONS.md", "reports/analysis/report.html"] {
        let text = folder.text(&format!("out/{file}"));
        assert!(text.contains(name) && text.contains(&sha256), "{file}");
    }
    assert_eq!(folder.json("out/reports/analysis/POST_SOAK_ANALYSIS.json")["archive"], expected);
}

#[test]
fn without_a_folder_to_write_into_a_note_says_so_and_a_flag_that_asks_for_a_file_is_refused() {
    let folder = Run::passing(16).in_temp_below("run");
    let (name, bytes) = packed(&folder.file("run")).swap_remove(0);
    fs::write(folder.file(name), &bytes).expect("written");
    let note = "note: `run.tar.gz` is an archive: nothing is written without `--out DIR`\n";
    for words in [
        &["gate", name][..],
        &["analyze", name],
        &["extract", name],
        &["audit", name],
        &["deltas", "verify", name],
    ] {
        assert_eq!(soak(folder.path(), words).stderr, note, "{words:?}");
    }
    for words in [
        &["gate", name, "--prometheus"][..],
        &["extract", name, "--prometheus"],
        &["analyze", name, "--plots"],
        &["audit", name, "--plots"],
    ] {
        let refused = soak(folder.path(), words);
        assert_eq!(refused.code, 2, "{words:?}");
        assert!(refused.stderr.contains(&format!("`{}` needs `--out`", words[2])), "{}", refused.stderr);
        let written = soak(folder.path(), &[words, &["--out", "out"]].concat());
        assert_eq!(written.code, 0, "{words:?}: {}", written.stderr);
    }
    assert!(folder.file("out/POST_SOAK_METRICS.prom").is_file() && folder.file("out/plots").is_dir());
    assert_eq!(soak(folder.path(), &["audit", "pr-summary", "out/POST_SOAK_AUDIT_SUMMARY.json"]).code, 0);
}

#[test]
fn an_audited_run_is_summed_up_from_its_archive() {
    let folder = Run::passing(16).in_temp_below("run");
    assert_eq!(soak(folder.path(), &["audit", "run"]).code, 0);
    let (name, bytes) = packed(&folder.file("run")).swap_remove(0);
    fs::write(folder.file(name), &bytes).expect("written");
    let summed = |path| soak(folder.path(), &["audit", "pr-summary", path]);
    assert_eq!((summed(name).code, summed(name).stdout), (0, summed("run").stdout));
}

#[test]
fn a_run_below_the_top_is_found_as_in_a_folder() {
    let folder = Run::passing(8).in_temp_below("soak/latest");
    Run::passing(8).failing(&[1, 2, 3, 4, 5]).write(&folder.file("soak/history/2026-01-01T000000Z"));
    fs::write(folder.file("soak.tgz"), gzip(&tar(&files(&folder.file("soak"), ""), "soak/")))
        .expect("written");
    let gate = soak(folder.path(), &["gate", "soak.tgz"]);
    assert_eq!(gate.code, 0, "{}", gate.stderr);
    assert!(
        gate.stderr.contains("`soak.tgz` has no iteration files, `soak.tgz/latest` has; that one is read"),
        "{}",
        gate.stderr
    );
}

#[test]
fn an_archive_that_cannot_be_used_is_an_error_as_a_bad_folder_is() {
    let run = Run::passing(8).in_temp_below("run");
    let whole = gzip(&tar(&files(&run.file("run"), ""), "run/"));
    let mut linked = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    linked.append_link(&mut header, "latest", "RUN_1").expect("packed");
    fs::write(run.file("cut.tar.gz"), &whole[..whole.len() / 2]).expect("written");
    fs::write(run.file("link.tar"), linked.into_inner().expect("packed")).expect("written");
    fs::write(run.file("run.tar.xz"), b"\xfd7zXZ\0......").expect("written");
    fs::write(run.file("notes.zip"), b"no archive at all").expect("written");
    let said = |name: &str| {
        let Ran { code, stdout, stderr } = soak(run.path(), &["gate", name, "--detailed-exitcode"]);
        assert_eq!((code, stdout.as_str()), (4, ""), "{name}: {stderr}");
        assert_eq!(soak(run.path(), &["gate", name]).code, 1);
        stderr
    };
    insta::assert_snapshot!(["cut.tar.gz", "link.tar", "run.tar.xz", "notes.zip"].map(said).concat(), @r"
        error: the archive `cut.tar.gz` cannot be used: it ends in the middle
        hint: pack the run again: `tar -czf run.tar.gz DIR`
        error: the archive `link.tar` cannot be used: `latest` is a symbolic link that does not lead to a folder in the archive
        hint: pack what links lead to: `tar --dereference --hard-dereference -czf run.tar.gz DIR`
        error: the archive `run.tar.xz` cannot be used: its format is xz; .tar.gz, .tgz, .tar and .zip are read
        hint: pack the run again: `tar -czf run.tar.gz DIR`
        error: `notes.zip` is not a folder
        hint: a run is a folder, or a .tar.gz, .tgz, .tar or .zip of one
        ");
    let compared = soak(run.path(), &["compare", "run", "cut.tar.gz", "--detailed-exitcode"]);
    assert_eq!(compared.code, 4);
    assert!(compared.stderr.contains("it ends in the middle"), "{}", compared.stderr);
}

/// The iterations of a run in one file, in the order of their numbers: plain, and compressed as `gzip` and `zstd` do.
fn in_one_file(folder: &Path) -> [(&'static str, Vec<u8>); 3] {
    let mut lines: Vec<(u64, String)> = files(folder, "")
        .into_iter()
        .filter_map(|(name, bytes)| {
            let (_, number) = soak::core::load::parse_name(&name)?;
            let value: Value = serde_json::from_slice(&bytes).expect("JSON");
            Some((number, format!("{value}\n")))
        })
        .collect();
    lines.sort();
    let text: String = lines.into_iter().map(|(_, line)| line).collect();
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    let zstd = ruzstd::encoding::compress_to_vec(text.as_bytes(), level);
    [
        ("ITERATIONS.ndjson.gz", gzip(text.as_bytes())),
        ("ITERATIONS.ndjson.zst", zstd),
        ("ITERATIONS.ndjson", text.into_bytes()),
    ]
}

/// A run in `run`, and beside it the same in a file each below `gz`, `zst`, `ndjson` and `run.tar.gz`.
fn with_one_file(run: &Run) -> super::support::Folder {
    let folder = run.in_temp_below("run");
    for (name, bytes) in files(&folder.file("run"), "") {
        // On one line too, so that an error is at the same place.
        let value: Value = serde_json::from_slice(&bytes).expect("JSON");
        fs::write(folder.file("run").join(name), value.to_string()).expect("written");
    }
    for (name, bytes) in in_one_file(&folder.file("run")) {
        let below = folder.file(name.rsplit('.').next().expect("an ending"));
        fs::create_dir(&below).expect("a folder");
        fs::write(below.join(name), bytes).expect("written");
    }
    let packed = gzip(&tar(&files(&folder.file("gz"), ""), "run/"));
    fs::write(folder.file("run.tar.gz"), packed).expect("written");
    folder
}

#[test]
fn every_command_that_reads_a_run_reads_its_iterations_from_one_file() {
    for words in [
        &["gate", "RUN", "--format", "json"][..],
        &["analyze", "RUN", "--format", "json"],
        &["audit", "RUN", "--format", "json"],
        &["extract", "RUN"],
        &["deltas", "verify", "RUN", "--format", "json"],
        &["selftest", "RUN", "--format", "json"],
        &["compare", "RUN", "RUN", "--format", "json"],
    ] {
        // Anew for each: what a command writes into a folder is not in the archive.
        let folder = with_one_file(&Run::passing(16));
        let of = |path: &str| {
            let words: Vec<&str> =
                words.iter().map(|word| if *word == "RUN" { path } else { word }).collect();
            soak(folder.path(), &words)
        };
        let expected = of("run");
        let without_artifacts = |ran: &Ran| {
            let mut value = nameless(ran);
            // The audit lists the files of the folder, which are others.
            for key in ["artifacts", "inventory"] {
                value.as_object_mut().expect("an object").remove(key);
            }
            value
        };
        for path in ["ndjson", "gz", "zst", "run.tar.gz"] {
            let ran = of(path);
            assert_eq!(ran.code, expected.code, "{words:?} {path}: {}", ran.stderr);
            assert_eq!(without_artifacts(&ran), without_artifacts(&expected), "{words:?} {path}");
        }
    }
    let folder = with_one_file(&Run::passing(16));
    let metrics = |path| soak(folder.path(), &["export-prom", path]).stdout;
    assert_eq!(metrics("gz"), metrics("run"));
}

#[test]
fn a_line_that_cannot_be_used_is_named_with_its_place() {
    let folder = with_one_file(&Run::passing(16));
    let text = folder.text("ndjson/ITERATIONS.ndjson");
    fs::write(folder.file("ndjson/ITERATIONS.ndjson"), &text[..text.len() - 20]).expect("written");
    let ran = soak(folder.path(), &["gate", "ndjson", "--detailed-exitcode"]);
    assert_eq!(ran.code, 4, "{}", ran.stdout);
    assert!(ran.stdout.contains("`ITERATIONS.ndjson:16`: the file is cut off at line 1"), "{}", ran.stdout);

    // A line of the window twice.
    let twice = text.lines().nth(12).expect("a line of the window");
    fs::write(folder.file("ndjson/ITERATIONS.ndjson"), format!("{text}{twice}\n")).expect("written");
    let ran = soak(folder.path(), &["gate", "ndjson", "--detailed-exitcode"]);
    assert_eq!(ran.code, 4, "{}", ran.stdout);
    let expected = "iteration 13 is there more than once: `ITERATIONS.ndjson:13`, `ITERATIONS.ndjson:17`";
    assert!(ran.stdout.contains(expected), "{}", ran.stdout);
}

#[test]
fn a_file_of_iterations_that_cannot_be_read_is_an_error() {
    let folder = with_one_file(&Run::passing(16));
    let cut = |name: &str| {
        let path = folder.file(name);
        let bytes = fs::read(&path).expect("a file");
        fs::write(&path, &bytes[..bytes.len() / 2]).expect("written");
    };
    cut("gz/ITERATIONS.ndjson.gz");
    fs::copy(folder.file("zst/ITERATIONS.ndjson.zst"), folder.file("ndjson/ITERATIONS.ndjson.zst"))
        .expect("copied");
    let said = |name: &str| {
        let Ran { code, stdout, stderr } = soak(folder.path(), &["gate", name, "--detailed-exitcode"]);
        assert_eq!((code, stdout.as_str()), (4, ""), "{name}: {stderr}");
        stderr
    };
    insta::assert_snapshot!(["gz", "ndjson"].map(said).concat(), @r"
    error: the iterations in `gz/ITERATIONS.ndjson.gz` cannot be read: the file ends in the middle
    hint: a run has one ITERATIONS.ndjson, or one that `gzip` or `zstd` has compressed
    error: the iterations in `ndjson/ITERATIONS.ndjson` cannot be read: the file is not alone: `ITERATIONS.ndjson.zst` is there too
    hint: a run has one ITERATIONS.ndjson, or one that `gzip` or `zstd` has compressed
    ");
}
