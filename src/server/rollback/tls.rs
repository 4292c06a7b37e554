//! TLS with a certificate of one's own. Clients are asked for one where an authority is named that signs theirs; it
//! comes on top of the token and replaces none.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// Why TLS cannot be offered.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate cannot be read.
    #[error("`{file}` holds no certificate in PEM form: {reason}")]
    Certificate {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// The key cannot be read. Its content is not told.
    #[error("`{file}` holds no private key in PEM form")]
    Key {
        /// The file.
        file: String,
    },
    /// A certificate cannot vouch for clients.
    #[error("the certificates in `{file}` cannot vouch for clients: {reason}")]
    Authority {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// The two do not go together.
    #[error("certificate and key cannot be used together: {0}")]
    Pair(String),
}

fn name(path: &Path) -> String {
    path.display().to_string()
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |reason: String| TlsError::Certificate { file: name(file), reason };
    let read: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    let read = read.map_err(|error| wrong(error.to_string()))?;
    if read.is_empty() { Err(wrong("there is none in it".to_owned())) } else { Ok(read) }
}

/// Reads a chain of certificates, the server's own first, and its key. With authorities only clients are served whose
/// certificate one of them has signed.
pub fn acceptor(certificate: &Path, key: &Path, authorities: Option<&Path>) -> Result<TlsAcceptor, TlsError> {
    let chain = certificates(certificate)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|_| TlsError::Key { file: name(key) })?;
    let pair = |error: tokio_rustls::rustls::Error| TlsError::Pair(error.to_string());
    let provider = Arc::new(ring::default_provider());
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(pair)?;
    let config = match authorities {
        None => config.with_no_client_auth(),
        Some(file) => {
            let wrong = |reason: String| TlsError::Authority { file: name(file), reason };
            let mut roots = RootCertStore::empty();
            for root in certificates(file)? {
                roots.add(root).map_err(|error| wrong(error.to_string()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|error| wrong(error.to_string()))?;
            config.with_client_cert_verifier(verifier)
        }
    };
    let mut config = config.with_single_cert(chain, key).map_err(pair)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// What a failed handshake says to the log.
pub(super) fn words(error: &io::Error) -> String {
    error.to_string().chars().take(200).collect()
}
