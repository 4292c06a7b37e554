//! How a server that is asked or written to knows us. Secrets stand in files that the arguments name.

use std::path::PathBuf;

use clap::Args;

/// Access to a server.
#[derive(Clone, Debug, Args)]
pub struct AccessArgs {
    /// File with the bearer token for the server [default: no token]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["basic_auth_user", "basic_auth_password_file"])]
    pub bearer_token_file: Option<PathBuf>,

    /// User for the server's basic authentication [default: none]
    #[arg(long, value_name = "USER", requires = "basic_auth_password_file")]
    pub basic_auth_user: Option<String>,

    /// File with the password for the server's basic authentication [default: none]
    #[arg(long, value_name = "FILE", requires = "basic_auth_user")]
    pub basic_auth_password_file: Option<PathBuf>,

    /// Further header for the server, `Name: value`; may be repeated (X-Scope-OrgID of Mimir) [default: none]
    // Read later: the parser of the command line would repeat a wrong one, and it may hold a secret.
    #[arg(long, value_name = "HEADER")]
    pub header: Vec<String>,
}
