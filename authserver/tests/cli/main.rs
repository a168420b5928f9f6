//! The program itself: its commands, its one-line errors, its exit codes.
#![allow(clippy::unwrap_used, reason = "helpers of tests; the lints know only the tests themselves")]

mod registry;
mod setup;
mod token;

use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

struct Bearward {
    dir: tempfile::TempDir,
}

impl Bearward {
    fn new() -> Self {
        let this = Self { dir: tempfile::tempdir().unwrap() };
        let key = this.run(&["keys", "generate-master"]);
        std::fs::write(this.path("master-key"), key.stdout).unwrap();
        this
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bearward"));
        command
            .env_clear()
            .env("BEARWARD_ISSUER", "http://127.0.0.1:8080")
            .env("BEARWARD_LISTEN", "127.0.0.1:0")
            .env("BEARWARD_MANAGEMENT_LISTEN", "127.0.0.1:0")
            .env("BEARWARD_DATABASE__URL", format!("sqlite://{}", self.path("db").display()))
            .env("BEARWARD_MASTER_KEY_FILE", self.path("master-key"))
            .args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).stdin(Stdio::null()).output().unwrap()
    }

    fn says(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, arguments: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.says(arguments)).unwrap()
    }

    /// The one line of a command that fails.
    fn fails(&self, command: &mut Command) -> String {
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let line = String::from_utf8(output.stderr).unwrap();
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(line.starts_with("bearward: "), "{line}");
        line
    }

    fn refuses(&self, arguments: &[&str]) -> String {
        self.fails(&mut self.command(arguments))
    }
}

