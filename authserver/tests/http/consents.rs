//! Consent: only what is new is asked, nothing can be slipped into an answer, and what is registered when it is given counts.

use crate::support::{Answer, Browser, CALLBACK, Server, client};
use bearward::model::GrantType;
use http::StatusCode;

fn asking(client_id: &str, scope: &str, response_type: &str) -> String {
    let pairs =
        [("response_type", response_type), ("client_id", client_id), ("redirect_uri", CALLBACK), ("scope", scope)];
    format!("/oauth2/authorize?{}", crate::support::encode(&pairs))
}

async fn server(partial: bool) -> Server {
    let server = Server::start().await;
    let mut one = client("one", Some("s"), &[GrantType::AuthorizationCode, GrantType::Implicit]);
    one.options.partial_consent = partial;
    server.app.store.create_client(&one).await.unwrap();
    server
}

async fn page(browser: &mut Browser<'_>, scope: &str) -> Answer {
    let asked = browser.get(&asking("one", scope, "code")).await;
    browser.follow(&asked).await
}

async fn allow(browser: &mut Browser<'_>, page: &Answer, ticked: &[&str]) -> Answer {
    let (sealed, csrf) = (page.field("continue"), page.field("csrf"));
    let fields: Vec<_> = ticked.iter().map(|scope| format!("scope {scope}")).collect();
    let mut form = vec![("continue", sealed.as_str()), ("csrf", &csrf), ("decision", "allow")];
    form.extend(fields.iter().map(|field| (field.as_str(), "1")));
    browser.post("/consent", form).await
}

async fn granted(server: &Server, answer: &Answer) -> String {
    let code = answer.returned()["code"].clone();
    let pairs = vec![("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", CALLBACK)];
    server.token(Some(("one", "s")), pairs).await.json()["scope"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn only_what_is_new_is_asked() {
    for partial in [false, true] {
        let server = server(partial).await;
        let mut browser = server.browser_of_alice().await;
        let first = page(&mut browser, "orders:read").await;
        assert!(!first.body.contains("You allowed before"));
        let answer = allow(&mut browser, &first, &["orders:read"]).await;
        assert_eq!(granted(&server, &answer).await, "orders:read");
        // Known: no question at all.
        assert!(browser.get(&asking("one", "orders:read", "code")).await.returned().contains_key("code"));
        let more = page(&mut browser, "orders:read orders:write").await;
        let (asked, before) = more.body.split_once("You allowed before").unwrap();
        let title = |scope: &str| format!("<strong>{scope}</strong>");
        let words = server.app.store.scopes().await.unwrap();
        let word = |name: &str| words.iter().find(|scope| scope.name == name).unwrap().title.clone();
        assert!(asked.contains(&title(&word("orders:write"))) && !asked.contains(&title(&word("orders:read"))));
        assert!(before.contains(&word("orders:read")));
        let answer = allow(&mut browser, &more, &["orders:write"]).await;
        assert_eq!(granted(&server, &answer).await, "orders:read orders:write", "{partial}");
        // Asked to ask, it asks for everything.
        let again = browser.get(&format!("{}&prompt=consent", asking("one", "orders:read", "code"))).await;
        let again = browser.follow(&again).await;
        assert!(again.body.contains(&title(&word("orders:read"))) && !again.body.contains("You allowed before"));
    }
}

#[tokio::test]
async fn nothing_is_slipped_into_an_answer() {
    let server = server(true).await;
    let mut browser = server.browser_of_alice().await;
    let few = page(&mut browser, "orders:read").await;
    let many = page(&mut browser, "orders:read orders:write").await;
    // A scope that was not asked for, one of another request, one that is none.
    let answer = allow(&mut browser, &few, &["orders:read", "orders:write", "admin", "a b"]).await;
    assert_eq!(granted(&server, &answer).await, "orders:read");
    // The token of one form does not fit the request of another.
    let mixed = [("continue", few.field("continue")), ("csrf", many.field("csrf")), ("decision", "allow".into())];
    let form = mixed.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(browser.post("/consent", form).await.status, StatusCode::FORBIDDEN);
    // Sent twice, it is two grants of the same, each with a code of its own that works once.
    let (once, twice) =
        (allow(&mut browser, &many, &["orders:write"]).await, allow(&mut browser, &many, &["orders:write"]).await);
    assert_ne!(once.returned()["code"], twice.returned()["code"]);
}

#[tokio::test]
async fn what_is_registered_when_it_is_given_counts() {
    let server = server(false).await;
    let mut browser = server.browser_of_alice().await;
    let code = page(&mut browser, "orders:read orders:write").await;
    let implicit = browser.get(&asking("one", "orders:read orders:write", "token")).await;
    let implicit = browser.follow(&implicit).await;
    let edit = async |change: &dyn Fn(&mut bearward::model::Client)| {
        let store = &server.app.store;
        let read = store.versioned_client("one").await.unwrap().unwrap();
        let mut edited = read.value;
        change(&mut edited);
        assert!(store.edit_client(&edited, read.version, None, &crate::people::change()).await.unwrap());
        // What was read of it before is old now.
        server.clock.advance(1);
    };
    edit(&|one| one.scopes = bearward_token::scope::ScopeSet::parse("orders:read").unwrap()).await;
    let answer = allow(&mut browser, &implicit, &[]).await.location();
    assert!(answer.contains("scope=orders%3Aread&") || answer.ends_with("scope=orders%3Aread"), "{answer}");
    let consent = server.app.store.consent("person-alice", "one").await.unwrap();
    assert_eq!(consent.to_string(), "orders:read", "what it may not have is not agreed to");
    edit(&|one| one.grant_types = vec![GrantType::AuthorizationCode]).await;
    let answer = allow(&mut browser, &implicit, &[]).await.location();
    assert!(answer.contains("error=unauthorized_client") && !answer.contains("access_token"), "{answer}");
    edit(&|one| one.scopes = bearward_token::scope::ScopeSet::parse("other").unwrap()).await;
    assert_eq!(allow(&mut browser, &code, &[]).await.returned()["error"], "invalid_scope");
    edit(&|one| one.redirect_uris = vec!["https://elsewhere.example/".to_owned()]).await;
    assert_eq!(allow(&mut browser, &code, &[]).await.status, StatusCode::BAD_REQUEST);
    edit(&|one| one.disabled_at = Some(1)).await;
    let shown = allow(&mut browser, &code, &[]).await;
    assert!(shown.status == StatusCode::BAD_REQUEST && shown.body.contains("class=\"reference\""));
}
