//! What was sent and has not begun to run, as a test looks for it.

use std::fmt::Debug;

use longshore_tasks::Task;
use longshore_tasks::life::Phase;

use super::World;

impl World {
    /// The arguments of the tasks of type `T` that were sent and that no worker has begun yet, in the order in
    /// which they were sent. [`World::sent`] has those that ran, too.
    ///
    /// # Panics
    ///
    /// An argument cannot be read as a `T`.
    pub async fn enqueued<T: Task>(&self) -> Vec<T> {
        let (ids, tasks): (Vec<_>, Vec<_>) = self.sent.of_type::<T>().into_iter().unzip();
        let found = self.client.records().find_all(ids).await;
        let records = found.expect("a store in memory answers").value.into_iter();
        let records = records.map(|record| record.expect("this version wrote it"));
        let waits = records
            .map(|record| record.is_some_and(|record| matches!(record.life.phase, Phase::Pending)));
        tasks.into_iter().zip(waits).filter_map(|(task, waits)| waits.then_some(task)).collect()
    }

    /// Checks that a task of type `T` which `is_it` accepts was sent and has not begun to run, and answers the
    /// first of them.
    ///
    /// ```
    /// use longshore::{App, Context, Failure, Task};
    ///
    /// #[derive(Debug, serde::Serialize, serde::Deserialize, Task)]
    /// struct SignUp {
    ///     name: String,
    /// }
    ///
    /// #[derive(Debug, serde::Serialize, serde::Deserialize, Task)]
    /// struct Welcome {
    ///     to: String,
    /// }
    ///
    /// async fn sign_up(task: SignUp, ctx: Context) -> Result<(), Failure> {
    ///     ctx.send(Welcome { to: task.name }).await?;
    ///     Ok(())
    /// }
    ///
    /// async fn welcome(_: Welcome) -> Result<(), Failure> {
    ///     Ok(())
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let app = App::new("club")
    ///     .queue("members", |queue| queue.handle(sign_up))
    ///     .queue("mails", |queue| queue.handle(welcome));
    /// let world = longshore_testkit::start(app).await;
    /// world.client().send(SignUp { name: "Ada".to_owned() }).await.unwrap();
    ///
    /// world.drain("members").await; // the mail is sent, and nobody delivers it
    /// world.assert_enqueued(|mail: &Welcome| mail.to == "Ada").await;
    /// assert_eq!(world.enqueued::<SignUp>().await.len(), 0);
    ///
    /// world.drain("mails").await;
    /// assert_eq!(world.enqueued::<Welcome>().await.len(), 0);
    /// assert_eq!(world.sent::<Welcome>().len(), 1);
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// There is none: the panic shows those of type `T` that wait, and how many were sent. And as
    /// [`World::enqueued`].
    pub async fn assert_enqueued<T: Task + Debug>(&self, is_it: impl Fn(&T) -> bool) -> T {
        let mut waiting = self.enqueued::<T>().await;
        let Some(place) = waiting.iter().position(is_it) else {
            let sent = self.sent::<T>().len();
            panic!(
                "no such task `{}` waits to be run: {sent} were sent, and these wait: {waiting:?}",
                T::NAME
            )
        };
        waiting.swap_remove(place)
    }
}
