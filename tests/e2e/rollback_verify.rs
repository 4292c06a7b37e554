//! The verification of a rollback against a real Prometheus that looks at the trading system seldom: what it knows from
//! before the actions proves nothing.

use std::io::Write;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::e2e::has;
use crate::e2e::servers::{prometheus_with, read_request, serve};

/// A trading system that shows these metrics `before` it is told to stop, and `after`.
fn trading(before: &'static str, after: &'static str) -> u16 {
    let is_stopped = Arc::new(AtomicBool::new(false));
    let address = serve(move |mut connection| {
        let Some((head, _)) = read_request(&connection) else { return };
        let text = if head.starts_with("PUT") {
            is_stopped.store(true, Ordering::SeqCst);
            String::new()
        } else {
            let shown = if is_stopped.load(Ordering::SeqCst) { after } else { before };
            format!("{shown}\n")
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            text.len()
        );
        // A client that has gone is its own affair.
        let _ = connection.write_all((head + &text).as_bytes());
    });
    address.port()
}

/// Rolls back by hand, and the verification that the log has of it.
fn rolled_back(trading: u16, seconds: u32, condition: &str) -> (Output, Value) {
    let config = format!(
        "global:\n  scrape_interval: 3s\nscrape_configs:\n  - job_name: mm\n    static_configs:\n      - targets: \
         ['127.0.0.1:{trading}']\n"
    );
    let prometheus = prometheus_with(&config, &[]);
    // Until the metric is known from before the actions.
    let begun = std::time::Instant::now();
    let ask = || {
        ureq::get(format!("{}/api/v1/query?query=mm_active_orders", prometheus.url))
            .call()
            .ok()?
            .body_mut()
            .read_to_string()
            .ok()
    };
    while !ask().is_some_and(|text| text.contains("mm_active_orders")) {
        assert!(begun.elapsed().as_secs() < 40, "prometheus does not scrape");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let place = tempfile::tempdir().expect("a folder");
    let policy = format!(
        "version: \"1.0\"\nenvironment: any\nhard_gates: [{{name: Hard}}]\nauto_rollback:\n  enabled: true\n  actions:\n  \
         - {{type: scale_strategy, params: {{target: 0}}}}\n  verification:\n    interval_seconds: 0.1\n    checks:\n    \
         - {{metric: mm_active_orders, condition: \"{condition}\", timeout_seconds: {seconds}}}\n\
         executors: {{scale_strategy: {{http: {{method: PUT, url: \"http://127.0.0.1:{trading}/scale\"}}}}}}\n\
         prometheus: {{url: \"{}\", scrape_interval_seconds: 3}}\n",
        prometheus.url
    );
    std::fs::write(place.path().join("rollback.yaml"), policy).expect("written");
    let output = Command::new(env!("CARGO_BIN_EXE_soak"))
        .args([
            "rollback",
            "run",
            "--live",
            "--reason",
            "to see it",
            "--policy",
            "rollback.yaml",
            "--log",
            "log",
        ])
        .current_dir(place.path())
        .output()
        .expect("the program starts");
    let log = std::fs::read_to_string(place.path().join("log")).expect("a log");
    let verified = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find(|line| line["event"]["type"] == "verified")
        .unwrap_or_else(|| panic!("no verification: {log} {output:?}"));
    (output, verified["event"]["data"].clone())
}

#[test]
fn a_sample_from_before_the_actions_verifies_no_rollback() {
    if !has("prometheus") {
        return;
    }
    // All seems well before, and is not afterwards.
    let (output, verified) = rolled_back(trading("mm_active_orders 0", "mm_active_orders 5"), 8, "== 0");
    assert_eq!(verified["verified"], false, "{verified}");
    assert_eq!(verified["checks"][0]["observed"], "5", "{verified}");
    assert!(!output.status.success());
    // The other way round it waits for the next scrape and believes that.
    let (output, verified) = rolled_back(trading("mm_active_orders 5", "mm_active_orders 0"), 20, "== 0");
    assert_eq!(verified["verified"], true, "{verified}");
    assert_eq!(verified["checks"][0]["observed"], "0", "{verified}");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn several_series_must_all_hold_and_one_that_is_not_a_number_does_not() {
    const BEFORE: &str = "mm_active_orders{symbol=\"a\"} 3\nmm_active_orders{symbol=\"b\"} 4";
    if !has("prometheus") {
        return;
    }
    for (after, condition, holds) in [
        ("mm_active_orders{symbol=\"a\"} 0\nmm_active_orders{symbol=\"b\"} 0", "== 0", true),
        ("mm_active_orders{symbol=\"a\"} 0\nmm_active_orders{symbol=\"b\"} 1", "== 0", false),
        ("mm_active_orders{symbol=\"a\"} 0\nmm_active_orders{symbol=\"b\"} NaN", "!= 7", false),
    ] {
        let (output, verified) = rolled_back(trading(BEFORE, after), if holds { 20 } else { 8 }, condition);
        assert_eq!(verified["verified"], holds, "{after}: {verified}");
        let observed = format!("2 series, {}", if holds { "all so" } else { "not all so" });
        assert_eq!(verified["checks"][0]["observed"], observed.as_str(), "{after}: {verified}");
        assert_eq!(output.status.success(), holds, "{output:?}");
    }
}

#[test]
fn a_trading_system_that_is_not_scraped_any_more_verifies_nothing() {
    if !has("prometheus") {
        return;
    }
    let trading = {
        // Answers once to a scrape, takes the action, and shows nothing any more.
        let is_stopped = Arc::new(AtomicBool::new(false));
        serve(move |mut connection| {
            let Some((head, _)) = read_request(&connection) else { return };
            let is_put = head.starts_with("PUT");
            if is_put {
                is_stopped.store(true, Ordering::SeqCst);
            }
            let text = if is_put { "" } else { "mm_active_orders 0\n" };
            let status = if is_put || !is_stopped.load(Ordering::SeqCst) { "200 OK" } else { "500 No" };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: \
                 close\r\n\r\n",
                text.len()
            );
            let _ = connection.write_all((head + text).as_bytes());
        })
        .port()
    };
    let (output, verified) = rolled_back(trading, 5, "== 0");
    assert_eq!(verified["verified"], false, "{verified}");
    let observed = verified["checks"][0]["observed"].as_str().unwrap_or_default().to_owned();
    assert!(["not scraped since the actions", "no series"].contains(&observed.as_str()), "{observed}");
    assert!(!output.status.success());
}
