//! What we do not do although an RFC says it, and why.

/// RFC and section, what it says, what we do instead.
pub(super) const RULES: &[(&str, &str, &str)] = &[(
    "6749 §4.1.2.1",
    "`server_error` and `temporarily_unavailable` go back to the client by redirect",
    "A page with a reference and the status 500 or 503: if the database fails, it is not certain that the client is one",
)];
