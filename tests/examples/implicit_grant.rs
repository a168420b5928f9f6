//! The implicit grant, RFC 6749 §4.2: kept for old applications, off unless a client is registered for it. RFC 9700
//! §2.1.2 says why not to use it: the token is in the browser's address bar.

use bearward_tests::sample::{self, Callback, Sample, failed, of};
use bearward_tests::{Result, demo};
use std::process::ExitCode;
use url::Url;

#[tokio::main]
async fn main() -> ExitCode {
    sample::run("Implicit: the token comes back in the browser's address (RFC 6749 §4.2)", steps).await
}

async fn steps(sample: &Sample) -> Result<()> {
    let callback = Callback::start().await?;
    let state = "a-value-that-nobody-can-guess-in-real-life";
    let parameters = [
        ("response_type", "token"),
        ("client_id", demo::IMPLICIT),
        ("redirect_uri", callback.url.as_str()),
        ("scope", "orders:read"),
        ("state", state),
    ];
    let link =
        Url::parse_with_params(&sample.at("/oauth2/authorize"), parameters).map_err(|error| failed("a URL", &error))?;

    sample.because("The person's browser asks for a token itself; there is no request from client to server that could prove anything.");
    let answer = sample.authorize(link.as_str(), &callback).await?;

    sample.because(
        "The token is in the fragment, which a script of the client read. No refresh token, and scope is always said.",
    );
    if of(&answer, "state")? != state || of(&answer, "scope")? != "orders:read" || answer.contains_key("refresh_token")
    {
        return Err(failed("the authorization response", &"it is not what was asked for"));
    }
    sample.call("/orders/1", of(&answer, "access_token")?, 200).await
}
