//! What the macro writes, and what it refuses.

mod errors;
mod impls;
