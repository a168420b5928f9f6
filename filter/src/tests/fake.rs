//! An Envoy that is deterministic: VMs that share data and a clock, and calls that are answered when a test says so.

use crate::proxy::{
    CallResponse, Headers, Host, HostError, HostResult, Level, MetricKind, Shared, Write, serialize_pairs,
};
use crate::root::{Flow, Root};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

pub(crate) const START_MS: u64 = 1_800_000_000_000;

/// What all VMs see.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) now_ms: Cell<u64>,
    /// How much time passes from one look at the clock to the next.
    pub(crate) look_ns: Cell<u64>,
    pub(crate) looks: Cell<u64>,
    pub(crate) shared: RefCell<BTreeMap<String, (Vec<u8>, u32)>>,
    cas: Cell<u32>,
    next: Cell<u32>,
    pub(crate) calls: RefCell<Vec<Call>>,
    /// The headers of the answer that a VM is told of.
    answer: RefCell<Vec<(String, String)>>,
    pub(crate) log: RefCell<Vec<(Level, String)>>,
    pub(crate) metrics: RefCell<BTreeMap<String, u64>>,
    /// What `verify_signature` does; without it there is none.
    #[allow(clippy::type_complexity)]
    pub(crate) verify: RefCell<Option<Box<dyn Fn(&[u8]) -> HostResult<Vec<u8>>>>>,
    pub(crate) verified: Cell<u32>,
    /// Properties of every request, by their paths with dots.
    pub(crate) properties: RefCell<BTreeMap<String, Vec<u8>>>,
    /// How often one was asked for.
    pub(crate) properties_read: Cell<u32>,
    pub(crate) environment: RefCell<BTreeMap<String, String>>,
    /// What happens right after shared data was written, by its key.
    #[allow(clippy::type_complexity)]
    pub(crate) meanwhile: RefCell<Option<Box<dyn FnMut(&World, &str)>>>,
    /// Calls of the host that fail, by name.
    pub(crate) broken: RefCell<Vec<&'static str>>,
}

/// A call that waits for its answer.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) id: u32,
    pub(crate) vm: usize,
    pub(crate) cluster: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// When Envoy gives up on it.
    until_ms: u64,
}

/// A request's headers, and what became of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stream {
    pub(crate) headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) trailers: Vec<(Vec<u8>, Vec<u8>)>,
    /// What has come of its body.
    pub(crate) body: Vec<u8>,
    pub(crate) reply: Option<Reply>,
    pub(crate) resumed: bool,
    /// What was set as filter state.
    pub(crate) state: Vec<(Vec<u8>, Vec<u8>)>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) details: String,
    pub(crate) grpc_status: i32,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// One VM's view.
#[derive(Clone)]
pub(crate) struct FakeHost {
    pub(crate) world: Rc<World>,
    vm: usize,
    streams: Rc<RefCell<BTreeMap<u32, Stream>>>,
    context: Rc<Cell<u32>>,
}

impl std::fmt::Debug for FakeHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "vm {}", self.vm)
    }
}

impl FakeHost {
    fn works(&self, call: &'static str) -> HostResult<()> {
        if self.world.broken.borrow().contains(&call) { Err(HostError::INTERNAL) } else { Ok(()) }
    }

    fn stream<T>(&self, run: impl FnOnce(&mut Stream) -> T) -> HostResult<T> {
        self.streams.borrow_mut().get_mut(&self.context.get()).map(run).ok_or(HostError::BAD_ARGUMENT)
    }

    fn number(&self) -> u32 {
        self.world.next.set(self.world.next.get() + 1);
        self.world.next.get()
    }
}

impl Host for FakeHost {
    fn now_ns(&self) -> u64 {
        self.world.looks.set(self.world.looks.get() + 1);
        self.world.now_ms.get() * 1_000_000 + self.world.looks.get() * self.world.look_ns.get()
    }

    fn environment(&self, name: &str) -> Option<String> {
        self.world.environment.borrow().get(name).cloned()
    }

    fn random(&self, bytes: &mut [u8]) -> bool {
        bytes.fill(u8::try_from(self.number()).unwrap());
        self.works("random").is_ok()
    }

    fn request_headers(&self) -> HostResult<Headers> {
        self.works("request_headers")?;
        self.stream(|stream| as_headers(&stream.headers))
    }

    fn request_body(&self, most: usize) -> HostResult<Vec<u8>> {
        self.works("request_body")?;
        self.stream(|stream| stream.body[..most.min(stream.body.len())].to_vec())
    }

