//! Where a server listens, as a person writes it. Must not look names up.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

/// An address to listen on. A port alone is loopback; everything else has to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenAddress(SocketAddr);

/// The text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address to listen on; give a port (`9090`, which is 127.0.0.1:9090) or `IP:PORT`")]
pub struct NoAddress(String);

impl ListenAddress {
    /// The address; port 0 = any free one.
    pub fn socket(self) -> SocketAddr {
        self.0
    }

    /// Whether only this machine can reach it.
    pub fn is_loopback(self) -> bool {
        self.0.ip().to_canonical().is_loopback()
    }
}

impl FromStr for ListenAddress {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let loopback = |port: &str| {
            let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
            let port = digits.then(|| port.parse().ok()).flatten()?;
            Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
        };
        let short = text.strip_prefix("localhost:").or_else(|| text.strip_prefix(':')).unwrap_or(text);
        loopback(short).or_else(|| text.parse().ok()).map(Self).ok_or_else(|| NoAddress(text.to_owned()))
    }
}

impl From<SocketAddr> for ListenAddress {
    fn from(socket: SocketAddr) -> Self {
        Self(socket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        text.parse::<ListenAddress>().ok().map(|address| address.socket().to_string())
    }

    #[test]
    fn a_port_alone_is_loopback() {
        for text in ["9090", ":9090", "localhost:9090", "127.0.0.1:9090"] {
            assert_eq!(read(text).as_deref(), Some("127.0.0.1:9090"), "{text}");
        }
        assert_eq!(read("0").as_deref(), Some("127.0.0.1:0"));
        assert_eq!(read("65535").as_deref(), Some("127.0.0.1:65535"));
    }

    #[test]
    fn other_addresses_are_taken_as_written() {
        for text in ["0.0.0.0:9090", "[::]:80", "[::1]:9090", "192.168.1.7:1"] {
            assert_eq!(read(text).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_no_address_is_told() {
        for text in ["", ":", "65536", "-1", "+9090", "host:9090", "127.0.0.1", "[::1]", "9090:", "1.2.3:4"] {
            let error = text.parse::<ListenAddress>().expect_err(text);
            assert!(error.to_string().starts_with(&format!("`{text}` is no address")), "{error}");
        }
    }

    #[test]
    fn loopback_is_known_in_every_spelling() {
        let is_loopback = |text: &str| text.parse::<ListenAddress>().map(ListenAddress::is_loopback);
        for text in ["9090", "127.8.8.8:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert_eq!(is_loopback(text), Ok(true), "{text}");
        }
        for text in ["0.0.0.0:1", "[::]:1", "10.0.0.1:1"] {
            assert_eq!(is_loopback(text), Ok(false), "{text}");
        }
    }
}
