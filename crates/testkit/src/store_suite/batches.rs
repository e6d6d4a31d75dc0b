//! Batches: each entry is answered for in its place, whatever becomes of the others.

use longshore_tasks::life::When;
use longshore_tasks::store::{Alias, Write, Written};

use super::case::{Case, LONG, conflict, first, id, over, same};

/// More rows than a server takes in one statement or one request without thinking.
const MANY: usize = 130;

pub(super) async fn exercise(case: &Case) {
    some_are_written_and_some_conflict(case).await;
    the_same_id_comes_twice(case).await;
    many_rows_go_in_one_call(case).await;
    the_same_id_is_read_twice(case).await;
}

async fn some_are_written_and_some_conflict(case: &Case) {
    let there = case.done(first("there")).await;
    let batch = vec![
        first("before"),
        Write { mark: 9, ..first("there") },
        over("absent", 4),
        over("there", 1),
        first("behind"),
    ];
    let mut written = case.write_all(batch).await.into_iter();
    let mut next = || written.next().expect("five were answered for");
    same(&next(), &Written::Done, "what comes before a conflict is written");
    same(&conflict(next()), &Some(there), "a conflict brings the row that is there");
    same(&conflict(next()), &None, "a conflict brings that nothing is there");
    same(&next(), &Written::Done, "a conflict does not stop the batch");
    same(&next(), &Written::Done, "nor do two of them");
    let versions: Vec<_> = case.read_all(&["before", "there", "absent", "behind"]).await;
    let versions: Vec<_> = versions.into_iter().map(|row| row.map(|row| row.version)).collect();
    same(&versions, &vec![Some(1), Some(2), None, Some(1)], "each row is as it was answered");
}

/// As if one call had been made for each.
async fn the_same_id_comes_twice(case: &Case) {
    let batch = vec![first("twice"), Write { mark: 50, ..over("twice", 1) }, first("twice")];
    let mut written = case.write_all(batch).await;
    let last = written.pop().expect("three were answered for");
    same(&written, &vec![Written::Done, Written::Done], "writes of one id are made in their order");
    let met = conflict(last).map(|row| (row.version, row.mark));
    same(&met, &Some((2, 50)), "and each meets those before it");
    let both = vec![Write { mark: 60, ..over("twice", 2) }, Write { mark: 61, ..over("twice", 2) }];
    let mut written = case.write_all(both).await;
    let met = written.pop().and_then(conflict).map(|row| row.mark);
    same(&met, &Some(60), "of two writes over one version the first is made");
    same(&written, &vec![Written::Done], "of two writes over one version the first is made");
}

async fn many_rows_go_in_one_call(case: &Case) {
    let ids: Vec<String> = (0..MANY).map(|number| format!("many-{number}")).collect();
    let texts: Vec<&str> = ids.iter().map(String::as_str).collect();
    let written = case.write_all(texts.iter().map(|text| first(text)).collect()).await;
    assert!(written.iter().all(|one| *one == Written::Done), "many rows go in one call");
    let alias = |text: &&str| Alias {
        message_id: id(&format!("m-{text}")),
        id: id(text),
        keep: When::In(LONG),
    };
    let early = case.store.alias(texts.iter().map(alias).collect()).await;
    let early = early.expect("many aliases go in one call").value;
    same(&early, &vec![None; MANY], "many aliases go in one call");
    for (row, text) in case.read_all(&texts).await.into_iter().zip(&texts) {
        let row = row.unwrap_or_else(|| panic!("{text} of many rows is not there"));
        same(&row.id.as_str(), text, "each row is answered in its place");
        same(&row.message_id, &Some(format!("m-{text}")), "each alias is at its row");
    }
}

async fn the_same_id_is_read_twice(case: &Case) {
    let row = case.done(first("read")).await;
    let found = case.read_all(&["read", "nowhere", "read"]).await;
    same(
        &found,
        &vec![Some(row.clone()), None, Some(row)],
        "an id that is read twice is answered twice",
    );
}
