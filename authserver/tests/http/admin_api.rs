//! The admin API over HTTP.

use crate::support::{Answer, ISSUER, Server, client};
use axum::body::Body;
use bearward::model::{GrantType, Scope};
use http::{Method, Request};
use serde_json::{Value, json};

const V1: &str = "/admin/api/v1";

/// A server whose client `robot` has a token for the API.
pub(crate) struct Api {
    pub(crate) server: Server,
    pub(crate) token: String,
}

impl Api {
    pub(crate) async fn start() -> Self {
        let server = Server::start().await;
        let scope = Scope { name: "admin".into(), title: "Administer".into(), description: String::new() };
        server.app.store.put_scope(&scope).await.unwrap();
        let mut robot = client("robot", Some("robot-secret"), &[GrantType::ClientCredentials]);
        robot.scopes = bearward_token::scope::ScopeSet::parse("admin orders:read").unwrap();
        server.app.store.create_client(&robot).await.unwrap();
        let token = Self::token(&server, "admin").await;
        Self { server, token }
    }

    async fn token(server: &Server, scope: &str) -> String {
        let pairs = vec![("grant_type", "client_credentials"), ("scope", scope)];
        let answer = server.token(Some(("robot", "robot-secret")), pairs).await;
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn call(&self, method: Method, path: &str, version: Option<&str>, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("{V1}{path}"));
        request = request.header("authorization", format!("Bearer {}", self.token));
        if let Some(version) = version {
            request = request.header("if-match", version);
        }
        let body = match body {
            None => Body::empty(),
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
        };
        self.server.send(request.body(body).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None, None).await
    }
}

impl Answer {
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.json()["status"], status);
        self.json()
    }
}

#[tokio::test]
async fn only_a_good_token_with_the_scope_opens_it() {
    let mut api = Api::start().await;
    assert_eq!(api.get("/clients").await.status, 200);
    let none = api.server.get("/admin/api/v1/clients").await;
    none.problem(401);
    assert_eq!(none.header("www-authenticate"), "Bearer scope=\"admin\"");
    let good = std::mem::replace(&mut api.token, Api::token(&api.server, "orders:read").await);
    let narrow = api.get("/clients").await;
    narrow.problem(403);
    assert!(narrow.header("www-authenticate").contains("insufficient_scope"));
    api.token = "junk.junk.junk".into();
    api.get("/clients").await.problem(401);
    // A token for another service is of no use here, whatever its scope (RFC 9700 §2.3); one for this server alone is.
    for (id, audience, status) in [("elsewhere", "https://billing.example", 401), ("here", ISSUER, 200)] {
        let mut other = client(id, Some("s"), &[GrantType::ClientCredentials]);
        other.scopes = bearward_token::scope::ScopeSet::parse("admin").unwrap();
        other.audience = vec![audience.to_owned()];
        api.server.app.store.create_client(&other).await.unwrap();
        let pairs = vec![("grant_type", "client_credentials"), ("scope", "admin")];
        let answer = api.server.token(Some((id, "s")), pairs).await;
        api.token = answer.json()["access_token"].as_str().unwrap().to_owned();
        assert_eq!(api.get("/clients").await.status, status, "{id}");
    }
    // Disabling the client takes the API away at once.
    api.token = good;
    assert_eq!(api.call(Method::POST, "/clients/robot/disable", None, None).await.status, 200);
    api.get("/clients").await.problem(401);
}

