//! stub
pub mod base_url;
pub mod problem;
pub mod server;
