//! Handlers by task name, and the options of each task.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use tokio::sync::Semaphore;

use super::batch_handler::{BatchHandler, BatchOptions, batched};
use super::handler::{self, AnyHandler, BlockingHandler, Handler};
use super::limiter::{Admission, Limiter, Patience};
use super::stuck::Place;
use crate::task::Task;
use crate::task_options::TaskOptions;
use crate::transport::meter::TaskNames;

/// The handlers of a queue's tasks, which share the state `S`.
///
/// ```
/// use longshore_tasks::{Context, Failure, Handlers, Json, State, Task};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Serialize, Deserialize)]
/// struct Greet(String);
///
/// impl Task for Greet {
///     const NAME: &'static str = "greet";
///     type Reply = String;
///     type Codec = Json;
/// }
///
/// async fn greet(task: Greet, State(greeting): State<&'static str>) -> Result<String, Failure> {
///     Ok(format!("{greeting}, {}", task.0))
/// }
///
/// let handlers = Handlers::new().handle(greet);
/// assert_eq!(handlers.names().collect::<Vec<_>>(), ["greet"]);
/// ```
pub struct Handlers<S = ()> {
    routes: BTreeMap<&'static str, Route<S>>,
    default_name: Option<&'static str>,
    twice: Vec<&'static str>,
}

/// Makes the handler, with the state, of tasks of those options.
type Make<S> = Arc<dyn Fn(S, &TaskOptions) -> AnyHandler + Send + Sync>;

struct Route<S> {
    options: TaskOptions,
    has_key: bool,
    make: Make<S>,
    /// What keeps the task to its rate, in all workers that are made of this; anew for other options.
    limiter: Arc<OnceLock<Arc<Limiter>>>,
}

impl<S> Route<S> {
    fn set_options(&mut self, options: TaskOptions) {
        (self.options, self.limiter) = (options, Arc::default());
    }

    /// `None` without a rate, or for one that no worker starts with.
    fn limiter(&self) -> Option<Arc<Limiter>> {
        let limit = self.options.rate_limit.filter(|limit| limit.check().is_ok())?;
        Some(Arc::clone(self.limiter.get_or_init(|| Arc::new(Limiter::new(limit)))))
    }
}

impl<S> Clone for Route<S> {
    fn clone(&self) -> Self {
        let Self { options, has_key, make, limiter } = self;
        let (options, make) = (options.clone(), Arc::clone(make));
        Self { options, has_key: *has_key, make, limiter: Arc::clone(limiter) }
    }
}

impl<S> Clone for Handlers<S> {
    fn clone(&self) -> Self {
        let Self { routes, default_name, twice } = self;
        Self { routes: routes.clone(), default_name: *default_name, twice: twice.clone() }
    }
}

impl<S> Default for Handlers<S> {
    fn default() -> Self {
        Self { routes: BTreeMap::new(), default_name: None, twice: Vec::new() }
    }
}

impl<S: Clone + Send + Sync + 'static> Handlers<S> {
    /// No handlers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs tasks of type `T` by `handler`: see [`Handler`] for what it can be. The first handler's
    /// task is also what a message without a task name is, unless [`Handlers::default_task`] names
    /// another. Of two handlers for a name only one could run, so [`Handlers::handled_twice`] names it, and
    /// neither an application nor a worker starts.
    #[must_use]
    pub fn handle<T: Task, M, H: Handler<T, M, S>>(self, handler: H) -> Self {
        let handler = Arc::new(handler);
        let make = move |state| handler::asynchronous::<T, M, S, H>(Arc::clone(&handler), state);
        self.add::<T>(Arc::new(move |state, _options| make(state)))
    }

    /// Runs tasks of type `T` by a handler that blocks its thread: on threads that are there for
    /// it, so that no other task waits.
    #[must_use]
    pub fn handle_blocking<T: Task, M, H: BlockingHandler<T, M, S>>(self, handler: H) -> Self {
        let handler = Arc::new(handler);
        let make = move |state| handler::blocking::<T, M, S, H>(Arc::clone(&handler), state);
        self.add::<T>(Arc::new(move |state, _options| make(state)))
    }

    /// Runs tasks of type `T` by a handler of several at once: see [`BatchHandler`] for what it can be, and what
    /// becomes of its tasks. Up to 10 are run together, and the first of them waits for up to 100 ms.
    #[must_use]
    pub fn handle_batch<T: Task, M, H: BatchHandler<T, M, S>>(self, handler: H) -> Self {
        self.handle_batch_with(handler, BatchOptions::new())
    }

    /// As [`Handlers::handle_batch`], with batches as `options` say.
    #[must_use]
    pub fn handle_batch_with<T: Task, M, H: BatchHandler<T, M, S>>(
        self,
        handler: H,
        options: BatchOptions,
    ) -> Self {
        let handler = Arc::new(handler);
        self.add::<T>(Arc::new(move |state, task| {
            batched::<T, M, S, H>(Arc::clone(&handler), state, &options, task)
        }))
    }

    /// Takes a message without a task name for a `T`.
    #[must_use]
    pub fn default_task<T: Task>(mut self) -> Self {
        self.default_name = Some(T::NAME);
        self
    }

    /// Overrides the options of the tasks of type `T`.
    #[must_use]
    pub fn options<T: Task>(mut self, options: TaskOptions) -> Self {
        if let Some(route) = self.routes.get_mut(T::NAME) {
            route.set_options(options.or(&route.options));
        }
        self
    }

    /// Changes the options of the tasks of that name, which configuration gives. Handlers without such a task
    /// stay as they are.
    #[must_use]
    pub fn change_options(
        mut self,
        name: &str,
        change: impl FnOnce(&TaskOptions) -> TaskOptions,
    ) -> Self {
        if let Some(route) = self.routes.get_mut(name) {
            route.set_options(change(&route.options));
        }
        self
    }

    /// The names of the tasks that are handled.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.routes.keys().copied()
    }

    /// The options of the tasks of that name, with what was changed of them.
    pub fn options_of(&self, name: &str) -> Option<&TaskOptions> {
        self.routes.get(name).map(|route| &route.options)
    }

    /// Names that were given two handlers.
    pub fn handled_twice(&self) -> &[&'static str] {
        &self.twice
    }

    /// The handlers with that state.
    pub(super) fn with_state(&self, state: &S) -> Registry {
        let with_state = |(name, route): (&&'static str, &Route<S>)| {
            let handler = (route.make)(state.clone(), &route.options);
            let options = route.options.clone();
            let places = options.concurrency.map(|count| Arc::new(Semaphore::new(count.max(1))));
            let (limiter, has_key) = (route.limiter(), route.has_key);
            (*name, Registered { name, options, has_key, handler, places, limiter })
        };
        Registry {
            handlers: self.routes.iter().map(with_state).collect(),
            default_name: self.default_name,
            twice: self.twice.clone(),
        }
    }

    fn add<T: Task>(mut self, make: Make<S>) -> Self {
        let (options, has_key) = (T::options(), T::HAS_KEY);
        let route = Route { options, has_key, make, limiter: Arc::default() };
        if self.routes.insert(T::NAME, route).is_some() {
            self.twice.push(T::NAME);
        }
        self.default_name.get_or_insert(T::NAME);
        self
    }
}

