//! Who may ask: a bearer token, or a signature over the body, compared in constant time and never shown; and TLS with a
//! certificate of one's own. Clients are asked for one where an authority is named that signs theirs; it comes on top of
//! the token and replaces none.

use std::path::Path;
use std::sync::Arc;

use anyhow::anyhow;
use axum::http::{HeaderMap, header};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::core::hex::hex;
use crate::core::secret::Secret;

/// The header of a signature: `sha256=` and the HMAC-SHA-256 of the body, in hexadecimal digits.
pub(crate) const SIGNATURE: &str = "x-soak-signature";

/// What a sender must know.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access {
    /// The token of `Authorization: Bearer`. `None` = there is none.
    pub token: Option<Secret>,
    /// The key of signatures. `None` = there is none.
    pub hmac_key: Option<Secret>,
}

impl Access {
    /// Whether nothing must be known.
    pub(crate) fn is_open(&self) -> bool {
        self.token.is_none() && self.hmac_key.is_none()
    }

    /// Whether the token was given. False where there is none.
    pub(super) fn has_token(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(token), Some(value), None) = (&self.token, values.next(), values.next()) else {
            return false;
        };
        let value = value.as_bytes();
        let is_bearer = value.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "));
        // Digests are of one length, so that not even the length of the token can be measured.
        let digest = |bytes: &[u8]| Sha256::digest(bytes);
        let given = digest(value.get(7..).unwrap_or_default().trim_ascii());
        let is_same: bool = given.ct_eq(&digest(token.reveal().as_bytes())).into();
        is_bearer && is_same
    }

    /// Whether the body is signed. False where there is no key.
    pub(super) fn is_signed(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        let (Some(key), Some(given)) = (&self.hmac_key, headers.get(SIGNATURE)) else { return false };
        let Some(given) = given.as_bytes().strip_prefix(b"sha256=") else { return false };
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.reveal().as_bytes()) else { return false };
        mac.update(body);
        let signature = hex(&mac.finalize().into_bytes());
        signature.as_bytes().ct_eq(&given.to_ascii_lowercase()).into()
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.append(name, value.parse().expect("a header"));
        headers
    }

    #[test]
    fn only_the_whole_token_opens() {
        let access = Access { token: Some(Secret::new("hush")), hmac_key: None };
        for good in ["Bearer hush", "bearer hush", "BEARER  hush"] {
            assert!(access.has_token(&headers("authorization", good)), "{good}");
        }
        for bad in ["Bearer hus", "Bearer hushh", "Bearer", "hush", "Basic hush", "Bearer HUSH", "Bearer "] {
            assert!(!access.has_token(&headers("authorization", bad)), "{bad}");
        }
        assert!(!access.has_token(&HeaderMap::new()));
        let mut twice = headers("authorization", "Bearer hush");
        twice.append("authorization", "Bearer hush".parse().expect("a header"));
        assert!(!access.has_token(&twice));
        assert!(!Access::default().has_token(&headers("authorization", "Bearer ")));
    }

    #[test]
    fn a_signature_is_that_of_rfc_4231() {
        // RFC 4231, test case 2: key "Jefe", data "what do ya want for nothing?".
        let access = Access { token: None, hmac_key: Some(Secret::new("Jefe")) };
        let digits = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let body = b"what do ya want for nothing?";
        assert!(access.is_signed(&headers(SIGNATURE, &format!("sha256={digits}")), body));
        assert!(access.is_signed(&headers(SIGNATURE, &format!("sha256={}", digits.to_uppercase())), body));
        for bad in [
            digits.to_owned(),
            format!("sha256={}", &digits[..62]),
            format!("sha256={}", &digits[..63]),
            format!("sha256={}", digits.replace('5', "6")),
            "sha256=".to_owned(),
            "sha256=zz".to_owned(),
        ] {
            assert!(!access.is_signed(&headers(SIGNATURE, &bad), body), "{bad}");
        }
        assert!(!access.is_signed(&headers(SIGNATURE, &format!("sha256={digits}")), b"other"));
    }
}
