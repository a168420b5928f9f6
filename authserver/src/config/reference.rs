//! Every setting, in words: what `docs/authserver-config.md` is made from, and what unknown keys are compared with.

use std::fmt::Write as _;

/// One setting.
pub(super) struct Setting {
    /// Its path in the file, parts joined by dots.
    pub(super) path: &'static str,
    /// A secret: not shown, and `<path>_file` names a file that holds it.
    pub(super) secret: bool,
    default: &'static str,
    example: &'static str,
    meaning: &'static str,
    warning: &'static str,
}

/// All of them, in the order of the documentation.
pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        path: "issuer",
        secret: false,
        default: "none, required",
        example: r#""https://auth.example.com""#,
        meaning: "The URL that clients see, normally the gateway's. It is the `iss` of every token, and every URL that the \
                  server hands out begins with it. No query, no fragment, no slash at the end.",
        warning: "`https`, or `http` on a loopback address. Changing it makes every token that is out worthless.",
    },
    Setting {
        path: "listen",
        secret: false,
        default: r#""127.0.0.1:9000""#,
        example: r#""0.0.0.0:9000""#,
        meaning: "The address and port where the server answers.",
        warning: "It speaks plain HTTP: only the gateway and the filters should reach it.",
    },
    Setting {
        path: "management_listen",
        secret: false,
        default: r#""127.0.0.1:9090""#,
        example: r#""0.0.0.0:9090""#,
        meaning: "The address and port of `/healthz` (it runs), `/readyz` (it can write to its database) and `/metrics`.",
        warning: "Nothing here is protected: keep it away from the outside.",
    },
    Setting {
        path: "master_key",
        secret: true,
        default: "none, required",
        example: r#"master_key_file = "/run/secrets/bearward-master-key""#,
        meaning: "32 random bytes in base64, as `bearward keys generate-master` prints them. Signing keys are sealed under it, \
                  and what browsers bring back is authenticated with keys derived from it. All replicas share it.",
        warning: "Without it the signing keys in the database are lost. Keep it apart from the database's backups.",
    },
    Setting {
        path: "other_master_key",
        secret: true,
        default: "none",
        example: r#"other_master_key_file = "/run/secrets/bearward-old-master-key""#,
        meaning: "A second master key, while one takes over from the other: what the first does not open, this one does; \
                  nothing is sealed under it. `docs/operations.md` has the steps.",
        warning: "",
    },
    Setting {
        path: "database.url",
        secret: true,
        default: "none, required",
        example: r#""sqlite:///var/lib/bearward/bearward.db" or "postgres://user:password@host/name""#,
        meaning: "Where everything is kept: an SQLite file, which is made if it is not there, for one machine; PostgreSQL 13 \
                  or later for any number of replicas.",
        warning: "An SQLite file belongs on a local disk, never on a network file system.",
    },
    Setting {
        path: "database.max_connections",
        secret: false,
        default: "16 (PostgreSQL), 4 readers beside the one writer (SQLite)",
        example: "32",
        meaning: "The most connections that this replica opens, 1 to 1000. PostgreSQL: one more waits for notices of change.",
        warning: "",
    },
    Setting {
        path: "tokens.access_lifetime",
        secret: false,
        default: r#""10m""#,
        example: r#""5m""#,
        meaning: "How long an access token is good, at most a day.",
        warning: "Revoking works at once whatever this is; but a filter that is cut off from the feed, and told to allow then, \
                  takes a revoked token for so long.",
    },
    Setting {
        path: "tokens.max_access_lifetime",
        secret: false,
        default: "`tokens.access_lifetime`",
        example: r#""1h""#,
        meaning: "The longest lifetime that a single client's registration may give its access tokens, at most a day. \
                  Revocations and retired signing keys are kept at least this long.",
        warning: "",
    },
    Setting {
        path: "tokens.refresh_lifetime",
        secret: false,
        default: r#""30d""#,
        example: r#""8h""#,
        meaning: "How long a refresh token is good when it is not used. Each use gives a new one with a new lifetime. At least \
                  `tokens.access_lifetime`.",
        warning: "",
    },
    Setting {
        path: "tokens.refresh_absolute_lifetime",
        secret: false,
        default: r#""365d""#,
        example: r#""90d""#,
        meaning: "How long what a person granted can be refreshed at all; after it they have to agree again. `0s` sets no end. A client's \
                  registration can say otherwise.",
        warning: "",
    },
    Setting {
        path: "tokens.refresh_grace",
        secret: false,
        default: r#""10s""#,
        example: r#""0s""#,
        meaning: "How long a refresh token that was just used still gives the same successor again, for a client that lost the \
                  answer. `0s` turns it off. At most 5 minutes.",
        warning: "After it, using a spent refresh token revokes everything that came from its grant.",
    },
    Setting {
        path: "tokens.code_lifetime",
        secret: false,
        default: r#""60s""#,
        example: r#""30s""#,
        meaning: "How long an authorization code is good, at most 10 minutes (RFC 6749 section 4.1.2).",
        warning: "",
    },
    Setting {
        path: "tokens.audience",
        secret: false,
        default: "the issuer",
        example: r#"["https://api.example.com"]"#,
        meaning: "The `aud` of tokens whose client names none of its own: one text or a list. In the environment, several are \
                  separated by commas.",
        warning: "The filter refuses tokens for an audience that it was not told of.",
    },
    Setting {
        path: "gateway.secret",
        secret: true,
        default: "none",
        example: r#"secret_file = "/run/secrets/bearward-gateway""#,
        meaning: "A random text of 32 characters or more that the gateway (the filter) has too. With it the gateway proves what it says \
                  about a client: its certificate and its address (docs/gateway-vouching.md).",
        warning: "Without it no client can prove itself by a certificate, limits count by account only, and whoever reaches \
                  the revocation feed can follow it.",
    },
    Setting {
        path: "gateway.client_authorities_file",
        secret: false,
        default: "none",
        example: r#""/etc/bearward/client-authorities.pem""#,
        meaning: "PEM certificates of the authorities whose certificates prove a client that is registered for `tls_client_auth`; at most 8. \
                  Needs `gateway.secret`.",
        warning: "",
    },
    Setting {
        path: "gateway.open_feed",
        secret: false,
        default: "false",
        example: "true",
        meaning: "Where there is a `gateway.secret`, the revocation feed answers only filters that have it \
                  (`revocations.gateway_secret`); this lets it answer all that reach it.",
        warning: "The feed names nobody and holds no tokens, but each that follows it holds a connection.",
    },
    Setting {
        path: "assertions.audience",
        secret: false,
        default: "none",
        example: r#"["https://old-gateway.example/api/oauth/token"]"#,
        meaning: "What the `aud` of an assertion (RFC 7523) may be beside the issuer and the URL of the token endpoint: one text or a list.",
        warning: "",
    },
    Setting {
        path: "assertions.leeway",
        secret: false,
        default: r#""30s""#,
        example: r#""1m""#,
        meaning: "How far the clock of whoever made an assertion may be off. At most 5 minutes.",
        warning: "",
    },
    Setting {
        path: "assertions.max_lifetime",
        secret: false,
        default: r#""1h""#,
        example: r#""5m""#,
        meaning: "How far ahead the `exp` of an assertion may be, a minute to a day. Its `jti` is remembered for so long.",
        warning: "",
    },
    Setting {
        path: "assertions.text_dates",
        secret: false,
        default: "false",
        example: "true",
        meaning: "Whether `exp`, `nbf` and `iat` of an assertion may be texts such as `\"1340452126\"`, as some older clients write them.",
        warning: "",
    },
    Setting {
        path: "assertions.jwks_networks",
        secret: false,
        default: "none",
        example: r#"["10.20.0.0/16", "127.0.0.1"]"#,
        meaning: "Networks and addresses that a `jwks_uri` may lead to although they are not of the public internet: there by `https` or `http`. Anywhere else, keys are fetched by `https` from public addresses only.",
        warning: "Whoever can set a `jwks_uri`, which with registration is whoever registers, can make this server send a GET to any port in these networks.",
    },
    Setting {
        path: "device.code_lifetime",
        secret: false,
        default: r#""10m""#,
        example: r#""15m""#,
        meaning: "How long a person has to type the code that a device shows (RFC 8628), 1 to 30 minutes.",
        warning: "",
    },
    Setting {
        path: "device.interval",
        secret: false,
        default: r#""5s""#,
        example: r#""10s""#,
        meaning: "How long a device waits between two polls, at most a minute. One that asks earlier has to wait 5 seconds longer each time.",
        warning: "",
    },
    Setting {
        path: "authorization.require_pushed_requests",
        secret: false,
        default: "false",
        example: "true",
        meaning: "Every client has to push its authorization requests to `/oauth2/par` first (RFC 9126). A single client is \
                  held to it by its registration.",
        warning: "",
    },
    Setting {
        path: "authorization.pushed_request_lifetime",
        secret: false,
        default: r#""90s""#,
        example: r#""60s""#,
        meaning: "How long the `request_uri` of a pushed authorization request is good, 5 seconds to 10 minutes.",
        warning: "",
    },
    Setting {
        path: "authorization.stored_requests_per_address",
        secret: false,
        default: "1000",
        example: "100",
        meaning: "How many requests that the server has to keep, which are pushed authorization requests and those of devices, \
                  it takes in a quarter of an hour from one IPv4 address or IPv6 network of 64 bits, 1 to 1000000. It counts \
                  those of clients that prove nothing: whoever knows such a client's id could fill the database. What is \
                  beyond is answered with 429 (RFC 9126 section 2.3) and `Retry-After`.",
        warning: "",
    },
    Setting {
        path: "dpop.require_nonce",
        secret: false,
        default: "false",
        example: "true",
        meaning: "DPoP proofs at this server's endpoints have to hold a nonce that the server gave (RFC 9449 section 8). A \
                  client without one is told so, with a nonce, and asks again.",
        warning: "",
    },
    Setting {
        path: "registration.enabled",
        secret: false,
        default: "false",
        example: "true",
        meaning: "Clients can be registered at `/oauth2/register` (RFC 7591) by whoever holds an initial access token, as \
                  `bearward registration-token create` makes them, and managed by their owners (RFC 7592).",
        warning: "",
    },
    Setting {
        path: "keys.algorithm",
        secret: false,
        default: r#""ES256""#,
        example: r#""RS256""#,
        meaning: "What new signing keys sign with: `ES256`, `ES384`, `EdDSA` (Ed25519), `RS256` or `PS256` (RSA of 2048 bits). \
                  Keys that are there already stay as they are: after a change the second rotation brings the first key of \
                  the new kind into use.",
        warning: "Every verifier has to know it. The filter knows all of them.",
    },
    Setting {
        path: "keys.more_algorithms",
        secret: false,
        default: "none",
        example: r#"["RS256"]"#,
        meaning: "Further algorithms that the server has keys for, so that a client can be registered for one of them \
                  (`--access-token-alg`). Each has keys of its own, which rotate like the usual ones.",
        warning: "When one is taken out, clients that are registered for it get no tokens any more. Its keys stay published \
                  until the last token that they signed has expired.",
    },
    Setting {
        path: "keys.rotate_every",
        secret: false,
        default: r#""30d""#,
        example: r#""7d""#,
        meaning: "How long a signing key signs before the next one takes over. `0s` leaves it to `bearward keys rotate`. Longer \
                  than `keys.publish_ahead`.",
        warning: "",
    },
    Setting {
        path: "keys.publish_ahead",
        secret: false,
        default: r#""10m""#,
        example: r#""1h""#,
        meaning: "How long a key is published before it signs.",
        warning: "Longer than any verifier keeps the key set, or that verifier meets tokens whose key it has not seen.",
    },
    Setting {
        path: "sessions.lifetime",
        secret: false,
        default: r#""12h""#,
        example: r#""1h""#,
        meaning: "How long a browser stays signed in at most, since sign-in. Up to 90 days.",
        warning: "",
    },
    Setting {
        path: "sessions.idle",
        secret: false,
        default: r#""2h""#,
        example: r#""30m""#,
        meaning: "After how long without use a browser has to sign in again, 5 minutes to 90 days: at a page of this server, or \
                  when it comes with a client's request. Use is noted once a minute, so it can be up to a minute sooner. As \
                  long as `sessions.lifetime`, or longer, it never is.",
        warning: "Long, and whoever finds a browser open is that person; NIST SP 800-63B has 30 minutes for what matters more.",
    },
    Setting {
        path: "sessions.trusted_proxies",
        secret: false,
        default: "1, the gateway",
        example: "2",
        meaning: "How many proxies in front of the server add to `X-Forwarded-For`, 0 to 16: by it sign-ins are throttled, and \
                  people see in their account where they signed in from.",
        warning: "Too many, and anybody can make up where they come from; too few, and everybody comes from the proxy.",
    },
    Setting {
        path: "passwords.max_concurrent_hashes",
        secret: false,
        default: "the number of cores",
        example: "2",
        meaning: "How many passwords are checked at once, 1 to 256. Each takes a core for about 50 ms, and 19 MiB.",
        warning: "",
    },
    Setting {
        path: "passwords.attempts_per_account",
        secret: false,
        default: "10",
        example: "5",
        meaning: "How many passwords may be tried for one username in 15 minutes, at the sign-in page and at the password grant \
                  together, on all replicas. One comes back after another. A browser that signed in to the account before is \
                  counted by itself, so strangers lock nobody out.",
        warning: "",
    },
    Setting {
        path: "passwords.attempts_per_address",
        secret: false,
        default: "100",
        example: "30",
        meaning: "The same from one address, whatever the username. At the password grant it is counted only where the gateway \
                  vouches for it (`gateway.secret`).",
        warning: "",
    },
    Setting {
        path: "log.format",
        secret: false,
        default: r#""text""#,
        example: r#""json""#,
        meaning: "`text` for people, `json` for machines; on standard error.",
        warning: "",
    },
    Setting {
        path: "log.filter",
        secret: false,
        default: r#""info""#,
        example: r#""info,bearward=debug""#,
        meaning: "Which messages are logged, as in `RUST_LOG`. No level logs a secret.",
        warning: "",
    },
];

