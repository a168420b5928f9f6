//! The console's page about tokens.

use super::console::{ConsoleFrame, SECTIONS};
use super::field::wrong;
use super::{Field, Problem};
use crate::admin::{IssuedToken, TokenFault, TokenView};
use crate::authorization_details::in_words;
use crate::keys::lifecycle::State;
use askama::Template;
use serde_json::Value;

/// Where a token is pasted, and what it came to.
#[derive(Template)]
#[template(path = "console/tokens.html")]
pub struct TokensPage<'a> {
    /// See [`ConsoleFrame`].
    pub console: ConsoleFrame<'a>,
    /// What was found.
    pub found: Option<TokenView>,
    /// What was typed to revoke a token by its name.
    pub jti: &'a str,
    /// What was wrong with a form.
    pub problem: Option<Problem>,
}

impl TokensPage<'_> {
    fn line<'f>(&'f self, id: &'f str, label: &'f str, hint: &'f str) -> Field<'f> {
        Field { id, label, value: self.jti, hint, rows: 0, problem: self.problem.as_ref() }
    }

    fn wrong(&self, field: &str) -> Option<&str> {
        wrong(self.problem.as_ref(), field)
    }

    /// Whether revoking the token itself would change anything.
    fn can_be_revoked(&self, found: &TokenView) -> bool {
        !found.reasons.iter().any(|reason| matches!(reason.fault, TokenFault::Expired | TokenFault::TokenRevoked))
    }

    /// The same of its grant.
    fn has_live_grant(&self, found: &TokenView) -> bool {
        !found.reasons.iter().any(|reason| matches!(reason.fault, TokenFault::GrantRevoked))
    }

    /// The chain of those who act, the present one first (RFC 8693 §4.1).
    fn actors<'t>(&self, token: &'t IssuedToken) -> Vec<&'t str> {
        let chain = std::iter::successors(token.act.as_ref(), |act| act.get("act"));
        chain.filter_map(|act| act.get("sub").and_then(Value::as_str)).collect()
    }

    /// Each of the authorization details in a line.
    fn details(&self, token: &IssuedToken) -> Vec<String> {
        token.authorization_details.iter().filter_map(Value::as_array).flatten().map(in_words).collect()
    }

    fn claims<'t>(&self, token: &'t IssuedToken) -> impl Iterator<Item = (&'t str, String)> {
        token.claims.iter().map(|(name, value)| (name.as_str(), in_words(value)))
    }

    fn key_state(&self, token: &IssuedToken) -> &'static str {
        match token.key_state {
            Some(State::Next) => "signs next",
            Some(State::Active) => "signs now",
            Some(State::Retired) => "retired, still good for what it signed",
            None => "",
        }
    }
}
