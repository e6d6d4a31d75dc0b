//! Which queues a role uses, and how they are declared.

use std::collections::BTreeSet;

use longshore_tasks::{Priorities, Priority};
use longshore_types::QueueName;

use crate::exit::Fault;
use crate::options::QueueOptions;
use crate::queues::file::queues_in;
use crate::queues::{DesiredQueue, QueueNames};

/// The queues of a system.
#[derive(Clone, Debug)]
pub struct Names {
    /// The queues of tasks, in the order in which the application names them.
    pub task_queues: Vec<QueueName>,
    /// The queue of replies, if there is one.
    pub reply_queue: Option<QueueName>,
    /// All declared queues, each after its dead-letter queue.
    pub declared: Vec<DesiredQueue>,
    /// The task queues that have levels.
    levelled: BTreeSet<QueueName>,
    /// Where they are declared, for messages.
    source: String,
}

impl Names {
    /// Reads the declaration, and puts the chosen names in. What the declaration of the application
    /// leaves out is declared by default; a file that takes its place has all queues.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or makes no sense; a name is chosen for a queue that the application
    /// does not have, or one queue for two purposes.
    pub(crate) fn read(
        declaration: &str,
        task_queues: &[&str],
        reply_queue: Option<&str>,
        options: &QueueOptions,
    ) -> Result<Self, Fault> {
        let (text, source) = match &options.queues {
            None => (declaration.to_owned(), "the declaration that is built in".to_owned()),
            Some(file) => (file.read()?, file.to_string()),
        };
        let names = QueueNames::default();
        let mut names = if options.queues.is_none() { names.declared_by_default() } else { names };
        let chosen = chosen_task_queues(task_queues, &options.task_queue)?;
        for (declared, chosen) in task_queues.iter().zip(&chosen) {
            names = names.with(&declared_name(declared)?, chosen);
        }
        let reply = reply_queue.map(declared_name).transpose()?;
        let chosen_reply = options.reply_queue().or(reply.as_ref()).cloned();
        refuse_one_for_two(chosen.iter().chain(&chosen_reply))?;
        if let Some(chosen) = &chosen_reply {
            names = names.with(reply.as_ref().unwrap_or(chosen), chosen);
        }
        let declared = queues_in(&text, &source, &names)?;
        let levelled = BTreeSet::new();
        Ok(Self { task_queues: chosen, reply_queue: chosen_reply, declared, levelled, source })
    }

    /// Gives levels to those task queues for which there are priorities, in their order: further queues,
    /// declared as the queue itself is unless they are declared already.
    ///
    /// # Errors
    ///
    /// A weight is zero, a queue is a FIFO queue, or the name of a level is too long or another queue's.
    pub(crate) fn with_levels(mut self, priorities: &[Option<Priorities>]) -> Result<Self, Fault> {
        for (queue, priorities) in self.task_queues.clone().iter().zip(priorities) {
            if let Some(priorities) = priorities {
                let checked = priorities.check_for(queue.as_str());
                checked.map_err(|fault| Fault::usage(format!("the queue {queue}: {fault}")))?;
                self.add_levels(queue)?;
            }
        }
        Ok(self)
    }

    fn add_levels(&mut self, queue: &QueueName) -> Result<(), Fault> {
        for level in [Priority::High, Priority::Low] {
            let name = level.queue_of(queue.as_str());
            let name = QueueName::parse(&name).map_err(|fault| {
                Fault::usage(format!("the queue of {level} priority beside {queue}: {fault}"))
            })?;
            if self.all().any(|other| *other == name) {
                return Err(Fault::usage(format!(
                    "{name} is the queue of {level} priority beside {queue}, and another queue of the \
                     application: give one of them another name"
                )));
            }
            self.declare_as(queue, name);
        }
        self.levelled.insert(queue.clone());
        Ok(())
    }

    /// Declares a queue with the settings of another, unless it is declared.
    fn declare_as(&mut self, other: &QueueName, name: QueueName) {
        let place = self.declared.iter().position(|queue| queue.name == *other);
        if let Some(place) = place
            && !self.declared.iter().any(|queue| queue.name == name)
        {
            self.declared.insert(place + 1, DesiredQueue { name, ..self.declared[place].clone() });
        }
    }

