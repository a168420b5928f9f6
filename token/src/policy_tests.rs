use super::*;
use crate::claim_set::ClaimPath;
use crate::requirement::ClaimTest;
use serde_json::{Value, json};

fn claims(value: &Value) -> ClaimSet {
    ClaimSet::parse(value.to_string().as_bytes()).unwrap()
}

fn rule(path: PathSpec, methods: &[&str], access: AccessSpec) -> RuleSpec {
    let methods = methods.iter().map(|m| (*m).to_owned()).collect();
    RuleSpec { matches: MatchSpec { path, methods, hosts: vec![], headers: vec![] }, access }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|s| (*s).to_owned()).collect()
}

fn scopes(scopes: &[&str]) -> AccessSpec {
    AccessSpec::Token(Requirement { scopes: texts(scopes), ..Requirement::default() })
}

/// A request of these headers, `:method` and `:authority` among them.
struct Request<'a>(&'a [(&'a str, &'a str)]);

impl Target for Request<'_> {
    fn method(&self) -> &[u8] {
        self.0.iter().find(|(name, _)| *name == ":method").map_or(b"GET", |(_, value)| value.as_bytes())
    }

    fn host(&self) -> &[u8] {
        self.0.iter().find(|(name, _)| *name == ":authority").map_or(b"", |(_, value)| value.as_bytes())
    }

    fn has_header(&self, name: &str, value: Option<&str>) -> bool {
        self.0.iter().any(|(other, there)| *other == name && value.is_none_or(|value| value == *there))
    }
}

fn path(path: &str) -> PathSpec {
    PathSpec::Path(path.to_owned())
}

fn prefix(prefix: &str) -> PathSpec {
    PathSpec::Prefix(prefix.to_owned())
}

/// What the gateway of `make up` has.
fn orders() -> Policy {
    Policy::new(
        vec![
            rule(path("/healthz"), &[], AccessSpec::Anonymous),
            rule(path("/orders/{id}"), &["GET"], scopes(&["orders:read"])),
            rule(prefix("/orders"), &[], scopes(&["orders:write"])),
        ],
        [],
    )
    .unwrap()
}

fn demand(policy: &Policy, method: &str, target: &str) -> Option<String> {
    let access = policy.find(&Request(&[(":method", method)]), &MatchPath::parse(target.as_bytes()).unwrap())?;
    Some(access.required().map_or("-", Required::scope).to_owned())
}

#[test]
fn the_first_rule_that_matches_decides() {
    let policy = orders();
    assert_eq!(demand(&policy, "GET", "/orders/1?a=b").as_deref(), Some("orders:read"));
    assert_eq!(demand(&policy, "DELETE", "/orders/1").as_deref(), Some("orders:write"));
    assert_eq!(demand(&policy, "GET", "/orders/1/items").as_deref(), Some("orders:write"));
    assert_eq!(demand(&policy, "GET", "/healthz").as_deref(), Some("-"));
}

#[test]
fn a_method_that_rules_name_in_another_case_is_ambiguous() {
    let rules = vec![rule(prefix("/orders"), &["POST"], scopes(&["w"])), rule(prefix("/"), &[], AccessSpec::Anonymous)];
    let policy = Policy::new(rules, []).unwrap();
    for (method, ambiguous) in [
        ("POST", false),
        ("post", true),
        ("Post", true),
        ("POSTS", false),
        ("posts", false),
        ("get", false),
        ("", false),
    ] {
        assert_eq!(policy.is_ambiguous(method.as_bytes()), ambiguous, "{method}");
    }
    assert_eq!(demand(&policy, "POST", "/orders").as_deref(), Some("w"));
    assert_eq!(demand(&policy, "POSTS", "/orders").as_deref(), Some("-"));
}

#[test]
fn what_no_rule_matches_is_denied() {
    let policy = orders();
    for target in ["/", "/healthz/", "/ordersx", "/admin"] {
        assert_eq!(demand(&policy, "GET", target), None, "{target}");
    }
    assert_eq!(demand(&Policy::default(), "GET", "/"), None);
}

