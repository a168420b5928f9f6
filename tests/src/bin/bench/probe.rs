//! Proxy-Wasm filters that do one thing, ten times a request: what a filter of this kind costs at the least, and what each
//! way to the host adds.

use bearward_tests::wasm::{DATA, Export, Filter, HEAP};
use bearward_tests::{Error, Result};
use std::path::{Path, PathBuf};
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

/// What the module hands to the host, how much of it is a name, and where it lets the host write.
const TEXT: &[u8] = b"x-auth-subject, and what a value may be";
const NAME_LEN: i32 = 14;
const OUT: i32 = 2048;

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
            Self::ReadShared => ("proxy_get_shared_data", vec![DATA, NAME_LEN, OUT, OUT + 4, OUT + 8]),
            Self::AddHeader => ("proxy_add_header_map_value", vec![0, DATA, NAME_LEN, DATA, NAME_LEN]),
            Self::RemoveHeader => ("proxy_remove_header_map_value", vec![0, DATA, NAME_LEN]),
        }
    }
}

/// The module, in a file.
pub(crate) fn file(probe: Probe, dir: &Path) -> Result<PathBuf> {
    let path = dir.join(format!("{probe:?}.wasm"));
    std::fs::write(&path, module(probe)).map_err(Error::io("writing a filter to compare with"))?;
    Ok(path)
}

fn module(probe: Probe) -> Vec<u8> {
    let (called, arguments) = probe.call();
    let imports = [(called, arguments.len()), ("proxy_set_shared_data", 5)];
    let exports = vec![
        Export::new("proxy_on_memory_allocate", 1, |write| {
            write.i32_const(HEAP);
        }),
        Export::new("proxy_on_vm_start", 2, |write| {
            for argument in [DATA, NAME_LEN, DATA, 40, 0] {
                write.i32_const(argument);
            }
            write.call(1).drop().i32_const(1);
        }),
        Export::new("proxy_on_request_headers", 3, move |write| {
            let times = if probe == Probe::Nothing { 0 } else { TIMES };
            for _ in 0..times {
                for argument in &arguments {
                    write.i32_const(*argument);
                }
                write.call(0).drop();
            }
            write.i32_const(0);
        }),
    ];
    Filter { imports: &imports, exports, data: TEXT }.module()
}
