//! The path of a group in a Pushgateway: `/metrics/job/JOB/LABEL/VALUE…`.
//!
//! A value that is empty or has a slash cannot stand in a path and is written in base64, as the Pushgateway wants it.

use super::{base64, percent};

/// The path of the group with this job and these labels, in the order given.
pub fn path(job: &str, labels: &[(String, String)]) -> String {
    let mut path = "/metrics".to_owned();
    let labels = labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in std::iter::once(("job", job)).chain(labels) {
        path.push('/');
        path.push_str(name);
        if value.is_empty() {
            path.push_str("@base64/=");
        } else if value.contains('/') {
            path.push_str("@base64/");
            path.push_str(&base64::for_urls(value.as_bytes()));
        } else {
            path.push('/');
            // A segment of dots alone would be taken for a step in the path.
            if matches!(value, "." | "..") {
                path.push_str(&value.replace('.', "%2E"));
            } else {
                path.push_str(&percent::encode(value));
            }
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(job: &str, labels: &[(&str, &str)]) -> String {
        let labels: Vec<(String, String)> =
            labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        path(job, &labels)
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
