//! `tls_client_auth` and `self_signed_tls_client_auth`: the certificate that the client showed to the gateway, RFC 8705.

use crate::client_keys::ClientKey;
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

/// RFC 8705 §2.2: the very certificate that is registered, and switched on. In a JWK Set it is the first of `x5c` (§2.2.2).
pub(super) fn is_registered(app: &App, headers: &HeaderMap, client: &Client) -> bool {
    let Some(shown) = gateway::certificate(headers) else { return false };
    let fingerprint = |der: &[u8]| digest(&SHA256, der).as_ref().to_vec();
    let ours = fingerprint(&shown.certificate);
    let now = app.env.now();
    let same =
        |key: &ClientKey| key.key.certificate().is_some_and(|registered| fingerprint(&registered).ct_eq(&ours).into());
    let found = client.keys_on(now).find(same);
    if let Some(key) = &found {
        app.counters.used(&client.id, &key.switch.id, now);
    }
    found.is_some()
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
