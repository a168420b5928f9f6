//! A server in this process, and a browser of sorts.

use axum::Router;
use axum::body::{Body, to_bytes};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bearward::admin::{Actor, Admin};
use bearward::config::{
    Assertions, Authorization, Config, Database, Device, Dpop, Gateway, KeyPolicy, Log, MasterKey,
    Passwords as PasswordConfig, Registration, Secret, Sessions, Tokens,
};
use bearward::env::Env;
use bearward::http::{App, router};
use bearward::keys::{KeyRing, Sealer};
use bearward::model::{Client, ClientAuthMethod, ClientOptions, Digest, GrantType, Person, Scope, Session, Versioned};
use bearward::passwords::Passwords;
use bearward::secret;
use bearward::storage::Store;
use bearward::storage::sqlite::SqliteStore;
use bearward::testing::{TestClock, env};
use bearward_token::scope::ScopeSet;
use form_urlencoded::Serializer;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::sync::OnceCell;
use tower::ServiceExt as _;
use tracing::Dispatch;
use tracing::subscriber::NoSubscriber;
use url::Url;
use zeroize::Zeroizing;

pub(crate) const START: u64 = 1_800_000_000;
pub(crate) const ISSUER: &str = "http://127.0.0.1:8080";
pub(crate) const CALLBACK: &str = "http://127.0.0.1:8400/callback";
pub(crate) const PASSWORD: &str = "alice-demo-password";
/// RFC 7636 appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Form or query parameters.
pub(crate) type Pairs<'a> = Vec<(&'a str, &'a str)>;

/// A server with the demo's clients and person.
pub(crate) struct Server {
    pub(crate) app: Arc<App>,
    pub(crate) clock: Arc<TestClock>,
    router: Router,
    directory: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _: std::io::Result<()> = std::fs::remove_dir_all(&self.directory);
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// A server whose configuration was changed.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::of(change, |_| {}).await
    }

    /// A server whose configuration, time or randomness was changed.
    pub(crate) async fn of(change: impl FnOnce(&mut Config), swap: impl FnOnce(&mut Env)) -> Self {
        Self::built(change, swap, |_| {}).await
    }

    /// A server for which everything takes too long that is not there at once.
    pub(crate) async fn impatient() -> Self {
        Self::built(|_| {}, |_| {}, |app| app.time_limit = Duration::ZERO).await
    }

    async fn built(
        change: impl FnOnce(&mut Config),
        swap: impl FnOnce(&mut Env),
        finish: impl FnOnce(&mut App),
    ) -> Self {
        // Of one log alone, a line that another thread says first is taken for one that nobody wants: `tracing` keeps that.
        static LOGS: LazyLock<[Dispatch; 2]> = LazyLock::new(|| [(); 2].map(|()| Dispatch::new(NoSubscriber::new())));
        LazyLock::force(&LOGS);
        let directory = std::env::temp_dir().join(format!("bearward-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&directory).unwrap();
        let mut config = config();
        change(&mut config);
        let clock = TestClock::at(START);
        let mut env = env(&clock);
        swap(&mut env);
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&directory.join("db"), None).await.unwrap());
        let sealer = Arc::new(Sealer::new(&config.master_key));
        let (policy, lifetime) = (config.keys.clone(), config.tokens.access_lifetime);
        let keys = KeyRing::open(store.clone(), sealer.clone(), env.clone(), policy, lifetime).await.unwrap();
        seed(store.as_ref()).await;
        let mut app = App::new(config, store, keys, sealer, env);
        finish(&mut app);
        let app = Arc::new(app);
        Self { router: router(app.clone()), app, clock, directory }
    }

    /// Administration by nobody in particular.
    pub(crate) fn admin(&self) -> Admin<'_> {
        let actor = Actor { kind: "command", id: "test".to_owned(), address: None };
        Admin { store: &*self.app.store, config: &self.app.config, env: &self.app.env, actor }
    }

    pub(crate) fn now(&self) -> i64 {
        self.app.env.clock.now()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.send(Request::get(target).body(Body::empty()).unwrap()).await
    }

    /// Posts a form, with HTTP Basic if there is an id and a secret.
    pub(crate) async fn post(&self, path: &str, basic: Option<(&str, &str)>, pairs: Pairs<'_>) -> Answer {
        self.post_with(path, basic, pairs, &[]).await
    }

    /// The same with more headers.
    pub(crate) async fn post_with(
        &self,
        path: &str,
        basic: Option<(&str, &str)>,
        pairs: Pairs<'_>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some((id, secret)) = basic {
            request = request.header(AUTHORIZATION, basic_header(id, secret));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(encode(&pairs))).unwrap()).await
    }

    pub(crate) async fn token(&self, basic: Option<(&str, &str)>, pairs: Pairs<'_>) -> Answer {
        self.post("/oauth2/token", basic, pairs).await
    }

    /// A client-credentials token.
    pub(crate) async fn service_token(&self) -> String {
        let answer = self.token(SERVICE, vec![("grant_type", "client_credentials")]).await;
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// A code for alice, by way of the authorization and consent pages.
    pub(crate) async fn code(&self, client_id: &str, challenge: Option<&str>) -> String {
        let mut browser = self.browser_of_alice().await;
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", client_id),
            ("redirect_uri", CALLBACK),
            ("scope", "orders:read orders:write"),
            ("state", "s"),
        ];
        if let Some(challenge) = challenge {
            pairs.extend([("code_challenge", challenge), ("code_challenge_method", "S256")]);
        }
        let answer = browser.authorize(pairs).await;
        let answer = if answer.location().starts_with(CALLBACK) { answer } else { browser.allow(&answer).await };
        answer.returned()["code"].clone()
    }

    /// Redeems a code of `demo-web` or `demo-spa`.
    pub(crate) async fn redeem(&self, client_id: &str, code: &str) -> Answer {
        let mut pairs = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
        match client_id {
            "demo-web" => self.token(WEB, pairs).await,
            _ => {
                pairs.extend([("client_id", client_id), ("code_verifier", VERIFIER)]);
                self.token(None, pairs).await
            }
        }
    }

    /// What a full sign-in of alice gives `demo-web`.
    pub(crate) async fn web_tokens(&self) -> Value {
        let answer = self.redeem("demo-web", &self.code("demo-web", None).await).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.json()
    }

    /// The path of the style sheet, as a page names it.
    pub(crate) async fn app_style(&self) -> String {
        let page = self.get("/login").await.body;
        page.split_once("rel=\"stylesheet\" href=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
    }

    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser { server: self, cookies: BTreeMap::new() }
    }

    /// A browser in which alice signed in.
    pub(crate) async fn browser_of_alice(&self) -> Browser<'_> {
        let cookie = secret::generate(self.app.env.random.as_ref(), secret::SESSION);
        let person = self.app.store.person_by_username("alice").await.unwrap().unwrap();
        let now = self.now();
        let session = Session {
            person_id: person.id,
            auth_time: now - 5,
            acr: "pwd".into(),
            expires_at: now + 43_200,
            used_at: now,
        };
        self.app.store.create_session(&Digest::of(&cookie), &session, None).await.unwrap();
        let cookies = BTreeMap::from([("bearward".to_owned(), cookie.to_string())]);
        Browser { server: self, cookies }
    }
}

