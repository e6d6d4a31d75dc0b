//! `TagQueue` and `UntagQueue`: tags are merged in, and taken away by key.

use longshore_wire::{SqsError, TagQueue, UntagQueue, check};

use crate::core::{Operation, Turn, catalog_refused};
use crate::log::Room;

impl Operation for TagQueue {
    type Reply = ();

    fn room(&self) -> Room {
        Room::catalog()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<(), SqsError> {
        let id = turn.resolve(&self.queue_url)?;
        check::tags(&self.tags)?;
        let tagged = turn.catalog().tag(id, self.tags);
        if let Some(event) = tagged.map_err(|refusal| catalog_refused(&refusal))? {
            turn.commit_catalog(event, None)?;
        }
        Ok(())
    }
}

impl Operation for UntagQueue {
    type Reply = ();

    fn room(&self) -> Room {
        Room::keep()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<(), SqsError> {
        let id = turn.resolve(&self.queue_url)?;
        check::tag_keys(&self.tag_keys)?;
        let keys = self.tag_keys.into_iter().collect();
        let untagged = turn.catalog().untag(id, keys);
        if let Some(event) = untagged.map_err(|refusal| catalog_refused(&refusal))? {
            turn.commit_catalog(event, None)?;
        }
        Ok(())
    }
}
