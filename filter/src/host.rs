//! Envoy, by Proxy-Wasm ABI 0.2.1: the one file that names the SDK, and the only one with `unsafe`.
//!
//! The SDK brings the callbacks of a configuration: its start, its text, its timer. Those of requests, and the answers to
//! calls, come here directly ([`bearward_trim`](../../trim) exports them under the names that Envoy calls): the SDK's way
//! costs each request more, and gives the answer to a call to whoever was called last, or to nobody.
//!
//! The SDK's host calls are not used. They panic, and with them the VM, on a status they do not know, on a header's value
//! that is not text, and on a map that is not there. Here the same imports are declared again: bytes only, and any
//! status but 0 is an error.
#![allow(unsafe_code)]

use crate::dispatch::ANSWER_MOST;
use crate::proxy::{
    CallResponse, Headers, Host, HostError, HostResult, Level, MetricKind, Shared, Write, serialize_pairs,
};
use crate::root::{Flow, Root};
use proxy_wasm::traits::{Context, RootContext};
use proxy_wasm::types::Action;
use std::cell::{Cell, RefCell};
use std::ptr::null_mut;
use std::rc::Rc;

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
    fn proxy_http_call(
        cluster: *const u8,
        cluster_size: usize,
        headers: *const u8,
        headers_size: usize,
        body: *const u8,
        body_size: usize,
        trailers: *const u8,
        trailers_size: usize,
        timeout_ms: u32,
        call: *mut u32,
    ) -> u32;
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
    fn proxy_get_metric(metric: u32, value: *mut u64) -> u32;
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn random_get(bytes: *mut u8, size: usize) -> u16;
}

const REQUEST_BODY: u32 = 0;
const REQUEST_HEADERS: u32 = 0;
const REQUEST_TRAILERS: u32 = 1;
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

/// Takes over memory that the host filled; it was allocated by the SDK's `proxy_on_memory_allocate`.
fn fetched(status: u32, data: *mut u8, size: usize) -> HostResult<Vec<u8>> {
    done(status)?;
    if data.is_null() || size == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: the host got the memory from `proxy_on_memory_allocate(size)`, which gives exactly as much,
    // filled all of it, and forgets it with this call.
    Ok(unsafe { Vec::from_raw_parts(data, size, size) })
}

fn buffer(kind: u32, max: usize) -> HostResult<Vec<u8>> {
    let (mut data, mut size) = (null_mut(), 0);
    // SAFETY: both pointers are valid for the call.
    let status = unsafe { proxy_get_buffer_bytes(kind, 0, max, &raw mut data, &raw mut size) };
    fetched(status, data, size)
}

fn header_map(kind: u32) -> HostResult<Headers> {
    let (mut data, mut size) = (null_mut(), 0);
    // SAFETY: both pointers are valid for the call.
    let status = unsafe { proxy_get_header_map_pairs(kind, &raw mut data, &raw mut size) };
    fetched(status, data, size).map(Headers::new)
}

impl Host for Envoy {
    fn now_ns(&self) -> u64 {
        let mut time = 0;
        // SAFETY: the pointer is valid for the call.
        if unsafe { proxy_get_current_time_nanoseconds(&raw mut time) } == 0 { time } else { u64::MAX }
    }

    fn environment(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn random(&self, bytes: &mut [u8]) -> bool {
        // SAFETY: the pointer is valid for that many bytes.
        unsafe { random_get(bytes.as_mut_ptr(), bytes.len()) == 0 }
    }

    fn request_headers(&self) -> HostResult<Headers> {
        header_map(REQUEST_HEADERS)
    }

    fn request_body(&self, most: usize) -> HostResult<Vec<u8>> {
        buffer(REQUEST_BODY, most)
    }

    fn remove_request_header(&self, name: &[u8]) -> HostResult<()> {
        // SAFETY: the pointer is valid for that many bytes.
        done(unsafe { proxy_remove_header_map_value(REQUEST_HEADERS, name.as_ptr(), name.len()) })
    }

    fn request_trailers(&self) -> HostResult<Headers> {
        header_map(REQUEST_TRAILERS)
    }

    fn remove_request_trailer(&self, name: &[u8]) -> HostResult<()> {
        // SAFETY: the pointer is valid for that many bytes.
        done(unsafe { proxy_remove_header_map_value(REQUEST_TRAILERS, name.as_ptr(), name.len()) })
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
        headers: &[(&[u8], &[u8])],
        body: &[u8],
        details: &str,
        grpc_status: i32,
    ) -> HostResult<()> {
        let headers = serialize_pairs(headers);
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
        let status = unsafe {
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
        };
        done(status).map(|()| call)
    }

    fn answer_headers(&self) -> HostResult<Headers> {
        header_map(CALL_RESPONSE_HEADERS)
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

    fn add_metric(&self, metric: u32, by: i64) {
        // SAFETY: no pointers. A metric that is not counted is no reason to refuse a request.
        let _ = unsafe { proxy_increment_metric(metric, by) };
    }

    fn set_metric(&self, metric: u32, value: u64) {
        // SAFETY: no pointers.
        let _ = unsafe { proxy_record_metric(metric, value) };
    }

    fn metric(&self, metric: u32) -> HostResult<u64> {
        let mut value = 0;
        // SAFETY: the pointer is valid for the call.
        done(unsafe { proxy_get_metric(metric, &raw mut value) })?;
        Ok(value)
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

type SharedRoot = Rc<RefCell<Root<Envoy>>>;

thread_local! {
    /// The configurations of this VM: one for each place in Envoy's configuration that has the filter.
    static ROOTS: RefCell<Vec<(u32, SharedRoot)>> = const { RefCell::new(Vec::new()) };
    /// The request that was made last, and its configuration. Its headers come next.
    static NEWEST: Cell<(u32, u32)> = const { Cell::new((0, 0)) };
    /// The requests whose headers did not go on when they came, and their configurations.
    static PAUSED: RefCell<Vec<(u32, u32)>> = const { RefCell::new(Vec::new()) };
}

/// Runs something on a root; `None` if it is in use, which the host sees to that it never is.
fn with<T>(root: &SharedRoot, run: impl FnOnce(&mut Root<Envoy>) -> T) -> Option<T> {
    root.try_borrow_mut().ok().map(|mut root| run(&mut root))
}

fn find(id: u32) -> Option<SharedRoot> {
    ROOTS.with_borrow(|roots| roots.iter().find(|(other, _)| *other == id).map(|(_, root)| Rc::clone(root)))
}

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|id| {
        let root = Rc::new(RefCell::new(Root::new(Envoy, id)));
        ROOTS.with_borrow_mut(|roots| roots.push((id, Rc::clone(&root))));
        Box::new(Configured { id, root })
    });
}}

/// A configuration, as the SDK knows it.
struct Configured {
    id: u32,
    root: SharedRoot,
}

impl Context for Configured {}

impl RootContext for Configured {
    fn on_configure(&mut self, size: usize) -> bool {
        let text = buffer(PLUGIN_CONFIGURATION, size).unwrap_or_default();
        with(&self.root, |root| root.configure(&text)) == Some(true)
    }

