//! A token that somebody has before them: what it is, whether it is good now and, if not, why. It is looked at and not
//! kept: neither it nor that somebody asked is stored or logged.

mod view;

pub use view::{IssuedToken, TokenFault, TokenKind, TokenReason, TokenView};

use super::{Admin, Result, invalid};
use crate::http::{Urls, presented};
use crate::jwt::Jwt;
use crate::keys::{Keys, Unverified, Verified};
use crate::model::{Digest, RefreshToken, Revocation};
use crate::pages::when;
use crate::secret;
use bearward_token::claims::Claims;
use serde::Deserialize;
use view::reason;

/// The longest text that is looked at, in bytes.
const MAX_TEXT: usize = 32 * 1024;
/// The longest name of another issuer that is repeated, in characters: nothing vouches for it.
const MAX_ISSUER: usize = 200;

/// What else this server gives out, and what it is called.
const OTHER_SECRETS: [(&str, &str); 7] = [
    (secret::CLIENT_SECRET, "a client secret"),
    (secret::AUTHORIZATION_CODE, "an authorization code"),
    (secret::DEVICE_CODE, "a device code"),
    (secret::SESSION, "the value of a session cookie"),
    (secret::INITIAL_ACCESS_TOKEN, "an initial access token, with which clients register themselves"),
    (secret::REGISTRATION_ACCESS_TOKEN, "a registration access token, with which a client manages itself"),
    (secret::PUSHED_REQUEST, "the name of a pushed authorization request"),
];

/// What a JWT says of itself, before anything is certain.
#[derive(Deserialize)]
struct Said {
    iss: Option<String>,
    exp: Option<i64>,
}

