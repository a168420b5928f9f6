//! A person lets an application act for them: RFC 6749 §4.1 with PKCE (RFC 7636), with the `oauth2` crate.

use bearward_tests::sample::{self, Callback, Sample, failed, of};
use bearward_tests::{Result, demo};
use oauth2::basic::BasicClient;
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, PkceCodeChallenge, RedirectUrl, Scope,
    TokenResponse as _, TokenUrl,
};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    sample::run("Authorization code: a person lets an application act for them (RFC 6749 §4.1, RFC 7636)", steps).await
}

async fn steps(sample: &Sample) -> Result<()> {
    let callback = Callback::start().await?;
    let url = |error: oauth2::url::ParseError| failed("a URL", &error);
    let client = BasicClient::new(ClientId::new(demo::AUTHORIZATION_CODE.id.to_owned()))
        .set_client_secret(ClientSecret::new(demo::AUTHORIZATION_CODE.secret.to_owned()))
        .set_auth_uri(AuthUrl::new(sample.at("/oauth2/authorize")).map_err(url)?)
        .set_token_uri(TokenUrl::new(sample.at("/oauth2/token")).map_err(url)?)
        .set_redirect_uri(RedirectUrl::new(callback.url.clone()).map_err(url)?);

    sample.because(
        "The person's browser goes to the authorization server with the hash of a secret that stays here (PKCE).",
    );
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (link, state) = client
        .authorize_url(CsrfToken::new_random)
        .add_scope(Scope::new("orders:read".to_owned()))
        .set_pkce_challenge(challenge)
        .url();
    let answer = sample.authorize(link.as_str(), &callback).await?;

    sample.because("Back with a code. It counts only if state is ours, and iss is whom we asked (RFC 9207).");
    if of(&answer, "state")? != state.secret() || of(&answer, "iss")? != sample.gateway {
        return Err(failed("the authorization response", &"it is an answer to somebody else"));
    }

    sample.because("The code, the secret behind the hash and the client's own secret: together they give tokens.");
    let tokens = client
        .exchange_code(AuthorizationCode::new(of(&answer, "code")?.to_owned()))
        .set_pkce_verifier(verifier)
        .request_async(&|request| sample.send(request))
        .await
        .map_err(|error| failed("redeeming the code", &error))?;

    sample
        .because("Envoy lets the token's bearer through. x-auth-subject is the person, x-auth-client the application.");
    sample.call("/orders/1", tokens.access_token().secret(), 200).await
}
