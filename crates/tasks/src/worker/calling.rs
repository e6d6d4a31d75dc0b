//! The call of a handler: a place among the tasks of its type → its turn by their rate → layers → handler.
//!
//! All of it goes on under the lease, and may be cut off at any point: whoever waits for it drops it.

use std::sync::Arc;

use tokio::time::Instant;
use tracing::Instrument as _;

use super::executor::Execution;
use super::heartbeat::Held;
use super::layers::TaskRun;
use super::limiter::{Admission, Patience};
use super::outcome::Outcome;
use super::registry::Registered;
use super::status::RunningTask;
use super::stuck::AboutRun;
use crate::trace::TraceContext;
use crate::trace::spans::{AboutMessage, RunSpan};

impl Execution {
    /// Runs the handler once there is a place for the task, and it is its turn.
    pub(super) async fn call(&self, registered: &Registered, held: &Held) -> Outcome {
        // Of a task of which only so many may run, the others wait here, with their leases renewed.
        let place = registered.place().await;
        if let Admission::Later(wait) = registered.admit(self.patience()).await {
            return Outcome::Snooze { wait };
        }
        let shown = RunningTask {
            task: self.task.to_string(),
            name: self.envelope.task_name.clone(),
            attempt: held.record.life.attempts_made,
            since: self.now().as_millis(),
        };
        let _shown = self.runtime.status.show_run(shown.clone());
        self.lease.note_begin();
        let late = (held.record.life.attempts_made == 1).then(|| self.late()).flatten();
        let _counted = self.runtime.status.tasks().begin(self.lease.task(), late);
        let (body, handlers) = (self.message.body.clone(), &self.runtime.handlers);
        let span = self.run_span(registered, held);
        let (context, limit) = (self.context(held), registered.options.timeout);
        let label = Arc::clone(self.lease.task());
        let about = AboutRun::new(shown, label, context.cancelled().clone(), place);
        let begun_at = Instant::now();
        let run = async {
            if let Some(layered) = &self.runtime.options.layered {
                let (key, inside) =
                    (self.message.group_id.clone(), (registered.handler.clone(), handlers.clone()));
                let run = TaskRun::of_worker(registered.name, key, body, context, inside);
                handlers.run_layered(layered.clone(), run, limit, about).await
            } else {
                let run = registered.handler.run(body, context, handlers);
                handlers.run(run, limit, about).await
            }
        };
        let ran = run.instrument(span.span().clone()).await;
        span.end(&ran);
        self.lease.note_length(begun_at.elapsed());
        ran
    }

    /// The span of the run. What the run sends, and its reply, go on from there.
    fn run_span(&self, registered: &Registered, held: &Held) -> RunSpan {
        let sender = self.envelope.trace();
        let about = AboutMessage {
            queue: self.runtime.queue.name(),
            message: &self.message.message_id,
            task: &self.task,
            parent: sender.as_ref(),
        };
        let span = RunSpan::begin(about, registered.name, held.record.life.attempts_made);
        if let Some(place) = TraceContext::of(span.span()) {
            // A delivery has one run.
            self.place.get_or_init(|| place);
        }
        span
    }

    /// How long the run may wait for its turn by the task's rate.
    fn patience(&self) -> Patience {
        if self.runtime.queue.is_fifo() {
            return Patience::Endless;
        }
        let places = self.runtime.permits.count();
        let is_shared = self.runtime.registry.is_shared();
        Patience::Short { waiting_max: if is_shared { places.div_ceil(2) } else { places } }
    }
}
