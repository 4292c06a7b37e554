//! The published policy, the earlier shape, and every way to get it wrong.

use proptest::prelude::*;
use serde_json::json;

use super::condition::{Condition, Operator, Subject};
use super::read::{read, selector, url};
use super::*;
use crate::core::config::Value as ConfigValue;

const PUBLISHED: &str = include_str!("../../../deploy/policies/rollback.yaml");

/// The shape that policies had before executors, environments and recovery.
const OF_OLD: &str = r##"
version: "1.0"
hard_gates:
  - {name: SoakLatencyP95High, description: d, severity: critical, action: rollback}
soft_gates:
  - {name: SoakWSLagHigh, description: d, severity: warning, action: notify}
auto_rollback:
  enabled: true
  cooldown_minutes: 15
  actions:
    - {type: scale_strategy, params: {target: 0}, description: d}
    - {type: circuit_state, params: {state: OPEN}, description: d}
    - {type: freeze_orders, params: {enabled: true}, description: d}
    - {type: notify, params: {channels: [oncall, slack], priority: critical}, description: d}
  verification:
    wait_seconds: 60
    checks:
      - {metric: mm_active_orders_total, condition: "== 0", timeout_seconds: 300}
      - {metric: mm_circuit_breaker_state, condition: "state == 'open'", timeout_seconds: 30}
notifications:
  oncall: {enabled: true, method: pagerduty, escalation_policy: trading}
  slack: {enabled: true, channel: "#a", mention: "@here"}
  email: {enabled: false, recipients: []}
audit:
  enabled: true
  log_path: /var/log/mm-bot/rollback_audit.jsonl
  include_metrics: true
  include_stack_trace: true
"##;

fn policy(text: &str) -> RollbackPolicy {
    read(text, "p.yaml").unwrap_or_else(|problems| panic!("{problems}"))
}

fn problems(text: &str) -> Vec<String> {
    let problems = read(text, "p.yaml").expect_err("a policy that is wrong");
    problems.to_string().lines().map(str::to_owned).collect()
}

#[test]
fn the_published_policy_is_whole() {
    let policy = policy(PUBLISHED);
    let names = |gates: &[Gate]| gates.iter().map(|gate| gate.name.clone()).collect::<Vec<_>>();
    assert_eq!(
        names(&policy.hard_gates),
        [
            "SoakLatencyP95High",
            "SoakDeadlineMissRate",
            "SoakEdgeDegradation",
            "SoakMDCacheHitRatio",
            "SoakCircuitBreakerOpen",
            "SoakGuardTrip"
        ]
    );
    assert_eq!(names(&policy.soft_gates), ["SoakMakerTakerImbalance", "SoakWSLagHigh"]);
    assert_eq!(policy.gaps(), Vec::<String>::new());
    assert_eq!(policy.auto.cooldown, Duration::from_secs(15 * 60));
    let actions: Vec<String> = policy.auto.actions.iter().map(Action::words).collect();
    assert_eq!(
        actions[..3],
        ["scale_strategy target=0", "circuit_state state=OPEN", "freeze_orders enabled=true"]
    );
    assert_eq!(policy.auto.actions[3].channels(), ["oncall", "slack"]);
    let checks = &policy.auto.verification.checks;
    assert_eq!(checks[0].subject, Subject::Metric("mm_active_orders".to_owned()));
    assert_eq!(checks[0].condition, Condition::Value(Operator::Equal, 0.0));
    assert_eq!(checks[0].timeout, Duration::from_secs(300));
    let scale = &policy.executors[&ActionKind::ScaleStrategy];
    assert_eq!((scale.tries, scale.is_idempotent), (3, true));
    let Means::Http { headers, .. } = &scale.means else { panic!("a request") };
    let token = SecretSource::Env("MM_ADMIN_TOKEN".to_owned());
    assert_eq!(headers["Authorization"], HeaderValue::Secret { prefix: "Bearer ".to_owned(), source: token });
    assert_eq!(policy.recovery.actions.len(), 4);
    assert_eq!(policy.recovery.actions[0].on_failure, OnFailure::Stop);
    // Soft gates wake nobody up.
    assert_eq!(policy.quiet_channels(), ["slack"]);
}

#[test]
fn a_policy_of_old_loads_and_its_gaps_are_reported() {
    let policy = policy(OF_OLD);
    assert_eq!(policy.auto.actions.len(), 4);
    assert!(policy.audit.include_causes);
    let Service::PagerDuty { routing_key, escalation_policy, .. } = &policy.channels["oncall"].service else {
        panic!("pagerduty")
    };
    assert_eq!(
        (routing_key, escalation_policy.as_str()),
        (&SecretSource::Env("PAGERDUTY_ROUTING_KEY".to_owned()), "trading")
    );
    let keys: Vec<String> =
        policy.gaps().iter().map(|gap| gap.split('`').nth(1).unwrap_or_default().to_owned()).collect();
    assert_eq!(
        keys,
        [
            "environment",
            "executors.scale_strategy",
            "executors.circuit_state",
            "executors.freeze_orders",
            "prometheus"
        ]
    );
}

