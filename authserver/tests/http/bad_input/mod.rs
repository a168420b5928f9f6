//! Bad input, a row a rule: what is sent, and the exact status, `error` and headers that come back.
//!
//! A row fails by the name of its rule. What takes more than one request to show is in the files beside this directory.

mod authorize;
mod best_practice;
mod extensions;
mod token;
mod tokens;

use crate::support::{Answer, Server, basic_header, client};
use axum::body::Body;
use bearward::model::GrantType;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request};

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
}

/// A request. `{web-code}`, `{spa-code}`, `{web-refresh}`, `{device-code}` and `{service-token}` in the body stand for
/// fresh ones.
struct Ask {
    method: Method,
    path: &'static str,
    content_type: Option<&'static str>,
    authorization: Option<String>,
    dpop: Vec<&'static str>,
    body: Vec<u8>,
}

impl Ask {
    fn post(path: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            method: Method::POST,
            path,
            content_type: Some(FORM),
            authorization: None,
            dpop: Vec::new(),
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

    fn dpop(self, proofs: &[&'static str]) -> Self {
        Self { dpop: proofs.to_vec(), ..self }
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
        for proof in self.dpop {
            request = request.header("dpop", proof);
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
        Self { rule, ask, status, error, header: None }
    }

    fn fine(rule: &'static str, ask: Ask) -> Self {
        Self::error(rule, ask, 200, "")
    }

    fn with(self, name: &'static str, value: &'static str) -> Self {
        Self { header: Some((name, value)), ..self }
    }

    async fn holds(self, server: &Server) {
        let answer = self.ask.send(server).await;
        let error = serde_json::from_str::<serde_json::Value>(&answer.body).ok();
        let error = error.as_ref().and_then(|json| json["error"].as_str()).unwrap_or_default();
        assert_eq!((answer.status.as_u16(), error), (self.status, self.error), "{}: {}", self.rule, answer.body);
        if !self.error.is_empty() {
            answer.is_error(self.status, self.error);
            assert_eq!(answer.header("pragma"), "no-cache", "{}", self.rule);
        }
        if let Some((name, value)) = self.header {
            assert!(answer.header(name).starts_with(value), "{}: {name}: {:?}", self.rule, answer.header(name));
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
    ("The token endpoint: how a client proves itself", token::how_a_client_proves_itself),
    ("The token endpoint: scopes", token::scopes),
    ("The token endpoint: codes", token::codes),
    ("The token endpoint: refresh tokens", token::refresh_tokens),
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
        let grants = [GrantType::JwtBearer, GrantType::Saml2Bearer, GrantType::DeviceCode, GrantType::TokenExchange];
        let mut many = client(id, Some(secret), &grants);
        many.options.token_exchange.delegation = true;
        server.app.store.create_client(&many).await.unwrap();
    }
    for row in rows {
        row.holds(&server).await;
    }
}

/// docs/conformance.md: every row, to be read and looked up.
#[test]
fn the_page_says_what_is_held() {
    let mut page = String::from(HEAD);
    for (title, rows) in TABLES {
        page += &format!("\n## {title}\n\n| RFC | rule | answer |\n|---|---|---|\n");
        for row in rows() {
            let (rfc, rule) = row.rule.split_once(": ").unwrap_or(("", row.rule));
            let header = row.header.map(|(name, value)| format!(", `{name}: {value}…`")).unwrap_or_default();
            let error = if row.error.is_empty() { String::new() } else { format!(" `{}`", row.error) };
            page += &format!("| {rfc} | {rule} | {}{error}{header} |\n", row.status);
        }
    }
    page += "\n## Authorization requests: what is told to the client\n\n| RFC | rule | `error` |\n|---|---|---|\n";
    for (rule, _, error) in authorize::TOLD {
        let (rfc, rule) = rule.split_once(": ").unwrap();
        page += &format!("| {rfc} | {rule} | `{error}` |\n");
    }
    page += "\n## Authorization requests: no redirect\n\nRFC 9700 §4.1.3. Registered is `http://127.0.0.1:8400/callback`; the ";
    page += "answer is 400 and a page.\n\n| trick | `redirect_uri` |\n|---|---|\n";
    for (trick, uri) in authorize::TRICKS {
        page += &format!("| {trick} | `{}` |\n", uri.escape_debug());
    }
    page += "\n## Best current practice\n\n| RFC 9700 | rule |\n|---|---|\n";
    for (section, rule) in best_practice::rules() {
        page += &format!("| {section} | {rule} |\n");
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/conformance.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(file, &page).unwrap();
    }
    let found = std::fs::read_to_string(file).unwrap_or_default();
    assert!(found == page, "docs/conformance.md is old: UPDATE_DOCS=1 cargo test -p bearward --test http the_page");
}

const HEAD: &str = "\
<!-- Made from authserver/tests/http/bad_input; a test holds it to that. -->
# What is refused, and how

Each line is a test: a request that breaks a rule, or just keeps it, and the exact status, `error` and header that come back. Every
error is JSON, says `cache-control: no-store`, and repeats nothing of the request. What takes a person, a browser or several requests
to show is at the end; races and hostile assertions have tests of their own (`authserver/tests/http`, `authserver/tests/saml`).
";
