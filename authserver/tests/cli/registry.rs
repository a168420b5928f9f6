//! Whole registries: as a file says (`apply`), and from one database to another (`export`, `import`).

use super::Bearward;

const FILE: &str = "
scopes:
  - name: orders:read
    title: Read your orders
clients:
  - client_id: shop
    name: Shop
    auth_method: client_secret
    grant_types: [authorization_code]
    redirect_uris: [https://shop.example/cb]
    scope: orders:read
  - client_id: job
    auth_method: client_secret
    grant_types: [client_credentials]
    scope: orders:read
";

fn write(bearward: &Bearward, name: &str, text: &str) -> String {
    std::fs::write(bearward.path(name), text).unwrap();
    bearward.path(name).display().to_string()
}

#[test]
fn a_file_is_applied_and_nothing_changes_the_second_time() {
    let bearward = Bearward::new();
    let file = write(&bearward, "registry.yaml", FILE);
    let apply = ["apply", "-f", &file];
    let clients = || bearward.json(&["client", "list", "--json"]);

    let planned = bearward.says(&["apply", "-f", &file, "--dry-run"]);
    assert_eq!(planned, "+ scope orders:read\n+ client shop\n+ client job\n3 would change; nothing was done.\n");
    assert_eq!(clients().as_array().unwrap().len(), 0);

    let applied = bearward.says(&apply);
    assert!(applied.ends_with("3 changed.\n"), "{applied}");
    let secrets: Vec<_> = applied.lines().filter(|line| line.contains("shown this once: bw_cs_")).collect();
    assert_eq!(secrets.len(), 2, "{applied}");
    assert_eq!(clients().as_array().unwrap().len(), 2);
    assert_eq!(bearward.says(&apply), "Nothing changes.\n");

    // What somebody changed since is seen, and changed back.
    bearward.says(&["scope", "set", "orders:read", "--title", "Another title"]);
    write(&bearward, "registry.yaml", &FILE.replace("name: Shop", "name: The Shop"));
    assert_eq!(bearward.says(&apply), "~ scope orders:read\n~ client shop\n2 changed.\n");
    assert_eq!(bearward.says(&apply), "Nothing changes.\n");
    assert!(clients().to_string().contains("The Shop"));
}

#[test]
fn what_a_file_says_beyond_need_changes_nothing_the_second_time() {
    let bearward = Bearward::new();
    let certificate = include_str!("../saml/fixtures/rsa.pem").replace('\n', "\n      ");
    let text = format!(
        "scopes: [{{name: b, title: B}}, {{name: a, title: A}}]
clients:
- client_id: job
  auth_method: client_secret
  grant_types: [client_credentials]
  scope: b a
  options: {{resources: [], access_token_format: jwt, refresh_mode: rotate, first_party: false, keys: {{}}}}
issuers:
- issuer: https://idp.example
  scope: b a
  keys:
    certificates:
    - |
      {certificate}
"
    );
    let file = write(&bearward, "registry.yaml", &text);
    assert!(bearward.says(&["apply", "-f", &file]).ends_with("4 changed.\n"));
    assert_eq!(bearward.says(&["apply", "-f", &file]), "Nothing changes.\n");

    let twice = write(&bearward, "twice.yaml", "scopes: [{name: c, title: C}, {name: c, title: D}]");
    assert_eq!(bearward.refuses(&["apply", "-f", &twice]), "bearward: scope c is there twice\n");
}

const WHOLE: &str = "
scopes: [{name: c, title: C}]
authorization_types: [{name: payment, title: Make a payment, fields: {amount: {title: Amount}}}]
clients:
- {client_id: x, auth_method: client_secret, grant_types: [client_credentials], scope: c}
issuers:
- {issuer: 'https://idp.example', keys: {jwks_uri: 'https://idp.example/jwks'}, clients: [x]}
";

#[test]
fn what_would_be_refused_is_said_before_anything_changes() {
    let bearward = Bearward::new();
    let file = write(&bearward, "registry.yaml", "");
    let (apply, dry) = (["apply", "-f", &file], ["apply", "-f", &file, "--dry-run"]);
    let log = || bearward.says(&["audit", "--json", "--limit", "0"]);
    let before = log();
    for (right, wrong, problem) in [
        ("name: c,", "name: 'c d',", "+ scope c d: name: 1 to 128"),
        ("amount:", "type:", "+ authorization type payment: fields: a field"),
        ("scope: c}", "scope: d}", "+ client x: scope: there is no scope d; add it first"),
        ("scope: c}", "scope: c, options: {colour: red}}", "+ client x: options: there is no option colour"),
        ("method: client_secret,", "method: none,", "+ client x: grant_types: a public client"),
        ("https://idp.example/jwks", "http://idp.example/jwks", "+ issuer https://idp.example: keys: jwks_uri: "),
        ("clients: [x]", "clients: [y]", "+ issuer https://idp.example: clients: there is no client y"),
    ] {
        assert!(WHOLE.contains(right));
        write(&bearward, "registry.yaml", &WHOLE.replace(right, wrong));
        let line = bearward.refuses(&dry);
        assert!(line.contains(problem) && line.contains("; nothing was changed"), "{line}");
        assert_eq!(bearward.refuses(&apply), line, "both say the same");
    }
    assert_eq!(log(), before, "nothing was done");
    write(&bearward, "registry.yaml", WHOLE);
    assert!(bearward.says(&dry).ends_with("4 would change; nothing was done.\n"));
    assert!(bearward.says(&apply).ends_with("4 changed.\n"));
    assert_eq!(bearward.says(&apply), "Nothing changes.\n");

    // The same of what is there already; its own name it keeps.
    let applied = log();
    for (right, wrong, problem) in [
        ("title: C}", "title: ''}", "~ scope c: title: 1 to 200"),
        ("amount: {title: Amount}", "amount: {title: ''}", "~ authorization type payment: fields: 1 to 200"),
        ("scope: c}", "scope: d}", "~ client x: scope: there is no scope d; add it first"),
        ("method: client_secret,", "method: client_secret_jwt,", "~ client x: auth_method: to or from"),
        ("clients: [x]", "clients: [y]", "~ issuer https://idp.example: clients: there is no client y"),
    ] {
        assert!(WHOLE.contains(right));
        write(&bearward, "registry.yaml", &WHOLE.replace(right, wrong));
        let line = bearward.refuses(&dry);
        assert!(line.contains(problem), "{line}");
        assert_eq!(bearward.refuses(&apply), line, "both say the same");
    }
    assert_eq!(log(), applied);
    write(&bearward, "registry.yaml", &WHOLE.replace("Make a payment", "Pay"));
    assert_eq!(bearward.says(&apply), "~ authorization type payment\n1 changed.\n");
}

#[test]
fn a_client_is_replaced_by_what_a_file_says() {
    let bearward = Bearward::new();
    bearward.says(&["apply", "-f", &write(&bearward, "registry.yaml", FILE)]);
    let before = bearward.json(&["client", "show", "job"]);
    let spec = "{name: The Job, auth_method: client_secret, grant_types: [client_credentials], scope: 'orders:read'}";
    let file = write(&bearward, "job.yaml", spec);
    assert_eq!(bearward.says(&["client", "edit", "job", &file]), "job is changed.\n");
    let after = bearward.json(&["client", "show", "job"]);
    assert_eq!((&after["name"], &after["secrets"]), (&"The Job".into(), &before["secrets"]));
    let wrong = write(&bearward, "wrong.yaml", "{auth_method: client_secret, grant_types: [], colour: red}");
    assert!(bearward.refuses(&["client", "edit", "job", &wrong]).contains("unknown field `colour`"));
    assert!(bearward.refuses(&["client", "edit", "nobody", &file]).contains("there is no such client"));
    assert_eq!(bearward.json(&["client", "show", "job"]), after);
}

#[test]
fn what_is_no_line_of_an_export_is_named_by_its_number() {
    let bearward = Bearward::new();
    let scope = "{\"kind\":\"scope\",\"name\":\"a\",\"title\":\"A\"}\n";
    let person = |hash: &str| {
        format!(
            "{{\"kind\":\"person\",\"id\":\"p\",\"username\":\"p\",\"password_hash\":\"{hash}\",\"role\":\"person\",\"disabled_at\":null,\
             \"created_at\":1,\"password_at\":null}}"
        )
    };
    let latin = [scope.as_bytes(), b"\xff\n"].concat();
    let long = [scope.as_bytes(), &vec![b' '; 2 * 1024 * 1024]].concat();
    let plain = [scope, &person("hunter2")].concat();
    for (bytes, expected) in
        [(latin, "not UTF-8"), (long, "longer than 1 MiB"), (plain.into_bytes(), "no PHC string of Argon2")]
    {
        std::fs::write(bearward.path("wrong.jsonl"), bytes).unwrap();
        let line = bearward.refuses(&["import", &bearward.path("wrong.jsonl").display().to_string()]);
        assert!(line.contains("line 2: ") && line.contains(expected) && !line.contains("hunter2"), "{line}");
    }
    // A last line without an end is a line too.
    let hash = "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let file = write(&bearward, "right.jsonl", &[scope, &person(hash)].concat());
    assert_eq!(bearward.says(&["import", &file]), "1 added, 1 there already.\n");
}

#[test]
fn an_issuer_is_trusted_by_a_file_with_what_goes_into_tokens() {
    let bearward = Bearward::new();
    let certificate = include_str!("../saml/fixtures/rsa.pem").replace('\n', "\n      ");
    let issuer = format!(
        "issuers:\n- issuer: https://idp.example\n  keys:\n    certificates:\n    - |\n      {certificate}\n  claims: {{department: dept}}\n"
    );
    let file = write(&bearward, "issuers.yaml", &issuer);
    let apply = ["apply", "-f", &file];
    assert_eq!(bearward.says(&apply), "+ issuer https://idp.example\n1 changed.\n");
    assert_eq!(bearward.says(&apply), "Nothing changes.\n");
    write(&bearward, "issuers.yaml", &issuer.replace("department:", "scope:"));
    assert!(bearward.refuses(&apply).contains("the claim scope is reserved"));
    write(&bearward, "issuers.yaml", &issuer.replace("department:", "'a=b':"));
    assert!(bearward.refuses(&apply).contains("no equals sign in a name"));
    let listed = bearward.json(&["issuer", "list", "--json"]);
    assert_eq!(listed[0]["claims"], serde_json::json!({ "department": "dept" }));
    // What somebody changed since is seen, and changed back.
    write(&bearward, "issuers.yaml", &issuer.replace(": dept", ": division"));
    assert_eq!(bearward.says(&apply), "~ issuer https://idp.example\n1 changed.\n");
    assert_eq!(bearward.says(&apply), "Nothing changes.\n");
}

#[test]
fn a_file_that_is_wrong_says_where_and_changes_nothing() {
    let bearward = Bearward::new();
    let refused = |text: &str| {
        let file = write(&bearward, "wrong.yaml", text);
        let line = bearward.refuses(&["apply", "-f", &file]);
        assert!(line.contains("wrong.yaml: "), "{line}");
        line
    };
    let line = refused(&FILE.replace("name: Shop", "nmae: Shop"));
    assert!(line.contains("clients[0]: unknown field `nmae`") && line.matches("clients[0]").count() == 1, "{line}");
    let line = refused("- a list");
    assert!(
        line.contains("expected a mapping with `scopes`, `authorization_types`, `clients` and `issuers`"),
        "{line}"
    );
    assert!(refused(&FILE.replace("    auth_method: client_secret\n", "")).contains("missing field `auth_method`"));
    assert!(bearward.refuses(&["apply", "-f", "/nowhere.yaml"]).contains("/nowhere.yaml: No such file"));
    assert_eq!(bearward.json(&["client", "list", "--json"]).as_array().unwrap().len(), 0);
}

#[test]
fn what_is_exported_is_imported_once_and_whole() {
    let (from, to) = (Bearward::new(), Bearward::new());
    from.says(&["apply", "-f", &write(&from, "registry.yaml", FILE)]);
    from.says(&["client", "disable", "job"]);
    let password = write(&from, "password", "a good pass phrase");
    from.says(&["init", "root", "--password-file", &password]);
    let file = from.path("export.jsonl").display().to_string();
    from.says(&["export", "--out", &file]);
    let exported = std::fs::read_to_string(&file).unwrap();
    // Whoever reads every digest at once is in the log.
    let log = from.says(&["audit", "--json", "--action", "registry.export"]);
    let entry: serde_json::Value = serde_json::from_str(log.trim()).unwrap();
    assert_eq!(
        (&entry["actor_kind"], &entry["after"]),
        (&"command".into(), &serde_json::json!({ "clients": 2, "people": 1 }))
    );
    assert!(exported.contains("$argon2id$") && !exported.contains("bw_cs_") && !exported.contains("pass phrase"));
    // Digests are nobody else's business, and a file that is there already is not written over.
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(from.refuses(&["export", "--out", &file]).contains("export.jsonl: "));

    let lines: Vec<_> = exported.lines().collect();
    assert_eq!(lines.len(), 5, "the scope of administrators and another, two clients, a person: {exported}");
    assert_eq!(to.says(&["import", "--dry-run", &file]), "5 lines can be read.\n");
    // It breaks off in the middle, and goes on where it was.
    let broken = write(&to, "broken.jsonl", &format!("{}\n{}\n{{\"kind\":1}}\n", lines[0], lines[1]));
    let line = to.refuses(&["import", &broken]);
    assert!(line.contains("line 3: ") && line.contains("the lines before it are done"), "{line}");
    assert_eq!(to.says(&["import", &file]), "3 added, 2 there already.\n");
    assert_eq!(to.says(&["import", &file]), "0 added, 5 there already.\n");
    // Secrets as digests, what is disabled, everything: nothing is lost on the way.
    assert_eq!(to.says(&["export"]), exported);
}

#[test]
fn keys_of_a_client_are_added_switched_and_removed() {
    let bearward = Bearward::new();
    let file = write(&bearward, "registry.yaml", FILE);
    bearward.says(&["apply", "-f", &file]);
    let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"build"}"#;
    let key = write(&bearward, "key.json", jwk);
    // RFC 8037 appendix A.3.
    let print = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
    assert_eq!(bearward.json(&["client", "key", "add", "job", &key, "--json"])[0]["id"], print);
    let state = || bearward.json(&["client", "key", "list", "job", "--json"])[0]["disabled_at"].clone();
    assert!(state().is_null());
    bearward.says(&["client", "key", "disable", "job", print]);
    assert!(state().is_i64());
    bearward.says(&["client", "key", "enable", "job", print]);
    assert!(state().is_null());
    bearward.says(&["client", "key", "delete", "job", print]);
    assert_eq!(bearward.json(&["client", "key", "list", "job", "--json"]), serde_json::json!([]));
}
