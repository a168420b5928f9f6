//! Certificates as proofs of clients, RFC 8705, from a gateway that vouches for them.

use crate::support::{Answer, Server, client};
use bearward::config::{Gateway, Secret};
use bearward::gateway;
use bearward::model::{ClientAuthMethod, GrantType, Keys, TlsSubject};
use http::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use zeroize::Zeroizing;

const SECRET: &str = "a secret of more than 32 characters";

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "authority");
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    fn certificate(&self, common_name: &str, dns: &str) -> String {
        params(common_name, dns).signed_by(&KeyPair::generate().unwrap(), &self.issuer).unwrap().pem()
    }
}

fn params(common_name: &str, dns: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![dns.to_owned()]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Example");
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

async fn server(authority: &Authority) -> Server {
    let authorities = bearward::x509::many_from_pem(&authority.pem).unwrap();
    Server::with(|config| {
        let secret = Some(Secret(Zeroizing::new(SECRET.to_owned())));
        config.gateway = Gateway { secret, client_authorities: authorities };
    })
    .await
}

async fn ask(server: &Server, id: &str, pem: &str, secret: &str) -> Answer {
    let header = format!("Hash=ab;Cert=\"{}\"", utf8_percent_encode(pem, NON_ALPHANUMERIC));
    let proof = gateway::vouch(secret, server.now(), &Method::POST, "/oauth2/token", &header, "");
    let headers = [(gateway::CLIENT_CERTIFICATE, header.as_str()), (gateway::VOUCH, proof.as_str())];
    let pairs = vec![("grant_type", "client_credentials"), ("client_id", id)];
    server.post_with("/oauth2/token", None, pairs, &headers).await
}

#[tokio::test]
async fn a_certificate_of_an_authority_with_the_registered_subject() {
    let authority = Authority::new();
    let server = server(&authority).await;
    for (id, subject) in [
        ("dn", TlsSubject::Dn("CN=client,O=Example".to_owned())),
        ("dns", TlsSubject::Dns("Client.Example".to_owned())),
        ("uri", TlsSubject::Uri("spiffe://example/client".to_owned())),
    ] {
        let mut one = client(id, None, &[GrantType::ClientCredentials]);
        one.auth_method = ClientAuthMethod::TlsClientAuth;
        one.options.tls_client_auth = Some(subject);
        server.app.store.create_client(&one).await.unwrap();
    }
    let good = authority.certificate("client", "client.example");
    for id in ["dn", "dns"] {
        assert_eq!(ask(&server, id, &good, SECRET).await.status, StatusCode::OK, "{id}");
    }
    ask(&server, "uri", &good, SECRET).await.is_error(401, "invalid_client");
    ask(&server, "dn", &good, "another secret, and as long as it").await.is_error(401, "invalid_client");
    for bad in [
        authority.certificate("another", "another.example"),
        Authority::new().certificate("client", "client.example"),
        params("client", "client.example").self_signed(&KeyPair::generate().unwrap()).unwrap().pem(),
        "junk".to_owned(),
    ] {
        ask(&server, "dn", &bad, SECRET).await.is_error(401, "invalid_client");
        ask(&server, "dns", &bad, SECRET).await.is_error(401, "invalid_client");
    }
    let pairs = vec![("grant_type", "client_credentials"), ("client_id", "dn")];
    server.token(None, pairs).await.is_error(401, "invalid_client");
    server.clock.advance(10_000 * 365 * 86_400);
    ask(&server, "dn", &good, SECRET).await.is_error(401, "invalid_client");
}

#[tokio::test]
async fn a_certificate_that_is_itself_registered() {
    let server = server(&Authority::new()).await;
    let own = || params("client", "client.example").self_signed(&KeyPair::generate().unwrap()).unwrap().pem();
    let (good, other) = (own(), own());
    let mut one = client("pinned", None, &[GrantType::ClientCredentials]);
    one.auth_method = ClientAuthMethod::SelfSignedTlsClientAuth;
    one.options.keys = Keys { certificates: vec![good.clone()], ..Keys::default() };
    server.app.store.create_client(&one).await.unwrap();
    assert_eq!(ask(&server, "pinned", &good, SECRET).await.status, StatusCode::OK);
    ask(&server, "pinned", &other, SECRET).await.is_error(401, "invalid_client");
    ask(&server, "pinned", &good, "another secret, and as long as it").await.is_error(401, "invalid_client");
    // A certificate beside a secret is no second method: every client behind mutual TLS shows one.
    let secret = client("secret", Some("s"), &[GrantType::ClientCredentials]);
    server.app.store.create_client(&secret).await.unwrap();
    ask(&server, "secret", &good, SECRET).await.is_error(401, "invalid_client");
}
