//! A Proxy-Wasm filter that does nothing: what a filter of this kind costs at the least.

use bearward_tests::{Error, Result};
use std::path::{Path, PathBuf};
use wasm_encoder::{
    CodeSection, ExportKind, ExportSection, Function, FunctionSection, MemorySection, MemoryType, Module, TypeSection,
    ValType,
};

/// What Envoy wants to find, with the number of its parameters and what it answers, if anything.
const FUNCTIONS: [(&str, usize, Option<i32>); 6] = [
    ("proxy_abi_version_0_2_1", 0, None),
    // Nobody asks for memory: nothing is read.
    ("proxy_on_memory_allocate", 1, Some(0)),
    ("proxy_on_context_create", 2, None),
    ("proxy_on_vm_start", 2, Some(1)),
    ("proxy_on_configure", 2, Some(1)),
    // Continue.
    ("proxy_on_request_headers", 3, Some(0)),
];

/// The module, in a file.
pub(crate) fn file(dir: &Path) -> Result<PathBuf> {
    let path = dir.join("nothing.wasm");
    std::fs::write(&path, module()).map_err(Error::io("writing a filter that does nothing"))?;
    Ok(path)
}

fn module() -> Vec<u8> {
    let (mut types, mut functions) = (TypeSection::new(), FunctionSection::new());
    let (mut exports, mut code) = (ExportSection::new(), CodeSection::new());
    for (index, (name, parameters, answer)) in (0..).zip(FUNCTIONS) {
        types.ty().function(vec![ValType::I32; parameters], answer.map(|_| ValType::I32));
        functions.function(index);
        exports.export(name, ExportKind::Func, index);
        let mut body = Function::new([]);
        if let Some(answer) = answer {
            body.instructions().i32_const(answer);
        }
        body.instructions().end();
        code.function(&body);
    }
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None });
    exports.export("memory", ExportKind::Memory, 0);
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&memories).section(&exports).section(&code);
    module.finish()
}
