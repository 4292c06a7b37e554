//! `--listen`: an endpoint over a folder that may still be written.

use std::path::Path;
use std::time::Duration;

use super::{Exit, Failure, GlobalArgs, Options, Policy, Provenance, say};
use crate::cli::export::EndpointArgs;
use crate::core::listen::ListenAddress;
use crate::core::run::source::Wait;
use crate::flow::export::Exporter;
use crate::flow::follow::Follower;
use crate::io::signals::StopRequest;
use crate::server::scrape::Endpoint;
use crate::server::{Listening, ServeError};

/// What is exposed.
pub(super) struct Job<'a> {
    pub(super) folder: &'a Path,
    pub(super) policy: Policy,
    pub(super) provenance: Provenance,
    pub(super) options: Options,
    pub(super) legacy: bool,
}

/// Answers until it is told to stop, which is a success.
pub(super) fn run(
    address: ListenAddress,
    args: &EndpointArgs,
    job: Job<'_>,
    globals: &GlobalArgs,
) -> Result<Exit, Failure> {
    let EndpointArgs { listen: _, refresh } = args;
    let stop = StopRequest::listen().map_err(Failure::failed)?;
    let listening = Listening::at(address).map_err(cannot_serve)?;
    let Job { folder, policy, provenance, options, legacy } = job;
    let follower = Follower::new(folder, policy, options);
    let mut exporter = Exporter::new(follower, provenance, legacy, Duration::from_secs_f64(*refresh));
    if let Err(reason) = exporter.look() {
        say(globals, &format!("warning: {reason}; scrapes are answered with 503 until that has changed"));
    }
    if !address.is_loopback() {
        say(globals, "warning: whoever can reach this machine can read the metrics");
    }
    let endpoint = Endpoint::start(listening, exporter).map_err(cannot_serve)?;
    say(globals, &format!("note: the metrics are at http://{}/metrics", endpoint.address()));
    while stop.wait(Duration::MAX).is_ok() {}
    drop(endpoint);
    Ok(Exit::Success)
}

fn cannot_serve(error: ServeError) -> Failure {
    Failure::failed(error).hint("`--listen` takes a free port, e.g. `--listen 0` for any")
}
