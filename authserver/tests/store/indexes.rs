//! Every list of the console reads an index, at the size it has to be quick at: 50,000 clients, 1,000,000 grants.
//!
//! The rows are made by the database itself; what is asked is how it would carry the queries out.

use crate::fixture::{Fixture, NOW};
use bearward::storage::LISTS;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, Executor as _, Row as _};

const CLIENTS: u32 = 50_000;
const PEOPLE: u32 = 10_000;
const GRANTS: u32 = 1_000_000;
const ENTRIES: u32 = 50_000;

/// The index that each of [`LISTS`] is for; without it, another would be read, and far too much of that.
const INDEXES: [&[&str]; 20] = [
    &["clients_pkey"],
    &["clients_by_name"],
    &["people_username_key_key"],
    &["people_username_key_key"],
    &["grants_by_time"],
    &["grants_by_client"],
    &["grants_by_person"],
    &["grants_by_client", "grants_by_person"],
    &["audit_pkey"],
    &["audit_by_object"],
    &["audit_by_actor"],
    &["audit_by_action"],
    &["audit_by_kind"],
    &["audit_by_actor_and_action"],
    &["audit_by_actor_and_kind"],
    &["audit_by_time"],
    &["sessions_by_person"],
    &["consents_pkey"],
    &["clients_disabled"],
    &["initial_access_tokens_by_expiry"],
];

/// The rows, as statements that both databases understand; `series` counts from 1 to a number as `n`, `digest` is
/// 32 bytes of each.
fn rows(series: impl Fn(u32) -> String, digest: &str) -> Vec<String> {
    vec![
        format!(
            "INSERT INTO clients (id, name, auth_method, grant_types, redirect_uris, scopes, default_scopes, audience,
             options, created_at) SELECT 'client-' || n, 'Client ' || n, 'none', '[]', '[]', 'a', '', '[]', '{{}}', {NOW}
             FROM {}",
            series(CLIENTS)
        ),
        format!(
            "INSERT INTO people (id, username, username_key, password_hash, created_at)
             SELECT 'person-' || n, 'Person ' || n, 'person ' || n, 'x', {NOW} FROM {}",
            series(PEOPLE)
        ),
        format!(
            "INSERT INTO grants (id, client_id, person_id, scope, auth_time, acr, details, created_at)
             SELECT 'g' || n, 'client-' || (n % {CLIENTS} + 1), 'person-' || (n % {PEOPLE} + 1), 'a', {NOW}, 'pwd', '{{}}',
             {NOW} + n FROM {}",
            series(GRANTS)
        ),
        format!(
            "INSERT INTO audit (at, actor_kind, actor, action, object_kind, object)
             SELECT {NOW} + n, 'person', 'person-' || (n % 100), 'action-' || (n % 20), 'kind-' || (n % 10),
             'client-' || n FROM {}",
            series(ENTRIES)
        ),
        format!(
            "INSERT INTO sessions (id, person_id, auth_time, acr, expires_at)
             SELECT {digest}, 'person-' || n, {NOW}, 'pwd', {NOW} + n FROM {}",
            series(PEOPLE)
        ),
        format!(
            "INSERT INTO consents (person_id, client_id, scope, granted_at)
             SELECT 'person-' || n, 'client-' || n, 'a', {NOW} FROM {}",
            series(PEOPLE)
        ),
        format!(
            "INSERT INTO initial_access_tokens (digest, note, scopes, uses_left, expires_at, created_at)
             SELECT {digest}, 'n', 'a', 1, {NOW} + n, {NOW} FROM {}",
            series(PEOPLE)
        ),
        "ANALYZE".to_owned(),
    ]
}

/// The values of the parameters, as literals: what a list is asked for.
fn with_values(sql: &str) -> String {
    if sql.contains("FROM audit") {
        return audit_values(sql);
    }
    let grants = sql.contains("FROM grants");
    let now = NOW.to_string();
    (1..=5).rev().fold(sql.to_owned(), |sql, n| {
        let value = match n {
            1 if grants => "9000000000",
            1 if sql.contains("AS counted") => "100000",
            1 if sql.contains("FROM initial_access_tokens") => &now,
            1 if sql.contains("FROM sessions") || sql.contains("FROM consents") => "'person-7'",
            1 => "''",
            2 if grants => "''",
            2 if sql.contains("FROM sessions") => "1",
            2 => "51",
            3 if grants => "51",
            3 if sql.contains("FROM sessions") => "1",
            3 if sql.contains("FROM people") => "'person 77'",
            3 => "'client 77'",
            4 if sql.contains("g.person_id = $4") => "'person-7'",
            4 if grants => "'client-7'",
            4 if sql.contains("FROM people") => "'person 77\u{10FFFF}'",
            4 => "'client 77\u{10FFFF}'",
            _ => "'client-7'",
        };
        sql.replace(&format!("${n}"), value)
    })
}

