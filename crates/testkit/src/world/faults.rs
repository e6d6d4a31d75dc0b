//! Faults between an application and its queues.

use std::collections::BTreeMap;

use super::World;
use crate::{FaultKind, Faults};

impl World {
    /// Has calls of the application's client, workers and replies meet faults from now on, by chance. A seed
    /// that breaks something breaks it again.
    ///
    /// What failed comes again after the visibility timeout of its queue, so
    /// [`World::run_until_empty`], which lets time pass, and not `run_until_idle`, sees tasks to their end. A
    /// send can fail too: its error says whether the task may be on the queue.
    ///
    /// ```
    /// use longshore::{App, Task};
    /// use longshore_testkit::{FaultKind, Faults};
    ///
    /// #[derive(serde::Serialize, serde::Deserialize, Task)]
    /// #[task(reply = u32)]
    /// struct Double(u32);
    ///
    /// async fn double(Double(number): Double) -> Result<u32, longshore::Failure> {
    ///     Ok(2 * number)
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let app = App::new("sums").queue("numbers", |queue| queue.handle(double));
    /// let world = longshore_testkit::start(app).await;
    /// let sent = world.client().send_all((0..50).map(Double)).await;
    ///
    /// world.faults(Faults::seed(7).duplicates(0.1).partial_failures(0.1).lost_answers(0.05));
    /// world.run_until_empty().await;
    /// assert!(world.faults_met()[&FaultKind::Duplicate] > 0);
    /// world.no_faults();
    ///
    /// for (number, pending) in (0..).zip(sent) {
    ///     assert_eq!(pending.unwrap().now().await.unwrap(), Some(2 * number));
    /// }
    /// # }
    /// ```
    pub fn faults(&self, faults: Faults) {
        self.faulty.set(faults);
    }

    /// Ends what [`World::faults`] began. Calls under way still meet theirs.
    pub fn no_faults(&self) {
        self.faulty.stop();
    }

    /// How often which fault was met so far.
    pub fn faults_met(&self) -> BTreeMap<FaultKind, u64> {
        self.faulty.counts()
    }
}
