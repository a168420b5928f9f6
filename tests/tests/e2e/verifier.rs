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
use bearward_tests::wasm::{DATA, Export, Filter, HEAP};
use bearward_token::jws::Algorithm;
use bearward_token::signature::SignatureVerifier as _;
use serde_json::json;
use std::cell::Cell;
use wasm_encoder::{BlockType, InstructionSink, MemArg, MemArgTarget};

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

const FUNCTION: &[u8] = b"verify_signature";
/// Where the host puts the address and the length of what it hands over.
const OUT: i32 = 64;
/// The longest body.
const MOST: i32 = 65_536;

/// Imports, in order.
const GET_BUFFER: u32 = 0;
const CALL_FOREIGN: u32 = 1;
const SEND_RESPONSE: u32 = 2;

fn module() -> Vec<u8> {
    let imports = [("proxy_get_buffer_bytes", 5), ("proxy_call_foreign_function", 6), ("proxy_send_local_response", 8)];
    let exports = vec![
        Export::new("proxy_on_memory_allocate", 1, allocate),
        Export::new("proxy_on_vm_start", 2, |write| {
            write.i32_const(1);
        }),
        // None for headers: a filter that stops there is not given the body.
        Export::new("proxy_on_request_body", 3, body),
    ];
    Filter { imports: &imports, exports, data: FUNCTION }.module()
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
    write.i32_const(DATA).i32_const(i32::try_from(FUNCTION.len()).unwrap());
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
