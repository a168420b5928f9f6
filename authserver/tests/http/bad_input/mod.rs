//! Bad input, a row a rule: what is sent, and the exact status, `error` and headers that come back.
//!
//! A row fails by the name of its rule. What takes more than one request to show is in the files beside this directory, and
//! `rules` says of each RFC's every rule which row or which test shows it.

mod authorize;
mod best_practice;
mod clients;
mod extensions;
mod odd_values;
mod page;
mod rules;
mod sequences;
mod token;
mod tokens;

use crate::support::{Answer, Server, basic_header, client};
use axum::body::Body;
use bearward::model::GrantType::{ClientCredentials, DeviceCode, JwtBearer, Password, Saml2Bearer, TokenExchange};
use bearward_token::scope::ScopeSet;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request};
use std::collections::BTreeSet;

const FORM: &str = "application/x-www-form-urlencoded";

/// One rule: RFC and section with its words in short, what is sent, what comes back.
struct Row {
    rule: &'static str,
    ask: Ask,
    status: u16,
    /// The `error`; empty for an answer that is none.
    error: &'static str,
    /// A header that has to be there, with the beginning of its value.
    header: Option<(&'static str, &'static str)>,
    /// A member of the answer, and what it says.
    says: Option<(&'static str, &'static str)>,
}

