//! People of other issuers: what a trusted issuer's assertion can give at the token endpoint (RFC 7521 §4.1).

use super::details::DetailsRefused;
use super::mint::{self, Minting};
use super::{GrantError, Request, scope};
use crate::assertion::AssertionError;
use crate::authorization_details::DetailsError;
use crate::custom_claims::CustomClaims;
use crate::model::{AssertionKind, Subjects, TrustedIssuer};
use bearward_token::scope::ScopeSet;
use serde_json::{Map, Value};

/// The registration of an issuer whose assertions of this kind the client may bring.
pub(super) async fn issuer(
    request: &Request<'_>,
    name: &str,
    kind: AssertionKind,
) -> Result<TrustedIssuer, GrantError> {
    let found = request.app.store.issuer(name).await?.filter(|issuer| {
        let clients = &issuer.settings.clients;
        issuer.settings.kind == kind && (clients.is_empty() || clients.contains(&request.client.id))
    });
    Ok(found.ok_or(AssertionError::Untrusted)?)
}

/// The `sub` of the token for a subject that the issuer names.
pub(super) async fn subject(request: &Request<'_>, issuer: &TrustedIssuer, name: &str) -> Result<String, GrantError> {
    match issuer.settings.subjects {
        Subjects::People => {
            let person = request.app.store.person_by_username(name).await?;
            let person = person.filter(|person| person.disabled_at.is_none());
            Ok(person.ok_or(AssertionError::Untrusted)?.id)
        }
        Subjects::Any => Ok(format!("{}#{name}", issuer.issuer)),
    }
}

/// What the assertion says and the issuer's registration takes into the token: `find` gives the value of a claim or an
/// attribute, if it is there. It goes before what the request brings. What the operator gave the client or the grant
/// goes before it.
pub(super) fn claims(
    request: &Request<'_>,
    issuer: &TrustedIssuer,
    brought: &CustomClaims,
    find: impl Fn(&str) -> Option<Value>,
) -> Result<CustomClaims, AssertionError> {
    let options = &request.client.options;
    let of_grant = options.grant_claims.get(&request.grant_type).into_iter().flat_map(CustomClaims::names);
    let fixed: Vec<_> = options.claims.names().chain(of_grant).collect();
    let taken = issuer.settings.claims.iter().filter(|(name, _)| !fixed.contains(&name.as_str()));
    let said: Map<String, Value> =
        taken.filter_map(|(name, source)| find(source).map(|value| (name.clone(), value))).collect();
    let said = CustomClaims::try_from(said).and_then(|said| said.or(brought));
    said.map_err(|_| AssertionError::Carried)
}

/// The token that an assertion gives, before it is issued. An issuer is trusted with scopes and with who somebody is; that
/// somebody pays so much (RFC 9396) it was not registered to say, and the client cannot say it in its place.
pub(super) async fn minting<'a>(
    request: &Request<'a>,
    issuer: &TrustedIssuer,
    scope: &'a ScopeSet,
) -> Result<Minting<'a>, GrantError> {
    let minting = mint::minting(request, None, scope).await?;
    let own = issuer.issuer == request.client.id;
    if own || minting.authorization_details.is_empty() {
        Ok(minting)
    } else {
        Err(DetailsRefused::from(DetailsError::NotGranted).into())
    }
}

/// Of what the client asks and may have, what the issuer's assertions can give.
pub(super) fn scope(request: &Request<'_>, issuer: &TrustedIssuer) -> Result<ScopeSet, GrantError> {
    let scope = scope::for_client(request.client, request.scope.as_ref())?;
    let scope = issuer.settings.scopes.as_ref().map_or(scope.clone(), |most| scope.intersection(most));
    if scope.is_empty() { Err(scope::ScopeRefused::Nothing.into()) } else { Ok(scope) }
}
