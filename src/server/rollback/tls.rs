//! TLS with a certificate of one's own. Clients are not asked for one: they have the token.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

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
    /// The two do not go together.
    #[error("certificate and key cannot be used together: {0}")]
    Pair(String),
}

/// Reads a chain of certificates, the server's own first, and its key.
pub fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    let name = |path: &Path| path.display().to_string();
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect);
    let chain = chain
        .map_err(|error| TlsError::Certificate { file: name(certificate), reason: error.to_string() })?;
    if chain.is_empty() {
        let reason = "there is none in it".to_owned();
        return Err(TlsError::Certificate { file: name(certificate), reason });
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(|_| TlsError::Key { file: name(key) })?;
    let pair = |error: tokio_rustls::rustls::Error| TlsError::Pair(error.to_string());
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(pair)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(pair)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// What a failed handshake says to the log.
pub(super) fn words(error: &io::Error) -> String {
    error.to_string().chars().take(200).collect()
}
