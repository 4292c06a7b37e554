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
    assert_eq!((status, &error["error"]), (400, &"this port needs TLS: use https://".into()));

    std::fs::write(place.path("key.pem"), "no key")?;
    let output = place.run(&["serve", "--port", "0", "--tls-cert", "cert.pem", "--tls-key", "key.pem"]);
    assert_eq!(output.status.code(), Some(2));
    Ok(())
}

/// A client that trusts `root`, and shows a certificate with its key if it has one.
fn client(root: &str, own: Option<(&str, &str)>) -> Result<ureq::Agent, Box<dyn std::error::Error>> {
    let root = ureq::tls::Certificate::from_pem(root.as_bytes())?.to_owned();
    let mut config = ureq::tls::TlsConfig::builder()
        .root_certs(ureq::tls::RootCerts::Specific(std::sync::Arc::new(vec![root])));
    if let Some((certificate, key)) = own {
        let certificate = ureq::tls::Certificate::from_pem(certificate.as_bytes())?.to_owned();
        let key = ureq::tls::PrivateKey::from_pem(key.as_bytes())?;
        config = config.client_cert(Some(ureq::tls::ClientCert::new_with_certs(&[certificate], key)));
    }
    let seconds = std::time::Duration::from_secs(20);
    Ok(ureq::Agent::config_builder()
        .tls_config(config.build())
        .timeout_global(Some(seconds))
        .http_status_as_error(false)
        .build()
        .into())
}

#[test]
fn only_clients_of_the_named_authority_are_served_and_the_token_is_asked_for_all_the_same() -> TestResult {
    let place = Place::new(&Policy::new(Stub::good().address));
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
    let authority = || -> Result<_, rcgen::Error> {
        let key = rcgen::KeyPair::generate()?;
        let mut params = rcgen::CertificateParams::new(Vec::new())?;
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key)?.pem();
        Ok((certificate, rcgen::Issuer::new(params, key)))
    };
    let signed = |issuer: &rcgen::Issuer<'_, rcgen::KeyPair>| -> Result<_, rcgen::Error> {
        let key = rcgen::KeyPair::generate()?;
        let params = rcgen::CertificateParams::new(vec!["alertmanager".to_owned()])?;
        Ok((params.signed_by(&key, issuer)?.pem(), key.serialize_pem()))
    };
    let (ours, theirs) = (authority()?, authority()?);
    std::fs::write(place.path("cert.pem"), made.cert.pem())?;
    std::fs::write(place.path("key.pem"), made.signing_key.serialize_pem())?;
    std::fs::write(place.path("ca.pem"), &ours.0)?;
    std::fs::write(place.path("token"), "0123456789abcdef0123")?;
    let tls = ["--tls-cert", "cert.pem", "--tls-key", "key.pem", "--tls-client-ca", "ca.pem"];
    let server = place.serve(&[&tls[..], &["--token-file", "token"]].concat());
    let url = |path: &str| format!("https://localhost:{}{path}", server.address.port());
    let root = made.cert.pem();
    let (certificate, key) = signed(&ours.1)?;
    let known = client(&root, Some((&certificate, &key)))?;
    assert_eq!(known.get(url("/health")).call()?.status(), 200);
    let hook = |agent: &ureq::Agent, token: Option<&str>| {
        let mut request = agent.post(url("/alert-hook")).content_type("application/json");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        request.send("{}").map(|answer| answer.status().as_u16())
    };
    assert_eq!(hook(&known, None)?, 401, "a certificate is no token");
    assert_eq!(hook(&known, Some("0123456789abcdef0123"))?, 422);
    let (certificate, key) = signed(&theirs.1)?;
    for stranger in [client(&root, None)?, client(&root, Some((&certificate, &key)))?] {
        assert!(stranger.get(url("/health")).call().is_err());
        assert!(hook(&stranger, Some("0123456789abcdef0123")).is_err());
    }
    server.stop();
    std::fs::write(place.path("ca.pem"), "none")?;
    let output = place.run(&[&["serve", "--port", "0"], &tls[..]].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("`ca.pem` holds no certificate"));
    Ok(())
}