#[tokio::test]
async fn a_client_lives_here() {
    let api = Api::start().await;
    let spec = json!({
        "client_id": "shop", "name": "The Shop", "auth_method": "client_secret",
        "grant_types": ["authorization_code", "refresh_token"], "redirect_uris": ["https://shop.example/cb"],
        "scope": "orders:read", "options": { "first_party": true },
    });
    let made = api.call(Method::POST, "/clients", None, Some(spec.clone())).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.header("location"), "/admin/api/v1/clients/shop");
    let secret = made.json()["client_secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("bw_cs_"));
    api.call(Method::POST, "/clients", None, Some(spec.clone())).await.problem(409);

    let read = api.get("/clients/shop").await;
    let tag = read.header("etag").to_owned();
    assert!(!read.body.contains(&secret) && read.json()["options"]["first_party"] == true);
    let mut edit = spec.clone();
    edit["name"] = "A Shop".into();
    api.call(Method::PUT, "/clients/shop", None, Some(edit.clone())).await.problem(428);
    let edited = api.call(Method::PUT, "/clients/shop", Some(&tag), Some(edit.clone())).await;
    assert_eq!((edited.status.as_u16(), edited.json()["name"].as_str()), (200, Some("A Shop")), "{}", edited.body);
    api.call(Method::PUT, "/clients/shop", Some(&tag), Some(edit)).await.problem(412);
    let now = api.get("/clients/shop").await;
    assert_eq!(now.header("etag"), edited.header("etag"), "the version told is the version stored");

    // Every change is in the audit log, with what was before, and without secrets.
    let log = api.get("/audit?object_kind=client&object=shop").await;
    let actions: Vec<_> = log.json()["items"].as_array().unwrap().iter().map(|e| e["action"].clone()).collect();
    assert_eq!(actions, ["client.edit", "client.create"]);
    assert_eq!(log.json()["items"][0]["before"]["name"], "The Shop");
    assert_eq!(log.json()["items"][0]["actor"], "robot");
    assert!(!log.body.contains(&secret));

    let gone = api.call(Method::DELETE, "/clients/shop", Some(now.header("etag")), None).await;
    assert_eq!(gone.status, 204, "{}", gone.body);
    api.get("/clients/shop").await.problem(404);
}

#[tokio::test]
async fn what_does_not_hold_together_is_named() {
    let api = Api::start().await;
    for (field, change) in [
        ("redirect_uris", json!({ "redirect_uris": ["http://shop.example/cb"] })),
        ("redirect_uris", json!({ "redirect_uris": [] })),
        ("grant_types", json!({ "grant_types": [] })),
        ("scope", json!({ "scope": "nothing:known" })),
        ("default_scope", json!({ "default_scope": "orders:write" })),
        ("client_id", json!({ "client_id": "a b" })),
        ("options", json!({ "options": { "first_prty": true } })),
        ("options", json!({ "options": { "more_secrets": [] } })),
        ("name", json!({ "name": "two\nlines" })),
    ] {
        let mut spec = json!({
            "auth_method": "client_secret", "grant_types": ["authorization_code"],
            "redirect_uris": ["https://shop.example/cb"], "scope": "orders:read",
        });
        spec.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let problem = api.call(Method::POST, "/clients", None, Some(spec)).await.problem(422);
        assert_eq!(problem["field"], field, "{problem}");
    }
    api.call(Method::POST, "/clients", None, Some(json!({ "auth_method": "x" }))).await.problem(400);
    api.get("/clients?limit=x").await.problem(400);
    api.get("/nothing").await.problem(404);
    api.call(Method::PUT, "/clients", None, None).await.problem(405);
}

