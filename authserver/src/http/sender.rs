//! The keys that the sender of a request shows: by DPoP (RFC 9449), and by the certificate that the gateway vouches for
//! (RFC 8705 §3).

use super::error::ErrorCode;
use super::{App, Refusal, Route};
use crate::confirmation::Confirmation;
use crate::dpop::{self, DpopError};
use crate::model::Client;
use crate::{gateway, x509};
use axum::response::Response;
use http::header::ACCESS_CONTROL_EXPOSE_HEADERS;
use http::{HeaderMap, HeaderValue, Method};

/// The error for a proof that needs a nonce, or another (RFC 9449 §8).
const USE_NONCE: &str = "use_dpop_nonce";

/// What tokens for this request are bound to: a DPoP key if there is a proof, the certificate if the client is registered
/// for that.
pub(super) async fn confirmation(
    app: &App,
    headers: &HeaderMap,
    route: Route,
    client: &Client,
) -> Result<Confirmation, Refusal> {
    let jkt = dpop::thumbprint(app, headers, &Method::POST, route).await?;
    let bind = client.options.tls_client_certificate_bound_access_tokens;
    let certificate = bind.then(|| gateway::certificate(headers)).flatten();
    Ok(Confirmation { jkt, x5t_s256: certificate.map(|shown| x509::thumbprint(&shown.certificate)) })
}

/// Gives a nonce along, to clients that use DPoP, where proofs need one (RFC 9449 §8.2), and to those whose nonce is not
/// ours, or not any more (§8).
pub(super) fn with_nonce(app: &App, request: &HeaderMap, mut response: Response) -> Response {
    let asked_for = response.extensions().get() == Some(&ErrorCode(USE_NONCE));
    if !asked_for && (!app.config.dpop.require_nonce || !request.contains_key(dpop::HEADER)) {
        return response;
    }
    let nonce = dpop::nonce(app).ok().and_then(|nonce| HeaderValue::from_str(&nonce).ok());
    if let Some(nonce) = nonce {
        response.headers_mut().insert(dpop::NONCE_HEADER, nonce);
        response.headers_mut().insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("DPoP-Nonce"));
    }
    response
}

impl From<DpopError> for Refusal {
    fn from(error: DpopError) -> Self {
        match error {
            DpopError::Invalid(text) => Self::new("invalid_dpop_proof", text),
            DpopError::Nonce => Self::new(USE_NONCE, error.to_string()),
            DpopError::Store(error) => error.into(),
        }
    }
}
