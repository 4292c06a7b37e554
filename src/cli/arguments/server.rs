//! A server that is asked or written to: where it is, for which series, how it knows us. Secrets stand in files that
//! the arguments name.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;

use super::environment;
use super::values::header;
use crate::core::verdict::failure::Failure;
use crate::infra::atomic_file;
use crate::infra::http::{Auth, Target};
use crate::infra::secret::Secret;

/// A server.
#[derive(Clone, Debug, Default, Args)]
pub struct ServerArgs {
    /// Server that is asked for the metrics, Prometheus or what speaks its language, with its path prefix if it has
    /// one [default: $SOAK_PROMETHEUS_URL]
    #[arg(long, value_name = "URL")]
    pub prometheus_url: Option<String>,

    /// What $selector stands for in the queries, e.g. `job="mm",env="soak"` [default: $SOAK_PROMETHEUS_SELECTOR, else
    /// nothing]
    #[arg(long, value_name = "MATCHERS")]
    pub selector: Option<String>,

    /// How the server knows us: flags, else $SOAK_PROMETHEUS_TOKEN, $SOAK_PROMETHEUS_TOKEN_FILE and
    /// $SOAK_PROMETHEUS_HEADERS.
    #[command(flatten)]
    pub access: AccessArgs,
}

const URL: &str = "SOAK_PROMETHEUS_URL";
const SELECTOR: &str = "SOAK_PROMETHEUS_SELECTOR";
const TOKEN: &str = "SOAK_PROMETHEUS_TOKEN";
const TOKEN_FILE: &str = "SOAK_PROMETHEUS_TOKEN_FILE";
/// A header a line.
const HEADERS: &str = "SOAK_PROMETHEUS_HEADERS";
const CA_FILE: &str = "SOAK_CA_FILE";

/// How a URL looks like that `--prometheus-url` takes.
const URL_HINT: &str = "`--prometheus-url` expects http(s)://host[:port][/prefix]";

impl ServerArgs {
    /// The URL of the flag, else of the variable.
    pub(crate) fn url(&self) -> Option<String> {
        self.prometheus_url.clone().or_else(|| environment::text(URL))
    }

    /// The selector of the flag, else of the variable.
    pub(crate) fn selector(&self) -> Option<String> {
        self.selector.clone().or_else(|| environment::text(SELECTOR))
    }

    /// The server at this URL. Its variables are for this server: no other one gets what is in them.
    pub(crate) fn target(&self, url: &str) -> Result<Target, Failure> {
        let access = &self.access;
        let auth = match (access.auth()?, environment::text(TOKEN), environment::variable(TOKEN_FILE)) {
            (Auth::None, Some(token), _) if token.trim().is_empty() => {
                return Err(Failure::usage(anyhow!("`{TOKEN}` is blank, expected a token in it")));
            }
            (Auth::None, Some(token), _) => Auth::Bearer(Secret::from(token)),
            (Auth::None, None, Some(file)) => Auth::Bearer(secret(Path::new(&file))?),
            (given, ..) => given,
        };
        let mut headers = access.headers()?;
        let of_variable = environment::text(HEADERS).unwrap_or_default();
        for line in of_variable.lines().filter(|line| !line.trim().is_empty()) {
            let (name, value) = read_header(HEADERS, line.trim())?;
            if !headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(&name)) {
                headers.push((name, value));
            }
        }
        access.reach(url, &auth, &headers, URL_HINT)
    }
}

/// Access to a server.
#[derive(Clone, Debug, Default, Args)]
pub struct AccessArgs {
    /// File with the bearer token for the server
    #[arg(long, value_name = "FILE", conflicts_with_all = ["basic_auth_user", "basic_auth_password_file"])]
    pub bearer_token_file: Option<PathBuf>,

    /// User for the server's basic authentication
    #[arg(long, value_name = "USER", requires = "basic_auth_password_file")]
    pub basic_auth_user: Option<String>,

    /// File with the password for the server's basic authentication
    #[arg(long, value_name = "FILE", requires = "basic_auth_user")]
    pub basic_auth_password_file: Option<PathBuf>,

    /// Further header for the server, `Name: value`; may be repeated (X-Scope-OrgID of Mimir)
    // Read later: the parser of the command line would repeat a wrong one, and it may hold a secret.
    #[arg(long, value_name = "HEADER")]
    pub header: Vec<String>,

    /// File with the certificates (PEM) of the authorities that may have signed the server's; no others are trusted
    /// then [default: $SOAK_CA_FILE, else the usual ones]
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

/// The server at this URL; `hint` says what a URL looks like.
pub(crate) fn target(url: &str, args: &AccessArgs, hint: &str) -> Result<Target, Failure> {
    args.reach(url, &args.auth()?, &args.headers()?, hint)
}

impl AccessArgs {
    fn auth(&self) -> Result<Auth, Failure> {
        if let Some(file) = &self.bearer_token_file {
            return Ok(Auth::Bearer(secret(file)?));
        }
        match (&self.basic_auth_user, &self.basic_auth_password_file) {
            (Some(user), Some(file)) => Ok(Auth::Basic { user: user.clone(), password: secret(file)? }),
            _ => Ok(Auth::None),
        }
    }

    fn headers(&self) -> Result<Vec<(String, Secret)>, Failure> {
        self.header.iter().map(|text| read_header("--header", text)).collect()
    }

    fn reach(
        &self,
        url: &str,
        auth: &Auth,
        headers: &[(String, Secret)],
        hint: &str,
    ) -> Result<Target, Failure> {
        let target = Target::new(url, auth, headers).map_err(|error| Failure::usage(error).hint(hint))?;
        let file = self.ca_file.clone().or_else(|| environment::variable(CA_FILE).map(PathBuf::from));
        let Some(file) = file else { return Ok(target) };
        let pem = atomic_file::read(&file).map_err(Failure::input)?;
        let shown = file.display();
        target.with_roots(&pem).map_err(|error| {
            Failure::input(error)
                .hint(format!("`{shown}` must hold certificates as PEM (`BEGIN CERTIFICATE`)"))
        })
    }
}

/// A header of a flag or a variable; the error does not repeat it, it may hold a secret.
fn read_header(origin: &str, text: &str) -> Result<(String, Secret), Failure> {
    let (name, value) = header(text).map_err(|problem| Failure::usage(anyhow!("`{origin}`: {problem}")))?;
    Ok((name, Secret::from(value)))
}

fn secret(file: &Path) -> Result<Secret, Failure> {
    let text = atomic_file::read_text(file).map_err(Failure::input)?;
    if text.trim().is_empty() {
        return Err(Failure::usage(anyhow!("`{}` is empty, expected a secret in it", file.display())));
    }
    Ok(Secret::from(text))
}
