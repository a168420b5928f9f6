//! Rule by rule: what each RFC says, in our words and in its order, and which rows and tests show that it is kept.

mod not_followed;
mod rfc6749;
mod rfc6750;
mod rfc7636;
mod rfc8628;
mod rfc8693;
mod rfc9126;
mod rfc9449;
mod rfc9700;
mod tokens;

use super::names;
use std::collections::BTreeSet;

/// A rule that binds the authorization server, or the gateway as the resource server.
pub(super) struct Rule {
    section: &'static str,
    level: &'static str,
    rule: &'static str,
    /// Rows by their names, those of the same RFC without its number; tests as `file::name`, the file being one of
    /// `authserver/tests/http` or a path from the root of the repository.
    shown: &'static [&'static str],
}

/// MUST, MUST NOT, SHALL, REQUIRED.
const fn must(section: &'static str, rule: &'static str, shown: &'static [&'static str]) -> Rule {
    Rule { section, level: "MUST", rule, shown }
}

/// SHOULD, SHOULD NOT, RECOMMENDED.
const fn should(section: &'static str, rule: &'static str, shown: &'static [&'static str]) -> Rule {
    Rule { section, level: "SHOULD", rule, shown }
}

/// Number, title, rules.
const RFCS: &[(&str, &str, &[Rule])] = &[
    ("6749", "the framework", rfc6749::RULES),
    ("6750", "bearer tokens", rfc6750::RULES),
    ("7009", "revocation", tokens::REVOCATION),
    ("7636", "PKCE", rfc7636::RULES),
    ("7662", "introspection", tokens::INTROSPECTION),
    ("8628", "the device grant", rfc8628::RULES),
    ("8693", "token exchange", rfc8693::RULES),
    ("9126", "pushed requests", rfc9126::RULES),
    ("9449", "DPoP", rfc9449::RULES),
    ("9700", "best current practice", rfc9700::RULES),
];

/// A row of an RFC, or of another if it says so.
fn row(rfc: &str, shown: &str) -> String {
    if shown.starts_with(['§', 'a']) { format!("{rfc} {shown}") } else { shown.to_owned() }
}

/// The file of a test, from the root of the repository.
fn file(name: &str) -> String {
    match name {
        "bad_input" => "authserver/tests/http/bad_input/mod.rs".to_owned(),
        _ if name.ends_with(".rs") => name.to_owned(),
        _ => format!("authserver/tests/http/{name}.rs"),
    }
}

#[test]
fn every_rule_is_shown_by_a_row_or_a_test_that_there_is() {
    let names = names();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    for (rfc, _, rules) in RFCS {
        for Rule { section, rule, shown, .. } in *rules {
            assert!(!shown.is_empty(), "{rfc} {section}: {rule}: nothing shows it");
            for shown in *shown {
                let Some((name, test)) = shown.split_once("::") else {
                    assert!(names.contains(&row(rfc, shown)), "{rfc} {section}: {rule}: no row {shown:?}");
                    continue;
                };
                let text = std::fs::read_to_string(format!("{root}/{}", file(name)));
                let text = text.unwrap_or_else(|_| panic!("{rfc} {section}: {rule}: no file {name}"));
                assert!(text.contains(&format!("fn {test}(")), "{rfc} {section}: {rule}: no test {shown}");
            }
        }
    }
}

#[test]
fn every_row_shows_a_rule() {
    let shown: BTreeSet<String> = RFCS
        .iter()
        .flat_map(|(rfc, _, rules)| rules.iter().flat_map(|rule| rule.shown).map(|shown| row(rfc, shown)))
        .collect();
    for name in names() {
        let listed = name.split_once(' ').is_some_and(|(rfc, _)| RFCS.iter().any(|(known, ..)| *known == rfc));
        assert!(!listed || shown.contains(&name), "{name}: of no rule in `rules`");
    }
}

/// The part of docs/conformance.md.
pub(super) fn page() -> String {
    let mut page = String::from("\n## Rule by rule\n\n");
    page += "Rows are in quotation marks, tests are named by their file and function (in `authserver/tests/http`, unless a path ";
    page += "says otherwise).\n";
    for (rfc, title, rules) in RFCS {
        page += &format!("\n### RFC {rfc}: {title}\n\n| § | | rule | shown by |\n|---|---|---|---|\n");
        for Rule { section, level, rule, shown } in *rules {
            page += &format!("| {section} | {level} | {rule} | {} |\n", references(shown));
        }
    }
    page += "\n## Not followed\n\n| RFC | it says | what we do, and why |\n|---|---|---|\n";
    for (rfc, says, instead) in not_followed::RULES {
        page += &format!("| {rfc} | {says} | {instead} |\n");
    }
    page
}

/// Rows of one section together, tests by themselves.
fn references(shown: &[&str]) -> String {
    let mut text: Vec<String> = Vec::new();
    let mut before = "";
    for shown in shown {
        match shown.split_once(": ") {
            Some((section, row)) if section == before => {
                if let Some(last) = text.last_mut() {
                    *last += &format!(", “{row}”");
                }
            }
            Some((section, row)) => {
                text.push(format!("{section} “{row}”"));
                before = section;
            }
            None => {
                text.push(format!("`{shown}`"));
                before = "";
            }
        }
    }
    text.join("; ")
}
