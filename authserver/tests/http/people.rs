//! Sign-in with throttles and a second factor, the account page, the console: what people do, and what is done against them.

use crate::support::{Answer, Browser, CALLBACK, ISSUER, PASSWORD, Server, client};
use bearward::model::{Account, AuditFilter, Change, FollowerName, GrantType, Person, Role};
use http::StatusCode;
use http::header::SET_COOKIE;

pub(crate) fn change() -> Change {
    Change {
        at: 1,
        actor_kind: "command",
        actor: "test".to_owned(),
        address: None,
        action: "test",
        object_kind: "test",
        object: "test".to_owned(),
        before: None,
        after: None,
    }
}

/// A server in which alice is an administrator.
pub(crate) async fn with_admin() -> Server {
    let server = Server::start().await;
    promote(&server).await;
    server
}

/// Makes alice an administrator.
pub(crate) async fn promote(server: &Server) {
    let account = server.app.store.account("person-alice").await.unwrap().unwrap();
    let admin = Account { role: Role::Admin, ..account.value };
    assert!(server.app.store.edit_account(&admin, account.version, None, &change()).await.unwrap());
}

pub(crate) async fn try_password(browser: &mut Browser<'_>, page: &Answer, username: &str, password: &str) -> Answer {
    let (sealed, csrf) = (page.field("continue"), page.field("csrf"));
    let form = vec![("continue", sealed.as_str()), ("csrf", &csrf), ("username", username), ("password", password)];
    browser.post("/login", form).await
}

pub(crate) async fn login_page<'a>(browser: &mut Browser<'a>, target: &str) -> Answer {
    let to_login = browser.get(target).await;
    let page = browser.follow(&to_login).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    page
}

/// Posts a form of the account page or the console.
pub(crate) async fn act(browser: &mut Browser<'_>, path: &str, fields: &[(&str, &str)]) -> Answer {
    let csrf = browser.get(path).await.field("csrf");
    let mut form = vec![("csrf", csrf.as_str())];
    form.extend(fields);
    browser.post(path, form).await
}

#[tokio::test]
async fn a_page_is_reached_through_sign_in() {
    let server = with_admin().await;
    let mut browser = server.browser();
    let page = login_page(&mut browser, "/admin/clients?q=demo").await;
    assert!(page.body.contains("the console"));
    let signed_in = try_password(&mut browser, &page, "alice", PASSWORD).await;
    assert_eq!(signed_in.location(), "/admin/clients?q=demo");
    assert!(browser.follow(&signed_in).await.body.contains("demo-spa"));
}

#[tokio::test]
async fn an_expired_sign_in_goes_on_where_it_was() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let page = login_page(&mut browser, "/account").await;
    server.clock.advance(31 * 60);
    let expired = try_password(&mut browser, &page, "alice", PASSWORD).await;
    assert!(expired.body.contains("This page had expired"), "{}", expired.body);
    assert_eq!(try_password(&mut browser, &expired, "alice", PASSWORD).await.location(), "/account");
}

#[tokio::test]
async fn guessing_is_slow_and_tells_nothing() {
    let server = Server::start().await;
    let mut answers = Vec::new();
    for username in ["alice", "nobody"] {
        let mut browser = server.browser();
        let page = login_page(&mut browser, "/account").await;
        for _ in 0..10 {
            let answer = try_password(&mut browser, &page, username, "a wrong password").await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
        let answer = try_password(&mut browser, &page, username, PASSWORD).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.header("retry-after"), "90");
        answers.push(answer.body.split("role=\"alert\"").nth(1).unwrap().split("</div>").next().unwrap().to_owned());
    }
    assert_eq!(answers[0], answers[1], "the same, whether or not there is such a person");
    // Not for good.
    server.clock.advance(91);
    let mut browser = server.browser();
    let page = login_page(&mut browser, "/account").await;
    assert_eq!(try_password(&mut browser, &page, "alice", PASSWORD).await.location(), "/account");
}

#[tokio::test]
async fn a_browser_that_knows_the_account_is_not_locked_out_by_strangers() {
    let server = Server::start().await;
    let mut hers = server.browser();
    let page = login_page(&mut hers, "/account").await;
    try_password(&mut hers, &page, "alice", PASSWORD).await.location();
    hers.cookies.remove("bearward");
    let mut stranger = server.browser();
    let page = login_page(&mut stranger, "/account").await;
    for _ in 0..11 {
        try_password(&mut stranger, &page, "alice", "a wrong password").await;
    }
    assert_eq!(try_password(&mut stranger, &page, "alice", PASSWORD).await.status, StatusCode::TOO_MANY_REQUESTS);
    let page = login_page(&mut hers, "/account").await;
    assert_eq!(try_password(&mut hers, &page, "alice", PASSWORD).await.location(), "/account");
}

