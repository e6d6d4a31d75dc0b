//! Lists: the latest first, page by page, by what was asked and how rows stand.

use std::time::Duration;

use longshore_tasks::life::{Standing, When};
use longshore_tasks::store::{AskedRow, ListQuery, Row, Write};
use longshore_types::Timestamp;

use super::case::{Case, LONG, first, over, same};

const CREATED: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn created(id: &str, after: u64) -> Write {
    let mut write = first(id);
    let created_at = CREATED + Duration::from_millis(after);
    write.asked = write.asked.map(|asked| AskedRow { created_at, ..asked });
    write
}

fn ids(rows: &[Row]) -> Vec<String> {
    rows.iter().map(|row| row.id.to_string()).collect()
}

pub(super) async fn paging(case: &Case) {
    let empty = case.list(ListQuery::default()).await;
    same(&(empty.rows, empty.next), &(Vec::new(), None), "a new store lists nothing");
    // Seven rows in three milliseconds: the id decides where the time does not.
    for number in 0..7_u64 {
        case.done(created(&format!("row-{number}"), number / 3)).await;
    }
    let expected: Vec<String> = (0..7).rev().map(|number| format!("row-{number}")).collect();
    let page = case.list(ListQuery::default()).await;
    same(&ids(&page.rows), &expected, "the latest come first");
    same(&page.next, &None, "no page follows the last row");
    same(&page.rows.last(), &case.read("row-0").await.as_ref(), "a row that is listed is whole");
    for count_max in [1, 2, 3, 6, 7, 8] {
        let found = all_pages(case, count_max, async |_| {}).await;
        same(&found, &expected, "pages lose no row and repeat none");
    }
    ids_are_ordered_by_their_bytes(case).await;
    rows_come_while_pages_are_read(case, &expected).await;
    the_end_of_time_is_listed(case).await;
}

/// Not as a dictionary would: cursors compare bytes.
async fn ids_are_ordered_by_their_bytes(case: &Case) {
    let queue = "bytes";
    for id in ["a-b", "a_b", "aB", "ab", "A-b", "a-B1", "a", "_", "-", "0", "Z"] {
        let mut write = created(id, 0);
        write.asked = write.asked.map(|asked| AskedRow { queue: queue.to_owned(), ..asked });
        case.done(write).await;
    }
    let query = ListQuery { queue: Some(queue.to_owned()), count_max: 2, ..ListQuery::default() };
    let found = pages(case, query, async |_| {}).await;
    let expected = ["ab", "a_b", "aB", "a-b", "a-B1", "a", "_", "Z", "A-b", "0", "-"];
    same(
        &found,
        &expected.map(str::to_owned).to_vec(),
        "rows of one time are ordered by their ids' bytes",
    );
}

/// Reads page by page, and lets something happen between two.
async fn all_pages(case: &Case, count_max: usize, between: impl AsyncFn(usize)) -> Vec<String> {
    let query = ListQuery { queue: Some("tasks".to_owned()), count_max, ..ListQuery::default() };
    pages(case, query, between).await
}

async fn pages(case: &Case, mut query: ListQuery, between: impl AsyncFn(usize)) -> Vec<String> {
    let (mut found, count_max) = (Vec::new(), query.count_max);
    for number in 0..100 {
        let page = case.list(query.clone()).await;
        assert!(page.rows.len() <= count_max, "a page has no more rows than was asked");
        found.extend(ids(&page.rows));
        query.after = page.next;
        if query.after.is_none() {
            return found;
        }
        between(number).await;
    }
    panic!("a list of {} rows has no end", found.len());
}

async fn rows_come_while_pages_are_read(case: &Case, expected: &[String]) {
    let found = all_pages(case, 2, async |number| {
        case.done(created(&format!("new-{number}"), 1_000)).await;
        let version = u64::try_from(number).unwrap_or_default() + 1;
        case.done(over("row-1", version)).await;
    })
    .await;
    let old: Vec<String> = found.into_iter().filter(|id| id.starts_with("row-")).collect();
    same(&old.as_slice(), &expected, "rows that come and change meanwhile hide none");
}

