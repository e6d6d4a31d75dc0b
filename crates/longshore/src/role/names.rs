//! Which queues a role uses, and how they are declared.

use longshore_types::QueueName;

use crate::application::Application;
use crate::exit::Fault;
use crate::options::QueueOptions;
use crate::queues::file::queues_in;
use crate::queues::{DesiredQueue, QueueNames};

/// The queues of a system.
#[derive(Clone, Debug)]
pub struct Names {
    /// The queue of tasks.
    pub task_queue: QueueName,
    /// The queue of replies.
    pub status_queue: QueueName,
    /// All declared queues, each after its dead-letter queue.
    pub declared: Vec<DesiredQueue>,
    /// Where they are declared, for messages.
    source: String,
}

impl Names {
    /// Reads the declaration, and puts the chosen names in.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or makes no sense.
    pub fn read<A: Application>(options: &QueueOptions) -> Result<Self, Fault> {
        let (text, source) = match &options.queues {
            None => (A::QUEUES.to_owned(), "the declaration that is built in".to_owned()),
            Some(file) => (file.read()?, file.to_string()),
        };
        let task_queue = chosen(A::TASK_QUEUE, options.task_queue.as_ref());
        let status_queue = chosen(A::STATUS_QUEUE, options.status_queue.as_ref());
        let names = QueueNames::default()
            .with(&declared_name(A::TASK_QUEUE), &task_queue)
            .with(&declared_name(A::STATUS_QUEUE), &status_queue);
        let declared = queues_in(&text, &source, &names)?;
        Ok(Self { task_queue, status_queue, declared, source })
    }

    /// Refuses a task queue or status queue that nobody will create.
    pub fn check_declared(&self) -> Result<(), Fault> {
        for name in [&self.task_queue, &self.status_queue] {
            if !self.declared.iter().any(|queue| queue.name == *name) {
                let source = &self.source;
                return Err(Fault::usage(format!(
                    "the queue {name} is not among the queues of {source}: declare it as \
                     [queues.{name}], or name another with --task-queue or --status-queue"
                )));
            }
        }
        Ok(())
    }
}

fn chosen(declared: &str, chosen: Option<&QueueName>) -> QueueName {
    chosen.cloned().unwrap_or_else(|| declared_name(declared))
}

fn declared_name(text: &str) -> QueueName {
    QueueName::parse(text).expect("an application names its queues as queues are named")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;
    use crate::queues::QueueFile;
    use crate::test_application::Echo;

    #[test]
    fn the_declaration_that_is_built_in_declares_both_queues() {
        let names = Names::read::<Echo>(&QueueOptions::default()).unwrap();
        assert_eq!(names.task_queue.as_str(), "Say");
        assert_eq!(names.check_declared(), Ok(()));
    }

    #[test]
    fn a_chosen_queue_is_declared_in_place_of_the_one_it_replaces() {
        let task_queue = Some(QueueName::parse("Other.fifo").unwrap());
        let options = QueueOptions { task_queue, ..QueueOptions::default() };
        let names = Names::read::<Echo>(&options).unwrap();
        assert_eq!(names.check_declared(), Ok(()));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let queues = QueueFile::parse("no/such/queues.toml").ok();
        let options = QueueOptions { queues, ..QueueOptions::default() };
        let fault = Names::read::<Echo>(&options).unwrap_err();
        assert_eq!(fault.exit(), Exit::Usage);
        assert!(fault.to_string().contains("no/such/queues.toml"));
    }
}
