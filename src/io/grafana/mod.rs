//! The dashboards of a Grafana server, over its HTTP API.
//!
//! - `https` to anywhere, plain `http` to this machine alone: a token goes with every request.
//! - A redirect is followed only within the origin of the given URL, and only where it keeps the method; to anywhere
//!   else the token does not go.
//! - Reading is tried again, saving is not: a request that was not answered may have been carried out.
//! - What the server says about an error is kept, cut to a length and without control characters.

mod address;
mod answer;

use std::time::Duration;

use ureq::Proxy;
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

pub use address::{AddressError, Server};
pub use answer::{GrafanaError, Saved};

use self::answer::Answer;
use crate::core::secret::Secret;
use crate::io::http::{Limits, Request, agent, retrying};

/// Redirects that are followed in a row.
const MOST_REDIRECTS: usize = 5;
/// Largest answer, bytes.
const LARGEST: u64 = 32 << 20;

/// A server, and how it knows us.
#[derive(Debug)]
pub struct Grafana {
    server: Server,
    token: Secret,
    limits: Limits,
    agent: Agent,
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
enum Method<'b> {
    Get,
    Post(&'b str),
}

impl Grafana {
    /// Whom to ask, with which token, and how long to wait for an answer.
    pub fn new(server: Server, token: Secret, timeout: Duration) -> Self {
        let limits = Limits { timeout, ..Limits::default() };
        let proxy = if server.is_direct() { None } else { Proxy::try_from_env() };
        let agent = agent(&limits, proxy);
        Self { server, token, limits, agent }
    }

    /// The dashboard with this uid, as the server has it: `{"dashboard": …, "meta": …}`.
    pub fn dashboard(&self, uid: &str) -> Result<Vec<u8>, GrafanaError> {
        let answer = self.ask(&format!("/api/dashboards/uid/{}", address::encoded(uid)), Method::Get)?;
        answer.json().map(|_| answer.into_body())
    }

    /// The uid of the folder that a dashboard is in; `None` when it is in the top folder, or not there at all.
    pub fn folder_of(&self, uid: &str) -> Result<Option<String>, GrafanaError> {
        match self.ask(&format!("/api/dashboards/uid/{}", address::encoded(uid)), Method::Get) {
            Ok(answer) => {
                let json = answer.json()?;
                let folder = json["meta"]["folderUid"].as_str().filter(|folder| !folder.is_empty());
                Ok(folder.map(ToOwned::to_owned))
            }
            Err(GrafanaError::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Saves a dashboard; `body` is what `POST /api/dashboards/db` takes.
    pub fn save(&self, body: &str) -> Result<Saved, GrafanaError> {
        self.ask("/api/dashboards/db", Method::Post(body))?.saved()
    }

    fn ask(&self, path: &str, method: Method<'_>) -> Result<Answer, GrafanaError> {
        let mut url = self.server.url(path);
        for _ in 0..=MOST_REDIRECTS {
            let answer = self.once(&url, method)?;
            let Some(location) = answer.location() else { return answer.accepted() };
            let keeps_method = matches!(method, Method::Get) || matches!(answer.status(), 307 | 308);
            if !keeps_method {
                return Err(GrafanaError::RedirectedPost { status: answer.status() });
            }
            url = self
                .server
                .redirected(&url, &location)
                .map_err(|origin| GrafanaError::OtherOrigin { status: answer.status(), origin })?;
        }
        Err(GrafanaError::Redirects(MOST_REDIRECTS))
    }

    fn once(&self, url: &str, method: Method<'_>) -> Result<Answer, GrafanaError> {
        let tries = if matches!(method, Method::Get) { self.limits.tries } else { 1 };
        let limits = Limits { tries, ..self.limits.clone() };
        let request = Request {
            limits: &limits,
            // The rest may be over in a moment. What is tried once is answered once, whatever it is.
            is_answer: |status| tries == 1 || !is_passing(status),
            pause: |pause| {
                std::thread::sleep(pause);
                true
            },
        };
        let bearer = format!("Bearer {}", self.token.reveal());
        let send = || match method {
            Method::Get => self
                .agent
                .get(url)
                .header("authorization", &bearer)
                .header("accept", "application/json")
                .call(),
            Method::Post(body) => self
                .agent
                .post(url)
                .header("authorization", &bearer)
                .header("accept", "application/json")
                .content_type("application/json")
                .send(body),
        };
        retrying(&request, send, read).map_err(GrafanaError::Http)
    }
}

/// Whether a status may be another one in a moment.
fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

fn read(mut response: Response<Body>) -> Result<Answer, ureq::Error> {
    let header = |name: &str| {
        let value = response.headers().get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let (status, location, kind) = (response.status().as_u16(), header("location"), header("content-type"));
    let body = response.body_mut().with_config().limit(LARGEST).read_to_vec()?;
    Ok(Answer::new(status, location, kind, body))
}

#[cfg(test)]
mod tests;