/// Keeps cookies, follows nothing by itself.
pub(crate) struct Browser<'a> {
    pub(crate) server: &'a Server,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl Browser<'_> {
    pub(crate) async fn get(&mut self, target: &str) -> Answer {
        self.send(Request::get(target), String::new()).await
    }

    pub(crate) async fn post(&mut self, path: &str, pairs: Pairs<'_>) -> Answer {
        self.post_with(path, pairs, &[("origin", ISSUER), ("sec-fetch-site", "same-origin")]).await
    }

    pub(crate) async fn post_with(&mut self, path: &str, pairs: Pairs<'_>, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request, encode(&pairs)).await
    }

    pub(crate) async fn authorize(&mut self, pairs: Pairs<'_>) -> Answer {
        self.get(&format!("/oauth2/authorize?{}", encode(&pairs))).await
    }

    /// Follows a redirect on this server.
    pub(crate) async fn follow(&mut self, answer: &Answer) -> Answer {
        let location = answer.location();
        assert!(location.starts_with('/'), "leads away: {location}");
        self.get(&location).await
    }

    /// Presses "Allow" on the consent page that an answer leads to.
    pub(crate) async fn allow(&mut self, answer: &Answer) -> Answer {
        let page = self.follow(answer).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        let (sealed, csrf) = (page.field("continue"), page.field("csrf"));
        self.post("/consent", vec![("continue", &sealed), ("csrf", &csrf), ("decision", "allow")]).await
    }

    async fn send(&mut self, request: http::request::Builder, body: String) -> Answer {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = if cookies.is_empty() { request } else { request.header(COOKIE, cookies.join("; ")) };
        let answer = self.server.send(request.body(Body::from(body)).unwrap()).await;
        for cookie in answer.headers.get_all(SET_COOKIE) {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), rest.split(';').next().unwrap().to_owned());
        }
        answer
    }
}

/// A response, read.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    /// Asserts the error answer that invariant 7 wants.
    #[track_caller]
    pub(crate) fn is_error(&self, status: u16, error: &str) {
        assert_eq!((self.status.as_u16(), self.json()["error"].as_str()), (status, Some(error)), "{}", self.body);
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.header("content-type"), "application/json");
        let description = self.json()["error_description"].as_str().unwrap().to_owned();
        assert!(description.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E)), "{description}");
    }

    #[track_caller]
    pub(crate) fn location(&self) -> String {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        self.headers[LOCATION].to_str().unwrap().to_owned()
    }

    /// The parameters that a redirect carries to the client.
    #[track_caller]
    pub(crate) fn returned(&self) -> BTreeMap<String, String> {
        let location = self.location();
        assert!(location.starts_with(CALLBACK), "{location}");
        Url::parse(&location).unwrap().query_pairs().into_owned().collect()
    }

    /// The value of a form field on a page.
    #[track_caller]
    pub(crate) fn field(&self, name: &str) -> String {
        let (_, rest) = self.body.split_once(&format!("name=\"{name}\" value=\"")).expect("no such field");
        rest.split_once('"').unwrap().0.to_owned()
    }
}

