//! The console's page about initial access tokens: made, shown once, used and taken away.

use crate::people::{act, promote, with_admin};
use crate::support::{Answer, Server};
use http::{Request, StatusCode};
use serde_json::json;

const PATH: &str = "/admin/registration";
const USUAL: [(&str, &str); 5] =
    [("do", "make"), ("note", "Partner <A>"), ("scope", "orders:read"), ("uses", "2"), ("days", "7")];

async fn register(server: &Server, token: &str) -> Answer {
    let metadata = json!({ "redirect_uris": ["https://partner.example/cb"], "scope": "orders:read" });
    let request = Request::post("/oauth2/register").header("content-type", "application/json");
    let request = request.header("authorization", format!("Bearer {token}"));
    server.send(request.body(metadata.to_string().into()).unwrap()).await
}

fn shown(page: &Answer) -> Option<&str> {
    let token = page.body.split("shown this once").nth(1)?.split("<code>").nth(1)?;
    token.split('<').next()
}

#[tokio::test]
async fn a_token_is_made_shown_once_and_taken_away() {
    let server = Server::with(|config| config.registration.enabled = true).await;
    promote(&server).await;
    let mut browser = server.browser_of_alice().await;
    let overview = browser.get("/admin").await;
    assert!(overview.body.contains("href=\"/admin/registration\""), "it is found from every page");
    assert!(browser.get(PATH).await.body.contains("There are no tokens"));
    let made = act(&mut browser, PATH, &USUAL).await;
    assert_eq!((made.status, made.header("cache-control")), (StatusCode::OK, "no-store"));
    let token = shown(&made).unwrap().to_owned();
    assert!(token.starts_with("bw_it_") && made.body.contains("Partner &#60;A&#62;"), "{}", made.body);
    assert_eq!(register(&server, &token).await.status, StatusCode::CREATED);
    let list = browser.get(PATH).await;
    assert!(!list.body.contains(&token) && shown(&list).is_none());
    assert!(list.body.contains("<td>1</td>") && list.body.contains("<td>orders:read</td>"), "{}", list.body);
    assert!(list.body.contains("/oauth2/register</code>") && !list.body.contains("Registration is off"));

    // What is in the log tells nobody the token.
    let log = browser.get("/admin/audit.jsonl?kind=registration_token").await;
    assert!(log.body.contains("registration_token.create") && !log.body.contains(&token), "{}", log.body);

    let id = list.field("id");
    let revoked = act(&mut browser, PATH, &[("do", "revoke"), ("id", &id)]).await;
    assert_eq!(revoked.location(), "/admin/registration?done=registration-revoked");
    assert!(browser.follow(&revoked).await.body.contains("registers nobody any more"));
    assert_eq!(register(&server, &token).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(act(&mut browser, PATH, &[("do", "revoke"), ("id", &id)]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_wrong_is_said_at_its_field_and_nothing_is_made_twice() {
    let server = with_admin().await;
    let mut browser = server.browser_of_alice().await;
    for (field, value) in [
        ("scope", "nothing:known"),
        ("scope", "a\"b"),
        ("uses", "0"),
        ("uses", "-1"),
        ("uses", "many"),
        ("days", "0"),
        ("days", ""),
        ("days", "4000"),
        ("days", "9223372036854775807"),
    ] {
        let typed: Vec<_> = USUAL.into_iter().filter(|(name, _)| *name != field).chain([(field, value)]).collect();
        let page = act(&mut browser, PATH, &typed).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{field} {value}");
        assert!(page.body.contains(&format!("id=\"{field}-wrong\"")), "{field} {value}: {}", page.body);
        assert!(page.body.contains("value=\"Partner &#60;A&#62;\"") && shown(&page).is_none(), "{}", page.body);
    }
    let page = browser.get(PATH).await;
    assert!(page.body.contains("Registration is off") && page.body.contains("There are no tokens"));
    let (csrf, once) = (page.field("csrf"), page.field("once"));
    let form = || [&[("csrf", csrf.as_str()), ("once", once.as_str())][..], &USUAL].concat();
    assert!(shown(&browser.post(PATH, form()).await).is_some());
    // The page that shows it is loaded again.
    assert_eq!(browser.post(PATH, form()).await.location(), "/admin/registration?done=twice");
    assert_eq!(server.admin().registration_tokens().await.unwrap().len(), 1);
    assert_eq!(act(&mut browser, PATH, &[("do", "else")]).await.status, StatusCode::NOT_FOUND);
}
