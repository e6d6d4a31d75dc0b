//! Handlers by task name: where an `async fn` over typed values becomes one over bodies.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use futures::FutureExt as _;

use super::context::Context;
use super::outcome::{Failure, Outcome};
use crate::codec::Codec;
use crate::task::Task;
use crate::transport::BoxFuture;

/// Runs the task whose argument is in a body.
pub(super) type Handler = Arc<dyn Fn(String, Context) -> BoxFuture<'static, Outcome> + Send + Sync>;

/// Handlers by task name.
#[derive(Clone, Default)]
pub(super) struct Registry {
    handlers: HashMap<&'static str, Handler>,
    default_name: Option<&'static str>,
}

impl Registry {
    /// Adds a handler. One that was there for the same name is replaced. The first task that is
    /// added is the default one, until another is named.
    pub(super) fn add<T, H, F>(&mut self, handler: H)
    where
        T: Task,
        H: Fn(T, Context) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T::Reply, Failure>> + Send + 'static,
    {
        let handler = Arc::new(handler);
        let run = move |body: String, context| {
            run_typed::<T, H, F>(Arc::clone(&handler), body, context).boxed()
        };
        self.handlers.insert(T::NAME, Arc::new(run));
        self.default_name.get_or_insert(T::NAME);
    }

    /// Names the task that a message without a name is.
    pub(super) fn set_default(&mut self, name: &'static str) {
        self.default_name = Some(name);
    }

    /// The handler for `name`, or for the default task.
    pub(super) fn find(&self, name: Option<&str>) -> Option<&Handler> {
        self.handlers.get(name.or(self.default_name)?)
    }
}

/// A body that is no argument is given up at once: another attempt would read the same.
async fn run_typed<T, H, F>(handler: Arc<H>, body: String, context: Context) -> Outcome
where
    T: Task,
    H: Fn(T, Context) -> F,
    F: Future<Output = Result<T::Reply, Failure>>,
{
    let task = match T::Codec::decode_argument(&body) {
        Ok(task) => task,
        Err(error) => return Outcome::Dead { reason: error.to_string() },
    };
    drop(body);
    match handler(task, context).await {
        Err(failure) => failure.into(),
        Ok(reply) => match T::Codec::encode_reply(&reply) {
            Ok(body) => Outcome::Done { body },
            Err(error) => Outcome::Dead { reason: error.to_string() },
        },
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<_> = self.handlers.keys().collect();
        names.sort();
        f.debug_struct("Registry")
            .field("names", &names)
            .field("default", &self.default_name)
            .finish()
    }
}
