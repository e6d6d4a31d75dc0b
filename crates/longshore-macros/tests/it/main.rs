//! What the macro writes, and what it refuses.

mod errors;
mod impls;

// What is derived looks for the front door, which the framework stands in for here.
extern crate longshore_tasks as longshore;
