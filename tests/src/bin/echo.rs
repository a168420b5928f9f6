//! The echo upstream as a program, for compose.

use bearward_tests::echo;
use clap::Parser;
use std::net::SocketAddr;

/// Answers every request with the request it got, as JSON.
#[derive(Parser)]
struct Args {
    /// Where to listen.
    #[arg(long, env = "ECHO_LISTEN", default_value = "127.0.0.1:8000")]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind(Args::parse().listen).await?;
    axum::serve(listener, echo::router()).await
}
