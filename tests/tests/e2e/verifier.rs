//! Envoy's own `verify_signature`, asked by the code that the filter asks it with: does it take and refuse the signatures
//! that it should?

use crate::context::Context;
use crate::gateway::Gateway;
use axum::Router;
use bearward_filter::proxy::HostResult;
use bearward_filter::verifier::{HostVerifier, VerifySignature};
use bearward_scenarios::vectors::{self, Vector};
use bearward_tests::envoy::config;
use bearward_tests::tempdir::TempDir;
use bearward_token::jws::Algorithm;
use bearward_token::signature::SignatureVerifier as _;
use serde_json::json;
use std::cell::Cell;
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    GlobalSection, GlobalType, ImportSection, InstructionSink, MemArg, MemArgTarget, MemorySection, MemoryType, Module,
    TypeSection, ValType,
};

/// `verify_signature` of an Envoy, by way of a filter that answers a request's body with the function's result.
struct OfEnvoy<'a> {
    gateway: &'a Gateway,
    asked: Cell<u32>,
}

impl VerifySignature for OfEnvoy<'_> {
    fn verify_signature(&self, arguments: &[u8]) -> HostResult<Vec<u8>> {
        self.asked.set(self.asked.get() + 1);
        let request = self.gateway.http.post(&self.gateway.url).body(arguments.to_vec());
        let (status, body) = tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                let answer = request.send().await.unwrap();
                (answer.status().as_u16(), answer.bytes().await.unwrap())
            })
        });
        // Otherwise pure Rust would have to decide.
        assert_eq!(status, 200, "Envoy does not verify");
        Ok(body.to_vec())
    }
}

pub async fn takes_and_refuses_what_it_should(context: &Context) {
    let dir = TempDir::new().unwrap();
    let wasm = dir.path().join("verifier.wasm");
    std::fs::write(&wasm, module()).unwrap();
    let gateway = Gateway::start(
        context,
        1,
        Router::new(),
        |_| json!({}),
        |envoy| {
            config::filter(envoy).unwrap()["vm_config"]["code"]["local"]["filename"] = json!(wasm);
        },
    )
    .await;
    let envoy = OfEnvoy { gateway: &gateway, asked: Cell::new(0) };
    let (mut good, mut bad) = (0, 0);
    for Vector { name, key, algorithm, message, signature, good: expected } in vectors::all() {
        use Algorithm::{ES256, ES384, RS256, RS384, RS512};
        if !matches!(algorithm, ES256 | ES384 | RS256 | RS384 | RS512) {
            continue; // the filter does not ask the host for these
        }
        let verdict = HostVerifier(&envoy).verify(&key, algorithm, &message, &signature).is_ok();
        assert!(expected.is_none_or(|expected| verdict == expected), "{name}: {verdict}");
        *if verdict { &mut good } else { &mut bad } += 1;
    }
    assert!(good > 200 && bad > 200, "{good} and {bad}");
    // Some are no signatures at all, which is seen without asking.
    assert!(envoy.asked.get() > good + 200, "{} of {} asked", envoy.asked.get(), good + bad);
    gateway.no_vm_was_replaced().await;
}

const NAME: i32 = 16;
const FUNCTION: &[u8] = b"verify_signature";
/// Where the host puts the address and the length of what it hands over.
const OUT: i32 = 64;
/// Where memory that the host asks for begins.
const HEAP: i32 = 65_536;
/// The longest body.
const MOST: i32 = 65_536;

/// Imports, in order.
const GET_BUFFER: u32 = 0;
const CALL_FOREIGN: u32 = 1;
const SEND_RESPONSE: u32 = 2;

/// A function for the host: its name, the number of its parameters, and what writes its answer, if it gives one.
type Exported = (&'static str, usize, Option<fn(&mut InstructionSink<'_>)>);

fn module() -> Vec<u8> {
    let imports = [("proxy_get_buffer_bytes", 5), ("proxy_call_foreign_function", 6), ("proxy_send_local_response", 8)];
    let own: [Exported; 6] = [
        ("proxy_abi_version_0_2_1", 0, None),
        ("proxy_on_memory_allocate", 1, Some(allocate)),
        ("proxy_on_context_create", 2, None),
        ("proxy_on_vm_start", 2, Some(yes)),
        ("proxy_on_configure", 2, Some(yes)),
        // None for headers: a filter that stops there is not given the body.
        ("proxy_on_request_body", 3, Some(body)),
    ];
    let (mut types, mut imported, mut functions) = (TypeSection::new(), ImportSection::new(), FunctionSection::new());
    let (mut exports, mut code) = (ExportSection::new(), CodeSection::new());
    for (index, (name, parameters)) in (0..).zip(imports) {
        types.ty().function(vec![ValType::I32; parameters], [ValType::I32]);
        imported.import("env", name, EntityType::Function(index));
    }
    for (index, (name, parameters, answer)) in (u32::try_from(imports.len()).unwrap()..).zip(own) {
        types.ty().function(vec![ValType::I32; parameters], answer.map(|_| ValType::I32));
        functions.function(index);
        exports.export(name, ExportKind::Func, index);
        let mut function = Function::new([]);
        if let Some(answer) = answer {
            answer(&mut function.instructions());
        }
        function.instructions().end();
        code.function(&function);
    }
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: 4, maximum: None, memory64: false, shared: false, page_size_log2: None });
    exports.export("memory", ExportKind::Memory, 0);
    let mut globals = GlobalSection::new();
    globals.global(GlobalType { val_type: ValType::I32, mutable: true, shared: false }, &ConstExpr::i32_const(HEAP));
    let mut data = DataSection::new();
    data.active(0, &ConstExpr::i32_const(NAME), FUNCTION.iter().copied());
    let mut module = Module::new();
    let module = module.section(&types).section(&imported).section(&functions).section(&memories).section(&globals);
    module.section(&exports).section(&code).section(&data);
    module.clone().finish()
}

fn yes(write: &mut InstructionSink<'_>) {
    write.i32_const(1);
}

/// Memory is only ever taken, until the next request begins anew.
fn allocate(write: &mut InstructionSink<'_>) {
    write.global_get(0).global_get(0).local_get(0).i32_add().global_set(0);
}

/// Once the whole body is there: the function is called with it, and what it gives is the answer.
fn body(write: &mut InstructionSink<'_>) {
    let load = |write: &mut InstructionSink<'_>, at: i32| {
        write.i32_const(at).i32_load(MemArg { offset: 0, align: 2, target: MemArgTarget::Memory(0), ordering: None });
    };
    write.local_get(2).if_(BlockType::Empty);
    write.i32_const(HEAP).global_set(0);
    // The request's body is buffer 0, and may have come in several pieces.
    write.i32_const(0).i32_const(0).i32_const(MOST).i32_const(OUT).i32_const(OUT + 4).call(GET_BUFFER).drop();
    // The status is 200, or 502 if there is no such function.
    write.i32_const(502).i32_const(200);
    write.i32_const(NAME).i32_const(i32::try_from(FUNCTION.len()).unwrap());
    load(write, OUT);
    load(write, OUT + 4);
    write.i32_const(OUT + 8).i32_const(OUT + 12).call(CALL_FOREIGN).select();
    write.i32_const(0).i32_const(0);
    load(write, OUT + 8);
    load(write, OUT + 12);
    write.i32_const(0).i32_const(0).i32_const(-1).call(SEND_RESPONSE).drop();
    write.end();
    // StopIterationAndBuffer.
    write.i32_const(1);
}
