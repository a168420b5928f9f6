//! A device without a keyboard: RFC 8628, with the `oauth2` crate.

use bearward_tests::sample::{self, Sample, failed};
use bearward_tests::{Result, demo};
use oauth2::basic::BasicClient;
use oauth2::{
    ClientId, DeviceAuthorizationUrl, Scope, StandardDeviceAuthorizationResponse, TokenResponse as _, TokenUrl,
};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    sample::run("Device: the person agrees on another screen (RFC 8628)", steps).await
}

async fn steps(sample: &Sample) -> Result<()> {
    let url = |error: oauth2::url::ParseError| failed("a URL", &error);
    let client = BasicClient::new(ClientId::new(demo::DEVICE.to_owned()))
        .set_device_authorization_url(
            DeviceAuthorizationUrl::new(sample.at("/oauth2/device_authorization")).map_err(url)?,
        )
        .set_token_uri(TokenUrl::new(sample.at("/oauth2/token")).map_err(url)?);

    sample.because("The device asks for two codes: a long one for itself, and a short one that a person can type.");
    let codes: StandardDeviceAuthorizationResponse = client
        .exchange_device_code()
        .add_scope(Scope::new("orders:read".to_owned()))
        .request_async(&|request| sample.send(request))
        .await
        .map_err(|error| failed("the device authorization request", &error))?;

    sample.because("It shows the short one. The link that has it in it already is for QR codes (§3.3.1).");
    sample.show(&format!("    {} at {}", codes.user_code().secret(), codes.verification_uri().as_str()));
    let complete = codes.verification_uri_complete().ok_or_else(|| failed("the answer", &"it has no complete link"))?;
    let person = sample.verify_device(complete.secret());

    sample.because("Meanwhile the device asks every few seconds, and is told to wait until the person agreed.");
    let polling = async {
        client
            .exchange_device_access_token(&codes)
            .request_async(&|request| sample.send(request), tokio::time::sleep, None)
            .await
            .map_err(|error| failed("polling", &error))
    };
    let (tokens, ()) = tokio::try_join!(polling, person)?;

    sample.because("The device has a token about the person.");
    sample.call("/orders/1", tokens.access_token().secret(), 200).await
}
