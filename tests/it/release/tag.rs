//! `soak release tag` in repositories of its own; skipped where there is no git.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::super::support::{Folder, Ran, Run, Step, overrides, program, ran};
use super::{Releases, placed};

/// A repository in `repo` with one commit, a bundle beside it, and what git says there.
struct Scratch {
    place: Folder,
}

fn git_in(folder: &Path, args: &[&str]) -> String {
    let out = Command::new("git").arg("-C").arg(folder).args(args).output().expect("git starts");
    assert!(out.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).trim_end().to_owned()
}

impl Scratch {
    /// `None` without git.
    fn new(run: &Run, args: &[&str]) -> Option<Self> {
        if Command::new("git").arg("--version").output().is_err() {
            return None;
        }
        let place = placed(run);
        place.built(args);
        let repo = place.file("repo");
        fs::create_dir(&repo).expect("a folder");
        for args in [
            &["init", "--quiet"][..],
            &["config", "user.email", "tester@example.com"],
            &["config", "user.name", "Tester"],
            &["config", "commit.gpgsign", "false"],
            &["config", "tag.gpgsign", "false"],
            &["commit", "--quiet", "--allow-empty", "--message", "one"],
        ] {
            git_in(&repo, args);
        }
        Some(Self { place })
    }

    fn git(&self, args: &[&str]) -> String {
        git_in(&self.place.file("repo"), args)
    }

    fn tag(&self, args: &[&str]) -> Ran {
        let mut command = program();
        command
            .current_dir(self.place.path())
            .args(["release", "tag", "--bundle", "out/v1", "--repo", "repo"])
            .args(args);
        ran(&mut command)
    }

    fn tags(&self) -> String {
        self.git(&["tag", "--list"])
    }
}

#[test]
fn a_tag_is_annotated_and_holds_the_kpis_and_the_hash_of_the_bundle() {
    let Some(scratch) = Scratch::new(&Run::releasable(), &[]) else { return };
    let tagged = scratch.tag(&[]);
    assert_eq!(tagged.code, 0, "{}", tagged.stderr);
    assert_eq!(scratch.git(&["cat-file", "-t", "refs/tags/v1"]), "tag");
    let object = scratch.git(&["cat-file", "-p", "refs/tags/v1"]);
    let verified = scratch.place.release(&["verify", "out/v1", "--format", "json"]).json();
    let hash = verified["bundle_sha256"].as_str().expect("a hash");
    for line in [
        "Release v1",
        "Verdict: PASS - ",
        "Freeze ready: yes",
        "Full-apply ratio: 1.000",
        "KPIs (last8: iterations 9-16, n=8):",
        "  net_bps: mean 3.200 bps, flat",
        "  [OK] median of risk_ratio: 0.330 (<= 0.4)",
        &format!("Bundle-SHA256: {hash}"),
    ] {
        assert!(object.contains(line), "{line}\n{object}");
    }
    assert_eq!(scratch.git(&["rev-parse", "refs/tags/v1^{commit}"]), scratch.git(&["rev-parse", "HEAD"]));
    assert!(
        tagged.stdout.contains("Not pushed. To push it: git push REMOTE refs/tags/v1"),
        "{}",
        tagged.stdout
    );
}

#[test]
fn the_message_survives_as_it_was_written() {
    // Git's own clean-up would take a line that begins with # away, and one of two blank lines.
    let run = Run::releasable();
    let Some(scratch) = Scratch::new(&run, &["--override", "# not a comment"]) else { return };
    assert_eq!(scratch.tag(&[]).code, 0);
    let object = scratch.git(&["cat-file", "tag", "refs/tags/v1"]);
    assert!(object.contains("Override: by tester at ") && object.contains(": # not a comment"), "{object}");
    scratch.git(&["config", "tag.cleanup", "strip"]);
    scratch.git(&["config", "core.commentChar", "R"]);
    assert_eq!(scratch.tag(&["--force"]).code, 0);
    assert!(scratch.git(&["cat-file", "tag", "refs/tags/v1"]).contains("Release v1"));
}

#[test]
fn a_dry_run_checks_and_writes_nothing() {
    let Some(scratch) = Scratch::new(&Run::releasable(), &[]) else { return };
    let planned = scratch.tag(&["--dry-run"]);
    assert_eq!(planned.code, 0);
    assert!(planned.stdout.contains("Tag `v1` would be made at "), "{}", planned.stdout);
    assert_eq!(scratch.tags(), "");
    scratch.git(&["tag", "v1"]);
    assert_eq!(scratch.tag(&["--dry-run"]).code, 1);
    assert!(scratch.tag(&["--dry-run", "--force"]).stdout.contains("would be replaced"));
    assert_eq!(scratch.git(&["cat-file", "-t", "refs/tags/v1"]), "commit", "the old tag is as it was");
}

