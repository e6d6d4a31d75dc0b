//! Records by task id or `MessageId`: all of them in one `BatchGetItem`, and another one where an
//! alias leads on or a text is in parts.

use std::collections::{BTreeSet, HashMap};

use longshore_types::Timestamp;

use super::item::{self, Item};
use super::key::Key;
use super::record;
use super::table::Table;
use crate::id::TaskId;
use crate::store::{Result, Row};

const ACTION: &str = "find tasks";

/// The rows of these ids, each in its place. An alias counts before a record of the same id.
pub(super) async fn read(
    table: &Table,
    ids: &[TaskId],
    now: Timestamp,
) -> Result<Vec<Option<Row>>> {
    let keys = ids.iter().flat_map(|id| [Key::task(id.as_str()), Key::alias(id.as_str())]);
    let mut items = table.get(ACTION, keys.collect()).await?;
    let tasks: Vec<String> = ids.iter().map(|id| task_of(&items, id, now)).collect();
    let missing = |task: &&String| ids.iter().all(|id| id.as_str() != task.as_str());
    let more: BTreeSet<Key> = tasks.iter().filter(missing).map(|task| Key::task(task)).collect();
    items.extend(table.get(ACTION, more).await?);
    let rows = find_rows(table, items, &tasks, now).await?;
    Ok(tasks.iter().map(|task| rows.get(task).cloned()).collect())
}

/// The rows of these task ids, as far as they are there. Aliases are not looked at.
pub(super) async fn read_tasks(
    table: &Table,
    action: &'static str,
    ids: &[String],
    now: Timestamp,
) -> Result<HashMap<String, Row>> {
    let items = table.get(action, ids.iter().map(|id| Key::task(id)).collect()).await?;
    find_rows(table, items, ids, now).await
}

/// The task that an id stands for.
fn task_of(items: &HashMap<Key, Item>, id: &TaskId, now: Timestamp) -> String {
    let alias = items.get(&Key::alias(id.as_str())).filter(|alias| item::is_there(alias, now));
    let task = alias.and_then(|alias| item::get_text(alias, "id"));
    task.unwrap_or(id.as_str()).to_owned()
}

async fn find_rows(
    table: &Table,
    mut items: HashMap<Key, Item>,
    ids: &[String],
    now: Timestamp,
) -> Result<HashMap<String, Row>> {
    let wanted = ids.iter().filter_map(|id| items.remove(&Key::task(id)));
    let wanted = wanted.filter(|item| item::is_there(item, now)).collect();
    let rows = record::rows(table, wanted).await?;
    Ok(rows.into_iter().map(|row| (row.id.to_string(), row)).collect())
}