    /// The queues on the endpoint that a queue of tasks is: one, or one for each of its levels.
    pub fn queues_of(&self, task_queue: &str) -> Vec<String> {
        if self.has_levels(task_queue) {
            return Priority::ALL.map(|level| level.queue_of(task_queue)).to_vec();
        }
        vec![task_queue.to_owned()]
    }

    /// Whether the tasks of a queue can have a priority.
    pub(crate) fn has_levels(&self, task_queue: &str) -> bool {
        self.levelled.iter().any(|queue| queue.as_str() == task_queue)
    }

    /// Refuses a queue that nobody will create, because the file that declares the queues leaves it
    /// out.
    pub fn check_declared(&self) -> Result<(), Fault> {
        for name in self.all() {
            if !self.declared.iter().any(|queue| queue.name == *name) {
                let source = &self.source;
                return Err(Fault::usage(format!(
                    "the queue {name} is not among the queues of {source}: declare it as \
                     [queues.{name}], or name another with --task-queue or --reply-queue"
                )));
            }
        }
        Ok(())
    }

    /// Every queue that the application sends to or receives from.
    pub(crate) fn all(&self) -> impl Iterator<Item = &QueueName> {
        self.task_queues.iter().chain(&self.reply_queue)
    }
}

/// The task queues, each under its own name or the one that a `--task-queue` gives it: `NAME` where
/// the application has one queue, `DECLARED=NAME` otherwise.
fn chosen_task_queues(declared: &[&str], chosen: &[String]) -> Result<Vec<QueueName>, Fault> {
    let mut names =
        declared.iter().map(|name| declared_name(name)).collect::<Result<Vec<_>, _>>()?;
    for choice in chosen {
        let (of, name) = match (choice.split_once('='), declared) {
            (Some((of, name)), _) => (of, name),
            (None, [only]) => (*only, choice.as_str()),
            (None, _) => return Err(ambiguous(choice, declared)),
        };
        let place = declared.iter().position(|declared| *declared == of);
        let place = place.ok_or_else(|| ambiguous(choice, declared))?;
        names[place] = QueueName::parse(name)
            .map_err(|fault| Fault::usage(format!("--task-queue {choice}: {fault}")))?;
    }
    Ok(names)
}

/// Workers of one queue must all know its tasks, and none of them is a reply.
fn refuse_one_for_two<'a>(queues: impl Iterator<Item = &'a QueueName>) -> Result<(), Fault> {
    let mut seen = BTreeSet::new();
    for queue in queues {
        if !seen.insert(queue) {
            return Err(Fault::usage(format!(
                "the application has the queue {queue} twice: name all of a queue's handlers in one \
                 App::queue, and give each queue of tasks and the queue of replies a name of its own"
            )));
        }
    }
    Ok(())
}

fn ambiguous(choice: &str, declared: &[&str]) -> Fault {
    let declared = declared.join(", ");
    Fault::usage(format!(
        "--task-queue {choice} names none of the application's task queues, which are {declared}: \
         write --task-queue DECLARED=NAME"
    ))
}