#[test]
fn all_errors_are_reported_at_once_with_line_and_column() {
    let text = "version: \"2.0\"\nhard_gates:\n  - nam: A\n    severity: warning\nauto_rollback:\n  enabled: maybe\n  \
                cooldown_minutes: -1\n  actions:\n    - type: scale_strateg\n      params: {target: 0}\n  surprise: 1\n";
    assert_eq!(
        problems(text),
        [
            "`p.yaml`:1:10: `version`: is `2.0`, and only \"1.0\" is known",
            "`p.yaml`:3:5: `hard_gates[0].nam`: unknown key, did you mean `hard_gates[0].name`?",
            "`p.yaml`:3:5: `hard_gates[0].name`: is missing, expected a string",
            "`p.yaml`:4:15: `hard_gates[0].severity`: is `warning`, and gates of this list are `critical`",
            "`p.yaml`:6:12: `auto_rollback.enabled`: expected `true` or `false`, found a string",
            "`p.yaml`:7:21: `auto_rollback.cooldown_minutes`: is -1, expected 0 to 10080",
            "`p.yaml`:9:13: `auto_rollback.actions[0].type`: unknown action `scale_strateg` (did you mean \
             `scale_strategy`?); expected `scale_strategy`, `circuit_state`, `freeze_orders`, `notify`",
            "`p.yaml`:11:3: `auto_rollback.surprise`: unknown key",
        ]
    );
}