impl<S> fmt::Debug for Handlers<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handlers")
            .field("names", &self.routes.keys())
            .field("default", &self.default_name)
            .finish_non_exhaustive()
    }
}

/// A handler, and the options of its tasks.
#[derive(Clone, Debug)]
pub(super) struct Registered {
    pub(super) name: &'static str,
    pub(super) options: TaskOptions,
    has_key: bool,
    pub(super) handler: AnyHandler,
    /// As many places as tasks of it may run at once, if that is bounded.
    places: Option<Arc<Semaphore>>,
    limiter: Option<Arc<Limiter>>,
}

impl Registered {
    /// Waits until another task of it may run.
    pub(super) async fn place(&self) -> Option<Place> {
        let (places, count) = (Arc::clone(self.places.as_ref()?), self.options.concurrency?.max(1));
        let permit = places.acquire_owned().await.expect("the semaphore is never closed");
        Some(Place { _permit: permit, count })
    }

    /// Waits until another task of it may begin, or says when to come again.
    pub(super) async fn admit(&self, patience: Patience) -> Admission {
        match &self.limiter {
            None => Admission::Now,
            Some(limiter) => limiter.admit(patience).await,
        }
    }
}

/// Handlers by task name, with their state.
#[derive(Clone, Debug, Default)]
pub(super) struct Registry {
    handlers: BTreeMap<&'static str, Registered>,
    default_name: Option<&'static str>,
    twice: Vec<&'static str>,
}

impl Registry {
    /// Takes in other handlers. The first default task stays the default.
    pub(super) fn merge(&mut self, other: Self) {
        let both = other.handlers.keys().copied().filter(|name| self.handlers.contains_key(name));
        self.twice.extend(both.chain(other.twice).collect::<Vec<_>>());
        self.handlers.extend(other.handlers);
        self.default_name = self.default_name.or(other.default_name);
    }

    /// The handler for `name`, or for the default task.
    pub(super) fn find(&self, name: Option<&str>) -> Option<&Registered> {
        self.handlers.get(name.or(self.default_name)?)
    }

    /// A name that was given two handlers.
    pub(super) fn handled_twice(&self) -> Option<&'static str> {
        self.twice.first().copied()
    }

    /// A task whose limit for each key makes no sense, and why.
    pub(super) fn key_limit_fault(&self) -> Option<(&'static str, &'static str)> {
        self.iter().find_map(|(name, Registered { options, has_key, .. })| {
            match options.concurrency_per_key? {
                0 => Some((name, "of 0, so that none could ever run: leave it out, or allow 1")),
                _ if *has_key => None,
                _ => Some((
                    name,
                    "and no key: give its type one by `#[task(key = \"…\")]`, or by `key` and `HAS_KEY` of its \
                     `impl Task`, or leave the limit out",
                )),
            }
        })
    }

    /// Whether tasks of several types share the worker's places.
    pub(super) fn is_shared(&self) -> bool {
        self.handlers.len() > 1
    }

    /// The names of the tasks that are handled.
    pub(super) fn task_names(&self) -> TaskNames {
        TaskNames::new(self.handlers.keys().copied(), self.default_name)
    }

    /// Every handler with its task's name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &Registered)> {
        self.handlers.iter().map(|(name, registered)| (*name, registered))
    }
}
