//! A new policy while the server runs: taken when it is right, refused and told when it is not.

use std::time::Duration;

use serde_json::{Value, json};

use super::place::{Place, Policy, Server, delivery, until};
use super::stub::Stub;

fn reloads(server: &Server, result: &str) -> f64 {
    server.metric(&format!("soak_rollback_policy_reloads_total{{result=\"{result}\"}}"))
}

#[test]
fn a_good_policy_is_taken_and_a_bad_one_keeps_the_old_one_in_force_and_says_so() {
    let api = Stub::good();
    let policy = Policy::new(api.address);
    let place = Place::new(&policy);
    let server = place.serve(&["--live"]);
    let first = server.json("/status")["policy_sha256"].clone();

    place.write_policy(&policy.text().replace("name: Harder", "name: Hardest"));
    server.signal("HUP");
    until(Duration::from_secs(10), || (reloads(&server, "taken") == 1.0).then_some(()));
    let second = server.json("/status")["policy_sha256"].clone();
    assert_ne!(first, second);
    let (_, answer) = server.hook(&delivery("Harder", 1));
    assert_eq!(answer["responses"][0]["decision"], "unknown_alert");

    for (times, (text, words)) in [
        ("hard_gates: [".to_owned(), "not valid YAML"),
        (policy.text().replace("name: Harder", "nam: Harder"), "unknown key"),
        (policy.text().replace("environment:", "#"), "`environment` is missing"),
        (policy.text().replace("ADMIN_TOKEN", "NOWHERE_SET"), "the variable `NOWHERE_SET` is not set"),
    ]
    .into_iter()
    .enumerate()
    {
        place.write_policy(&text);
        server.signal("HUP");
        until(Duration::from_secs(10), || (reloads(&server, "refused") == (times + 1) as f64).then_some(()));
        let status = server.json("/status");
        assert_eq!(status["policy_sha256"], second);
        let problem = status["policy_problem"].as_str().unwrap_or_default();
        assert!(problem.contains(words), "{words}: {problem}");
        assert!(server.stderr().contains("the old one stays in force"), "{}", server.stderr());
        assert_eq!(server.metric("soak_rollback_policy_last_reload_successful"), 0.0);
    }
    let (_, answer) = server.hook(&delivery("Hard", 1));
    assert_eq!(answer["responses"][0]["decision"], "rollback", "the old policy acts");

    std::fs::remove_file(place.path("rollback.yaml")).expect("removed");
    server.signal("HUP");
    until(Duration::from_secs(10), || (reloads(&server, "refused") == 5.0).then_some(()));
    place.write_policy(&policy.text());
    server.signal("HUP");
    until(Duration::from_secs(10), || (reloads(&server, "taken") == 2.0).then_some(()));
    let status = server.json("/status");
    assert_eq!((&status["policy_sha256"], &status["policy_problem"]), (&first, &Value::Null));
    assert_eq!(server.metric("soak_rollback_policy_last_reload_successful"), 1.0);
    let told = place.events("policy_reloaded");
    assert_eq!(told.len(), 7);
    assert_eq!(told[0]["problem"], json!(null));
    assert!(told[1]["problem"].is_string());
    place.assert_log_is_whole();
}

#[test]
fn a_new_policy_that_names_another_log_is_told_that_the_one_in_use_stays_in_use() {
    let api = Stub::good();
    let policy =
        |log: &str| Policy { extra: format!("audit: {{log_path: {log}}}\n"), ..Policy::new(api.address) };
    let place = Place::new(&policy("log.jsonl"));
    let server = place.serve_with_the_policy_s_log();
    assert!(server.stderr().contains("this audit log is new"), "{}", server.stderr());
    place.write_policy(&policy("elsewhere.jsonl").text());
    server.signal("HUP");
    until(Duration::from_secs(10), || (reloads(&server, "taken") == 1.0).then_some(()));
    assert!(server.stderr().contains("the policy names another audit log"), "{}", server.stderr());
    assert!(!place.path("elsewhere.jsonl").exists());
    server.stop();
    place.write_policy(&policy("log.jsonl").text());
    let server = place.serve_with_the_policy_s_log();
    assert!(!server.stderr().contains("this audit log is new"), "{}", server.stderr());
}
