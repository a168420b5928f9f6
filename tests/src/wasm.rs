//! Small Proxy-Wasm filters, assembled rather than compiled: to see what the host does, with nothing in between.

use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    GlobalSection, GlobalType, ImportSection, InstructionSink, MemorySection, MemoryType, Module, TypeSection, ValType,
};

/// Where [`Filter::data`] is in memory.
pub const DATA: i32 = 1024;
/// Where nothing else is: for what the host writes.
pub const HEAP: i32 = 65_536;

/// A function that Envoy calls.
pub struct Export<'a> {
    name: &'a str,
    parameters: usize,
    answers: bool,
    body: Box<dyn Fn(&mut InstructionSink<'_>) + 'a>,
}

/// A filter: global 0 is a number that starts as [`HEAP`].
pub struct Filter<'a> {
    /// Functions of the host and how many numbers each takes. They are numbered in this order, and all answer a number.
    pub imports: &'a [(&'a str, usize)],
    /// What Envoy calls besides what it insists on.
    pub exports: Vec<Export<'a>>,
    /// What memory starts with, at [`DATA`].
    pub data: &'a [u8],
}

impl<'a> Export<'a> {
    /// A function with so many parameters that answers the number which `body` leaves.
    pub fn new(name: &'a str, parameters: usize, body: impl Fn(&mut InstructionSink<'_>) + 'a) -> Self {
        Self { name, parameters, answers: true, body: Box::new(body) }
    }

    /// One that answers nothing and does nothing.
    fn silent(name: &'a str, parameters: usize) -> Self {
        Self { name, parameters, answers: false, body: Box::new(|_| ()) }
    }
}

impl Filter<'_> {
    /// The module.
    #[must_use]
    pub fn module(self) -> Vec<u8> {
        let insisted =
            [Export::silent("proxy_abi_version_0_2_1", 0), Export::silent("proxy_on_context_create", 2), yes()];
        let (mut types, mut imports, mut own) = (TypeSection::new(), ImportSection::new(), FunctionSection::new());
        let (mut exports, mut code) = (ExportSection::new(), CodeSection::new());
        let mut index = 0;
        for (name, parameters) in self.imports {
            types.ty().function(vec![ValType::I32; *parameters], [ValType::I32]);
            imports.import("env", name, EntityType::Function(index));
            index += 1;
        }
        for export in insisted.iter().chain(&self.exports) {
            types.ty().function(vec![ValType::I32; export.parameters], export.answers.then_some(ValType::I32));
            own.function(index);
            exports.export(export.name, ExportKind::Func, index);
            let mut function = Function::new([]);
            (export.body)(&mut function.instructions());
            function.instructions().end();
            code.function(&function);
            index += 1;
        }
        let mut memories = MemorySection::new();
        memories.memory(MemoryType { minimum: 4, maximum: None, memory64: false, shared: false, page_size_log2: None });
        exports.export("memory", ExportKind::Memory, 0);
        let mut globals = GlobalSection::new();
        let number = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
        globals.global(number, &ConstExpr::i32_const(HEAP));
        let mut data = DataSection::new();
        data.active(0, &ConstExpr::i32_const(DATA), self.data.iter().copied());
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&own).section(&memories).section(&globals);
        module.section(&exports).section(&code).section(&data);
        module.finish()
    }
}

/// Every configuration is good.
fn yes() -> Export<'static> {
    Export::new("proxy_on_configure", 2, |write| {
        write.i32_const(1);
    })
}
