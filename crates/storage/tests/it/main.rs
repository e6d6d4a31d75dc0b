//! What a store promises, on a disk in memory that fails on request, and on a real one.

mod basics;
mod kit;
