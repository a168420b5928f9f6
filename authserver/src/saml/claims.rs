//! What a verified assertion says, and whether it is good here and now: RFC 7522 §3.

use super::{Refused, SAML, dom, text};
use roxmltree::Node;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

/// The canonical octets that a pinned key signed: the only thing that claims are read from.
pub struct Verified(String);

/// What an assertion has to fit.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The entity whose keys verified it.
    pub issuer: &'a str,
    /// What this server is called as an audience (RFC 7522 §3 item 2); one of them has to be named.
    pub audiences: &'a [&'a str],
    /// What the token endpoint is called as a recipient (item 5).
    pub recipients: &'a [&'a str],
    /// Unix time in seconds.
    pub now: i64,
    /// By how many seconds clocks may differ.
    pub skew: i64,
    /// How many seconds ahead an assertion may end at most (item 6): so long its use has to be remembered.
    pub longest: i64,
}

/// An assertion that holds: whoever bears it acts for its subject, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// Its `ID`, unique for the issuer.
    pub id: String,
    /// The text of `NameID`.
    pub subject: String,
    /// Until when it has to be remembered that it was used: nobody takes it later.
    pub expires_at: i64,
}

impl Verified {
    pub(super) fn new(canonical: String) -> Self {
        Self(canonical)
    }

    /// What its attribute statements say (SAML core §2.7.3): the values of each attribute, by its `Name`. Values that
    /// are not text alone, or empty, are left out.
    ///
    /// # Errors
    /// [`Refused::Shape`]
    pub fn attributes(&self) -> Result<BTreeMap<String, Vec<String>>, Refused> {
        let document = text::parse(&self.0)?;
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for statement in dom::named(dom::assertion(&document)?, "AttributeStatement")? {
            for attribute in dom::named(statement, "Attribute")? {
                let name = attribute.attribute("Name").ok_or(Refused::Shape("an attribute has no Name"))?;
                let values = dom::named(attribute, "AttributeValue")?.into_iter();
                all.entry(name.to_owned()).or_default().extend(values.filter_map(|value| dom::text(value).ok()));
            }
        }
        Ok(all)
    }

    /// Compares what it says with what is due.
    ///
    /// # Errors
    /// [`Refused::Claims`] for what does not fit, [`Refused::Shape`] for what cannot be read.
    pub fn bearer(&self, expected: &Expected<'_>) -> Result<Bearer, Refused> {
        let document = text::parse(&self.0)?;
        let assertion = dom::assertion(&document)?;
        if dom::issuer(assertion)? != expected.issuer {
            return Err(Refused::Claims("its Issuer is not the one whose key signed it"));
        }
        let conditions = dom::at_most_one(assertion, "Conditions")?;
        let conditions = conditions.ok_or(Refused::Claims("it has no Conditions, so no audience"))?;
        let ends = hold(conditions, expected)?;
        let subject = dom::at_most_one(assertion, "Subject")?.ok_or(Refused::Claims("it has no Subject"))?;
        let name = dom::at_most_one(subject, "NameID")?.ok_or(Refused::Claims("its Subject has no NameID"))?;
        let confirmed = confirmation(subject, ends, expected)?;
        let expires_at =
            [ends, confirmed].into_iter().flatten().min().ok_or(Refused::Claims("nothing says when it ends"))?;
        if expires_at > expected.now.saturating_add(expected.longest) {
            return Err(Refused::Claims("it ends too far ahead"));
        }
        Ok(Bearer {
            id: dom::identifier(assertion)?.to_owned(),
            subject: dom::text(name)?,
            expires_at: expires_at.saturating_add(expected.skew),
        })
    }
}

/// Every condition has to hold, and one that is not known does not (SAML core §2.5.1). When they end.
fn hold(conditions: Node<'_, '_>, expected: &Expected<'_>) -> Result<Option<i64>, Refused> {
    let ends = window(conditions, expected).map_err(|_| Refused::Claims("its Conditions do not hold now"))?;
    let mut audience = false;
    for condition in dom::elements(conditions)? {
        match condition.tag_name().name() {
            _ if condition.tag_name().namespace() != Some(SAML) => {
                return Err(Refused::Claims("a condition is not known"));
            }
            "AudienceRestriction" => {
                let named =
                    dom::named(condition, "Audience")?.into_iter().map(dom::text).collect::<Result<Vec<_>, _>>()?;
                if !named.iter().any(|audience| expected.audiences.contains(&audience.as_str())) {
                    return Err(Refused::Claims("its Audience is not this server"));
                }
                audience = true;
            }
            // Both hold here by themselves: every assertion is used once, and none is passed on.
            "OneTimeUse" | "ProxyRestriction" => {}
            _ => return Err(Refused::Claims("a condition is not known")),
        }
    }
    if audience { Ok(ends) } else { Err(Refused::Claims("it names no Audience")) }
}

/// One bearer confirmation has to fit; those that do not, or that are for others, do not hurt (item 6). When it ends.
fn confirmation(subject: Node<'_, '_>, ends: Option<i64>, expected: &Expected<'_>) -> Result<Option<i64>, Refused> {
    let mut why = Refused::Claims("it has no SubjectConfirmation for a bearer");
    for confirmation in dom::named(subject, "SubjectConfirmation")? {
        if confirmation.attribute("Method") != Some(BEARER) {
            continue;
        }
        match dom::at_most_one(confirmation, "SubjectConfirmationData")? {
            None if ends.is_some() => return Ok(None),
            None => why = Refused::Claims("nothing says when it ends"),
            Some(data) => match fits(data, expected) {
                Ok(ends) => return Ok(Some(ends)),
                Err(error) => why = error,
            },
        }
    }
    Err(why)
}

fn fits(data: Node<'_, '_>, expected: &Expected<'_>) -> Result<i64, Refused> {
    let recipient = data.attribute("Recipient").ok_or(Refused::Claims("its confirmation has no Recipient"))?;
    if !expected.recipients.contains(&recipient) {
        return Err(Refused::Claims("its Recipient is not the token endpoint"));
    }
    let ends = window(data, expected).map_err(|_| Refused::Claims("its confirmation does not hold now"))?;
    ends.ok_or(Refused::Claims("its confirmation has no NotOnOrAfter"))
}

/// Whether now is inside `NotBefore` and `NotOnOrAfter`; when it ends, if it says.
fn window(node: Node<'_, '_>, expected: &Expected<'_>) -> Result<Option<i64>, Refused> {
    let begins = node.attribute("NotBefore").map(instant).transpose()?;
    let ends = node.attribute("NotOnOrAfter").map(instant).transpose()?;
    let begun = begins.is_none_or(|at| at <= expected.now.saturating_add(expected.skew));
    let ended = ends.is_some_and(|at| expected.now >= at.saturating_add(expected.skew));
    if begun && !ended { Ok(ends) } else { Err(Refused::Claims("it does not hold now")) }
}

/// `xs:dateTime` in UTC (SAML core §1.3.3), to the second below.
fn instant(text: &str) -> Result<i64, Refused> {
    let malformed = Refused::Shape("a time is not an xs:dateTime in UTC");
    if !text.ends_with('Z') {
        return Err(malformed);
    }
    OffsetDateTime::parse(text, &Rfc3339).map(OffsetDateTime::unix_timestamp).map_err(|_| malformed)
}