/// A request. `{web-code}`, `{spa-code}`, `{web-refresh}`, `{device-code}` and `{service-token}` in the body stand for
/// fresh ones.
struct Ask {
    method: Method,
    path: &'static str,
    content_type: Option<&'static str>,
    authorization: Option<String>,
    /// Further headers, also ones that are there already.
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Ask {
    fn post(path: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            method: Method::POST,
            path,
            content_type: Some(FORM),
            authorization: None,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    fn get(path: &'static str) -> Self {
        Self { method: Method::GET, content_type: None, ..Self::post(path, "") }
    }

    fn by(self, client: Option<(&str, &str)>) -> Self {
        Self { authorization: client.map(|(id, secret)| basic_header(id, secret)), ..self }
    }

    fn authorization(self, value: &str) -> Self {
        Self { authorization: Some(value.to_owned()), ..self }
    }

    fn content_type(self, content_type: Option<&'static str>) -> Self {
        Self { content_type, ..self }
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn dpop(self, proofs: &[&'static str]) -> Self {
        proofs.iter().fold(self, |ask, proof| ask.header("dpop", proof))
    }

    fn method(self, method: Method) -> Self {
        Self { method, ..self }
    }

    async fn send(self, server: &Server) -> Answer {
        let body = filled(server, self.body).await;
        let mut request = Request::builder().method(self.method).uri(self.path);
        for (name, value) in [(CONTENT_TYPE, self.content_type), (AUTHORIZATION, self.authorization.as_deref())] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        server.send(request.body(Body::from(body)).unwrap()).await
    }
}

async fn filled(server: &Server, body: Vec<u8>) -> Vec<u8> {
    let Ok(mut text) = String::from_utf8(body.clone()) else { return body };
    if text.contains("{web-code}") {
        text = text.replace("{web-code}", &server.code("demo-web", None).await);
    }
    if text.contains("{spa-code}") {
        text = text.replace("{spa-code}", &server.code("demo-spa", Some(crate::support::CHALLENGE)).await);
    }
    if text.contains("{web-refresh}") {
        text = text.replace("{web-refresh}", server.web_tokens().await["refresh_token"].as_str().unwrap());
    }
    if text.contains("{device-code}") {
        let many = Some(("many", "many-secret"));
        let answer = server.post("/oauth2/device_authorization", many, vec![("scope", "orders:read")]).await;
        text = text.replace("{device-code}", answer.json()["device_code"].as_str().unwrap());
    }
    if text.contains("{service-token}") {
        text = text.replace("{service-token}", &server.service_token().await);
    }
    text.into_bytes()
}

impl Row {
    fn error(rule: &'static str, ask: Ask, status: u16, error: &'static str) -> Self {
        Self { rule, ask, status, error, header: None, says: None }
    }

    fn fine(rule: &'static str, ask: Ask) -> Self {
        Self::error(rule, ask, 200, "")
    }

    fn with(self, name: &'static str, value: &'static str) -> Self {
        Self { header: Some((name, value)), ..self }
    }

    fn says(self, member: &'static str, value: &'static str) -> Self {
        Self { says: Some((member, value)), ..self }
    }

    async fn holds(self, server: &Server) {
        let answer = self.ask.send(server).await;
        let json = serde_json::from_str::<serde_json::Value>(&answer.body).unwrap_or_default();
        let error = json["error"].as_str().unwrap_or_default();
        assert_eq!((answer.status.as_u16(), error), (self.status, self.error), "{}: {}", self.rule, answer.body);
        if !self.error.is_empty() {
            answer.is_error(self.status, self.error);
            assert_eq!(answer.header("pragma"), "no-cache", "{}", self.rule);
        }
        if let Some((name, value)) = self.header {
            assert!(answer.header(name).starts_with(value), "{}: {name}: {:?}", self.rule, answer.header(name));
        }
        if let Some((member, value)) = self.says {
            let said = json[member].as_str().map_or_else(|| json[member].to_string(), str::to_owned);
            assert_eq!(said, value, "{}: {member}", self.rule);
        }
        if answer.status != 401 {
            assert_eq!(answer.header("www-authenticate"), "", "{}", self.rule);
        }
    }
}

type Rows = fn() -> Vec<Row>;

/// The tables, by what they are about.
const TABLES: &[(&str, Rows)] = &[
    ("The token endpoint: how a request is made", token::how_a_request_is_made),
    ("The token endpoint: how a client proves itself", clients::how_a_client_proves_itself),
    ("The token endpoint: scopes", token::scopes),
    ("The token endpoint: codes", token::codes),
    ("The token endpoint: refresh tokens", token::refresh_tokens),
    ("The token endpoint: passwords", token::passwords),
    ("Revocation", tokens::revocation),
    ("Introspection", tokens::introspection),
    ("Assertions", extensions::assertions),
    ("Devices", extensions::devices),
    ("Token exchange", extensions::exchange),
    ("Pushed requests", extensions::pushed_requests),
    ("Proofs of possession", extensions::proofs_of_possession),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_holds() {
    let mut running = tokio::task::JoinSet::new();
    for (_, rows) in TABLES {
        running.spawn(hold(rows()));
    }
    while let Some(held) = running.join_next().await {
        held.unwrap();
    }
}

/// Each row on a fresh server would take long, and none of them changes what another sees.
async fn hold(rows: Vec<Row>) {
    let server = Server::start().await;
    for (id, secret) in [("many", "many-secret"), ("many2", "many2-secret")] {
        let grants = [JwtBearer, Saml2Bearer, DeviceCode, TokenExchange, Password];
        let mut many = client(id, Some(secret), &grants);
        many.options.token_exchange.delegation = true;
        server.app.store.create_client(&many).await.unwrap();
    }
    server.app.store.create_client(&client("tv", None, &[DeviceCode])).await.unwrap();
    // What registration would not take as an id, encoding carries; and a client without a default scope.
    for (id, secret) in [("a:b c/d", "p:a+s%s \u{e9}"), ("bare", "bare-secret"), ("held", "held-secret")] {
        let mut one = client(id, Some(secret), &[ClientCredentials]);
        one.options.dpop_bound_access_tokens = id == "held";
        one.default_scopes = if id == "bare" { ScopeSet::default() } else { one.default_scopes };
        server.app.store.create_client(&one).await.unwrap();
    }
    for row in rows {
        row.holds(&server).await;
    }
}

/// The names of all rows: `RFC §section: rule`.
fn names() -> BTreeSet<String> {
    let tables = TABLES.iter().flat_map(|(_, rows)| rows()).map(|row| row.rule.to_owned());
    let told = authorize::TOLD.iter().map(|(rule, ..)| (*rule).to_owned());
    let unreadable = authorize::UNREADABLE.iter().map(|(rule, _)| (*rule).to_owned());
    let best = best_practice::rules().map(|(section, rule)| format!("9700 {section}: {rule}"));
    tables.chain(told).chain(unreadable).chain(best).collect()
}
