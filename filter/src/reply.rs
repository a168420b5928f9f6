//! What clients are told, and the log of those that are refused.

use crate::proxy::{Headers, Host, HostResult};
use crate::request::Asks;
use bearward_token::challenge::{self, Details, Space};
use bearward_token::path::MatchPath;
use bearward_token::refusal::Refusal;

/// Answers the request in context with a refusal; gives the status.
///
/// # Errors
/// [`HostError`](crate::proxy::HostError)
pub fn refuse(host: &impl Host, space: &Space, refusal: Refusal, details: &Details<'_>) -> HostResult<u16> {
    let response = challenge::response(refusal, space, details);
    let pairs: Vec<_> = response.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    let grpc_status = if details.grpc { response.grpc_status } else { -1 };
    let why = format!("bearward_{}", refusal.answer().label);
    host.reply(response.status, &pairs, response.body.as_bytes(), &why, grpc_status).map(|()| response.status)
}

/// Answers the request in context with a document. Clients in browsers read it too, from wherever they are, and with
/// headers of their own: it is public (RFC 9728 §3.1).
///
/// # Errors
/// [`HostError`](crate::proxy::HostError)
pub fn serve(host: &impl Host, document: &str, asks: Asks) -> HostResult<()> {
    type Pairs = [(&'static [u8], &'static [u8]); 2];
    let (status, more, body): (u16, Pairs, &str) = match asks {
        Asks::ToRead => {
            (200, [(b"content-type", b"application/json"), (b"cache-control", b"public, max-age=3600")], document)
        }
        Asks::WhetherItMay => {
            (204, [(b"access-control-allow-headers", b"*"), (b"access-control-allow-methods", b"GET, HEAD")], "")
        }
        Asks::ForAnythingElse => (405, [(b"allow", b"GET, HEAD, OPTIONS"), (b"cache-control", b"no-store")], ""),
    };
    let [first, second] = more;
    let pairs = [first, second, (b"access-control-allow-origin".as_slice(), b"*".as_slice())];
    host.reply(status, &pairs, body.as_bytes(), "bearward_resource_metadata", -1)
}

/// Whether the client speaks gRPC, as Envoy tells it: its `content-type` is `application/grpc`, alone or with a suffix.
#[must_use]
pub fn is_grpc(content_type: &[u8]) -> bool {
    let rest = content_type.strip_prefix(b"application/grpc");
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

/// The log line of a refusal: which request, by the id that Envoy's own logs have, and why. Never a token, never a query.
#[must_use]
pub fn denial(label: &str, status: u16, headers: Option<&Headers>, id: Option<&[u8]>) -> String {
    let header = |wanted: &[u8]| {
        let found = headers.and_then(|headers| headers.iter().find(|(name, _)| *name == wanted));
        found.map(|(_, value)| value).unwrap_or_default()
    };
    // A path that is refused for what it holds is not repeated.
    let path = header(b":path");
    let path = MatchPath::parse(path).map_or("-".to_owned(), |path| path.as_bytes().escape_ascii().to_string());
    format!(
        "denied reason={label} status={status} method={} path={path} request_id={}",
        header(b":method").escape_ascii(),
        id.unwrap_or_else(|| header(b"x-request-id")).escape_ascii(),
    )
}
