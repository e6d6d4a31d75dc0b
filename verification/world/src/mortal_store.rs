//! The store as one program has it: each call may be its last.

use std::sync::Arc;

use futures::FutureExt as _;
use longshore_tasks::Store;

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
            let answer = call.await;
            self.program.passes().await;
            answer
        }
        .boxed()
    }
}
