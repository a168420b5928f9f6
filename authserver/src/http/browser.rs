//! The browser that a page is for. It gets a random name by a cookie, and forms are bound to that name (see `csrf`). Of two
//! pages that a new browser loads at once each brings a name: they are cookies of their own, and either goes on being good,
//! so that no tab takes away what another was given.

use super::{App, cookies, csrf};
use crate::pages::Trouble;
use crate::secret;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::Method;
use std::sync::Arc;

/// The most names that are looked at: each is a computation for a form.
const MOST: usize = 16;

/// A browser's names: the one that new forms are bound to, and those of pages that were loaded at the same moment.
#[derive(Debug, Clone)]
pub(super) struct Browser {
    name: String,
    others: Vec<String>,
}

impl Browser {
    /// What a new form is bound to.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What a form may be bound to that came back.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.others.iter().map(String::as_str))
    }
}

/// Around every page with forms: takes none that another site posts, and gives a browser without a name one.
pub(super) async fn known(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    if request.method() == Method::POST && !csrf::same_origin(&app, request.headers()) {
        return Trouble::Foreign.page(&app);
    }
    let mut names = cookies::browser_names(&app, request.headers()).take(MOST);
    let named = names.next().map(|name| Browser { name, others: names.collect() });
    let new = named.is_none();
    let new_name = || Browser { name: secret::random_id(app.env.random.as_ref()), others: Vec::new() };
    let browser = named.unwrap_or_else(new_name);
    request.extensions_mut().insert(browser.clone());
    let mut response = next.run(request).await;
    if new {
        cookies::set_browser(&app, response.headers_mut(), browser.name());
    }
    response
}
