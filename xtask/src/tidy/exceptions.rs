//! What the rules would complain about and is right all the same, each with its reason.

use super::Complaint;

/// One thing that one rule does not complain about.
struct Exception {
    rule: &'static str,
    /// What the complaint is about: a path, or `path::name`.
    subject: &'static str,
    /// Why it is right; for the reader of this file.
    #[expect(dead_code, reason = "read by people: an exception cannot be written without it")]
    reason: &'static str,
}

const EXCEPTIONS: &[Exception] = &[
    Exception {
        rule: "examples",
        subject: "gateway::ErrorView",
        reason: "the example of `ReplyView` has it: both are arguments of one call",
    },
    Exception {
        rule: "examples",
        subject: "longshore::NoOptions",
        reason: "the flags of an application that has none: nobody names it",
    },
    Exception {
        rule: "examples",
        subject: "tasks::BatchItem",
        reason: "a shape of `BatchHandler`, which has the example; never named by itself",
    },
    Exception {
        rule: "examples",
        subject: "tasks::BatchResults",
        reason: "a shape of `BatchHandler`, which has the example; never named by itself",
    },
    Exception {
        rule: "examples",
        subject: "tasks::RepliesReport",
        reason: "counts, which the example of `Replies` prints",
    },
    Exception {
        rule: "examples",
        subject: "tasks::RepliesStatus",
        reason: "counts, as of `WorkerStatus`, which has the example",
    },
    Exception {
        rule: "examples",
        subject: "tasks::SystemClock",
        reason: "a unit struct that every example of a clock's user has",
    },
    Exception {
        rule: "examples",
        subject: "tasks::SystemRandom",
        reason: "a unit struct that every example of a random source's user has",
    },
    Exception {
        rule: "examples",
        subject: "tasks::Transport",
        reason: "for authors of one: eight calls, of which `longshore::embedded` is a whole example",
    },
    Exception {
        rule: "examples",
        subject: "tasks::WorkerReport",
        reason: "counts, which the example of `Worker` prints",
    },
    Exception {
        rule: "examples",
        subject: "testkit::Fault",
        reason: "the example of `FaultyStore` scripts it",
    },
    Exception {
        rule: "examples",
        subject: "testkit::Odds",
        reason: "the example of `FaultyStore` sets it",
    },
];

/// Takes out what is excused, and adds a complaint for every exception that excuses nothing.
pub(super) fn apply(found: Vec<(&'static str, Complaint)>) -> Vec<Complaint> {
    excuse(found, EXCEPTIONS)
}

fn excuse(found: Vec<(&'static str, Complaint)>, exceptions: &[Exception]) -> Vec<Complaint> {
    let covers = |exception: &Exception, (rule, complaint): &(&str, Complaint)| {
        exception.rule == *rule && exception.subject == complaint.subject
    };
    let idle = exceptions
        .iter()
        .filter(|exception| !found.iter().any(|complaint| covers(exception, complaint)));
    let idle: Vec<_> = idle.map(not_needed).collect();
    let kept = found
        .into_iter()
        .filter(|complaint| !exceptions.iter().any(|exception| covers(exception, complaint)));
    kept.map(|(_, complaint)| complaint).chain(idle).collect()
}

fn not_needed(exception: &Exception) -> Complaint {
    let message = format!(
        "the exception for `{}` ({}) excuses nothing: take it out",
        exception.subject, exception.rule
    );
    Complaint::file("xtask/src/tidy/exceptions.rs", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Exception =
        Exception { rule: "files", subject: "a.rs", reason: "a flat catalogue" };

    #[test]
    fn an_exception_excuses_its_own_subject_of_its_own_rule() {
        let found = vec![
            ("files", Complaint::file("a.rs", "too long")),
            ("files", Complaint::file("b.rs", "too long")),
            ("words", Complaint::file("a.rs", "wrong word")),
        ];
        let left = excuse(found, &[LONG]);
        assert_eq!(
            left,
            [Complaint::file("b.rs", "too long"), Complaint::file("a.rs", "wrong word")]
        );
    }

    #[test]
    fn an_exception_that_excuses_nothing_is_a_complaint() {
        assert!(excuse(Vec::new(), &[LONG])[0].message.contains("excuses nothing"));
    }
}
