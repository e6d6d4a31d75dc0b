//! A declaration's text → the queues that are wanted, under the names that were chosen.
//!
//! An application declares its queues under the names that it has by default. Who names another
//! task queue or reply queue gets that one with the same settings; a FIFO queue's dead-letter
//! queue is FIFO too, as SQS demands, so it gets the suffix with it. A queue that the application
//! names and does not declare is declared by default, under the name that was chosen.

use std::collections::{BTreeMap, BTreeSet};

use longshore_types::QueueName;
use longshore_types::declaration::{Declaration, DeclarationError, DeclaredQueue};
use thiserror::Error;

use super::plan::{DesiredDeadLetter, DesiredQueue};

/// The queues that an application names: declared → chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueNames {
    chosen: BTreeMap<QueueName, QueueName>,
    by_default: bool,
}

impl QueueNames {
    /// Uses `chosen` for the queue that is declared as `declared`. Both can be the same.
    #[must_use]
    pub fn with(mut self, declared: &QueueName, chosen: &QueueName) -> Self {
        self.chosen.insert(declared.clone(), chosen.clone());
        self
    }

    /// Declares those by default that the declaration has under neither name: see
    /// [`Declaration::declare_by_default`].
    #[must_use]
    pub fn declared_by_default(self) -> Self {
        Self { by_default: true, ..self }
    }

    fn complete(&self, declaration: &mut Declaration) -> Result<(), DeclarationError> {
        for (declared, chosen) in self.chosen.iter().filter(|_| self.by_default) {
            if !declaration.queues.contains_key(declared) {
                declaration.declare_by_default(chosen)?;
            }
        }
        Ok(())
    }

    /// Without the names that the declaration itself has: those queues are declared as they are.
    fn undeclared_in(&self, declaration: &Declaration) -> Self {
        let mut names = self.clone();
        names.chosen.retain(|_, chosen| !declaration.queues.contains_key(chosen));
        names
    }

    fn of(&self, declared: &QueueName) -> QueueName {
        self.chosen.get(declared).unwrap_or(declared).clone()
    }
}

/// What is wrong with a declaration.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DeclaredError {
    /// The text is no declaration.
    #[error(transparent)]
    Declaration(#[from] DeclarationError),
    /// Dead-letter queues that lead back to where they began.
    #[error("[queues.{0}] dead_letter.queue: its dead-letter queues lead back to it")]
    Cycle(QueueName),
}

/// The queues that `text` declares, and those of `names` that are declared by default, each after its
/// dead-letter queue.
pub fn desired(text: &str, names: &QueueNames) -> Result<Vec<DesiredQueue>, DeclaredError> {
    let mut declaration = Declaration::parse(text)?;
    names.complete(&mut declaration)?;
    let names = with_fifo_dead_letters(&declaration, names.undeclared_in(&declaration));
    let mut order = Order { declaration: &declaration, placed: BTreeSet::new(), queues: vec![] };
    for name in declaration.queues.keys() {
        order.place(name, &mut vec![])?;
    }
    Ok(order.queues.into_iter().map(|name| desired_queue(&declaration, &names, name)).collect())
}

/// Gives the suffix to the dead-letter queues of queues that became FIFO by being renamed.
fn with_fifo_dead_letters(declaration: &Declaration, mut names: QueueNames) -> QueueNames {
    for (declared, queue) in &declaration.queues {
        let became_fifo = names.of(declared).is_fifo() && !declared.is_fifo();
        let target = became_fifo.then(|| dead_letter_name(queue)).flatten();
        let fifo = target.as_ref().and_then(|it| QueueName::parse(&format!("{it}.fifo")).ok());
        if let (Some(target), Some(fifo)) = (target, fifo) {
            names = names.with(&target, &fifo);
        }
    }
    names
}

fn dead_letter_name(queue: &DeclaredQueue) -> Option<QueueName> {
    let dead_letter = queue.dead_letter.as_ref()?;
    Some(
        QueueName::parse(&dead_letter.queue)
            .expect("a declaration's dead-letter queue is declared"),
    )
}

fn desired_queue(
    declaration: &Declaration,
    names: &QueueNames,
    declared: &QueueName,
) -> DesiredQueue {
    let queue = &declaration.queues[declared];
    let dead_letter = queue.dead_letter.as_ref().zip(dead_letter_name(queue));
    DesiredQueue {
        name: names.of(declared),
        attributes: queue.attributes(),
        dead_letter: dead_letter.map(|(dead_letter, name)| DesiredDeadLetter {
            queue: names.of(&name),
            receive_count_max: dead_letter.max_receive_count,
        }),
        tags: queue.tags.clone(),
    }
}

