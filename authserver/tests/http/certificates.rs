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
        config.gateway = Gateway { secret, client_authorities: authorities, open_feed: false };
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

#[tokio::test]
async fn tokens_are_bound_to_the_certificate_of_a_client_that_is_registered_for_it() {
    let server = server(&Authority::new()).await;
    let own = || params("client", "client.example").self_signed(&KeyPair::generate().unwrap()).unwrap().pem();
    let (good, other) = (own(), own());
    let mut bound = client("bound", None, &[GrantType::ClientCredentials]);
    bound.auth_method = ClientAuthMethod::SelfSignedTlsClientAuth;
    bound.options.keys = Keys { certificates: vec![good.clone()], ..Keys::default() };
    bound.options.tls_client_certificate_bound_access_tokens = true;
    server.app.store.create_client(&bound).await.unwrap();
    let token = ask(&server, "bound", &good, SECRET).await.json()["access_token"].as_str().unwrap().to_owned();
    let der = bearward::x509::from_pem(&good).unwrap();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &der);
    let thumbprint = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, digest);
    assert_eq!(crate::support::claims(&token)["cnf"], serde_json::json!({ "x5t#S256": thumbprint }));
    let told = server.post("/oauth2/introspect", crate::support::WEB, vec![("token", &token)]).await.json();
    assert_eq!((&told["cnf"]["x5t#S256"], &told["token_type"]), (&thumbprint.into(), &"Bearer".into()));
    // A public client's refresh token is bound, too (RFC 8705 §4); without a certificate there is no token at all.
    let mut public = client("public", None, &[GrantType::AuthorizationCode, GrantType::RefreshToken]);
    public.options.tls_client_certificate_bound_access_tokens = true;
    server.app.store.create_client(&public).await.unwrap();
    let code = server.code("public", Some(crate::support::CHALLENGE)).await;
    let show = |pem: &str, pairs: Vec<(&'static str, String)>| {
        let header = format!("Cert=\"{}\"", utf8_percent_encode(pem, NON_ALPHANUMERIC));
        let proof = gateway::vouch(SECRET, server.now(), &Method::POST, "/oauth2/token", &header, "");
        let server = &server;
        async move {
            let headers = [(gateway::CLIENT_CERTIFICATE, header.as_str()), (gateway::VOUCH, proof.as_str())];
            let pairs = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
            server.post_with("/oauth2/token", None, pairs, &headers).await
        }
    };
    let pairs = |more: &[(&'static str, &str)]| {
        let all = [&[("client_id", "public")], more].concat();
        all.into_iter().map(|(name, value)| (name, value.to_owned())).collect::<Vec<_>>()
    };
    let redeem = pairs(&[
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", crate::support::CALLBACK),
        ("code_verifier", crate::support::VERIFIER),
    ]);
    let without = redeem.iter().map(|(name, value)| (*name, value.as_str())).collect();
    server.token(None, without).await.is_error(400, "invalid_request");
    let first = show(&good, redeem).await.json();
    let refresh =
        pairs(&[("grant_type", "refresh_token"), ("refresh_token", first["refresh_token"].as_str().unwrap())]);
    show(&other, refresh.clone()).await.is_error(400, "invalid_grant");
    assert_eq!(show(&good, refresh).await.status, StatusCode::OK);
}
