//! TLS with a certificate of one's own. Clients are asked for one where an authority is named that signs theirs; it comes
//! on top of the token and replaces none.

use std::path::Path;
use std::sync::Arc;

use anyhow::anyhow;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

fn certificates(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    let wrong = |reason: String| anyhow!("`{}` holds no certificate in PEM form: {reason}", file.display());
    let read = read.map_err(|error| wrong(error.to_string()))?;
    if read.is_empty() { Err(wrong("there is none in it".to_owned())) } else { Ok(read) }
}

/// Reads a chain of certificates, the server's own first, and its key, whose content is never shown. With authorities
/// only clients are served whose certificate one of them has signed.
pub(crate) fn acceptor(
    certificate: &Path,
    key: &Path,
    authorities: Option<&Path>,
) -> anyhow::Result<TlsAcceptor> {
    let chain = certificates(certificate)?;
    let key = PrivateKeyDer::from_pem_file(key)
        .map_err(|_| anyhow!("`{}` holds no private key in PEM form", key.display()))?;
    let pair =
        |error: tokio_rustls::rustls::Error| anyhow!("certificate and key cannot be used together: {error}");
    let provider = Arc::new(ring::default_provider());
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(pair)?;
    let config = match authorities {
        None => config.with_no_client_auth(),
        Some(file) => {
            let wrong = |reason: &dyn std::fmt::Display| {
                anyhow!("the certificates in `{}` cannot vouch for clients: {reason}", file.display())
            };
            let mut roots = RootCertStore::empty();
            for root in certificates(file)? {
                roots.add(root).map_err(|error| wrong(&error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|error| wrong(&error))?;
            config.with_client_cert_verifier(verifier)
        }
    };
    let mut config = config.with_single_cert(chain, key).map_err(pair)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
