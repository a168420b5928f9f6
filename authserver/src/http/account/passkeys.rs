//! Passkeys on the account page: made, and taken away. Both ask for the password, as a passkey is a way in.

use super::Visit;
use crate::admin::{NOTHING, change};
use crate::http::Route;
use crate::http::params::Params;
use crate::model::Passkey;
use crate::pages::{self, PasskeyPart, PasskeySetupPage, PasskeyWords, Trouble, When};
use crate::passkeys::{PasskeyError, Passkeys};
use crate::totp::recovery_codes;
use axum::response::Response;
use http::StatusCode;

/// How many passkeys a person may have.
const MOST: usize = 20;
/// The longest name of one, in characters.
const LONGEST_LABEL: usize = 60;
const USUAL_LABEL: &str = "Passkey";

impl Visit<'_> {
    /// The page on which a passkey is made.
    pub(super) async fn passkey_start(&self, params: &Params) -> Result<Response, Trouble> {
        let passkeys = self.passkeys()?;
        if let Some(wrong) = self.password_is_wrong(params).await? {
            return self.wrong(wrong).await;
        }
        self.passkey_setup(passkeys, USUAL_LABEL, None).await
    }

    async fn passkey_setup(&self, passkeys: &Passkeys, label: &str, error: Option<&str>) -> Result<Response, Trouble> {
        let Self { app, signed_in, .. } = self;
        let have = app.store.passkeys(&signed_in.person.id).await?;
        if have.len() >= MOST {
            return self.wrong("You have as many passkeys as there can be. Remove one first.").await;
        }
        let sources = (&*app.sealer, &*app.env.random);
        let begun = passkeys.registration(
            sources,
            &self.ceremony(self.browser.name()),
            &signed_in.person,
            &have,
            app.env.now(),
        );
        let ceremony = begun.map_err(|error| {
            tracing::error!(%error, "a passkey ceremony could not be made");
            Trouble::Broken
        })?;
        let page = PasskeySetupPage {
            frame: pages::Frame::of(app),
            action: app.urls.path(Route::Account),
            csrf: self.csrf()?,
            label,
            passkey: PasskeyPart::of(app, ceremony, passkeys.origin()),
            error,
        };
        let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        Ok(pages::html_with_script(status, &page, None))
    }

    /// The browser, which had this name when the page was made, made one.
    pub(super) async fn passkey_confirm(&self, bound: &str, params: &Params) -> Result<Response, Trouble> {
        let Self { app, signed_in, .. } = self;
        let (passkeys, person, now) = (self.passkeys()?, &signed_in.person, app.env.now());
        let label: String = params.get("label").unwrap_or(USUAL_LABEL).trim().chars().take(LONGEST_LABEL).collect();
        let label = if label.is_empty() || label.contains(char::is_control) { USUAL_LABEL.to_owned() } else { label };
        let field = |name| params.get(name).unwrap_or_default();
        let (sealed, credential) = (field("passkey"), field("credential"));
        let about = (person, label.as_str(), now);
        let made = passkeys.registered(&app.sealer, &self.ceremony(bound), sealed, credential, about);
        let (passkey, once) = match made {
            Ok(made) => made,
            Err(PasskeyError::Expired) => {
                let error = "This page had expired. Please make the passkey again.";
                return self.passkey_setup(passkeys, &label, Some(error)).await;
            }
            Err(error) => {
                tracing::info!(%error, "a new passkey was refused");
                let error = "Your device made a passkey that cannot be used here. Try again, or use another device.";
                return self.passkey_setup(passkeys, &label, Some(error)).await;
            }
        };
        if !app.store.use_once(&once.name, once.until).await? {
            let error = "That passkey was sent twice. Please make it again.";
            return self.passkey_setup(passkeys, &label, Some(error)).await;
        }
        // Whoever loses the only device still gets in.
        let (codes, digests) = match app.store.recovery_codes_left(&person.id).await? {
            0 => recovery_codes(app.env.random.as_ref()),
            _ => (Vec::new(), Vec::new()),
        };
        let after = serde_json::json!({ "label": label, "id": hex(&passkey.id) });
        let object = ("person.passkey.add", "person", person.id.as_str());
        let change = change(&app.env, &self.actor(), object, NOTHING, Some(&after));
        if !app.store.add_passkey(&passkey, &digests, &change).await? {
            let error = "That passkey is registered already. Nothing was changed.";
            return self.passkey_setup(passkeys, &label, Some(error)).await;
        }
        if codes.is_empty() { Ok(self.done("passkey")) } else { self.show_codes(codes) }
    }

    pub(super) async fn passkey_remove(&self, params: &Params) -> Result<Response, Trouble> {
        let Self { app, signed_in, .. } = self;
        if let Some(wrong) = self.password_is_wrong(params).await? {
            return self.wrong(wrong).await;
        }
        let me = signed_in.person.id.as_str();
        let named = params.get("id").unwrap_or_default();
        let passkey = app.store.passkeys(me).await?.into_iter().find(|passkey| hex(&passkey.id) == named);
        let Some(passkey) = passkey else { return Err(Trouble::NotFound) };
        let before = serde_json::json!({ "label": passkey.label, "id": named });
        let object = ("person.passkey.remove", "person", me);
        let change = change(&app.env, &self.actor(), object, Some(&before), NOTHING);
        app.store.remove_passkey(me, &passkey.id, &change).await?;
        Ok(self.done("passkey-off"))
    }

    fn passkeys(&self) -> Result<&Passkeys, Trouble> {
        self.app.passkeys.as_ref().ok_or(Trouble::NotFound)
    }

    /// What a ceremony is bound to: the browser and the person.
    fn ceremony(&self, browser: &str) -> String {
        format!("{browser} {}", self.signed_in.person.id)
    }
}

/// A person's passkeys, in words.
pub(super) fn words(passkeys: &[Passkey]) -> Vec<PasskeyWords> {
    passkeys
        .iter()
        .map(|one| PasskeyWords {
            id: hex(&one.id),
            label: one.label.clone(),
            added: When(one.added_at),
            used: one.used_at.map(When),
        })
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _: std::fmt::Result = write!(text, "{byte:02x}");
        text
    })
}