#[test]
fn each_mistake_has_its_words() {
    let with = |old: &str, new: &str| {
        assert!(PUBLISHED.contains(old), "{old}");
        PUBLISHED.replacen(old, new, 1)
    };
    for (text, words) in [
        (with("hard_gates:\n", "hard_gates: []\nx:\n"), "no alert leads to a rollback; name at least one"),
        (
            with("  on_failure: continue\n  actions:\n", "  actions: []\n  x:\n"),
            "a rollback without actions does nothing",
        ),
        (with("environment:\n", "environment: prod\nx:\n"), "expected `any`"),
        (with("    env: [prod]", "    {}"), "names no label"),
        (with("    env: [prod]", "    env: []"), "names no value"),
        (
            with("params: {target: 0}", "params: {}"),
            "`auto_rollback.actions[0].params.target`: is missing, expected a number",
        ),
        (with("params: {target: 0}", "params: {target: -1}"), "is -1, expected 0 to"),
        (with("params: {target: 0}", "params: {target: 0, to: 1}"), "params.to`: unknown key"),
        (with("state: OPEN", "state: AJAR"), "unknown state `AJAR`; expected `OPEN`, `CLOSED`, `HALF_OPEN`"),
        (with("enabled: true}", "enabled: \"true\"}"), "expected `true` or `false`, found a string"),
        (
            with("[oncall, slack]", "[oncal]"),
            "`oncal` is no channel of `notifications` (did you mean `oncall`?)",
        ),
        (with("[oncall, slack]", "[]"), "names no channel"),
        (
            with("priority: critical", "priority: loud"),
            "unknown priority `loud`; expected `critical`, `error`, `warning`, `info`",
        ),
        (with("condition: \"== 0\"", "condition: zero"), "`zero` is no condition"),
        (with("- metric: mm_active_orders\n", "- metric: sum(x)\n"), "use `query` for PromQL"),
        (
            with("- metric: mm_active_orders\n", "- query: sum(x)\n        metric: x\n"),
            "either a `metric` or a `query`",
        ),
        (
            with("- metric: mm_circuit_breaker_state", "- query: x"),
            "a condition on a label is for a `metric`",
        ),
        (with("method: PUT", "method: GET"), "unknown method `GET`"),
        (
            with("url: http://127.0.0.1:8081/admin/strategy/scale", "url: http://u:p@h/"),
            "holds user or password",
        ),
        (with("url: http://127.0.0.1:9090", "url: file:///etc/passwd"), "begins with http:// or https://"),
        (with("selector: env=\"prod\"", "selector: \"}) or vector(0\""), "no list of label matchers"),
        (with("name: SoakGuardTrip", "name: \"Soak\\nGuard\""), "is no name of an alert"),
        (with("{env: MM_ADMIN_TOKEN, prefix: \"Bearer \"}", "Bearer hush"), "a policy contains no secrets"),
        (with("{env: MM_ADMIN_TOKEN, prefix: \"Bearer \"}", "{env: A, file: b}"), "one place of a secret"),
        (with("{env: PAGERDUTY_ROUTING_KEY}", "hush"), "a policy contains no secrets"),
        (with("{{params.target}}", "{{params.targe}}"), "`{{params.targe}}` is unknown"),
        (with("{{reason}}", "{{reason"), "`{{` is not closed"),
        (
            with("      tries: 3", "      tries: 3\n      idempotent: false"),
            "more than one try needs `idempotent: true`",
        ),
        (with("executors:\n", "executors:\n  notify: {}\n"), "notifications go through the channels"),
        (with("executors:\n", "executors:\n  reboot: {}\n"), "`reboot` is no action"),
        (with("  email:\n    enabled: false", "  email:\n    enabled: true"), "soak sends no e-mail"),
        (with("method: telegram", "method: pigeon"), "`pigeon` is no notifier"),
        (with("name: SoakGuardTrip", "name: SoakWSLagHigh"), "is in the policy twice"),
        (with("version: \"1.0\"", "version: 1.0"), "expected a string, found a float"),
        (
            with("causes: [SoakCircuitBreakerOpen]", "causes: [SoakCircuitBreaker]"),
            "`SoakCircuitBreaker` is no gate of this policy (did you mean `SoakCircuitBreakerOpen`?)",
        ),
        (with("causes: [SoakCircuitBreakerOpen]", "causes: SoakGuardTrip"), "expected a list of strings"),
        (with("causes: [SoakCircuitBreakerOpen]", "causes: [SoakGuardTrip, SoakGuardTrip]"), "twice"),
        (
            with("priority: critical}\n", "priority: critical}\n      causes: [SoakGuardTrip]\n"),
            "a notification brings no alert about",
        ),
        (
            with("params: {state: CLOSED}", "params: {state: CLOSED}\n      causes: [SoakGuardTrip]"),
            "means nothing on the way back",
        ),
        (with("remember_alerts: 10000", "remember_alerts: 99"), "is 99, expected 100 to 1000000"),
        (with("lock_wait_seconds: 300", "lock_wait_seconds: -1"), "is -1, expected 0 to 3600"),
        (with("scrape_interval_seconds: 15", "scrape_interval_seconds: 0"), "is 0, expected 0.1 to 3600"),
        (
            with("- metric: mm_active_orders\n", "- query: sum(mm_active_orders)\n")
                .replace("scrape_interval_seconds: 15", "scrape_interval_seconds: 61"),
            "`auto_rollback.verification.wait_seconds`: is 60, below `prometheus.scrape_interval_seconds` (61)",
        ),
        (with("audit:\n", "audit:\n  logpath: x\n"), "unknown key, did you mean `audit.log_path`?"),
        (with("audit:\n", "environment: any\naudit:\n"), "not valid YAML"),
        (String::new(), "is empty"),
        ("- a\n".to_owned(), "expected a table, found a list"),
        ("a: [\n".to_owned(), "not valid YAML"),
    ] {
        let found = problems(&text).join("\n");
        assert!(found.contains(words), "expected {words:?} in:\n{found}");
    }
}

#[test]
fn a_wait_as_long_as_a_scrape_interval_is_long_enough_for_a_query_and_a_metric_needs_none() {
    let query = PUBLISHED.replace("- metric: mm_active_orders\n", "- query: sum(mm_active_orders)\n");
    policy(&query.replace("scrape_interval_seconds: 15", "scrape_interval_seconds: 60"));
    policy(&PUBLISHED.replace("scrape_interval_seconds: 15", "scrape_interval_seconds: 61"));
}

#[test]
fn a_command_is_a_list_and_its_program_fixed() {
    let exec = |command: &str| {
        let at = PUBLISHED.find("  freeze_orders:\n    http:").expect("an executor");
        let end = PUBLISHED.find("\nnotifications:").expect("an end");
        format!(
            "{}  freeze_orders:\n    exec: {{command: {command}}}\n{}",
            &PUBLISHED[..at],
            &PUBLISHED[end..]
        )
    };
    let found = policy(&exec("[/bin/mm, freeze, \"{{params.enabled}}\"]"));
    let executor = &found.executors[&ActionKind::FreezeOrders];
    assert_eq!((executor.tries, executor.is_idempotent), (1, false));
    for (command, words) in [
        ("\"mm freeze; rm -rf /\"", "no shell reads it"),
        ("[]", "names no program"),
        ("[\"{{reason}}\"]", "the program itself takes no placeholders"),
        ("[mm, \"{{x}}\"]", "`{{x}}` is unknown"),
    ] {
        let found = problems(&exec(command)).join("\n");
        assert!(found.contains(words), "{command}: {found}");
    }
}

