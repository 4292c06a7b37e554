//! Arguments of `soak serve`.

use clap::Args;

use super::judging::JudgedRunArgs;
use super::values::{seconds, symbol};
use crate::infra::http_server::ListenAddress;

/// `soak serve`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak serve                                          http://127.0.0.1:9099/
  soak serve --path artifacts/soak/history/RUN_1 --listen 0
  soak serve --path /mnt/soak/latest --listen 0.0.0.0:9099 --every 10")]
pub struct ServeArgs {
    /// The run, and how it is judged.
    #[command(flatten)]
    pub judged: JudgedRunArgs,

    /// Show this symbol [default: the worst one when the run is first seen]
    #[arg(long, value_name = "SYMBOL", value_parser = symbol)]
    pub symbol: Option<String>,

    /// Address to listen on; a port alone means 127.0.0.1, port 0 any free one
    ///
    /// The page shows the run to everybody who reaches the address: there is no password.
    #[arg(long, value_name = "ADDR", default_value = "9099")]
    pub listen: ListenAddress,

    /// Look at the folder every so many seconds; a look that takes long is followed by a longer pause
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, value_parser = seconds)]
    pub every: f64,
}
