//! A SAML 2.0 assertion as a grant, RFC 7522 §2.1: whoever bears one that a trusted issuer signed gets a token for its
//! subject, once.

use super::{Grant, GrantError, Request, TokenResponse, seconds, vouched};
use crate::assertion::AssertionError;
use crate::http::Route;
use crate::model::{AssertionKind, Digest, GrantType, TrustedIssuer};
use crate::saml::{Bearer, Expected, Key, Refused, Untrusted, Verified};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::Value;

pub(super) struct SamlBearer;

#[async_trait]
impl Grant for SamlBearer {
    fn grant_type(&self) -> GrantType {
        GrantType::Saml2Bearer
    }

    /// Client authentication is optional (RFC 7521 §4.1): what counts is the assertion.
    fn public_clients(&self) -> bool {
        true
    }

    async fn carry_out(&self, request: &Request<'_>) -> Result<TokenResponse, GrantError> {
        let assertion = Untrusted::read(&decoded(request.require("assertion")?)?).map_err(AssertionError::from)?;
        let issuer = vouched::issuer(request, assertion.issuer(), AssertionKind::Saml).await?;
        let verified = assertion.verify(&keys(&issuer)).map_err(AssertionError::from)?;
        let bearer = bearer(request, &verified, &issuer).map_err(AssertionError::from)?;
        let scope = vouched::scope(request, &issuer)?;
        let subject = vouched::subject(request, &issuer, &bearer.subject).await?;
        // RFC 7521 §4.1: no refresh token, since the client can come with another assertion.
        let mut minting = vouched::minting(request, &issuer, &scope).await?;
        minting.subject = Some(&subject);
        if !issuer.settings.claims.is_empty() {
            let said = verified.attributes().map_err(AssertionError::from)?;
            let value = |source: &str| said.get(source).and_then(|values| value(values));
            minting.claims = vouched::claims(request, &issuer, &minting.claims, value)?;
        }
        let name = format!("saml\0{}\0{}", issuer.issuer, bearer.id);
        if !request.app.store.use_once(&Digest::of(&name), bearer.expires_at).await? {
            return Err(AssertionError::Used.into());
        }
        minting.issue().await
    }
}

/// RFC 7522 §2.1: base64url, without line wrapping; padding "SHOULD NOT" be there, so it may.
fn decoded(text: &str) -> Result<Vec<u8>, AssertionError> {
    let decoded = URL_SAFE_NO_PAD.decode(text).or_else(|_| URL_SAFE.decode(text));
    decoded.map_err(|_| Refused::Shape("it is not base64url").into())
}

/// One value is a text, more are a list; none is as if the attribute were not there.
fn value(values: &[String]) -> Option<Value> {
    match values {
        [] => None,
        [one] => Some(one.as_str().into()),
        many => Some(many.into()),
    }
}

/// The keys that are pinned for an issuer.
fn keys(issuer: &TrustedIssuer) -> Vec<Key> {
    let pinned = issuer.settings.keys.certificates.iter().map(|certificate| Key::from_certificate(certificate));
    pinned
        .filter_map(|key| {
            key.inspect_err(
                |error| tracing::error!(issuer = %issuer.issuer, %error, "a pinned certificate is of no use"),
            )
            .ok()
        })
        .collect()
}

fn bearer(request: &Request<'_>, verified: &Verified, issuer: &TrustedIssuer) -> Result<Bearer, Refused> {
    let app = request.app;
    let endpoint = app.urls.absolute(Route::Token);
    let config = &app.config.assertions;
    let also = config.audience.iter().map(String::as_str);
    let audiences: Vec<&str> = [app.urls.issuer(), &endpoint].into_iter().chain(also.clone()).collect();
    let recipients: Vec<&str> = [endpoint.as_str()].into_iter().chain(also).collect();
    verified.bearer(&Expected {
        issuer: &issuer.issuer,
        audiences: &audiences,
        recipients: &recipients,
        now: request.now,
        skew: seconds(config.leeway),
        longest: seconds(config.max_lifetime),
    })
}
