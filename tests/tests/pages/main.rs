//! The pages in a real browser.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod axe;
mod long_names;
mod passkeys;
mod unscripted;
