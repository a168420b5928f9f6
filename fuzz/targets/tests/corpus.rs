//! Replays the corpus: whatever was ever found stays found, without a fuzzer.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test")]

use std::path::{Path, PathBuf};

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(target)
}

fn replay(target: &str) {
    let (_, run) = bearward_fuzz::TARGETS.into_iter().find(|(name, _)| *name == target).unwrap();
    let mut files: Vec<_> = std::fs::read_dir(corpus(target)).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 2, "a corpus for {target}");
    for file in files {
        let input = std::fs::read(&file).unwrap();
        if let Err(panic) = std::panic::catch_unwind(|| run(&input)) {
            eprintln!("in fuzz/corpus/{target}/{}", file.file_name().unwrap().display());
            std::panic::resume_unwind(panic);
        }
    }
}

macro_rules! replayed {
    ($($target:ident),*) => {
        $(#[test]
        fn $target() {
            replay(stringify!($target));
        })*

        #[test]
        fn every_target_is_replayed() {
            assert_eq!(bearward_fuzz::TARGETS.map(|(name, _)| name), [$(stringify!($target)),*]);
        }
    };
}

replayed!(config, dpop, feed, headers, introspection, jwks, jwt);