#[test]
fn every_required_scope_must_be_there() {
    let names: Vec<_> = (0..130).map(|i| format!("s{i}")).collect();
    let all: Vec<_> = names.iter().map(String::as_str).collect();
    let policy = Policy::new(
        vec![
            rule(path("/few"), &[], scopes(&["s1", "s129"])),
            rule(path("/all"), &[], scopes(&all)),
            rule(path("/none"), &[], scopes(&[])),
        ],
        [],
    )
    .unwrap();
    let met = |target: &str, granted: &str| {
        let path = MatchPath::parse(target.as_bytes()).unwrap();
        let Some(Access::Token(required)) = policy.find(&Request(&[]), &path) else { panic!("no rule") };
        required.check(&policy.facts("p", &claims(&json!({ "scope": granted }))), None, 0).is_ok()
    };
    assert!(met("/few", "s129 other s1"));
    assert!(!met("/few", "s1") && !met("/few", "s129") && !met("/few", "") && !met("/few", "s1s129 S1"));
    assert!(met("/all", &names.join(" ")) && !met("/all", &names[..129].join(" ")));
    assert!(met("/none", ""), "no scope asked for, any token will do");
}

#[test]
fn rules_that_cannot_work_are_refused_by_number() {
    let good = || rule(path("/a"), &[], AccessSpec::Anonymous);
    let refused = |bad| {
        let (at, error) = Policy::new(vec![good(), bad], []).unwrap_err();
        assert_eq!(at, "rules[1]");
        error
    };
    assert!(matches!(refused(rule(path("a"), &[], AccessSpec::Anonymous)), RuleError::Path(_)));
    assert!(matches!(refused(rule(path("/b"), &["get"], AccessSpec::Anonymous)), RuleError::Method(_)));
    assert!(matches!(refused(rule(path("/b"), &[], scopes(&["a b"]))), RuleError::Scope(_)));
}

#[test]
fn whatever_a_rule_asks_of_a_token_must_be_so() {
    let missing = |requirement: Requirement, token: Value, auth_time: Option<u64>| {
        let policy = Policy::new(vec![rule(prefix("/"), &[], AccessSpec::Token(requirement))], []).unwrap();
        let access = policy.find(&Request(&[]), &MatchPath::parse(b"/a").unwrap()).unwrap();
        access.required().unwrap().check(&policy.facts("mine", &claims(&token)), auth_time, 1_000).err()
    };
    let claim = |path: &str, test: ClaimTest| Requirement {
        claims: vec![(ClaimPath::new(path).unwrap(), test)],
        ..Requirement::default()
    };
    let any = || Requirement { any_scopes: texts(&["a", "b"]), ..Requirement::default() };
    assert_eq!(missing(any(), json!({ "scope": "x b" }), None), None);
    assert_eq!(missing(any(), json!({ "scope": "x" }), None), Some(Refusal::InsufficientScope));
    let audience = || Requirement { audiences: texts(&["u", "v"]), ..Requirement::default() };
    assert_eq!(missing(audience(), json!({ "aud": ["w", "v"] }), None), None);
    assert_eq!(missing(audience(), json!({ "aud": "w" }), None), Some(Refusal::Audience));
    let issuers = |names: &[&str]| Requirement { issuers: texts(names), ..Requirement::default() };
    assert_eq!(missing(issuers(&["mine"]), json!({}), None), None);
    assert_eq!(missing(issuers(&["other"]), json!({}), None), Some(Refusal::RuleIssuer));
    let acr = || Requirement { acr: texts(&["gold", "silver"]), ..Requirement::default() };
    assert_eq!(missing(acr(), json!({ "acr": "silver" }), None), None);
    assert_eq!(missing(acr(), json!({ "acr": "tin" }), None), Some(Refusal::Authentication));
    let recent = || Requirement { max_age: Some(100), ..Requirement::default() };
    assert_eq!(missing(recent(), json!({}), Some(900)), None);
    assert_eq!(missing(recent(), json!({}), Some(899)), Some(Refusal::Authentication));
    assert_eq!(missing(recent(), json!({}), None), Some(Refusal::Authentication));
    let admin = || claim("realm.roles", ClaimTest::OneOf(vec![json!("admin"), json!("owner")]));
    assert_eq!(missing(admin(), json!({ "realm": { "roles": ["x", "owner"] } }), None), None);
    assert_eq!(missing(admin(), json!({ "realm": { "roles": "admin" } }), None), None);
    for token in [json!({ "realm": { "roles": ["x"] } }), json!({ "realm": {} }), json!({})] {
        assert_eq!(missing(admin(), token, None), Some(Refusal::RuleClaim));
    }
    assert_eq!(missing(claim("n", ClaimTest::OneOf(vec![json!(1.0)])), json!({ "n": 1 }), None), None);
    assert_eq!(missing(claim("n", ClaimTest::Present), json!({ "n": false }), None), None);
    assert_eq!(missing(claim("n", ClaimTest::Present), json!({ "n": null }), None), Some(Refusal::RuleClaim));
}

