//! What the samples in `examples/` share: they talk to a gateway that runs (`make up`), and show what they say.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "samples talk to the person who runs them")]

mod callback;
mod person;
mod remote;
mod second_factor;
mod show;

pub use callback::{Answer, Callback};
pub use remote::Person;
pub(crate) use second_factor::add_app;

use crate::error::{Error, Result};
use clap::Parser;
use http::header::AUTHORIZATION;
use std::process::ExitCode;
use std::time::Duration;

/// The arguments of every sample.
#[derive(Parser, Debug, Clone)]
struct Args {
    /// The gateway, which is the issuer too.
    #[arg(long, env = "GATEWAY", default_value = "http://127.0.0.1:8080")]
    gateway: String,
    /// Have a browser without a window do what the person would do.
    #[arg(long)]
    headless: bool,
}

/// A sample that runs.
pub struct Sample {
    /// The gateway's URL, which is the issuer too.
    pub gateway: String,
    headless: bool,
    http: reqwest::Client,
}

/// Runs a sample: the `main` of each.
pub async fn run(title: &str, steps: impl AsyncFnOnce(&Sample) -> Result<()>) -> ExitCode {
    let Args { gateway, headless } = Args::parse();
    let gateway = gateway.trim_end_matches('/').to_owned();
    println!("{title}");
    let outcome = match crate::stack::client() {
        Ok(http) => steps(&Sample { gateway, headless, http }).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nThis did not work: {error}\nDoes `make up` run, and is it this version of it?");
            ExitCode::FAILURE
        }
    }
}

impl Sample {
    /// The URL of an endpoint.
    #[must_use]
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.gateway)
    }

    /// Says why the next request is made.
    pub fn because(&self, why: &str) {
        println!("\n# {why}");
    }

    /// Shows what is no request.
    pub fn show(&self, text: &str) {
        println!("{text}");
    }

    /// Sends a request and shows it and its answer; for the `oauth2` crate too, as its HTTP client.
    ///
    /// # Errors
    /// [`reqwest::Error`]
    pub async fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> std::result::Result<http::Response<Vec<u8>>, reqwest::Error> {
        println!("{}", show::request(&request));
        let answer = self.http.execute(request.try_into()?).await?;
        let mut response = http::Response::new(Vec::new());
        *response.status_mut() = answer.status();
        response.headers_mut().clone_from(answer.headers());
        *response.body_mut() = answer.bytes().await?.to_vec();
        println!("{}", show::response(&response));
        Ok(response)
    }

    /// Posts a form as a client that shows its secret by HTTP Basic, or names itself in the form if it has none. The
    /// answer's JSON, whatever the status; null if it has no body.
    ///
    /// # Errors
    /// [`Error::Http`], or [`Error::Failed`] for what is not JSON.
    pub async fn post(
        &self,
        path: &str,
        basic: Option<(&str, &str)>,
        form: &[(&str, &str)],
    ) -> Result<serde_json::Value> {
        let mut request = self.http.post(self.at(path)).form(form);
        if let Some((id, secret)) = basic {
            request = request.basic_auth(id, Some(secret));
        }
        let answer = self.send(buffered(&request.build()?)).await?;
        if answer.body().is_empty() {
            return Ok(serde_json::Value::Null);
        }
        let failed = |error: serde_json::Error| Error::Failed { what: path.to_owned(), output: error.to_string() };
        serde_json::from_slice(answer.body()).map_err(failed)
    }

    /// The protected call: `GET` through Envoy with an access token. It must come to this status.
    ///
    /// # Errors
    /// [`Error::Failed`] for another status.
    pub async fn call(&self, path: &str, token: &str, status: u16) -> Result<()> {
        let request = http::Request::get(self.at(path)).header(AUTHORIZATION, format!("Bearer {token}"));
        let request = request.body(Vec::new()).map_err(|error| failed(path, &error))?;
        let answer = self.send(request).await?;
        if answer.status().as_u16() == status {
            return Ok(());
        }
        Err(failed(path, &format!("{} where {status} was due", answer.status())))
    }

    /// Waits on a condition that others bring about.
    ///
    /// # Errors
    /// [`Error::Timeout`] after half a minute.
    pub async fn until(
        &self,
        what: &str,
        condition: impl AsyncFnMut() -> std::result::Result<(), String>,
    ) -> Result<()> {
        crate::wait::until(what, Duration::from_secs(30), condition).await
    }
}

/// A failure with what was done when it happened, from any library's error.
pub fn failed(what: &str, error: &dyn std::fmt::Display) -> Error {
    Error::Failed { what: what.to_owned(), output: error.to_string() }
}

/// The text of a member of a JSON answer.
///
/// # Errors
/// [`Error::Failed`] if there is none.
pub fn member<'a>(answer: &'a serde_json::Value, name: &str) -> Result<&'a str> {
    let text = answer.get(name).and_then(serde_json::Value::as_str);
    text.ok_or_else(|| failed(&format!("reading {name} of the answer"), answer))
}

/// A parameter of an authorization response.
///
/// # Errors
/// [`Error::Failed`] if it is not there.
pub fn of<'a>(answer: &'a Answer, name: &str) -> Result<&'a str> {
    let value = answer.get(name).map(String::as_str);
    value.ok_or_else(|| failed("the authorization response", &format!("it has no {name}")))
}

fn buffered(request: &reqwest::Request) -> http::Request<Vec<u8>> {
    let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default().to_vec();
    let mut buffered = http::Request::new(body);
    *buffered.method_mut() = request.method().clone();
    if let Ok(uri) = request.url().as_str().parse() {
        *buffered.uri_mut() = uri;
    }
    buffered.headers_mut().clone_from(request.headers());
    buffered
}
