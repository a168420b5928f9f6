//! What the gateway vouches for: the client's certificate and address, in headers that anyone could send.
//!
//! They are believed only with an HMAC under a secret that the gateway and this server share (docs/gateway-vouching.md
//! has it byte for byte). Without one they are taken off the request before anything reads them, so what is left is
//! true.

use crate::config::Gateway;
use crate::env::Env;
use crate::http::{App, Refusal};
use crate::x509;
use aws_lc_rs::hmac;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, Method, Uri};
use percent_encoding::percent_decode_str;
use rustls_pki_types::CertificateDer;
use std::net::IpAddr;
use std::sync::Arc;

/// The gateway's proof: `v1.<Unix seconds>.<base64url of the HMAC>`.
pub const VOUCH: &str = "x-bearward-gateway";
/// The client's address, without a port.
pub const CLIENT_ADDRESS: &str = "x-bearward-client-address";
/// The client's certificate, as Envoy writes it.
pub const CLIENT_CERTIFICATE: &str = "x-forwarded-client-cert";
/// How many proxies behind the gateway may add an element of their own to [`CLIENT_CERTIFICATE`], as the sidecars of a mesh
/// do.
const MOST_BEHIND: usize = 2;
/// How far a proof's time may be from ours, in seconds.
const WINDOW: i64 = 30;

/// The certificate a client showed to the gateway, and proved to have the key of.
#[derive(Debug, Clone)]
pub struct ClientCertificate {
    /// The certificate itself.
    pub certificate: CertificateDer<'static>,
    /// What came with it.
    pub intermediates: Vec<CertificateDer<'static>>,
}

/// The client's certificate, from the headers of a request that [`believe`] let through.
#[must_use]
pub fn certificate(headers: &HeaderMap) -> Option<ClientCertificate> {
    let element = last_element(headers.get(CLIENT_CERTIFICATE)?.to_str().ok()?);
    let pem = |key: &str| {
        let value = field(element, key)?;
        percent_decode_str(&value).decode_utf8().ok().map(std::borrow::Cow::into_owned)
    };
    let certificate = x509::from_pem(&pem("Cert")?).ok()?;
    let chain = pem("Chain").and_then(|chain| x509::many_from_pem(&chain).ok()).unwrap_or_default();
    let intermediates = chain.into_iter().filter(|one| *one != certificate).collect();
    Some(ClientCertificate { certificate, intermediates })
}

/// The client's address, from the headers of a request that [`believe`] let through.
#[must_use]
pub fn address(headers: &HeaderMap) -> Option<IpAddr> {
    headers.get(CLIENT_ADDRESS)?.to_str().ok()?.parse().ok()
}

/// Takes the headers off that the gateway did not vouch for; the proof itself goes in any case.
pub(crate) async fn believe(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let vouched = vouched(&app.config.gateway, request.method(), request.uri(), request.headers(), app.env.now());
    let headers = request.headers_mut();
    headers.remove(VOUCH);
    if vouched.is_none() {
        headers.remove(CLIENT_ADDRESS);
    }
    match vouched {
        Some(certificate) if !certificate.is_empty() => drop(headers.insert(CLIENT_CERTIFICATE, certificate)),
        _ => drop(headers.remove(CLIENT_CERTIFICATE)),
    }
    next.run(request).await
}

/// Lets only a gateway through that has the secret, where there is one, unless the configuration opens the feed.
pub(crate) async fn insist(
    State((gateway, env)): State<(Arc<Gateway>, Env)>,
    request: Request,
    next: Next,
) -> Response {
    // A gateway asks for itself: it says nothing of a client.
    let known = only(request.headers(), VOUCH)
        .is_some_and(|proof| proves(&gateway, proof, env.now(), request.method(), request.uri(), [b"", b""]));
    if gateway.secret.is_none() || gateway.open_feed || known {
        return next.run(request).await;
    }
    Refusal::feed_needs_secret().into_response()
}

/// What the gateway vouched for as the client's certificate, which may be nothing; `None` if it vouched for nothing.
fn vouched(gateway: &Gateway, method: &Method, uri: &Uri, headers: &HeaderMap, now: i64) -> Option<HeaderValue> {
    let (proof, address) = (only(headers, VOUCH)?, only(headers, CLIENT_ADDRESS)?);
    let mut certificate = only(headers, CLIENT_CERTIFICATE)?;
    for _ in 0..=MOST_BEHIND {
        if proves(gateway, proof, now, method, uri, [certificate, address]) {
            return HeaderValue::from_bytes(certificate).ok();
        }
        certificate = without_last(certificate)?;
    }
    None
}

/// A header that is there at most once, and nothing if it is not there: of two, the gateway can have meant only one.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h [u8]> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Some(b""),
        (Some(one), None) => Some(one.as_bytes()),
        _ => None,
    }
}