#[test]
fn nesting_without_end_and_aliases_that_explode_are_refused() {
    let deep = "[".repeat(100_000);
    assert!(read(&deep, "p").is_err());
    let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (name, of) in
        ["b", "c", "d", "e", "f", "g", "h", "i"].iter().zip(["a", "b", "c", "d", "e", "f", "g", "h"])
    {
        bomb += &(name.to_string() + ": &" + name + " [" + &vec![format!("*{of}"); 9].join(",") + "]\n");
    }
    assert!(read(&bomb, "p").is_err());
}

fn selected(text: &str) -> Result<String, String> {
    selector(&ConfigValue::Text(text.to_owned()))
}

#[test]
fn matchers_are_taken_with_and_without_braces() {
    for (text, inner) in [
        ("", ""),
        ("{}", ""),
        ("env=\"prod\"", "env=\"prod\""),
        (" {env=\"prod\", exchange=~'a|b' ,} ", "env=\"prod\", exchange=~'a|b' ,"),
        ("a!=\"b\\\"c,}\",d!~\"\\\\\"", "a!=\"b\\\"c,}\",d!~\"\\\\\""),
    ] {
        assert_eq!(selected(text).as_deref(), Ok(inner), "{text}");
    }
    for bad in
        ["}) or vector(0", "env", "env=prod", "env=\"prod", "1a=\"b\"", "a=\"b\" c=\"d\"", ",", "a==\"b\""]
    {
        assert!(selected(bad).is_err(), "{bad}");
    }
}

#[test]
fn an_address_is_http_with_a_host() {
    let read = |text: &str| url(&ConfigValue::Text(text.to_owned()));
    for good in ["http://127.0.0.1:9090", "https://a.example/x?y=1"] {
        assert!(read(good).is_ok(), "{good}");
    }
    for bad in [
        "file:///etc/passwd",
        "ftp://a",
        "127.0.0.1:9090",
        "http://",
        "http:///x",
        "http://a b",
        "http://u@h/",
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_text_makes_the_loader_panic(text in "\\PC{0,400}") {
        drop(read(&text, "p"));
    }

    #[test]
    fn no_change_of_the_published_policy_makes_the_loader_panic(
        at in 0..PUBLISHED.len(), gone in 0..200usize, put in "[\\[\\]{}:,&*!|>'\"\\-a-z0-9 \n\t#%@]{0,20}",
    ) {
        let mut bytes = PUBLISHED.as_bytes().to_vec();
        let end = (at + gone).min(bytes.len());
        bytes.splice(at..end, put.bytes());
        if let Ok(text) = String::from_utf8(bytes) {
            drop(read(&text, "p"));
        }
    }
}

fn stand_in(name: &str) -> Option<Value> {
    match name {
        "params.target" => Some(json!(0)),
        "reason" => Some(json!("he said \"stop\"\n")),
        "params.enabled" => Some(json!(true)),
        _ => None,
    }
}

#[test]
fn a_placeholder_alone_keeps_its_type_and_one_in_a_text_is_written_out() {
    let body = json!({"target": "{{params.target}}", "on": "{{ params.enabled }}",
        "why": "because {{reason}} ({{params.target}})", "list": ["{{reason}}", 1, null]});
    let filled = json!({"target": 0, "on": true,
        "why": "because he said \"stop\"\n (0)", "list": ["he said \"stop\"\n", 1, null]});
    assert_eq!(fill_body(&body, &stand_in), filled);
}

#[test]
fn the_value_of_a_placeholder_cannot_break_out_of_the_json() {
    let evil = |_: &str| Some(json!("\", \"target\": 5, \"x\": \"{{reason}}"));
    let filled = fill_body(&json!({"why": "{{reason}}", "target": 0}), &evil);
    assert_eq!(filled["target"], 0);
    assert_eq!(filled.as_object().map(serde_json::Map::len), Some(2));
    assert_eq!(filled["why"], "\", \"target\": 5, \"x\": \"{{reason}}");
}

#[test]
fn a_template_with_an_unknown_name_or_no_end_is_refused() {
    let known = ["reason".to_owned()];
    assert_eq!(check_text("x {{reason}} y", &known), Ok(()));
    assert_eq!(check_text("x {{reason y", &known), Err("`{{` is not closed by `}}`".to_owned()));
    let error = check_body(&json!([{"a": "{{raeson}}"}]), &known).expect_err("unknown");
    assert_eq!(error, "`{{raeson}}` is unknown; there are `reason`");
}

#[test]
fn braces_that_are_no_placeholder_stay() {
    assert_eq!(fill_text("{a} }} {", &stand_in), "{a} }} {");
}
