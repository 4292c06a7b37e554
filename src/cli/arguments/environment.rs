//! The only place that asks the environment on behalf of the command line. Nothing else in here.
#![expect(clippy::disallowed_methods, reason = "the command line and its variables are read here")]

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The value of a variable; `None` where it is not set or set to nothing.
pub fn variable(name: impl AsRef<OsStr>) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The same as text. What is no Unicode becomes U+FFFD, so that whoever parses it says what is wrong.
pub fn text(name: &str) -> Option<String> {
    variable(name).map(|value| value.to_string_lossy().into_owned())
}

/// Whether a variable is set, but to nothing.
pub fn is_set_to_nothing(name: &OsStr) -> bool {
    std::env::var_os(name).is_some_and(|value| value.is_empty())
}

/// The folder that one works in; `None` where it is gone.
pub fn current_folder() -> Option<PathBuf> {
    std::env::current_dir().ok()
}

/// The home folder of the user.
pub fn home_folder() -> Option<PathBuf> {
    std::env::home_dir().filter(|home| !home.as_os_str().is_empty())
}

/// The words of the command line, the name of the program first.
pub fn arguments() -> impl Iterator<Item = OsString> {
    std::env::args_os()
}
