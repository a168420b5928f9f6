//! One token for another: RFC 8693. A service that was called with a person's token calls the next one for them, with
//! less scope, and says that it is the one who acts. Rust has no library for it yet; it is one request.

use bearward_tests::sample::{self, Sample, failed, member};
use bearward_tests::{Result, demo};
use std::process::ExitCode;

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

#[tokio::main]
async fn main() -> ExitCode {
    sample::run("Token exchange: a service acts on behalf of whoever called it (RFC 8693)", steps).await
}

async fn steps(sample: &Sample) -> Result<()> {
    sample.because(
        "The token that the service was called with: here the password grant's, so that no browser is needed.",
    );
    let person = [
        ("grant_type", "password"),
        ("username", demo::USERNAME),
        ("password", demo::PASSWORD),
        ("scope", "orders:read orders:write"),
    ];
    let called_with = sample.post("/oauth2/token", demo::PASSWORD_GRANT.basic(), &person).await?;

    sample.because("The service's own token: it will be the actor.");
    let own = [("grant_type", "client_credentials")];
    let own = sample.post("/oauth2/token", demo::TOKEN_EXCHANGE.basic(), &own).await?;

    sample
        .because("Both for one: the person stays the subject, the service is the actor (act), the scope only shrinks.");
    let exchange = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", member(&called_with, "access_token")?),
        ("subject_token_type", ACCESS_TOKEN),
        ("actor_token", member(&own, "access_token")?),
        ("actor_token_type", ACCESS_TOKEN),
        ("scope", "orders:read"),
    ];
    let tokens = sample.post("/oauth2/token", demo::TOKEN_EXCHANGE.basic(), &exchange).await?;
    if member(&tokens, "issued_token_type")? != ACCESS_TOKEN || member(&tokens, "scope")? != "orders:read" {
        return Err(failed("the exchange", &tokens));
    }

    sample.because("x-auth-subject is still the person.");
    sample.call("/orders/1", member(&tokens, "access_token")?, 200).await
}
