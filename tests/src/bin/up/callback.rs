//! Where the demo client's people come back to: says what a client would now do, as a command to paste.

use crate::{Args, guide};
use axum::Router;
use axum::extract::Query;
use axum::routing::get;
use bearward_tests::demo;
use serde::Deserialize;

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    code: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

/// Plain text, so whatever the query holds is shown and never run.
pub(crate) fn router(args: &Args) -> Router {
    let (url, port) = (args.url(), args.callback_port);
    Router::new().route("/callback", get(async move |Query(answer): Query<Answer>| page(&answer, &url, port)))
}

fn page(answer: &Answer, url: &str, port: u16) -> String {
    if !answer.error.is_empty() {
        return format!("The authserver says no: {}\n{}\n", answer.error, answer.error_description);
    }
    let code: String = answer.code.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.~".contains(*c)).collect();
    format!(
        "You are back at the client, with a code that is good for a minute. Paste this:\n\n\
         curl -s {url}/oauth2/token -d grant_type=authorization_code -d client_id={} -d code_verifier={} \\\n    \
         -d redirect_uri=http://127.0.0.1:{port}/callback -d code={code}\n",
        demo::SPA,
        guide::VERIFIER,
    )
}
