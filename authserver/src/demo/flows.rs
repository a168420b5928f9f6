//! One client for each flow, `demo-<flow>`, as the samples use them (`tests/examples`), and the identity provider whose
//! assertions two of them bring.

use crate::env::Env;
use crate::model::{
    AssertionKind, Client, ClientAuthMethod, ClientOptions, Digest, ExchangePolicy, GrantType, IssuerSettings, Keys,
    TrustedIssuer, Versioned,
};
use crate::storage::{Store, StoreError};
use bearward_token::scope::ScopeSet;

/// Id, name, grants; the secret of a confidential one is its id with `-secret`.
const FLOWS: [(&str, &str, bool, &[GrantType]); 11] = [
    ("demo-authorization-code", "Demo Calendar", true, &[GrantType::AuthorizationCode]),
    ("demo-implicit", "Demo Page of Old", false, &[GrantType::Implicit]),
    ("demo-password", "Demo App of Old", true, &[GrantType::Password]),
    ("demo-client-credentials", "Demo Night Job", true, &[GrantType::ClientCredentials]),
    ("demo-refresh", "Demo Mail", true, &[GrantType::AuthorizationCode, GrantType::RefreshToken]),
    ("demo-jwt-bearer", "Demo Intranet", true, &[GrantType::JwtBearer]),
    ("demo-saml-bearer", "Demo Portal", true, &[GrantType::Saml2Bearer]),
    ("demo-device", "Demo TV", false, &[GrantType::DeviceCode]),
    ("demo-token-exchange", "Demo Order Service", true, &[GrantType::TokenExchange, GrantType::ClientCredentials]),
    ("demo-revoke", "Demo Bin", true, &[GrantType::ClientCredentials]),
    ("demo-token-info", "Demo Desk", true, &[GrantType::ClientCredentials]),
];
/// Whose assertions are believed.
const ISSUERS: [(&str, AssertionKind); 2] =
    [("https://idp.demo.example", AssertionKind::Jwt), ("https://idp.demo.example/saml", AssertionKind::Saml)];
/// Its private key is in `tests/src/idp`.
const CERTIFICATE: &str = include_str!("idp.pem");

/// Adds what is not there yet.
pub(super) async fn load(
    store: &dyn Store,
    env: &Env,
    redirect_uri: &str,
    scopes: &ScopeSet,
    default_scopes: &ScopeSet,
) -> Result<(), StoreError> {
    for (id, name, confidential, grants) in FLOWS {
        let redirects = grants.iter().any(|grant| matches!(grant, GrantType::AuthorizationCode | GrantType::Implicit));
        let exchanges = grants.contains(&GrantType::TokenExchange);
        let client = Client {
            id: id.to_owned(),
            name: name.to_owned(),
            auth_method: if confidential { ClientAuthMethod::ClientSecret } else { ClientAuthMethod::None },
            secret: confidential.then(|| Digest::of(&format!("{id}-secret"))),
            sealed_secret: None,
            grant_types: grants.to_vec(),
            redirect_uris: if redirects { vec![redirect_uri.to_owned()] } else { Vec::new() },
            scopes: scopes.clone(),
            default_scopes: default_scopes.clone(),
            audience: Vec::new(),
            options: ClientOptions {
                token_exchange: ExchangePolicy { delegation: exchanges, ..ExchangePolicy::default() },
                ..ClientOptions::default()
            },
            disabled_at: None,
            created_at: env.now(),
        };
        super::register(store, env, client).await?;
    }
    for (issuer, kind) in ISSUERS {
        let keys = Keys { certificates: vec![CERTIFICATE.to_owned()], ..Keys::default() };
        let settings = IssuerSettings { kind, keys, ..IssuerSettings::default() };
        let trusted = TrustedIssuer { issuer: issuer.to_owned(), settings, created_at: env.now() };
        let change = super::made(env, ("issuer.create", "issuer", issuer));
        store.add_issuer(&Versioned::new(trusted, &*env.random), &change).await?;
    }
    Ok(())
}