    fn remove_request_header(&self, name: &[u8]) -> HostResult<()> {
        self.works("remove_request_header")?;
        self.stream(|stream| stream.headers.retain(|(n, _)| n != name))
    }

    fn request_trailers(&self) -> HostResult<Headers> {
        self.works("request_trailers")?;
        self.stream(|stream| as_headers(&stream.trailers))
    }

    fn remove_request_trailer(&self, name: &[u8]) -> HostResult<()> {
        self.works("remove_request_trailer")?;
        self.stream(|stream| stream.trailers.retain(|(n, _)| n != name))
    }

    fn add_request_header(&self, name: &[u8], value: &[u8]) -> HostResult<()> {
        self.works("add_request_header")?;
        self.stream(|stream| stream.headers.push((name.to_vec(), value.to_vec())))
    }

    fn replace_request_header(&self, name: &[u8], value: &[u8]) -> HostResult<()> {
        self.works("replace_request_header")?;
        self.stream(|stream| match stream.headers.iter_mut().find(|(n, _)| n == name) {
            Some((_, there)) => *there = value.to_vec(),
            None => stream.headers.push((name.to_vec(), value.to_vec())),
        })
    }

    fn property(&self, path: &[u8]) -> HostResult<Option<Vec<u8>>> {
        self.works("property")?;
        self.world.properties_read.set(self.world.properties_read.get() + 1);
        let path = String::from_utf8(path.to_vec()).unwrap().replace('\0', ".");
        Ok(self.world.properties.borrow().get(&path).cloned())
    }

    fn set_property(&self, path: &[u8], value: &[u8]) -> HostResult<()> {
        self.works("set_property")?;
        self.stream(|stream| stream.state.push((path.to_vec(), value.to_vec())))
    }

    fn reply(
        &self,
        status: u16,
        headers: &[(&[u8], &[u8])],
        body: &[u8],
        details: &str,
        grpc_status: i32,
    ) -> HostResult<()> {
        self.works("reply")?;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let reply = Reply {
            status,
            headers: headers.iter().map(|(n, v)| (text(n), text(v))).collect(),
            body: String::from_utf8(body.to_vec()).unwrap(),
            details: details.to_owned(),
            grpc_status,
        };
        self.stream(|stream| assert_eq!(stream.reply.replace(reply), None, "answered twice"))
    }

    fn resume(&self) -> HostResult<()> {
        self.stream(|stream| {
            assert!(!stream.resumed && stream.reply.is_none());
            stream.resumed = true;
        })
    }

    fn enter(&self, context: u32) -> HostResult<()> {
        self.context.set(context);
        Ok(())
    }

    fn shared(&self, key: &str) -> HostResult<Option<Shared>> {
        self.works("shared")?;
        let found = self.world.shared.borrow().get(key).cloned();
        Ok(found.map(|(value, cas)| Shared { value, cas }))
    }

    fn set_shared(&self, key: &str, value: &[u8], write: Write) -> HostResult<()> {
        self.works("set_shared")?;
        let mut shared = self.world.shared.borrow_mut();
        let there = shared.get(key).map(|(_, cas)| *cas);
        match (write, there) {
            (Write::Absent, Some(_)) => return Err(HostError::CAS_MISMATCH),
            (Write::Over(cas), Some(there)) if cas != there => return Err(HostError::CAS_MISMATCH),
            _ => {}
        }
        self.world.cas.set(self.world.cas.get() + 1);
        shared.insert(key.to_owned(), (value.to_vec(), self.world.cas.get()));
        drop(shared);
        let meanwhile = self.world.meanwhile.borrow_mut().take();
        if let Some(mut happens) = meanwhile {
            happens(&self.world, key);
            *self.world.meanwhile.borrow_mut() = Some(happens);
        }
        Ok(())
    }

    fn call(&self, cluster: &str, headers: &[(&str, &str)], body: &[u8], timeout_ms: u32) -> HostResult<u32> {
        self.works("call")?;
        let path = headers.iter().find(|(name, _)| *name == ":path").unwrap().1.to_owned();
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let body = String::from_utf8(body.to_vec()).unwrap();
        let (id, vm, cluster) = (self.number(), self.vm, cluster.to_owned());
        let until_ms = self.world.now_ms.get() + u64::from(timeout_ms);
        self.world.calls.borrow_mut().push(Call { id, vm, cluster, path, headers, body, until_ms });
        Ok(id)
    }

