//! One row: it is written whole, over the version that its writer names, or not at all.

use longshore_tasks::life::Standing;
use longshore_tasks::store::{AskedRow, Write};

use super::case::{Case, conflict, first, over, same};

pub(super) async fn exercise(case: &Case) {
    nothing_is_there_at_first(case).await;
    a_first_write_needs_an_empty_place(case).await;
    a_write_needs_the_version_that_it_names(case).await;
    what_was_asked_stays_or_is_replaced_whole(case).await;
    standings_are_read_back(case).await;
    a_writer_knows_its_own_write_by_its_mark(case).await;
    versions_grow_by_one(case).await;
}

async fn nothing_is_there_at_first(case: &Case) {
    same(&case.read_all(&["none", "never"]).await, &vec![None, None], "a new store is empty");
    let met = conflict(case.write(over("none", 1)).await);
    same(&met, &None, "a write over a version that is not there meets nothing");
    same(&case.read("none").await, &None, "a write that conflicts writes nothing");
}

async fn a_first_write_needs_an_empty_place(case: &Case) {
    let write = first("first");
    let row = case.done(write.clone()).await;
    same(&(row.version, row.mark), &(1, write.mark), "the first version is 1");
    same(&row.id, &write.id, "a row bears its id");
    same(&Some(&row.asked), &write.asked.as_ref(), "what was asked is read back");
    same(&row.life.text, &write.life.text, "how the task lives is read back");
    same(&row.message_id, &None, "no message id stands for a new row");
    same(&(row.life.until, row.life.wake), &(None, None), "no time is there that was not given");
    let again = Write { mark: 77, ..first("first") };
    let met = conflict(case.write(again).await);
    same(&met, &Some(row.clone()), "a second first write meets the row");
    same(&case.there("first").await, &row, "a write that conflicts changes nothing");
}

async fn a_write_needs_the_version_that_it_names(case: &Case) {
    case.done(first("over")).await;
    let second = case.done(over("over", 1)).await;
    same(&second.version, &2, "a row that is written gets the next version");
    for wrong in [1, 3, 1_000_000] {
        let met = conflict(case.write(Write { mark: 99, ..over("over", wrong) }).await);
        same(&met, &Some(second.clone()), "a write over another version meets what is there");
    }
    same(&case.there("over").await, &second, "a write that conflicts changes nothing");
}

async fn what_was_asked_stays_or_is_replaced_whole(case: &Case) {
    let row = case.done(first("asked")).await;
    let later = case.done(over("asked", 1)).await;
    same(&later.asked, &row.asked, "a write without what was asked leaves it");
    let asked = AskedRow {
        text: "{}".to_owned(),
        name: None,
        queue: "others".to_owned(),
        key: Some("a key".to_owned()),
        tags: vec!["a".to_owned(), "b \"c\"".to_owned()],
        created_at: row.asked.created_at,
    };
    let replaced = case.done(Write { asked: Some(asked.clone()), ..over("asked", 2) }).await;
    same(&replaced.asked, &asked, "what was asked is replaced by a write that brings it");
    let kept = case.done(over("asked", 3)).await;
    same(&kept.asked, &asked, "and stays so");
}

async fn standings_are_read_back(case: &Case) {
    for standing in Standing::ALL {
        let id = format!("standing-{}", standing.as_str());
        let mut write = first(&id);
        write.life.standing = standing;
        same(&case.done(write).await.life.standing, &standing, "a standing is read back");
    }
}

/// A retry after a lost answer meets the row that it wrote itself: it must see its own mark.
async fn a_writer_knows_its_own_write_by_its_mark(case: &Case) {
    for (id, mark) in [("mark-small", 1), ("mark-large", u64::MAX), ("mark-half", 1 << 63)] {
        let write = Write { mark, ..first(id) };
        case.done(write.clone()).await;
        let met = conflict(case.write(write).await).map(|row| (row.version, row.mark));
        same(&met, &Some((1, mark)), "a first write made again meets its own mark");
        let write = Write { mark: mark - 1, ..over(id, 1) };
        case.done(write.clone()).await;
        let met = conflict(case.write(write).await).map(|row| (row.version, row.mark));
        same(&met, &Some((2, mark - 1)), "a later write made again meets its own mark");
    }
}

async fn versions_grow_by_one(case: &Case) {
    case.done(first("versions")).await;
    for version in 1..12 {
        let row = case.done(over("versions", version)).await;
        same(&row.version, &(version + 1), "versions grow by one");
        same(&row.life.text, &format!("{{\"life\":{version}}}"), "and bring their own text");
    }
}
