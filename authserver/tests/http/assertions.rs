//! JWT assertions as grants and as proofs of clients, RFC 7523; JWTs made by a library that is not ours.

use crate::support::{Answer, ISSUER, Server, claims, client};
use bearward::client_auth::seal_secret;
use bearward::keys::Sealer;
use bearward::model::{AuthorizationType, ClientAuthMethod, GrantType, IssuerSettings, Keys, Subjects, TrustedIssuer};
use bearward_token::scope::ScopeSet;
use http::StatusCode;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const CLIENT_ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const IDP: &str = "https://idp.example";

/// A key and its certificate.
pub(crate) struct Party {
    key: rcgen::KeyPair,
    pub(crate) certificate: String,
}

impl Party {
    pub(crate) fn new() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap().pem();
        Self { key, certificate }
    }

    pub(crate) fn keys(&self) -> Keys {
        Keys { certificates: vec![self.certificate.clone()], ..Keys::default() }
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        let key = EncodingKey::from_ec_pem(self.key.serialize_pem().as_bytes()).unwrap();
        encode(&Header::new(Algorithm::ES256), claims, &key).unwrap()
    }
}

async fn server() -> (Server, Party) {
    let server = Server::start().await;
    let idp = Party::new();
    trust(&server, &idp, IssuerSettings::default()).await;
    server.app.store.create_client(&client("app", Some("s"), &[GrantType::JwtBearer])).await.unwrap();
    (server, idp)
}

pub(crate) async fn trust(server: &Server, idp: &Party, settings: IssuerSettings) {
    let settings = IssuerSettings { keys: idp.keys(), ..settings };
    let issuer = TrustedIssuer { issuer: IDP.to_owned(), settings, created_at: 1 };
    server.app.store.put_issuer(&issuer).await.unwrap();
}

