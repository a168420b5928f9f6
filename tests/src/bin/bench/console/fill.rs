//! The rows, made by the database itself: few clients have most grants, few people have many, the newest are the most.

use bearward_tests::Result;
use bearward_tests::pg::Postgres;

pub(super) const CLIENTS: u64 = 50_000;
pub(super) const PEOPLE: u64 = 200_000;
pub(super) const GRANTS: u64 = 1_000_000;
pub(super) const ENTRIES: u64 = 500_000;
/// As many gateways as there may be.
const FOLLOWERS: u64 = 1_000;

pub(super) fn fill(postgres: &Postgres, database: &str) -> Result<()> {
    // Triggers and references are checked where the server writes; this only has to be quick.
    let statements = [
        "SET session_replication_role = replica".to_owned(),
        "SELECT setseed(0.5)".to_owned(),
        "CREATE TEMP TABLE told AS SELECT extract(epoch FROM now())::bigint AS now".to_owned(),
        "INSERT INTO scopes (name, title, description)
             SELECT 'area' || n / 4 || ':' || (ARRAY['read', 'write', 'share', 'delete'])[n % 4 + 1], 'Use area ' || n / 4,
                 'What area ' || n / 4 || ' of the benchmark is for.' FROM generate_series(0, 59) n"
            .to_owned(),
        format!(
            "INSERT INTO clients (id, name, auth_method, secret, grant_types, redirect_uris, scopes, default_scopes,
                 audience, options, disabled_at, created_at)
             SELECT 'app-' || n,
                 (ARRAY['Acme', 'Acme', 'Acme', 'Borealis', 'Cobalt', 'Delta', 'Ember', 'Fjord', 'Granite', 'Harbour'])[n % 10 + 1]
                     || ' ' || (ARRAY['Orders', 'Billing', 'Shop', 'Fleet', 'Mail', 'Maps', 'Ledger'])[n % 7 + 1] || ' ' || n,
                 'client_secret', sha256(convert_to('s' || n, 'UTF8')), '[\"authorization_code\",\"refresh_token\"]',
                 '[\"https://app-' || n || '.example/callback\"]', 'area1:read area1:write area2:read', 'area1:read',
                 '[]', '{{}}', CASE WHEN n % 25 = 0 THEN now - n END, now - n * 1000
             FROM generate_series(1, {CLIENTS}) n, told"
        ),
        format!(
            "INSERT INTO people (id, username, username_key, password_hash, disabled_at, created_at)
             SELECT 'person-' || n, name, name, 'x', CASE WHEN n % 50 = 0 THEN now - n END, now - n * 300
             FROM (SELECT n, (ARRAY['anna', 'bo', 'carla', 'dario', 'elif', 'farid', 'gala', 'hugo'])[n % 8 + 1] || '.' || n
                 AS name FROM generate_series(1, {PEOPLE}) n) AS named, told"
        ),
        format!(
            "INSERT INTO grants (id, client_id, person_id, scope, auth_time, acr, details, created_at, revoked_at)
             SELECT 'grant-' || n, 'app-' || 1 + floor(power(random(), 4) * {CLIENTS})::int,
                 'person-' || 1 + floor(power(random(), 2) * {PEOPLE})::int, 'area1:read area1:write', at, 'pwd', '{{}}', at,
                 CASE WHEN random() < 0.15 THEN now END
             FROM (SELECT n, now, now - floor(power(random(), 2) * 63072000)::bigint AS at
                 FROM generate_series(1, {GRANTS}) n, told) AS dated"
        ),
        "INSERT INTO consents (person_id, client_id, scope, granted_at)
             SELECT person_id, client_id, 'area1:read', min(created_at) FROM grants WHERE revoked_at IS NULL
             GROUP BY person_id, client_id"
            .to_owned(),
        format!(
            "INSERT INTO sessions (id, person_id, auth_time, acr, expires_at, used_at, address, agent)
             SELECT sha256(convert_to('s' || n, 'UTF8')), 'person-' || 1 + floor(power(random(), 2) * {PEOPLE})::int, now - n,
                 'pwd', now + n, now, '192.0.2.7', 'Firefox on Linux' FROM generate_series(1, 100000) n, told"
        ),
        "INSERT INTO totp (person_id, sealed, added_at, last_step) SELECT id, '\\x00', created_at, 0 FROM people
             WHERE created_at % 10 = 0"
            .to_owned(),
        format!(
            "INSERT INTO audit (at, actor_kind, actor, address, action, object_kind, object, before, after)
             SELECT now - {ENTRIES} + n, 'person', 'person-' || 1 + floor(power(random(), 2) * {PEOPLE})::int, '192.0.2.7',
                 (ARRAY['person.sign_in', 'person.sign_in', 'person.sign_in', 'consent.give', 'client.edit', 'grant.revoke'])
                     [n % 6 + 1],
                 (ARRAY['person', 'person', 'person', 'consent', 'client', 'grant'])[n % 6 + 1],
                 'app-' || 1 + floor(power(random(), 2) * {CLIENTS})::int,
                 '{{\"name\":\"Acme\",\"scope\":\"area1:read\"}}', '{{\"name\":\"Acme Shop\",\"scope\":\"area1:read area1:write\"}}'
             FROM generate_series(1, {ENTRIES}) n, told"
        ),
        "INSERT INTO activity (minute, kind, count, expires_at)
             SELECT now - now % 60 - n * 60, kind, 1 + n % 700, now + 2678400
             FROM generate_series(0, 44639) n, unnest(ARRAY['issued', 'denied', 'revoked', 'signed_in', 'refused']) kind, told
             ON CONFLICT DO NOTHING"
            .to_owned(),
        format!(
            "INSERT INTO followers (address, id, node, seen_at, current_at, expires_at)
             SELECT '10.0.' || n / 250 || '.' || n % 250, md5(n::text), 'edge-' || n, now, now - n % 30, now + 3600
             FROM generate_series(1, {FOLLOWERS}) n, told"
        ),
        "INSERT INTO trusted_issuers (issuer, settings, created_at)
             SELECT 'https://idp-' || n || '.example', '{\"kind\":\"jwt\",\"keys\":{\"jwks_uri\":\"https://idp.example/jwks\"}}',
                 now FROM generate_series(1, 20) n, told"
            .to_owned(),
        "INSERT INTO initial_access_tokens (digest, note, scopes, uses_left, expires_at, created_at)
             SELECT sha256(convert_to('it' || n, 'UTF8')), 'Partner ' || n, 'area1:read', 1 + n % 9, now + 86400 + n, now
             FROM generate_series(1, 100) n, told"
            .to_owned(),
    ];
    postgres.sql(database, &statements.join(";\n"))?;
    postgres.sql(database, "VACUUM ANALYZE")
}
