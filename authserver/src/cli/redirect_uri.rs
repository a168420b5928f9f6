//! Which redirect URIs may be registered (RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §4.1).

use crate::config::is_loopback;
use url::Url;

/// Absolute, without a fragment, and `https`, `http` on a loopback address, or a scheme of the app's own.
///
/// # Errors
/// What is wrong.
pub(crate) fn check(uri: &str) -> Result<(), &'static str> {
    // Compared letter by letter at the endpoint, so nothing that a browser would write another way is taken.
    if uri.contains('#') {
        return Err("must not have a fragment (RFC 6749 section 3.1.2)");
    }
    if !uri
        .bytes()
        .all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}'))
    {
        return Err("holds a character that a URI cannot (RFC 3986 section 2)");
    }
    let url = Url::parse(uri).map_err(|_| "is not an absolute URI")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user name or a password");
    }
    match url.scheme() {
        "https" if url.host().is_some() && uri.starts_with("https://") => Ok(()),
        "http" if is_loopback(&url) && uri.starts_with("http://") => Ok(()),
        "http" | "https" => Err("has to be https; plain http is for a loopback address only"),
        // RFC 8252 §7.1: a domain name under the app's control, in reverse order, so it has a dot.
        scheme if scheme.contains('.') => Ok(()),
        _ => Err("has to be https, or a scheme with a dot such as com.example.app (RFC 8252 section 7.1)"),
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn safe_targets_only() {
        for good in [
            "https://app.example/cb",
            "https://app.example:8443/cb?x=1",
            "http://127.0.0.1:8400/callback",
            "http://[::1]/cb",
            "http://localhost:3000/cb",
            "com.example.app:/cb",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "/cb",
            "app.example/cb",
            "http://app.example/cb",
            "https://a.example/cb#x",
            "https://u:p@a.example/",
            "https:a.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "myapp:/cb",
            "https://a.example/ cb",
            "https://a.example/\\cb",
            "file:///etc/passwd",
            "https://",
            "http://127.0.0.1.evil.example/",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
