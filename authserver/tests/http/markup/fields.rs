//! The table: every field that somebody else's text can be in, filled with a payload of its own. Structs are written out
//! to the last field, so one that is new does not compile until it is here. It is stored past all checks: what keeps it
//! from being markup is the page alone.

use super::payload::Payloads;
use crate::keys::Key;
use crate::people::change;
use crate::support::{CALLBACK, Server, first};
use bearward::authorization_details::AuthorizationDetails;
use bearward::client_keys::{ClientKey, KeyMaterial};
use bearward::custom_claims::CustomClaims;
use bearward::model::{
    AccessTokenFormat, Account, AssertionKind, AuthorizationCode, AuthorizationField, AuthorizationType, Change,
    Client, ClientAuthMethod, ClientOptions, Digest, ExchangePolicy, FollowerName, Grant, GrantDetails, GrantType,
    IssuerSettings, Keys, MoreSecret, Passkey, Person, RefreshMode, Role, Scope, SecretSwitch, Session, Subjects,
    TlsSubject, TrustedIssuer,
};
use bearward::secret;
use bearward::storage::InitialAccessToken;
use bearward_token::scope::ScopeSet;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Fields that no page shows, and why; in order.
pub(super) const NOT_SHOWN: [(&str, &str); 7] = [
    ("follower.id", "only its first eight characters"),
    ("grant.claim", "no page has it"),
    ("grant.resource", "no page has it"),
    ("key.material", "of a key, its thumbprint and kind are shown"),
    ("keys.certificate", "of a certificate that is none, nothing"),
    ("keys.jwks", "of a key set, what its keys are"),
    ("session.agent", "only which browser it is, in words of ours"),
];

/// The client whose people choose, and the one whose don't.
pub(super) const CLIENT: &str = "evil";
pub(super) const DEVICE: &str = "evil-device";

/// What the fields of a server were filled with.
pub(super) struct Filled {
    pub(super) payloads: Payloads,
    /// The name of the scope.
    pub(super) scope: String,
    /// The type of authorization details.
    pub(super) kind: AuthorizationType,
    /// The name of the trusted issuer.
    pub(super) issuer: String,
}

/// Fills a server.
pub(super) async fn fill(server: &Server) -> Filled {
    let mut evil = Payloads::default();
    let store = server.app.store.as_ref();
    let scope = scope(&mut evil);
    store.put_scope(&scope).await.unwrap();
    let kind = authorization_type(&mut evil);
    assert!(store.add_authorization_type(&first(kind.clone()), &change()).await.unwrap());
    let client = client(&mut evil, &scope.name, &kind.name);
    store.create_client(&client).await.unwrap();
    let device = Client {
        id: DEVICE.to_owned(),
        name: evil.text("device.name"),
        auth_method: ClientAuthMethod::None,
        secret: None,
        grant_types: vec![GrantType::DeviceCode],
        options: ClientOptions::default(),
        ..client
    };
    store.create_client(&device).await.unwrap();
    let issuer = issuer(&mut evil, &scope.name);
    store.put_issuer(&issuer).await.unwrap();
    let initial = InitialAccessToken {
        note: evil.text("registration.note"),
        scopes: ScopeSet::parse(&scope.name).unwrap(),
        uses_left: 1000,
        expires_at: server.now() + 1_000_000,
        created_at: 1,
    };
    assert!(store.put_initial_access_token(&Digest([7; 32]), &initial, &change()).await.unwrap());
    person(server, &mut evil).await;
    grant(server, &mut evil, &scope.name, &kind.name).await;
    store.record(&entry(&mut evil)).await.unwrap();
    let follower = FollowerName { address: evil.text("follower.address"), id: evil.text("follower.id") };
    server.app.counters.follower(follower, Some(evil.text("follower.node")), server.now(), true);
    server.app.counters.flush(store, &server.app.env).await.unwrap();
    Filled { payloads: evil, scope: scope.name, kind, issuer: issuer.issuer }
}

fn scope(evil: &mut Payloads) -> Scope {
    Scope {
        name: evil.token("scope.name"),
        title: evil.text("scope.title"),
        description: evil.text("scope.description"),
    }
}

