//! Where an authorization answer may go: a registered URI, compared exactly; only the port of a loopback address is
//! free (RFC 6749 §3.1.2.3, RFC 8252 §7.3, RFC 9700 §4.1.3).

use crate::model::Client;

/// Whether a client may be answered at this URI.
pub(super) fn is_registered(client: &Client, uri: &str) -> bool {
    client.redirect_uris.iter().any(|registered| registered == uri || equal_but_for_port(registered, uri))
}

/// The URI of a client that registered exactly one, which a request may then leave out (RFC 6749 §3.1.2.3).
pub(super) fn only_one(client: &Client) -> Option<&str> {
    match client.redirect_uris.as_slice() {
        [one] => Some(one),
        _ => None,
    }
}

/// What `form-action` of a page must allow, so that its form may end in a redirect there (CSP3 §6.4.1).
pub(super) fn csp_source(uri: &str) -> Option<String> {
    let url = url::Url::parse(uri).ok()?;
    let source = match url.scheme() {
        "http" | "https" => url.origin().ascii_serialization(),
        scheme => format!("{scheme}:"),
    };
    // The grammar of CSP has no escapes, so what could end the source is never let in.
    source.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b';' | b',')).then_some(source)
}

/// Whether only the client itself can receive what is sent there. Any program on a device can listen on a loopback
/// port or claim a scheme (RFC 8252 §8.6).
pub(super) fn assures_identity(uri: &str) -> bool {
    uri.starts_with("https://")
}

fn equal_but_for_port(registered: &str, uri: &str) -> bool {
    match (loopback(registered), loopback(uri)) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

/// The host and what follows the port, for `http` on a loopback address. Names are not addresses: `localhost` may
/// resolve to anything (RFC 8252 §8.3).
fn loopback(uri: &str) -> Option<(&str, &str)> {
    let hosts = ["http://127.0.0.1", "http://[::1]"];
    let (host, rest) = hosts.into_iter().find_map(|host| Some((host, uri.strip_prefix(host)?)))?;
    let rest = match rest.strip_prefix(':') {
        None => rest,
        Some(after) => {
            let digits = after.bytes().take_while(u8::is_ascii_digit).count();
            let (port, rest) = after.split_at_checked(digits)?;
            port.parse::<u16>().ok().filter(|port| *port != 0)?;
            rest
        }
    };
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_port_of_a_loopback_address_is_free() {
        let same = equal_but_for_port;
        assert!(same("http://127.0.0.1:8400/cb", "http://127.0.0.1:51004/cb"));
        assert!(same("http://127.0.0.1/cb", "http://127.0.0.1:1/cb") && same("http://[::1]/cb", "http://[::1]:9/cb"));
        for other in [
            "http://127.0.0.1:8400/cb/",
            "http://127.0.0.1:8400/cb?x",
            "http://127.0.0.1:8400",
            "https://127.0.0.1:8400/cb",
            "http://127.0.0.1:8400@evil.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.1:84x/cb",
            "http://127.0.0.1:99999/cb",
            "http://127.0.0.1:0/cb",
            "http://localhost:8400/cb",
            "http://[::1]:8400/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:8400#/cb",
            "http://127.1:8400/cb",
            "HTTP://127.0.0.1:8400/cb",
        ] {
            assert!(!same("http://127.0.0.1:8400/cb", other), "{other}");
        }
        assert!(!same("http://localhost:1/cb", "http://localhost:2/cb"));
    }

    #[test]
    fn a_csp_source_is_an_origin_or_a_scheme() {
        assert_eq!(csp_source("https://a.example/cb?x=1;2").as_deref(), Some("https://a.example"));
        assert_eq!(csp_source("http://127.0.0.1:8400/cb").as_deref(), Some("http://127.0.0.1:8400"));
        assert_eq!(csp_source("com.example.app:/cb").as_deref(), Some("com.example.app:"));
    }
}
