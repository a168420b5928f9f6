//! `GET` and `POST /account`: the clients that have access, sessions, the second factor, the password. Each form does one
//! thing and names it in `do`.

mod away;
mod passkeys;

use super::address::Address;
use super::browser::Browser;
use super::cookies::SignedIn;
use super::goal;
use super::params::{Form, Params, ParamsError};
use super::{App, Route, answer, cookies, csrf};
use crate::activity::Kind;
use crate::admin::{Actor, NOTHING, change, check_password};
use crate::grants::{CLOCK_MARGIN, seconds};
use crate::model::{Change, Digest, Revocation, Role, Totp};
use crate::pages::{self, AccountPage, CodesPage, FactorSetupPage, Trouble, When};
use crate::passwords::{PasswordError, Verdict};
use crate::secret;
use crate::totp::{self, recovery_codes};
use axum::extract::{Extension, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward_token::feed::Subject;
use http::{HeaderMap, StatusCode, Uri};
use std::sync::Arc;
use zeroize::Zeroizing;

/// What forms of this page are bound to, beside the browser and the person.
const FORMS: &str = "account";

/// What came with a request.
struct Visit<'a> {
    app: &'a App,
    browser: &'a Browser,
    signed_in: &'a SignedIn,
    address: Address,
}

/// What the page says first.
#[derive(Clone, Copy)]
enum Said {
    Done(&'static str),
    Wrong(&'static str),
}

pub(super) async fn get(
    State(app): State<Arc<App>>,
    Extension(browser): Extension<Browser>,
    address: Address,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let shown = async {
        let Some(signed_in) = cookies::signed_in(&app, &headers).await? else { return to_login(&app) };
        let visit = Visit { app: &app, browser: &browser, signed_in: &signed_in, address };
        let said = match uri.query() {
            Some("done=session") => Some(Said::Done("That session has ended.")),
            Some("done=sessions") => Some(Said::Done("All other sessions have ended.")),
            Some("done=withdrawn") => Some(Said::Done("Access is withdrawn. Nothing that was given works any more.")),
            Some("done=password") => Some(Said::Done("Your password is changed, and all other sessions have ended.")),
            Some("done=factor-off") => Some(Said::Done("The app is turned off.")),
            Some("done=passkey") => Some(Said::Done("Your passkey is there. You can sign in by it alone.")),
            Some("done=passkey-off") => Some(Said::Done("That passkey signs nobody in any more.")),
            _ => None,
        };
        page(&visit, said).await
    };
    shown.await.unwrap_or_else(|trouble: Trouble| trouble.page(&app))
}

pub(super) async fn post(
    State(app): State<Arc<App>>,
    Extension(browser): Extension<Browser>,
    address: Address,
    headers: HeaderMap,
    form: Result<Form, ParamsError>,
) -> Response {
    let answered = async {
        let Form(params) = form?;
        let Some(signed_in) = cookies::signed_in(&app, &headers).await? else {
            let ours = csrf::certainly_ours(&app, &headers) && params.has(csrf::FIELD);
            let kept = ours.then(|| away::page(&app, &params)).flatten();
            return kept.unwrap_or_else(|| to_login(&app));
        };
        let visit = Visit { app: &app, browser: &browser, signed_in: &signed_in, address };
        let binding = csrf::Binding { person: Some(&signed_in.person.id), sealed: FORMS };
        let Some(bound) = csrf::check(&app, csrf::Purpose::Account, &browser, binding, &params) else {
            return page(&visit, Some(Said::Wrong("This page had expired. Nothing was changed; please try again.")))
                .await;
        };
        visit.act(bound, &params).await
    };
    answered.await.unwrap_or_else(|trouble: Trouble| trouble.page(&app))
}

impl Visit<'_> {
    async fn act(&self, bound: &str, params: &Params) -> Result<Response, Trouble> {
        let Self { app, signed_in, .. } = self;
        let me = signed_in.person.id.as_str();
        match params.get("do") {
            Some("end-session") => {
                let Some(id) = params.get("session").and_then(Digest::from_hex) else { return Err(Trouble::NotFound) };
                app.store.end_session_of(me, &id, &self.change("session.end")).await?;
                Ok(self.done("session"))
            }
            Some("end-others") => {
                let change = self.change("session.end_others");
                app.store.end_other_sessions(me, &Digest::of(&signed_in.cookie), &change).await?;
                Ok(self.done("sessions"))
            }
            Some("sign-out") => {
                let id = Digest::of(&signed_in.cookie);
                app.store.end_session_of(me, &id, &self.change("session.end")).await?;
                let mut response = answer::see_other(&goal::login_for(app, &app.urls.path(Route::Account))?);
                cookies::clear_session(app, response.headers_mut());
                Ok(response)
            }
            Some("withdraw") => self.withdraw(params.get("client").unwrap_or_default()).await,
            Some("password") => self.password(params).await,
            Some("factor-start") => self.factor_start(params).await,
            Some("factor-confirm") => self.factor_confirm(params).await,
            Some("factor-off") => self.factor_off(params).await,
            Some("passkey-start") => self.passkey_start(params).await,
            Some("passkey-confirm") => self.passkey_confirm(bound, params).await,
            Some("passkey-remove") => self.passkey_remove(params).await,
            Some("new-codes") => self.new_codes(params).await,
            _ => Err(Trouble::NotFound),
        }
    }

    /// Everything that the client was given ends, everywhere: each grant with all that came from it.
    async fn withdraw(&self, client_id: &str) -> Result<Response, Trouble> {
        let Self { app, signed_in, .. } = self;
        let me = signed_in.person.id.as_str();
        if client_id.contains('\0') {
            return Err(Trouble::NotFound);
        }
        let now = app.env.now();
        let until = now.saturating_add(seconds(app.config.tokens.max_access_lifetime)).saturating_add(CLOCK_MARGIN);
        let live = app.store.live_grants(me, client_id).await?;
        let ends: Vec<_> =
            live.into_iter().map(|id| (id.clone(), Revocation::always(Subject::Grant(&id), now, until))).collect();
        let after = serde_json::json!({ "client_id": client_id, "grants": ends.len() });
        let change = change(&app.env, &self.actor(), ("consent.withdraw", "person", me), NOTHING, Some(&after));
        app.store.withdraw(me, client_id, &ends, &change).await?;
        app.counters.count(Kind::Revoked);
        Ok(self.done("withdrawn"))
    }

    async fn password(&self, params: &Params) -> Result<Response, Trouble> {
        let Self { app, signed_in, .. } = self;
        if let Some(wrong) = self.password_is_wrong(params).await? {
            return self.wrong(wrong).await;
        }
        let (new, again) = (params.get("new").unwrap_or_default(), params.get("again").unwrap_or_default());
        if new != again {
            return self.wrong("The new password and its repetition differ. Nothing was changed.").await;
        }
        if check_password(new).is_err() {
            return self.wrong("A password has at least 8 characters. Nothing was changed.").await;
        }
        let hash = app.passwords.hash(Zeroizing::new(new.to_owned())).await.map_err(busy)?;
        let person = &signed_in.person;
        let hashes = (person.password_hash.as_str(), hash.as_str());
        let change = self.change("person.password.change");
        // Whoever knows this session's cookie is rid of it as well.
        let cookie = secret::generate(app.env.random.as_ref(), secret::SESSION);
        let session = (&Digest::of(&signed_in.cookie), &Digest::of(&cookie));
        if app.store.change_password(&person.id, hashes, session, &change).await? {
            let mut response = self.done("password");
            cookies::set_session(app, response.headers_mut(), &cookie);
            Ok(response)
        } else {
            self.wrong("Your password was changed elsewhere in the meantime. Please try again.").await
        }
    }

    /// The password is asked for: an app is a way in, and takes the place of the one there was, recovery codes and all.
    async fn factor_start(&self, params: &Params) -> Result<Response, Trouble> {
        if let Some(wrong) = self.password_is_wrong(params).await? {
            return self.wrong(wrong).await;
        }
        self.factor_setup(&totp::Secret::generate(self.app.env.random.as_ref()), None)
    }

    /// Shows a new secret, which counts once a code from it was given.
    fn factor_setup(&self, secret: &totp::Secret, error: Option<&str>) -> Result<Response, Trouble> {
        let Self { app, signed_in, .. } = self;
        let host = pages::Frame::of(app).host;
        let uri = secret.uri(&format!("Bearward ({host})").replace(':', " "), &signed_in.person.username);
        let page = FactorSetupPage {
            frame: pages::Frame::of(app),
            action: app.urls.path(Route::Account),
            csrf: self.csrf()?,
            sealed: URL_SAFE_NO_PAD.encode(secret.seal(&app.sealer, &signed_in.person.id)?),
            text: secret.text(),
            picture: pages::qr(&uri),
            uri,
            error,
        };
        let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        Ok(pages::html(status, &page, None))
    }

    async fn factor_confirm(&self, params: &Params) -> Result<Response, Trouble> {
        let Self { app, signed_in, .. } = self;
        let me = signed_in.person.id.as_str();
        let sealed = params.get("secret").and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).unwrap_or_default();
        let Ok(secret) = totp::Secret::open(&app.sealer, me, &sealed) else { return Err(Trouble::NotFound) };
        let Some(step) = secret.step_of(params.get("code").unwrap_or_default(), app.env.now()) else {
            let error = "That code is not right. Check the time of your device, and type the code that it shows now.";
            return self.factor_setup(&secret, Some(error));
        };
        let (codes, digests) = recovery_codes(app.env.random.as_ref());
        let totp = Totp { sealed, last_step: step, added_at: app.env.now() };
        app.store.set_totp(me, &totp, &digests, &self.change("person.totp.set")).await?;
        self.show_codes(codes)
    }

