//! A server that is asked in Prometheus' language: where it is, for which series, how it knows us.

use clap::Args;

use super::access::AccessArgs;

/// A server.
#[derive(Clone, Debug, Args)]
pub struct ServerArgs {
    /// Server that is asked for the metrics, Prometheus or what speaks its language, with its path prefix if it has
    /// one [default: none]
    #[arg(long, value_name = "URL")]
    pub prometheus_url: Option<String>,

    /// What $selector stands for in the queries, e.g. `job="mm",env="soak"` [default: nothing]
    #[arg(long, value_name = "MATCHERS")]
    pub selector: Option<String>,

    /// How the server knows us.
    #[command(flatten)]
    pub access: AccessArgs,
}
