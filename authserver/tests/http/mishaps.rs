//! What people and programs see when something goes wrong that no page is about.

use crate::people::{Written, with_admin};
use crate::support::{Answer, Server, request};
use axum::body::{Body, Bytes};
use bearward::env::Random;
use http::{Method, Request, StatusCode};
use http_body::Frame;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

const PAGES: [&str; 7] =
    ["/oauth2/authorize", "/login", "/consent", "/account", "/device", "/admin", "/admin/clients/demo-web"];

#[track_caller]
fn page(answer: &Answer, status: u16) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{}", answer.body);
    assert!(answer.body.contains("class=\"reference\"") && !answer.header("content-security-policy").is_empty());
}

#[tokio::test]
async fn every_page_route_answers_people_in_words() {
    let server = Server::start().await;
    for path in PAGES {
        let wrong = server.send(request(Method::DELETE, path, &[], b"")).await;
        page(&wrong, 405);
        assert!(wrong.header("allow").contains("GET"), "{path}: {:?}", wrong.headers);
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let large: &'static [u8] = vec![b'a'; 65 * 1024].leak();
        page(&server.send(request(Method::POST, path, &form, large)).await, 413);
        page(&server.send(request(Method::POST, path, &[("content-type", "text/plain")], b"a=b")).await, 400);
    }
    page(&server.get("/nowhere").await, 404);
}

#[tokio::test]
async fn the_api_answers_programs_in_problems() {
    let server = with_admin().await;
    for (method, path, status) in [
        (Method::GET, "/admin/api/v1", 404),
        (Method::GET, "/admin/api/v1/", 404),
        (Method::GET, "/admin/api/v2/clients", 404),
        (Method::GET, "/admin/api/v1/nothing", 404),
        (Method::DELETE, "/admin/api/v1/clients", 405),
        (Method::OPTIONS, "/admin/api/v1/clients", 405),
        (Method::POST, "/admin/api/openapi.json", 405),
        (Method::GET, "/admin/api/v1/clients", 401),
    ] {
        let answer = server.send(request(method.clone(), path, &[], b"")).await;
        answer.problem(status);
        assert_eq!(status == 405, answer.headers.contains_key("allow"), "{method} {path}: {:?}", answer.headers);
    }
    assert_eq!(server.get("/admin/api/openapi.json").await.status, StatusCode::OK);
}

/// Randomness that panics once it is told to, and then no more.
struct Faulty(Arc<AtomicBool>, Arc<dyn Random>);

impl Random for Faulty {
    fn fill(&self, bytes: &mut [u8]) {
        assert!(!self.0.swap(false, Ordering::SeqCst), "a fault of ours");
        self.1.fill(bytes);
    }
}

#[tokio::test]
async fn a_handler_that_panics_is_a_page_for_people_and_json_for_clients() {
    let fault = Arc::new(AtomicBool::new(false));
    let armed = fault.clone();
    let server = Server::of(|_| {}, |env| env.random = Arc::new(Faulty(armed, env.random.clone()))).await;
    let mut browser = server.browser_of_alice().await;
    fault.store(true, Ordering::SeqCst);
    let broken = server.get("/device").await;
    page(&broken, 500);
    assert!(broken.body.contains("Something broke on our side") && !broken.body.contains("a fault of ours"));
    fault.store(true, Ordering::SeqCst);
    let pairs = vec![("grant_type", "client_credentials")];
    server.token(crate::support::SERVICE, pairs).await.is_error(500, "server_error");
    assert_eq!(browser.get("/account").await.status, StatusCode::OK, "and it goes on");
}

/// A body of which nothing ever comes.
struct Never;

impl http_body::Body for Never {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

#[tokio::test]
async fn what_takes_too_long_is_a_page_for_people_and_an_error_for_clients() {
    let (log, _logging) = Written::here();
    let server = Server::impatient().await;
    let never = |path: &str| {
        let form = "application/x-www-form-urlencoded";
        Request::post(path).header("content-type", form).body(Body::new(Never)).unwrap()
    };
    for path in PAGES {
        let slow = server.send(never(path)).await;
        page(&slow, 503);
        assert!(slow.body.contains("That took too long") && slow.body.contains("try again"), "{}", slow.body);
        let reference = slow.body.split("class=\"reference\">").nth(1).unwrap().split('<').next().unwrap();
        let written = log.text();
        let line = written.lines().find(|line| line.contains(reference)).unwrap();
        assert!(line.contains("\"trouble\":\"Slow\""), "{line}");
        assert!(written.contains("given up"), "{written}");
    }
    server.send(never("/oauth2/token")).await.is_error(503, "temporarily_unavailable");
}
