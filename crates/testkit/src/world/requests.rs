//! What the tasks of a world cost in requests, and an assertion about it.

use std::fmt::Write as _;

use longshore_tasks::Transport as _;
use longshore_tasks::transport::Requests;

use super::World;

/// Whatever made requests: a [`World`], or a part of its requests.
pub trait Spending {
    /// The requests.
    fn spent(&self) -> Requests;
}

impl Spending for World {
    fn spent(&self) -> Requests {
        self.requests()
    }
}

impl Spending for Requests {
    fn spent(&self) -> Requests {
        self.clone()
    }
}

impl World {
    /// The requests that client, workers and replies have made so far, as Amazon SQS would bill them. What
    /// the test itself asks of its queues is not among them.
    pub fn requests(&self) -> Requests {
        let meter = self.sent.meter().expect("the broker of this test counts");
        meter.snapshot()
    }
}

/// Checks what requests were spent, as Amazon SQS would bill them; an empty receive is one too.
///
/// First a [`World`], or what [`World::requests`](crate::World::requests) answers; then one
/// clause or more, each of which must hold:
///
/// - `<= 0.6 per task`: requests for each task, which are those that were sent;
/// - `total <= 12`: all requests;
/// - `Receive == 1`: those for a [`Purpose`](longshore_tasks::transport::Purpose), by its name; also
///   `Receive <= 0.2 per task`.
///
/// The comparison can be `<=`, `<`, `==`, `>` or `>=`. Before `per task` a number is written out; elsewhere it can
/// be any expression.
///
/// ```
/// use longshore::{App, Failure, Task};
/// use longshore_testkit::assert_requests;
///
/// #[derive(serde::Serialize, serde::Deserialize, Task)]
/// struct Mail {
///     to: String,
/// }
///
/// async fn deliver(_: Mail) -> Result<(), Failure> {
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let app = App::new("post").queue("mails", |queue| queue.handle(deliver));
/// let world = longshore_testkit::start(app).await;
/// let mails = (0..100).map(|number| Mail { to: format!("reader {number}") });
/// world.client().send_all(mails).await;
/// assert_requests!(world, Task == 10, <= 0.12 per task); // ten share a request, and one found the queue
///
/// let before = world.requests();
/// world.run_until_idle().await;
/// assert_requests!(world.requests().since(&before), Receive <= 10, Delete <= 10, Renew == 0);
/// # }
/// ```
///
/// # Panics
///
/// A clause does not hold. The panic shows them, and a table of what was spent on what.
#[macro_export]
macro_rules! assert_requests {
    ($of:expr, $($clauses:tt)+) => {{
        let spent = $crate::world::Spending::spent(&$of);
        let mut broken = ::std::vec::Vec::<::std::string::String>::new();
        $crate::assert_requests!(@check spent, broken; $($clauses)+);
        $crate::world::refuse(&spent, &broken);
    }};
    (@check $spent:ident, $broken:ident;) => {};
    (@check $spent:ident, $broken:ident; $is:tt $limit:literal per task $(, $($rest:tt)*)?) => {
        $crate::assert_requests!(
            @compare $broken, $crate::world::per_task($spent.total(), &$spent), $is, $limit,
            concat!("requests ", stringify!($is), " ", stringify!($limit), " per task")
        );
        $crate::assert_requests!(@check $spent, $broken; $($($rest)*)?);
    };
    (@check $spent:ident, $broken:ident; total $is:tt $limit:expr $(, $($rest:tt)*)?) => {
        $crate::assert_requests!(
            @compare $broken, $spent.total(), $is, $limit,
            concat!("total ", stringify!($is), " ", stringify!($limit))
        );
        $crate::assert_requests!(@check $spent, $broken; $($($rest)*)?);
    };
    (
        @check $spent:ident, $broken:ident;
        $purpose:ident $is:tt $limit:literal per task $(, $($rest:tt)*)?
    ) => {
        $crate::assert_requests!(
            @compare $broken, $crate::world::per_task($spent.of($crate::world::Purpose::$purpose), &$spent), $is,
            $limit,
            concat!(stringify!($purpose), " ", stringify!($is), " ", stringify!($limit), " per task")
        );
        $crate::assert_requests!(@check $spent, $broken; $($($rest)*)?);
    };
    (@check $spent:ident, $broken:ident; $purpose:ident $is:tt $limit:expr $(, $($rest:tt)*)?) => {
        $crate::assert_requests!(
            @compare $broken, $spent.of($crate::world::Purpose::$purpose), $is, $limit,
            concat!(stringify!($purpose), " ", stringify!($is), " ", stringify!($limit))
        );
        $crate::assert_requests!(@check $spent, $broken; $($($rest)*)?);
    };
    (@compare $broken:ident, $found:expr, $is:tt, $limit:expr, $clause:expr) => {
        let (found, limit): (f64, f64) = ($found, ::std::convert::From::from($limit));
        let holds = found.total_cmp(&limit) $is ::std::cmp::Ordering::Equal;
        if !holds {
            $broken.push(::std::format!("{}, and it is {found:.3}", $clause));
        }
    };
}

/// For `assert_requests!`: so many requests for each task.
///
/// # Panics
///
/// There was no task.
#[doc(hidden)]
pub fn per_task(requests: f64, spent: &Requests) -> f64 {
    let tasks = u32::try_from(spent.tasks()).expect("a test has fewer tasks");
    assert!(tasks > 0, "no task was sent, for which requests could be counted:\n{spent}");
    requests / f64::from(tasks)
}

/// For `assert_requests!`: ends the test if a clause is broken.
///
/// # Panics
///
/// One is.
#[doc(hidden)]
#[track_caller]
pub fn refuse(spent: &Requests, broken: &[String]) {
    if broken.is_empty() {
        return;
    }
    let mut text = String::from("other requests were made than expected:\n");
    for clause in broken {
        writeln!(text, "  {clause}").expect("a String takes everything");
    }
    panic!("{text}{spent}");
}
