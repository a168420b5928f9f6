//! Names as long as they may be, of one word, widen no page on a phone.

use bearward_tests::artifacts::{self, Profile};
use bearward_tests::authserver::Alone;
use bearward_tests::browser::Browser;
use bearward_tests::demo;
use bearward_tests::tour::{open, press, sign_in};
use serde_json::json;

/// How wide the page is, and if it is too wide, what makes it so; what is in a table may be scrolled to.
const WIDE: &str = "
    const width = document.documentElement.scrollWidth;
    const out = e => e.getBoundingClientRect().right > 391 && !e.closest('.table');
    const found = [...document.querySelectorAll('body *')].filter(out).map(e => e.tagName + ' ' + e.textContent.slice(0, 40));
    return [width, width > 390 ? found.slice(0, 8) : []];
";

/// At once: a driver that types takes its time over each letter.
async fn fill(browser: &Browser, fields: &[(&str, &str)]) {
    for (id, text) in fields {
        let put = "document.getElementById(arguments[0]).value = arguments[1]";
        browser.client.execute(put, vec![json!(id), json!(text)]).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn long_names_fit_on_a_phone() {
    let server = Alone::start(artifacts::authserver(Profile::Dev).unwrap()).await.unwrap();
    let browser = Browser::start().await.unwrap();
    let size = json!({ "width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true });
    browser.devtools("Emulation.setDeviceMetricsOverride", size).await.unwrap();
    // Or a click lands where the page is still scrolling to.
    let still = json!({ "features": [{ "name": "prefers-reduced-motion", "value": "reduce" }] });
    browser.devtools("Emulation.setEmulatedMedia", still).await.unwrap();
    let (id, name, word) = ("i".repeat(128), "W".repeat(200), "M".repeat(100));
    let admin = format!("{}/admin", server.url);
    open(&browser, &format!("{admin}/scopes")).await.unwrap();
    sign_in(&browser, demo::ADMIN, demo::ADMIN_PASSWORD).await.unwrap();
    fill(&browser, &[("name", &word), ("title", &word), ("description", &word)]).await;
    press(&browser, "form.panel button").await.unwrap();
    open(&browser, &format!("{admin}/clients/new")).await.unwrap();
    let redirect = format!("http://127.0.0.1:8400/{word}");
    fill(&browser, &[("client_id", &id), ("name", &name), ("redirect_uris", &redirect), ("scope", &word)]).await;
    press(&browser, "button.primary[value=save]").await.unwrap();
    open(&browser, &format!("{admin}/people")).await.unwrap();
    let username = "Q".repeat(128);
    fill(&browser, &[("username", &username), ("password", "a good pass phrase")]).await;
    press(&browser, "form.panel button").await.unwrap();
    let person = browser.client.current_url().await.unwrap().to_string();

    let mut wide = Vec::new();
    let mut look = async |what: &str| {
        let found = browser.client.execute(WIDE, vec![]).await.unwrap();
        if found != json!([390, []]) {
            wide.push(format!("{what}: {found}"));
        }
    };
    look("the person").await;
    for path in ["/scopes", "/clients", "/people", "/audit", "/"] {
        open(&browser, &format!("{admin}{path}")).await.unwrap();
        look(path).await;
    }
    for path in [format!("/scopes/{word}"), format!("/clients/{id}")] {
        open(&browser, &format!("{admin}{path}")).await.unwrap();
        look(path.split('/').nth(1).unwrap()).await;
    }
    browser.client.delete_all_cookies().await.unwrap();
    let query = format!(
        "response_type=code&client_id={id}&redirect_uri={redirect}&scope={word}\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
    );
    open(&browser, &format!("{}/oauth2/authorize?{query}", server.url)).await.unwrap();
    look("sign-in").await;
    sign_in(&browser, &username, "a good pass phrase").await.unwrap();
    look("consent").await;
    press(&browser, "button[value=allow]").await.unwrap();
    open(&browser, &format!("{}/account", server.url)).await.unwrap();
    look("the account").await;
    browser.client.delete_all_cookies().await.unwrap();
    open(&browser, &format!("{admin}/grants")).await.unwrap();
    sign_in(&browser, demo::ADMIN, demo::ADMIN_PASSWORD).await.unwrap();
    look("grants").await;
    open(&browser, &person).await.unwrap();
    look("the person with a grant").await;
    assert!(wide.is_empty(), "{}", wide.join("\n"));
}
