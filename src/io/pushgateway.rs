//! A Pushgateway: replacing the metrics of a group, and deleting the group.
//!
//! Knows no metric. Both can be repeated without harm.

use super::http::{Call, HttpError, Limits, Method, Target, exchange};
use crate::wire::told::shortened;

/// What a Pushgateway reads.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Why a group is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
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
pub fn put(target: &Target, path: &str, text: &str, limits: &Limits) -> Result<(), PushError> {
    let headers = [("Content-Type", TEXT)];
    send(target, &Call { method: Method::PUT, path, headers: &headers, body: text.as_bytes() }, limits)
}

/// Deletes the group at this path; one that is not there is no error.
pub fn delete(target: &Target, path: &str, limits: &Limits) -> Result<(), PushError> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::secret::Secret;
    use crate::io::http::Auth;
    use crate::io::test_server::{Answer, QUICK, TestServer};

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
        let told = put(&target, "/metrics/job/soak", "a\n", &QUICK).expect_err("refused").to_string();
        assert!(told.ends_with("refused with 400: nonsense"), "{told}");
        assert_eq!(refusing.requests().len(), 1);
        let busy = TestServer::start([503, 429, 200].map(Answer::status).to_vec())?;
        let target = Target::new(&busy.url(""), &Auth::None, &[])?;
        put(&target, "/metrics/job/soak", "a 1\n", &QUICK)?;
        assert_eq!(busy.requests().len(), 3);
        Ok(())
    }
}
