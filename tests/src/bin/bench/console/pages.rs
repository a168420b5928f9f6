//! Every page of the console, and how it is asked for.

use super::fill::{CLIENTS, ENTRIES, GRANTS, PEOPLE};

/// A page.
#[derive(Debug)]
pub(crate) struct Page {
    /// In the table.
    pub(super) name: &'static str,
    /// Its path and query below `/admin`, at a turn.
    pub(super) path: fn(Turn) -> String,
    /// What it says, or it is another one.
    pub(super) says: &'static str,
}

/// A turn: its number, and the time when it was asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    pub(super) number: u64,
    pub(super) now: u64,
}

impl Turn {
    /// Some number from 1 up to this one, another one at each turn and for each `salt`: spread as by chance, and the same
    /// in every run.
    fn one_of(self, most: u64, salt: u64) -> u64 {
        let mixed = (self.number ^ (salt << 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) % most + 1
    }
}

const fn page(name: &'static str, path: fn(Turn) -> String, says: &'static str) -> Page {
    Page { name, path, says }
}

pub(super) static PAGES: [Page; 36] = [
    page("overview", |_| String::new(), "gateways follow"),
    page("clients: first page", |_| "/clients".into(), "Next page"),
    page("clients: deep page", |t| format!("/clients?after=app-{}", t.one_of(CLIENTS, 1)), "app-"),
    page("clients: search that finds one", |t| format!("/clients?q=app-{}", t.one_of(CLIENTS, 2)), "app-"),
    page("clients: search that finds none", |t| format!("/clients?q=nothing-{}", t.number), "No client’s name"),
    page("clients: search that finds 15,000", |_| "/clients?q=acme".into(), "Next page"),
    page(
        "clients: deep page of such a search",
        |t| format!("/clients?q=acme&after=app-{}", t.one_of(CLIENTS / 2, 3)),
        "Acme",
    ),
    page("client: new", |_| "/clients/new".into(), "New client"),
    page("client", |t| format!("/clients/app-{}", t.one_of(CLIENTS, 4)), "Registration"),
    page("registration", |_| "/registration".into(), "Partner 7"),
    page("scopes", |_| "/scopes".into(), "area1:read"),
    page("scope", |t| format!("/scopes/area{}:read", t.one_of(14, 5)), "What people see"),
    page("people: first page", |_| "/people".into(), "Next page"),
    page("people: deep page", |t| format!("/people?after=farid.{}", t.one_of(PEOPLE, 6)), "Next page"),
    page("people: search that finds few", |t| format!("/people?q=bo.{}1", t.one_of(20_000, 7)), "begins with"),
    page("people: search that finds none", |t| format!("/people?q=nobody-{}", t.number), "Nobody’s username"),
    page("people: search that finds 25,000", |_| "/people?q=anna".into(), "Next page"),
    page("person", |t| format!("/people/person-{}", t.one_of(PEOPLE, 8)), "Apps with access"),
    page("person with most grants", |_| "/people/person-1".into(), "Apps with access"),
    page("grants: first page", |_| "/grants".into(), "Next page"),
    page(
        "grants: deep page",
        |t| format!("/grants?after={}.grant-{}", t.now - t.one_of(60_000_000, 9), t.one_of(GRANTS, 10)),
        "Next page",
    ),
    page("grants: of a client", |t| format!("/grants?client=app-{}", t.one_of(CLIENTS, 11)), "Grants"),
    page(
        "grants: of the client with most, deep",
        |t| format!("/grants?client=app-1&after={}.grant-1", t.now - t.one_of(60_000_000, 12)),
        "Grants",
    ),
    page("grants: of a person", |t| format!("/grants?person=person-{}", t.one_of(PEOPLE, 13)), "Grants"),
    page(
        "grants: of a client and a person",
        |t| format!("/grants?client=app-1&person=person-{}", t.one_of(1_000, 14)),
        "Grants",
    ),
    page("grants: of nobody", |t| format!("/grants?client=nothing-{}", t.number), "no such grants"),
    page("issuers", |_| "/issuers".into(), "idp-7.example"),
    page("issuer", |t| format!("/issuers/one?issuer=https://idp-{}.example", t.one_of(20, 18)), "What is believed"),
    page("keys", |_| "/keys".into(), "Signing keys"),
    page("audit log: first page", |_| "/audit".into(), "Next page"),
    page("audit log: deep page", |t| format!("/audit?after={}", t.one_of(ENTRIES, 15)), "person.sign_in"),
    page("audit log: of a kind that is rare", |_| "/audit?kind=key".into(), "no such entries"),
    page("audit log: of an action that is rare", |_| "/audit?action=keys.rotate".into(), "no such entries"),
    page("audit log: what one who did most never did", |_| "/audit?actor=person-1&kind=key".into(), "no such entries"),
    page(
        "audit log: of an actor and an action",
        |t| format!("/audit?actor=person-{}&action=client.edit", t.one_of(PEOPLE, 16)),
        "Audit log",
    ),
    page(
        "audit log: of an object",
        |t| format!("/audit?kind=client&object=app-{}", t.one_of(CLIENTS, 17)),
        "Audit log",
    ),
];