#[test]
fn a_tag_that_is_there_stays_unless_forced_and_the_lookup_is_exact() {
    let Some(scratch) = Scratch::new(&Run::releasable(), &[]) else { return };
    // Names that a pattern or a prefix would take for the same.
    scratch.git(&["tag", "v1-other"]);
    scratch.git(&["tag", "old/v1"]);
    assert_eq!(scratch.tag(&[]).code, 0);
    let before = scratch.git(&["rev-parse", "refs/tags/v1"]);
    let refused = scratch.tag(&[]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("there is a tag `v1` already") && refused.stderr.contains("hint: `--force`")
    );
    assert_eq!(scratch.git(&["rev-parse", "refs/tags/v1"]), before);
    scratch.git(&["commit", "--quiet", "--allow-empty", "--message", "two"]);
    assert_eq!(scratch.tag(&["--force"]).code, 0);
    assert_eq!(scratch.git(&["rev-parse", "refs/tags/v1^{commit}"]), scratch.git(&["rev-parse", "HEAD"]));
}

#[test]
fn an_old_tag_is_not_lost_when_the_new_one_cannot_be_made() {
    let Some(scratch) = Scratch::new(&Run::releasable(), &[]) else { return };
    scratch.git(&["tag", "v1"]);
    // A program that signs nothing.
    scratch.git(&["config", "gpg.program", "false"]);
    let refused = scratch.tag(&["--force", "--sign"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("`git tag` failed"), "{}", refused.stderr);
    assert_eq!(scratch.git(&["cat-file", "-t", "refs/tags/v1"]), "commit", "the old tag is as it was");
    // Without --sign nothing is signed, also where git is told to.
    scratch.git(&["config", "tag.gpgsign", "true"]);
    assert_eq!(scratch.tag(&["--force"]).code, 0);
}

#[test]
fn only_a_clean_tree_is_tagged_and_the_bundle_itself_may_lie_in_it() {
    let Some(scratch) = Scratch::new(&Run::releasable(), &[]) else { return };
    let repo = scratch.place.file("repo");
    fs::write(repo.join("two words.txt"), "x").expect("a file");
    let refused = scratch.tag(&[]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("repo` is not clean: two words.txt"), "{}", refused.stderr);
    fs::remove_file(repo.join("two words.txt")).expect("removed");
    let inside = scratch.place.release(&["bundle", "--src", "run", "--out", "repo/release/v2", "--archive"]);
    assert_eq!(inside.code, 0, "{}", inside.stderr);
    let tagged = scratch.place.release(&["tag", "--bundle", "repo/release/v2", "--repo", "repo"]);
    assert_eq!(tagged.code, 0, "{}", tagged.stderr);
    assert_eq!(scratch.tag(&[]).code, 1, "for another bundle it is in the way");
    assert_eq!(scratch.tags(), "v2");
}

#[test]
fn the_commit_that_was_soaked_is_the_one_that_is_tagged() {
    let Some(scratch) = Scratch::new(&Run::releasable(), &["--commit", "0123456789abcdef"]) else { return };
    let refused = scratch.tag(&[]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("the bundle is of commit 0123456789abcdef, and `HEAD` is "),
        "{}",
        refused.stderr
    );
    let head = scratch.git(&["rev-parse", "HEAD"]);
    let named =
        scratch.place.release(&["bundle", "--src", "run", "--out", "out/v1", "--commit", &head[..10]]);
    assert_eq!(named.code, 0, "{}", named.stderr);
    scratch.git(&["commit", "--quiet", "--allow-empty", "--message", "two"]);
    assert_eq!(scratch.tag(&[]).code, 1);
    assert_eq!(scratch.tag(&["--target", "HEAD~1"]).code, 0);
    assert_eq!(scratch.git(&["rev-parse", "refs/tags/v1^{commit}"]), head);
    for target in ["nowhere", "refs/tags/x", "--all"] {
        assert_ne!(scratch.tag(&["--tag", "v9", &format!("--target={target}")]).code, 0, "{target}");
    }
    assert_eq!(scratch.tags(), "v1");
}

#[test]
fn a_rehearsal_is_tagged_as_one_and_a_broken_or_refused_bundle_never() {
    let sim = Run::releasable().edit(5, |value| value["source"] = serde_json::json!("sim"));
    let Some(scratch) = Scratch::new(&sim, &["--rehearsal"]) else { return };
    let refused = scratch.tag(&["--tag", "v1"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("does not end in `-rehearsal`"), "{}", refused.stderr);
    assert_eq!(scratch.tag(&[]).code, 0);
    assert_eq!(scratch.tags(), "v1-rehearsal");
    assert!(scratch.git(&["cat-file", "-p", "refs/tags/v1-rehearsal"]).contains("REHEARSAL of release"));
    let checklist = scratch.place.file("out/v1/CANARY_CHECKLIST.md");
    let mut text = fs::read_to_string(&checklist).expect("a file");
    text.push('x');
    fs::write(&checklist, text).expect("a file");
    let refused = scratch.tag(&["--force"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("the bundle cannot be tagged: "), "{}", refused.stderr);
}

#[test]
fn the_tag_of_an_overridden_failure_says_so() {
    let bad: Run = (1..=9).map(Step::bad).collect();
    let bad = bad.with_json("runtime_overrides.json", &overrides(60.0));
    let Some(scratch) = Scratch::new(&bad, &["--override", "the exchange was down"]) else { return };
    assert_eq!(scratch.tag(&[]).code, 0);
    let object = scratch.git(&["cat-file", "-p", "refs/tags/v1"]);
    for line in [
        "Verdict: FAIL - ",
        "Override: by tester at ",
        "In spite of: the verdict is FAIL",
        "[FAIL] mean of net_bps: 1.000 (>= 2.5)",
    ] {
        assert!(object.contains(line), "{line}\n{object}");
    }
}

#[test]
fn pushing_sends_the_tag_alone_and_its_failure_is_one() {
    let Some(scratch) = Scratch::new(&Run::releasable(), &[]) else { return };
    let remote = scratch.place.file("remote.git");
    fs::create_dir(&remote).expect("a folder");
    git_in(&remote, &["init", "--quiet", "--bare"]);
    let address = remote.to_str().expect("text");
    assert_eq!(scratch.tag(&["--push", address, "--dry-run"]).code, 0);
    assert_eq!(git_in(&remote, &["for-each-ref"]), "");
    let pushed = scratch.tag(&["--push", address]);
    assert_eq!(pushed.code, 0, "{}", pushed.stderr);
    let references = git_in(&remote, &["for-each-ref", "--format=%(refname)"]);
    assert_eq!(references, "refs/tags/v1");
    let failed = scratch.tag(&["--tag", "v2", "--push", "nowhere"]);
    assert_eq!(failed.code, 1);
    assert!(failed.stderr.contains("the tag `v2` was made, but not pushed"), "{}", failed.stderr);
    for remote in ["-x", "--upload-pack=x", "https://user:secret@example.com/r.git"] {
        let refused = scratch.tag(&["--tag", "v3", &format!("--push={remote}")]);
        assert_eq!(refused.code, 2, "{remote}");
    }
    assert_eq!(scratch.tags(), "v1\nv2");
}

#[test]
fn names_that_git_would_take_for_something_else_and_places_without_a_repository_are_refused() {
    let Some(scratch) = Scratch::new(&Run::releasable(), &[]) else { return };
    for name in ["-d", "--delete", "a b", "a\nb", "v*", "v1^", "a..b", "x.lock", "@", ""] {
        assert_eq!(scratch.tag(&[&format!("--tag={name}")]).code, 2, "{name:?}");
    }
    assert_eq!(scratch.tags(), "");
    let nowhere = scratch.place.release(&["tag", "--bundle", "out/v1", "--repo", "run"]);
    assert_eq!(nowhere.code, 1);
    assert!(nowhere.stderr.contains("`git rev-parse` failed"), "{}", nowhere.stderr);
    assert_eq!(scratch.place.release(&["tag", "--bundle", "nowhere", "--repo", "repo"]).code, 1);
}

/// Whether a process is there and does more than wait to be reaped.
#[cfg(target_os = "linux")]
fn lives(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').and_then(|(_, fields)| fields.split_whitespace().next());
    !matches!(state, None | Some("Z" | "X"))
}

#[cfg(target_os = "linux")]
#[test]
fn a_push_that_never_ends_is_given_up_with_everything_it_started() {
    let Some(scratch) = Scratch::new(&Run::releasable(), &[]) else { return };
    scratch.git(&["remote", "add", "slow", "ssh://127.0.0.1/nowhere.git"]);
    // In place of ssh: does not say a word, and leaves a child that does not either, and hears no TERM.
    let pids = scratch.place.file("pids");
    let script = format!(
        "#!/bin/sh\ntrap '' TERM\nsleep 300 &\necho $$ $! > '{}'\necho held >&2\nwait\nwait\n",
        pids.display()
    );
    let ssh = scratch.place.file("ssh");
    fs::write(&ssh, script).expect("a file");
    let started = std::time::Instant::now();
    let mut command = program();
    command
        .current_dir(scratch.place.path())
        .env("GIT_SSH_COMMAND", format!("sh '{}'", ssh.display()))
        .env("GIT_SSH_VARIANT", "ssh")
        .args(["release", "tag", "--bundle", "out/v1", "--repo", "repo", "--detailed-exitcode"])
        .args(["--push", "slow", "--push-timeout", "1.5"]);
    let given_up = ran(&mut command);
    assert_eq!(given_up.code, 6, "{}", given_up.stderr);
    assert!(started.elapsed() < std::time::Duration::from_secs(60), "{:?}", started.elapsed());
    let told = "the tag `v1` was made, but not pushed\n  because: `git push` did not end within 1.5 s and was stopped";
    assert!(given_up.stderr.contains(told), "{}", given_up.stderr);
    assert!(given_up.stdout.is_empty(), "{}", given_up.stdout);
    assert_eq!(scratch.tags(), "v1");
    let pids = fs::read_to_string(pids).expect("it was started");
    let pids: Vec<&str> = pids.split_whitespace().collect();
    assert_eq!(pids.len(), 2);
    for pid in pids {
        assert!(!lives(pid), "{pid} is still there");
    }
    // A time that is none.
    for wrong in ["0", "-1", "soon"] {
        assert_eq!(scratch.tag(&["--push", "slow", &format!("--push-timeout={wrong}")]).code, 2, "{wrong}");
    }
}
