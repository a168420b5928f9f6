//! A new access token without the person: RFC 6749 §6, with rotation (RFC 9700 §4.14.2), with the `oauth2` crate.

use bearward_tests::sample::{self, Callback, Sample, failed, of};
use bearward_tests::{Result, demo};
use oauth2::basic::{BasicClient, BasicTokenResponse};
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, PkceCodeChallenge, RedirectUrl, RefreshToken, Scope,
    TokenResponse as _, TokenUrl,
};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    sample::run("Refresh: new access tokens while the person is away (RFC 6749 §6)", steps).await
}

async fn steps(sample: &Sample) -> Result<()> {
    let callback = Callback::start().await?;
    let url = |error: oauth2::url::ParseError| failed("a URL", &error);
    let client = BasicClient::new(ClientId::new(demo::REFRESH.id.to_owned()))
        .set_client_secret(ClientSecret::new(demo::REFRESH.secret.to_owned()))
        .set_auth_uri(AuthUrl::new(sample.at("/oauth2/authorize")).map_err(url)?)
        .set_token_uri(TokenUrl::new(sample.at("/oauth2/token")).map_err(url)?)
        .set_redirect_uri(RedirectUrl::new(callback.url.clone()).map_err(url)?);

    sample.because("First the person has to agree; the sample authorization_code says more about that.");
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let scopes = ["orders:read", "orders:write"].map(|scope| Scope::new(scope.to_owned()));
    let (link, _) = client.authorize_url(CsrfToken::new_random).add_scopes(scopes).set_pkce_challenge(challenge).url();
    let answer = sample.authorize(link.as_str(), &callback).await?;
    let first = client
        .exchange_code(AuthorizationCode::new(of(&answer, "code")?.to_owned()))
        .set_pkce_verifier(verifier)
        .request_async(&|request| sample.send(request))
        .await
        .map_err(|error| failed("redeeming the code", &error))?;
    let first = refresh_token(&first)?;

    sample.because(
        "The refresh token gives a new access token, with less scope if that is enough, and a new refresh token.",
    );
    let second = client
        .exchange_refresh_token(&first)
        .add_scope(Scope::new("orders:read".to_owned()))
        .request_async(&|request| sample.send(request))
        .await
        .map_err(|error| failed("refreshing", &error))?;
    if refresh_token(&second)?.secret() == first.secret() {
        return Err(failed("refreshing", &"the refresh token was not rotated"));
    }

    sample.because("The new access token works.");
    sample.call("/orders/1", second.access_token().secret(), 200).await
}

fn refresh_token(tokens: &BasicTokenResponse) -> Result<RefreshToken> {
    tokens.refresh_token().cloned().ok_or_else(|| failed("the token response", &"it has no refresh token"))
}
