//! What tokens say: the operator's own claims, resources (RFC 8707), authorization details (RFC 9396), formats, lifetimes.

use crate::support::{CALLBACK, ISSUER, Pairs, SERVICE, Server, WEB, claims, client};
use bearward::custom_claims::CustomClaims;
use bearward::model::{AccessTokenFormat, AuthorizationField, AuthorizationType, Client, GrantType, Revocation};
use bearward_token::feed::Subject;
use http::StatusCode;
use serde_json::{Value, json};

const CODE: [GrantType; 3] = [GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials];
const APP: Option<(&str, &str)> = Some(("app", "s"));

async fn server(change: impl FnOnce(&mut Client)) -> Server {
    let server = Server::start().await;
    let mut app = client("app", Some("s"), &CODE);
    change(&mut app);
    server.app.store.create_client(&app).await.unwrap();
    let field =
        |title: &str, required, values: Vec<String>| AuthorizationField { title: title.into(), required, values };
    let payment = AuthorizationType {
        name: "payment".into(),
        title: "Make a payment".into(),
        description: "Once.".into(),
        fields: [
            ("actions".to_owned(), field("It may", true, vec!["initiate".into()])),
            ("amount".to_owned(), field("Amount", false, vec![])),
        ]
        .into(),
    };
    server.admin().put_authorization_type(&payment).await.unwrap();
    server
}

fn custom(value: Value) -> CustomClaims {
    serde_json::from_value(value).unwrap()
}

async fn code(server: &Server, more: Pairs<'_>) -> String {
    let mut browser = server.browser_of_alice().await;
    let base = vec![("response_type", "code"), ("client_id", "app"), ("redirect_uri", CALLBACK)];
    let asked = browser.authorize([base, more].concat()).await;
    let answer = if asked.location().starts_with(CALLBACK) { asked } else { browser.allow(&asked).await };
    answer.returned()["code"].clone()
}

async fn redeem(server: &Server, code: &str, more: Pairs<'_>) -> crate::support::Answer {
    let base = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
    server.token(APP, [base, more].concat()).await
}

async fn refresh(server: &Server, token: &Value, more: Pairs<'_>) -> crate::support::Answer {
    let base = vec![("grant_type", "refresh_token"), ("refresh_token", token.as_str().unwrap())];
    server.token(APP, [base, more].concat()).await
}

async fn says(server: &Server, token: &Value) -> Value {
    server.post("/oauth2/introspect", WEB, vec![("token", token.as_str().unwrap())]).await.json()
}

#[tokio::test]
async fn own_claims_travel_into_the_token_introspection_and_token_info() {
    for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
        let server = server(|app| {
            app.options.access_token_format = format;
            app.options.claims = custom(json!({ "tier": "gold", "teams": ["a", "b"], "Department No": 7 }));
        })
        .await;
        let answer = server.token(APP, vec![("grant_type", "client_credentials")]).await.json();
        let told = says(&server, &answer["access_token"]).await;
        let token = answer["access_token"].as_str().unwrap();
        let info = server.post("/oauth2/tokeninfo", None, vec![("access_token", token)]).await.json();
        for answer in [&told, &info] {
            assert_eq!((&answer["tier"], &answer["teams"]), (&json!("gold"), &json!(["a", "b"])), "{answer}");
            assert_eq!(answer["Department No"], 7);
        }
        let info: Vec<_> = info.as_object().unwrap().keys().cloned().collect();
        let shown = ["Department No", "audience", "client_id", "expires_in", "scope", "teams", "tier", "user_id"];
        assert_eq!(info, shown, "and nothing else of the token");
        if format == AccessTokenFormat::Jwt {
            assert_eq!(claims(token)["tier"], "gold");
        }
    }
}

/// What a token says by itself, if it is a JWT, and what is said about it.
async fn everywhere(server: &Server, answer: &Value, name: &str) -> Vec<Value> {
    let token = answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}"));
    let info = server.post("/oauth2/tokeninfo", None, vec![("access_token", token)]).await.json();
    let mut said = vec![says(server, &answer["access_token"]).await[name].clone(), info[name].clone()];
    said.extend(token.starts_with("eyJ").then(|| claims(token)[name].clone()));
    said
}

