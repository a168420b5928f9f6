//! Where a request came from: for throttling, for the audit log, for the list of sessions.

use super::App;
use crate::gateway;
use axum::extract::{ConnectInfo, FromRequestParts};
use http::HeaderMap;
use http::request::Parts;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

/// A network address; `None` where there is none, as in a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address(pub(crate) Option<IpAddr>);

impl Address {
    /// The address of whoever sent a request, past the proxies that the configuration trusts.
    pub(crate) fn of(app: &App, parts: &Parts) -> Self {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| canonical(peer.ip()));
        Self(Self::told(app, &parts.headers).map_or(peer, |told| told.0))
    }

    /// The address as a proxy tells it: not that of a proxy itself, which everybody behind it has.
    pub(crate) fn told(app: &App, headers: &HeaderMap) -> Option<Self> {
        let forwarded = || forwarded(headers, app.config.sessions.trusted_proxies);
        gateway::address(headers).or_else(forwarded).map(|ip| Self(Some(canonical(ip))))
    }

    /// In letters.
    pub(crate) fn text(self) -> Option<String> {
        self.0.map(|ip| ip.to_string())
    }

    /// What is throttled together: one IPv4 address, or an IPv6 network of 64 bits, which one customer has to himself.
    pub(crate) fn network(self) -> String {
        match self.0 {
            None => "unknown".to_owned(),
            Some(IpAddr::V4(ip)) => ip.to_string(),
            Some(IpAddr::V6(ip)) => {
                let network = Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX));
                format!("{network}/64")
            }
        }
    }
}

impl FromRequestParts<Arc<App>> for Address {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        Ok(Self::of(app, parts))
    }
}

/// Each proxy appends who it was asked by; what is left of the last trusted one anybody can write.
fn forwarded(headers: &HeaderMap, proxies: u32) -> Option<IpAddr> {
    let before = usize::try_from(proxies.checked_sub(1)?).ok()?;
    let all: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    all.iter().rev().nth(before).and_then(|text| text.parse().ok())
}

fn canonical(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_trusted_proxies_wrote_counts() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "6.6.6.6, 203.0.113.7".parse().unwrap());
        headers.append("x-forwarded-for", "10.0.0.1".parse().unwrap());
        assert_eq!(forwarded(&headers, 0), None);
        assert_eq!(forwarded(&headers, 1), "10.0.0.1".parse().ok());
        assert_eq!(forwarded(&headers, 2), "203.0.113.7".parse().ok());
        assert_eq!(forwarded(&headers, 9), None);
        assert_eq!(Address("2001:db8::1:2:3:4".parse().ok()).network(), "2001:db8::/64");
    }
}
