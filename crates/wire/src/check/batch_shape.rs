//! The shape of a batch: how many entries, and their ids.

use std::collections::BTreeSet;

use longshore_types::limits::{BATCH_ENTRIES_MAX, BATCH_ENTRY_ID_BYTES_MAX};

use crate::SqsError;
use crate::action::BatchKind;

/// Checks a batch's count and its ids, given in the order of the entries.
///
/// # Errors
///
/// The first that applies: no entries, too many, an id that is absent, one that is malformed, one
/// that an earlier entry has. Each refuses the whole request.
pub fn batch_shape<'a>(
    ids: impl IntoIterator<Item = Option<&'a str>>,
    kind: BatchKind,
) -> Result<(), SqsError> {
    let ids: Vec<Option<&str>> = ids.into_iter().collect();
    if ids.is_empty() {
        return Err(SqsError::EmptyBatchRequest(kind));
    }
    if ids.len() > BATCH_ENTRIES_MAX {
        return Err(SqsError::TooManyEntriesInBatchRequest(ids.len()));
    }
    let ids = present(&ids, kind)?;
    if !ids.iter().all(|id| is_entry_id(id)) {
        return Err(SqsError::InvalidBatchEntryId);
    }
    distinct(&ids)
}

fn present<'a>(ids: &[Option<&'a str>], kind: BatchKind) -> Result<Vec<&'a str>, SqsError> {
    let missing = |position: usize| SqsError::MissingParameter(format!("{kind}.{position}.Id"));
    (1..).zip(ids).map(|(position, id)| id.ok_or_else(|| missing(position))).collect()
}

fn is_entry_id(id: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=BATCH_ENTRY_ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(letter)
}

fn distinct(ids: &[&str]) -> Result<(), SqsError> {
    let mut seen = BTreeSet::new();
    match ids.iter().find(|id| !seen.insert(**id)) {
        Some(id) => Err(SqsError::BatchEntryIdsNotDistinct((*id).to_owned())),
        None => Ok(()),
    }
}
