//! A Pushgateway: replacing the metrics of a group, and deleting the group.
//!
//! Knows no metric. Both can be repeated without harm.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;

use crate::core::json::shortened;
use crate::infra::http::{Call, HttpError, Limits, Method, Target, exchange, percent_encoded};

/// What a Pushgateway reads.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Why a group is not as it should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PushError {
    /// It was not delivered.
    #[error("the Pushgateway at `{url}` cannot be written to")]
    Http {
        /// Where to.
        url: String,
        /// What happened.
        source: HttpError,
    },
    /// It was refused.
    #[error("the Pushgateway at `{url}` refused with {status}: {words}")]
    Refused {
        /// Where to.
        url: String,
        /// HTTP status.
        status: u16,
        /// Its words, shortened.
        words: String,
    },
}

/// Replaces all metrics of the group at this path by those of the text.
pub(crate) fn put(target: &Target, path: &str, text: &str, limits: &Limits) -> Result<(), PushError> {
    let headers = [("Content-Type", TEXT)];
    send(target, &Call { method: Method::PUT, path, headers: &headers, body: text.as_bytes() }, limits)
}

/// Deletes the group at this path; one that is not there is no error.
pub(crate) fn delete(target: &Target, path: &str, limits: &Limits) -> Result<(), PushError> {
    send(target, &Call { method: Method::DELETE, path, headers: &[], body: &[] }, limits)
}

fn send(target: &Target, call: &Call<'_>, limits: &Limits) -> Result<(), PushError> {
    let url = || target.url().to_owned();
    let answer = exchange(target, call, limits, |status| matches!(status, 400 | 404 | 405))
        .map_err(|source| PushError::Http { url: url(), source })?;
    match answer.status {
        200..300 => Ok(()),
        status => {
            let words = shortened(String::from_utf8_lossy(&answer.body).trim());
            Err(PushError::Refused { url: url(), status, words })
        }
    }
}

/// The path of the group with this job and these labels, in the order given.
pub(crate) fn group_path(job: &str, labels: &[(String, String)]) -> String {
    let mut path = "/metrics".to_owned();
    let labels = labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in std::iter::once(("job", job)).chain(labels) {
        path.push('/');
        path.push_str(name);
        if value.is_empty() {
            path.push_str("@base64/=");
        } else if value.contains('/') {
            path.push_str("@base64/");
            path.push_str(&URL_SAFE.encode(value));
        } else {
            path.push('/');
            // A segment of only dots would be taken for a step in the path.
            if matches!(value, "." | "..") {
                path.push_str(&value.replace('.', "%2E"));
            } else {
                path.push_str(&percent_encoded(value));
            }
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::infra::http::Auth;
    use crate::infra::secret::Secret;
    use crate::infra::test_server::{Answer, QUICK, TestServer};

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn a_group_is_put_with_the_text_and_the_password_and_deleted_without_a_body() -> TestResult {
        let server = TestServer::start([200, 202].map(Answer::status).to_vec())?;
        let auth = Auth::Basic { user: "u".to_owned(), password: Secret::new("p") };
        let target = Target::new(&server.url("/prefix/"), &auth, &[])?;
        put(&target, "/metrics/job/soak", "a 1\n", &QUICK)?;
        delete(&target, "/metrics/job/soak", &QUICK)?;
        let requests = server.requests();
        assert!(
            requests[0].head.starts_with("PUT /prefix/metrics/job/soak HTTP/1.1\r\n"),
            "{}",
            requests[0].head
        );
        // `u:p` in base64.
        assert!(requests[0].head.contains("Basic dTpw"), "{}", requests[0].head);
        assert!(requests[0].has_header("content-type: text/plain; version=0.0.4"), "{}", requests[0].head);
        assert_eq!(requests[0].body, "a 1\n");
        assert!(
            requests[1].head.starts_with("DELETE /prefix/metrics/job/soak HTTP/1.1\r\n"),
            "{}",
            requests[1].head
        );
        assert_eq!(requests[1].body, "");
        Ok(())
    }

    #[test]
    fn what_it_does_not_understand_is_not_sent_again_and_what_it_cannot_take_now_is() -> TestResult {
        let refusing = TestServer::start(vec![Answer::Text(
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 8\r\n\r\nnonsense".to_owned(),
        )])?;
        let target = Target::new(&refusing.url(""), &Auth::None, &[])?;
        let reported = put(&target, "/metrics/job/soak", "a\n", &QUICK).expect_err("refused").to_string();
        assert!(reported.ends_with("refused with 400: nonsense"), "{reported}");
        assert_eq!(refusing.requests().len(), 1);
        let busy = TestServer::start([503, 429, 200].map(Answer::status).to_vec())?;
        let target = Target::new(&busy.url(""), &Auth::None, &[])?;
        put(&target, "/metrics/job/soak", "a 1\n", &QUICK)?;
        assert_eq!(busy.requests().len(), 3);
        Ok(())
    }

    fn of(job: &str, labels: &[(&str, &str)]) -> String {
        let labels: Vec<(String, String)> =
            labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        group_path(job, &labels)
    }

    #[test]
    fn job_and_labels_become_a_path() {
        assert_eq!(of("soak", &[]), "/metrics/job/soak");
        assert_eq!(of("soak", &[("instance", "a"), ("run", "7")]), "/metrics/job/soak/instance/a/run/7");
    }

    #[test]
    fn slashes_and_nothing_are_written_in_base64() {
        // The second is the example in the Pushgateway's own manual.
        assert_eq!(of("a/b", &[]), "/metrics/job@base64/YS9i");
        assert_eq!(
            of("directory_cleaner", &[("path", "/var/tmp")]),
            "/metrics/job/directory_cleaner/path@base64/L3Zhci90bXA="
        );
        assert_eq!(of("soak", &[("x", "")]), "/metrics/job/soak/x@base64/=");
    }

    #[test]
    fn whatever_else_has_a_meaning_in_a_path_is_escaped() {
        assert_eq!(of("a b?c#d%", &[("v", "ü")]), "/metrics/job/a%20b%3Fc%23d%25/v/%C3%BC");
        assert_eq!(of("..", &[]), "/metrics/job/%2E%2E");
    }
}