#[tokio::test]
async fn each_grant_has_claims_of_its_own() {
    let server = server(|app| {
        app.grant_types.push(GrantType::Password);
        app.options.claims = custom(json!({ "channel": "any", "tier": "gold" }));
        app.options.grant_claims = [
            (GrantType::AuthorizationCode, custom(json!({ "channel": "web", "level": 2 }))),
            (GrantType::Password, custom(json!({ "channel": "old" }))),
            (GrantType::RefreshToken, custom(json!({ "channel": "never: it is the grant's that go on" }))),
        ]
        .into();
    })
    .await;
    let service = server.token(APP, vec![("grant_type", "client_credentials")]).await.json();
    let granted = code(&server, vec![]).await;
    let web = redeem(&server, &granted, vec![]).await.json();
    let later = refresh(&server, &web["refresh_token"], vec![]).await.json();
    let password = vec![("grant_type", "password"), ("username", "alice"), ("password", crate::support::PASSWORD)];
    let old = server.token(APP, password).await.json();
    for (answer, channel, level) in
        [(&service, "any", Value::Null), (&web, "web", 2.into()), (&later, "web", 2.into()), (&old, "old", Value::Null)]
    {
        assert_eq!(everywhere(&server, answer, "channel").await, [channel; 3], "{answer}");
        assert_eq!(everywhere(&server, answer, "level").await, [&level; 3].map(Clone::clone));
        assert_eq!(everywhere(&server, answer, "tier").await, ["gold"; 3]);
    }
}

