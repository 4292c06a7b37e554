//! A server that is asked or written to: where it is, for which series, how it knows us. Secrets stand in files that
//! the arguments name.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;

use super::values::header;
use crate::core::verdict::failure::Failure;
use crate::infra::atomic_file;
use crate::infra::http::{Auth, Target};
use crate::infra::secret::Secret;

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

/// The server at this URL; `hint` says what a URL looks like.
pub(crate) fn target(url: &str, args: &AccessArgs, hint: &str) -> Result<Target, Failure> {
    let headers = args.header.iter().map(|text| {
        let (name, value) =
            header(text).map_err(|problem| Failure::usage(anyhow!("`--header`: {problem}")))?;
        Ok((name, Secret::from(value)))
    });
    let headers = headers.collect::<Result<Vec<_>, Failure>>()?;
    Target::new(url, &auth(args)?, &headers).map_err(|error| Failure::usage(error).hint(hint))
}

fn auth(args: &AccessArgs) -> Result<Auth, Failure> {
    if let Some(file) = &args.bearer_token_file {
        return Ok(Auth::Bearer(secret(file)?));
    }
    match (&args.basic_auth_user, &args.basic_auth_password_file) {
        (Some(user), Some(file)) => Ok(Auth::Basic { user: user.clone(), password: secret(file)? }),
        _ => Ok(Auth::None),
    }
}

fn secret(file: &Path) -> Result<Secret, Failure> {
    let text = atomic_file::read_text(file).map_err(Failure::input)?;
    if text.trim().is_empty() {
        return Err(Failure::usage(anyhow!("`{}` is empty, expected a secret in it", file.display())));
    }
    Ok(Secret::from(text))
}
