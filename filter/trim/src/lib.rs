//! The filter's module as it ships: only the exports that Envoy calls, only the imports that every Envoy has, and
//! nothing that tells where it was built.
//!
//! [`trim`] keeps the exports in [`EXPORTS`], drops the others, and empties the functions that only those reached. It
//! refuses a module that imports what is not in [`IMPORTS`]: Envoy refuses it too, but only when it loads it.
//! [`cargo`] gives the command that builds the module, and [`shipped`] makes of what it built what ships: trimmed, and
//! squeezed by Binaryen's `wasm-opt` where that is installed.

mod build;
mod reach;
mod squeeze;

pub use build::{PACKAGE, TARGET, built, cargo};
pub use squeeze::{OPTIMIZER, shipped};
use std::ops::Range;
use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{CodeSection, ExportKind, ExportSection, Function, Module, RawSection};
use wasmparser::{Encoding, Parser, Payload};

/// What Envoy calls, and what the module calls it: the callbacks that the filter takes itself stand beside the SDK's,
/// which have the names that Envoy calls. A module that lacks one of them is not our filter.
pub const EXPORTS: &[(&str, &str)] = &[
    ("memory", "memory"),
    ("_initialize", "_initialize"),
    ("proxy_abi_version_0_2_1", "proxy_abi_version_0_2_1"),
    ("proxy_on_memory_allocate", "proxy_on_memory_allocate"),
    ("proxy_on_context_create", "bearward_on_context_create"),
    ("proxy_on_delete", "bearward_on_delete"),
    ("proxy_on_vm_start", "proxy_on_vm_start"),
    ("proxy_on_configure", "proxy_on_configure"),
    ("proxy_on_tick", "proxy_on_tick"),
    ("proxy_on_request_headers", "bearward_on_request_headers"),
    ("proxy_on_request_body", "bearward_on_request_body"),
    ("proxy_on_request_trailers", "bearward_on_request_trailers"),
    ("proxy_on_http_call_response", "bearward_on_http_call_response"),
];

/// What a module may import: by module, the functions that every Envoy of the last years has.
pub const IMPORTS: &[(&str, &[&str])] = &[
    (
        "env",
        &[
            "proxy_add_header_map_value",
            "proxy_call_foreign_function",
            "proxy_close_stream",
            "proxy_continue_stream",
            "proxy_define_metric",
            "proxy_dequeue_shared_queue",
            "proxy_done",
            "proxy_enqueue_shared_queue",
            "proxy_get_buffer_bytes",
            "proxy_get_current_time_nanoseconds",
            "proxy_get_header_map_pairs",
            "proxy_get_header_map_value",
            "proxy_get_log_level",
            "proxy_get_metric",
            "proxy_get_property",
            "proxy_get_shared_data",
            "proxy_get_status",
            "proxy_grpc_call",
            "proxy_grpc_cancel",
            "proxy_grpc_close",
            "proxy_grpc_send",
            "proxy_grpc_stream",
            "proxy_http_call",
            "proxy_increment_metric",
            "proxy_log",
            "proxy_record_metric",
            "proxy_register_shared_queue",
            "proxy_remove_header_map_value",
            "proxy_replace_header_map_value",
            "proxy_resolve_shared_queue",
            "proxy_send_local_response",
            "proxy_set_buffer_bytes",
            "proxy_set_effective_context",
            "proxy_set_header_map_pairs",
            "proxy_set_property",
            "proxy_set_shared_data",
            "proxy_set_tick_period_milliseconds",
        ],
    ),
    ("wasi_snapshot_preview1", &["environ_get", "environ_sizes_get", "fd_write", "proc_exit", "random_get"]),
];

/// The largest module that ships, in bytes: what it is made of is compiled when Envoy starts, and kept in memory. More
/// than 100 KB of it is the pure-Rust fallback for the signatures that a host can't check (RSA, P-256 and Ed25519).
pub const MOST: usize = 500_000;