    fn on_tick(&mut self) {
        with(&self.root, Root::tick);
    }
}

impl Drop for Configured {
    fn drop(&mut self) {
        with(&self.root, Root::step_down);
        ROOTS.with_borrow_mut(|roots| roots.retain(|(id, _)| *id != self.id));
    }
}

/// What the SDK does with configurations.
mod sdk {
    unsafe extern "C" {
        pub(super) safe fn proxy_on_context_create(context: u32, root: u32);
        pub(super) safe fn proxy_on_delete(context: u32);
    }
}

#[unsafe(export_name = "bearward_on_context_create")]
extern "C" fn on_context_create(context: u32, root: u32) {
    if root == 0 {
        sdk::proxy_on_context_create(context, root);
    } else {
        NEWEST.set((context, root));
    }
}

#[unsafe(export_name = "bearward_on_request_headers")]
extern "C" fn on_request_headers(context: u32, _headers: usize, end_of_stream: u32) -> Action {
    let (newest, id) = NEWEST.get();
    let root = if newest == context { find(id) } else { None };
    match root.and_then(|root| with(&root, |root| root.request(context, end_of_stream != 0))) {
        Some(Flow::Continue) => return Action::Continue,
        Some(Flow::Pause) => {}
        None => {
            // Nobody to ask: refused, never let through.
            let _ = Envoy.reply(503, &[(b"cache-control", b"no-store")], &[], "bearward_no_context", -1);
        }
    }
    PAUSED.with_borrow_mut(|paused| paused.push((context, id)));
    Action::Pause
}

#[unsafe(export_name = "bearward_on_request_body")]
extern "C" fn on_request_body(context: u32, size: usize, end_of_stream: u32) -> Action {
    body(context, size, end_of_stream != 0)
}

#[unsafe(export_name = "bearward_on_request_trailers")]
extern "C" fn on_request_trailers(context: u32, _trailers: usize) -> Action {
    // Whose it is is not kept of a request that went on at once: what no configuration of this VM lets clients say goes.
    ROOTS.with_borrow(|roots| {
        for (_, root) in roots {
            with(root, |root| root.trailers());
        }
    });
    body(context, 0, true)
}

/// More of a request's body, which goes on as its headers do.
fn body(context: u32, size: usize, ends: bool) -> Action {
    let paused = PAUSED.with_borrow(|paused| paused.iter().find(|(other, _)| *other == context).copied());
    let Some((_, id)) = paused else { return Action::Continue };
    match find(id).and_then(|root| with(&root, |root| root.body(context, size, ends))) {
        Some(Flow::Continue) => Action::Continue,
        Some(Flow::Pause) | None => Action::Pause,
    }
}

/// The host gives every answer to the configuration, also where the request that it is for has gone.
#[unsafe(export_name = "bearward_on_http_call_response")]
extern "C" fn on_http_call_response(root: u32, call: u32, headers: usize, body: usize, _trailers: usize) {
    if let Some(root) = find(root) {
        let response = call_response(headers, body);
        with(&root, |root| root.called(call, &response));
    }
}

#[unsafe(export_name = "bearward_on_delete")]
extern "C" fn on_delete(context: u32) {
    if find(context).is_some() {
        sdk::proxy_on_delete(context);
        return;
    }
    PAUSED.with_borrow_mut(|paused| paused.retain(|(other, _)| *other != context));
    // Whose it was is not kept of a request that went on at once.
    ROOTS.with_borrow(|roots| {
        for (_, root) in roots {
            with(root, |root| root.forget(context));
        }
    });
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
        // One byte more than anybody takes tells that it is too large; a VM's memory never shrinks.
        body: match body.min(ANSWER_MOST.saturating_add(1)) {
            0 => Vec::new(),
            most => buffer(CALL_RESPONSE_BODY, most).unwrap_or_default(),
        },
    }
}
