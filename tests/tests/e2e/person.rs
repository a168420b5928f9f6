//! Alice at a browser.

use crate::oauth::{Oauth, Tokens};
use bearward_tests::browser::Browser;
use bearward_tests::stack::{Stack, local};
use bearward_tests::{demo, echo, ports, wait};
use fantoccini::Locator;
use fantoccini::key::Key;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How she uses it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Hands {
    Mouse,
    Keyboard,
}

/// What came of it.
pub struct Visit {
    pub tokens: Tokens,
    /// Whether she was asked for her consent.
    pub asked: bool,
}

/// The authorization code grant: she signs in, allows what the client asks for, and the client redeems the code.
pub async fn authorize(stack: &Stack, client: &Oauth, scopes: &[&str], hands: Hands) -> Visit {
    let browser = Browser::start().await.unwrap();
    let callback = Callback::start().await;
    let (url, state, verifier) = client.authorize(&callback.url, scopes);
    browser.client.goto(url.as_str()).await.unwrap();
    assert!(matches!(next(&browser, &callback).await, Page::Login));
    sign_in(&browser, hands).await;
    let asked = match next(&browser, &callback).await {
        Page::Consent => {
            press(&browser, "button[value=allow]", hands).await;
            true
        }
        Page::Login => panic!("signing in did not work: {}", browser.client.source().await.unwrap()),
        Page::Back => false,
    };
    let answer = callback.answer().await;
    assert_eq!(answer.get("error"), None, "{:?}", answer.get("error_description"));
    assert_eq!(answer["state"], *state.secret());
    assert_eq!(answer.get("iss").unwrap_or(&stack.url), &stack.url, "RFC 9207 §2");
    let tokens = client.redeem(answer["code"].clone(), &callback.url, verifier).await;
    Visit { tokens, asked }
}

/// Two of a new browser's tabs are at the sign-in page, loaded at once; she signs in in both, and each goes on to its end.
pub async fn in_two_tabs_at_once(client: &Oauth) {
    let browser = Browser::start().await.unwrap();
    let callbacks = [Callback::start().await, Callback::start().await];
    let mut tabs = Vec::new();
    let mut given = Vec::new();
    for callback in &callbacks {
        // Neither request knows what the other's answer sets.
        browser.client.delete_all_cookies().await.unwrap();
        let tab = browser.client.new_window(true).await.unwrap().handle;
        browser.client.switch_to_window(tab.clone()).await.unwrap();
        let (url, ..) = client.authorize(&callback.url, &["orders:read"]);
        browser.client.goto(url.as_str()).await.unwrap();
        browser.client.wait().for_element(Locator::Css("input[name=password]")).await.unwrap();
        given.extend(browser.client.get_all_cookies().await.unwrap());
        tabs.push(tab);
    }
    for cookie in given {
        browser.client.add_cookie(cookie).await.unwrap();
    }
    for tab in tabs {
        browser.client.switch_to_window(tab).await.unwrap();
        let back = || callbacks.iter().filter(|callback| callback.arrived()).count();
        let before = back();
        keys(&browser, demo::USERNAME).await;
        let field = browser.client.find(Locator::Css("input[name=password]")).await.unwrap();
        field.send_keys(demo::PASSWORD).await.unwrap();
        press(&browser, "form button[type=submit]", Hands::Mouse).await;
        wait::until("the way back to the client", Duration::from_secs(15), async || {
            if back() > before {
                return Ok(());
            }
            if let Ok(allow) = browser.client.find(Locator::Css("button[value=allow]")).await {
                allow.click().await.map_err(|error| error.to_string())?;
            }
            Err(browser.client.source().await.unwrap_or_default())
        })
        .await
        .unwrap();
    }
    for callback in callbacks {
        assert!(callback.answer().await.contains_key("code"));
    }
}