fn authorization_type(evil: &mut Payloads) -> AuthorizationType {
    let field = AuthorizationField {
        title: evil.text("detail.field.title"),
        required: true,
        values: vec![evil.text("detail.field.value")],
    };
    AuthorizationType {
        name: evil.text("detail.name"),
        title: evil.text("detail.title"),
        description: evil.text("detail.description"),
        fields: BTreeMap::from([
            (evil.text("detail.field.name"), field),
            ("open".to_owned(), AuthorizationField::default()),
        ]),
    }
}

/// A request for that type.
pub(super) fn details(evil: &mut Payloads, kind: &AuthorizationType) -> String {
    let (field, limits) = kind.fields.iter().find(|(_, field)| field.required).unwrap();
    let open = json!({ evil.text("asked.member"): [evil.text("asked.item")] });
    json!([{ "type": kind.name, field: limits.values[0], "open": open }]).to_string()
}

/// A client with everything set.
fn client(evil: &mut Payloads, scope: &str, kind: &str) -> Client {
    let scopes = ScopeSet::parse(scope).unwrap();
    Client {
        id: CLIENT.to_owned(),
        name: evil.text("client.name"),
        auth_method: ClientAuthMethod::ClientSecret,
        secret: Some(Digest::of("s")),
        sealed_secret: None,
        grant_types: vec![GrantType::AuthorizationCode, GrantType::ClientCredentials],
        redirect_uris: vec![CALLBACK.to_owned(), evil.uri("client.redirect_uri")],
        default_scopes: scopes.clone(),
        scopes,
        audience: vec![evil.text("client.audience")],
        options: ClientOptions {
            first_party: false,
            partial_consent: true,
            first_secret: switch(evil, "first"),
            more_secrets: vec![MoreSecret { digest: Digest([1; 32]), switch: switch(evil, "more") }],
            credentials: vec![ClientKey { key: KeyMaterial::Jwk(jwk(evil)), switch: switch(evil, "key") }],
            web_origins: vec![evil.uri("client.web_origin")],
            refresh_mode: RefreshMode::Rotate,
            refresh_lifetime: Some(1),
            refresh_absolute_lifetime: Some(1),
            keys: keys(evil, "keys"),
            assertion_subjects: Some(Subjects::Any),
            token_endpoint_auth_signing_alg: Some(evil.text("client.auth_alg")),
            tls_client_auth: Some(TlsSubject::Dn(evil.text("client.tls_subject"))),
            token_exchange: ExchangePolicy {
                impersonation: true,
                delegation: true,
                audiences: vec![evil.uri("client.exchange_audience")],
            },
            access_token_format: AccessTokenFormat::Jwt,
            access_token_signing_alg: Some(evil.text("client.signing_alg")),
            access_token_lifetime: Some(1),
            claims: claims(evil, "client"),
            grant_claims: BTreeMap::from([(GrantType::ClientCredentials, claims(evil, "client.grant"))]),
            request_claims: vec![evil.text("client.request_claim")],
            resources: vec![evil.uri("client.resource")],
            authorization_details_types: vec![kind.to_owned()],
            require_pkce: false,
            require_pushed_authorization_requests: false,
            require_signed_request_object: false,
            dpop_bound_access_tokens: false,
            tls_client_certificate_bound_access_tokens: false,
        },
        disabled_at: None,
        created_at: 1,
    }
}

fn jwk(evil: &mut Payloads) -> Value {
    let mut jwk = Key::new().jwk;
    jwk["kid"] = evil.text("key.material").into();
    jwk
}

fn switch(evil: &mut Payloads, of: &str) -> SecretSwitch {
    SecretSwitch {
        id: evil.text(&format!("{of}.id")),
        label: evil.text(&format!("{of}.label")),
        created_at: 1,
        disabled_at: None,
        expires_at: None,
    }
}

fn keys(evil: &mut Payloads, of: &str) -> Keys {
    let jwk = json!({ "kty": "oct", "kid": evil.text(&format!("{of}.jwks")) });
    Keys {
        jwks: Some(json!({ "keys": [jwk] })),
        jwks_uri: Some(evil.uri(&format!("{of}.jwks_uri"))),
        certificates: vec![evil.text(&format!("{of}.certificate"))],
    }
}

fn claims(evil: &mut Payloads, of: &str) -> CustomClaims {
    let name = evil.text(&format!("{of}.claim.name"));
    let list = json!([evil.text(&format!("{of}.claim.item"))]);
    let all = [(name, Value::from(evil.text(&format!("{of}.claim.value")))), (format!("{of}.list"), list)];
    CustomClaims::try_from(all.into_iter().collect::<serde_json::Map<_, _>>()).unwrap()
}

