#![doc = include_str!("../README.md")]

mod key;

pub use key::Key;