    async fn factor_off(&self, params: &Params) -> Result<Response, Trouble> {
        if let Some(wrong) = self.password_is_wrong(params).await? {
            return self.wrong(wrong).await;
        }
        let change = self.change("person.totp.remove");
        self.app.store.remove_totp(&self.signed_in.person.id, &change).await?;
        Ok(self.done("factor-off"))
    }

    async fn new_codes(&self, params: &Params) -> Result<Response, Trouble> {
        if let Some(wrong) = self.password_is_wrong(params).await? {
            return self.wrong(wrong).await;
        }
        let (codes, digests) = recovery_codes(self.app.env.random.as_ref());
        let change = self.change("person.recovery_codes.set");
        self.app.store.set_recovery_codes(&self.signed_in.person.id, &digests, &change).await?;
        self.show_codes(codes)
    }

    fn show_codes(&self, codes: Vec<Zeroizing<String>>) -> Result<Response, Trouble> {
        let page = CodesPage { frame: pages::Frame::of(self.app), back: self.app.urls.path(Route::Account), codes };
        Ok(pages::html(StatusCode::OK, &page, None))
    }

    /// What to say if the form does not hold the person's present password.
    async fn password_is_wrong(&self, params: &Params) -> Result<Option<&'static str>, Trouble> {
        let Self { app, signed_in, address, .. } = self;
        let given = params.get("old").unwrap_or_default();
        let username = signed_in.person.username.as_str();
        // Whoever sits down at a browser that was left open guesses no faster than at the sign-in page.
        let trier = super::throttle::Trier { username, address: Some(*address), device: Some("account") };
        if trier.password(app).await?.is_some() {
            return Ok(Some("There were too many tries. Nothing was changed; please wait a minute and try again."));
        }
        let stored = Some(signed_in.person.password_hash.clone());
        let verdict = app.passwords.verify(stored, Zeroizing::new(given.to_owned())).await.map_err(busy)?;
        if verdict == Verdict::Wrong {
            return Ok(Some("That is not your present password. Nothing was changed."));
        }
        trier.right(app).await?;
        Ok(None)
    }

    fn actor(&self) -> Actor {
        Actor { kind: "person", id: self.signed_in.person.id.clone(), address: self.address.text() }
    }

    fn change(&self, action: &'static str) -> Change {
        let me = self.signed_in.person.id.as_str();
        change(&self.app.env, &self.actor(), (action, "person", me), NOTHING, NOTHING)
    }

    fn csrf(&self) -> Result<String, Trouble> {
        let binding = csrf::Binding { person: Some(&self.signed_in.person.id), sealed: FORMS };
        Ok(csrf::token(self.app, csrf::Purpose::Account, self.browser, binding)?)
    }

    fn done(&self, what: &str) -> Response {
        answer::see_other(&format!("{}?done={what}", self.app.urls.path(Route::Account)))
    }

    async fn wrong(&self, text: &'static str) -> Result<Response, Trouble> {
        page(self, Some(Said::Wrong(text))).await
    }
}