async fn the_end_of_time_is_listed(case: &Case) {
    let mut write = first("end-of-time");
    let created_at = Timestamp::from_millis(u64::MAX);
    write.asked = write.asked.map(|asked| AskedRow { created_at, ..asked });
    case.done(write).await;
    let found = all_pages(case, 3, async |_| {}).await;
    same(
        &found.first().map(String::as_str),
        &Some("end-of-time"),
        "a row of the end of time is listed",
    );
    same(&found.iter().filter(|id| id.starts_with("row-")).count(), &7, "and hides no other");
}

pub(super) async fn filters(case: &Case) {
    let rows = [
        ("a", "resize", "tasks", Some("k1"), vec!["red", "big"], Standing::Pending),
        ("b", "resize", "tasks", None, vec!["red"], Standing::Failed),
        ("c", "mail", "tasks", Some("k1"), vec!["reddish"], Standing::Completed),
        ("d", "mail", "others", Some("k2"), vec![], Standing::Running),
        ("e", "mail", "others", None, vec!["1", "a\"b'c,d"], Standing::Failed),
    ];
    for (id, name, queue, key, tags, standing) in rows {
        let mut write = first(id);
        write.asked = Some(AskedRow {
            text: "{}".to_owned(),
            name: Some(name.to_owned()),
            queue: queue.to_owned(),
            key: key.map(str::to_owned),
            tags: tags.into_iter().map(str::to_owned).collect(),
            created_at: CREATED,
        });
        write.life.standing = standing;
        case.done(write).await;
    }
    each_filter(case).await;
    together(case).await;
    a_row_moves_between_lists(case).await;
}

async fn found(case: &Case, query: ListQuery) -> String {
    ids(&case.list(query).await.rows).concat()
}

async fn each_filter(case: &Case) {
    let some = |text: &str| Some(text.to_owned());
    let all = ListQuery::default;
    for (query, expected) in [
        (all(), "edcba"),
        (ListQuery { name: some("mail"), ..all() }, "edc"),
        (ListQuery { name: some("mai"), ..all() }, ""),
        (ListQuery { queue: some("tasks"), ..all() }, "cba"),
        (ListQuery { key: some("k1"), ..all() }, "ca"),
        (ListQuery { tag: some("red"), ..all() }, "ba"),
        (ListQuery { tag: some("1"), ..all() }, "e"),
        (ListQuery { tag: some("a\"b'c,d"), ..all() }, "e"),
        (ListQuery { tag: some("%"), ..all() }, ""),
        (ListQuery { standings: vec![Standing::Failed], ..all() }, "eb"),
        (ListQuery { standings: vec![Standing::Failed, Standing::Running], ..all() }, "edb"),
        (ListQuery { standings: Standing::ALL.to_vec(), ..all() }, "edcba"),
        (ListQuery { standings: vec![Standing::Waiting], ..all() }, ""),
    ] {
        same(&found(case, query.clone()).await.as_str(), &expected, &format!("{query:?}"));
    }
}

async fn together(case: &Case) {
    let query = ListQuery {
        standings: vec![Standing::Pending, Standing::Completed],
        queue: Some("tasks".to_owned()),
        key: Some("k1".to_owned()),
        count_max: 1,
        ..ListQuery::default()
    };
    let page = case.list(query.clone()).await;
    same(&ids(&page.rows), &vec!["c".to_owned()], "every condition must hold");
    assert!(page.next.is_some(), "a page that was cut has a next");
    let page = case.list(ListQuery { after: page.next, ..query }).await;
    same(&(ids(&page.rows), page.next), &(vec!["a".to_owned()], None), "filters hold on each page");
}

async fn a_row_moves_between_lists(case: &Case) {
    let failed = || ListQuery { standings: vec![Standing::Failed], ..ListQuery::default() };
    let mut write = over("b", 1);
    (write.life.standing, write.life.keep) = (Standing::Running, When::In(LONG));
    case.done(write).await;
    same(&found(case, failed()).await.as_str(), &"e", "a row is listed by how it stands now");
}
