//! Invariant 3: identity headers reach the upstream only from a verified token.

use crate::oauth::Oauth;
use bearward_tests::demo;
use bearward_tests::echo::Echo;
use bearward_tests::stack::Stack;

const SPOOFS: &[(&str, &str)] = &[
    ("x-auth-subject", "root"),
    ("X-Auth-Subject", "admin"),
    ("x-auth-client", "root"),
    ("x-auth-scope", "everything"),
    ("x_auth_subject", "root"),
    ("X_AUTH_SCOPE", "everything"),
];

pub async fn spoofed_never_arrive(stack: &Stack) {
    let token = Oauth::service(stack).client_credentials(&[]).await.access;

    let seen = spoof(stack, "/orders/1", Some(&token)).await;
    let identity: Vec<_> = seen.headers.iter().filter(|(name, _)| is_identity(name)).collect();
    let expected =
        [("x-auth-client", demo::SERVICE), ("x-auth-scope", "orders:read"), ("x-auth-subject", demo::SERVICE)];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(identity, expected.iter().map(|(n, v)| (n, v)).collect::<Vec<_>>());

    for token in [None, Some(token.as_str()), Some("junk")] {
        let seen = spoof(stack, "/healthz", token).await;
        let said: Vec<_> = seen.headers.iter().filter(|(name, _)| is_identity(name)).collect();
        assert!(said.is_empty(), "on an open route, with {token:?}: {said:?}");
    }
}

async fn spoof(stack: &Stack, path: &str, token: Option<&str>) -> Echo {
    let mut request = stack.http.get(format!("{}{path}", stack.url));
    for (name, value) in SPOOFS {
        request = request.header(*name, *value);
    }
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
}

fn is_identity(name: &str) -> bool {
    name.replace('_', "-").to_ascii_lowercase().starts_with("x-auth-")
}