fn proves(
    gateway: &Gateway,
    proof: &[u8],
    now: i64,
    method: &Method,
    uri: &Uri,
    [certificate, address]: [&[u8]; 2],
) -> bool {
    let Some((secret, (seconds, mac))) = gateway.secret.as_ref().zip(read(proof)) else { return false };
    if seconds.abs_diff(now) > WINDOW.unsigned_abs() {
        return false;
    }
    let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let message = message(seconds, method, path, certificate, address);
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, secret.0.as_bytes()), &message, &mac).is_ok()
}

fn read(proof: &[u8]) -> Option<(i64, Vec<u8>)> {
    let (seconds, mac) = str::from_utf8(proof).ok()?.strip_prefix("v1.")?.split_once('.')?;
    let digits = !seconds.is_empty() && seconds.bytes().all(|b| b.is_ascii_digit());
    Some((seconds.parse().ok().filter(|_| digits)?, URL_SAFE_NO_PAD.decode(mac).ok()?))
}

/// What the HMAC is over. No part but the certificate can hold a line feed, and neither can a header.
fn message(seconds: i64, method: &Method, path: &str, certificate: &[u8], address: &[u8]) -> Vec<u8> {
    let head = format!("v1\n{seconds}\n{method}\n{path}\n");
    [head.as_bytes(), certificate, b"\n", address].concat()
}

/// The proof that a gateway sends.
#[must_use]
pub fn vouch(secret: &str, seconds: i64, method: &Method, path: &str, certificate: &str, address: &str) -> String {
    let message = message(seconds, method, path, certificate.as_bytes(), address.as_bytes());
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), &message);
    format!("v1.{seconds}.{}", URL_SAFE_NO_PAD.encode(tag))
}

/// The elements but for the last one; `None` of nothing.
fn without_last(value: &[u8]) -> Option<&[u8]> {
    let text = str::from_utf8(value).ok().filter(|text| !text.is_empty())?;
    let end = text.len().checked_sub(last_element(text).len())?;
    Some(value.get(..end)?.strip_suffix(b",").unwrap_or_default())
}

/// The last of the elements: what the nearest proxy, the one that vouches, added. Commas in quotes do not part them.
fn last_element(value: &str) -> &str {
    split(value, ',').last().unwrap_or_default()
}

/// A field of an element, unquoted.
fn field(element: &str, key: &str) -> Option<String> {
    let value = split(element, ';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case(key).then_some(value)
    })?;
    match value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(quoted) => Some(quoted.replace("\\\"", "\"").replace("\\\\", "\\")),
        None => Some(value.to_owned()),
    }
}

