//! Where a Grafana server is, what lies below it, and where a redirect may lead.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ureq::http::Uri;

use crate::infra::http::is_loopback;

/// Why a server cannot be queried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the URL of the Grafana server {0}")]
pub struct AddressError(&'static str);

/// The address of a server that was found acceptable: scheme, host, port, and the path it is served under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    base: String,
    origin: Origin,
}

/// Scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    fn of(uri: &Uri) -> Option<Self> {
        let scheme = uri.scheme_str()?.to_ascii_lowercase();
        let usual = match scheme.as_str() {
            "https" => 443,
            "http" => 80,
            _ => return None,
        };
        let host = uri.host().filter(|host| !host.is_empty())?.to_ascii_lowercase();
        Some(Self { scheme, host, port: uri.port_u16().unwrap_or(usual) })
    }

    fn text(&self) -> String {
        format!("{}://{}:{}", self.scheme, self.host, self.port)
    }
}

impl Server {
    /// Checks a base URL: `https://grafana.example.org`, or with a path if Grafana is served under one.
    pub fn new(url: &str) -> Result<Self, AddressError> {
        let base = url.trim().trim_end_matches('/');
        let uri: Uri = base.parse().map_err(|_| AddressError("is not a URL"))?;
        let origin = Origin::of(&uri).ok_or(AddressError("must begin with https:// and have a host"))?;
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(AddressError("must not hold user and password; the token comes from elsewhere"));
        }
        if uri.query().is_some() || base.contains('#') {
            return Err(AddressError("must end with its path, without `?` and `#`"));
        }
        if origin.scheme == "http" && !is_loopback(&origin.host) {
            return Err(AddressError("must begin with https:// (plain http only to this machine)"));
        }
        Ok(Self { base: base.to_owned(), origin })
    }

    /// The URL of a path of the API.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A page of the server, for a person: `path` as an answer names it. `None` when it is no plain path.
    pub fn page(&self, path: &str) -> Option<String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-_.~%".contains(c);
        (path.starts_with('/') && !path.starts_with("//") && path.chars().all(is_plain))
            .then(|| format!("{}{path}", self.origin.text()))
    }

    /// Whether no proxy may be used: it could read plain http.
    pub(super) fn is_direct(&self) -> bool {
        self.origin.scheme == "http"
    }

    /// Where a redirect leads, if it stays in the origin of the server; otherwise the origin that it leads to.
    pub(super) fn redirected(&self, from: &str, location: &str) -> Result<String, String> {
        let unknown = || "somewhere that is no URL".to_owned();
        if location.chars().any(|c| c.is_control() || c == ' ') || location.is_empty() {
            return Err(unknown());
        }
        // `//host/path` keeps only the scheme.
        let absolute = if location.starts_with("//") {
            format!("{}:{location}", self.origin.scheme)
        } else if location.starts_with('/') {
            format!("{}{location}", origin_text(from).ok_or_else(unknown)?)
        } else if location.contains("://") {
            location.to_owned()
        } else {
            let folder = from.split('?').next().and_then(|path| path.rsplit_once('/')).ok_or_else(unknown)?.0;
            format!("{folder}/{location}")
        };
        let uri: Uri = absolute.parse().map_err(|_| unknown())?;
        let origin = Origin::of(&uri).ok_or_else(unknown)?;
        let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        if origin == self.origin && !has_user { Ok(absolute) } else { Err(format!("`{}`", origin.text())) }
    }
}

/// Scheme, host and port of a URL, as written.
fn origin_text(url: &str) -> Option<&str> {
    let after_scheme = url.find("://")? + 3;
    let ends = url[after_scheme..].find('/').map_or(url.len(), |at| after_scheme + at);
    Some(&url[..ends])
}

/// What is not encoded in a part of a path: letters, digits, `-`, `_` and `~`.
const UNRESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');

/// A text as a part of a path.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, &UNRESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_goes_anywhere_and_plain_http_only_to_this_machine() {
        for url in [
            "https://grafana.example",
            "https://g:8443/grafana/",
            "http://127.0.0.1:3000",
            "http://[::1]:3000",
        ] {
            assert!(Server::new(url).is_ok(), "{url}");
        }
        for url in [
            "http://grafana:3000",
            "http://10.0.0.1",
            "ftp://g",
            "grafana",
            "",
            "https://",
            "https://u:p@g",
            "https://g?a=b",
            "https://g/#a",
        ] {
            assert!(Server::new(url).is_err(), "{url}");
        }
    }

    #[test]
    fn paths_are_added_to_the_base_without_a_double_slash() {
        for (base, url) in [
            ("https://g", "https://g/api/x"),
            ("https://g/", "https://g/api/x"),
            ("https://g/grafana//", "https://g/grafana/api/x"),
        ] {
            assert_eq!(Server::new(base).expect("acceptable").url("/api/x"), url);
        }
    }

    #[test]
    fn a_uid_cannot_leave_its_place_in_the_path() {
        assert_eq!(encoded("mm-operability_1"), "mm-operability_1");
        assert_eq!(encoded("../a b?c#d/ü%"), "%2E%2E%2Fa%20b%3Fc%23d%2F%C3%BC%25");
    }

    #[test]
    fn a_redirect_is_followed_only_within_the_origin() {
        let server = Server::new("https://g.example/grafana").expect("acceptable");
        let from = "https://g.example/grafana/api/x/y";
        for (location, to) in [
            ("/login", "https://g.example/login"),
            ("https://g.example/a", "https://g.example/a"),
            ("https://G.example:443/a", "https://G.example:443/a"),
            ("//g.example/a", "https://g.example/a"),
            ("z?a=b", "https://g.example/grafana/api/x/z?a=b"),
        ] {
            assert_eq!(server.redirected(from, location).as_deref(), Ok(to), "{location}");
        }
        for (location, origin) in [
            ("http://g.example/a", "`http://g.example:80`"),
            ("https://g.example:8443/a", "`https://g.example:8443`"),
            ("https://evil.example/a", "`https://evil.example:443`"),
            ("//evil.example/a", "`https://evil.example:443`"),
            ("https://g.example@evil.example/a", "`https://evil.example:443`"),
            ("https://a@g.example/a", "`https://g.example:443`"),
            ("javascript://g.example/a", "somewhere that is no URL"),
            ("https://g.example/a\nb", "somewhere that is no URL"),
            ("", "somewhere that is no URL"),
        ] {
            assert_eq!(server.redirected(from, location), Err(origin.to_owned()), "{location}");
        }
    }

    #[test]
    fn a_page_is_reported_only_where_its_path_is_plain() {
        let server = Server::new("http://127.0.0.1:3000/grafana").expect("acceptable");
        assert_eq!(server.page("/grafana/d/mm/x").as_deref(), Some("http://127.0.0.1:3000/grafana/d/mm/x"));
        for path in ["//evil/d", "d/mm", "/a\u{1b}[2J", "/a b"] {
            assert_eq!(server.page(path), None, "{path}");
        }
    }
}
