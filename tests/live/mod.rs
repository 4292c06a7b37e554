//! The live view of a run: documents, routes, and the page in a browser.
//!
//! The browser is Chromium; its tests run with `SOAK_E2E=1` (`make e2e`) and say when it is not installed.

mod browser;
mod documents;
mod http;
mod program;
mod run;
mod scrape;
mod serve;
