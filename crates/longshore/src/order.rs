//! `queues pause`, `queues resume` and `queues concurrency`: orders to the workers of a queue, by the store
//! that they read. No broker is asked.

use longshore_tasks::control::Said;
use longshore_tasks::{OrderQueue, QueueControl, QueueControls};
use longshore_types::QueueName;

use crate::announce;
use crate::exit::Fault;
use crate::options::{ConcurrencyChoice, QueueOrderOptions};
use crate::role::{Names, store};

/// What the workers of a queue are told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    Pause,
    Resume,
    Concurrency(ConcurrencyChoice),
}

/// Gives an order to the workers of a queue, and says what holds then.
///
/// # Errors
///
/// The application has no such queue; or the store cannot be opened, or does not take the order.
pub(crate) async fn give(
    names: &Names,
    order: Order,
    options: QueueOrderOptions,
) -> Result<(), Fault> {
    let queue = task_queue(names, &options.queue)?;
    let (store, _) = store::open(&options.data.store()).await?;
    let controls = QueueControls::new(store);
    let given = signed(begun(&controls, queue, order), &options).await;
    let control =
        given.map_err(|error| Fault::failed(format!("the order was not given: {error}")))?;
    announce::say(&sentence(queue, &control));
    Ok(())
}

fn begun(controls: &QueueControls, queue: &QueueName, order: Order) -> OrderQueue {
    match order {
        Order::Pause => controls.pause(queue.as_str()),
        Order::Resume => controls.resume(queue.as_str()),
        Order::Concurrency(choice) => controls.set_concurrency(queue.as_str(), choice.count()),
    }
}

fn signed(mut order: OrderQueue, options: &QueueOrderOptions) -> OrderQueue {
    if let Some(by) = &options.by {
        order = order.by(by.as_str());
    }
    if let Some(why) = &options.why {
        order = order.why(why.as_str());
    }
    order
}

/// The queue of tasks that is meant, by the name that it has in the end.
fn task_queue<'a>(names: &'a Names, text: &str) -> Result<&'a QueueName, Fault> {
    let found = names.task_queues.iter().find(|queue| queue.as_str() == text);
    found.ok_or_else(|| {
        let there: Vec<&str> = names.task_queues.iter().map(QueueName::as_str).collect();
        Fault::usage(format!(
            "the application has no queue of tasks `{text}`; there are: {}",
            there.join(", ")
        ))
    })
}

fn sentence(queue: &QueueName, control: &QueueControl) -> String {
    let received = match &control.paused {
        None => "is received from".to_owned(),
        Some(said) => format!("is paused{}", signature(said)),
    };
    let many = match &control.concurrency {
        None => "as many tasks at once as it was started with".to_owned(),
        Some(chosen) => {
            let tasks = if chosen.count.get() == 1 { "task" } else { "tasks" };
            format!("{} {tasks} at once{}", chosen.count, signature(&chosen.said))
        }
    };
    format!(
        "{queue} {received}; each of its workers runs {many}. Workers see it within two seconds."
    )
}

/// Who said so, and why, as far as is known.
fn signature(said: &Said) -> String {
    match (&said.by, &said.why) {
        (None, None) => String::new(),
        (Some(by), None) => format!(" (by {by})"),
        (None, Some(why)) => format!(" ({why})"),
        (Some(by), Some(why)) => format!(" (by {by}: {why})"),
    }
}

#[cfg(test)]
mod tests {
    use longshore_tasks::store::StoreLocation;
    use longshore_tasks::{Store, SystemClock};
    use std::sync::Arc;

    use super::*;
    use crate::cli::{Cli, Command, QueuesCommand};
    use crate::exit::Exit;
    use crate::test_application::{EchoOptions, echo};
    use clap::FromArgMatches as _;

    /// Carries a line out, and says what the store has of the queue `Say` then.
    async fn given(directory: &std::path::Path, line: &str) -> Result<QueueControl, Fault> {
        let data = directory.to_str().unwrap().to_owned();
        let words = ["echo", "queues"].into_iter().chain(line.split(' ')).map(str::to_owned);
        let words = words.chain(["--data".to_owned(), data]);
        let matches = crate::cli::command(&echo()).try_get_matches_from(words).unwrap();
        let cli = Cli::<EchoOptions>::from_arg_matches(&matches).unwrap();
        let Some(Command::Queues(command)) = cli.command else { panic!("{line}") };
        let (order, options) = match command {
            QueuesCommand::Pause(options) => (Order::Pause, options),
            QueuesCommand::Resume(options) => (Order::Resume, options),
            QueuesCommand::Concurrency(options) => {
                (Order::Concurrency(options.count), options.order)
            }
            QueuesCommand::Apply(_) => panic!("{line}"),
        };
        let names = crate::run::names(&echo(), &options.queues)?;
        give(&names, order, options).await?;
        let file = StoreLocation::file(directory.join("tasks.sqlite3"));
        let store: Arc<dyn Store> = file.open(Arc::new(SystemClock)).await.unwrap();
        Ok(QueueControls::new(store).find("Say").await.unwrap())
    }

    #[tokio::test]
    async fn an_operator_pauses_a_queue_changes_how_many_may_run_and_takes_both_back() {
        let directory = tempfile::tempdir().unwrap();
        let paused = given(directory.path(), "pause Say --by ada --why disk").await.unwrap();
        let name = QueueName::parse("Say").unwrap();
        let told = "Say is paused (by ada: disk); each of its workers runs as many tasks at once as it was \
                    started with. Workers see it within two seconds.";
        assert_eq!(sentence(&name, &paused), told);
        let few = given(directory.path(), "concurrency Say 1").await.unwrap();
        assert!(few.is_paused());
        assert!(sentence(&name, &few).contains("runs 1 task at once"));
        given(directory.path(), "resume Say").await.unwrap();
        let nothing = given(directory.path(), "concurrency Say default").await.unwrap();
        assert_eq!(nothing, QueueControl::default());
    }

    #[tokio::test]
    async fn an_order_to_a_queue_that_the_application_has_not_is_refused_with_those_that_it_has() {
        let directory = tempfile::tempdir().unwrap();
        let fault = given(directory.path(), "pause Said").await.unwrap_err();
        assert_eq!(fault.exit(), Exit::Usage);
        assert!(fault.to_string().ends_with("there are: Say"), "{fault}");
        let renamed = given(directory.path(), "pause Sing --task-queue Sing").await;
        assert!(!renamed.unwrap().is_paused(), "another queue than Say");
    }
}
