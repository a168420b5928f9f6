//! One worker of an Envoy, by a connection that it alone serves.

use bearward_tests::{Error, Result, wait};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// When a revocation should long have arrived.
const LIMIT: Duration = Duration::from_secs(10);

/// A connection that is kept: Envoy leaves it with the worker that took it.
#[derive(Debug)]
pub(crate) struct Worker {
    stream: BufReader<TcpStream>,
}

impl Worker {
    /// Connects.
    pub(crate) async fn connect(to: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(to).await.map_err(Error::io("connecting to a gateway"))?;
        stream.set_nodelay(true).map_err(Error::io("connecting to a gateway"))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// The status of a request with this token.
    pub(crate) async fn status(&mut self, token: &str) -> Result<u16> {
        self.exchange(token).await.map_err(Error::io("asking a gateway"))
    }

    /// Asks once.
    pub(crate) async fn expect(&mut self, token: &str, status: u16) -> Result<()> {
        match self.status(token).await? {
            got if got == status => Ok(()),
            got => Err(Error::Failed { what: format!("a {status}"), output: format!("a worker answered {got}") }),
        }
    }

    /// Asks until the answer is 401, and says when that was there.
    pub(crate) async fn until_refused(&mut self, token: &str, pause: Duration) -> Result<Instant> {
        let end = Instant::now() + LIMIT;
        loop {
            let status = self.status(token).await?;
            let now = Instant::now();
            if status == 401 {
                return Ok(now);
            }
            if now >= end {
                let last = format!("it answers {status}");
                return Err(Error::Timeout { what: "a worker to refuse".to_owned(), limit: LIMIT, last });
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Waits until the token opens the route.
    pub(crate) async fn until_open(&mut self, token: &str, limit: Duration) -> Result<()> {
        wait::until("a worker to be open", limit, async || match self.status(token).await {
            Ok(200) => Ok(()),
            Ok(status) => Err(format!("it answers {status}")),
            Err(error) => Err(error.to_string()),
        })
        .await
    }

    /// HTTP/1.1 by hand: of an answer only the status and the length matter.
    async fn exchange(&mut self, token: &str) -> std::io::Result<u16> {
        let request = format!("GET /orders/1 HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {token}\r\n\r\n");
        self.stream.write_all(request.as_bytes()).await?;
        let (mut status, mut length, mut line) = (0, 0, String::new());
        loop {
            line.clear();
            if self.stream.read_line(&mut line).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            let text = line.trim_end();
            if text.is_empty() {
                break;
            }
            if let Some(rest) = text.strip_prefix("HTTP/1.1 ") {
                status = rest.split(' ').next().and_then(|code| code.parse().ok()).unwrap_or(0);
            } else if let Some(value) = text.strip_prefix("content-length: ") {
                length = value.parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok(status)
    }
}