#[test]
fn clients_are_created_listed_disabled_and_enabled() {
    let bearward = Bearward::new();
    bearward.says(&["scope", "set", "orders:read", "--title", "Read your orders"]);
    let create = ["client", "create", "web", "--grant", "authorization_code", "--grant", "refresh_token"];
    let with = |more: &[&'static str]| [&create[..], more].concat();
    let uri = ["--redirect-uri", "https://app.example/cb"];
    let created = bearward.json(&with(&[&uri[..], &["--scope", "orders:read", "--json"]].concat()));
    let secret = created["client_secret"].as_str().unwrap();
    assert!(secret.starts_with("bw_cs_") && bearward::secret::well_formed("bw_cs_", secret));
    assert_eq!(created["client_id"], "web");

    let listed = bearward.says(&["client", "list", "--json"]);
    assert!(!listed.contains(secret) && listed.contains("\"web\""), "{listed}");
    assert!(bearward.refuses(&with(&uri)).contains("exists already"));
    bearward.says(&["client", "disable", "web"]);
    assert!(bearward.json(&["client", "list", "--json"])[0]["disabled_at"].is_number());
    bearward.says(&["client", "enable", "web"]);
    assert!(bearward.json(&["client", "list", "--json"])[0]["disabled_at"].is_null());
    assert!(bearward.refuses(&["client", "disable", "nobody"]).contains("there is no such client"));

    let public = bearward.json(&[
        "client",
        "create",
        "app",
        "--public",
        "--grant",
        "authorization_code",
        "--json",
        "--redirect-uri",
        "com.example.app:/cb",
    ]);
    assert!(public.get("client_secret").is_none());
}

#[test]
fn a_client_that_does_not_hold_together_is_refused() {
    let bearward = Bearward::new();
    let uri = ["--redirect-uri", "https://a.example/cb"];
    let code = ["--grant", "authorization_code"];
    for (arguments, why) in [
        ([&["x"][..], &code].concat(), "--redirect-uri go together"),
        ([&["x", "--grant", "client_credentials"][..], &uri].concat(), "--redirect-uri go together"),
        (vec!["x", "--public", "--grant", "client_credentials"], "public client"),
        (vec!["x", "--grant", "refresh_token"], "goes with authorization_code"),
        ([&["x", "--redirect-uri", "http://a.example/cb"][..], &code].concat(), "https"),
        ([&["x", "--redirect-uri", "https://a.example/cb#f"][..], &code].concat(), "fragment"),
        ([&["x", "--scope", "unknown"][..], &code, &uri].concat(), "scope set unknown"),
        ([&["x", "--default-scope", "a"][..], &code, &uri].concat(), "needs --scope a"),
        ([&["x y"][..], &code, &uri].concat(), "client_id is"),
    ] {
        let arguments = [&["client", "create"][..], &arguments].concat();
        let line = bearward.refuses(&arguments);
        assert!(line.contains(why), "{arguments:?}: {line}");
    }
    assert_eq!(bearward.run(&["client", "create", "x"]).status.code(), Some(2), "usage");
}

#[test]
fn a_client_proves_itself_and_exchanges_as_it_is_registered() {
    let bearward = Bearward::new();
    let certificate = rcgen::CertificateParams::default().self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
    let (file, jwks) = (bearward.path("client.pem"), bearward.path("jwks.json"));
    std::fs::write(&file, format!("around it\n{}", certificate.pem())).unwrap();
    std::fs::write(&jwks, "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}").unwrap();
    let (file, jwks) = (file.to_str().unwrap(), jwks.to_str().unwrap());
    let create = |id: &'static str, more: &[&'static str]| {
        [&["client", "create", id, "--grant", "client_credentials", "--json", "--auth-method"][..], more].concat()
    };
    let hmac = bearward.json(&create("hmac", &["client_secret_jwt"]));
    let secret = hmac["client_secret"].as_str().unwrap().to_owned();
    let key = bearward.json(&[&create("key", &["private_key_jwt"])[..], &["--certificate-file", file]].concat());
    assert!(key.get("client_secret").is_none() && key["confidential"] == true);
    assert_eq!(key["keys"]["certificates"][0], certificate.pem().replace("\r\n", "\n"));
    bearward.json(&create("dn", &["tls_client_auth", "--tls-subject-dn", "CN=client,O=Example"]));
    bearward.json(&[&create("own", &["self_signed_tls_client_auth"])[..], &["--certificate-file", file]].concat());
    let more = ["client_secret_post", "--refresh-lifetime", "8h", "--exchange", "delegation"];
    let told = bearward.json(&[&create("told", &more)[..], &["--exchange-audience", "https://b.example"]].concat());
    assert_eq!(told["refresh_lifetime"], 28_800);
    assert_eq!(told["token_exchange"]["delegation"], true);
    let listed = bearward.says(&["client", "list", "--json"]);
    assert!(!listed.contains(&secret) && !listed.contains("sealed"), "{listed}");
    for (more, why) in [
        (vec!["private_key_jwt"], "needs the client's keys"),
        (vec!["private_key_jwt", "--jwks-uri", "http://a.example/jwks"], "https"),
        (vec!["private_key_jwt", "--jwks-file", jwks], "private"),
        (vec!["private_key_jwt", "--certificate-file", jwks], "not a PEM certificate"),
        (vec!["self_signed_tls_client_auth"], "needs the certificate itself"),
        (vec!["tls_client_auth"], "go together"),
        (vec!["tls_client_auth", "--tls-subject-dn", "client"], "RFC 4514"),
        (vec!["client_secret", "--tls-san-dns", "a.example"], "go together"),
        (vec!["client_secret_jwt", "--signing-alg", "none"], "not an algorithm"),
    ] {
        let arguments =
            [&["client", "create", "x", "--grant", "client_credentials", "--auth-method"][..], &more].concat();
        let line = bearward.refuses(&arguments);
        assert!(line.contains(why), "{more:?}: {line}");
    }
    let public = ["client", "create", "x", "--public", "--grant"];
    let preserve = [&public[..], &["password", "--refresh-mode", "preserve"]].concat();
    assert!(bearward.refuses(&preserve).contains("confidential"));
    assert!(bearward.refuses(&[&public[..], &["token-exchange"]].concat()).contains("cannot prove"));
}

