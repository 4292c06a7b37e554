//! A server and how it knows us, from arguments and the files that they name.

use std::path::Path;

use anyhow::anyhow;

use crate::cli::arguments::access::AccessArgs;
use crate::cli::arguments::values::header;
use crate::core::verdict::failure::Failure;
use crate::infra::atomic_file as loose;
use crate::infra::http::{Auth, Target};
use crate::infra::secret::Secret;

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
    let text = loose::read_text(file).map_err(Failure::input)?;
    if text.trim().is_empty() {
        return Err(Failure::usage(anyhow!("`{}` is empty, expected a secret in it", file.display())));
    }
    Ok(Secret::from(text))
}
