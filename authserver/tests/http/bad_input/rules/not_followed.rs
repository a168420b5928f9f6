//! What we do not do although an RFC says it, and why.

/// RFC and section, what it says, what we do instead.
pub(super) const RULES: &[(&str, &str, &str)] = &[
    (
        "6749 §4.1.2.1, §4.2.2.1",
        "`server_error` and `temporarily_unavailable` go back to the client by redirect",
        "A page with a reference, and the status 500 or 503: when the database does not answer, nobody can say whether the client is one",
    ),
    (
        "6749 §8.2",
        "SHOULD: a parameter of one's own has a prefix that says whose it is",
        "`custom_claims` has none, nor have those of OpenID Connect. A client that is not registered for such claims is refused them",
    ),
    (
        "6750 §2.3",
        "SHOULD: `Cache-Control: private` in the answer to a request with a token in its query",
        "Answers are the upstream's, and the filter does not touch them. Tokens in queries are off unless the configuration names a parameter",
    ),
    (
        "7009 §2",
        "SHOULD: where the host answers by plain HTTP too, revocation does",
        "Nothing is served by plain HTTP but on a loopback address: a token sent so is known to others before it is revoked",
    ),
    (
        "8693 §2.2.2",
        "MUST: `invalid_request` for tokens that policy does not accept",
        "`unauthorized_client` where it is not the tokens but the client, which is registered for neither delegation nor impersonation, or for the other one: RFC 6749 §5.2 has that code for it, and it tells an operator where to look",
    ),
    (
        "9110 §15.5.2",
        "MUST: a 401 has a challenge",
        "None where the client did not use the `Authorization` header (RFC 6749 §5.2 asks for it only then): a page in the browser would open the browser's own password box",
    ),
    (
        "9700 §2.2.1, §4.10",
        "SHOULD: access tokens are bound to their sender",
        "Where the client sends a proof or is registered for it: a default would shut out clients that know bearer tokens only",
    ),
    (
        "9700 §2.4",
        "MUST NOT: the password grant",
        "Off. It is there for clients that cannot be changed yet, one by one, by the operator's registration; guesses are limited",
    ),
    (
        "9700 §4.1.3",
        "MUST: any port for a native app's redirect URI on `localhost`",
        "For `127.0.0.1` and `[::1]`, as RFC 8252 §7.3 has it. The name `localhost` can lead elsewhere (§8.3 there advises against it), so it keeps the port that is registered",
    ),
    (
        "9700 §4.11.2",
        "SHOULD: nobody is redirected to a URI that is not trusted",
        "`prompt=none` of a client that registered itself is answered all the same: the rule leaves silent requests out where it asks for a sign-in first, and registration needs a token of the operator's",
    ),
    (
        "9700 §4.16",
        "SHOULD: operators can allow origins to frame the pages",
        "No page can be framed, whoever asks: what a person agrees to is never shown inside another site",
    ),
];
