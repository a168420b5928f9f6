//! An assertion of a company's own identity provider for a token: RFC 7523. Here the provider is this program, with the
//! key whose certificate the demo trusts.

use bearward_tests::sample::{self, Sample, member};
use bearward_tests::{Result, demo, idp};
use std::process::ExitCode;
use std::time::SystemTime;

#[tokio::main]
async fn main() -> ExitCode {
    sample::run("JWT bearer: an identity provider's assertion for a token (RFC 7523 §2.1)", steps).await
}

async fn steps(sample: &Sample) -> Result<()> {
    sample.because("The identity provider signs who, for whom, until when, with a jti that is good for one use.");
    let assertion = idp::jwt(&sample.gateway, demo::USERNAME, SystemTime::now())?;

    sample.because("The client sends it. The server trusts the issuer's key because an operator said so.");
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("assertion", assertion.as_str()),
        ("scope", "orders:read"),
    ];
    let tokens = sample.post("/oauth2/token", demo::JWT_BEARER.basic(), &form).await?;

    sample.because("The token is about the person whom the assertion names.");
    sample.call("/orders/1", member(&tokens, "access_token")?, 200).await
}
