//! The resource owner password grant, RFC 6749 §4.3: kept for old applications, off unless a client is registered for
//! it. RFC 9700 §2.4 says why not to use it: the application sees the password.

use bearward_tests::sample::{self, Sample, failed};
use bearward_tests::{Result, demo};
use oauth2::basic::BasicClient;
use oauth2::{
    ClientId, ClientSecret, ResourceOwnerPassword, ResourceOwnerUsername, Scope, TokenResponse as _, TokenUrl,
};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    sample::run("Password: the application sends what the person typed (RFC 6749 §4.3)", steps).await
}

async fn steps(sample: &Sample) -> Result<()> {
    let token_url = TokenUrl::new(sample.at("/oauth2/token")).map_err(|error| failed("the token endpoint", &error))?;
    let client = BasicClient::new(ClientId::new(demo::PASSWORD_GRANT.id.to_owned()))
        .set_client_secret(ClientSecret::new(demo::PASSWORD_GRANT.secret.to_owned()))
        .set_token_uri(token_url);

    sample.because("Username and password in one request. Guesses are limited, and a wrong password answers as an unknown person does.");
    let username = ResourceOwnerUsername::new(demo::USERNAME.to_owned());
    let tokens = client
        .exchange_password(&username, &ResourceOwnerPassword::new(demo::PASSWORD.to_owned()))
        .add_scope(Scope::new("orders:read".to_owned()))
        .request_async(&|request| sample.send(request))
        .await
        .map_err(|error| failed("the token request", &error))?;

    sample.because("The token is about the person.");
    sample.call("/orders/1", tokens.access_token().secret(), 200).await
}
