//! What the fuzz targets check: each module is one target, and its `run` takes whatever bytes a fuzzer makes up.
//!
//! A target panics where something does not hold, and "does not panic" is the least of it: what is accepted must be what
//! an independent reading accepts, what was not signed here must never verify, no request gets through without a token
//! that was issued. `fuzz/fuzz_targets` hands these to libFuzzer; `tests/corpus.rs` replays the corpus on them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a target says what it found by panicking"
)]

// The filter's own fake Envoy, from where its tests have it; it names what it needs by these two.
use bearward_filter::{proxy, root};
#[path = "../../../filter/src/tests/fake.rs"]
#[allow(dead_code, unreachable_pub, reason = "the filter's tests use more of it")]
mod fake;

pub mod config;
pub mod dpop;
pub mod feed;
pub mod headers;
pub mod introspection;
mod json;
pub mod jwks;
pub mod jwt;
mod keys;
mod mesh;

/// A target: its name, which is its corpus's too, and what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 7] = [
    ("config", config::run),
    ("dpop", dpop::run),
    ("feed", feed::run),
    ("headers", headers::run),
    ("introspection", introspection::run),
    ("jwks", jwks::run),
    ("jwt", jwt::run),
];

#[cfg(test)]
mod tests {
    /// What of the corpus is signed: `BEARWARD_WRITE_SEEDS=1` writes it anew, for when the keys or the claims change.
    #[test]
    fn the_signed_seeds_are_good() {
        let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
        let [es256, eddsa, hs256] = crate::jwt::good();
        let seeds = [
            ("jwt/good-es256", format!("T{es256}")),
            ("jwt/good-eddsa", format!("T{eddsa}")),
            ("jwt/good-hs256", format!("T{hs256}")),
            ("dpop/good", format!("T{}", crate::dpop::in_corpus())),
        ];
        for (name, seed) in seeds {
            let file = corpus.join(name);
            if std::env::var_os("BEARWARD_WRITE_SEEDS").is_some() {
                std::fs::write(&file, &seed).unwrap();
            }
            assert_eq!(std::fs::read_to_string(&file).unwrap(), seed, "{name}");
        }
    }
}
