//! Containers for millions of small things, none of which is ever moved all at once.

mod slab;
mod table;

pub(crate) use slab::Slab;
pub(crate) use table::Table;
