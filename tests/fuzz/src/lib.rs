//! What the fuzz targets share: keys that never change, signed changes, and a store for sync.
//!
//! A target gets bytes as a stranger would send them. Where a parser stands behind a seal or a signature
//! that no fuzzer can forge, the target seals or signs the bytes first, and the parser sees them all the
//! same. The seeds in `corpus/` are written by `examples/seeds.rs`.

pub mod group;
pub mod log;
pub mod party;
