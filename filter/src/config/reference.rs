//! Every key of the configuration: what it means, its default, an example, what to beware of. From this table come
//! `docs/filter-config.md` and `docs/filter.schema.json`; a test holds both to it, and it to the parser.

/// What a key holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Members that are listed on their own.
    Object,
    /// A list of such objects.
    Objects,
    /// Objects under names of one's own.
    Named,
    /// A text that is not empty.
    Text,
    /// A secret: a text, or `${NAME}`.
    Secret,
    /// A list of texts.
    Texts,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of these words.
    Words(&'static [&'static str]),
    /// A duration.
    Duration,
    /// A JWK Set.
    Jwks,
    /// Texts, or `true`, by names of one's own.
    Headers,
    /// What a claim must be, by its path.
    Claims,
    /// What a header carries, by its name.
    Outputs,
}

/// A key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    /// Where it is: `*` stands for a name of one's own, `[]` for an item of a list.
    pub(super) path: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
    pub(super) default: &'static str,
    pub(super) example: &'static str,
    pub(super) meaning: &'static str,
}

const fn field(
    path: &'static str,
    kind: Kind,
    default: &'static str,
    example: &'static str,
    meaning: &'static str,
) -> Field {
    Field { path, kind, required: false, default, example, meaning }
}

const fn must(path: &'static str, kind: Kind, example: &'static str, meaning: &'static str) -> Field {
    Field { path, kind, required: true, default: "required", example, meaning }
}