/// Puts every queue after its dead-letter queue.
struct Order<'a> {
    declaration: &'a Declaration,
    placed: BTreeSet<&'a QueueName>,
    queues: Vec<&'a QueueName>,
}

impl<'a> Order<'a> {
    fn place(
        &mut self,
        name: &'a QueueName,
        above: &mut Vec<&'a QueueName>,
    ) -> Result<(), DeclaredError> {
        if above.contains(&name) {
            return Err(DeclaredError::Cycle(name.clone()));
        }
        if self.placed.contains(name) {
            return Ok(());
        }
        above.push(name);
        if let Some(target) = dead_letter_name(&self.declaration.queues[name]) {
            let declared = self.declaration.queues.get_key_value(&target);
            let (target, _) = declared.expect("a declaration's dead-letter queue is declared");
            self.place(target, above)?;
        }
        above.pop();
        self.placed.insert(name);
        self.queues.push(name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> QueueName {
        QueueName::parse(text).unwrap()
    }

    fn names_of(queues: &[DesiredQueue]) -> Vec<&str> {
        queues.iter().map(|queue| queue.name.as_str()).collect()
    }

    const CHAIN: &str = "
        [queues.A]
        dead_letter = { queue = 'B', max_receive_count = 5 }
        [queues.B]
        dead_letter = { queue = 'C', max_receive_count = 5 }
        [queues.C]
    ";

    #[test]
    fn a_queue_comes_after_its_dead_letter_queue() {
        let queues = desired(CHAIN, &QueueNames::default()).unwrap();
        assert_eq!(names_of(&queues), ["C", "B", "A"]);
    }

    #[test]
    fn dead_letter_queues_that_lead_back_are_refused() {
        let text = "
            [queues.A]
            dead_letter = { queue = 'B', max_receive_count = 5 }
            [queues.B]
            dead_letter = { queue = 'A', max_receive_count = 5 }
        ";
        let fault = desired(text, &QueueNames::default()).unwrap_err();
        assert_eq!(fault, DeclaredError::Cycle(name("A")));
    }

    #[test]
    fn a_renamed_queue_keeps_its_settings() {
        let text = "[queues.A]\ndelay = 3\n";
        let queues = desired(text, &QueueNames::default().with(&name("A"), &name("Z"))).unwrap();
        assert_eq!(names_of(&queues), ["Z"]);
        assert_eq!(queues[0].attributes.values().collect::<Vec<_>>(), ["3"]);
    }

    #[test]
    fn a_chosen_queue_that_is_declared_itself_takes_no_other_ones_settings() {
        let text = "[queues.A]\ndelay = 3\n[queues.Z]\ndelay = 9\n";
        let queues = desired(text, &QueueNames::default().with(&name("A"), &name("Z"))).unwrap();
        assert_eq!(names_of(&queues), ["A", "Z"]);
    }

    #[test]
    fn a_queue_that_is_renamed_to_fifo_takes_its_dead_letter_queue_with_it() {
        let text = "
            [queues.A]
            dead_letter = { queue = 'B', max_receive_count = 5 }
            [queues.B]
        ";
        let names = QueueNames::default().with(&name("A"), &name("A.fifo"));
        let queues = desired(text, &names).unwrap();
        assert_eq!(names_of(&queues), ["B.fifo", "A.fifo"]);
        assert_eq!(queues[1].dead_letter.as_ref().unwrap().queue, name("B.fifo"));
    }

    #[test]
    fn a_queue_that_only_the_application_names_is_declared_under_its_chosen_name() {
        let named = |declared, chosen| {
            QueueNames::default().with(&name(declared), &name(chosen)).declared_by_default()
        };
        let queues = |names: &QueueNames| desired("[queues.A]\n", names).unwrap();
        assert_eq!(names_of(&queues(&named("B", "B"))), ["A", "B-dead", "B"]);
        assert_eq!(names_of(&queues(&named("B", "Z.fifo"))), ["A", "Z-dead.fifo", "Z.fifo"]);
        for (declared, chosen, there) in [("A", "A", "A"), ("A", "Z", "Z"), ("B", "A", "A")] {
            assert_eq!(names_of(&queues(&named(declared, chosen))), [there]);
        }
        let file = QueueNames::default().with(&name("B"), &name("B"));
        assert_eq!(names_of(&queues(&file)), ["A"], "a file has all queues");
    }
}