    fn answer_headers(&self) -> HostResult<Headers> {
        self.works("answer_headers")?;
        assert_eq!(self.context.get(), ROOT, "an answer belongs to the context that called");
        let answer = self.world.answer.borrow();
        let pairs: Vec<_> = answer.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())).collect();
        Ok(Headers::new(serialize_pairs(&pairs)))
    }

    fn foreign(&self, function: &str, arguments: &[u8]) -> HostResult<Vec<u8>> {
        assert_eq!(function, "verify_signature");
        self.world.verified.set(self.world.verified.get() + 1);
        self.world.verify.borrow().as_ref().map_or(Err(HostError::NOT_FOUND), |verify| verify(arguments))
    }

    fn define_metric(&self, _kind: MetricKind, name: &str) -> HostResult<u32> {
        let mut metrics = self.world.metrics.borrow_mut();
        metrics.entry(name.to_owned()).or_default();
        drop(metrics);
        // The number is the name's digest, as every VM defines the same ones.
        Ok(name.bytes().fold(7, |n, b| n.wrapping_mul(31).wrapping_add(u32::from(b))))
    }

    fn add_metric(&self, metric: u32, by: i64) {
        self.with_metric(metric, |value| *value = value.checked_add_signed(by).unwrap());
    }

    fn set_metric(&self, metric: u32, value: u64) {
        self.with_metric(metric, |known| *known = value);
    }

    fn metric(&self, metric: u32) -> HostResult<u64> {
        let mut read = 0;
        self.with_metric(metric, |known| read = *known);
        Ok(read)
    }

    fn set_tick(&self, _period_ms: u32) {}

    fn logs(&self, _level: Level) -> bool {
        true
    }

    fn log(&self, level: Level, line: &str) {
        self.world.log.borrow_mut().push((level, line.to_owned()));
    }
}

fn as_headers(pairs: &[(Vec<u8>, Vec<u8>)]) -> Headers {
    let pairs: Vec<_> = pairs.iter().map(|(n, v)| (n.as_slice(), v.as_slice())).collect();
    Headers::new(serialize_pairs(&pairs))
}

impl FakeHost {
    fn with_metric(&self, metric: u32, change: impl FnOnce(&mut u64)) {
        let digest = |name: &str| name.bytes().fold(7_u32, |n, b| n.wrapping_mul(31).wrapping_add(u32::from(b)));
        let mut metrics = self.world.metrics.borrow_mut();
        change(metrics.iter_mut().find(|(name, _)| digest(name) == metric).unwrap().1);
    }
}

/// VMs with the filter in them.
pub(crate) struct FakeEnvoy {
    pub(crate) world: Rc<World>,
    pub(crate) vms: Vec<Vm>,
}

pub(crate) struct Vm {
    pub(crate) root: Root<FakeHost>,
    pub(crate) host: FakeHost,
}

const ROOT: u32 = 1;

impl FakeEnvoy {
    pub(crate) fn new(vms: usize, config: &str) -> Self {
        let world = Rc::new(World::default());
        world.now_ms.set(START_MS);
        let mut envoy = Self { world, vms: Vec::new() };
        for _ in 0..vms {
            envoy.add_vm(config);
        }
        envoy
    }

    pub(crate) fn add_vm(&mut self, config: &str) {
        let host = FakeHost {
            world: Rc::clone(&self.world),
            vm: self.vms.len(),
            streams: Rc::default(),
            context: Rc::new(Cell::new(ROOT)),
        };
        let mut root = Root::new(host.clone(), ROOT);
        assert!(root.configure(config.as_bytes()), "{:?}", self.world.log.borrow());
        self.vms.push(Vm { root, host });
    }

    /// Lets time pass, and every VM tick. Who calls and gets no answer for too long is told so, as by Envoy.
    pub(crate) fn pass(&mut self, ms: u64) {
        let end = self.world.now_ms.get() + ms;
        loop {
            let first = self.world.calls.borrow().iter().min_by_key(|call| call.until_ms).cloned();
            let Some(call) = first.filter(|call| call.until_ms <= end) else { break };
            self.world.now_ms.set(call.until_ms.max(self.world.now_ms.get()));
            self.answer_call(&call, 504, b"stream timeout");
        }
        self.world.now_ms.set(end);
        for vm in 0..self.vms.len() {
            self.tick(vm);
        }
    }

    pub(crate) fn tick(&mut self, vm: usize) {
        let vm = &mut self.vms[vm];
        vm.host.context.set(ROOT);
        vm.root.tick();
    }

