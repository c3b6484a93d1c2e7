//! Installs what the tests need beyond Cargo's own packages, each kind in its own file.

pub(crate) mod debian;
pub(crate) mod fuzzer;
pub(crate) mod node;
pub(crate) mod python;
mod stamp;
pub(crate) mod toolchain;
