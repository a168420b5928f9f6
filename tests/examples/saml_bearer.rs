//! An assertion of a company's own identity provider for a token: RFC 7522. Here the provider is this program, with the
//! key whose certificate the demo trusts.

use bearward_tests::idp::saml;
use bearward_tests::sample::{self, Sample, member};
use bearward_tests::{Result, demo};
use std::process::ExitCode;
use std::time::SystemTime;

#[tokio::main]
async fn main() -> ExitCode {
    sample::run("SAML bearer: an identity provider's assertion for a token (RFC 7522)", steps).await
}

async fn steps(sample: &Sample) -> Result<()> {
    sample.because("What the identity provider says: who, for whom, until when. It is signed, and good for one use.");
    let assertion = saml::assertion(&sample.gateway, demo::USERNAME, SystemTime::now())?;
    sample.show(&saml::indented(&assertion));

    sample.because(
        "The client sends it in base64url. The server trusts the key it was told to, never the one in the message.",
    );
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:saml2-bearer"),
        ("assertion", &saml::encoded(&assertion)),
        ("scope", "orders:read"),
    ];
    let tokens = sample.post("/oauth2/token", demo::SAML_BEARER.basic(), &form).await?;

    sample.because("The token is about the person whom the assertion names.");
    sample.call("/orders/1", member(&tokens, "access_token")?, 200).await
}
