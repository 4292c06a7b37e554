//! Against the real programs: Prometheus, Alertmanager, Pushgateway, `VictoriaMetrics`, a browser.

#![expect(clippy::disallowed_methods, reason = "these tests make folders and start programs")]

mod e2e;
mod live;
#[expect(dead_code, reason = "these tests need a part of it")]
#[path = "it/support.rs"]
mod support;
