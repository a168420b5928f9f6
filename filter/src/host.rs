//! Envoy, by Proxy-Wasm ABI 0.2.1: the one file that names its calls and callbacks, and the only one with `unsafe`.
//!
//! There is an SDK for this; it panics, and with it the VM, on a status it does not know, on a header's value that is not
//! text, on a map that is not there, and on the answer to a call it does not remember. What the filter needs of the ABI
//! is about thirty functions, so they are declared here: bytes only, any status but 0 is an error, and what a callback
//! finds in use is refused.
#![allow(unsafe_code)]

use crate::proxy::{
    CallResponse, Headers, Host, HostError, HostResult, Level, MetricKind, Shared, Write, serialize_pairs,
};
use crate::root::{Flow, Root};
use hashbrown::HashMap;
use std::cell::RefCell;
use std::ptr::null_mut;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_log(level: u32, data: *const u8, size: usize) -> u32;
    fn proxy_get_log_level(level: *mut u32) -> u32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    fn proxy_set_effective_context(context: u32) -> u32;
    fn proxy_get_buffer_bytes(kind: u32, start: usize, max: usize, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_get_header_map_pairs(kind: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_get_header_map_value(
        kind: u32,
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_add_header_map_value(
        kind: u32,
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_replace_header_map_value(
        kind: u32,
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_get_property(path: *const u8, path_size: usize, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_set_property(path: *const u8, path_size: usize, value: *const u8, value_size: usize) -> u32;
    fn proxy_remove_header_map_value(kind: u32, key: *const u8, key_size: usize) -> u32;
    fn proxy_continue_stream(kind: u32) -> u32;
    fn proxy_http_call(
        cluster: *const u8,
        cluster_size: usize,
        headers: *const u8,
        headers_size: usize,
        body: *const u8,
        body_size: usize,
        trailers: *const u8,
        trailers_size: usize,
        timeout: u32,
        call: *mut u32,
    ) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
    fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
        cas: *mut u32,
    ) -> u32;
    fn proxy_set_shared_data(key: *const u8, key_size: usize, data: *const u8, size: usize, cas: u32) -> u32;
    fn proxy_call_foreign_function(
        name: *const u8,
        name_size: usize,
        arguments: *const u8,
        arguments_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, name_size: usize, metric: *mut u32) -> u32;
    fn proxy_increment_metric(metric: u32, by: i64) -> u32;
    fn proxy_record_metric(metric: u32, value: u64) -> u32;
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn random_get(bytes: *mut u8, size: usize) -> u16;
}

const REQUEST_HEADERS: u32 = 0;
const CALL_RESPONSE_HEADERS: u32 = 6;
const CALL_RESPONSE_BODY: u32 = 4;
const PLUGIN_CONFIGURATION: u32 = 7;
const REQUEST_STREAM: u32 = 0;
/// A number that shared data never has yet: writing "over" it succeeds only where there is nothing.
const ABSENT: u32 = u32::MAX;

/// Envoy around this VM.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Envoy;

fn done(status: u32) -> HostResult<()> {
    if status == 0 { Ok(()) } else { Err(HostError(status)) }
}

/// Takes over memory that the host filled; it was allocated by [`proxy_on_memory_allocate`].
fn fetched(status: u32, data: *mut u8, size: usize) -> HostResult<Vec<u8>> {
    done(status)?;
    if data.is_null() || size == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: the host got the memory from [`proxy_on_memory_allocate`], which gives exactly as much,
    // filled all of it, and forgets it with this call.
    Ok(unsafe { Vec::from_raw_parts(data, size, size) })
}

fn buffer(kind: u32, max: usize) -> HostResult<Vec<u8>> {
    let (mut data, mut size) = (null_mut(), 0);
    // SAFETY: both pointers are valid for the call.
    let status = unsafe { proxy_get_buffer_bytes(kind, 0, max, &raw mut data, &raw mut size) };
    fetched(status, data, size)
}

impl Host for Envoy {
    fn now_ms(&self) -> u64 {
        let mut time = 0;
        // SAFETY: the pointer is valid for the call.
        match unsafe { proxy_get_current_time_nanoseconds(&raw mut time) } {
            0 => time / 1_000_000,
            _ => u64::MAX, // without a clock every token has expired
        }
    }

    fn environment(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn random(&self, bytes: &mut [u8]) -> bool {
        // SAFETY: the pointer is valid for that many bytes.
        unsafe { random_get(bytes.as_mut_ptr(), bytes.len()) == 0 }
    }

    fn request_headers(&self) -> HostResult<Headers> {
        let (mut data, mut size) = (null_mut(), 0);
        // SAFETY: both pointers are valid for the call.
        let status = unsafe { proxy_get_header_map_pairs(REQUEST_HEADERS, &raw mut data, &raw mut size) };
        fetched(status, data, size).map(Headers::new)
    }

    fn remove_request_header(&self, name: &[u8]) -> HostResult<()> {
        // SAFETY: the pointer is valid for that many bytes.
        done(unsafe { proxy_remove_header_map_value(REQUEST_HEADERS, name.as_ptr(), name.len()) })
    }

    fn add_request_header(&self, name: &[u8], value: &[u8]) -> HostResult<()> {
        // SAFETY: the pointers are valid for that many bytes.
        done(unsafe {
            proxy_add_header_map_value(REQUEST_HEADERS, name.as_ptr(), name.len(), value.as_ptr(), value.len())
        })
    }

    fn reply(
        &self,
        status: u16,
        headers: &[(&str, &str)],
        body: &[u8],
        details: &str,
        grpc_status: i32,
    ) -> HostResult<()> {
        let pairs: Vec<_> = headers.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())).collect();
        let headers = serialize_pairs(&pairs);
        // SAFETY: the pointers are valid for that many bytes.
        done(unsafe {
            proxy_send_local_response(
                u32::from(status),
                details.as_ptr(),
                details.len(),
                body.as_ptr(),
                body.len(),
                headers.as_ptr(),
                headers.len(),
                grpc_status,
            )
        })
    }

    fn replace_request_header(&self, name: &[u8], value: &[u8]) -> HostResult<()> {
        // SAFETY: the pointers are valid for that many bytes.
        done(unsafe {
            proxy_replace_header_map_value(REQUEST_HEADERS, name.as_ptr(), name.len(), value.as_ptr(), value.len())
        })
    }

    fn property(&self, path: &[u8]) -> HostResult<Option<Vec<u8>>> {
        let (mut data, mut size) = (null_mut(), 0);
        // SAFETY: the pointers are valid for that many bytes, and for the call.
        let status = unsafe { proxy_get_property(path.as_ptr(), path.len(), &raw mut data, &raw mut size) };
        match fetched(status, data, size) {
            Ok(value) => Ok(Some(value)),
            Err(HostError::NOT_FOUND) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn set_property(&self, path: &[u8], value: &[u8]) -> HostResult<()> {
        // SAFETY: the pointers are valid for that many bytes.
        done(unsafe { proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) })
    }

    fn resume(&self) -> HostResult<()> {
        // SAFETY: no pointers.
        done(unsafe { proxy_continue_stream(REQUEST_STREAM) })
    }

    fn enter(&self, context: u32) -> HostResult<()> {
        // SAFETY: no pointers.
        done(unsafe { proxy_set_effective_context(context) })
    }

    fn shared(&self, key: &str) -> HostResult<Option<Shared>> {
        let (mut data, mut size, mut cas) = (null_mut(), 0, 0);
        // SAFETY: the pointers are valid for the call.
        let status =
            unsafe { proxy_get_shared_data(key.as_ptr(), key.len(), &raw mut data, &raw mut size, &raw mut cas) };
        match fetched(status, data, size) {
            Ok(value) => Ok(Some(Shared { value, cas })),
            Err(HostError::NOT_FOUND) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn set_shared(&self, key: &str, value: &[u8], write: Write) -> HostResult<()> {
        let cas = match write {
            Write::Always => 0,
            Write::Absent => ABSENT,
            Write::Over(cas) => cas,
        };
        // SAFETY: the pointers are valid for that many bytes.
        done(unsafe { proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), cas) })
    }

    fn call(&self, cluster: &str, headers: &[(&str, &str)], body: &[u8], timeout_ms: u32) -> HostResult<u32> {
        let pairs: Vec<_> = headers.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())).collect();
        let (headers, trailers) = (serialize_pairs(&pairs), serialize_pairs(&[]));
        let mut call = 0;
        // SAFETY: the pointers are valid for that many bytes, and for the call.
        done(unsafe {
            proxy_http_call(
                cluster.as_ptr(),
                cluster.len(),
                headers.as_ptr(),
                headers.len(),
                body.as_ptr(),
                body.len(),
                trailers.as_ptr(),
                trailers.len(),
                timeout_ms,
                &raw mut call,
            )
        })
        .map(|()| call)
    }

    fn foreign(&self, function: &str, arguments: &[u8]) -> HostResult<Vec<u8>> {
        let (mut data, mut size) = (null_mut(), 0);
        // SAFETY: the pointers are valid for that many bytes.
        let status = unsafe {
            proxy_call_foreign_function(
                function.as_ptr(),
                function.len(),
                arguments.as_ptr(),
                arguments.len(),
                &raw mut data,
                &raw mut size,
            )
        };
        fetched(status, data, size)
    }

    fn define_metric(&self, kind: MetricKind, name: &str) -> HostResult<u32> {
        let kind = match kind {
            MetricKind::Counter => 0,
            MetricKind::Gauge => 1,
        };
        let mut metric = 0;
        // SAFETY: the pointers are valid for that many bytes.
        done(unsafe { proxy_define_metric(kind, name.as_ptr(), name.len(), &raw mut metric) }).map(|()| metric)
    }

    fn add_metric(&self, metric: u32, by: u64) {
        let by = i64::try_from(by).unwrap_or(i64::MAX);
        if by > 0 {
            // SAFETY: no pointers. A metric that is not counted is no reason to refuse a request.
            let _ = unsafe { proxy_increment_metric(metric, by) };
        }
    }

    fn set_metric(&self, metric: u32, value: u64) {
        // SAFETY: no pointers.
        let _ = unsafe { proxy_record_metric(metric, value) };
    }

    fn set_tick(&self, period_ms: u32) {
        // SAFETY: no pointers.
        let _ = unsafe { proxy_set_tick_period_milliseconds(period_ms) };
    }

    fn logs(&self, level: Level) -> bool {
        let mut enabled = 0;
        // SAFETY: the pointer is valid for the call.
        unsafe { proxy_get_log_level(&raw mut enabled) == 0 && level as u32 >= enabled }
    }

    fn log(&self, level: Level, line: &str) {
        // SAFETY: the pointer is valid for that many bytes.
        let _ = unsafe { proxy_log(level as u32, line.as_ptr(), line.len()) };
    }
}

/// The contexts that the host has told of.
#[derive(Debug, Default)]
struct Contexts {
    /// The configurations, by their numbers; one, but for the moment in which another takes over.
    roots: Vec<(u32, Root<Envoy>)>,
    /// The requests: under which configuration each runs.
    requests: HashMap<u32, u64>,
}

impl Contexts {
    fn root(&mut self, id: u32) -> Option<&mut Root<Envoy>> {
        self.roots.iter_mut().find(|(other, _)| *other == id).map(|(_, root)| root)
    }

    /// The configuration of a request.
    fn root_of(&mut self, request: u32) -> Option<&mut Root<Envoy>> {
        let root = u32::try_from(*self.requests.get(&request)?).ok()?;
        self.root(root)
    }
}

thread_local! {
    static CONTEXTS: RefCell<Contexts> = RefCell::default();
}

/// Runs something on the contexts; `None` if they are in use, which the host sees to that they never are.
fn with<T>(run: impl FnOnce(&mut Contexts) -> T) -> Option<T> {
    CONTEXTS.with(|contexts| contexts.try_borrow_mut().ok().map(|mut contexts| run(&mut contexts)))
}

/// Runs something on a configuration, if there is one of that number.
fn with_root<T>(id: u32, run: impl FnOnce(&mut Root<Envoy>) -> T) -> Option<T> {
    with(|contexts| contexts.root(id).map(run)).flatten()
}

unsafe extern "C" {
    fn __wasm_call_ctors();
}

#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    // SAFETY: the linker makes it, and the host calls this once, before anything else.
    unsafe { __wasm_call_ctors() }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

/// Memory that the host fills and [`fetched`] takes over.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    let bytes = vec![0; size].into_boxed_slice();
    Box::into_raw(bytes).cast()
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_context_create(context: u32, root: u32) {
    with(|contexts| {
        if root == 0 {
            contexts.roots.push((context, Root::new(Envoy, context)));
        } else {
            contexts.requests.insert(context, u64::from(root));
        }
    });
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_delete(context: u32) {
    with(|contexts| {
        if let Some(root) = contexts.root_of(context) {
            root.forget(context);
        }
        if contexts.requests.remove(&context).is_none()
            && let Some(at) = contexts.roots.iter().position(|(id, _)| *id == context)
        {
            contexts.roots.swap_remove(at).1.step_down();
        }
    });
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_vm_start(_context: u32, _size: usize) -> bool {
    true
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(context: u32, size: usize) -> bool {
    let text = buffer(PLUGIN_CONFIGURATION, size).unwrap_or_default();
    with_root(context, |root| root.configure(&text)) == Some(true)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_tick(context: u32) {
    with_root(context, Root::tick);
}

/// 0 lets the request go on, 1 holds it.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_headers(context: u32, _headers: usize, _end_of_stream: bool) -> u32 {
    let flow = with(|contexts| contexts.root_of(context).map(|root| root.request(context)));
    match flow.flatten() {
        Some(Flow::Continue) => 0,
        Some(Flow::Pause) => 1,
        None => {
            // Nobody to ask: refused, never let through.
            let _ = Envoy.reply(503, &[("cache-control", "no-store")], &[], "bearward_no_context", -1);
            1
        }
    }
}

/// The host answers a call to the configuration that made it, whichever request it was made for.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_http_call_response(context: u32, call: u32, headers: usize, body: usize, _trailers: usize) {
    let response = call_response(headers, body);
    with_root(context, |root| root.called(call, &response));
}

/// The answer to a call. Without headers there is none (a reset, or an answer beyond Envoy's buffer).
fn call_response(headers: usize, body: usize) -> CallResponse {
    if headers == 0 {
        return CallResponse::default();
    }
    let name = b":status";
    let (mut data, mut size) = (null_mut(), 0);
    // SAFETY: the pointers are valid for the call.
    let status = unsafe {
        proxy_get_header_map_value(CALL_RESPONSE_HEADERS, name.as_ptr(), name.len(), &raw mut data, &raw mut size)
    };
    let status = fetched(status, data, size).ok().and_then(|value| str::from_utf8(&value).ok()?.parse().ok());
    CallResponse {
        status: status.unwrap_or(0),
        body: if body == 0 { Vec::new() } else { buffer(CALL_RESPONSE_BODY, body).unwrap_or_default() },
    }
}