impl Admin<'_> {
    /// What a text is that may be a token: an access token of this server in any form, a refresh token, or something else.
    /// The scheme before it (`Bearer …`) and line breaks in it do not matter.
    ///
    /// # Errors
    /// [`AdminError::Invalid`](super::AdminError::Invalid) if there is no text, or far too much of it.
    pub async fn look_up_token(&self, text: &str, keys: &dyn Keys) -> Result<TokenView> {
        let text = plain(text);
        if text.is_empty() {
            return invalid("token", "there is none");
        }
        if text.len() > MAX_TEXT {
            return invalid("token", "more than 32 KiB");
        }
        if text.starts_with(secret::ACCESS_TOKEN) {
            return self.opaque(&text).await;
        }
        if text.starts_with(secret::REFRESH_TOKEN) {
            return self.refresh(&text).await;
        }
        if let Some((_, words)) = OTHER_SECRETS.into_iter().find(|(prefix, _)| text.starts_with(prefix)) {
            let text = format!("It is {words}. Whoever has it can use it: if it should not be here, replace it.");
            return Ok(TokenView::fault(TokenKind::OtherSecret, TokenFault::NotAToken, text));
        }
        match keys.examine(&text) {
            Ok(verified) => self.jwt(&verified).await,
            Err(Unverified::Malformed) => {
                let text = "It is neither a JWT nor one of this server’s own texts.";
                Ok(TokenView::fault(TokenKind::Unknown, TokenFault::Foreign, text))
            }
            Err(why) => self.not_ours(&text, why).await,
        }
    }

    async fn opaque(&self, text: &str) -> Result<TokenView> {
        let kind = TokenKind::OpaqueAccessToken;
        if !secret::well_formed(secret::ACCESS_TOKEN, text) {
            return Ok(broken(kind));
        }
        // Also one that has expired, for as long as it is there.
        match self.store.access_token(&Digest::of(text), i64::MIN).await? {
            Some(payload) => self.access(kind, None, &payload).await,
            None => Ok(forgotten(kind)),
        }
    }

    async fn jwt(&self, verified: &Verified) -> Result<TokenView> {
        self.access(TokenKind::JwtAccessToken, Some(&verified.kid), &verified.payload).await
    }

    /// An access token whose payload is certain.
    async fn access(&self, kind: TokenKind, kid: Option<&str>, payload: &[u8]) -> Result<TokenView> {
        let Ok(claims) = serde_json::from_slice::<Claims<'_>>(payload) else { return Ok(broken(kind)) };
        let mut reasons = Vec::new();
        let issuer = Urls::new(&self.config.issuer);
        if claims.iss != issuer.issuer() {
            let text = format!("It was issued under the name {}, and this server is {}.", claims.iss, issuer.issuer());
            reasons.push(reason(TokenFault::Issuer, None, text));
        }
        for revocation in presented::revoked_by(self.store, &claims, self.now()).await? {
            reasons.push(revoked(&revocation, &claims.jti));
        }
        let expires_at = signed(claims.exp);
        reasons.extend(expired(expires_at, self.now()));
        let says = presented::everything(payload);
        let (client_name, username) = self.names(&claims.client_id, &claims.sub).await?;
        let key_state = match kid {
            None => None,
            Some(kid) => self.keys().await?.into_iter().find(|key| key.kid == kid).map(|key| key.state),
        };
        let token = IssuedToken {
            jti: Some(claims.jti.to_string()),
            kid: kid.map(ToOwned::to_owned),
            key_state,
            client_name,
            username,
            client_id: claims.client_id.to_string(),
            sub: claims.sub.to_string(),
            scope: claims.scope.to_string(),
            audience: claims.aud.iter().map(ToOwned::to_owned).collect(),
            issued_at: Some(signed(claims.iat)),
            expires_at,
            grant_id: claims.gid.as_deref().map(ToOwned::to_owned),
            confirmation: says.get("cnf").and_then(|cnf| serde_json::from_value(cnf.clone()).ok()),
            act: says.get("act").cloned(),
            authorization_details: says.get("authorization_details").cloned(),
            exchanged_from: claims.exchanged_from.iter().map(ToString::to_string).collect(),
            claims: presented::custom(&says).map(|(name, value)| (name.clone(), value.clone())).collect(),
        };
        Ok(TokenView::new(kind, reasons, Some(token)))
    }

    async fn refresh(&self, text: &str) -> Result<TokenView> {
        let kind = TokenKind::RefreshToken;
        if !secret::well_formed(secret::REFRESH_TOKEN, text) {
            return Ok(broken(kind));
        }
        let Some(stored) = self.store.refresh_token(&Digest::of(text)).await? else { return Ok(forgotten(kind)) };
        let RefreshToken { grant, expires_at, spent, confirmation } = stored;
        let mut reasons = Vec::new();
        if let Some(at) = grant.revoked_at {
            let text = format!("Its grant was revoked on {} UTC, with every token that came from it.", when(at));
            reasons.push(reason(TokenFault::GrantRevoked, Some(at), text));
        }
        if let Some(spent) = spent {
            let text = format!(
                "It was used on {} UTC, and another took its place. Whoever uses it again now ends the whole grant.",
                when(spent.at)
            );
            reasons.push(reason(TokenFault::Spent, Some(spent.at), text));
        }
        let client = self.store.client(&grant.client_id).await?;
        if client.as_ref().is_none_or(|client| client.disabled_at.is_some()) {
            let at = client.as_ref().and_then(|client| client.disabled_at);
            reasons.push(reason(TokenFault::ClientDisabled, at, "Its client is disabled or gone."));
        }
        let person = self.store.person(&grant.person_id).await?;
        if person.as_ref().is_none_or(|person| person.disabled_at.is_some()) {
            let at = person.as_ref().and_then(|person| person.disabled_at);
            reasons.push(reason(TokenFault::PersonDisabled, at, "Its person is disabled or gone."));
        }
        reasons.extend(expired(expires_at, self.now()));
        let details = grant.details;
        let token = IssuedToken {
            jti: None,
            kid: None,
            key_state: None,
            client_name: client.map(|client| client.name),
            username: person.map(|person| person.username),
            client_id: grant.client_id,
            sub: grant.person_id,
            scope: grant.scope.to_string(),
            audience: details.resources,
            issued_at: None,
            expires_at,
            grant_id: Some(grant.id),
            confirmation: Some(confirmation).filter(|confirmation| !confirmation.is_empty()),
            act: None,
            authorization_details: serde_json::to_value(&details.authorization_details)
                .ok()
                .filter(|_| !details.authorization_details.is_empty()),
            exchanged_from: Vec::new(),
            claims: details.claims.as_map().clone(),
        };
        Ok(TokenView::new(kind, reasons, Some(token)))
    }

    /// A JWT that no key of this server signed as an access token.
    async fn not_ours(&self, text: &str, why: Unverified) -> Result<TokenView> {
        let said: Option<Said> = Jwt::parse(text).ok().and_then(|jwt| jwt.unverified().ok());
        let issuer = said.as_ref().and_then(|said| said.iss.clone());
        let issuer = issuer.filter(|issuer| !issuer.contains('\0'));
        if let Some(issuer) = issuer.filter(|issuer| issuer != Urls::new(&self.config.issuer).issuer()) {
            let trusted = self.store.issuer(&issuer).await?.is_some();
            let shown: String = issuer.chars().take(MAX_ISSUER).collect();
            let (fault, text) = match trusted {
                true => (
                    TokenFault::TrustedIssuer,
                    format!(
                        "It says that {shown} issued it, whose assertions are believed here: clients can exchange it for a \
                         token of this server. Whether that is true was not looked at."
                    ),
                ),
                false => (TokenFault::Foreign, format!("It says that {shown} issued it, which nobody here trusts.")),
            };
            return Ok(TokenView::fault(TokenKind::OtherJwt, fault, text));
        }
        let (kind, fault, text) = match why {
            Unverified::Type => {
                (TokenKind::OtherJwt, TokenFault::Type, "Its type is not at+jwt, which access tokens have (RFC 9068).")
            }
            Unverified::Key => (
                TokenKind::JwtAccessToken,
                TokenFault::Key,
                "No key of this server has the kid that it names: the key is another’s, or it is gone since the last \
                 token that it signed expired.",
            ),
            Unverified::Algorithm => {
                (TokenKind::JwtAccessToken, TokenFault::Algorithm, "Its alg is not that of the key that it names.")
            }
            Unverified::Signature | Unverified::Malformed => (
                TokenKind::JwtAccessToken,
                TokenFault::Signature,
                "Its signature is wrong: something in it was changed, or somebody else made it.",
            ),
        };
        let mut view = TokenView::fault(kind, fault, text);
        let over = said.and_then(|said| said.exp).filter(|exp| *exp <= self.now());
        if let (Some(exp), Some(first)) = (over, view.reasons.first_mut()) {
            first.text.push_str(&format!(" It says itself that it expired on {} UTC.", when(exp)));
        }
        Ok(view)
    }

    /// What a client and a person are called.
    async fn names(&self, client_id: &str, sub: &str) -> Result<(Option<String>, Option<String>)> {
        let client = self.store.client(client_id).await?.map(|client| client.name);
        let person = self.store.person(sub).await?.map(|person| person.username);
        Ok((client, person))
    }
}

