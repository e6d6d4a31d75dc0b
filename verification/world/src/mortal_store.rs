//! The store as one program has it: each call may be its last, and one now and then hangs.

use std::sync::Arc;

use futures::FutureExt as _;
use longshore_tasks::Store;
use longshore_tasks::store::{Timed, Write, Written};

use crate::program::Program;
use crate::store_layer::{Answer, StoreLayer};

/// The store as one program has it.
#[derive(Debug)]
pub(crate) struct MortalStore {
    pub(crate) below: Arc<dyn Store>,
    pub(crate) program: Arc<Program>,
}

impl StoreLayer for MortalStore {
    fn below(&self) -> &dyn Store {
        &*self.below
    }

    fn pass<'a, T: Send + 'a>(&'a self, call: Answer<'a, T>) -> Answer<'a, T> {
        async move {
            self.program.passes().await;
            self.program.hang_if_due(false).await;
            let answer = call.await;
            self.program.passes().await;
            answer
        }
        .boxed()
    }

    fn write(&self, writes: Vec<Write>) -> Answer<'_, Timed<Vec<Written>>> {
        async move {
            self.program.hang_if_due(true).await;
            self.below.write(writes).await
        }
        .boxed()
    }
}