async fn sign_in(browser: &Browser, hands: Hands) {
    if hands == Hands::Keyboard {
        // No clicking: the page itself must have put the cursor where typing begins.
        assert_eq!(focused(browser).await, "username");
        keys(browser, demo::USERNAME).await;
        keys(browser, &Key::Tab.to_string()).await;
        assert_eq!(focused(browser).await, "password");
        keys(browser, demo::PASSWORD).await;
        keys(browser, &Key::Enter.to_string()).await;
        return;
    }
    // A wrong password first: she is told so, and not who is known here.
    for password in ["wrong", demo::PASSWORD] {
        let username = browser.client.find(Locator::Css("input[name=username]")).await.unwrap();
        username.clear().await.unwrap();
        username.send_keys(demo::USERNAME).await.unwrap();
        let field = browser.client.find(Locator::Css("input[name=password]")).await.unwrap();
        field.send_keys(password).await.unwrap();
        press(browser, "form button[type=submit]", hands).await;
        // What the page before said of the wrong password is not what the next one says.
        wait::until("the page to go", Duration::from_secs(15), async || match field.tag_name().await {
            Ok(_) => Err("it is there".to_owned()),
            Err(_) => Ok(()),
        })
        .await
        .unwrap();
        if password == "wrong" {
            browser.client.wait().for_element(Locator::Css("[role=alert]")).await.expect("a word about it");
        }
    }
}

/// Clicks a button, or walks to it with the tab key and presses enter.
async fn press(browser: &Browser, button: &str, hands: Hands) {
    if hands == Hands::Mouse {
        return browser.client.find(Locator::Css(button)).await.unwrap().click().await.unwrap();
    }
    let script = "return document.activeElement.matches(arguments[0])";
    for _ in 0..20 {
        if browser.client.execute(script, vec![button.into()]).await.unwrap() == true {
            return keys(browser, &Key::Enter.to_string()).await;
        }
        keys(browser, &Key::Tab.to_string()).await;
    }
    panic!("the tab key does not lead to {button}");
}

async fn keys(browser: &Browser, keys: &str) {
    browser.client.active_element().await.unwrap().send_keys(keys).await.unwrap();
}

async fn focused(browser: &Browser) -> String {
    let name = browser.client.active_element().await.unwrap().attr("name").await.unwrap();
    name.unwrap_or_default()
}

enum Page {
    Login,
    Consent,
    Back,
}

/// Waits for the page after this one.
async fn next(browser: &Browser, callback: &Callback) -> Page {
    wait::until("the next page", Duration::from_secs(15), async || {
        if callback.arrived() {
            return Ok(Page::Back);
        }
        let shown = async |css: &str| browser.client.find(Locator::Css(css)).await.is_ok();
        if shown("button[value=allow]").await {
            return Ok(Page::Consent);
        }
        // After a sign-in that did not work the page has an alert; before it, and while it is sent, it has none.
        if shown("input[name=password]").await && (!callback.visited_login() || shown("#error").await) {
            callback.visit_login();
            return Ok(Page::Login);
        }
        let url = browser.client.current_url().await.map_err(|error| error.to_string())?;
        Err(format!("the browser is at {url}"))
    })
    .await
    .unwrap()
}

/// Where the client waits for her return.
struct Callback {
    url: String,
    state: Arc<Mutex<State>>,
    _server: echo::Server,
}

#[derive(Default)]
struct State {
    answer: Option<HashMap<String, String>>,
    visited_login: bool,
}

impl Callback {
    async fn start() -> Self {
        use axum::extract::Query;
        let state = Arc::new(Mutex::new(State::default()));
        let seen = state.clone();
        let took = async move |Query(query): Query<HashMap<String, String>>| {
            seen.lock().unwrap().answer = Some(query);
            "back at the client"
        };
        let router = axum::Router::new().route("/callback", axum::routing::get(took));
        let server = echo::Server::start(local(ports::free().unwrap()), router).await.unwrap();
        Self { url: format!("http://{}/callback", server.address), state, _server: server }
    }

    fn arrived(&self) -> bool {
        self.state.lock().unwrap().answer.is_some()
    }

    fn visited_login(&self) -> bool {
        self.state.lock().unwrap().visited_login
    }

    fn visit_login(&self) {
        self.state.lock().unwrap().visited_login = true;
    }

    async fn answer(&self) -> HashMap<String, String> {
        wait::until("the browser to come back to the client", Duration::from_secs(15), async || {
            self.state.lock().unwrap().answer.clone().ok_or_else(|| "it has not".to_owned())
        })
        .await
        .unwrap()
    }
}