/// Without what comes along where a token is copied: the scheme, line breaks.
fn plain(text: &str) -> zeroize::Zeroizing<String> {
    let mut words = text.split_whitespace().peekable();
    words.next_if(|word| word.eq_ignore_ascii_case("authorization:"));
    words.next_if(|word| ["bearer", "dpop"].iter().any(|scheme| word.eq_ignore_ascii_case(scheme)));
    zeroize::Zeroizing::new(words.collect())
}

fn broken(kind: TokenKind) -> TokenView {
    let text = "It begins like one, and is not whole: a part of it is missing or was changed.";
    TokenView::fault(kind, TokenFault::Malformed, text)
}

fn forgotten(kind: TokenKind) -> TokenView {
    let text = "It is not known: this server never issued it, or it expired so long ago that it was forgotten.";
    TokenView::fault(kind, TokenFault::NotKnown, text)
}

fn expired(at: i64, now: i64) -> Option<TokenReason> {
    (at <= now).then(|| reason(TokenFault::Expired, Some(at), format!("It expired on {} UTC.", when(at))))
}

/// A revocation in words, for a token of this name.
fn revoked(revocation: &Revocation, jti: &str) -> TokenReason {
    let (made, cutoff) = (revocation.created_at, i64::from(revocation.cutoff));
    let name = &revocation.name;
    let (fault, at, text) = match revocation.kind {
        "gid" => {
            let text = format!("Its grant was revoked on {} UTC, with every token that came from it.", when(made));
            (TokenFault::GrantRevoked, made, text)
        }
        "client_id" => {
            let text = "All that its client had been issued was revoked, as it was disabled or deleted: what is from";
            (TokenFault::ClientRevoked, cutoff, format!("{text} {} UTC or before.", when(cutoff)))
        }
        "sub" => {
            let text = "All that was issued for its person was revoked, as they were signed out everywhere, disabled, given a \
                        new password or deleted: what is from";
            (TokenFault::PersonRevoked, cutoff, format!("{text} {} UTC or before.", when(cutoff)))
        }
        "jti" if name != jti => {
            let text = format!("The token {name}, from which it was exchanged, was revoked on {} UTC.", when(made));
            (TokenFault::SourceRevoked, made, text)
        }
        _ => (TokenFault::TokenRevoked, made, format!("It was revoked itself, on {} UTC.", when(made))),
    };
    reason(fault, Some(at), text)
}

fn signed(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}
