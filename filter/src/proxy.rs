//! What the filter needs of the proxy around it. Everything can fail, and everything is bytes: a header's value need not
//! be text, and a host may refuse any call. `host.rs` is the real one; tests have their own.

/// How loud a log line is, with Proxy-Wasm's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A line for each refused request.
    Debug = 1,
    /// What an operator wants to see once.
    Info = 2,
    /// Something failed and will be tried again.
    Warn = 3,
    /// Something is wrong that will not heal by itself.
    Error = 4,
}

/// The host refused a call, or does not know it. The number is Proxy-Wasm's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the host answered status {0}")]
pub struct HostError(pub u32);

impl HostError {
    /// There is no such thing: a key, a header, a function.
    pub const NOT_FOUND: Self = Self(1);
    /// The arguments are no good.
    pub const BAD_ARGUMENT: Self = Self(2);
    /// The value changed since it was read.
    pub const CAS_MISMATCH: Self = Self(8);
    /// The host can't do it now.
    pub const INTERNAL: Self = Self(10);
}

/// What a host call gives.
pub type HostResult<T> = Result<T, HostError>;

/// How a metric behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Only goes up.
    Counter,
    /// Is set.
    Gauge,
}

/// A value in shared data with the number that a compare-and-set needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// The value.
    pub value: Vec<u8>,
    /// Its number; changes with every write.
    pub cas: u32,
}

/// How [`Host::set_shared`] treats what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// Overwrite it.
    Always,
    /// Write only if there is nothing yet.
    Absent,
    /// Write only over the value that was read with this number.
    Over(u32),
}

/// The answer to an HTTP call: the status, and the body. A call that got none has status 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallResponse {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// The proxy, as one VM sees it.
pub trait Host {
    /// Unix time in nanoseconds; all ones where there is no clock.
    fn now_ns(&self) -> u64;
    /// Unix time in milliseconds.
    fn now_ms(&self) -> u64 {
        match self.now_ns() {
            u64::MAX => u64::MAX, // without a clock every token has expired
            time => time / 1_000_000,
        }
    }
    /// A variable of the VM's environment.
    fn environment(&self, name: &str) -> Option<String>;
    /// Fills the bytes with randomness; false if there is none.
    fn random(&self, bytes: &mut [u8]) -> bool;

    /// The headers of the request in context, in order, repeated ones repeated.
    fn request_headers(&self) -> HostResult<Headers>;
    /// The first bytes of the body of the request in context, as far as it is here.
    fn request_body(&self, most: usize) -> HostResult<Vec<u8>>;
    /// Removes every header of that name.
    fn remove_request_header(&self, name: &[u8]) -> HostResult<()>;
    /// Adds a header.
    fn add_request_header(&self, name: &[u8], value: &[u8]) -> HostResult<()>;
    /// Sets a header, whatever there was.
    fn replace_request_header(&self, name: &[u8], value: &[u8]) -> HostResult<()>;
    /// The trailers of the request in context.
    fn request_trailers(&self) -> HostResult<Headers>;
    /// Removes every trailer of that name.
    fn remove_request_trailer(&self, name: &[u8]) -> HostResult<()>;
    /// Answers the request in context; it goes no further. To a gRPC client the host answers with `grpc_status`, or with
    /// what it derives from `status` where that is negative.
    fn reply(
        &self,
        status: u16,
        headers: &[(&[u8], &[u8])],
        body: &[u8],
        details: &str,
        grpc_status: i32,
    ) -> HostResult<()>;
    /// A property of the request, its connection or its route; the path's parts are separated by zero bytes.
    fn property(&self, path: &[u8]) -> HostResult<Option<Vec<u8>>>;
    /// Sets a property of the request, which access logs and later filters can read as filter state `wasm.<path>`.
    fn set_property(&self, path: &[u8], value: &[u8]) -> HostResult<()>;
    /// Lets the paused request in context go on.
    fn resume(&self) -> HostResult<()>;
    /// Makes another context the one that calls concern.
    fn enter(&self, context: u32) -> HostResult<()>;

    /// Reads shared data.
    fn shared(&self, key: &str) -> HostResult<Option<Shared>>;
    /// Writes shared data; [`HostError::CAS_MISMATCH`] if another writer was first.
    fn set_shared(&self, key: &str, value: &[u8], write: Write) -> HostResult<()>;

    /// Sends a request to a cluster; gives the call's number, by which its answer is known. The answer comes to the
    /// configuration, also where the request that it is for has gone.
    fn call(&self, cluster: &str, headers: &[(&str, &str)], body: &[u8], timeout_ms: u32) -> HostResult<u32>;
    /// The headers of the answer that is being told of.
    fn answer_headers(&self) -> HostResult<Headers>;
    /// Calls one of the host's own functions.
    fn foreign(&self, function: &str, arguments: &[u8]) -> HostResult<Vec<u8>>;

    /// Defines a metric; gives its number.
    fn define_metric(&self, kind: MetricKind, name: &str) -> HostResult<u32>;
    /// Adds to a counter, or to a gauge, from which it also takes.
    fn add_metric(&self, metric: u32, by: i64);
    /// Sets a gauge.
    fn set_metric(&self, metric: u32, value: u64);
    /// Reads one. All VMs of an Envoy have it in common, whatever their configurations.
    fn metric(&self, metric: u32) -> HostResult<u64>;

    /// Asks for a tick every so many milliseconds.
    fn set_tick(&self, period_ms: u32);
    /// Whether lines of this level are written.
    fn logs(&self, level: Level) -> bool;
    /// Writes a line.
    fn log(&self, level: Level, line: &str);
}

/// A header map as the host serialises it: read in place, nothing copied, nothing believed about its bytes.
///
/// Layout: a count (u32), then for each pair the lengths of name and value (u32 each), then for each pair name, a zero
/// byte, value, a zero byte. All numbers little-endian.
#[derive(Debug, Default)]
pub struct Headers(Vec<u8>);

impl Headers {
    /// Takes the host's bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The pairs. Bytes that are no map give fewer pairs.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let (count, rest) = self.0.split_first_chunk::<4>().map_or((0, [].as_slice()), |(count, rest)| {
            (usize::try_from(u32::from_le_bytes(*count)).unwrap_or(0), rest)
        });
        let (sizes, mut strings) =
            count.checked_mul(8).and_then(|size| rest.split_at_checked(size)).unwrap_or((&[], &[]));
        sizes.as_chunks::<8>().0.iter().map_while(move |&[n0, n1, n2, n3, v0, v1, v2, v3]| {
            let name = take(&mut strings, u32::from_le_bytes([n0, n1, n2, n3]))?;
            let value = take(&mut strings, u32::from_le_bytes([v0, v1, v2, v3]))?;
            Some((name, value))
        })
    }
}

fn take<'a>(strings: &mut &'a [u8], size: u32) -> Option<&'a [u8]> {
    let (taken, rest) = strings.split_at_checked(usize::try_from(size).ok()?)?;
    *strings = rest.split_first()?.1;
    Some(taken)
}

/// Serialises pairs as the host takes them.
#[must_use]
pub fn serialize_pairs(pairs: &[(&[u8], &[u8])]) -> Vec<u8> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(&u32::try_from(pairs.len()).unwrap_or(u32::MAX).to_le_bytes());
    for (name, value) in pairs {
        out.extend_from_slice(&length(name));
        out.extend_from_slice(&length(value));
    }
    for bytes in pairs.iter().flat_map(|(name, value)| [name, value]) {
        out.extend_from_slice(bytes);
        out.push(0);
    }
    out
}
