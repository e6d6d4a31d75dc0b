//! Who does the work of a store: two threads, or whoever makes its steps by hand.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

#[cfg(feature = "faults")]
use crate::stepped::Stepped;
use crate::{allocator::Allocator, disk::DiskLock, writer::Writer};

/// Who writes and allocates, and holds the lock on the directory meanwhile.
#[derive(Debug)]
pub(crate) enum Hands {
    Threads(Mutex<Vec<JoinHandle<()>>>),
    #[cfg(feature = "faults")]
    Stepped(Box<Stepped>),
}

impl Hands {
    /// Awaits the end of what was begun, unless this is one of the threads: then true.
    pub(crate) fn finish(&self) -> bool {
        let threads = match self {
            Self::Threads(threads) => threads,
            #[cfg(feature = "faults")]
            Self::Stepped(stepped) => {
                stepped.finish();
                return false;
            }
        };
        let mut threads = threads.lock().unwrap_or_else(PoisonError::into_inner);
        // A thread cannot wait for itself, nor for the other one, which may wait to report.
        let inside = threads.iter().any(|thread| thread.thread().id() == thread::current().id());
        for thread in threads.drain(..).filter(|_| !inside) {
            // A panic has poisoned the store, which its caller is told.
            thread.join().ok();
        }
        inside
    }
}

/// Starts both threads.
pub(crate) fn spawn(
    writer: Writer,
    allocator: Allocator,
    lock: Arc<dyn DiskLock>,
) -> io::Result<Hands> {
    let named = |name: &str| thread::Builder::new().name(name.to_owned());
    let held = Arc::clone(&lock);
    let writer = named("log-writer").spawn(move || {
        let _held = held;
        writer.run();
    })?;
    let allocator = named("log-allocator").spawn(move || {
        let _held = lock;
        allocator.run();
    })?;
    Ok(Hands::Threads(Mutex::new(vec![writer, allocator])))
}