/// Why a module can't ship.
#[derive(Debug, thiserror::Error)]
pub enum TrimError {
    /// Not WebAssembly that can be read.
    #[error("not a WebAssembly module: {0}")]
    Parse(#[from] wasmparser::BinaryReaderError),
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The section could not be written again.
    #[error("the exports could not be written: {0}")]
    Write(#[from] wasm_encoder::reencode::Error),
    /// A component, or a module in a module.
    #[error("a component, not a core module")]
    Component,
    /// It would not load in every Envoy.
    #[error("imports {0}.{1}, which is not on the list of what every Envoy has (IMPORTS in filter/trim)")]
    Import(String, String),
    /// Something made it grow.
    #[error("is {0} bytes, and {MOST} is the most")]
    Size(usize),
    /// Envoy would never call it.
    #[error("does not export {0}")]
    Export(&'static str),
    /// The optimizer is there, but does not do its work.
    #[error("{OPTIMIZER}: {0}")]
    Optimizer(String),
}

/// The module without the exports that nobody needs, and without the code that only they reached.
///
/// # Errors
/// [`TrimError`]
pub fn trim(wasm: &[u8]) -> Result<Vec<u8>, TrimError> {
    let mut module = Module::new();
    let mut missing: Vec<&'static str> = EXPORTS.iter().map(|(_, inside)| *inside).collect();
    let mut code = CodeSection::new();
    let reached = reach::reached(wasm, &missing)?;
    let mut next = reached.first_defined;
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        match &payload {
            Payload::Version { encoding, .. } if *encoding != Encoding::Module => return Err(TrimError::Component),
            Payload::ImportSection(imports) => {
                for import in imports.clone().into_imports() {
                    let import = import?;
                    if !IMPORTS.iter().any(|(from, names)| *from == import.module && names.contains(&import.name)) {
                        return Err(TrimError::Import(import.module.to_owned(), import.name.to_owned()));
                    }
                }
            }
            Payload::ExportSection(exports) => {
                let mut kept = ExportSection::new();
                for export in exports.clone() {
                    let export = export?;
                    if let Some((outside, inside)) = EXPORTS.iter().find(|(_, inside)| *inside == export.name) {
                        missing.retain(|name| name != inside);
                        let kind: ExportKind = RoundtripReencoder.export_kind(export.kind)?;
                        kept.export(outside, kind, export.index);
                    }
                }
                module.section(&kept);
                continue;
            }
            Payload::CodeSectionStart { .. } => continue,
            Payload::CodeSectionEntry(body) => {
                if reached.functions.contains(&next) {
                    code.raw(bytes(wasm, body.range()));
                } else {
                    code.function(&nothing());
                }
                next = next.saturating_add(1);
                if code.len() == reached.defined {
                    module.section(&code);
                }
                continue;
            }
            _ => {}
        }
        if let Some((id, range)) = payload.as_section() {
            module.section(&RawSection { id, data: bytes(wasm, range) });
        }
    }
    match missing.first() {
        Some(name) => Err(TrimError::Export(name)),
        None => Ok(module.finish()),
    }
}

fn bytes(wasm: &[u8], range: Range<u64>) -> &[u8] {
    let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    wasm.get(index(range.start)..index(range.end)).unwrap_or_default()
}

/// The body of a function that nobody calls.
fn nothing() -> Function {
    let mut body = Function::new([]);
    body.instructions().unreachable().end();
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{EntityType, FunctionSection, ImportSection, MemorySection, MemoryType, TypeSection};

    /// A module with one imported function, one of its own, a memory, and these exports.
    fn module(import: (&str, &str), exports: &[&str]) -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let mut imports = ImportSection::new();
        imports.import(import.0, import.1, EntityType::Function(0));
        let mut functions = FunctionSection::new();
        functions.function(0);
        let mut memories = MemorySection::new();
        memories.memory(MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None });
        let mut section = ExportSection::new();
        for name in exports {
            let kind = if *name == "memory" { ExportKind::Memory } else { ExportKind::Func };
            section.export(name, kind, u32::from(*name != "memory"));
        }
        let mut code = CodeSection::new();
        let mut body = Function::new([]);
        body.instructions().end();
        code.function(&body);
        let mut module = Module::new();
        let module = module.section(&types).section(&imports).section(&functions).section(&memories);
        module.section(&section).section(&code);
        module.clone().finish()
    }

    fn exports(wasm: &[u8]) -> Vec<String> {
        let mut names = Vec::new();
        for payload in Parser::new(0).parse_all(wasm) {
            if let Payload::ExportSection(exports) = payload.unwrap() {
                names.extend(exports.into_iter().map(|e| e.unwrap().name.to_owned()));
            }
        }
        names
    }

    const GOOD: (&str, &str) = ("env", "proxy_log");

    #[test]
    fn what_is_not_on_the_list_goes_and_the_rest_gets_its_name() {
        let (outside, inside): (Vec<_>, Vec<_>) = EXPORTS.iter().copied().unzip();
        // The last is the SDK's, which gives way to ours.
        let all = [inside.as_slice(), &["proxy_on_log", "proxy_on_response_body", "proxy_on_delete"]].concat();
        let trimmed = trim(&module(GOOD, &all)).unwrap();
        assert_eq!(exports(&trimmed), outside);
        // Nothing but the export section changed.
        assert_eq!(trimmed, module(GOOD, &outside));
    }

    #[test]
    fn what_could_not_load_or_would_not_be_called_is_refused() {
        let inside: Vec<_> = EXPORTS.iter().map(|(_, inside)| *inside).collect();
        let error = trim(&module(("env", "sched_yield"), &inside)).unwrap_err();
        assert!(error.to_string().contains("env.sched_yield"), "{error}");
        let error = trim(&module(GOOD, &inside[1..])).unwrap_err();
        assert!(error.to_string().contains("memory"), "{error}");
        assert!(trim(b"\0asm").is_err() && trim(b"").is_err() && trim(b"<html>").is_err());
    }
}