    /// Sends a request without a body; gives its number.
    pub(crate) fn send(&mut self, vm: usize, headers: &[(&str, &[u8])]) -> u32 {
        self.begin(vm, headers, true)
    }

    /// Sends a request's headers; gives its number. `ends` says that there is no body.
    pub(crate) fn begin(&mut self, vm: usize, headers: &[(&str, &[u8])], ends: bool) -> u32 {
        let id = self.vms[vm].host.number() + 100;
        let headers = headers.iter().map(|(n, v)| (n.as_bytes().to_vec(), v.to_vec())).collect();
        let vm = &mut self.vms[vm];
        vm.host.streams.borrow_mut().insert(id, Stream { headers, ..Stream::default() });
        vm.host.context.set(id);
        if vm.root.request(id, ends) == Flow::Continue {
            vm.host.resume().unwrap();
        }
        id
    }

    /// Sends more of a request's body. As in Envoy, whoever lets the body go on lets the headers go on.
    pub(crate) fn send_body(&mut self, vm: usize, id: u32, more: &[u8], ends: bool) {
        let vm = &mut self.vms[vm];
        let size = vm.host.streams.borrow_mut().get_mut(&id).map_or(0, |stream| {
            stream.body.extend_from_slice(more);
            stream.body.len()
        });
        vm.host.context.set(id);
        if vm.root.body(id, size, ends) == Flow::Continue && !vm.host.streams.borrow()[&id].resumed {
            vm.host.resume().unwrap();
        }
    }

    /// Sends trailers.
    pub(crate) fn send_trailers(&mut self, vm: usize, id: u32) {
        let vm = &mut self.vms[vm];
        vm.host.context.set(id);
        if vm.root.body(id, 0, true) == Flow::Continue && !vm.host.streams.borrow()[&id].resumed {
            vm.host.resume().unwrap();
        }
    }

    pub(crate) fn stream(&self, vm: usize, id: u32) -> Stream {
        self.vms[vm].host.streams.borrow()[&id].clone()
    }

    /// Sends a request's trailers; what the upstream gets of them.
    pub(crate) fn trailers(&mut self, vm: usize, id: u32, trailers: &[(&str, &str)]) -> Vec<String> {
        let vm = &mut self.vms[vm];
        let bytes = trailers.iter().map(|(n, v)| (n.as_bytes().to_vec(), v.as_bytes().to_vec())).collect();
        vm.host.streams.borrow_mut().get_mut(&id).unwrap().trailers = bytes;
        vm.host.context.set(id);
        vm.root.trailers();
        let left = vm.host.streams.borrow()[&id].trailers.clone();
        left.into_iter().map(|(name, _)| String::from_utf8(name).unwrap()).collect()
    }

    /// The client goes away.
    pub(crate) fn drop_stream(&mut self, vm: usize, id: u32) {
        self.vms[vm].root.forget(id);
        self.vms[vm].host.streams.borrow_mut().remove(&id);
    }

    /// The calls on their way whose path begins so.
    pub(crate) fn calls(&self, path: &str) -> Vec<Call> {
        self.world.calls.borrow().iter().filter(|call| call.path.starts_with(path)).cloned().collect()
    }

    /// Answers the one call on its way whose path begins so; gives its path.
    pub(crate) fn answer(&mut self, path: &str, status: u16, body: &[u8]) -> String {
        let calls = self.calls(path);
        let [call] = calls.as_slice() else { panic!("not one call to {path}: {calls:?}") };
        let call = call.clone();
        self.answer_call(&call, status, body);
        call.path
    }

    /// Answers this call.
    pub(crate) fn answer_call(&mut self, call: &Call, status: u16, body: &[u8]) {
        self.answer_fully(call, status, &[], body);
    }

    /// Answers this call, also with headers.
    pub(crate) fn answer_fully(&mut self, call: &Call, status: u16, headers: &[(&str, &str)], body: &[u8]) {
        let all = [(":status", status.to_string().as_str())]
            .iter()
            .chain(headers)
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        *self.world.answer.borrow_mut() = all;
        assert_eq!(call.cluster, "authserver");
        self.world.calls.borrow_mut().retain(|other| other.id != call.id);
        let vm = &mut self.vms[call.vm];
        vm.host.context.set(ROOT);
        vm.root.called(call.id, &CallResponse { status, body: body.to_vec() });
    }

    pub(crate) fn metric(&self, name: &str) -> u64 {
        self.world.metrics.borrow()[name]
    }
}
