//! What few clients need, as arguments of `bearward client create`.

use super::failure::Failure;
use crate::custom_claims::CustomClaims;
use crate::grants::resource::is_resource;
use crate::model::{AccessTokenFormat, ClientOptions, GrantType};
use clap::{Args, ValueEnum};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The tokens of a client, and how it asks for them.
#[derive(Args)]
pub(super) struct TokenOptions {
    /// How its access tokens are written: jwt says everything itself, opaque is explained by introspection alone.
    #[arg(long, value_enum, default_value = "jwt", value_name = "FORMAT")]
    access_token_format: Format,
    /// How long its access tokens are good, in seconds; at most tokens.max_access_lifetime (default:
    /// tokens.access_lifetime).
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    access_token_lifetime: Option<u32>,
    /// What signs its access tokens, such as RS256: keys.algorithm (the default) or one of keys.more_algorithms.
    #[arg(long, value_name = "ALG")]
    access_token_alg: Option<String>,
    /// A claim that all its access tokens carry; several times for several. JSON (7, true, ["a","b"]) is taken as such,
    /// all else as text.
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    claims: Vec<String>,
    /// A claim that its access tokens of one grant carry, as authorization_code/channel=web; several times for several.
    #[arg(long = "grant-claim", value_name = "GRANT/NAME=VALUE")]
    grant_claims: Vec<String>,
    /// The name of a claim that its own requests may set (custom_claims); several times for several.
    #[arg(long = "request-claim", value_name = "NAME")]
    request_claims: Vec<String>,
    /// A resource it may ask for beside its audience (RFC 8707); several times for several.
    #[arg(long = "resource", value_name = "URI")]
    resources: Vec<String>,
    /// A type of authorization_details it may ask for (RFC 9396); several times for several.
    #[arg(long = "authorization-type", value_name = "TYPE")]
    authorization_types: Vec<String>,
    /// It has to use PKCE although it can prove itself (public clients have to anyway).
    #[arg(long)]
    require_pkce: bool,
    /// It has to push its authorization requests (RFC 9126).
    #[arg(long)]
    require_par: bool,
    /// It has to sign its authorization requests (RFC 9101).
    #[arg(long)]
    require_signed_request: bool,
    /// It gets only tokens that are bound to a key by DPoP (RFC 9449).
    #[arg(long)]
    require_dpop: bool,
    /// It gets only tokens that are bound to its certificate (RFC 8705).
    #[arg(long)]
    bind_certificate: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Jwt,
    Opaque,
}

impl TokenOptions {
    /// The options, on top of others. `types` are the types of authorization details there are.
    pub(super) fn onto(self, base: ClientOptions, types: &[String]) -> Result<ClientOptions, Failure> {
        if let Some(bad) = self.resources.iter().find(|resource| !is_resource(resource)) {
            return Err(Failure::new(format!("resource {bad}: has to be an absolute URI without a fragment")));
        }
        if let Some(unknown) = self.authorization_types.iter().find(|name| !types.contains(name)) {
            let hint = format!("add it first: bearward authorization-type set {unknown} --title \"What people see\"");
            return Err(Failure::new(format!("there is no authorization type {unknown}; {hint}")));
        }
        Ok(ClientOptions {
            access_token_format: match self.access_token_format {
                Format::Jwt => AccessTokenFormat::Jwt,
                Format::Opaque => AccessTokenFormat::Opaque,
            },
            access_token_lifetime: self.access_token_lifetime,
            access_token_signing_alg: self.access_token_alg,
            claims: claims(self.claims.iter().map(String::as_str))?,
            grant_claims: grant_claims(&self.grant_claims)?,
            request_claims: self.request_claims,
            resources: self.resources,
            authorization_details_types: self.authorization_types,
            require_pkce: self.require_pkce,
            require_pushed_authorization_requests: self.require_par,
            require_signed_request_object: self.require_signed_request,
            dpop_bound_access_tokens: self.require_dpop,
            tls_client_certificate_bound_access_tokens: self.bind_certificate,
            ..base
        })
    }
}

fn grant_claims(given: &[String]) -> Result<BTreeMap<GrantType, CustomClaims>, Failure> {
    let mut by_grant: BTreeMap<GrantType, Vec<&str>> = BTreeMap::new();
    for text in given {
        let parts =
            text.split_once('/').and_then(|(grant, pair)| Some((GrantType::from_str(grant, false).ok()?, pair)));
        let (grant, pair) = parts.ok_or_else(|| Failure::new(format!("--grant-claim {text}: GRANT/NAME=VALUE")))?;
        by_grant.entry(grant).or_default().push(pair);
    }
    by_grant.into_iter().map(|(grant, pairs)| Ok((grant, claims(pairs)?))).collect()
}

fn claims<'a>(given: impl IntoIterator<Item = &'a str>) -> Result<CustomClaims, Failure> {
    let mut claims = Map::new();
    for pair in given {
        let (name, value) = pair.split_once('=').ok_or_else(|| Failure::new(format!("--claim {pair}: NAME=VALUE")))?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        claims.insert(name.to_owned(), value);
    }
    CustomClaims::try_from(claims).map_err(|error| Failure::new(error.to_string()))
}