/// The environment variable that sets a path.
pub(super) fn variable(path: &str) -> String {
    format!("BEARWARD_{}", path.to_ascii_uppercase().replace('.', "__"))
}

/// `docs/authserver-config.md`; a test holds the file to it.
#[must_use]
pub fn reference() -> String {
    let mut out = String::from(INTRODUCTION);
    for setting in SETTINGS {
        let Setting { path, secret, default, example, meaning, warning } = setting;
        let _ = write!(out, "\n## `{path}`\n\n{meaning}\n");
        if !warning.is_empty() {
            let _ = write!(out, "\n> **Warning.** {warning}\n");
        }
        let _ =
            write!(out, "\n* default: {}\n* example: `{example}`\n* variable: `{}`\n", code(default), variable(path));
        if *secret {
            let _ = writeln!(out, "* or from a file: `{path}_file`, `{}_FILE`", variable(path));
        }
    }
    out
}

/// A literal is shown as one, words as words.
fn code(default: &str) -> String {
    if default.starts_with('"') { format!("`{default}`") } else { default.to_owned() }
}

const INTRODUCTION: &str = r#"# The authserver's configuration

A TOML file, named by `--config` or `BEARWARD_CONFIG`, and the environment, which wins. A variable's name is `BEARWARD_`, then
the path in capitals with `__` between its parts. Either alone is enough.

