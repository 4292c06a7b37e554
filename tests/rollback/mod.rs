//! `soak rollback` as its users meet it: the real program, a trading system and chats that only take notes, and
//! kills at the steps where they hurt.

#![cfg(unix)]
#![expect(clippy::print_stderr, reason = "the figures of the load test are told")]
#![expect(
    clippy::disallowed_methods,
    reason = "these tests start programs and are their clients and servers"
)]

mod commands;
mod consequences;
mod hooks;
mod killed;
mod load;
mod malformed;
mod place;
mod reload;
mod requests;
mod stub;
mod tls;
mod verification;

type TestResult = Result<(), Box<dyn std::error::Error>>;
