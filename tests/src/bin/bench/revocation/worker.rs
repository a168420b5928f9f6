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

    /// Begins a request whose answer has no end.
    pub(crate) async fn open_stream(&mut self, token: &str) -> Result<()> {
        let what = "opening a stream";
        self.ask(super::STREAM, token).await.map_err(Error::io(what))?;
        match self.head().await.map_err(Error::io(what))? {
            (200, _) => Ok(()),
            (status, _) => Err(Error::Failed { what: what.to_owned(), output: format!("a worker answered {status}") }),
        }
    }

    /// Reads until the connection is closed, and says when it was.
    pub(crate) async fn until_closed(mut self) -> Result<Instant> {
        let mut rest = Vec::new();
        match tokio::time::timeout(LIMIT, self.stream.read_to_end(&mut rest)).await {
            Ok(_) => Ok(Instant::now()),
            Err(_) => {
                let last = "it goes on".to_owned();
                Err(Error::Timeout { what: "a stream to end".to_owned(), limit: LIMIT, last })
            }
        }
    }

    /// HTTP/1.1 by hand: of an answer only the status and the length matter.
    async fn exchange(&mut self, token: &str) -> std::io::Result<u16> {
        self.ask("/orders/1", token).await?;
        let (status, length) = self.head().await?;
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok(status)
    }

    async fn ask(&mut self, path: &str, token: &str) -> std::io::Result<()> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {token}\r\n\r\n");
        self.stream.write_all(request.as_bytes()).await
    }

    /// The status of an answer, and the length of its body.
    async fn head(&mut self) -> std::io::Result<(u16, usize)> {
        let (mut status, mut length, mut line) = (0, 0, String::new());
        loop {
            line.clear();
            if self.stream.read_line(&mut line).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            let text = line.trim_end();
            if text.is_empty() {
                return Ok((status, length));
            }
            if let Some(rest) = text.strip_prefix("HTTP/1.1 ") {
                status = rest.split(' ').next().and_then(|code| code.parse().ok()).unwrap_or(0);
            } else if let Some(value) = text.strip_prefix("content-length: ") {
                length = value.parse().unwrap_or(0);
            }
        }
    }
}
