//! `POST /oauth2/device_authorization`, RFC 8628 §3.1 and §3.2.

use super::address::Address;
use super::error::{Refusal, no_store_json};
use super::params::{Form, Params};
use super::{App, Route, answer, throttle};
use crate::client_auth;
use crate::grants::{GrantError, claims, details, resource, scope, seconds};
use crate::model::{DeviceCode, Digest, GrantDetails, GrantType};
use crate::secret;
use crate::storage::StoreError;
use crate::user_code::UserCode;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use std::sync::Arc;

/// How often another code is made when the first is taken. With a million that wait, one in 25,000 is.
const TRIES: usize = 4;

#[derive(Serialize)]
struct Answer<'a> {
    device_code: &'a str,
    user_code: &'a str,
    verification_uri: &'a str,
    verification_uri_complete: &'a str,
    expires_in: i64,
    interval: i64,
}

pub(super) async fn post(
    State(app): State<Arc<App>>,
    address: Address,
    headers: HeaderMap,
    Form(params): Form,
) -> Response {
    let response = start(&app, address, &headers, &params).await.unwrap_or_else(|refusal| refusal.into_response());
    answer::any_origin(response)
}

async fn start(app: &App, address: Address, headers: &HeaderMap, params: &Params) -> Result<Response, Refusal> {
    let client = client_auth::authenticate(app, headers, params).await?;
    if !client.grant_types.contains(&GrantType::DeviceCode) {
        return Err(GrantError::UnauthorizedClient.into());
    }
    let scope = scope::for_client(&client, scope::asked(params)?.as_ref())?;
    let details = GrantDetails {
        resources: resource::asked(app, &client, params)?,
        authorization_details: details::asked(app, &client, params).await?,
        claims: claims::of_grant(&client, GrantType::DeviceCode, params, claims::proves_itself(&client))
            .map_err(GrantError::from)?,
        ..GrantDetails::default()
    };
    throttle::stored_request(app, &client, address).await?;
    let (random, config) = (app.env.random.as_ref(), &app.config.device);
    let device_code = secret::generate(random, secret::DEVICE_CODE);
    let lifetime = seconds(config.code_lifetime);
    let mut device = DeviceCode {
        code: Digest::of(&device_code),
        user_code: Digest([0; 32]),
        client_id: client.id.clone(),
        scope,
        details,
        interval: seconds(config.interval),
        expires_at: app.env.now().saturating_add(lifetime),
        decided: false,
    };
    for _ in 0..TRIES {
        let user_code = UserCode::generate(random);
        device.user_code = user_code.digest();
        match app.store.create_device_code(&device).await {
            Ok(()) => {
                let (shown, uri) = (user_code.shown(), app.urls.absolute(Route::Device));
                let answer = Answer {
                    device_code: &device_code,
                    user_code: &shown,
                    verification_uri: &uri,
                    verification_uri_complete: &format!("{uri}?user_code={shown}"),
                    expires_in: lifetime,
                    interval: device.interval,
                };
                return Ok(no_store_json(StatusCode::OK, &answer));
            }
            Err(StoreError::Exists(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::server_error())
}
