//! Client metadata of dynamic registration, RFC 7591 §2: from JSON to a client that holds together, and back.

use crate::authorization_details::DetailsError;
use crate::cli::redirect_uri;
use crate::jwt::KeySet;
use crate::model::{AuthorizationType, Client, ClientAuthMethod, ClientOptions, GrantType, Keys};
use bearward_token::scope::ScopeSet;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The longest `client_name`, in characters, and the most redirect URIs.
const MAX_NAME: usize = 128;
const MAX_REDIRECT_URIS: usize = 32;
/// The grants that a client can register itself for. The legacy ones and those that act for others are the operator's to
/// give.
const GRANTS: [GrantType; 4] =
    [GrantType::AuthorizationCode, GrantType::ClientCredentials, GrantType::RefreshToken, GrantType::DeviceCode];
/// The ways of proving itself that a client can register for. Certificates need an operator who knows their authority.
const METHODS: [ClientAuthMethod; 5] = [
    ClientAuthMethod::None,
    ClientAuthMethod::ClientSecretBasic,
    ClientAuthMethod::ClientSecretPost,
    ClientAuthMethod::ClientSecretJwt,
    ClientAuthMethod::PrivateKeyJwt,
];

/// Why metadata was refused (RFC 7591 §3.2.2). The texts hold nothing of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct MetadataError {
    /// The RFC's code.
    pub error: &'static str,
    /// What is wrong, for a developer.
    pub text: &'static str,
}

const fn wrong(text: &'static str) -> MetadataError {
    MetadataError { error: "invalid_client_metadata", text }
}

/// Client metadata as it comes. What is not named here is ignored (RFC 7591 §2).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Metadata {
    redirect_uris: Vec<String>,
    token_endpoint_auth_method: Option<String>,
    token_endpoint_auth_signing_alg: Option<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    client_name: Option<String>,
    scope: Option<String>,
    jwks: Option<Value>,
    jwks_uri: Option<String>,
    software_statement: Option<Value>,
    authorization_details_types: Vec<String>,
    require_pushed_authorization_requests: bool,
    require_signed_request_object: bool,
    dpop_bound_access_tokens: bool,
    tls_client_certificate_bound_access_tokens: bool,
    /// RFC 7592 §2.2: only in an update, and then the client's.
    pub client_id: Option<String>,
    /// The same.
    pub client_secret: Option<String>,
}

/// What a client may register: decided by the initial access token, and by what the server knows.
pub struct Allowed<'a> {
    /// The scopes it may have.
    pub scopes: &'a ScopeSet,
    /// The types of authorization details there are.
    pub types: &'a [AuthorizationType],
}

/// Reads a JSON object.
///
/// # Errors
/// `invalid_client_metadata` if it is none, or a member has another type than RFC 7591 gives it.
pub fn parse(body: &[u8]) -> Result<Metadata, MetadataError> {
    // An object first: a list would do for the struct alone.
    let object = serde_json::from_slice::<Map<String, Value>>(body);
    let read = object.and_then(|object| serde_json::from_value(object.into()));
    read.map_err(|_| wrong("the body is not a JSON object of client metadata"))
}

