//! DPoP, RFC 9449, and certificate-bound tokens, RFC 8705 §3.

use crate::keys::Key;
use crate::support::{
    Answer, CALLBACK, CHALLENGE, ISSUER, Pairs, SERVICE, START, Server, VERIFIER, WEB, basic_header, claims, client,
    encode,
};
use axum::body::Body;
use bearward::model::GrantType;
use http::{Request, StatusCode};
use serde_json::{Value, json};

const TOKEN: &str = "/oauth2/token";
const GRANT: (&str, &str) = ("grant_type", "client_credentials");

/// The claims of a proof for the token endpoint, with a `jti` of its own.
fn proof(server: &Server) -> Value {
    json!({
        "jti": uuid::Uuid::new_v4().to_string(), "htm": "POST", "htu": format!("{ISSUER}{TOKEN}"), "iat": server.now(),
    })
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

async fn send(server: &Server, path: &str, basic: Option<(&str, &str)>, proofs: &[&str], pairs: &Pairs<'_>) -> Answer {
    let mut request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    if let Some((id, secret)) = basic {
        request = request.header("authorization", basic_header(id, secret));
    }
    for proof in proofs {
        request = request.header("dpop", *proof);
    }
    server.send(request.body(Body::from(encode(pairs))).unwrap()).await
}

/// A token request with a good proof.
async fn token(server: &Server, key: &Key, basic: Option<(&str, &str)>, pairs: &Pairs<'_>) -> Answer {
    let proof = key.sign(Some("dpop+jwt"), Some(&key.jwk), &proof(server));
    send(server, TOKEN, basic, &[&proof], pairs).await
}

#[tokio::test]
async fn a_proof_binds_the_token_to_its_key() {
    let server = Server::start().await;
    let key = Key::new();
    let answer = token(&server, &key, SERVICE, &vec![GRANT]).await;
    assert_eq!(answer.json()["token_type"], "DPoP", "{}", answer.body);
    let bearer = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(claims(&bearer)["cnf"], json!({ "jkt": key.thumbprint() }));
    let told = server.post("/oauth2/introspect", WEB, vec![("token", &bearer)]).await.json();
    assert_eq!((&told["token_type"], &told["cnf"]["jkt"]), (&"DPoP".into(), &key.thumbprint().into()));
    // The URL is compared normalised, without query and fragment (RFC 9449 §4.3).
    for same in ["HTTP://127.0.0.1:8080/oauth2/./token?x#y", "http://127.0.0.1:8080/oauth2/t%6Fken"] {
        let same = with(proof(&server), "htu", same.into());
        let same = key.sign(Some("dpop+jwt"), Some(&key.jwk), &same);
        assert_eq!(send(&server, TOKEN, SERVICE, &[&same], &vec![GRANT]).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn what_is_not_a_proof_for_this_request_is_refused() {
    let server = Server::start().await;
    let (key, other) = (Key::new(), Key::new());
    let good = || proof(&server);
    let sign = |claims: &Value| key.sign(Some("dpop+jwt"), Some(&key.jwk), claims);
    let now = server.now();
    let without = |name: &str| {
        let mut claims = good();
        claims.as_object_mut().unwrap().remove(name);
        claims
    };
    // A signature that holds, by a key that everybody has now.
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
    header.typ = Some("dpop+jwt".to_owned());
    header.jwk = Some(serde_json::from_value(json!({ "kty": "oct", "k": "c2VjcmV0", "alg": "HS256" })).unwrap());
    let secret = jsonwebtoken::EncodingKey::from_secret(b"secret");
    let symmetric = jsonwebtoken::encode(&header, &good(), &secret).unwrap();
    let once = sign(&good());
    assert_eq!(send(&server, TOKEN, SERVICE, &[&once], &vec![GRANT]).await.status, StatusCode::OK);
    let rules = [
        ("used before", once),
        ("no proof at all", "junk".to_owned()),
        ("another typ", key.sign(Some("JWT"), Some(&key.jwk), &good())),
        ("no key", key.sign(Some("dpop+jwt"), None, &good())),
        ("another key's signature", other.sign(Some("dpop+jwt"), Some(&key.jwk), &good())),
        ("another method", sign(&with(good(), "htm", "GET".into()))),
        ("the method in another case", sign(&with(good(), "htm", "post".into()))),
        ("another endpoint", sign(&with(good(), "htu", format!("{ISSUER}/oauth2/par").into()))),
        ("another server", sign(&with(good(), "htu", "https://evil.example/oauth2/token".into()))),
        ("another port", sign(&with(good(), "htu", "http://127.0.0.1:8081/oauth2/token".into()))),
        ("another scheme", sign(&with(good(), "htu", "https://127.0.0.1:8080/oauth2/token".into()))),
        ("a user", sign(&with(good(), "htu", "http://evil@127.0.0.1:8080/oauth2/token".into()))),
        ("a slash more", sign(&with(good(), "htu", format!("{ISSUER}/oauth2/token/").into()))),
        ("an encoded slash", sign(&with(good(), "htu", format!("{ISSUER}/oauth2%2Ftoken").into()))),
        ("a key that is a secret", symmetric),
        ("two proofs in one header", format!("{}, {}", sign(&good()), sign(&good()))),
        ("not a URL", sign(&with(good(), "htu", "/oauth2/token".into()))),
        ("too old", sign(&with(good(), "iat", (now - 61).into()))),
        ("of the future", sign(&with(good(), "iat", (now + 61).into()))),
        ("a time that is no number", sign(&with(good(), "iat", now.to_string().into()))),
        ("an empty jti", sign(&with(good(), "jti", "".into()))),
        ("a huge jti", sign(&with(good(), "jti", "x".repeat(257).into()))),
        ("no jti", sign(&without("jti"))),
        ("no htm", sign(&without("htm"))),
        ("no htu", sign(&without("htu"))),
        ("no iat", sign(&without("iat"))),
    ];
    for (rule, proof) in rules {
        let answer = send(&server, TOKEN, SERVICE, &[&proof], &vec![GRANT]).await;
        assert_eq!(answer.json()["error"], "invalid_dpop_proof", "{rule}: {}", answer.body);
        answer.is_error(400, "invalid_dpop_proof");
    }
    let (one, two) = (sign(&good()), sign(&good()));
    send(&server, TOKEN, SERVICE, &[&one, &two], &vec![GRANT]).await.is_error(400, "invalid_dpop_proof");
    // A private key in a proof is nothing to be believed.
    let mut private = key.jwk.clone();
    private["d"] = "AAAA".into();
    let header = base64::Engine::encode(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD,
        json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": private }).to_string(),
    );
    let rest = sign(&good()).split_once('.').unwrap().1.to_owned();
    let answer = send(&server, TOKEN, SERVICE, &[&format!("{header}.{rest}")], &vec![GRANT]).await;
    answer.is_error(400, "invalid_dpop_proof");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_with_one_proof_one_gets_a_token() {
    let server = Server::start().await;
    let key = Key::new();
    let proof = key.sign(Some("dpop+jwt"), Some(&key.jwk), &proof(&server));
    let (proofs, pairs) = ([proof.as_str()], vec![GRANT]);
    let ask = || send(&server, TOKEN, SERVICE, &proofs, &pairs);
    let (a, b, c, d) = tokio::join!(ask(), ask(), ask(), ask());
    assert_eq!([a, b, c, d].iter().filter(|answer| answer.status == StatusCode::OK).count(), 1);
}

#[tokio::test]
async fn a_client_can_be_held_to_dpop() {
    let server = Server::start().await;
    let mut bound = client("bound", Some("s"), &[GrantType::ClientCredentials]);
    bound.options.dpop_bound_access_tokens = true;
    server.app.store.create_client(&bound).await.unwrap();
    let basic = Some(("bound", "s"));
    server.token(basic, vec![GRANT]).await.is_error(400, "invalid_request");
    assert_eq!(token(&server, &Key::new(), basic, &vec![GRANT]).await.json()["token_type"], "DPoP");
}

#[tokio::test]
async fn a_public_clients_refresh_token_is_bound_and_a_confidential_ones_is_not() {
    let server = Server::start().await;
    let (key, other) = (Key::new(), Key::new());
    let refresh = |answer: &Answer| answer.json()["refresh_token"].as_str().unwrap().to_owned();
    let code = server.code("demo-spa", Some(CHALLENGE)).await;
    let redeem = vec![
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("client_id", "demo-spa"),
        ("code_verifier", VERIFIER),
    ];
    let first = refresh(&token(&server, &key, None, &redeem).await);
    for _ in 0..2 {
        let pairs = vec![("grant_type", "refresh_token"), ("refresh_token", first.as_str()), ("client_id", "demo-spa")];
        server.token(None, pairs.clone()).await.is_error(400, "invalid_grant");
        token(&server, &other, None, &pairs).await.is_error(400, "invalid_grant");
    }
    // What was refused spent nothing; and the successor is bound as its predecessor was.
    let pairs = vec![("grant_type", "refresh_token"), ("refresh_token", first.as_str()), ("client_id", "demo-spa")];
    let second = refresh(&token(&server, &key, None, &pairs).await);
    let pairs = vec![("grant_type", "refresh_token"), ("refresh_token", second.as_str()), ("client_id", "demo-spa")];
    server.token(None, pairs.clone()).await.is_error(400, "invalid_grant");
    assert_eq!(token(&server, &key, None, &pairs).await.status, StatusCode::OK);

    let code = server.code("demo-web", None).await;
    let redeem = vec![("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];
    let first = refresh(&token(&server, &key, WEB, &redeem).await);
    let pairs = vec![("grant_type", "refresh_token"), ("refresh_token", first.as_str())];
    let again = token(&server, &other, WEB, &pairs).await;
    assert_eq!(claims(again.json()["access_token"].as_str().unwrap())["cnf"]["jkt"], other.thumbprint());
}

#[tokio::test]
async fn a_code_can_be_bound_before_it_is_given() {
    let server = Server::start().await;
    let (key, other) = (Key::new(), Key::new());
    let jkt = key.thumbprint();
    let mut browser = server.browser_of_alice().await;
    let pairs =
        |jkt| vec![("response_type", "code"), ("client_id", "demo-web"), ("redirect_uri", CALLBACK), ("dpop_jkt", jkt)];
    assert_eq!(browser.authorize(pairs("short")).await.returned()["error"], "invalid_request");
    let asked = browser.authorize(pairs(&jkt)).await;
    let code = browser.allow(&asked).await.returned()["code"].clone();
    let redeem = vec![("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];
    server.token(WEB, redeem.clone()).await.is_error(400, "invalid_grant");
    token(&server, &other, WEB, &redeem).await.is_error(400, "invalid_grant");
    assert_eq!(token(&server, &key, WEB, &redeem).await.status, StatusCode::OK);

    // Or by a proof where the request is pushed (RFC 9449 §10.1).
    let push = async |key: &Key, more: Pairs<'_>| {
        let claims = with(proof(&server), "htu", format!("{ISSUER}/oauth2/par").into());
        let proof = key.sign(Some("dpop+jwt"), Some(&key.jwk), &claims);
        let pairs = [vec![("response_type", "code"), ("redirect_uri", CALLBACK)], more].concat();
        send(&server, "/oauth2/par", WEB, &[&proof], &pairs).await
    };
    push(&other, vec![("dpop_jkt", &jkt)]).await.is_error(400, "invalid_dpop_proof");
    let uri = push(&key, vec![]).await.json()["request_uri"].as_str().unwrap().to_owned();
    let returned = browser.authorize(vec![("client_id", "demo-web"), ("request_uri", &uri)]).await;
    let code = match returned.location().starts_with(CALLBACK) {
        true => returned.returned()["code"].clone(),
        false => browser.allow(&returned).await.returned()["code"].clone(),
    };
    let redeem = vec![("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];
    token(&server, &other, WEB, &redeem).await.is_error(400, "invalid_grant");
    assert_eq!(token(&server, &key, WEB, &redeem).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_nonce_is_asked_for_given_and_good_at_every_replica() {
    let server = Server::with(|config| config.dpop.require_nonce = true).await;
    let replica = Server::with(|config| config.dpop.require_nonce = true).await;
    let key = Key::new();
    let ask = async |server: &Server, nonce: Option<&str>| {
        let claims = nonce.map_or_else(|| proof(server), |nonce| with(proof(server), "nonce", nonce.into()));
        let proof = key.sign(Some("dpop+jwt"), Some(&key.jwk), &claims);
        send(server, TOKEN, SERVICE, &[&proof], &vec![GRANT]).await
    };
    let refused = ask(&server, None).await;
    refused.is_error(400, "use_dpop_nonce");
    assert_eq!(refused.header("access-control-expose-headers"), "DPoP-Nonce");
    let nonce = refused.header("dpop-nonce").to_owned();
    let answer = ask(&server, Some(&nonce)).await;
    assert_eq!((answer.status, answer.json()["token_type"].as_str()), (StatusCode::OK, Some("DPoP")));
    assert!(!answer.header("dpop-nonce").is_empty(), "the next one comes along");
    assert_eq!(ask(&replica, Some(&nonce)).await.status, StatusCode::OK, "the same master key");
    let mut changed = nonce.clone();
    changed.replace_range(5..6, if &nonce[5..6] == "A" { "B" } else { "A" });
    for bad in ["", "x", &changed, &nonce[..nonce.len() - 2]] {
        ask(&server, Some(bad)).await.is_error(400, "use_dpop_nonce");
    }
    server.clock.advance(299);
    assert_eq!(ask(&server, Some(&nonce)).await.status, StatusCode::OK);
    server.clock.advance(1);
    ask(&server, Some(&nonce)).await.is_error(400, "use_dpop_nonce");
    // Whoever does not use DPoP hears nothing of it.
    assert_eq!(server.token(SERVICE, vec![GRANT]).await.header("dpop-nonce"), "");
    assert!(server.now() > i64::try_from(START).unwrap());
}

/// RFC 9449 §8: a nonce that is not ours is refused with one that is, also where none is needed.
#[tokio::test]
async fn a_nonce_of_somebody_else_is_put_right() {
    let server = Server::start().await;
    let key = Key::new();
    let ask = async |path: &str, nonce: &str| {
        let claims = with(with(proof(&server), "nonce", nonce.into()), "htu", format!("{ISSUER}{path}").into());
        let proof = key.sign(Some("dpop+jwt"), Some(&key.jwk), &claims);
        match path {
            TOKEN => send(&server, path, SERVICE, &[&proof], &vec![GRANT]).await,
            _ => {
                send(&server, path, WEB, &[&proof], &vec![("response_type", "code"), ("redirect_uri", CALLBACK)]).await
            }
        }
    };
    for path in [TOKEN, "/oauth2/par"] {
        let refused = ask(path, "of-another-server").await;
        refused.is_error(400, "use_dpop_nonce");
        assert_eq!(refused.headers.get_all("dpop-nonce").iter().count(), 1);
        assert_eq!(refused.header("access-control-expose-headers"), "DPoP-Nonce");
        let nonce = refused.header("dpop-nonce").to_owned();
        assert!(nonce.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E)), "RFC 9449 §8.1: {nonce}");
        assert!(ask(path, &nonce).await.status.is_success());
    }
    // Nobody else is given one.
    assert_eq!(server.token(SERVICE, vec![GRANT]).await.header("dpop-nonce"), "");
}
