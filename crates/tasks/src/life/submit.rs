//! A task is asked for: before its message is sent, again under an id of the caller's own, or not
//! at all because the send certainly failed.

use longshore_types::Timestamp;
use std::sync::Arc;

use super::MESSAGES_KEPT;
use super::record::{Asked, Life, Next, Phase, Survives, TaskRecord};
use super::when::When;

/// What a repeated send of the same id comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeated {
    /// It is not known that the task was ever sent: send it (again).
    Send,
    /// The task is there: nothing is to be sent.
    Known,
}

/// The record of a task that is about to be sent: its first version. Nobody is told that it is sent before the
/// `MessageId` of its message is noted, and that survives a power cut with all that was written before it; who notes none
/// has this survive one. Where the send is in doubt, or the note failed, a power cut may take the record: the worker that
/// receives the message writes it anew.
pub fn submitted(asked: impl Into<Arc<Asked>>) -> Next {
    Next {
        asked: Some(asked.into()),
        life: Arc::new(Life::new()),
        until: None,
        wake: None,
        keep: When::In(MESSAGES_KEPT),
        survives: Survives::Kill,
    }
}

/// Whether a task whose id is there is sent again. A send that was confirmed has a `MessageId`; one
/// that ran, or has an answer, was sent as well.
pub fn repeated(there: &TaskRecord) -> Repeated {
    match there.life.phase {
        Phase::Pending if there.message_id.is_none() => Repeated::Send,
        // An early reply to a message of that id, which is no send of this task.
        Phase::Hidden => Repeated::Send,
        Phase::Pending | Phase::Running(_) | Phase::Waiting | Phase::Ended | Phase::Expired => {
            Repeated::Known
        }
    }
}

/// The record of a task that is sent again: the same, as a further version, so that whoever sent it
/// before cannot withdraw it any more. A hidden reply that came to the id was to no task, and goes.
pub fn submitted_again(there: &TaskRecord, asked: Arc<Asked>) -> Next {
    if matches!(there.life.phase, Phase::Hidden) {
        return submitted(asked);
    }
    there.becomes(Arc::clone(&there.life))
}

/// The record of a task whose send certainly failed: gone. It is decided on the first version, so a
/// task that any worker has seen is never withdrawn.
pub fn withdrawn() -> Next {
    Next {
        asked: None,
        life: Arc::new(Life::new()),
        until: None,
        wake: None,
        keep: When::At(Timestamp::ZERO),
        survives: Survives::PowerCut,
    }
}
