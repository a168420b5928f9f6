//! `/readyz` tells who can write from who can't, and notices when that changes.

use crate::fixture::Fixture;
use axum::body::{Body, to_bytes};
use bearward::management::Management;
use bearward::testing::{TestClock, env};
use http::{Request, StatusCode};
use metrics_exporter_prometheus::PrometheusBuilder;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use tokio::sync::watch;
use tower::ServiceExt as _;

const NOT: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

pub(crate) async fn who_cannot_write_is_not_ready(fixture: Fixture) {
    let (stop, stopping) = watch::channel(false);
    let metrics = PrometheusBuilder::new().build_recorder().handle();
    let router = Management::new(fixture.open().await, env(&TestClock::at(1)), metrics, stopping).router();
    let ask = async |path: &str| {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        (status, String::from_utf8(to_bytes(answer.into_body(), 1 << 10).await.unwrap().to_vec()).unwrap())
    };
    let said = |status, text: &str| (status, text.to_owned());

    assert_eq!(ask("/readyz").await, said(StatusCode::OK, "ready\n"));
    execute(&fixture.url, "ALTER TABLE health RENAME TO lost").await;
    assert_eq!(ask("/readyz").await, said(NOT, "the database cannot be written\n"));
    // Alive all the same: to start it again would mend nothing.
    assert_eq!(ask("/healthz").await, said(StatusCode::OK, "ok\n"));
    execute(&fixture.url, "ALTER TABLE lost RENAME TO health").await;
    assert_eq!(ask("/readyz").await, said(StatusCode::OK, "ready\n"));
    stop.send(true).unwrap();
    assert_eq!(ask("/readyz").await, said(NOT, "shutting down\n"));
}

/// Runs a statement past the server.
async fn execute(url: &str, sql: &str) {
    let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
    if url.starts_with("sqlite:") {
        sql.execute(&mut SqliteConnection::connect(url).await.unwrap()).await.unwrap();
    } else {
        sql.execute(&mut PgConnection::connect(url).await.unwrap()).await.unwrap();
    }
}
