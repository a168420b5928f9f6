//! The console's pages about trusted issuers.

use super::console::SECTIONS;
use super::{ConsoleFrame, Field, Problem};
use crate::admin::{IssuerSpec, IssuerView};
use crate::model::{AssertionKind, Keys, Subjects};
use askama::Template;
use form_urlencoded::byte_serialize;

/// The list of trusted issuers, with a form for another one.
#[derive(Template)]
#[template(path = "console/issuers.html")]
pub struct IssuersPage<'a> {
    /// See [`ConsoleFrame`].
    pub console: ConsoleFrame<'a>,
    /// All of them.
    pub issuers: Vec<IssuerView>,
    /// What the form shows.
    pub form: IssuerForm,
    /// What was wrong with it.
    pub problem: Option<Problem>,
}

impl IssuersPage<'_> {
    fn field<'f>(&'f self, id: &'f str, label: &'f str, rows: usize, hint: &'f str) -> Field<'f> {
        Field { id, label, value: self.form.value(id), hint, rows, problem: self.problem.as_ref() }
    }

    fn query(&self, name: &str) -> String {
        query(name)
    }
}

/// A trusted issuer.
#[derive(Template)]
#[template(path = "console/issuer.html")]
pub struct IssuerPage<'a> {
    /// See [`ConsoleFrame`].
    pub console: ConsoleFrame<'a>,
    /// Its `iss`, or its entity ID.
    pub name: &'a str,
    /// The version that the form began with.
    pub version: i64,
    /// What the form shows.
    pub form: IssuerForm,
    /// What was wrong with it.
    pub problem: Option<Problem>,
}

impl IssuerPage<'_> {
    fn field<'f>(&'f self, id: &'f str, label: &'f str, rows: usize, hint: &'f str) -> Field<'f> {
        Field { id, label, value: self.form.value(id), hint, rows, problem: self.problem.as_ref() }
    }

    fn query(&self) -> String {
        query(self.name)
    }
}

/// What names an issuer in a URL: most are URLs themselves, which would not travel well as a segment of a path.
fn query(name: &str) -> String {
    let name: String = byte_serialize(name.as_bytes()).collect();
    format!("issuer={name}")
}

/// What the form about an issuer shows.
#[derive(Default)]
pub struct IssuerForm {
    /// Its `iss`, or its entity ID.
    pub issuer: String,
    /// It makes SAML assertions.
    pub saml: bool,
    /// Where its keys are.
    pub jwks_uri: String,
    /// Its keys as a JWK Set.
    pub jwks: String,
    /// Its certificates in PEM.
    pub certificates: String,
    /// Its subjects need not be people of this server.
    pub any_subject: bool,
    /// The most that its assertions can give.
    pub scope: String,
    /// The clients that may bring them, separated by spaces.
    pub clients: String,
    /// What of them goes into tokens: `name=source`, a line each.
    pub claims: String,
}

impl IssuerForm {
    /// The form about an issuer as it is.
    #[must_use]
    pub fn of(issuer: IssuerSpec) -> Self {
        let IssuerSpec { issuer, kind, keys, subjects, scope, clients, claims } = issuer;
        let Keys { jwks, jwks_uri, certificates } = keys;
        let lines: Vec<_> = claims.iter().map(|(name, source)| format!("{name}={source}")).collect();
        Self {
            issuer,
            saml: kind == AssertionKind::Saml,
            jwks_uri: jwks_uri.unwrap_or_default(),
            jwks: jwks.map(|set| format!("{set:#}")).unwrap_or_default(),
            certificates: certificates.iter().map(|pem| pem.trim()).collect::<Vec<_>>().join("\n"),
            any_subject: subjects == Subjects::Any,
            scope: scope.unwrap_or_default(),
            clients: clients.join(" "),
            claims: lines.join("\n"),
        }
    }

    /// What it asks for.
    ///
    /// # Errors
    /// A [`Problem`] with what cannot be read at all.
    pub fn spec(&self) -> Result<IssuerSpec, Problem> {
        const END: &str = "-----END CERTIFICATE-----";
        let certificates = self.certificates.split_inclusive(END).map(str::trim).filter(|pem| !pem.is_empty());
        let jwks = match self.jwks.as_str() {
            "" => None,
            text => match serde_json::from_str(text) {
                Ok(set) => Some(set),
                Err(error) => return Err(Problem::at("jwks", format!("This is not JSON: {error}."))),
            },
        };
        Ok(IssuerSpec {
            issuer: self.issuer.clone(),
            kind: if self.saml { AssertionKind::Saml } else { AssertionKind::Jwt },
            keys: Keys {
                jwks,
                jwks_uri: Some(self.jwks_uri.clone()).filter(|uri| !uri.is_empty()),
                certificates: certificates.map(ToOwned::to_owned).collect(),
            },
            subjects: if self.any_subject { Subjects::Any } else { Subjects::People },
            scope: Some(self.scope.clone()).filter(|scope| !scope.is_empty()),
            clients: self.clients.split_whitespace().map(ToOwned::to_owned).collect(),
            // A line without a source has an empty one, which is refused with its name.
            claims: {
                let lines = self.claims.lines().map(str::trim).filter(|line| !line.is_empty());
                let pairs = lines.map(|line| line.split_once('=').unwrap_or((line, "")));
                pairs.map(|(name, source)| (name.trim().to_owned(), source.trim().to_owned())).collect()
            },
        })
    }

    fn value(&self, field: &str) -> &str {
        match field {
            "issuer" => &self.issuer,
            "jwks_uri" => &self.jwks_uri,
            "jwks" => &self.jwks,
            "certificates" => &self.certificates,
            "scope" => &self.scope,
            "clients" => &self.clients,
            _ => &self.claims,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_into_tokens_is_a_line_each() {
        let claims = "department=dept\r\n\r\n  team = urn:oid:2.5.4.11 \nalone".to_owned();
        let spec = IssuerForm { claims, ..IssuerForm::default() }.spec().unwrap();
        let pairs: Vec<_> = spec.claims.iter().map(|(name, source)| (name.as_str(), source.as_str())).collect();
        assert_eq!(pairs, [("alone", ""), ("department", "dept"), ("team", "urn:oid:2.5.4.11")]);
    }

    #[test]
    fn a_form_that_is_sent_as_it_is_shown_asks_for_what_is_there() {
        let pem = |text: &str| format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----");
        let spec = IssuerSpec {
            issuer: "https://idp.example".to_owned(),
            kind: AssertionKind::Saml,
            keys: Keys {
                jwks: Some(serde_json::json!({ "keys": [{ "kty": "EC", "kid": "a" }] })),
                jwks_uri: Some("https://idp.example/jwks".to_owned()),
                certificates: vec![pem("one"), pem("two")],
            },
            subjects: Subjects::Any,
            scope: Some("a b".to_owned()),
            clients: vec!["one".to_owned(), "two".to_owned()],
            claims: [("a".to_owned(), "b=c".to_owned()), ("d".to_owned(), "e".to_owned())].into(),
        };
        assert_eq!(IssuerForm::of(spec.clone()).spec(), Ok(spec));
    }
}
