//! What a token says, from who issued it: token information, and introspection (RFC 7662).

use bearward_tests::sample::{self, Sample, failed, member};
use bearward_tests::{Result, demo};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    sample::run("Token information: what a token says, asked of who issued it (RFC 7662)", steps).await
}

async fn steps(sample: &Sample) -> Result<()> {
    let client = demo::TOKEN_INFO.basic();

    sample.because("A token to ask about.");
    let tokens = sample.post("/oauth2/token", client, &[("grant_type", "client_credentials")]).await?;
    let token = member(&tokens, "access_token")?;

    sample.because("Token information is for whoever holds the token: the token itself is the proof.");
    let info = sample.post("/oauth2/tokeninfo", None, &[("access_token", token)]).await?;
    if info.get("scope") != tokens.get("scope") {
        return Err(failed("token information", &info));
    }

    sample
        .because("Introspection is for services: they prove who they are, and learn whether the token is still good.");
    let answer = sample.post("/oauth2/introspect", client, &[("token", token)]).await?;
    if answer.get("active") != Some(&true.into()) {
        return Err(failed("introspection", &answer));
    }

    sample.because("Envoy asks neither: it checks the token by itself.");
    sample.call("/orders/1", token, 200).await
}
