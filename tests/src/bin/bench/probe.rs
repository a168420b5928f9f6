//! Proxy-Wasm filters that do one thing, ten times a request: what a filter of this kind costs at the least, and what each
//! way to the host adds.

use bearward_tests::{Error, Result};
use std::path::{Path, PathBuf};
use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    ImportSection, MemorySection, MemoryType, Module, TypeSection, ValType,
};

/// How often a filter does what it does, in one request.
pub(crate) const TIMES: u32 = 10;

/// What a filter does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Probe {
    Nothing,
    ReadClock,
    ReadHeaders,
    ReadShared,
    AddHeader,
    RemoveHeader,
}

/// Where the module keeps what it hands to the host, and where it lets the host write.
const NAME: i32 = 1024;
const NAME_LEN: i32 = 14;
const OUT: i32 = 2048;
const BUFFER: i32 = 65_536;

impl Probe {
    pub(crate) const ALL: [Self; 6] =
        [Self::Nothing, Self::ReadClock, Self::ReadHeaders, Self::ReadShared, Self::AddHeader, Self::RemoveHeader];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "a Wasm filter that does nothing",
            Self::ReadClock => "reading the clock",
            Self::ReadHeaders => "reading all headers",
            Self::ReadShared => "reading shared data",
            Self::AddHeader => "adding a header",
            Self::RemoveHeader => "removing a header",
        }
    }

    /// The host's function and what it gets.
    fn call(self) -> (&'static str, Vec<i32>) {
        match self {
            // Imported, but not called.
            Self::Nothing | Self::ReadClock => ("proxy_get_current_time_nanoseconds", vec![OUT]),
            Self::ReadHeaders => ("proxy_get_header_map_pairs", vec![0, OUT, OUT + 4]),
            Self::ReadShared => ("proxy_get_shared_data", vec![NAME, NAME_LEN, OUT, OUT + 4, OUT + 8]),
            Self::AddHeader => ("proxy_add_header_map_value", vec![0, NAME, NAME_LEN, NAME, NAME_LEN]),
            Self::RemoveHeader => ("proxy_remove_header_map_value", vec![0, NAME, NAME_LEN]),
        }
    }
}

/// The module, in a file.
pub(crate) fn file(probe: Probe, dir: &Path) -> Result<PathBuf> {
    let path = dir.join(format!("{probe:?}.wasm"));
    std::fs::write(&path, module(probe)).map_err(Error::io("writing a filter to compare with"))?;
    Ok(path)
}

/// The functions that the module has of its own, behind those that it imports.
const OWN: u32 = 2;

fn module(probe: Probe) -> Vec<u8> {
    let (called, arguments) = probe.call();
    // What Envoy wants to find, with the number of its parameters and what it answers, if anything.
    let functions: [(&str, usize, Option<i32>); 6] = [
        ("proxy_abi_version_0_2_1", 0, None),
        ("proxy_on_memory_allocate", 1, Some(BUFFER)),
        ("proxy_on_context_create", 2, None),
        ("proxy_on_vm_start", 2, Some(1)),
        ("proxy_on_configure", 2, Some(1)),
        ("proxy_on_request_headers", 3, Some(0)),
    ];
    let (mut types, mut imports, mut own) = (TypeSection::new(), ImportSection::new(), FunctionSection::new());
    let (mut exports, mut code) = (ExportSection::new(), CodeSection::new());
    for (index, (name, parameters)) in (0..).zip([(called, arguments.len()), ("proxy_set_shared_data", 5)]) {
        types.ty().function(vec![ValType::I32; parameters], [ValType::I32]);
        imports.import("env", name, EntityType::Function(index));
    }
    for (index, (name, parameters, answer)) in (OWN..).zip(functions) {
        types.ty().function(vec![ValType::I32; parameters], answer.map(|_| ValType::I32));
        own.function(index);
        exports.export(name, ExportKind::Func, index);
        let mut body = Function::new([]);
        let mut write = body.instructions();
        if name == "proxy_on_vm_start" {
            for argument in [NAME, NAME_LEN, NAME, 40, 0] {
                write.i32_const(argument);
            }
            write.call(1).drop();
        }
        if name == "proxy_on_request_headers" && probe != Probe::Nothing {
            for _ in 0..TIMES {
                for argument in &arguments {
                    write.i32_const(*argument);
                }
                write.call(0).drop();
            }
        }
        if let Some(answer) = answer {
            write.i32_const(answer);
        }
        write.end();
        code.function(&body);
    }
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: 4, maximum: None, memory64: false, shared: false, page_size_log2: None });
    exports.export("memory", ExportKind::Memory, 0);
    let mut data = DataSection::new();
    data.active(0, &ConstExpr::i32_const(NAME), *b"x-auth-subject, and what a value may be");
    let mut module = Module::new();
    let module = module.section(&types).section(&imports).section(&own).section(&memories).section(&exports);
    module.section(&code).section(&data);
    module.clone().finish()
}
