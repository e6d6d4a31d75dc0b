//! `SetQueueAttributes`: all that is asked, or, if any of it is wrong, nothing.

use longshore_types::AttributeName;
use longshore_wire::{SetQueueAttributes, SqsError};

use super::create_queue::check_redrive;
use crate::attribute::{self, Attributes, Checked};
use crate::core::{Operation, Turn};
use crate::log::Room;

impl Operation for SetQueueAttributes {
    type Reply = ();

    fn room(&self) -> Room {
        Room::catalog()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<(), SqsError> {
        let id = turn.resolve(&self.queue_url)?;
        let entry = turn.entry(id)?;
        let checked =
            attribute::check(&self.attributes, &entry.attributes, turn.queue(id)?.kind())?;
        let policy = checked.get(&AttributeName::RedrivePolicy).and_then(Option::as_ref);
        check_redrive(turn, &entry.arn, policy)?;
        let settings = attribute::settings(&merged(&entry.attributes, &checked));
        let settings = turn.queue(id)?.change_settings(settings);
        let event =
            turn.catalog().set_attributes(id, checked).map_err(|_| SqsError::QueueDoesNotExist)?;
        turn.commit_catalog(event, Some((id, settings)))?;
        Ok(())
    }
}

fn merged(present: &Attributes, set: &Checked) -> Attributes {
    let kept = present.iter().filter(|(name, _)| !set.contains_key(name));
    let kept = kept.map(|(name, value)| (*name, value.clone()));
    let given = set.iter().filter_map(|(name, value)| Some((*name, value.clone()?)));
    kept.chain(given).collect()
}
