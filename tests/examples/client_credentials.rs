//! A service acts for itself: RFC 6749 §4.4, with the `oauth2` crate.

use bearward_tests::sample::{self, Sample, failed};
use bearward_tests::{Result, demo};
use oauth2::basic::BasicClient;
use oauth2::{ClientId, ClientSecret, Scope, TokenResponse as _, TokenUrl};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    sample::run("Client credentials: a service acts for itself (RFC 6749 §4.4)", steps).await
}

async fn steps(sample: &Sample) -> Result<()> {
    let token_url = TokenUrl::new(sample.at("/oauth2/token")).map_err(|error| failed("the token endpoint", &error))?;
    let client = BasicClient::new(ClientId::new(demo::CLIENT_CREDENTIALS.id.to_owned()))
        .set_client_secret(ClientSecret::new(demo::CLIENT_CREDENTIALS.secret.to_owned()))
        .set_token_uri(token_url);

    sample.because("The service proves itself by HTTP Basic and asks for a scope. Nobody else is involved.");
    let tokens = client
        .exchange_client_credentials()
        .add_scope(Scope::new("orders:read".to_owned()))
        .request_async(&|request| sample.send(request))
        .await
        .map_err(|error| failed("the token request", &error))?;

    sample.because("Envoy checks the token by itself. The answer is the request as the service saw it: no token, but who it is for.");
    sample.call("/orders/1", tokens.access_token().secret(), 200).await
}
