//! The hook over TLS with a certificate of one's own.

use super::TestResult;
use super::place::{Place, Policy, raw, split};
use super::stub::Stub;

#[test]
fn the_hook_is_served_over_tls_and_not_beside_it() -> TestResult {
    let place = Place::new(&Policy::new(Stub::good().address));
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
    std::fs::write(place.path("cert.pem"), made.cert.pem())?;
    std::fs::write(place.path("key.pem"), made.signing_key.serialize_pem())?;
    let server = place.serve(&["--tls-cert", "cert.pem", "--tls-key", "key.pem"]);
    let root = ureq::tls::Certificate::from_pem(made.cert.pem().as_bytes())?.to_owned();
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .tls_config(
            ureq::tls::TlsConfig::builder()
                .root_certs(ureq::tls::RootCerts::Specific(std::sync::Arc::new(vec![root])))
                .build(),
        )
        .timeout_global(Some(std::time::Duration::from_secs(20)))
        .build()
        .into();
    let url = format!("https://localhost:{}/health", server.address.port());
    let text = agent.get(&url).call()?.body_mut().read_to_string()?;
    assert!(text.contains("healthy"), "{text}");
    let plain = raw(server.address, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", b"");
    let (status, text) = split(&plain);
    let error: serde_json::Value = serde_json::from_str(&text)?;
    assert_eq!(
        (status, &error["error"]),
        (400, &"this port speaks TLS, and this is not: use https://".into())
    );

    std::fs::write(place.path("key.pem"), "no key")?;
    let output = place.run(&["serve", "--port", "0", "--tls-cert", "cert.pem", "--tls-key", "key.pem"]);
    assert_eq!(output.status.code(), Some(2));
    Ok(())
}
