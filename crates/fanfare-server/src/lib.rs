#![doc = include_str!("../README.md")]

pub mod api;
pub mod auth;
pub mod links;
pub mod query;
