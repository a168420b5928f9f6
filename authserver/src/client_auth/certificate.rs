//! `tls_client_auth` and `self_signed_tls_client_auth`: the certificate that the client showed to the gateway, RFC 8705.

use crate::gateway;
use crate::http::App;
use crate::model::{Client, TlsSubject};
use crate::x509::{self, Dn};
use aws_lc_rs::digest::{SHA256, digest};
use http::HeaderMap;
use rustls_pki_types::CertificateDer;
use subtle::ConstantTimeEq as _;

/// RFC 8705 §2.1: a certificate of a trusted authority, with the subject that is registered.
pub(super) fn of_authority(app: &App, headers: &HeaderMap, client: &Client) -> bool {
    let Some(shown) = gateway::certificate(headers) else { return false };
    let Some(expected) = &client.options.tls_client_auth else { return false };
    let authorities: Vec<_> =
        app.config.gateway.client_authorities.iter().filter_map(|one| x509::authority(one).ok()).collect();
    let now = app.env.now();
    if let Err(error) = x509::verify_chain(&shown.certificate, &shown.intermediates, &authorities, now) {
        tracing::info!(client = %client.id, %error, "a client certificate was refused");
        return false;
    }
    has_subject(&shown.certificate, expected)
}

/// RFC 8705 §2.2: the very certificate, or the very key, that is registered.
pub(super) fn is_registered(headers: &HeaderMap, client: &Client) -> bool {
    let Some(shown) = gateway::certificate(headers) else { return false };
    let keys = &client.options.keys;
    let fingerprint = |der: &[u8]| digest(&SHA256, der).as_ref().to_vec();
    let ours = fingerprint(&shown.certificate);
    let same = |registered: &CertificateDer<'_>| fingerprint(registered).ct_eq(&ours).into();
    let pinned = keys.certificates.iter().filter_map(|pem| x509::from_pem(pem).ok());
    // RFC 8705 §2.2.2: in a JWK Set, the certificate is the first of x5c.
    let in_jwks = keys.jwks.iter().flat_map(certificates_of);
    pinned.chain(in_jwks).any(|registered| same(&registered))
}

fn certificates_of(jwks: &serde_json::Value) -> Vec<CertificateDer<'static>> {
    use base64::Engine as _;
    let keys = jwks.get("keys").and_then(serde_json::Value::as_array);
    let first = |key: &serde_json::Value| {
        let text = key.get("x5c")?.as_array()?.first()?.as_str()?;
        base64::engine::general_purpose::STANDARD.decode(text).ok().map(CertificateDer::from)
    };
    keys.into_iter().flatten().filter_map(first).collect()
}

fn has_subject(certificate: &CertificateDer<'_>, expected: &TlsSubject) -> bool {
    let Ok(names) = x509::names(certificate) else { return false };
    match expected {
        TlsSubject::Dn(dn) => names.subject.is_some() && names.subject == Dn::parse(dn),
        TlsSubject::Dns(name) => names.dns.contains(&name.to_ascii_lowercase()),
        TlsSubject::Uri(uri) => names.uri.contains(uri),
        TlsSubject::Ip(ip) => names.ip.contains(ip),
        TlsSubject::Email(email) => names.email.contains(email),
    }
}