impl Metadata {
    /// A client with this metadata and nothing else: no secret yet, and with the id and times of `base`.
    ///
    /// # Errors
    /// [`MetadataError`]
    pub fn client(&self, base: Client, allowed: &Allowed<'_>) -> Result<Client, MetadataError> {
        if self.software_statement.is_some() {
            let text = "software statements are not accepted: no party that signs them is trusted here";
            return Err(MetadataError { error: "unapproved_software_statement", text });
        }
        let auth_method = self.auth_method()?;
        let grant_types = self.grant_types(auth_method)?;
        self.check_redirects(&grant_types)?;
        let scopes = self.scopes(allowed.scopes)?;
        let name = self.client_name.as_deref().unwrap_or(&base.id).trim().to_owned();
        if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
            return Err(wrong("client_name has 1 to 128 characters, none of them a control character"));
        }
        let known = |name: &String| allowed.types.iter().any(|kind| kind.name == *name);
        if !self.authorization_details_types.iter().all(known) {
            return Err(wrong(DetailsError::Type.text()));
        }
        Ok(Client {
            name,
            auth_method,
            secret: None,
            sealed_secret: None,
            grant_types,
            redirect_uris: self.redirect_uris.clone(),
            // What it named it also gets when it asks for nothing.
            default_scopes: if self.scope.is_some() { scopes.clone() } else { ScopeSet::default() },
            scopes,
            options: ClientOptions {
                keys: self.keys(auth_method)?,
                token_endpoint_auth_signing_alg: self.token_endpoint_auth_signing_alg.clone(),
                authorization_details_types: self.authorization_details_types.clone(),
                require_pushed_authorization_requests: self.require_pushed_authorization_requests,
                require_signed_request_object: self.require_signed_request_object,
                dpop_bound_access_tokens: self.dpop_bound_access_tokens,
                tls_client_certificate_bound_access_tokens: self.tls_client_certificate_bound_access_tokens,
                ..base.options
            },
            ..base
        })
    }

    fn auth_method(&self) -> Result<ClientAuthMethod, MetadataError> {
        let Some(name) = &self.token_endpoint_auth_method else { return Ok(ClientAuthMethod::ClientSecretBasic) };
        let method = ClientAuthMethod::from_wire(name).filter(|method| METHODS.contains(method));
        method.ok_or(wrong("token_endpoint_auth_method is not one that clients can register for"))
    }

    fn grant_types(&self, auth_method: ClientAuthMethod) -> Result<Vec<GrantType>, MetadataError> {
        let read = |name: &String| GrantType::from_wire(name).filter(|grant| GRANTS.contains(grant));
        let grants: Option<Vec<_>> = match &self.grant_types {
            Some(names) => names.iter().map(read).collect(),
            None => Some(vec![GrantType::AuthorizationCode]),
        };
        let mut grants = grants.ok_or(wrong("grant_types names one that clients cannot register themselves for"))?;
        grants.dedup();
        let has = |grant| grants.contains(&grant);
        if grants.is_empty() {
            return Err(wrong("grant_types names none"));
        }
        if has(GrantType::ClientCredentials) && auth_method == ClientAuthMethod::None {
            return Err(wrong("client_credentials is for clients that prove themselves"));
        }
        let with_person = has(GrantType::AuthorizationCode) || has(GrantType::DeviceCode);
        if has(GrantType::RefreshToken) && !with_person {
            return Err(wrong("refresh_token goes with a grant that a person takes part in"));
        }
        // RFC 7591 §2.1: the two have to agree. Left out, response_types is code where that is used at all.
        let code = match &self.response_types {
            Some(types) if types.iter().any(|kind| kind != "code") => {
                return Err(wrong("response_types names one that clients cannot register themselves for"));
            }
            Some(types) => !types.is_empty(),
            None => has(GrantType::AuthorizationCode),
        };
        if code == has(GrantType::AuthorizationCode) {
            Ok(grants)
        } else {
            Err(wrong("the response type code and the grant authorization_code go together"))
        }
    }

    fn check_redirects(&self, grant_types: &[GrantType]) -> Result<(), MetadataError> {
        let invalid = |text| MetadataError { error: "invalid_redirect_uri", text };
        if self.redirect_uris.is_empty() == grant_types.contains(&GrantType::AuthorizationCode) {
            return Err(invalid("redirect_uris go with the grant authorization_code, and it with them"));
        }
        if self.redirect_uris.len() > MAX_REDIRECT_URIS {
            return Err(invalid("there are too many redirect_uris"));
        }
        self.redirect_uris.iter().try_for_each(|uri| redirect_uri::check(uri).map_err(invalid))
    }

    fn scopes(&self, allowed: &ScopeSet) -> Result<ScopeSet, MetadataError> {
        let Some(text) = &self.scope else { return Ok(allowed.clone()) };
        let scopes = ScopeSet::parse(text).map_err(|_| wrong("scope is not well-formed"))?;
        if scopes.is_subset(allowed) { Ok(scopes) } else { Err(wrong("scope names one that the client may not have")) }
    }

    fn keys(&self, auth_method: ClientAuthMethod) -> Result<Keys, MetadataError> {
        // RFC 7591 §2.
        if self.jwks.is_some() && self.jwks_uri.is_some() {
            return Err(wrong("jwks and jwks_uri must not both be there"));
        }
        if let Some(jwks) = &self.jwks {
            KeySet::from_value(jwks)
                .map_err(|_| wrong("jwks holds no public key that is of use here, or a private one"))?;
        }
        let none = self.jwks.is_none() && self.jwks_uri.is_none();
        if none && (auth_method == ClientAuthMethod::PrivateKeyJwt || self.require_signed_request_object) {
            return Err(wrong("a client that signs needs jwks or jwks_uri"));
        }
        Ok(Keys { jwks: self.jwks.clone(), jwks_uri: self.jwks_uri.clone(), ..Keys::default() })
    }
}

/// What is registered of a client, by the names of RFC 7591 §2.
#[derive(Serialize)]
struct Registered<'a> {
    client_id: &'a str,
    client_id_issued_at: i64,
    client_name: &'a str,
    redirect_uris: &'a [String],
    token_endpoint_auth_method: &'a ClientAuthMethod,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_endpoint_auth_signing_alg: Option<&'a String>,
    grant_types: &'a [GrantType],
    response_types: &'a [&'a str],
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<&'a String>,
    authorization_details_types: &'a [String],
    require_pushed_authorization_requests: bool,
    require_signed_request_object: bool,
    dpop_bound_access_tokens: bool,
    tls_client_certificate_bound_access_tokens: bool,
}

/// What is registered of a client, without its secret.
///
/// # Errors
/// If it cannot be written as JSON, which it always can.
pub fn describe(client: &Client) -> Result<Map<String, Value>, serde_json::Error> {
    let options = &client.options;
    let code = client.grant_types.contains(&GrantType::AuthorizationCode);
    let registered = Registered {
        client_id: &client.id,
        client_id_issued_at: client.created_at,
        client_name: &client.name,
        redirect_uris: &client.redirect_uris,
        token_endpoint_auth_method: &client.auth_method,
        token_endpoint_auth_signing_alg: options.token_endpoint_auth_signing_alg.as_ref(),
        grant_types: &client.grant_types,
        response_types: if code { &["code"] } else { &[] },
        scope: client.scopes.to_string(),
        jwks: options.keys.jwks.as_ref(),
        jwks_uri: options.keys.jwks_uri.as_ref(),
        authorization_details_types: &options.authorization_details_types,
        require_pushed_authorization_requests: options.require_pushed_authorization_requests,
        require_signed_request_object: options.require_signed_request_object,
        dpop_bound_access_tokens: options.dpop_bound_access_tokens,
        tls_client_certificate_bound_access_tokens: options.tls_client_certificate_bound_access_tokens,
    };
    match serde_json::to_value(&registered)? {
        Value::Object(map) => Ok(map),
        _ => Ok(Map::new()),
    }
}