/// A good assertion with some members changed; `null` takes one out.
pub(crate) fn assertion(server: &Server, changes: &Value) -> Value {
    let now = server.now();
    let id = uuid::Uuid::new_v4().to_string();
    let mut claims = json!({"iss": IDP, "sub": "alice", "aud": ISSUER, "exp": now + 300, "iat": now, "jti": id});
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

async fn ask(server: &Server, assertion: &str) -> Answer {
    server.token(Some(("app", "s")), vec![("grant_type", JWT_BEARER), ("assertion", assertion)]).await
}

#[tokio::test]
async fn an_assertion_of_a_trusted_issuer_gives_a_token_once() {
    let (server, idp) = server().await;
    let text = idp.sign(&assertion(&server, &json!({})));
    let answer = ask(&server, &text).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let json = answer.json();
    assert!(json.get("refresh_token").is_none());
    let token = claims(json["access_token"].as_str().unwrap());
    assert_eq!((&token["sub"], &token["client_id"]), (&"person-alice".into(), &"app".into()));
    ask(&server, &text).await.is_error(400, "invalid_grant");
    // The same name in another assertion is the same assertion; without a name, its text is.
    let claims = assertion(&server, &json!({"jti": "n"}));
    assert_eq!(ask(&server, &idp.sign(&claims)).await.status, StatusCode::OK);
    let mut other = claims;
    other["x"] = 1.into();
    ask(&server, &idp.sign(&other)).await.is_error(400, "invalid_grant");
    let nameless = assertion(&server, &json!({"jti": null}));
    assert_eq!(ask(&server, &idp.sign(&nameless)).await.status, StatusCode::OK);
    // ECDSA signs differently each time; what was signed is the same.
    ask(&server, &idp.sign(&nameless)).await.is_error(400, "invalid_grant");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_one_gets_the_token() {
    let (server, idp) = server().await;
    for _ in 0..5 {
        let text = idp.sign(&assertion(&server, &json!({})));
        let (a, b, c, d) =
            tokio::join!(ask(&server, &text), ask(&server, &text), ask(&server, &text), ask(&server, &text));
        assert_eq!([a, b, c, d].iter().filter(|answer| answer.status == StatusCode::OK).count(), 1);
    }
}

#[tokio::test]
async fn every_rule_of_rfc_7523_section_3_holds() {
    let (server, idp) = server().await;
    let now = server.now();
    for (changes, good) in [
        (json!({"aud": format!("{ISSUER}/oauth2/token")}), true),
        (json!({"aud": ["https://other.example", ISSUER]}), true),
        (json!({"exp": now}), true),
        (json!({"exp": now + 3600}), true),
        (json!({"iat": now + 30, "nbf": now + 30}), true),
        (json!({"exp": now as f64 + 10.5}), true),
        (json!({"iat": null}), true),
        (json!({"aud": "https://other.example"}), false),
        (json!({"aud": format!("{ISSUER}/")}), false),
        (json!({"aud": []}), false),
        (json!({"aud": null}), false),
        (json!({"aud": 7}), false),
        (json!({"iss": null}), false),
        (json!({"iss": "https://nobody.example"}), false),
        (json!({"iss": "demo-service"}), false),
        (json!({"sub": null}), false),
        (json!({"sub": "nobody"}), false),
        (json!({"sub": ""}), false),
        (json!({"exp": null}), false),
        (json!({"exp": now - 30}), false),
        (json!({"exp": now + 3600 + 31}), false),
        (json!({"exp": (now + 10).to_string()}), false),
        (json!({"exp": -1}), false),
        (json!({"nbf": now + 31}), false),
        (json!({"iat": now + 31}), false),
    ] {
        let answer = ask(&server, &idp.sign(&assertion(&server, &changes))).await;
        if good {
            assert_eq!(answer.status, StatusCode::OK, "{changes}: {}", answer.body);
        } else {
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{changes}");
            answer.is_error(400, "invalid_grant");
        }
    }
    let stranger = Party::new();
    ask(&server, &stranger.sign(&assertion(&server, &json!({})))).await.is_error(400, "invalid_grant");
    for junk in ["x", "a.b.c", "e30.e30."] {
        ask(&server, junk).await.is_error(400, "invalid_grant");
    }
    server.token(Some(("app", "s")), vec![("grant_type", JWT_BEARER)]).await.is_error(400, "invalid_request");
}

#[tokio::test]
async fn numbers_as_text_and_other_audiences_are_a_choice() {
    let server = Server::with(|config| {
        config.assertions.text_dates = true;
        config.assertions.audience = vec!["http://apigateway/api/oauth/token".to_owned()];
    })
    .await;
    let idp = Party::new();
    trust(&server, &idp, IssuerSettings::default()).await;
    server.app.store.create_client(&client("app", Some("s"), &[GrantType::JwtBearer])).await.unwrap();
    let now = server.now();
    let old =
        json!({"exp": (now + 300).to_string(), "iat": now.to_string(), "aud": "http://apigateway/api/oauth/token"});
    assert_eq!(ask(&server, &idp.sign(&assertion(&server, &old))).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_issuer_gives_no_more_than_it_is_trusted_with() {
    let (server, idp) = server().await;
    let only = ScopeSet::parse("orders:write").unwrap();
    let settings = IssuerSettings { subjects: Subjects::Any, scopes: Some(only), ..IssuerSettings::default() };
    trust(&server, &idp, settings).await;
    let text = idp.sign(&assertion(&server, &json!({"sub": "carol"})));
    let pairs = vec![("grant_type", JWT_BEARER), ("assertion", text.as_str()), ("scope", "orders:read orders:write")];
    let json = server.token(Some(("app", "s")), pairs).await.json();
    assert_eq!(json["scope"], "orders:write");
    // A subject of elsewhere is nobody of this server.
    assert_eq!(claims(json["access_token"].as_str().unwrap())["sub"], format!("{IDP}#carol"));
    ask(&server, &idp.sign(&assertion(&server, &json!({})))).await.is_error(400, "invalid_scope");
    trust(&server, &idp, IssuerSettings { clients: vec!["another".to_owned()], ..IssuerSettings::default() }).await;
    ask(&server, &idp.sign(&assertion(&server, &json!({})))).await.is_error(400, "invalid_grant");
}

#[tokio::test]
async fn a_client_speaks_for_itself_by_its_own_keys_and_needs_no_other_proof() {
    let (server, _) = server().await;
    let party = Party::new();
    let mut own = client("machine", Some("s"), &[GrantType::JwtBearer]);
    own.options.keys = party.keys();
    server.app.store.create_client(&own).await.unwrap();
    let mut people = client("portal", Some("s"), &[GrantType::JwtBearer]);
    people.options.keys = party.keys();
    people.options.assertion_subjects = Some(Subjects::People);
    server.app.store.create_client(&people).await.unwrap();
    let ask = async |iss: &str, sub: &str| {
        let text = party.sign(&assertion(&server, &json!({"iss": iss, "sub": sub})));
        server.token(None, vec![("grant_type", JWT_BEARER), ("assertion", &text)]).await
    };
    let token = ask("machine", "machine").await.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!((&claims(&token)["sub"], &claims(&token)["client_id"]), (&"machine".into(), &"machine".into()));
    ask("machine", "alice").await.is_error(400, "invalid_grant");
    let token = ask("portal", "alice").await.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!((&claims(&token)["sub"], &claims(&token)["client_id"]), (&"person-alice".into(), &"portal".into()));
    // Not by another's name, nor by keys that are not registered.
    ask("app", "app").await.is_error(401, "invalid_client");
    ask(IDP, "alice").await.is_error(401, "invalid_client");
    let stranger = Party::new().sign(&assertion(&server, &json!({"iss": "machine", "sub": "machine"})));
    let pairs = vec![("grant_type", JWT_BEARER), ("assertion", stranger.as_str())];
    server.token(None, pairs).await.is_error(400, "invalid_grant");
}

/// A client that proves itself by assertions: with its key, or with the secret `s`.
async fn prover(server: &Server, id: &str, method: ClientAuthMethod, party: &Party) {
    let mut prover = client(id, None, &[GrantType::ClientCredentials]);
    prover.auth_method = method;
    prover.options.keys = party.keys();
    if method == ClientAuthMethod::ClientSecretJwt {
        let sealer = Sealer::new(&server.app.config.master_key);
        prover.sealed_secret = Some(seal_secret(&sealer, id, "s").unwrap());
        prover.options.keys = Keys::default();
    }
    server.app.store.create_client(&prover).await.unwrap();
}

fn by_secret(secret: &str, claims: &Value) -> String {
    encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

#[tokio::test]
async fn a_client_proves_itself_by_an_assertion() {
    let (server, _) = server().await;
    let party = Party::new();
    prover(&server, "by-key", ClientAuthMethod::PrivateKeyJwt, &party).await;
    prover(&server, "by-secret", ClientAuthMethod::ClientSecretJwt, &party).await;
    let me = |id: &str, changes: &Value| {
        let mut claims = assertion(&server, &json!({"iss": id, "sub": id}));
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        claims
    };
    let send = async |text: &str, more: &[(&str, &str)]| {
        let mut pairs = vec![("client_assertion_type", CLIENT_ASSERTION), ("client_assertion", text)];
        pairs.push(("grant_type", "client_credentials"));
        pairs.extend_from_slice(more);
        server.token(None, pairs).await
    };
    let key = party.sign(&me("by-key", &json!({})));
    let answer = send(&key, &[("client_id", "by-key")]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(claims(answer.json()["access_token"].as_str().unwrap())["client_id"], "by-key");
    send(&key, &[]).await.is_error(401, "invalid_client");
    let secret = by_secret("s", &me("by-secret", &json!({})));
    assert_eq!(send(&secret, &[]).await.status, StatusCode::OK);
    send(&secret, &[]).await.is_error(401, "invalid_client");

    // Refused: each in its own way wrong.
    let aud = json!({"aud": "https://other.example"});
    for text in [
        by_secret("wrong", &me("by-secret", &json!({}))),
        party.sign(&me("by-secret", &json!({}))),
        by_secret(&party.certificate, &me("by-key", &json!({}))),
        Party::new().sign(&me("by-key", &json!({}))),
        party.sign(&me("by-key", &aud)),
        by_secret("s", &me("by-secret", &aud)),
        party.sign(&me("by-key", &json!({"exp": server.now() - 100}))),
        party.sign(&me("by-key", &json!({"iss": IDP}))),
        party.sign(&me("nobody", &json!({}))),
        party.sign(&me("app", &json!({}))),
        "junk".to_owned(),
    ] {
        send(&text, &[]).await.is_error(401, "invalid_client");
    }
    let fresh = || party.sign(&me("by-key", &json!({})));
    send(&fresh(), &[("client_id", "app")]).await.is_error(400, "invalid_request");
    send(&fresh(), &[("client_secret", "s"), ("client_id", "by-key")]).await.is_error(400, "invalid_request");
    let text = fresh();
    let pairs = |kind| vec![("client_assertion_type", kind), ("client_assertion", text.as_str()), ("grant_type", "x")];
    server.token(None, pairs("urn:x")).await.is_error(401, "invalid_client");
    server.token(Some(("app", "s")), pairs(CLIENT_ASSERTION)).await.is_error(400, "invalid_request");
    // Its secret, shown as such, is not its method.
    let shown = vec![("client_id", "by-secret"), ("client_secret", "s"), ("grant_type", "client_credentials")];
    server.token(None, shown).await.is_error(401, "invalid_client");
}

#[tokio::test]
async fn a_client_can_be_held_to_one_algorithm() {
    let (server, _) = server().await;
    let party = Party::new();
    let mut held = client("held", None, &[GrantType::ClientCredentials]);
    held.auth_method = ClientAuthMethod::PrivateKeyJwt;
    held.options.keys = party.keys();
    held.options.token_endpoint_auth_signing_alg = Some("PS256".to_owned());
    server.app.store.create_client(&held).await.unwrap();
    let text = party.sign(&assertion(&server, &json!({"iss": "held", "sub": "held"})));
    let pairs = vec![
        ("client_assertion_type", CLIENT_ASSERTION),
        ("client_assertion", text.as_str()),
        ("grant_type", "client_credentials"),
    ];
    server.token(None, pairs).await.is_error(401, "invalid_client");
}

/// RFC 7523 §3, RFC 9126 §2: the issuer, the token endpoint and the one for pushed requests all name this server.
#[tokio::test]
async fn each_name_of_this_server_is_an_audience() {
    let server = Server::start().await;
    let party = Party::new();
    let mut pusher = client("pusher", None, &[GrantType::ClientCredentials, GrantType::AuthorizationCode]);
    pusher.auth_method = ClientAuthMethod::PrivateKeyJwt;
    pusher.options.keys = party.keys();
    server.app.store.create_client(&pusher).await.unwrap();
    let url = |path: &str| format!("{ISSUER}/oauth2/{path}");
    for (aud, good) in [
        (json!(ISSUER), true),
        (json!(url("token")), true),
        (json!(url("par")), true),
        (json!(["https://other.example", url("par")]), true),
        (json!(url("authorize")), false),
        (json!(format!("{ISSUER}/")), false),
        (json!([]), false),
    ] {
        for (path, request) in [("par", ("response_type", "code")), ("token", ("grant_type", "client_credentials"))] {
            let text = party.sign(&assertion(&server, &json!({"iss": "pusher", "sub": "pusher", "aud": aud})));
            let pairs = vec![("client_assertion_type", CLIENT_ASSERTION), ("client_assertion", &text), request];
            let answer = server.post(&format!("/oauth2/{path}"), None, pairs).await;
            match good {
                true => assert!(answer.status.is_success(), "{aud} {path}: {}", answer.body),
                false => answer.is_error(401, "invalid_client"),
            }
        }
    }
}

/// RFC 9396: a client that may ask people for payments can't have an issuer's word for them, only its own.
#[tokio::test]
async fn an_issuer_does_not_vouch_for_authorization_details() {
    let (server, idp) = server().await;
    let payment = AuthorizationType {
        name: "payment".into(),
        title: "Pay".into(),
        description: "Once.".into(),
        fields: BTreeMap::new(),
    };
    server.admin().put_authorization_type(&payment).await.unwrap();
    let mut payer = client("payer", Some("s"), &[GrantType::JwtBearer]);
    payer.options.authorization_details_types = vec!["payment".to_owned()];
    payer.options.keys = idp.keys();
    server.app.store.create_client(&payer).await.unwrap();
    let ask = async |iss: &str, sub: &str, details: &str| {
        let text = idp.sign(&assertion(&server, &json!({"iss": iss, "sub": sub})));
        let mut pairs = vec![("grant_type", JWT_BEARER), ("assertion", &*text)];
        pairs.extend((!details.is_empty()).then_some(("authorization_details", details)));
        server.token(Some(("payer", "s")), pairs).await
    };
    let details = r#"[{"type":"payment"}]"#;
    ask(IDP, "alice", details).await.is_error(400, "invalid_authorization_details");
    assert_eq!(ask(IDP, "alice", "").await.status, StatusCode::OK);
    let own = ask("payer", "payer", details).await;
    assert_eq!(own.json()["authorization_details"], json!([{"type": "payment"}]), "{}", own.body);
}

#[tokio::test]
async fn claims_that_the_registration_names_go_into_the_token() {
    let (server, idp) = server().await;
    let map = [("department", "dept"), ("roles", "realm.roles"), ("level", "level"), ("tenant", "tenant")];
    let claims_map = map.map(|(name, source)| (name.to_owned(), source.to_owned())).into();
    trust(&server, &idp, IssuerSettings { claims: claims_map, ..IssuerSettings::default() }).await;
    let mut free = client("free", Some("s"), &[GrantType::JwtBearer, GrantType::TokenExchange]);
    free.options.request_claims = vec!["tenant".to_owned(), "more".to_owned()];
    free.options.token_exchange.impersonation = true;
    server.app.store.create_client(&free).await.unwrap();
    let said =
        json!({"dept": "sales", "realm": {"roles": ["a", "b"]}, "level": 7, "tenant": "blue", "email": "a@b.example"});
    let text = idp.sign(&assertion(&server, &said));
    let brought = r#"{"tenant":"red","more":"x"}"#;
    let pairs = vec![("grant_type", JWT_BEARER), ("assertion", &*text), ("custom_claims", brought)];
    let answer = server.token(Some(("free", "s")), pairs).await;
    let token = claims(answer.json()["access_token"].as_str().unwrap());
    assert_eq!((&token["department"], &token["level"]), (&"sales".into(), &7.into()));
    assert_eq!(token["roles"], json!(["a", "b"]));
    assert_eq!((&token["tenant"], &token["more"]), (&"blue".into(), &"x".into()), "the issuer before the request");
    assert!(token.get("email").is_none(), "it was not asked for");
    // As a subject token, too.
    let exchange = vec![
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", &*text),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
    ];
    let answer = server.token(Some(("free", "s")), exchange).await;
    assert_eq!(claims(answer.json()["access_token"].as_str().unwrap())["department"], "sales", "{}", answer.body);
    // What no token carries is refused, and uses nothing up.
    for wrong in [json!({"dept": {"name": "sales"}}), json!({"dept": [1]}), json!({"dept": "x".repeat(3000)})] {
        let mut said = assertion(&server, &wrong);
        ask(&server, &idp.sign(&said)).await.is_error(400, "invalid_grant");
        said.as_object_mut().unwrap().remove("dept");
        assert_eq!(ask(&server, &idp.sign(&said)).await.status, StatusCode::OK);
    }
}
