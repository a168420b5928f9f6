//! Mutual TLS from end to end: clients that prove themselves by certificates to the gateway, which vouches for them to the
//! authserver; tokens bound to certificates (RFC 8705). The client is Authlib's: `tests/clients/python/mutual_tls.py`.

use crate::clients;
use crate::context::Context;
use bearward_tests::ports;
use bearward_tests::stack::{self, Addresses, Options, Stack, local};
use bearward_tests::tempdir::TempDir;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};
use serde_json::{Value, json};
use std::path::Path;

const NAME: &str = "spiffe://example.org/ns/shop/sa/orders";

pub async fn proves_clients_and_binds_tokens(context: &Context) {
    let dir = TempDir::new().unwrap();
    certificates(dir.path());
    let file = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let authorities = ("BEARWARD_GATEWAY__CLIENT_AUTHORITIES_FILE".to_owned(), file("ca.pem"));
    let options = Options { more: vec![authorities], ..Options::default() };
    let stack = Stack::start(context.parts(), &options).await.unwrap();
    let authserver = &stack.authservers[0];
    let common = [
        "--grant",
        "client_credentials",
        "--scope",
        "orders:read",
        "--default-scope",
        "orders:read",
        "--bind-certificate",
    ];
    for (id, proof) in [
        ("by-authority", ["--auth-method", "tls_client_auth", "--tls-san-uri", NAME]),
        ("by-itself", ["--auth-method", "self_signed_tls_client_auth", "--certificate-file", &file("pinned.pem")]),
    ] {
        authserver.cli(&[&["client", "create", id], &proof[..], &common[..]].concat()).unwrap();
    }

    let place = local(ports::free().unwrap());
    let addresses = Addresses { gateway: place, authservers: vec![authserver.address()], issuer: stack.url.clone() };
    let envoys = TempDir::new().unwrap();
    let change = |config: &mut Value| with_tls(config, &file("server.pem"), &file("ca.pem"));
    let (envoy, _echo) = stack::gateway_with(context.parts(), addresses, 2, &envoys, change).await.unwrap();
    clients::in_python_with_certificates(&format!("https://{place}"), &stack.url, dir.path()).await;
    assert_eq!(envoy.stat("vm_reload").await.unwrap(), 0);
}

/// What docs/gateway-vouching.md says to set: Envoy takes any certificate, and writes what it saw over what a client says.
fn with_tls(config: &mut Value, server: &str, authority: &str) {
    let chain = config.pointer_mut("/static_resources/listeners/0/filter_chains/0").unwrap();
    let manager = chain.pointer_mut("/filters/0/typed_config").unwrap();
    manager["forward_client_cert_details"] = "SANITIZE_SET".into();
    manager["set_current_client_cert_details"] = json!({ "cert": true, "chain": true });
    chain["transport_socket"] = json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {
                "tls_certificates": [{
                    "certificate_chain": { "filename": server }, "private_key": { "filename": server },
                }],
                "validation_context": {
                    "trusted_ca": { "filename": authority }, "trust_chain_verification": "ACCEPT_UNTRUSTED",
                },
            },
        },
    });
}

/// An authority, and what it signed for the server, a client and another; and one that a client signed itself.
fn certificates(dir: &Path) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.distinguished_name.push(DnType::CommonName, "authority");
    let key = KeyPair::generate().unwrap();
    std::fs::write(dir.join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
    let authority = Issuer::new(params, key);
    let uri = |uri: &str| SanType::URI(uri.try_into().unwrap());
    for (name, san, signed) in [
        ("server", SanType::IpAddress([127, 0, 0, 1].into()), true),
        ("client", uri(NAME), true),
        ("another", uri("spiffe://example.org/ns/shop/sa/another"), true),
        ("pinned", uri(NAME), false),
    ] {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![san];
        params.use_authority_key_identifier_extension = signed;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().unwrap();
        let made = if signed { params.signed_by(&key, &authority) } else { params.self_signed(&key) };
        std::fs::write(dir.join(format!("{name}.pem")), made.unwrap().pem() + &key.serialize_pem()).unwrap();
    }
}