#[tokio::test]
async fn a_request_brings_claims_that_its_client_may_set_and_provably_sent() {
    let key = crate::keys::Key::new();
    for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
        let server = server(|app| {
            app.options.access_token_format = format;
            app.options.request_claims = vec!["tenant".into(), "case".into()];
            app.options.keys.jwks = Some(json!({ "keys": [key.jwk] }));
        })
        .await;
        let mut browser = server.browser_of_alice().await;
        let base = vec![("response_type", "code"), ("client_id", "app"), ("redirect_uri", CALLBACK)];
        let brought = ("custom_claims", r#"{"tenant":"blue","case":7}"#);
        let push = async |claims: &str| {
            server.post("/oauth2/par", APP, [base.clone(), vec![("custom_claims", claims)]].concat()).await
        };
        // Pushed: from the code into every token that comes of it.
        let uri = push(brought.1).await.json()["request_uri"].as_str().unwrap().to_owned();
        let asked = browser.authorize(vec![("client_id", "app"), ("request_uri", &uri)]).await;
        let granted = browser.allow(&asked).await.returned()["code"].clone();
        let first = redeem(&server, &granted, vec![]).await.json();
        let second = refresh(&server, &first["refresh_token"], vec![]).await.json();
        for answer in [&first, &second] {
            assert!(everywhere(&server, answer, "tenant").await.iter().all(|tenant| tenant == "blue"), "{answer}");
            assert!(everywhere(&server, answer, "case").await.iter().all(|case| case == 7), "{answer}");
        }
        // Signed (RFC 9101).
        let object = json!({
            "iss": "app", "aud": ISSUER, "client_id": "app", "response_type": "code", "redirect_uri": CALLBACK,
            "custom_claims": { "tenant": "red" },
        });
        let object = key.sign(Some("oauth-authz-req+jwt"), None, &object);
        let asked = browser.authorize(vec![("client_id", "app"), ("request", &object)]).await;
        let granted = asked.returned()["code"].clone();
        let signed = redeem(&server, &granted, vec![]).await.json();
        assert!(everywhere(&server, &signed, "tenant").await.iter().all(|tenant| tenant == "red"), "{signed}");
        // Where the client proves itself in the same request.
        let service = server.token(APP, vec![("grant_type", "client_credentials"), brought]).await.json();
        assert!(everywhere(&server, &service, "tenant").await.iter().all(|tenant| tenant == "blue"));

        // Through a browser as it is, the person could have written it.
        let refused = browser.authorize([base.clone(), vec![brought]].concat()).await.returned();
        assert_eq!(refused["error"], "invalid_request");
        assert!(refused["error_description"].contains("provably"));
        for bad in [
            r#"{"tier":"gold"}"#,
            r#"{"sub":"admin"}"#,
            r#"{"tenant":{"a":1}}"#,
            r#"{"tenant":null}"#,
            r#"["tenant"]"#,
            "tenant",
            &format!(r#"{{"tenant":"{}"}}"#, "x".repeat(3000)),
        ] {
            push(bad).await.is_error(400, "invalid_request");
            let pairs = vec![("grant_type", "client_credentials"), ("custom_claims", bad)];
            server.token(APP, pairs).await.is_error(400, "invalid_request");
        }
        // A client that is registered for none.
        let pairs = vec![("grant_type", "client_credentials"), brought];
        server.token(SERVICE, pairs).await.is_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn what_is_fixed_for_a_client_is_not_for_its_requests() {
    let server = server(|_| {}).await;
    for (name, good) in [("tenant", true), ("tier", false), ("channel", false), ("sub", false)] {
        let mut two = client("two", Some("s"), &[GrantType::ClientCredentials]);
        two.options.claims = custom(json!({ "tier": "gold" }));
        two.options.grant_claims = [(GrantType::ClientCredentials, custom(json!({ "channel": "night" })))].into();
        two.options.request_claims = vec![name.to_owned()];
        assert_eq!(server.admin().register_client(two.clone()).await.is_ok(), good, "{name}");
    }
}

#[tokio::test]
async fn a_resource_narrows_the_audience() {
    let server = server(|app| {
        app.audience = vec!["https://a.example".into()];
        app.options.resources = vec!["https://b.example/x".into(), "urn:example:c".into()];
    })
    .await;
    let aud = |answer: &Value| claims(answer["access_token"].as_str().unwrap())["aud"].clone();
    let service =
        async |more: Pairs<'_>| server.token(APP, [vec![("grant_type", "client_credentials")], more].concat()).await;
    let (a, b, c) =
        (("resource", "https://a.example"), ("resource", "https://b.example/x"), ("resource", "urn:example:c"));
    assert_eq!(aud(&service(vec![]).await.json()), "https://a.example");
    assert_eq!(aud(&service(vec![b]).await.json()), "https://b.example/x");
    assert_eq!(aud(&service(vec![b, c, b]).await.json()), json!(["https://b.example/x", "urn:example:c"]));
    for wrong in ["https://b.example", "https://b.example/x#f", "b", "https://B.example/x", "https://evil.example"] {
        service(vec![("resource", wrong)]).await.is_error(400, "invalid_target");
    }
    // Of a code, only what was granted (RFC 8707 §2.2); without a wish, all of it; refreshing may ask again.
    let granted = code(&server, vec![a, b]).await;
    redeem(&server, &granted, vec![c]).await.is_error(400, "invalid_target");
    let first = redeem(&server, &granted, vec![b]).await.json();
    assert_eq!(aud(&first), "https://b.example/x");
    let second = refresh(&server, &first["refresh_token"], vec![]).await.json();
    assert_eq!(aud(&second), json!(["https://a.example", "https://b.example/x"]));
    refresh(&server, &second["refresh_token"], vec![c]).await.is_error(400, "invalid_target");
    let third = refresh(&server, &second["refresh_token"], vec![a]).await.json();
    assert_eq!(aud(&third), "https://a.example");
    // At the authorization endpoint, too.
    let mut browser = server.browser_of_alice().await;
    let wrong = vec![("response_type", "code"), ("client_id", "app"), ("resource", "https://evil.example")];
    assert_eq!(browser.authorize(wrong).await.returned()["error"], "invalid_target");
}

#[tokio::test]
async fn details_are_asked_for_in_words_and_granted_as_asked() {
    for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
        let server = server(|app| {
            app.options.authorization_details_types = vec!["payment".into()];
            app.options.access_token_format = format;
        })
        .await;
        let details = json!([
            { "type": "payment", "actions": ["initiate"], "amount": { "value": "12.50", "currency": "EUR" } },
            { "type": "payment", "actions": ["initiate"], "amount": "<b>7</b>" },
        ]);
        let text = details.to_string();
        let base = vec![("response_type", "code"), ("client_id", "app"), ("redirect_uri", CALLBACK)];
        let request = || [base.clone(), vec![("authorization_details", text.as_str())]].concat();
        let mut browser = server.browser_of_alice().await;
        let asked = browser.authorize(request()).await;
        let page = browser.follow(&asked).await;
        for words in
            ["Make a payment", "Once.", "It may: <strong>initiate", "Amount: <strong>currency EUR, value 12.50"]
        {
            assert!(page.body.contains(words), "{words}");
        }
        assert!(!page.body.contains("<b>7"));
        let code = browser.allow(&asked).await.returned()["code"].clone();
        let answer = redeem(&server, &code, vec![]).await.json();
        assert_eq!(answer["authorization_details"], details);
        assert_eq!(says(&server, &answer["access_token"]).await["authorization_details"], details);
        // Agreed to once is not agreed to for ever.
        assert!(browser.authorize(request()).await.location().starts_with("/consent?"));
        // A refresh gets them again, or fewer, never others (RFC 9396 §6).
        let one = json!([details[0]]).to_string();
        let fewer = refresh(&server, &answer["refresh_token"], vec![("authorization_details", &one)]).await.json();
        assert_eq!(fewer["authorization_details"], json!([details[0]]));
        let other = json!([{ "type": "payment", "actions": ["initiate"], "amount": "8" }]).to_string();
        let refused = refresh(&server, &fewer["refresh_token"], vec![("authorization_details", &other)]).await;
        refused.is_error(400, "invalid_authorization_details");
    }
}

#[tokio::test]
async fn details_that_are_not_as_registered_are_refused() {
    let server = server(|app| app.options.authorization_details_types = vec!["payment".into(), "unknown".into()]).await;
    let mut browser = server.browser_of_alice().await;
    for bad in [
        "x",
        "{}",
        "[]",
        "[{}]",
        r#"[{"type":"unknown"}]"#,
        r#"[{"type":"payment"}]"#,
        r#"[{"type":"payment","actions":["steal"]}]"#,
        r#"[{"type":"payment","actions":["initiate"],"more":1}]"#,
    ] {
        let ask = vec![("response_type", "code"), ("client_id", "app"), ("authorization_details", bad)];
        let returned = browser.authorize(ask).await.returned();
        assert_eq!(returned["error"], "invalid_authorization_details", "{bad}");
        let service = vec![("grant_type", "client_credentials"), ("authorization_details", bad)];
        server.token(APP, service).await.is_error(400, "invalid_authorization_details");
    }
    // Only for clients that are registered for the type; and a service may have them, too.
    let good = r#"[{"type":"payment","actions":["initiate"]}]"#;
    let pairs = || vec![("grant_type", "client_credentials"), ("authorization_details", good)];
    server.token(SERVICE, pairs()).await.is_error(400, "invalid_authorization_details");
    assert_eq!(server.token(APP, pairs()).await.json()["authorization_details"][0]["type"], "payment");
}

#[tokio::test]
async fn opaque_tokens_are_explained_and_die_like_the_others() {
    let server = server(|app| app.options.access_token_format = AccessTokenFormat::Opaque).await;
    let tokens = redeem(&server, &code(&server, vec![]).await, vec![]).await.json();
    let token = tokens["access_token"].as_str().unwrap();
    assert!(token.starts_with("bw_at_") && !token.contains('.'));
    let told = says(&server, &tokens["access_token"]).await;
    assert_eq!(
        (&told["active"], &told["iss"], &told["sub"], &told["scope"], &told["token_type"]),
        (&true.into(), &ISSUER.into(), &"person-alice".into(), &"orders:read".into(), &"Bearer".into())
    );
    assert!(told["jti"].is_string() && told["gid"].is_string() && told["exp"].is_u64());
    // Another client may not revoke it, its own may; the grant lives on.
    server.post("/oauth2/revoke", WEB, vec![("token", token)]).await.is_error(400, "invalid_grant");
    assert_eq!(server.post("/oauth2/revoke", APP, vec![("token", token)]).await.status, StatusCode::OK);
    let dead = json!({ "active": false });
    assert_eq!(says(&server, &tokens["access_token"]).await, dead);
    server.post("/oauth2/tokeninfo", None, vec![("access_token", token)]).await.is_error(400, "invalid_token");
    let tokens = refresh(&server, &tokens["refresh_token"], vec![]).await.json();
    // With the refresh token goes what came from it.
    let pairs = vec![("token", tokens["refresh_token"].as_str().unwrap())];
    assert_eq!(server.post("/oauth2/revoke", APP, pairs).await.status, StatusCode::OK);
    assert_eq!(says(&server, &tokens["access_token"]).await, dead);
    // With the client, with the person, and by itself.
    let now = server.now();
    for subject in [Subject::Client("app"), Subject::Person("person-alice")] {
        let tokens = redeem(&server, &code(&server, vec![]).await, vec![]).await.json();
        assert_eq!(says(&server, &tokens["access_token"]).await["active"], true);
        server.app.store.revoke(&Revocation::up_to(subject, server.now(), now, now + 900)).await.unwrap();
        assert_eq!(says(&server, &tokens["access_token"]).await, dead);
        server.clock.advance(1);
    }
    let tokens = redeem(&server, &code(&server, vec![]).await, vec![]).await.json();
    server.clock.advance(600);
    assert_eq!(says(&server, &tokens["access_token"]).await, dead);
    for junk in ["bw_at_", "bw_at_x", &token[..token.len() - 1]] {
        assert_eq!(says(&server, &junk.into()).await, dead);
    }
}

#[tokio::test]
async fn a_client_can_have_a_lifetime_of_its_own_up_to_the_servers() {
    for (own, given) in [(Some(60), 60), (Some(3600), 3600), (Some(86_400), 3600), (None, 600)] {
        let server = server(|app| app.options.access_token_lifetime = own).await;
        let answer = server.token(APP, vec![("grant_type", "client_credentials")]).await.json();
        let said = claims(answer["access_token"].as_str().unwrap());
        assert_eq!(answer["expires_in"], given);
        assert_eq!(said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap(), given);
    }
}