fn issuer(evil: &mut Payloads, scope: &str) -> TrustedIssuer {
    let claims = BTreeMap::from([(evil.text("issuer.claims.name"), evil.text("issuer.claims.source"))]);
    TrustedIssuer {
        issuer: evil.uri("issuer.issuer"),
        settings: IssuerSettings {
            kind: AssertionKind::Jwt,
            keys: keys(evil, "issuer"),
            subjects: Subjects::Any,
            scopes: Some(ScopeSet::parse(scope).unwrap()),
            clients: vec![evil.text("issuer.clients")],
            claims,
        },
        created_at: 1,
    }
}

/// Alice, by another name, with a passkey and a session from elsewhere.
async fn person(server: &Server, evil: &mut Payloads) {
    let store = server.app.store.as_ref();
    let account = store.account("person-alice").await.unwrap().unwrap();
    let person = Person { username: evil.text("person.username"), ..account.value.person };
    let renamed = Account { person, role: Role::Admin, password_at: None, totp: false, passkeys: 0 };
    assert!(store.edit_account(&renamed, account.version, None, &change()).await.unwrap());
    let passkey = Passkey {
        id: vec![1],
        person_id: "person-alice".to_owned(),
        label: evil.text("passkey.label"),
        credential: "{}".to_owned(),
        added_at: 1,
        used_at: Some(2),
    };
    assert!(store.add_passkey(&passkey, &[], &change()).await.unwrap());
    let (address, agent) = (evil.text("session.address"), evil.text("session.agent"));
    let whence = (Some(address.as_str()), Some(agent.as_str()));
    store.begin_session(&Digest([2; 32]), &session(server), whence, None, &change()).await.unwrap();
}

/// A session of that person; its cookie.
pub(super) async fn signed_in(server: &Server) -> String {
    let cookie = secret::generate(server.app.env.random.as_ref(), secret::SESSION);
    server.app.store.create_session(&Digest::of(&cookie), &session(server), None).await.unwrap();
    cookie.to_string()
}

fn session(server: &Server) -> Session {
    let now = server.now();
    Session {
        person_id: "person-alice".to_owned(),
        auth_time: now - 5,
        acr: "pwd".to_owned(),
        expires_at: now + 3600,
        used_at: now,
    }
}

/// Consent is remembered, so that the account page lists the client.
async fn grant(server: &Server, evil: &mut Payloads, scope: &str, kind: &str) {
    let asked = json!([{ "type": kind }]);
    let authorization_details: AuthorizationDetails = serde_json::from_value(asked).unwrap();
    let claim = serde_json::Map::from_iter([("c".to_owned(), Value::from(evil.text("grant.claim")))]);
    let grant = Grant {
        id: "evil-grant".to_owned(),
        client_id: DEVICE.to_owned(),
        person_id: "person-alice".to_owned(),
        scope: ScopeSet::parse(scope).unwrap(),
        auth_time: 1,
        acr: "pwd".to_owned(),
        details: GrantDetails {
            resources: vec![evil.uri("grant.resource")],
            authorization_details,
            claims: CustomClaims::try_from(claim).unwrap(),
            dpop_jkt: None,
        },
        created_at: server.now(),
        revoked_at: None,
    };
    let code = AuthorizationCode { grant, redirect_uri: None, code_challenge: None, expires_at: 2, used_at: None };
    server.app.store.authorize(&Digest([3; 32]), &code).await.unwrap();
}

fn entry(evil: &mut Payloads) -> Change {
    let leaked = |text: String| -> &'static str { text.leak() };
    Change {
        at: 1,
        actor_kind: leaked(evil.text("audit.actor_kind")),
        actor: evil.text("audit.actor"),
        address: Some(evil.text("audit.address")),
        action: leaked(evil.text("audit.action")),
        object_kind: leaked(evil.text("audit.object_kind")),
        object: evil.text("audit.object"),
        before: Some(
            json!({ "field": evil.text("audit.before"), "inner": { "of": [evil.text("audit.inner")] } }).to_string(),
        ),
        after: Some(json!({ "field": evil.text("audit.after"), evil.text("audit.field"): 1 }).to_string()),
    }
}
