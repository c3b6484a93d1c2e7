#![doc = include_str!("../README.md")]

pub mod access;
pub mod admin;
pub mod api;
pub mod auth;
pub mod connections;
pub mod data_protection;
pub mod emulate;
pub mod ingest;
pub mod links;
pub mod mobile;
pub mod observe;
mod pages;
pub mod proxies;
pub mod query;
mod readings;