fn declared_name(text: &str) -> Result<QueueName, Fault> {
    QueueName::parse(text)
        .map_err(|fault| Fault::usage(format!("the application names a queue `{text}`: {fault}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;
    use crate::queues::QueueFile;

    const DECLARATION: &str = "[queues.Say]\n[queues.Sing]\n[queues.Said]\n";

    fn read(tasks: &[&str], options: &QueueOptions) -> Result<Names, Fault> {
        Names::read(DECLARATION, tasks, Some("Said"), options)
    }

    fn choosing(choices: &[&str]) -> QueueOptions {
        let task_queue = choices.iter().map(ToString::to_string).collect();
        QueueOptions { task_queue, ..QueueOptions::default() }
    }

    #[test]
    fn the_declaration_that_is_built_in_declares_all_queues() {
        let names = read(&["Say", "Sing"], &QueueOptions::default()).unwrap();
        assert_eq!(names.all().map(QueueName::as_str).collect::<Vec<_>>(), ["Say", "Sing", "Said"]);
        assert_eq!(names.check_declared(), Ok(()));
    }

    #[test]
    fn a_queue_that_the_application_only_names_is_declared_unless_a_file_declares_the_queues() {
        let names = read(&["Say", "Shout"], &QueueOptions::default()).unwrap();
        assert_eq!(names.check_declared(), Ok(()));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), DECLARATION).unwrap();
        let queues = QueueFile::parse(file.path().to_str().unwrap()).ok();
        let options = QueueOptions { queues, ..QueueOptions::default() };
        assert_eq!(read(&["Say"], &options).unwrap().check_declared(), Ok(()));
        let fault = read(&["Say", "Shout"], &options).unwrap().check_declared().unwrap_err();
        assert!(fault.to_string().contains("declare it as [queues.Shout]"), "{fault}");
    }

    #[test]
    fn a_chosen_queue_is_declared_in_place_of_the_one_it_replaces() {
        let names = read(&["Say"], &choosing(&["Other.fifo"])).unwrap();
        assert_eq!(names.task_queues[0].as_str(), "Other.fifo");
        assert_eq!(names.check_declared(), Ok(()));
        let names = read(&["Say", "Sing"], &choosing(&["Sing=Other.fifo"])).unwrap();
        assert_eq!(names.task_queues[1].as_str(), "Other.fifo");
        assert_eq!(names.check_declared(), Ok(()));
    }

    #[test]
    fn of_several_queues_the_one_that_is_meant_has_to_be_named() {
        for choice in ["Other", "Shout=Other"] {
            let fault = read(&["Say", "Sing"], &choosing(&[choice])).unwrap_err();
            assert!(fault.to_string().contains("DECLARED=NAME"), "{fault}");
        }
    }

    fn levelled(declaration: &str, queues: &[&str]) -> Result<Names, Fault> {
        let names = Names::read(declaration, queues, None, &QueueOptions::default())?;
        names.with_levels(&[Some(Priorities::strict())])
    }

    #[test]
    fn a_queue_with_levels_is_three_with_the_same_settings_and_one_dead_letter_queue() {
        let text = "
            [queues.Say]
            delay = 3
            dead_letter = { queue = 'Dead', max_receive_count = 5 }
            [queues.Dead]
        ";
        let names = levelled(text, &["Say"]).unwrap();
        assert_eq!(names.queues_of("Say"), ["Say-high", "Say", "Say-low"]);
        let declared: Vec<&str> = names.declared.iter().map(|queue| queue.name.as_str()).collect();
        assert_eq!(declared, ["Dead", "Say", "Say-low", "Say-high"]);
        let (own, high) = (&names.declared[1], &names.declared[3]);
        assert_eq!((&high.attributes, &high.dead_letter), (&own.attributes, &own.dead_letter));
    }

    #[test]
    fn a_level_that_is_declared_keeps_its_own_settings() {
        let text = "[queues.Say]\ndelay = 3\n[queues.Say-high]\n";
        let names = levelled(text, &["Say"]).unwrap();
        let high = names.declared.iter().filter(|queue| queue.name.as_str() == "Say-high");
        assert!(high.map(|queue| queue.attributes.len()).eq([0]));
        assert_eq!(names.declared.len(), 3);
    }

    #[test]
    fn levels_that_cannot_be_are_refused_at_the_start() {
        let fifo = levelled("", &["Say.fifo"]).unwrap_err();
        assert!(fifo.to_string().contains("is a FIFO queue where priorities are asked"), "{fifo}");
        let clash = levelled("", &["Say", "Say-low"]).unwrap_err();
        assert!(clash.to_string().contains("Say-low is the queue of low priority"), "{clash}");
        let long = "q".repeat(78);
        assert!(levelled("", &[&long]).is_err());
        let plain = levelled("", &["Say"]).unwrap();
        assert_eq!(plain.queues_of("Sing"), ["Sing"]);
    }

    #[test]
    fn one_queue_for_two_purposes_is_refused_whoever_names_it() {
        let default = QueueOptions::default();
        let merged = choosing(&["Sing=Say"]);
        for (tasks, options) in
            [(&["Say", "Say"], &default), (&["Say", "Said"], &default), (&["Say", "Sing"], &merged)]
        {
            let fault = read(tasks, options).unwrap_err();
            assert_eq!(fault.exit(), Exit::Usage);
            assert!(fault.to_string().contains("twice: name all of a queue's handlers"), "{fault}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let queues = QueueFile::parse("no/such/queues.toml").ok();
        let options = QueueOptions { queues, ..QueueOptions::default() };
        let fault = read(&["Say"], &options).unwrap_err();
        assert_eq!(fault.exit(), Exit::Usage);
        assert!(fault.to_string().contains("no/such/queues.toml"));
    }
}
