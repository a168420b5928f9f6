//! The console's page about a client.

use super::console::{ConsoleFrame, SECTIONS};
use super::field::{Field, Problem, wrong};
use crate::admin::{ClientKeyView, ClientView, ShownSecret};
use crate::model::{AuthorizationType, ClientAuthMethod, GrantType, Scope};
use askama::Template;
use std::collections::{BTreeMap, BTreeSet};

/// A client, or a form for a new one.
#[derive(Template)]
#[template(path = "console/client.html")]
pub struct ClientPage<'a> {
    /// See [`ConsoleFrame`].
    pub console: ConsoleFrame<'a>,
    /// The client, unless it is new.
    pub client: Option<ClientView>,
    /// What the form shows.
    pub form: ClientForm,
    /// The scopes there are.
    pub scopes: Vec<Scope>,
    /// The types of authorization details there are.
    pub types: Vec<AuthorizationType>,
    /// What was wrong with a form.
    pub problem: Option<Problem>,
    /// A secret to be shown, this once.
    pub secret: Option<ShownSecret>,
    /// What was typed to add keys.
    pub new_keys: NewKeysForm,
    /// Unix time in seconds.
    pub now: i64,
    /// What tells this page's forms from those of any other.
    pub once: String,
}

/// What was typed to add keys.
#[derive(Default)]
pub struct NewKeysForm {
    /// What to call them.
    pub key_label: String,
    /// The keys.
    pub keys: String,
}

/// What the form about a client shows.
#[derive(Default)]
pub struct ClientForm {
    /// Fields of text, by name.
    pub texts: BTreeMap<&'static str, String>,
    /// Fields that are ticked, by name.
    pub ticked: BTreeSet<&'static str>,
    /// The grants, by their names on the wire.
    pub grant_types: Vec<&'static str>,
    /// The types of authorization details it may ask for.
    pub details: Vec<String>,
    /// Claims, and at least one empty row.
    pub claims: Vec<ClaimRow>,
}

/// A claim of the tokens, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimRow {
    /// Its name.
    pub name: String,
    /// `text`, `number`, `boolean` or `list`.
    pub kind: String,
    /// Its value; of a list, an item on each line.
    pub value: String,
    /// Tokens of which grant carry it; empty for all.
    pub grant: String,
}

/// The kinds of claims, and their words.
pub const CLAIM_KINDS: [(&str, &str); 4] =
    [("text", "text"), ("number", "number"), ("boolean", "true or false"), ("list", "list")];

/// What a group of fields is called, and those that are in it, for whether it is shown opened.
const TOKENS: &[&str] = &[
    "access_token_format",
    "access_token_signing_alg",
    "access_token_lifetime",
    "refresh_mode",
    "refresh_lifetime",
    "refresh_absolute_lifetime",
    "resources",
    "request_claims",
];
const PROOF: &[&str] = &["jwks_uri", "token_endpoint_auth_signing_alg", "tls_kind", "tls_value"];
const RULES: &[&str] = &[
    "require_pkce",
    "require_pushed_authorization_requests",
    "require_signed_request_object",
    "dpop_bound_access_tokens",
    "tls_client_certificate_bound_access_tokens",
];
const RULE_WORDS: [(&str, &str); 5] = [
    ("require_pkce", "use PKCE although it can prove itself"),
    ("require_pushed_authorization_requests", "push its authorization requests"),
    ("require_signed_request_object", "sign its authorization requests"),
    ("dpop_bound_access_tokens", "prove possession of a key (DPoP): tokens are bound to it"),
    ("tls_client_certificate_bound_access_tokens", "show its TLS certificate: tokens are bound to it"),
];
const TLS_KINDS: [(&str, &str); 5] = [
    ("tls_client_auth_subject_dn", "this subject (DN)"),
    ("tls_client_auth_san_dns", "this DNS name"),
    ("tls_client_auth_san_uri", "this URI, such as a SPIFFE ID"),
    ("tls_client_auth_san_ip", "this IP address"),
    ("tls_client_auth_san_email", "this e-mail address"),
];
const OTHERS: &[&str] = &["assertion_subjects", "exchange_impersonation", "exchange_delegation", "exchange_audiences"];

