//! `gallery`: broker, app and workers in one program.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Records and messages go from thread to thread, for which this allocator takes no locks.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    gallery::app().run()
}
