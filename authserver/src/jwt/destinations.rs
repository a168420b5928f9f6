//! Where this server fetches keys from. Whoever may name a `jwks_uri` could otherwise have it knock at doors that only it
//! can reach (server-side request forgery): other services of its machine and network, a cloud's metadata address.

use super::FetchError;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use url::{Host, Url};

/// The networks that are not of the public internet (the IANA registries of special-purpose addresses). Of IPv6, only
/// 2000::/3 is public at all: loopback, link-local, unique local, multicast, IPv4-mapped and NAT64 addresses are outside.
const SPECIAL_V4: [Ipv4Net; 16] = [
    Ipv4Net::new_assert(Ipv4Addr::new(0, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10),
    Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 0, 0, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 0, 2, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 31, 196, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 88, 99, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(198, 18, 0, 0), 15),
    Ipv4Net::new_assert(Ipv4Addr::new(198, 51, 100, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(203, 0, 113, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(224, 0, 0, 0), 4),
    Ipv4Net::new_assert(Ipv4Addr::new(240, 0, 0, 0), 4),
];
/// Inside of 2000::/3: protocol assignments with Teredo, documentation, 6to4, documentation.
const SPECIAL_V6: [Ipv6Net; 4] = [
    Ipv6Net::new_assert(Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    Ipv6Net::new_assert(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    Ipv6Net::new_assert(Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    Ipv6Net::new_assert(Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];
const PUBLIC_V6: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Where keys may be fetched from: by `https` from addresses of the public internet, and by `https` or `http` from the
/// networks that the operator named (`assertions.jwks_networks`).
#[derive(Debug, Clone, Default)]
pub struct Destinations {
    networks: Arc<[IpNet]>,
}

impl Destinations {
    /// With these networks beside the public internet.
    #[must_use]
    pub fn new(networks: &[IpNet]) -> Self {
        Self { networks: networks.into() }
    }

    /// Whether keys may be fetched from a URL, as far as can be said without looking its host up.
    ///
    /// # Errors
    /// [`FetchError::Url`], [`FetchError::Address`].
    pub fn check(&self, url: &str) -> Result<Url, FetchError> {
        let url = Url::parse(url).map_err(|_| FetchError::Url)?;
        let secure = match url.scheme() {
            "https" => true,
            // Which address a name has is seen when it is looked up.
            "http" if !self.networks.is_empty() => false,
            _ => return Err(FetchError::Url),
        };
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(FetchError::Url);
        }
        let permitted = match url.host() {
            None => return Err(FetchError::Url),
            Some(Host::Ipv4(ip)) => self.permits(ip.into(), secure),
            Some(Host::Ipv6(ip)) => self.permits(ip.into(), secure),
            // RFC 6761 §6.3: always loopback.
            Some(Host::Domain(name)) if is_localhost(name) => {
                [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()].iter().any(|ip| self.permits(*ip, secure))
            }
            Some(Host::Domain(_)) => true,
        };
        if permitted { Ok(url) } else { Err(FetchError::Address) }
    }

    /// Whether keys may be fetched from each of these addresses.
    pub(super) fn permits_all(&self, ips: &[IpAddr], secure: bool) -> bool {
        ips.iter().all(|ip| self.permits(*ip, secure))
    }

    /// Whether keys may be fetched from an address; over a connection that is not `secure`, from named networks only.
    fn permits(&self, ip: IpAddr, secure: bool) -> bool {
        self.networks.iter().any(|network| network.contains(&ip)) || (secure && is_public(ip))
    }
}

fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !SPECIAL_V4.iter().any(|network| network.contains(&ip)),
        IpAddr::V6(ip) => PUBLIC_V6.contains(&ip) && !SPECIAL_V6.iter().any(|network| network.contains(&ip)),
    }
}

/// How names become addresses.
pub(super) trait Lookup: Send + Sync + 'static {
    /// The addresses of a host.
    fn addresses(&self, host: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
}

/// As the machine does it.
pub(super) struct SystemLookup;

impl Lookup for SystemLookup {
    fn addresses(&self, host: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect()) })
    }
}

/// Looks a name up and gives the HTTP client the addresses that are permitted, and no others: what was checked is what is
/// connected to, however the name changes (DNS rebinding).
pub(super) struct Resolver {
    pub(super) destinations: Destinations,
    pub(super) lookup: Arc<dyn Lookup>,
    pub(super) secure: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (destinations, secure) = (self.destinations.clone(), self.secure);
        let found = self.lookup.addresses(name.as_str().to_owned());
        Box::pin(async move {
            let permitted = found.await?.into_iter().filter(|ip| destinations.permits(*ip, secure));
            let addresses: Vec<_> = permitted.map(|ip| SocketAddr::new(ip, 0)).collect();
            if addresses.is_empty() {
                return Err(Box::new(FetchError::Address).into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        for public in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "198.20.0.1", "223.255.255.255", "2606:4700::1111"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for special in [
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.168.1.1",
            "198.19.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "::ffff:127.0.0.1",
            "::8.8.8.8",
            "64:ff9b::7f00:1",
            "100::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
        ] {
            assert!(!is_public(special.parse().unwrap()), "{special}");
        }
    }

    #[test]
    fn a_url_is_refused_before_it_is_used() {
        let outside = Destinations::default();
        for good in ["https://id.example/jwks", "https://id.example:8443/jwks?x=1", "https://8.8.8.8/"] {
            assert!(outside.check(good).is_ok(), "{good}");
        }
        for bad in ["http://id.example/jwks", "file:///etc/passwd", "https://u:p@id.example/", "https://a/#f", "x", ""]
        {
            assert!(matches!(outside.check(bad), Err(FetchError::Url)), "{bad}");
        }
        for hidden in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://169.254.169.254/latest/meta-data",
            "https://localhost/",
            "https://LOCALHOST./",
            "https://a.localhost/",
        ] {
            assert!(matches!(outside.check(hidden), Err(FetchError::Address)), "{hidden}");
        }
        let inside = Destinations::new(&["127.0.0.0/8".parse().unwrap(), "10.1.0.0/16".parse().unwrap()]);
        for good in ["http://127.0.0.1:9/jwks", "https://10.1.2.3/", "http://localhost/", "http://idp.internal/"] {
            assert!(inside.check(good).is_ok(), "{good}");
        }
        for bad in ["http://10.2.0.1/", "https://10.2.0.1/", "http://8.8.8.8/", "http://[::1]/"] {
            assert!(matches!(inside.check(bad), Err(FetchError::Address)), "{bad}");
        }
    }
}
