use super::*;

fn rule(path: PathSpec, methods: &[&str], access: AccessSpec) -> RuleSpec {
    RuleSpec { path, methods: methods.iter().map(|m| (*m).to_owned()).collect(), access }
}

fn scopes(scopes: &[&str]) -> AccessSpec {
    AccessSpec::Scopes(scopes.iter().map(|s| (*s).to_owned()).collect())
}

fn path(path: &str) -> PathSpec {
    PathSpec::Path(path.to_owned())
}

fn prefix(prefix: &str) -> PathSpec {
    PathSpec::Prefix(prefix.to_owned())
}

/// What the gateway of `make up` has.
fn orders() -> Policy {
    Policy::new(vec![
        rule(path("/healthz"), &[], AccessSpec::Anonymous),
        rule(path("/orders/{id}"), &["GET"], scopes(&["orders:read"])),
        rule(prefix("/orders"), &[], scopes(&["orders:write"])),
    ])
    .unwrap()
}

fn demand(policy: &Policy, method: &str, target: &str) -> Option<String> {
    match policy.find(method.as_bytes(), &MatchPath::parse(target.as_bytes()).unwrap())? {
        Access::Anonymous => Some("-".to_owned()),
        Access::Token(required) => Some(required.text().to_owned()),
    }
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
fn what_no_rule_matches_is_denied() {
    let policy = orders();
    for target in ["/", "/healthz/", "/ordersx", "/admin"] {
        assert_eq!(demand(&policy, "GET", target), None, "{target}");
    }
    assert_eq!(demand(&policy, "get", "/orders/1").as_deref(), Some("orders:write"), "methods are case-sensitive");
    assert_eq!(demand(&Policy::default(), "GET", "/"), None);
}

#[test]
fn every_required_scope_must_be_there() {
    let names: Vec<_> = (0..130).map(|i| format!("s{i}")).collect();
    let all: Vec<_> = names.iter().map(String::as_str).collect();
    let policy = Policy::new(vec![
        rule(path("/few"), &[], scopes(&["s1", "s129"])),
        rule(path("/all"), &[], scopes(&all)),
        rule(path("/none"), &[], scopes(&[])),
    ])
    .unwrap();
    let met = |target: &str, granted: &str| {
        let path = MatchPath::parse(target.as_bytes()).unwrap();
        let Some(Access::Token(required)) = policy.find(b"GET", &path) else { panic!("no rule") };
        required.met_by(&policy.bits(granted))
    };
    assert!(met("/few", "s129 other s1"));
    assert!(!met("/few", "s1") && !met("/few", "s129") && !met("/few", "") && !met("/few", "s1s129 S1"));
    assert!(met("/all", &names.join(" ")) && !met("/all", &names[..129].join(" ")));
    assert!(met("/none", ""), "no scope asked for, any token will do");
}

#[test]
fn rules_that_cannot_work_are_refused_by_number() {
    let good = || rule(path("/a"), &[], AccessSpec::Anonymous);
    let refused = |bad| Policy::new(vec![good(), bad]).unwrap_err();
    assert!(matches!(refused(rule(path("a"), &[], AccessSpec::Anonymous)), (1, RuleError::Path(_))));
    assert!(matches!(refused(rule(path("/b"), &["get"], AccessSpec::Anonymous)), (1, RuleError::Method(_))));
    assert!(matches!(refused(rule(path("/b"), &[], scopes(&["a b"]))), (1, RuleError::Scope(_))));
}