/// Splits outside of quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c: char| {
        let here = !quoted && c == separator;
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = c == '\\' && !escaped;
        here
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;
    use http::HeaderValue;
    use zeroize::Zeroizing;

    fn gateway() -> Gateway {
        Gateway { secret: Some(Secret(Zeroizing::new("between us".to_owned()))), ..Gateway::default() }
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_the_very_request_is_vouched_for() {
        let proof = vouch("between us", 1000, &Method::POST, "/oauth2/token?x=1", "By=a;Cert=\"b\"", "192.0.2.7");
        let good = [(VOUCH, proof.as_str()), (CLIENT_CERTIFICATE, "By=a;Cert=\"b\""), (CLIENT_ADDRESS, "192.0.2.7")];
        let check = |method: Method, path: &'static str, given: &HeaderMap, now| {
            vouched(&gateway(), &method, &Uri::from_static(path), given, now).is_some()
        };
        let path = "/oauth2/token?x=1";
        assert!(check(Method::POST, path, &headers(&good), 1000));
        assert!(check(Method::POST, path, &headers(&good), 1030) && check(Method::POST, path, &headers(&good), 970));
        assert!(!check(Method::POST, path, &headers(&good), 1031) && !check(Method::POST, path, &headers(&good), 969));
        assert!(!check(Method::GET, path, &headers(&good), 1000));
        assert!(!check(Method::POST, "/oauth2/token", &headers(&good), 1000));
        for at in 0..3 {
            let mut changed = good;
            changed[at].1 = "x";
            assert!(!check(Method::POST, path, &headers(&changed), 1000), "{at}");
            let without: Vec<_> = good.iter().copied().filter(|pair| pair.0 != good[at].0).collect();
            assert!(!check(Method::POST, path, &headers(&without), 1000), "{at}");
            let mut twice = headers(&good);
            twice.append(good[at].0, HeaderValue::from_str(good[at].1).unwrap());
            assert!(!check(Method::POST, path, &twice, 1000), "{at}");
        }
        let other = vouch("another", 1000, &Method::POST, path, "By=a;Cert=\"b\"", "192.0.2.7");
        let mut forged = good;
        forged[0].1 = &other;
        assert!(!check(Method::POST, path, &headers(&forged), 1000));
        let alone = Uri::from_static("/oauth2/token?x=1");
        assert!(
            vouched(&Gateway::default(), &Method::POST, &alone, &headers(&good), 1000).is_none(),
            "no secret, no belief"
        );
        // The example of docs/gateway-vouching.md.
        assert_eq!(
            vouch("correct horse battery staple", 1_800_000_000, &Method::POST, "/oauth2/token", "", "192.0.2.7"),
            "v1.1800000000.BZLX89zJas7waoe4TMO9Wfd83Wvyeephxm2hQbmto7c"
        );
    }

    #[test]
    fn what_proxies_behind_the_gateway_add_is_cut_off() {
        let said = |signed: &str, arrived: &str| {
            let proof = vouch("between us", 1000, &Method::GET, "/", signed, "192.0.2.7");
            let given = headers(&[(VOUCH, &proof), (CLIENT_CERTIFICATE, arrived), (CLIENT_ADDRESS, "192.0.2.7")]);
            let vouched = vouched(&gateway(), &Method::GET, &Uri::from_static("/"), &given, 1000);
            vouched.map(|value| value.to_str().unwrap().to_owned())
        };
        let sidecar = "By=spiffe://a;Hash=ef;Subject=\"CN=a,O=b\"";
        for signed in ["", "Cert=\"x\"", "Hash=ab;Subject=\"a,b\",Cert=\"x\""] {
            let [one, two, three] = [1, 2, 3].map(|count| {
                let mut parts = vec![signed; usize::from(!signed.is_empty())];
                parts.extend([sidecar; 3].iter().take(count));
                parts.join(",")
            });
            assert_eq!(said(signed, signed).as_deref(), Some(signed));
            assert_eq!(said(signed, &one).as_deref(), Some(signed));
            assert_eq!(said(signed, &two).as_deref(), Some(signed));
            assert_eq!(said(signed, &three), None, "as many as a mesh has, and no more");
        }
        assert_eq!(said("Cert=\"x\"", sidecar), None, "nothing of the gateway's is left");
    }

    #[tokio::test]
    async fn the_feed_is_for_gateways_that_have_the_secret() {
        use axum::Router;
        use axum::body::Body;
        use tower::ServiceExt as _;
        let status = async |gateway: Gateway, proof: &str| {
            let state = (Arc::new(gateway), crate::testing::env(&crate::testing::TestClock::at(1000)));
            let router = Router::new().route("/mesh/revocations", axum::routing::get(async || "page"));
            let router = router.layer(axum::middleware::from_fn_with_state(state, insist));
            let mut request = Request::get("/mesh/revocations?wait=1").header(CLIENT_CERTIFICATE, "By=a sidecar");
            if !proof.is_empty() {
                request = request.header(VOUCH, proof);
            }
            router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status().as_u16()
        };
        let proof = |secret: &str, path: &str| vouch(secret, 1000, &Method::GET, path, "", "");
        let good = proof("between us", "/mesh/revocations?wait=1");
        assert_eq!(status(gateway(), &good).await, 200);
        for bad in
            ["", "v1.1000.", &proof("another", "/mesh/revocations?wait=1"), &proof("between us", "/mesh/revocations")]
        {
            assert_eq!(status(gateway(), bad).await, 403, "{bad}");
            assert_eq!(status(Gateway { open_feed: true, ..gateway() }, bad).await, 200);
            assert_eq!(status(Gateway::default(), bad).await, 200);
        }
    }

    #[test]
    fn envoys_header_is_read() {
        let certificate =
            rcgen::CertificateParams::default().self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        let encode =
            |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let (pem, other) = (encode(&certificate.pem()), encode("not a certificate"));
        let read = |value: String| super::certificate(&headers(&[(CLIENT_CERTIFICATE, &value)]));
        let subject = r#"Subject="CN=\"a,b;c\",O=x""#;
        let read_one = read(format!("Hash=ab;{subject};Cert=\"{pem}\";URI=spiffe://a")).unwrap();
        assert_eq!((&read_one.certificate, read_one.intermediates.len()), (certificate.der(), 0));
        assert!(read(format!("Cert=\"{other}\",Hash=cd;cert=\"{pem}\";Chain=\"{pem}\"")).is_some(), "the last one");
        assert!(read(format!("Cert=\"{pem}\",Hash=cd")).is_none(), "never the one before");
        assert!(read(format!("Subject=\"x;Cert={pem}\"")).is_none(), "in quotes");
        for junk in ["", "Cert=", "Cert=\"", "=;=,", "Cert=\"%ff\""] {
            assert!(read(junk.to_owned()).is_none(), "{junk}");
        }
    }
}
