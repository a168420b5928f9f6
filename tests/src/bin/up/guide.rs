//! What to try next, as commands to paste.

use crate::Args;
use bearward_tests::demo;
use std::path::Path;

/// The verifier and challenge of RFC 7636 Appendix B: known to everyone, which is fine for a demo alone.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) fn text(args: &Args, dir: &Path) -> String {
    let url = args.url();
    let (service, secret) = (demo::SERVICE, demo::SERVICE_SECRET);
    let pick = "python3 -c 'import json,sys; print(json.load(sys.stdin)[\"access_token\"])'";
    let authorize = format!(
        "{url}/oauth2/authorize?response_type=code&client_id={}&scope=orders%3Aread&state=demo\
         &redirect_uri=http%3A%2F%2F127.0.0.1%3A{}%2Fcallback&code_challenge={CHALLENGE}&code_challenge_method=S256",
        demo::SPA,
        args.callback_port,
    );
    format!(
        r#"
Bearward is up. Everything listens on loopback only.

    gateway       {url}  (Envoy with the filter; admin on {admin})
    authserver    http://127.0.0.1:{authserver}  (health and metrics on {management})
    files, logs   {dir}

Try it:

    # no token: 401
    curl -i {url}/orders/1

    # a token by client credentials
    TOKEN=$(curl -s -u {service}:{secret} -d grant_type=client_credentials {url}/oauth2/token | {pick})

    # it opens the route; the answer is the request as the service saw it
    curl -i -H "Authorization: Bearer $TOKEN" {url}/orders/1

    # revoke it: the same call is refused
    curl -i -u {service}:{secret} -d "token=$TOKEN" {url}/oauth2/revoke
    curl -i -H "Authorization: Bearer $TOKEN" {url}/orders/1

In a browser, sign in as {username} with {password}:

    {authorize}

The console, for {admin_name} with {admin_password}:

    http://{host}:{authserver}/admin
{passkeys}
Ctrl-C stops everything."#,
        host = args.host,
        passkeys = passkeys(args),
        admin = args.envoy_admin_port,
        authserver = args.authserver_port,
        management = args.management_port,
        dir = dir.display(),
        admin_name = demo::ADMIN,
        admin_password = demo::ADMIN_PASSWORD,
        username = demo::USERNAME,
        password = demo::PASSWORD,
    )
}

/// Browsers bind passkeys to names alone.
fn passkeys(args: &Args) -> String {
    if args.host == "localhost" {
        return format!("\nPasskeys are made on the account page:\n\n    {}/account\n", args.url());
    }
    "\nPasskeys need a name instead of an address: make up UP_HOST=localhost\n".to_owned()
}