#[tokio::test]
async fn one_address_does_not_try_every_account() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let page = login_page(&mut browser, "/account").await;
    let mut throttled = None;
    for n in 0..120 {
        if try_password(&mut browser, &page, &format!("person-{n}"), "123456789").await.status == 429 {
            throttled = Some(n);
            break;
        }
    }
    assert_eq!(throttled, Some(100));
}

/// The code that an app shows for the key on the page.
fn code_at(page: &Answer, now: i64) -> String {
    let key = page.body.split("<p class=\"key\"><code>").nth(1).unwrap().split('<').next().unwrap().replace(' ', "");
    let secret = totp_rs::Secret::try_from_base32(key).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    totp.generate(u64::try_from(now).unwrap()).to_string()
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_taken_once() {
    let server = Server::start().await;
    let mut browser = server.browser_of_alice().await;
    let setup = act(&mut browser, "/account", &[("do", "factor-start"), ("old", PASSWORD)]).await;
    assert!(setup.body.contains("<svg role=\"img\"") && setup.body.contains("otpauth://totp/"));
    let (csrf, secret) = (setup.field("csrf"), setup.field("secret"));
    let confirm = |code: String| {
        vec![("csrf", csrf.clone()), ("do", "factor-confirm".into()), ("secret", secret.clone()), ("code", code)]
    };
    let post = async |browser: &mut Browser<'_>, form: Vec<(&str, String)>| {
        browser.post("/account", form.iter().map(|(n, v)| (*n, v.as_str())).collect()).await
    };
    assert_eq!(post(&mut browser, confirm("000000".into())).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let code = code_at(&setup, server.now());
    let codes = post(&mut browser, confirm(code.clone())).await;
    assert_eq!(codes.status, StatusCode::OK, "{}", codes.body);
    let recovery = codes.body.split("<li><code>").nth(1).unwrap().split('<').next().unwrap().to_owned();

    let mut other = server.browser();
    let page = login_page(&mut other, "/account").await;
    let asked = try_password(&mut other, &page, "alice", PASSWORD).await;
    assert!(asked.status == StatusCode::OK && asked.body.contains("Enter your code"), "{}", asked.body);
    assert!(asked.headers.get(SET_COOKIE).is_none(), "no session yet");
    let give = async |browser: &mut Browser<'_>, asked: &Answer, code: &str| {
        let (sealed, half, csrf) = (asked.field("continue"), asked.field("half"), asked.field("csrf"));
        browser.post("/login", vec![("continue", &*sealed), ("half", &half), ("csrf", &csrf), ("code", code)]).await
    };
    // The code that set it up was used by that.
    assert_eq!(give(&mut other, &asked, &code).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    server.clock.advance(30);
    let next = code_at(&setup, server.now());
    assert_eq!(give(&mut other, &asked, &next).await.location(), "/account");
    let session = server.app.store.sessions("person-alice", server.now(), 0).await.unwrap();
    assert!(session.iter().any(|session| session.acr == "mfa"));

    let mut third = server.browser();
    let page = login_page(&mut third, "/account").await;
    let asked = try_password(&mut third, &page, "alice", PASSWORD).await;
    assert_eq!(give(&mut third, &asked, &recovery).await.location(), "/account");
    third.cookies.remove("bearward");
    let page = login_page(&mut third, "/account").await;
    let asked = try_password(&mut third, &page, "alice", PASSWORD).await;
    assert_eq!(give(&mut third, &asked, &recovery).await.status, StatusCode::UNPROCESSABLE_ENTITY, "once");
    // Half a sign-in is good for five minutes.
    server.clock.advance(301);
    let late = give(&mut third, &asked, &code_at(&setup, server.now())).await;
    assert!(late.body.contains("This page had expired"), "{}", late.body);
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let server = Server::start().await;
    let mut one = server.browser_of_alice().await;
    let mut two = server.browser_of_alice().await;
    let page = one.get("/account").await;
    let id = page.field("session");
    let ended = act(&mut one, "/account", &[("do", "end-session"), ("session", &id)]).await;
    assert_eq!(ended.location(), "/account?done=session");
    assert_eq!(two.get("/account").await.status, StatusCode::SEE_OTHER, "the other is signed out");
    let mut three = server.browser_of_alice().await;
    act(&mut one, "/account", &[("do", "end-others")]).await.location();
    assert_eq!(three.get("/account").await.status, StatusCode::SEE_OTHER);
    act(&mut one, "/account", &[("do", "sign-out")]).await.location();
    assert_eq!(one.get("/account").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_new_password_takes_the_old_one() {
    let server = Server::start().await;
    let mut one = server.browser_of_alice().await;
    let mut two = server.browser_of_alice().await;
    for (old, new, again) in
        [("wrong", "a new password", "a new password"), (PASSWORD, "a", "a"), (PASSWORD, "a new password", "x")]
    {
        let fields = [("do", "password"), ("old", old), ("new", new), ("again", again)];
        assert_eq!(act(&mut one, "/account", &fields).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let fields = [("do", "password"), ("old", PASSWORD), ("new", "a new password"), ("again", "a new password")];
    assert_eq!(act(&mut one, "/account", &fields).await.location(), "/account?done=password");
    assert_eq!(one.get("/account").await.status, StatusCode::OK);
    assert_eq!(two.get("/account").await.status, StatusCode::SEE_OTHER, "every other session ends");
    let log = server.app.store.audit(&AuditFilter::default(), i64::MAX, 1).await.unwrap();
    assert_eq!(log[0].action, "person.password.change");
    assert!(log[0].after.is_none() && log[0].before.is_none());
}

#[tokio::test]
async fn withdrawn_access_is_gone_everywhere() {
    let server = Server::start().await;
    let tokens = server.web_tokens().await;
    let mut browser = server.browser_of_alice().await;
    assert!(browser.get("/account").await.body.contains("Client demo-web"));
    act(&mut browser, "/account", &[("do", "withdraw"), ("client", "demo-web")]).await.location();
    let token = tokens["access_token"].as_str().unwrap();
    let seen = server.post("/oauth2/introspect", crate::support::SERVICE, vec![("token", token)]).await;
    assert_eq!(seen.json()["active"], false);
    let pairs = vec![("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    server.token(crate::support::WEB, pairs).await.is_error(400, "invalid_grant");
    assert!(browser.get("/account").await.body.contains("No app has access"));
}

fn authorization(client_id: &str) -> Vec<(&str, &str)> {
    vec![
        ("response_type", "code"),
        ("client_id", client_id),
        ("redirect_uri", CALLBACK),
        ("scope", "orders:read orders:write"),
    ]
}

#[tokio::test]
async fn people_choose_where_they_may_and_are_not_asked_where_they_need_not() {
    let server = Server::start().await;
    let mut picky = client("picky", Some("s"), &[GrantType::AuthorizationCode]);
    picky.options.partial_consent = true;
    server.app.store.create_client(&picky).await.unwrap();
    let mut own = client("own", Some("s"), &[GrantType::AuthorizationCode]);
    own.options.first_party = true;
    server.app.store.create_client(&own).await.unwrap();
    let mut browser = server.browser_of_alice().await;
    assert!(browser.authorize(authorization("own")).await.returned().contains_key("code"), "not asked");
    let asked = browser.authorize(authorization("picky")).await;
    let page = browser.follow(&asked).await;
    let (sealed, csrf) = (page.field("continue"), page.field("csrf"));
    let form = vec![("continue", &*sealed), ("csrf", &csrf), ("decision", "allow")];
    assert_eq!(browser.post("/consent", form.clone()).await.status, StatusCode::FORBIDDEN, "nothing chosen");
    let mut chosen = form;
    chosen.push(("scope orders:read", "1"));
    let code = browser.post("/consent", chosen).await.returned()["code"].clone();
    let pairs = vec![("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", CALLBACK)];
    let tokens = server.token(Some(("picky", "s")), pairs).await;
    assert_eq!(tokens.json()["scope"], "orders:read", "{}", tokens.body);
}

#[tokio::test]
async fn the_console_is_for_administrators() {
    let server = Server::start().await;
    let mut browser = server.browser_of_alice().await;
    for path in ["/admin", "/admin/clients", "/admin/audit.jsonl"] {
        assert_eq!(browser.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(server.get(path).await.status, StatusCode::SEE_OTHER, "{path}: to sign-in");
    }
}

#[tokio::test]
async fn forms_are_taken_from_our_own_pages_only() {
    let server = with_admin().await;
    let mut browser = server.browser_of_alice().await;
    let csrf = browser.get("/admin/clients/demo-web").await.field("csrf");
    let account = browser.get("/account").await.field("csrf");
    let refused = async |browser: &mut Browser<'_>, token: &str, origin: &str| {
        let form = vec![("csrf", token), ("do", "disable")];
        browser.post_with("/admin/clients/demo-web", form, &[("origin", origin)]).await.status
    };
    assert_eq!(refused(&mut browser, &csrf, "https://evil.example").await, StatusCode::FORBIDDEN);
    assert_eq!(refused(&mut browser, "", ISSUER).await, StatusCode::FORBIDDEN);
    assert_eq!(refused(&mut browser, &account, ISSUER).await, StatusCode::FORBIDDEN, "of another page");
    let mut other = server.browser_of_alice().await;
    assert_eq!(refused(&mut other, &csrf, ISSUER).await, StatusCode::FORBIDDEN, "of another session");
    let wrong = browser.post_with("/account", vec![("csrf", &*csrf), ("do", "sign-out")], &[("origin", ISSUER)]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(server.app.store.client("demo-web").await.unwrap().unwrap().disabled_at.is_none());
    assert_eq!(refused(&mut browser, &csrf, ISSUER).await, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_password_of_an_older_scheme_is_hashed_anew_by_signing_in() {
    let server = with_admin().await;
    let account = server.app.store.account("person-alice").await.unwrap().unwrap();
    let weak = argon2::Params::new(64, 1, 1, None).unwrap();
    let weak = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, weak);
    use argon2::PasswordHasher as _;
    let old = weak.hash_password_with_salt(PASSWORD.as_bytes(), b"0123456789abcdef").unwrap().to_string();
    let person = Person { password_hash: old.clone(), ..account.value.person.clone() };
    let account = Account { person, ..account.value };
    let version = server.app.store.account("person-alice").await.unwrap().unwrap().version;
    assert!(server.app.store.edit_account(&account, version, None, &change()).await.unwrap());
    let stored = async || server.app.store.person("person-alice").await.unwrap().unwrap().password_hash;
    let mut browser = server.browser();
    let page = login_page(&mut browser, "/account").await;
    try_password(&mut browser, &page, "alice", "not her password").await;
    assert_eq!(stored().await, old, "whoever does not know it changes nothing");
    try_password(&mut browser, &page, "alice", PASSWORD).await.location();
    let new = stored().await;
    assert!(new.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{new}");
    let mut browser = server.browser();
    let page = login_page(&mut browser, "/account").await;
    try_password(&mut browser, &page, "alice", PASSWORD).await.location();
    assert_eq!(stored().await, new, "once");
}

/// A log that a test reads.
#[derive(Clone, Default)]
pub(crate) struct Written(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl Written {
    /// What this thread logs from now on, while the guard lives.
    pub(crate) fn here() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let json = tracing_subscriber::fmt().json().with_max_level(tracing::Level::TRACE);
        let json = json.with_writer(move || writer.clone()).finish();
        (log, tracing::subscriber::set_default(json))
    }

    /// All of it.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_pages_and_the_audit_log_say_is_in_the_log_too() {
    let (log, _logging) = Written::here();
    let server = with_admin().await;
    let said = |text: &str| {
        let written = log.text();
        let found = written.lines().find(|line| line.contains(text)).map(|line| line.to_owned());
        found.unwrap_or_else(|| panic!("{text}: {written}"))
    };
    let page = server.get("/login").await;
    let reference = page.body.split("class=\"reference\">").nth(1).unwrap().split('<').next().unwrap();
    assert!(reference.len() >= 8 && said(reference).contains("NothingPending"), "{reference}");

    let mut browser = server.browser_of_alice().await;
    // What was not done is no line.
    let stale = act(&mut browser, "/admin/clients/demo-service", &[("do", "delete"), ("version", "999")]).await;
    assert_eq!(stale.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!String::from_utf8(log.0.lock().unwrap().clone()).unwrap().contains("client.delete"));
    act(&mut browser, "/admin/clients/demo-service", &[("do", "disable")]).await.location();
    let line: serde_json::Value = serde_json::from_str(&said("client.disable")).unwrap();
    let fields = &line["fields"];
    assert_eq!((&fields["object"], &fields["actor"]), (&"demo-service".into(), &"person-alice".into()), "{line}");
    assert!(fields["after"].as_str().unwrap().contains("disabled_at"));

    // A token that is looked at is not in it.
    let tokens = server.web_tokens().await;
    for name in ["access_token", "refresh_token"] {
        let token = tokens[name].as_str().unwrap();
        assert!(crate::tokens::pasted(&mut browser, token).await.body.contains(">good<"));
        assert!(!log.text().contains(token.rsplit('.').next().unwrap()), "{name}");
    }
}

#[tokio::test]
async fn sign_in_leads_nowhere_else() {
    let server = Server::start().await;
    let mut browser = server.browser();
    for target in ["https://evil.example", "//evil.example", "/\\evil.example", "/account"] {
        let answer = browser
            .get(&format!("/login?continue={}", crate::support::encode(&[("", target)]).trim_start_matches('=')))
            .await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::BAD_REQUEST, ""), "{target}");
    }
    // A path that looks like another host stays a path here, or is no page at all.
    for path in ["/admin//evil.example", "/admin/..//evil.example"] {
        let to_login = browser.get(path).await;
        if to_login.status == StatusCode::SEE_OTHER {
            let page = browser.follow(&to_login).await;
            let answer = try_password(&mut browser, &page, "alice", PASSWORD).await;
            assert!(answer.location().starts_with("/admin/"), "{}", answer.location());
            browser.cookies.remove("bearward");
        }
    }
}

#[tokio::test]
async fn a_client_is_registered_edited_and_goes() {
    let server = with_admin().await;
    let mut browser = server.browser_of_alice().await;
    let fields = [
        ("client_id", "shop"),
        ("name", "The Shop"),
        ("auth_method", "client_secret"),
        ("grant authorization_code", "1"),
        ("redirect_uris", "https://shop.example/cb\r\nhttps://shop.example/cb2\r\n"),
        ("scope", "orders:read"),
        ("first_party", "1"),
    ];
    let made = act(&mut browser, "/admin/clients/new", &fields).await;
    assert!(made.status == StatusCode::OK && made.body.contains("bw_cs_"), "{}", made.body);
    let page = browser.get("/admin/clients/shop").await;
    assert!(!page.body.contains("bw_cs_") && page.body.contains("https://shop.example/cb2"));
    let version = page.field("version");
    let mut edit = fields.to_vec();
    edit.extend([("do", "save"), ("version", &version)]);
    edit[1] = ("name", "A Shop");
    assert_eq!(act(&mut browser, "/admin/clients/shop", &edit).await.location(), "/admin/clients/shop?done=saved");
    let stale = act(&mut browser, "/admin/clients/shop", &edit).await;
    assert!(stale.body.contains("Somebody else changed this"), "{}", stale.body);
    let bad = act(&mut browser, "/admin/clients/new", &[("auth_method", "client_secret"), ("name", "Kept")]).await;
    assert!(
        bad.status == StatusCode::UNPROCESSABLE_ENTITY && bad.body.contains("value=\"Kept\""),
        "what was typed stays"
    );
    let added =
        act(&mut browser, "/admin/clients/shop", &[("do", "secret-add"), ("label", "two"), ("others", "0")]).await;
    assert!(added.body.contains("bw_cs_") && added.body.contains(">over<"), "{}", added.body);
    let version = browser.get("/admin/clients/shop").await.field("version");
    act(&mut browser, "/admin/clients/shop", &[("do", "delete"), ("version", &version)]).await.location();
    assert_eq!(browser.get("/admin/clients/shop").await.status, StatusCode::NOT_FOUND);
    let log = browser.get("/admin/audit.jsonl?kind=client&object=shop").await;
    assert_eq!(log.body.lines().count(), 4, "{}", log.body);
}

#[tokio::test]
async fn what_goes_on_is_counted() {
    let server = with_admin().await;
    server.service_token().await;
    server.token(Some(("demo-service", "wrong")), vec![("grant_type", "client_credentials")]).await;
    // Two at one address are two, and what they say of themselves is not believed but shown.
    let name = |id: &str| FollowerName { address: "203.0.113.7".to_owned(), id: id.to_owned() };
    server.app.counters.follower(name("0123456789abcdef"), Some("<edge>".to_owned()), server.now() - 100, true);
    server.app.counters.follower(name("fedcba98"), None, server.now(), true);
    server.app.counters.follower(name(""), None, server.now(), false);
    server.app.counters.flush(server.app.store.as_ref(), &server.app.env).await.unwrap();
    let page = server.browser_of_alice().await.get("/admin").await;
    for text in [
        "Tokens issued by hour, 1 in all",
        "denied by hour, 1 in all",
        "203.0.113.7",
        "100 s behind",
        "<strong>3</strong> gateways follow",
        "2 behind",
        "still reading",
        "<code>01234567</code>",
        "&#60;edge&#62;",
    ] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
}
