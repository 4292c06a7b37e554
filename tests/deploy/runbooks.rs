//! Runbooks: every alert has one, links lead somewhere, commands are understood, metrics exist.

use std::collections::BTreeSet;
use std::path::Path;

use crate::deploy::files::{names, path, spans, text, word};
use crate::deploy::{commands, rules};

const FOLDER: &str = "deploy/runbooks";

/// Targets of the links in a Markdown text.
fn links(text: &str) -> Vec<String> {
    text.split("](").skip(1).filter_map(|part| Some(part.split_once(')')?.0.to_owned())).collect()
}

/// Markdown files for users, of which links and commands are checked.
pub(crate) fn documents() -> Vec<String> {
    let folders = [FOLDER, "deploy/guides", "deploy/prometheus", ".github"];
    let files = folders
        .iter()
        .flat_map(|folder| names(folder, ".md").into_iter().map(move |name| format!("{folder}/{name}")));
    ["README.md", "deploy/README.md"].map(ToOwned::to_owned).into_iter().chain(files).collect()
}

/// The anchors that GitHub makes of the headings of a Markdown text.
fn anchors(text: &str) -> Vec<String> {
    let headings =
        text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let kept = |c: char| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        _ => c.is_alphanumeric().then(|| c.to_ascii_lowercase()),
    };
    headings.map(|heading| heading.chars().filter_map(kept).collect()).collect()
}

#[test]
fn every_alert_has_a_runbook_of_its_own_and_no_runbook_is_without_an_alert() {
    let alerts: BTreeSet<String> =
        rules::alerts().iter().map(|alert| word(&alert["alert"]).to_owned()).collect();
    let files: BTreeSet<String> = names(FOLDER, ".md")
        .iter()
        .filter_map(|name| name.strip_suffix(".md").filter(|name| name.starts_with("Soak")))
        .map(ToOwned::to_owned)
        .collect();
    assert_eq!(files, alerts);
    for alert in rules::alerts() {
        let url = word(&alert["annotations"]["runbook_url"]).to_owned();
        let file = url.strip_prefix("{{ $externalLabels.runbooks }}/").expect("the external label first");
        assert!(path(FOLDER).join(file).is_file(), "{url}");
    }
}

#[test]
fn a_runbook_says_where_to_look_what_to_do_and_when_it_is_over() {
    for name in names(FOLDER, ".md").iter().filter(|name| name.starts_with("Soak")) {
        let text = text(&format!("{FOLDER}/{name}"));
        assert!(text.starts_with(&format!("# {}\n", name.trim_end_matches(".md"))), "{name}");
        for heading in ["\n## Look\n", "\n## Do\n", "\n## It is over when\n"] {
            assert!(text.contains(heading), "{name} has no{heading}");
        }
    }
}

#[test]
fn the_runbooks_for_people_are_there_and_the_index_has_all() {
    let index = links(&text(&format!("{FOLDER}/README.md")));
    for name in names(FOLDER, ".md").iter().filter(|name| *name != "README.md") {
        assert!(index.contains(name), "{name} is not in the index");
    }
    for name in ["failed-soak", "manual-rollback", "interpreting-results", "canary", "gate-override"] {
        assert!(index.contains(&format!("{name}.md")), "{name}");
    }
}

#[test]
fn every_link_leads_to_a_file() {
    let mut count = 0;
    for name in documents() {
        for link in links(&text(&name)).into_iter().filter(|link| !link.starts_with("https://")) {
            let (target, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let file = match target {
                "" => path(&name),
                _ => path(&name).parent().expect("a folder").join(target),
            };
            assert!(Path::new(&file).exists(), "{name} links to `{link}`");
            if !anchor.is_empty() {
                let headings = std::fs::read_to_string(&file).map(|text| anchors(&text)).expect("a text");
                assert!(headings.iter().any(|heading| heading == anchor), "{name} links to `{link}`");
            }
            count += 1;
        }
    }
    assert!(count > 90, "only {count} links found");
}

#[test]
fn every_command_line_is_understood() {
    let mut count = 0;
    for name in documents() {
        for (line, is_typed) in commands::in_markdown(&text(&name)) {
            assert_eq!(commands::problem(&line, is_typed), None, "{name}");
            count += 1;
        }
    }
    assert!(count > 150, "only {count} command lines found");
}

#[test]
fn metrics_that_are_named_exist() {
    let mut count = 0;
    for name in documents() {
        for span in spans(&text(&name)) {
            let is_name = span.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':');
            let is_metric =
                ["mm_", "soak_", "instance:", "instance_guard:"].iter().any(|begin| span.starts_with(begin));
            if is_name && is_metric {
                let is_family = rules::is_known(&span) || rules::is_known(&format!("{span}_bucket"));
                assert!(is_family, "{name} names `{span}`");
                count += 1;
            }
        }
    }
    assert!(count > 40, "only {count} metrics found");
}