#[test]
fn hosts_and_headers_choose_a_rule() {
    let with = |hosts: &[&str], headers: &[(&str, Option<&str>)], access| RuleSpec {
        matches: MatchSpec {
            path: prefix("/"),
            methods: vec![],
            hosts: texts(hosts),
            headers: headers.iter().map(|(n, v)| ((*n).to_owned(), v.map(str::to_owned))).collect(),
        },
        access,
    };
    let policy = Policy::new(
        vec![
            with(&["api.example"], &[], scopes(&["host"])),
            with(&["*.Sub.example"], &[], scopes(&["below"])),
            with(&[], &[("x-tenant", Some("a"))], scopes(&["tenant-a"])),
            with(&[], &[("x-tenant", None)], scopes(&["tenant"])),
        ],
        [],
    )
    .unwrap();
    let find = |headers: &[(&str, &str)]| {
        let access = policy.find(&Request(headers), &MatchPath::parse(b"/").unwrap())?;
        access.required().map(|required| required.scope().to_owned())
    };
    for host in ["api.example", "API.example:8443", "api.example."] {
        assert_eq!(find(&[(":authority", host)]).as_deref(), Some("host"), "{host}");
    }
    for host in ["a.sub.example", "b.a.SUB.example:1"] {
        assert_eq!(find(&[(":authority", host)]).as_deref(), Some("below"), "{host}");
    }
    for host in ["sub.example", ".sub.example", "xapi.example", "api.example.evil", "", ":80"] {
        assert_eq!(find(&[(":authority", host)]), None, "{host}");
    }
    assert_eq!(find(&[("x-tenant", "a")]).as_deref(), Some("tenant-a"));
    assert_eq!(find(&[("x-tenant", "b")]).as_deref(), Some("tenant"));
    for bad in ["", "*.", "a b", "a.example:80"] {
        let error = Policy::new(vec![with(&[bad], &[], AccessSpec::Anonymous)], []).unwrap_err();
        assert!(matches!(error.1, RuleError::Host(_)), "{bad}");
    }
}

#[test]
fn a_policy_has_a_name() {
    let named = || [("reads".to_owned(), scopes(&["r"]))];
    let policy = Policy::new(vec![rule(path("/a"), &[], AccessSpec::Policy("reads".into()))], named()).unwrap();
    assert_eq!(demand(&policy, "GET", "/a").as_deref(), Some("r"));
    assert_eq!(policy.named("reads").and_then(Access::required).map(Required::scope), Some("r"));
    assert!(policy.named("writes").is_none());
    let error = Policy::new(vec![rule(path("/a"), &[], AccessSpec::Policy("writes".into()))], named()).unwrap_err();
    assert_eq!(error, ("rules[0]".to_owned(), RuleError::Policy("writes".into())));
}