#[test]
fn a_password_comes_from_a_pipe_or_a_file() {
    let bearward = Bearward::new();
    let piped = |name: &str, password: &str| {
        let mut child = bearward
            .command(&["user", "create", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    assert!(piped("bob", "a good password\n").status.success());
    assert!(String::from_utf8(piped("BOB", "a good password").stderr).unwrap().contains("exists already"));
    assert!(String::from_utf8(piped("eve", "short").stderr).unwrap().contains("at least 8"));
    std::fs::write(bearward.path("password"), "another password\n").unwrap();
    let file = bearward.path("password");
    let created = bearward.json(&["user", "create", "carol", "--json", "--password-file", file.to_str().unwrap()]);
    assert_eq!(created["username"], "carol");
    assert_eq!(bearward.says(&["user", "edit", "carol", "--rename", "Caroline"]), "carol is changed.\n");
    let found = bearward.json(&["user", "list", "caro", "--json"]);
    assert_eq!((&found[0]["username"], &found[0]["id"]), (&"Caroline".into(), &created["sub"]));
    assert!(bearward.refuses(&["user", "edit", "bob", "--rename", "CAROLINE"]).contains("exists already"));
}

#[test]
fn keys_rotate() {
    let bearward = Bearward::new();
    // The first key began in this very second, so the next begins with the following one.
    assert!(bearward.says(&["keys", "rotate", "--now"]).contains(" signs "));
    let keys = bearward.json(&["keys", "list", "--json"]);
    let keys = keys.as_array().unwrap();
    assert_eq!(keys.len(), 3);
    assert_eq!(keys.iter().filter(|k| k["activates_at"].is_null() && k["state"] == "next").count(), 1, "{keys:?}");
    assert!(bearward.says(&["keys", "rotate"]).contains("signs in "));
    let other = Bearward::new();
    std::fs::copy(other.path("master-key"), bearward.path("master-key")).unwrap();
    assert!(bearward.refuses(&["keys", "rotate"]).contains("master key"));
}

#[test]
fn another_master_key_takes_over() {
    let bearward = Bearward::new();
    bearward.says(&["keys", "rotate", "--now"]);
    let create = ["client", "create", "hmac", "--grant", "client_credentials", "--auth-method", "client_secret_jwt"];
    bearward.says(&create);
    assert!(bearward.refuses(&["keys", "reseal"]).contains("other_master_key is not set"));
    std::fs::rename(bearward.path("master-key"), bearward.path("old")).unwrap();
    std::fs::write(bearward.path("master-key"), bearward.run(&["keys", "generate-master"]).stdout).unwrap();
    let old = bearward.path("old");
    let with = |arguments: &[&str]| {
        let mut command = bearward.command(arguments);
        command.env("BEARWARD_OTHER_MASTER_KEY_FILE", &old);
        command
    };
    let says = |arguments: &[&str]| {
        let output = with(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(bearward.refuses(&["keys", "rotate"]).contains("master key"), "the new one alone opens nothing");
    says(&["keys", "rotate"]);
    let said = says(&["keys", "reseal"]);
    // Of the four signing keys, the last was made under the new one; and there are a client and the check.
    assert!(said.starts_with("5 sealed anew."), "{said}");
    assert!(says(&["keys", "reseal"]).starts_with("0 sealed anew."));
    let audit = bearward.json(&["audit", "--json", "--action", "master_key.reseal"]);
    assert_eq!((&audit["actor_kind"], &audit["object_kind"]), (&"command".into(), &"master_key".into()));
    // The new one alone opens everything now, and the old one nothing.
    bearward.says(&["keys", "rotate", "--now"]);
    std::fs::copy(&old, bearward.path("master-key")).unwrap();
    assert!(bearward.refuses(&["keys", "rotate"]).contains("master key"));
}

#[test]
fn a_server_that_cannot_start_says_why_in_one_line() {
    let bearward = Bearward::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let line = bearward.fails(bearward.command(&["serve"]).env("BEARWARD_LISTEN", &address));
    assert!(line.contains(&address) && line.contains("set listen (or BEARWARD_LISTEN)"), "{line}");
    assert!(!bearward.path("db").exists(), "nothing was touched");

    let line = bearward.fails(bearward.command(&["serve", "--demo"]).env("BEARWARD_LISTEN", "0.0.0.0:0"));
    assert!(line.contains("--demo") && line.contains("0.0.0.0:0") && line.contains("listen"), "{line}");

    bearward.says(&["keys", "rotate", "--now"]);
    let other = Bearward::new();
    let line = bearward.fails(bearward.command(&["serve"]).env("BEARWARD_MASTER_KEY_FILE", other.path("master-key")));
    assert!(line.contains("the master key does not open what the database holds"), "{line}");

    let nowhere = format!("sqlite://{}", bearward.path("no/such/dir/db").display());
    let line = bearward.fails(bearward.command(&["migrate"]).env("BEARWARD_DATABASE__URL", nowhere));
    assert!(line.contains("check database.url"), "{line}");
    let line = bearward
        .fails(bearward.command(&["migrate"]).env("BEARWARD_DATABASE__URL", "postgres://u:hunter2@127.0.0.1:1/d"));
    assert!(line.contains("check database.url") && !line.contains("hunter2"), "{line}");
}

#[test]
fn the_configuration_is_checked_without_starting() {
    let bearward = Bearward::new();
    let shown = bearward.says(&["check-config"]);
    assert!(shown.starts_with("ok\n") && shown.contains("tokens.access_lifetime = 10m"), "{shown}");
    let key = std::fs::read_to_string(bearward.path("master-key")).unwrap();
    assert!(!shown.contains(key.trim()) && !bearward.path("db").exists());
    let line = bearward.fails(bearward.command(&["check-config"]).env("BEARWARD_LISTN", "x"));
    assert!(line.contains("did you mean BEARWARD_LISTEN?"), "{line}");
    let file = bearward.path("bearward.toml");
    std::fs::write(&file, "[tokens]\naccess_lifetime = \"5m\"\n").unwrap();
    let shown = bearward.says(&["--config", file.to_str().unwrap(), "check-config"]);
    assert!(shown.contains("tokens.access_lifetime = 5m"), "{shown}");
    assert_eq!(bearward.run(&["no-such-command"]).status.code(), Some(2));
}

#[test]
fn the_database_file_is_its_owners() {
    use std::os::unix::fs::PermissionsExt as _;
    let bearward = Bearward::new();
    bearward.says(&["migrate"]);
    let mode = |file: &Path| std::fs::metadata(file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&bearward.path("db")), 0o600);
}

#[test]
fn who_stops_reading_ends_a_command_quietly() {
    let bearward = Bearward::new();
    bearward.says(&["scope", "set", "orders:read", "--title", "Read your orders"]);
    for arguments in [&["scope", "list"][..], &["scope", "list", "--json"], &["export"], &["man"], &["check-config"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = bearward.command(arguments).stdin(Stdio::null()).stdout(writer).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        // As a shell reports what SIGPIPE ended.
        assert_eq!((output.status.code(), said.as_str()), (Some(141), ""), "{arguments:?}");
    }
}

#[test]
fn issuers_are_trusted_listed_and_removed() {
    let bearward = Bearward::new();
    let certificate = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/saml/fixtures/rsa.pem");
    let add = ["issuer", "add", "https://idp.example/metadata"];
    let with = |more: &[&'static str]| [&add[..], more].concat();
    bearward.says(&with(&["--saml", "--certificate-file", certificate, "--scope", "orders:read", "--any-subject"]));
    let listed = bearward.json(&["issuer", "list", "--json"]);
    let found = &listed[0];
    assert_eq!(found["issuer"], "https://idp.example/metadata");
    assert_eq!((&found["kind"], &found["subjects"]), (&"saml".into(), &"any".into()));
    assert!(found["keys"]["certificates"][0].as_str().unwrap().contains("BEGIN CERTIFICATE"));
    let table = "issuer                        kind  scopes       clients\n\
                 https://idp.example/metadata  SAML  orders:read  all\n";
    assert_eq!(bearward.says(&["issuer", "list"]), table);

    assert!(bearward.refuses(&with(&["--saml"])).contains("--certificate-file"));
    assert!(bearward.refuses(&with(&[])).contains("--jwks-uri"));
    let short = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/saml/fixtures/unfit-short.pem");
    assert!(bearward.refuses(&with(&["--saml", "--certificate-file", short])).contains("2048"));
    assert!(bearward.refuses(&with(&["--jwks-uri", "http://idp.example/jwks"])).contains("not an https URL"));
    let inside = bearward.refuses(&with(&["--jwks-uri", "https://169.254.169.254/jwks"]));
    assert!(inside.contains("assertions.jwks_networks"), "{inside}");
    assert!(bearward.refuses(&with(&["--certificate-file", certificate, "--client", "nobody"])).contains("nobody"));
    for (claim, problem) in
        [("sub=dept", "reserved"), ("dept", "NAME=SOURCE"), ("dept=", "1 to 512"), ("dept=a..b", "1 to 512")]
    {
        let line = bearward.refuses(&with(&["--certificate-file", certificate, "--claim-from", claim]));
        assert!(line.contains(problem), "{line}");
    }
    // What was refused changed nothing.
    assert_eq!(bearward.json(&["issuer", "list", "--json"]), listed);
    let oid = "dept=urn:oid:2.5.4.11";
    bearward.says(&with(&["--saml", "--certificate-file", certificate, "--claim-from", oid]));
    let mapped = bearward.json(&["issuer", "list", "--json"]);
    assert_eq!(mapped[0]["claims"], serde_json::json!({ "dept": "urn:oid:2.5.4.11" }));
    let audit = bearward.says(&["audit", "--json"]);
    assert!(audit.contains("urn:oid:2.5.4.11"), "{audit}");

    bearward.says(&["issuer", "remove", "https://idp.example/metadata"]);
    assert_eq!(bearward.json(&["issuer", "list", "--json"]), serde_json::json!([]));
    assert!(bearward.refuses(&["issuer", "remove", "https://idp.example/metadata"]).contains("no such issuer"));
}

#[test]
fn what_tokens_say_is_a_clients_option() {
    let bearward = Bearward::new();
    bearward.says(&["scope", "set", "orders:read", "--title", "Read your orders"]);
    let create = ["client", "create", "svc", "--grant", "client_credentials", "--scope", "orders:read", "--json"];
    let with = |more: &[&'static str]| [&create[..], more].concat();
    for (arguments, why) in [
        (with(&["--claim", "sub=x"]), "reserved"),
        (with(&["--claim", "tier"]), "NAME=VALUE"),
        (with(&["--claim", "tier={}"]), "has to be a text"),
        (with(&["--resource", "https://a.example/#f"]), "fragment"),
        (with(&["--resource", "a"]), "absolute URI"),
        (with(&["--authorization-type", "payment"]), "authorization-type set payment"),
    ] {
        let line = bearward.refuses(&arguments);
        assert!(line.contains(why), "{arguments:?}: {line}");
    }
    let field = ["--field", "actions=It may", "--require", "actions", "--value", "actions=initiate"];
    let set = ["authorization-type", "set", "payment", "--title", "Make a payment"];
    bearward.says(&[&set[..], &field].concat());
    assert!(bearward.refuses(&[&set[..], &["--require", "amount"]].concat()).contains("no field amount"));
    assert!(bearward.refuses(&[&set[..], &["--field", "type=T"]].concat()).contains("every type"));
    let listed = bearward.json(&["authorization-type", "list", "--json"]);
    assert!(bearward.says(&["audit"]).contains("authorization_type.create"));
    assert_eq!(listed[0]["fields"]["actions"]["values"][0], "initiate");
    let created = bearward.json(&with(&[
        "--claim",
        "tier=gold",
        "--claim",
        "level=7",
        "--claim",
        r#"teams=["a","b"]"#,
        "--resource",
        "https://a.example",
        "--authorization-type",
        "payment",
        "--access-token-format",
        "opaque",
        "--access-token-lifetime",
        "60",
        "--require-dpop",
    ]));
    assert_eq!((created["claims"]["tier"].as_str(), created["claims"]["level"].as_i64()), (Some("gold"), Some(7)));
    assert_eq!(created["claims"]["teams"][1], "b");
    assert_eq!(
        (created["access_token_format"].as_str(), created["dpop_bound_access_tokens"].as_bool()),
        (Some("opaque"), Some(true))
    );
    assert_eq!(
        (created["access_token_lifetime"].as_i64(), created["resources"][0].as_str()),
        (Some(60), Some("https://a.example"))
    );
}

#[test]
fn an_initial_access_token_is_shown_once() {
    let bearward = Bearward::new();
    assert!(bearward.refuses(&["registration-token", "create", "--scope", "x"]).contains("scope set x"));
    bearward.says(&["scope", "set", "x", "--title", "X"]);
    let made = bearward.json(&["registration-token", "create", "--scope", "x", "--uses", "2", "--days", "1", "--json"]);
    let token = made["initial_access_token"].as_str().unwrap();
    assert!(bearward::secret::well_formed("bw_it_", token) && made["expires_at"].is_i64());
    assert!(bearward.says(&["registration-token", "create"]).contains("registration.enabled"));
    let id = made["id"].as_str().unwrap();
    let listed = bearward.json(&["registration-token", "list", "--json"]);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert!(listed.as_array().unwrap().iter().any(|one| one["id"] == id && one["uses"] == 2 && one["scope"] == "x"));
    bearward.says(&["registration-token", "revoke", id]);
    assert!(bearward.refuses(&["registration-token", "revoke", id]).contains("no such initial access token"));
    let left = bearward.says(&["registration-token", "list"]);
    assert!(left.lines().count() == 2 && !left.contains(id), "{left}");
    let log = bearward.says(&["audit"]);
    assert!(log.contains("registration_token.create") && log.contains("registration_token.revoke"), "{log}");
    assert!(!log.contains(token), "{log}");
}