impl ClientForm {
    fn text(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }

    fn is(&self, name: &str) -> bool {
        self.ticked.contains(name)
    }
}

impl ClientPage<'_> {
    fn over(&self, at: &Option<i64>) -> bool {
        at.is_some_and(|at| at <= self.now)
    }

    fn field<'f>(&'f self, id: &'f str, label: &'f str, rows: usize, hint: &'f str) -> Field<'f> {
        Field { id, label, value: self.form.text(id), hint, rows, problem: self.problem.as_ref() }
    }

    fn line<'f>(&'f self, id: &'f str, label: &'f str, hint: &'f str) -> Field<'f> {
        self.field(id, label, 0, hint)
    }

    fn key_field<'f>(&'f self, id: &'f str, label: &'f str, rows: usize, hint: &'f str) -> Field<'f> {
        let value = if id == "keys" { &self.new_keys.keys } else { &self.new_keys.key_label };
        Field { id, label, value, hint, rows, problem: self.problem.as_ref() }
    }

    fn wrong(&self, field: &str) -> Option<&str> {
        wrong(self.problem.as_ref(), field)
    }

    /// Whether somebody filled something in here, or got something wrong.
    fn opened(&self, fields: &[&str]) -> bool {
        let usual = |text: &str| text.is_empty() || text == "jwt" || text == "rotate";
        fields.iter().any(|name| !usual(self.form.text(name)) || self.form.is(name) || self.wrong(name).is_some())
    }

    fn adds_keys(&self) -> bool {
        self.wrong("keys").is_some() || self.wrong("key_label").is_some()
    }

    fn grants(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> + '_ {
        GrantType::ALL.iter().map(|grant| {
            let name = grant.wire_name();
            (name, grant_words(*grant), self.form.grant_types.contains(&name))
        })
    }

    fn methods(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> + '_ {
        ClientAuthMethod::ALL.iter().map(|method| {
            let name = method.wire_name();
            (name, method_words(*method), self.form.text("auth_method") == name)
        })
    }

    fn details(&self) -> impl Iterator<Item = (&str, &str, bool)> {
        self.types.iter().map(|t| (t.name.as_str(), t.title.as_str(), self.form.details.contains(&t.name)))
    }

    fn key_words(&self, key: &ClientKeyView) -> &'static str {
        match key.form {
            "certificate" => "certificate",
            "jwk" => "JWK",
            _ => "public key",
        }
    }
}

fn grant_words(grant: GrantType) -> &'static str {
    match grant {
        GrantType::AuthorizationCode => "Authorization code: people sign in",
        GrantType::ClientCredentials => "Client credentials: it acts for itself",
        GrantType::RefreshToken => "Refresh token: access lasts",
        GrantType::Implicit => "Implicit (legacy)",
        GrantType::Password => "Password (legacy)",
        GrantType::JwtBearer => "JWT bearer assertion",
        GrantType::Saml2Bearer => "SAML 2.0 bearer assertion",
        GrantType::DeviceCode => "Device code: televisions, terminals",
        GrantType::TokenExchange => "Token exchange",
    }
}

fn method_words(method: ClientAuthMethod) -> &'static str {
    match method {
        ClientAuthMethod::None => "None: an app that cannot keep a secret",
        ClientAuthMethod::ClientSecret => "Secret, by header or form",
        ClientAuthMethod::ClientSecretBasic => "Secret, by header only",
        ClientAuthMethod::ClientSecretPost => "Secret, by form only",
        ClientAuthMethod::ClientSecretJwt => "JWT under a secret",
        ClientAuthMethod::PrivateKeyJwt => "JWT signed with its own key",
        ClientAuthMethod::TlsClientAuth => "TLS certificate of an authority",
        ClientAuthMethod::SelfSignedTlsClientAuth => "TLS certificate of its own",
    }
}
