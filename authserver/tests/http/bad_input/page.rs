//! docs/conformance.md: every rule and every row, to be read and looked up.

use super::{TABLES, authorize, best_practice, rules};

#[test]
fn the_page_says_what_is_held() {
    let page =
        [HEAD.to_owned(), rules::page(), SIZES.to_owned(), ROWS.to_owned(), tables(), authorization(), practice()]
            .concat();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/conformance.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(file, &page).unwrap();
    }
    let found = std::fs::read_to_string(file).unwrap_or_default();
    assert!(found == page, "docs/conformance.md is old: UPDATE_DOCS=1 cargo test -p bearward --test http the_page");
}

fn tables() -> String {
    let mut page = String::new();
    for (title, rows) in TABLES {
        page += &format!("\n### {title}\n\n| RFC | rule | answer |\n|---|---|---|\n");
        for row in rows() {
            let (rfc, rule) = row.rule.split_once(": ").unwrap_or(("", row.rule));
            let header = row.header.map(|(name, value)| format!(", `{name}: {value}…`")).unwrap_or_default();
            let error = if row.error.is_empty() { String::new() } else { format!(" `{}`", row.error) };
            let says = row.says.map(|(member, value)| format!(", `{member}`: `{value}`")).unwrap_or_default();
            page += &format!("| {rfc} | {rule} | {}{error}{header}{says} |\n", row.status);
        }
    }
    page
}

fn authorization() -> String {
    let mut page = String::from("\n### Authorization requests: what is told to the client\n\n");
    page += "| RFC | rule | `error` |\n|---|---|---|\n";
    for (rule, _, error) in authorize::TOLD {
        let (rfc, rule) = rule.split_once(": ").unwrap();
        page += &format!("| {rfc} | {rule} | `{error}` |\n");
    }
    page += "\n### Authorization requests: what cannot be read\n\nWhom to tell is not known then: 400 and a page.\n\n";
    page += "| RFC | rule |\n|---|---|\n";
    for (rule, _) in authorize::UNREADABLE {
        let (rfc, rule) = rule.split_once(": ").unwrap();
        page += &format!("| {rfc} | {rule} |\n");
    }
    page += "\n### Authorization requests: no redirect\n\nRFC 9700 §4.1.3. Registered is `http://127.0.0.1:8400/callback`; ";
    page += "the answer is 400 and a page.\n\n| trick | `redirect_uri` |\n|---|---|\n";
    for (trick, uri) in authorize::TRICKS {
        page += &format!("| {trick} | `{}` |\n", uri.escape_debug());
    }
    page
}

fn practice() -> String {
    let mut page = String::from("\n### Best current practice\n\n| RFC 9700 | rule |\n|---|---|\n");
    for (section, rule) in best_practice::rules() {
        page += &format!("| {section} | {rule} |\n");
    }
    page
}

const HEAD: &str = "\
<!-- Made from authserver/tests/http/bad_input; a test holds it to that. -->
# Conformance: what is refused, and how

[Rule by rule](#rule-by-rule): each rule of an RFC that binds the authorization server, or the gateway as the resource server, and the
tests that show that it is kept. What binds only clients is left out. [Not followed](#not-followed): the exceptions, and why.
[The rows](#the-rows): each is a request that breaks a rule, or just keeps it, and the exact status, `error` and header that come
back.
";

const SIZES: &str = "
## Sizes

RFC 6749 §2.2, §4.1.2, §5.1. Codes, refresh tokens, opaque access tokens, device codes and client secrets have 55 characters, of `A` to
`Z`, `a` to `z`, `0` to `9` and `_`: a prefix of six that says what it is, 43 that are random (256 bits), a checksum of six. An access token
that is a JWT has a few hundred, up to 8 KiB; do not rely on it. A `request_uri` has 89. A `client_id` has up to 128, of letters, digits and
`-._~`. A `state` may have 4,096 bytes. A user code has eight letters, shown as two times four.
";

const ROWS: &str = "
## The rows

Every error is JSON, says `cache-control: no-store` and `pragma: no-cache`, and repeats nothing of the request. A challenge
(`www-authenticate`) comes with 401 only. What takes a person, a browser or several requests to show is at the end; races and hostile
assertions have tests of their own (`authserver/tests/http`, `authserver/tests/saml`).
";