#[tokio::test]
async fn a_secret_takes_over_from_another() {
    let api = Api::start().await;
    let works = async |secret: &str| {
        let pairs = vec![("grant_type", "client_credentials")];
        api.server.token(Some(("demo-service", secret)), pairs).await.status.is_success()
    };
    let body = json!({ "label": "the new one", "others_expire_in": 60 });
    let made = api.call(Method::POST, "/clients/demo-service/secrets", None, Some(body)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let (id, new) = (made.json()["id"].as_str().unwrap().to_owned(), made.json()["client_secret"].clone());
    let new = new.as_str().unwrap();
    assert!(works(new).await && works("demo-service-secret").await, "both, for a while");
    api.server.clock.advance(61);
    assert!(works(new).await && !works("demo-service-secret").await, "the old one is over");
    // The token for the API is still good: it lives ten minutes.
    let gone = api.call(Method::DELETE, "/clients/demo-service/secrets/first", None, None).await;
    assert_eq!(gone.json()["secrets"].as_array().unwrap().len(), 1, "{}", gone.body);
    api.call(Method::DELETE, &format!("/clients/demo-service/secrets/{id}"), None, None).await.problem(409);
    let path = format!("/clients/demo-service/secrets/{id}");
    assert_eq!(api.call(Method::PUT, &path, None, Some(json!({ "enabled": false }))).await.status, 200);
    assert!(!works(new).await, "switched off");
}

#[tokio::test]
async fn keys_and_types_of_details_live_here() {
    let api = Api::start().await;
    let key = crate::assertions::Party::new().certificate;
    let add = |keys: &str| Some(json!({ "label": "build", "keys": keys }));
    let added = api.call(Method::POST, "/clients/robot/keys", None, add(&key)).await;
    assert_eq!(added.status.as_u16(), 201, "{}", added.body);
    let known = &added.json()["keys"][0];
    assert_eq!(
        (&known["label"], &known["kind"], &known["form"]),
        (&json!("build"), &json!("P-256"), &json!("certificate"))
    );
    assert!(known["not_after"].is_i64() && added.json()["options"].get("credentials").is_none());
    api.call(Method::POST, "/clients/robot/keys", None, add(&key)).await.problem(422);
    let path = format!("/clients/robot/keys/{}", known["id"].as_str().unwrap());
    let off = api.call(Method::PUT, &path, None, Some(json!({ "enabled": false }))).await;
    assert!(off.json()["keys"][0]["disabled_at"].is_i64(), "{}", off.body);
    assert!(api.call(Method::DELETE, &path, None, None).await.json()["keys"].as_array().unwrap().is_empty());
    api.call(Method::DELETE, &path, None, None).await.problem(404);

    let kind = json!({ "name": "payment", "title": "Make a payment", "fields": { "amount": { "title": "Amount" } } });
    let made = api.call(Method::POST, "/authorization-types", None, Some(kind.clone())).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let path = "/authorization-types/payment";
    assert_eq!(made.header("location"), format!("/admin/api/v1{path}"));
    assert_eq!(made.json()["fields"]["amount"]["required"], false, "{}", made.body);
    api.call(Method::POST, "/authorization-types", None, Some(kind.clone())).await.problem(409);
    assert_eq!(api.get("/authorization-types").await.json()["items"][0]["name"], "payment");
    let bad = json!({ "name": "x", "title": "X", "fields": { "type": { "title": "Type" } } });
    api.call(Method::POST, "/authorization-types", None, Some(bad.clone())).await.problem(422);
    let old = made.header("etag");
    api.call(Method::PUT, path, Some(old), Some(bad)).await.problem(422);
    let edited = api.call(Method::PUT, path, Some(old), Some(kind.clone())).await;
    assert_eq!((edited.status.as_u16(), edited.header("etag")), (200, api.get(path).await.header("etag")));
    api.call(Method::PUT, path, Some(old), Some(kind)).await.problem(412);
    api.call(Method::DELETE, path, Some(old), None).await.problem(412);
    let tag = Some(edited.header("etag"));
    assert_eq!(api.call(Method::DELETE, path, tag, None).await.status.as_u16(), 204);
    api.call(Method::DELETE, path, tag, None).await.problem(404);
    api.get(path).await.problem(404);
}

#[tokio::test]
async fn an_issuer_that_is_a_url_has_a_place() {
    let api = Api::start().await;
    let name = "https://idp.example/a?b=c&d=é";
    let issuer = |name: &str, scope: &str| json!({ "issuer": name, "scope": scope, "keys": { "jwks_uri": "https://idp.example/jwks" } });
    let made = api.call(Method::POST, "/issuers", None, Some(issuer(name, "a"))).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let old = made.header("etag");
    api.call(Method::POST, "/issuers", None, Some(issuer(name, "b"))).await.problem(409);
    let path = made.header("location").strip_prefix("/admin/api/v1").unwrap().to_owned();
    let read = api.get(&path).await;
    assert_eq!((read.header("etag"), read.json()["scope"].as_str()), (old, Some("a")));
    assert_eq!(api.get("/issuers").await.json()["items"], json!([read.json()]));
    let edited = api.call(Method::PUT, &path, Some(old), Some(issuer(name, "b"))).await;
    assert_eq!(edited.json()["scope"], "b", "{}", edited.body);
    let tag = Some(edited.header("etag"));
    api.call(Method::PUT, &path, tag, Some(issuer("https://other.example", "b"))).await.problem(422);
    api.call(Method::PUT, &path, Some(old), Some(issuer(name, "c"))).await.problem(412);
    api.call(Method::DELETE, &path, Some(old), None).await.problem(412);
    api.call(Method::DELETE, &path, None, None).await.problem(428);
    assert_eq!(api.call(Method::DELETE, &path, tag, None).await.status.as_u16(), 204);
    api.get(&path).await.problem(404);
    api.get("/issuers/one").await.problem(400);
}

/// RFC 9110 §8.8.1: what is deleted and made again under the same name is not what was read.
#[tokio::test]
async fn a_tag_fits_one_thing_for_ever() {
    let api = Api::start().await;
    for (list, path, thing) in [
        (
            "/clients",
            "/clients/c",
            json!({ "client_id": "c", "auth_method": "none", "grant_types": ["urn:ietf:params:oauth:grant-type:device_code"] }),
        ),
        ("/scopes", "/scopes/s", json!({ "name": "s", "title": "S" })),
        ("/authorization-types", "/authorization-types/t", json!({ "name": "t", "title": "T", "fields": {} })),
        (
            "/issuers",
            "/issuers/one?issuer=https://i.example",
            json!({ "issuer": "https://i.example", "keys": { "jwks_uri": "https://i.example/jwks" } }),
        ),
    ] {
        let make = async || {
            let made = api.call(Method::POST, list, None, Some(thing.clone())).await;
            assert_eq!(made.status, 201, "{}", made.body);
            assert_eq!(api.get(path).await.header("etag"), made.header("etag"), "{path}");
            made.header("etag").to_owned()
        };
        let first = make().await;
        assert_eq!(api.call(Method::DELETE, path, Some(&first), None).await.status, 204, "{path}");
        make().await;
        api.call(Method::PUT, path, Some(&first), Some(thing.clone())).await.problem(412);
        api.call(Method::DELETE, path, Some(&first), None).await.problem(412);
    }
}

#[tokio::test]
async fn pages_follow_each_other() {
    let api = Api::start().await;
    let mut after = String::new();
    let mut seen = Vec::new();
    loop {
        let page = api.get(&format!("/clients?limit=2{after}")).await.json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|c| c["client_id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(seen, ["demo-service", "demo-spa", "demo-web", "robot"]);
    let found = api.get("/clients?q=CLIENT%20demo-s").await.json();
    assert_eq!(found["items"].as_array().unwrap().len(), 2, "by name, without case: {found}");
}

#[tokio::test]
async fn people_grants_and_keys() {
    let api = Api::start().await;
    let tokens = api.server.web_tokens().await;
    let grants = api.get("/grants?client_id=demo-web").await.json();
    let id = grants["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(grants["items"][0]["username"], "alice");
    assert_eq!(api.call(Method::DELETE, &format!("/grants/{id}"), None, None).await.status, 204);
    let pairs = vec![("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    api.server.token(crate::support::WEB, pairs).await.is_error(400, "invalid_grant");

    let alice = api.get("/people/person-alice").await;
    assert!(!alice.body.contains("argon2"), "{}", alice.body);
    let edit = json!({ "disabled": true });
    let path = "/people/person-alice";
    let edited = api.call(Method::PATCH, path, Some(alice.header("etag")), Some(edit)).await;
    assert!(edited.json()["disabled_at"].is_number(), "{}", edited.body);
    let added = json!({ "username": "Bob", "password": "a long password", "role": "admin" });
    assert_eq!(api.call(Method::POST, "/people", None, Some(added)).await.status, 201);
    let short = json!({ "username": "eve", "password": "short" });
    assert_eq!(api.call(Method::POST, "/people", None, Some(short)).await.problem(422)["field"], "password");

    let before = api.get("/keys").await.json()["items"].as_array().unwrap().len();
    assert_eq!(api.call(Method::POST, "/keys/rotate", None, Some(json!({}))).await.status, 200);
    assert_eq!(api.get("/keys").await.json()["items"].as_array().unwrap().len(), before + 1);
    let log = api.get("/audit").await.json();
    let actions: Vec<_> = log["items"].as_array().unwrap().iter().map(|e| e["action"].as_str().unwrap()).collect();
    for action in ["key.rotate", "person.create", "person.edit", "grant.revoke"] {
        assert!(actions.contains(&action), "{action}: {actions:?}");
    }
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let api = Api::start().await;
    let added = json!({ "username": "root", "password": "a long password", "role": "admin" });
    let root = api.call(Method::POST, "/people", None, Some(added)).await;
    let path = format!("/people/{}", root.json()["id"].as_str().unwrap());
    for edit in [json!({ "role": "person" }), json!({ "disabled": true })] {
        api.call(Method::PATCH, &path, Some(root.header("etag")), Some(edit)).await.problem(409);
    }
    api.call(Method::DELETE, &path, Some(root.header("etag")), None).await.problem(409);
}

#[tokio::test]
async fn an_option_is_known_by_its_name_whatever_its_value() {
    let api = Api::start().await;
    let create = async |options: Value| {
        let spec = json!({ "auth_method": "client_secret", "grant_types": ["client_credentials"], "options": options });
        api.call(Method::POST, "/clients", None, Some(spec)).await
    };
    // Defaults may be written out; they are as good as left out.
    let defaults = json!({
        "access_token_format": "jwt", "refresh_mode": "rotate", "first_party": false, "resources": [], "claims": {},
        "keys": {}, "access_token_lifetime": null,
    });
    let made = create(defaults).await;
    assert_eq!(made.status.as_u16(), 201, "{}", made.body);
    assert_eq!(made.json()["options"], json!({}));
    let inside = create(json!({ "keys": { "jwks_urri": "https://keys.example" } })).await.problem(422);
    assert!(inside["detail"].as_str().unwrap().contains("unknown field `jwks_urri`"), "{inside}");
    for misspelt in
        [json!({ "first_partly": false }), json!({ "resourses": [] }), json!({ "x": null }), json!({ "": "" })]
    {
        let problem = create(misspelt.clone()).await.problem(422);
        assert!(problem["detail"].as_str().unwrap().contains("there is no option"), "{misspelt}: {problem}");
    }
}

#[tokio::test]
async fn what_a_list_is_asked_is_taken_as_it_is_or_refused() {
    let api = Api::start().await;
    for list in ["clients", "people", "grants", "audit"] {
        for (query, status) in [
            ("limit=0", 200),
            ("limit=1", 200),
            ("limit=4294967295", 200),
            ("limit=-1", 400),
            ("limit=4294967296", 400),
            ("limit=x", 400),
            ("limit=1&limit=2", 400),
            ("no=such", 400),
            ("after=%00", 0),
            ("after=..%2F..", 0),
            ("after=99999999999999999999.x", 0),
            ("after=%F0%9F%90%BB", 0),
            ("after=-1", 0),
            ("after=%25%27%22", 0),
        ] {
            let answer = api.get(&format!("/{list}?{query}")).await;
            let found = answer.status.as_u16();
            let expected: &[u16] = if status == 0 { &[200, 400, 422] } else { std::slice::from_ref(&status) };
            assert!(expected.contains(&found), "{list}?{query}: {found} {}", answer.body);
            if found != 200 {
                answer.problem(found);
            }
        }
    }
    assert_eq!(api.get("/clients?limit=0").await.json()["items"].as_array().unwrap().len(), 1, "at least one");
}

#[tokio::test]
async fn bodies_are_json_of_this_shape_and_nothing_else() {
    let api = Api::start().await;
    let send = async |media: &str, body: &'static str| {
        let request = Request::post(format!("{V1}/scopes")).header("authorization", format!("Bearer {}", api.token));
        api.server.send(request.header("content-type", media).body(Body::from(body)).unwrap()).await
    };
    const JSON: &str = "application/json";
    for (media, body, status) in [
        ("text/plain", "{}", 415),
        ("application/x-www-form-urlencoded", "name=a", 415),
        ("", "{}", 415),
        (JSON, "", 400),
        (JSON, "{", 400),
        (JSON, "[]", 400),
        (JSON, "null", 400),
        (JSON, "{} {}", 400),
        (JSON, r#"{"name":"a","title":"A","name":"b"}"#, 400),
        (JSON, r#"{"name":"a","title":"A","more":1}"#, 400),
        (JSON, r#"{"name":"a"}"#, 400),
        (JSON, r#"{"name":null,"title":"A"}"#, 400),
        (JSON, r#"{"name":1,"title":"A"}"#, 400),
        (JSON, r#"{"name":"a\u0000","title":"A"}"#, 400),
        (JSON, "\u{feff}{}", 400),
        (JSON, r#"{"name":"a b","title":"A"}"#, 422),
        (JSON, r#"{"name":"","title":"A"}"#, 422),
    ] {
        send(media, body).await.problem(status);
    }
    let large: &'static str = format!("{{\"name\":\"a\",\"title\":\"{}\"}}", "a".repeat(70_000)).leak();
    send(JSON, large).await.problem(413);
    assert_eq!(send("application/json; charset=utf-8", r#"{"name":"a","title":"A"}"#).await.status.as_u16(), 201);
    send(JSON, r#"{"name":"a","title":"A"}"#).await.problem(409);
    // Absent, and null, is as it was; what is there is put.
    let alice = "/people/person-alice";
    let version = api.get(alice).await.header("etag").to_owned();
    let edit = json!({ "role": null, "disabled": null, "password": null, "username": "Alice" });
    let edited = api.call(Method::PATCH, alice, Some(&version), Some(edit)).await;
    assert_eq!(
        (&edited.json()["username"], &edited.json()["role"]),
        (&json!("Alice"), &json!("person")),
        "{}",
        edited.body
    );
    let head = api.call(Method::HEAD, alice, None, None).await;
    assert!(head.status.as_u16() == 200 && head.body.is_empty() && head.header("etag") == edited.header("etag"));
}