const PUBLIC: &[&str] = &["ES256", "ES384", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA"];

/// All of them, in the order of the reference. What stands under `rules[]` for access stands under `policies.*` too.
pub(super) const FIELDS: &[Field] = &[
    field(
        "realm",
        Kind::Text,
        "the first provider's issuer",
        "\"https://id.example\"",
        "What challenges name (RFC 9110 §11.5).",
    ),
    must(
        "providers",
        Kind::Named,
        "",
        "The issuers whose tokens are taken, by names of your own. No two have one issuer. A provider that fails takes no other along.",
    ),
    must(
        "providers.*.issuer",
        Kind::Text,
        "\"https://id.example\"",
        "The `iss` of its tokens, compared exactly: an http or https URL.",
    ),
    must(
        "providers.*.audiences",
        Kind::Texts,
        "[\"https://api.example\"]",
        "A token must be for one of these (`aud`).",
    ),
    field(
        "providers.*.clock_skew",
        Kind::Duration,
        "`60s`",
        "\"30s\"",
        "How far clocks may be apart; at most `5m`, as revocations are kept for so long after a token's `exp`.",
    ),
    field(
        "providers.*.types",
        Kind::Texts,
        "`[\"at+jwt\"]`",
        "[\"at+jwt\", \"JWT\"]",
        "The `typ` that a JWT may have; `none` stands for a JWT without one. **Beware:** an issuer that gives its ID tokens the same type must be told apart by `audiences`.",
    ),
    field(
        "providers.*.required_claims",
        Kind::Texts,
        "`[\"sub\", \"client_id\", \"iat\", \"jti\"]`",
        "[\"sub\"]",
        "Claims that a token must have besides `iss`, `aud` and `exp`. The default is RFC 9068 §2.2 for JWTs, and none for introspection answers, where RFC 7662 §2.2 requires none; what is written here holds for both. A token without `iat` is older than any cutoff of the revocation feed, one without `jti` can only be revoked by its client, person or grant.",
    ),
    field(
        "providers.*.algorithms",
        Kind::Words(PUBLIC),
        "what the keys say",
        "[\"PS256\"]",
        "The algorithms that its keys may be used with. A key that names its `alg` is for that one alone; an RSA key that names none is for these, or for RS256 where this is left out. ES384 takes a host with `verify_signature` (Envoy has it).",
    ),
    field(
        "providers.*.jwks",
        Kind::Object,
        "",
        "",
        "Its public keys. One of `jwks`, `hmac`, `introspection` is needed; `jwks` and `hmac` never go together.",
    ),
    field(
        "providers.*.jwks.cluster",
        Kind::Text,
        "required without `inline`",
        "\"authserver\"",
        "The Envoy cluster where they are fetched.",
    ),
    field("providers.*.jwks.path", Kind::Text, "required without `inline`", "\"/oauth2/jwks\"", "The path there."),
    field(
        "providers.*.jwks.cache_duration",
        Kind::Duration,
        "`5m`",
        "\"10m\"",
        "How long keys are used before they are fetched again. An unknown `kid` causes a fetch at once, now and then; keys are kept while the issuer is away.",
    ),
    field("providers.*.jwks.timeout", Kind::Duration, "`2s`", "\"5s\"", "How long a fetch may take."),
    field(
        "providers.*.jwks.inline",
        Kind::Jwks,
        "",
        "{\"keys\": []}",
        "The keys themselves, as an object or as text. They never change.",
    ),
    field(
        "providers.*.hmac",
        Kind::Object,
        "",
        "",
        "A secret that the issuer signs with. **Beware:** whoever has it can make tokens.",
    ),
    must(
        "providers.*.hmac.secret",
        Kind::Secret,
        "\"${JWT_SECRET}\"",
        "The secret, at least as long as the hash: 32, 48 or 64 bytes.",
    ),
    field(
        "providers.*.hmac.algorithm",
        Kind::Word(&["HS256", "HS384", "HS512"]),
        "`HS256`",
        "\"HS512\"",
        "What it is used with.",
    ),
    field(
        "providers.*.hmac.encoding",
        Kind::Word(&["text", "base64url"]),
        "`text`",
        "\"base64url\"",
        "How the secret is written.",
    ),
    field(
        "providers.*.introspection",
        Kind::Object,
        "",
        "",
        "Where tokens are asked about that are no JWT (RFC 7662); all of them, where there is neither `jwks` nor `hmac`. There is one call per token and Envoy, however many requests wait in however many workers. `aud` must be in the answer.",
    ),
    must("providers.*.introspection.cluster", Kind::Text, "\"authserver\"", "The Envoy cluster."),
    must("providers.*.introspection.path", Kind::Text, "\"/oauth2/introspect\"", "The path there."),
    field(
        "providers.*.introspection.client_id",
        Kind::Text,
        "none",
        "\"mesh\"",
        "Who asks, by HTTP Basic. Left out with `client_secret` where the cluster's TLS says it.",
    ),
    field("providers.*.introspection.client_secret", Kind::Secret, "none", "\"${MESH_SECRET}\"", "Its secret."),
    field(
        "providers.*.introspection.cache_duration",
        Kind::Duration,
        "`60s`",
        "\"5m\"",
        "How long an answer holds at the most; the feed and the token's `exp` end it sooner. **Beware:** without a feed, a revoked token goes on for so long.",
    ),
    field(
        "providers.*.introspection.inactive_duration",
        Kind::Duration,
        "`10s`",
        "\"1s\"",
        "How long a token that is not active is not asked about again. Errors are never kept.",
    ),
    field(
        "providers.*.introspection.timeout",
        Kind::Duration,
        "`2s`",
        "\"1s\"",
        "How long a call may take. A request waits 2 s at the most.",
    ),
    field(
        "providers.*.introspection.token_prefix",
        Kind::Text,
        "none: all opaque tokens",
        "\"bw_at_\"",
        "What its opaque tokens begin with. Where two providers introspect, a token is its issuer's that it begins like the most, and nobody else hears of it; one of them at most may leave this out. With Bearward's own (`bw_at_`), the checksum is looked at first, so that junk causes no call.",
    ),
    field(
        "providers.*.introspection.answers",
        Kind::Word(&["plain", "signed"]),
        "`plain`",
        "\"signed\"",
        "`signed` takes only answers that are JWTs (RFC 9701), signed by one of the provider's keys, for `client_id`, and of now; it needs `jwks`. Encrypted ones are not read.",
    ),
    field(
        "providers.*.revocations",
        Kind::Object,
        "none",
        "",
        "The feed of what was revoked. **Beware:** without it, tokens are good until they expire.",
    ),
    must("providers.*.revocations.cluster", Kind::Text, "\"authserver\"", "The Envoy cluster."),
    must("providers.*.revocations.path", Kind::Text, "\"/mesh/revocations\"", "The path there."),
    field(
        "providers.*.revocations.max_staleness",
        Kind::Duration,
        "`60s`",
        "\"30s\"",
        "How long ago the feed may have answered last; at least `3s`.",
    ),
    field(
        "providers.*.revocations.on_stale",
        Kind::Word(&["deny", "allow"]),
        "`deny`",
        "\"allow\"",
        "What happens then: `deny` answers 503, `allow` goes on with what is known, and counts. **Beware:** with `allow`, whoever can cut the feed off keeps revoked tokens alive.",
    ),
    field(
        "providers.*.revocations.gateway_secret",
        Kind::Secret,
        "none",
        "\"${GATEWAY_SECRET}\"",
        "The authserver's `gateway.secret`, at least 32 bytes: where it has one, its feed answers nobody else.",
    ),
    field(
        "credentials",
        Kind::Objects,
        "`[{\"header\": \"authorization\"}]`",
        "[{\"header\": \"authorization\"}, {\"cookie\": \"at\"}]",
        "Where a token may be. Two tokens are refused. All of these places are emptied before the request goes on, unless `forward.authorization` is `keep`.",
    ),
    field(
        "credentials[].header",
        Kind::Text,
        "",
        "\"x-token\"",
        "A header. `authorization` takes the schemes `Bearer` and `DPoP`.",
    ),
    field(
        "credentials[].prefix",
        Kind::Text,
        "none",
        "\"Token \"",
        "What goes before the token in that header, compared exactly.",
    ),
    field(
        "credentials[].query",
        Kind::Text,
        "",
        "\"access_token\"",
        "A parameter of the query. **Beware:** URLs end up in logs and histories (RFC 9700 §4.3.2).",
    ),
    field(
        "credentials[].cookie",
        Kind::Text,
        "",
        "\"at\"",
        "A cookie. **Beware:** browsers send it along whoever makes the request; the service must defend itself against forged ones.",
    ),
    must("rules", Kind::Objects, "", "The first that matches holds; where none does, the request is denied."),
    must("rules[].match", Kind::Object, "", "Which requests: all that is said must be so."),
    field(
        "rules[].match.path",
        Kind::Text,
        "",
        "\"/orders/{id}\"",
        "This path; `{name}` stands for one segment. Either this or `prefix`.",
    ),
    field("rules[].match.prefix", Kind::Text, "", "\"/orders\"", "This path and all below it, by whole segments."),
    field(
        "rules[].match.methods",
        Kind::Texts,
        "all",
        "[\"GET\", \"HEAD\"]",
        "These methods. One of them in another case (`get`) is refused: servers differ in whether it is the same. **Beware:** a service that takes another method's name from a header (`x-http-method-override`) or a form has to be told not to: rules see the method that was sent.",
    ),
    field(
        "rules[].match.hosts",
        Kind::Texts,
        "all",
        "[\"api.example\", \"*.api.example\"]",
        "These hosts, without a port.",
    ),
    field(
        "rules[].match.headers",
        Kind::Headers,
        "none",
        "{\"x-tenant\": \"a\", \"x-beta\": true}",
        "These headers: with this value, exactly once; or `true` for any; none that `forward.headers` sets. **Beware:** clients write what they like into headers.",
    ),
    field(
        "rules[].policy",
        Kind::Text,
        "",
        "\"reads\"",
        "What the policy of this name takes, instead of `allow` and `require`.",
    ),
    field(
        "rules[].allow",
        Kind::Word(&["anonymous", "optional"]),
        "",
        "\"optional\"",
        "`anonymous`: no token is looked at. `optional`: none is needed, but one that comes must be good, and meet `require`.",
    ),
    field("rules[].require", Kind::Object, "", "", "A good token that meets all of this. Empty: any good token."),
    field(
        "rules[].require.scopes",
        Kind::Texts,
        "none",
        "[\"orders:read\"]",
        "All of these scopes (`scope`, or `scp`).",
    ),
    field(
        "rules[].require.any_scopes",
        Kind::Texts,
        "none",
        "[\"orders:read\", \"orders:admin\"]",
        "One of these scopes.",
    ),
    field(
        "rules[].require.audiences",
        Kind::Texts,
        "the provider's",
        "[\"https://orders.example\"]",
        "One of these audiences; they must be among the provider's.",
    ),
    field("rules[].require.issuers", Kind::Texts, "all", "[\"bearward\"]", "Tokens of these providers, by name."),
    field(
        "rules[].require.claims",
        Kind::Claims,
        "none",
        "{\"tenant\": \"a\", \"realm.roles\": [\"admin\", \"owner\"], \"email\": {\"present\": true}}",
        "Claims that must be so, nested ones by names parted by dots: this value, one of these, or anything. A claim that is a list must hold the value.",
    ),
    field(
        "rules[].require.acr",
        Kind::Texts,
        "none",
        "[\"gold\"]",
        "One of these ways of signing in (`acr`), the best first; else the client is told to sign the person in again (RFC 9470).",
    ),
    field(
        "rules[].require.max_age",
        Kind::Duration,
        "none",
        "\"10m\"",
        "How long ago the person may have signed in (`auth_time`); else the same.",
    ),
    field(
        "policies",
        Kind::Named,
        "none",
        "",
        "What takes a name, for rules and routes: `allow` and `require` as in rules.",
    ),
    field(
        "route_policy",
        Kind::Object,
        "off",
        "{}",
        "Takes the policy that the route's metadata names, before any rule. It costs a call into Envoy per request. **Beware:** whoever writes routes decides then. Envoy chooses the route by the headers as they came, and again when the filter has changed them: a request that names an identity is refused (400), and routes with policies must not be told apart by where tokens are (`credentials`).",
    ),
    field(
        "route_policy.namespace",
        Kind::Text,
        "`bearward`",
        "\"bearward\"",
        "The namespace in the route's `filter_metadata`.",
    ),
    field("route_policy.key", Kind::Text, "`policy`", "\"policy\"", "The key in it."),
    field(
        "cors_preflight",
        Kind::Word(&["deny", "allow"]),
        "`deny`",
        "\"allow\"",
        "Lets an `OPTIONS` request with `origin` and `access-control-request-method` through without a token, where a rule exists for the method that it asks about, or the route names a policy.",
    ),
    field("oauth", Kind::Object, "none", "", "What is the authserver's to answer."),
    must("oauth.cluster", Kind::Text, "\"authserver\"", "Its Envoy cluster."),
    must(
        "oauth.prefixes",
        Kind::Texts,
        "[\"/oauth2/\", \"/login\"]",
        "Its paths: let through as they are, without identity headers, for Envoy's routes to hand on; or handed on by the filter, with `dispatch`. Compared as they are written, as routes are: `/%6fauth2/` is another path, for `rules`. Not `/` alone. **Beware:** with routes, each of these prefixes needs one that leads to the authserver; what falls through to a service's route gets there without a token; where other hosts go through the same filter, say `hosts`.",
    ),
    field(
        "oauth.hosts",
        Kind::Texts,
        "all",
        "[\"id.example\"]",
        "The hosts at which these paths are the authserver's, without a port; at others `rules` say what they take. **Beware:** without it, a service at another host of the same listener that has a path like `/account` is open there.",
    ),
    field(
        "oauth.gateway_secret",
        Kind::Secret,
        "none",
        "\"${GATEWAY_SECRET}\"",
        "At least 32 bytes, which the authserver has too. The filter vouches with it for the client's certificate and address. `x-bearward-gateway` and `x-bearward-client-address` are taken from every request on these paths, with a secret or without.",
    ),
    field(
        "oauth.dispatch",
        Kind::Object,
        "off: Envoy's routes do it",
        "{}",
        "The filter itself hands these requests to the cluster and gives the answers back, where routes can't be edited. Bodies may have 64 KiB, answers 1 MiB; nothing is streamed. **Beware:** requests with a body need `allow_on_headers_stop_iteration: true` beside `configuration` in Envoy's plugin config; without it they get 408.",
    ),
    field(
        "oauth.dispatch.timeout",
        Kind::Duration,
        "`15s`",
        "\"10s\"",
        "How long a body may take to come, and then the answer: else 408, or 504. At most `30s`.",
    ),
    field(
        "resource",
        Kind::Object,
        "none",
        "",
        "What this resource says of itself (RFC 9728); the filter serves the document, and challenges name it.",
    ),
    must(
        "resource.identifier",
        Kind::Text,
        "\"https://api.example\"",
        "Its URL. The document is at `/.well-known/oauth-protected-resource`, followed by the URL's path.",
    ),
    field(
        "resource.authorization_servers",
        Kind::Texts,
        "the providers' issuers",
        "[\"https://id.example\"]",
        "Who issues tokens for it.",
    ),
    field("resource.scopes", Kind::Texts, "none", "[\"orders:read\"]", "The scopes it knows."),
    field("resource.name", Kind::Text, "none", "\"Orders\"", "Its name, for people."),
    field("resource.documentation", Kind::Text, "none", "\"https://docs.example\"", "Where people read about it."),
    field(
        "dpop",
        Kind::Object,
        "not announced",
        "{}",
        "How DPoP proofs are checked (RFC 9449). Bound tokens need one whether this is there or not; with it, challenges offer the scheme.",
    ),
    field(
        "dpop.window",
        Kind::Duration,
        "`60s`",
        "\"2m\"",
        "How old a proof may be, and how far in the future. Each is used once per Envoy within it.",
    ),
    field(
        "dpop.origin",
        Kind::Text,
        "`x-forwarded-proto` or `:scheme`, and `:authority`",
        "\"https://api.example\"",
        "The scheme, host and port that clients see, where another proxy before this one changes them.",
    ),
    field(
        "dpop.nonce_secret",
        Kind::Secret,
        "none: no nonces",
        "\"${NONCE_SECRET}\"",
        "At least 32 bytes, the same at every Envoy: proofs must carry a nonce made with it.",
    ),
    field("forward", Kind::Object, "", "", "What the service is told."),
    field(
        "forward.authorization",
        Kind::Word(&["strip", "keep"]),
        "`strip`",
        "\"keep\"",
        "`keep` lets the service see the credential. **Beware:** it can then use it elsewhere.",
    ),
    field(
        "forward.headers",
        Kind::Outputs,
        "none",
        "{\"x-auth-subject\": \"sub\", \"x-roles\": {\"claim\": \"realm.roles\", \"separator\": \",\"}}",
        "Headers that carry claims: texts, numbers, booleans, lists with a separator (space, `,` or `;`), anything else as JSON in base64url. A claim that can't stand in a header as it is refuses the token. These headers are taken from every request first, whatever their case and whether they are written with `-`, `_` or `.`.",
    ),
    field(
        "forward.payload",
        Kind::Text,
        "none",
        "\"x-auth-claims\"",
        "A header that carries all claims: JSON in base64url.",
    ),
    field(
        "forward.state",
        Kind::Outputs,
        "none",
        "{\"subject\": \"sub\"}",
        "Filter state for access logs: `%FILTER_STATE(wasm.subject:PLAIN)%`.",
    ),
];
