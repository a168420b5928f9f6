//! Taking a token back: RFC 7009. The `oauth2` crate revokes over TLS alone, which `make up` has not; so this is plain
//! HTTP, as any library would send it.

use bearward_tests::sample::{self, Sample, failed, member};
use bearward_tests::{Result, demo};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    sample::run("Revocation: a token stops working, at every gateway, at once (RFC 7009)", steps).await
}

async fn steps(sample: &Sample) -> Result<()> {
    let client = demo::REVOKE.basic();

    sample.because("A token to take back.");
    let tokens = sample.post("/oauth2/token", client, &[("grant_type", "client_credentials")]).await?;
    let token = member(&tokens, "access_token")?;

    sample.because("It opens the route.");
    sample.call("/orders/1", token, 200).await?;

    sample.because(
        "The client it was issued to takes it back. 200 without a body, also for a token that never was one (§2.2).",
    );
    sample.post("/oauth2/revoke", client, &[("token", token), ("token_type_hint", "access_token")]).await?;

    sample.because(
        "Within a fraction of a second every Envoy knows. The same call is refused, though the token has not expired.",
    );
    sample
        .until("the revocation to arrive", async || match sample.call("/orders/1", token, 401).await {
            Ok(()) => Ok(()),
            Err(error) => Err(error.to_string()),
        })
        .await?;

    sample.because("Introspection says the same, and no more (RFC 7662 §2.2).");
    let answer = sample.post("/oauth2/introspect", client, &[("token", token)]).await?;
    if answer.get("active") == Some(&false.into()) { Ok(()) } else { Err(failed("introspection", &answer)) }
}