async fn page(visit: &Visit<'_>, said: Option<Said>) -> Result<Response, Trouble> {
    let Visit { app, signed_in, .. } = visit;
    let person = &signed_in.person;
    let account = app.store.account(&person.id).await?.ok_or(Trouble::NotFound)?.value;
    let words = app.store.scopes().await?;
    let this = Digest::of(&signed_in.cookie);
    let now = app.env.now();
    let sessions = app.store.sessions(&person.id, now, app.config.sessions.idle_since(now)).await?;
    let access = app.store.access(&person.id).await?;
    let passkeys = app.store.passkeys(&person.id).await?;
    let factor = account.totp || !passkeys.is_empty();
    let codes_left = if factor { app.store.recovery_codes_left(&person.id).await? } else { 0 };
    let (done, wrong) = match said {
        Some(Said::Done(text)) => (Some(text), None),
        Some(Said::Wrong(text)) => (None, Some(text)),
        None => (None, None),
    };
    let page = AccountPage {
        frame: pages::Frame::of(app),
        action: app.urls.path(Route::Account),
        console: (account.role == Role::Admin).then(|| app.urls.path(Route::Admin)),
        csrf: visit.csrf()?,
        username: &person.username,
        access: access.iter().map(|one| pages::AccessWords::of(one, &words)).collect(),
        sessions: sessions
            .iter()
            .map(|one| pages::SessionWords {
                id: one.id.hex(),
                this: one.id == this,
                began: When(one.auth_time),
                used: When(one.used_at),
                place: one.address.as_deref().unwrap_or("an unknown address"),
                browser: pages::browser_name(one.agent.as_deref().unwrap_or_default()),
            })
            .collect(),
        totp: account.totp,
        passkeys: app.passkeys.is_some().then(|| passkeys::words(&passkeys)),
        factor,
        codes_left,
        done,
        wrong,
    };
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(pages::html(status, &page, None))
}

fn to_login(app: &App) -> Result<Response, Trouble> {
    Ok(answer::see_other(&goal::login_for(app, &app.urls.path(Route::Account))?))
}

fn busy(error: PasswordError) -> Trouble {
    tracing::warn!(%error, "a password could not be hashed");
    Trouble::Unavailable
}