```toml
issuer = "https://auth.example.com"
listen = "0.0.0.0:9000"
master_key_file = "/run/secrets/bearward-master-key"

[database]
url_file = "/run/secrets/bearward-database-url"

[tokens]
access_lifetime = "10m"
audience = ["https://api.example.com"]
```

* A key or a `BEARWARD_` variable that is not listed here is refused, so that a slip of the pen is not silently ignored. (Variables
  that Kubernetes sets for a Service, such as `BEARWARD_SERVICE_HOST`, are left alone.)
* Durations are `"90s"`, `"10m"`, `"12h"`, `"30d"`, several together (`"1h30m"`), or a number of seconds.
* Every secret can also be read from a file, by the name with `_file` behind it; never both. Space around it is cut off.
* `bearward check-config` checks all of this without starting, and prints the settings that hold, with secrets hidden.

<!-- Made from authserver/src/config/reference.rs; a test holds it to that. -->
"#;

#[cfg(test)]
mod tests {
    #[test]
    fn the_documentation_is_what_the_code_says() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/authserver-config.md");
        let expected = super::reference();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(file, &expected).unwrap();
        }
        let found = std::fs::read_to_string(file).unwrap_or_default();
        assert!(found == expected, "docs/authserver-config.md is old: UPDATE_DOCS=1 cargo test -p bearward reference");
    }
}