pub(crate) const SERVICE: Option<(&str, &str)> = Some(("demo-service", "demo-service-secret"));
pub(crate) const WEB: Option<(&str, &str)> = Some(("demo-web", "demo-web-secret"));

pub(crate) fn basic_header(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

pub(crate) fn encode(pairs: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// The payload of a JWT, unchecked.
pub(crate) fn claims(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

/// A request with no body but these headers.
pub(crate) fn request(method: Method, target: &str, headers: &[(&str, &str)], body: &'static [u8]) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body)).unwrap()
}

pub(crate) fn client(id: &str, secret: Option<&str>, grant_types: &[GrantType]) -> Client {
    let redirects = grant_types.contains(&GrantType::AuthorizationCode);
    Client {
        id: id.into(),
        name: format!("Client {id}"),
        auth_method: if secret.is_some() { ClientAuthMethod::ClientSecret } else { ClientAuthMethod::None },
        secret: secret.map(Digest::of),
        sealed_secret: None,
        grant_types: grant_types.to_vec(),
        redirect_uris: if redirects { vec![CALLBACK.into()] } else { vec![] },
        scopes: ScopeSet::parse("orders:read orders:write").unwrap(),
        default_scopes: ScopeSet::parse("orders:read").unwrap(),
        audience: vec![],
        options: ClientOptions::default(),
        disabled_at: None,
        created_at: 1,
    }
}

async fn seed(store: &dyn Store) {
    let code = [GrantType::AuthorizationCode, GrantType::RefreshToken];
    let clients = [
        client("demo-service", Some("demo-service-secret"), &[GrantType::ClientCredentials]),
        client("demo-web", Some("demo-web-secret"), &code),
        client("demo-spa", None, &code),
    ];
    for client in &clients {
        store.create_client(client).await.unwrap();
    }
    let scope = |name: &str, title: &str| Scope {
        name: name.into(),
        title: title.into(),
        description: format!("What {name} means."),
    };
    store.put_scope(&scope("orders:read", "Read your orders")).await.unwrap();
    store.put_scope(&scope("orders:write", "Change your orders")).await.unwrap();
    let password_hash = password_hash().await.clone();
    let alice =
        Person { id: "person-alice".into(), username: "alice".into(), password_hash, disabled_at: None, created_at: 1 };
    store.create_person(&alice).await.unwrap();
}

/// Argon2 is slow on purpose: once for all tests.
async fn password_hash() -> &'static String {
    static HASH: OnceCell<String> = OnceCell::const_new();
    HASH.get_or_init(|| async {
        let passwords = Passwords::new(1, env(&TestClock::at(START)).random);
        passwords.hash(Zeroizing::new(PASSWORD.to_owned())).await.unwrap()
    })
    .await
}

fn config() -> Config {
    Config {
        issuer: Url::parse(ISSUER).unwrap(),
        listen: "127.0.0.1:0".parse().unwrap(),
        management_listen: "127.0.0.1:0".parse().unwrap(),
        database: Database { url: Secret(Zeroizing::new("sqlite::memory:".into())), max_connections: None },
        master_key: MasterKey(Zeroizing::new([7; 32])),
        other_master_key: None,
        tokens: Tokens {
            access_lifetime: Duration::from_secs(600),
            max_access_lifetime: Duration::from_secs(3600),
            refresh_lifetime: Duration::from_secs(30 * 86_400),
            refresh_absolute_lifetime: Duration::ZERO,
            refresh_grace: Duration::from_secs(10),
            code_lifetime: Duration::from_secs(60),
            audience: vec!["https://api.example".into()],
        },
        authorization: Authorization {
            require_pushed_requests: false,
            pushed_request_lifetime: Duration::from_secs(90),
            stored_requests_per_address: 1000,
        },
        dpop: Dpop { require_nonce: false },
        registration: Registration { enabled: false },
        keys: KeyPolicy {
            algorithm: bearward::jwt::Algorithm::ES256,
            more_algorithms: vec![],
            rotate_every: Duration::ZERO,
            publish_ahead: Duration::from_secs(600),
        },
        sessions: Sessions {
            lifetime: Duration::from_secs(43_200),
            idle: Duration::from_secs(7200),
            trusted_proxies: 1,
        },
        passwords: PasswordConfig { max_concurrent_hashes: 2, attempts_per_account: 10, attempts_per_address: 100 },
        gateway: Gateway::default(),
        assertions: Assertions::default(),
        device: Device::default(),
        log: Log { json: false, filter: "info".into() },
    }
}

/// A new thing whose version begins at 1.
pub(crate) fn first<T>(value: T) -> Versioned<T> {
    Versioned { value, version: 1 }
}
