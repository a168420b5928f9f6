//! How soon streams that are open end, once their token is revoked.

use super::fleet::{Authority, Gateway};
use super::{STREAM_REVOCATIONS, WORKERS};
use bearward_tests::stack::local;
use bearward_tests::{Error, Result};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// For how long a stream is open before its token is revoked.
const OPEN: Duration = Duration::from_millis(700);

/// A service whose answers begin and have no end.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Service {
    pub(crate) async fn start() -> Result<Self> {
        let what = "listening for streams";
        let listener = TcpListener::bind(local(0)).await.map_err(Error::io(what))?;
        let address = listener.local_addr().map_err(Error::io(what))?;
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(answer(socket));
            }
        });
        Ok(Self { address, task })
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Begins, and waits for the other side to go.
async fn answer(mut socket: TcpStream) {
    let _gone = socket.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
    while let Ok(1..) = socket.read(&mut [0; 1024]).await {}
}

/// From the 200 of the revocation to the end of the stream, of every revocation and worker. Each has a connection of its own to
/// that worker, beside the one that every worker has already.
pub(crate) async fn measure(authority: &Authority, gateways: &[Gateway]) -> Result<Vec<Duration>> {
    let mut all = Vec::new();
    for _ in 0..STREAM_REVOCATIONS {
        let token = authority.token().await?;
        let mut streams = Vec::new();
        for gateway in gateways {
            streams.append(&mut gateway.connect_each_worker(WORKERS, 1).await?);
        }
        for stream in &mut streams {
            stream.open_stream(&token).await?;
        }
        // Nobody's token is revoked within moments; by then a worker knows that something is open.
        tokio::time::sleep(OPEN).await;
        authority.revoke(&token).await?;
        let since = Instant::now();
        let mut ends = JoinSet::new();
        for stream in streams {
            ends.spawn(async move { Ok::<_, Error>(stream.until_closed().await?.duration_since(since)) });
        }
        for end in ends.join_all().await {
            all.push(end?);
        }
    }
    Ok(all)
}