/// The same for the audit log: what it is not asked for is NULL. Alone, it is asked for what is rare: what is common is found
/// soon by walking back from the end.
fn audit_values(sql: &str) -> String {
    if sql.contains("ORDER BY at") {
        return sql.replace("$1", &(NOW + 100).to_string());
    }
    let asked = |condition: &str| sql.contains(&format!("{condition} AND"));
    let actor = asked("actor = $2");
    let values = [
        "9000000000",
        if actor { "'person-7'" } else { "NULL" },
        if !asked("action = $3") {
            "NULL"
        } else if actor {
            "'action-3'"
        } else {
            "'rare'"
        },
        if !asked("object_kind = $4") {
            "NULL"
        } else if actor {
            "'kind-3'"
        } else {
            "'rare'"
        },
        if asked("object = $5") { "'client-7'" } else { "NULL" },
        "0",
        "51",
        "0",
    ];
    let numbered = values.into_iter().enumerate().rev();
    numbered.fold(sql.to_owned(), |sql, (n, value)| sql.replace(&format!("${}", n + 1), value))
}

pub(crate) async fn lists_read_indexes_on_sqlite(fixture: Fixture) {
    drop(fixture.open().await);
    let file = fixture.dir.path().join("db");
    let mut connection = SqliteConnection::connect(file.to_str().unwrap()).await.unwrap();
    let series = |most| {
        format!(
            "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {most}) SELECT n FROM s) AS s"
        )
    };
    connection.execute("PRAGMA synchronous = OFF").await.unwrap();
    for sql in rows(series, "randomblob(32)") {
        connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql))).await.unwrap();
    }
    for list in LISTS {
        let sql = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {list}"));
        let mut query = sqlx::query(sql);
        for n in 1..=list.matches('$').count().min(9) {
            query = query.bind(n.to_string());
        }
        let plan = connection.fetch_all(query).await.unwrap();
        // What a search found, and the sessions of one person, are few: they may be sorted.
        let few = list.contains("UNION") || list.contains("FROM sessions");
        for step in plan.iter().map(|row| row.get::<String, _>("detail")) {
            // A table that is walked in the order of its key ends with the page; any other walk reads all of it.
            assert!(!step.starts_with("SCAN") || !full(&step), "{step}\n{list}");
            assert!(!step.contains("TEMP B-TREE FOR ORDER BY") || few, "{step}\n{list}");
        }
    }
}

fn full(step: &str) -> bool {
    // `audit` without a filter is read from its end; the inner tables of a search are a page long.
    !step.contains("USING") && !["audit", "by_id", "counted", "(subquery"].iter().any(|table| step.contains(table))
}

pub(crate) async fn lists_read_indexes_on_postgres(fixture: Fixture) {
    drop(fixture.open().await);
    let mut connection = PgConnection::connect(&fixture.url).await.unwrap();
    let series = |most| format!("generate_series(1, {most}) AS n");
    for sql in rows(series, "sha256(convert_to('s' || n, 'UTF8'))") {
        connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql))).await.unwrap();
    }
    for (list, indexes) in LISTS.into_iter().zip(INDEXES) {
        let sql = sqlx::AssertSqlSafe(format!("EXPLAIN {}", with_values(list)));
        let plan = connection.fetch_all(sqlx::raw_sql(sql)).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
        let text = plan.join("\n");
        assert!(indexes.iter().any(|index| text.contains(index)), "none of {indexes:?}: {text}\n{list}");
        for table in ["clients", "people", "grants", "audit", "sessions", "consents", "initial_access_tokens"] {
            assert!(!text.contains(&format!("Seq Scan on {table}")), "{text}\n{list}");
        }
    }
}
