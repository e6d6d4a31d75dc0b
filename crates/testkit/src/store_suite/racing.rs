//! Two handles on one store, as two processes have them: each write goes to one of them.

use futures::future::join_all;
use longshore_tasks::life::When;
use longshore_tasks::store::{Expected, PutValue, ValueWritten, Write, Written};

use super::case::{Case, LONG, first, over, put, same};

/// Who races in each handle.
const RACERS: u64 = 4;
/// What each of them gets done.
const ROUNDS: u64 = 5;

pub(super) async fn exercise(one: &Case, other: &Case) {
    what_one_writes_the_other_reads(one, other).await;
    one_of_all_writes_first(one, other).await;
    no_version_is_written_twice(one, other).await;
    batches_cross(one, other).await;
    no_value_is_lost(one, other).await;
}

async fn what_one_writes_the_other_reads(one: &Case, other: &Case) {
    let row = one.done(first("shared")).await;
    same(&other.there("shared").await, &row, "what one wrote, the other reads at once");
    other.alias("shared-message", "shared", When::In(LONG)).await;
    let row = other.done(over("shared", 1)).await;
    same(&one.there("shared-message").await, &row, "and the other way round");
}

async fn one_of_all_writes_first(one: &Case, other: &Case) {
    let racers = (0..RACERS * 2).map(|racer| {
        let case = if racer % 2 == 0 { one } else { other };
        case.write(Write { mark: racer, ..first("race") })
    });
    let written = join_all(racers).await;
    let won: Vec<u64> = (0..)
        .zip(&written)
        .filter(|(_, one)| **one == Written::Done)
        .map(|(mark, _)| mark)
        .collect();
    same(&won.len(), &1, "one of all that race writes");
    same(&vec![one.there("race").await.mark], &won, "and its write is the one that is there");
}

/// Each counts up, by deciding again on whatever it meets.
async fn no_version_is_written_twice(one: &Case, other: &Case) {
    one.done(first("count")).await;
    let racers =
        (0..RACERS * 2).map(|racer| count_up(if racer % 2 == 0 { one } else { other }, racer));
    let mut versions: Vec<u64> = join_all(racers).await.concat();
    versions.sort_unstable();
    let expected: Vec<u64> = (2..2 + RACERS * 2 * ROUNDS).collect();
    same(&versions, &expected, "each version is one writer's");
    same(&one.there("count").await.version, &(1 + RACERS * 2 * ROUNDS), "and none is lost");
}

async fn count_up(case: &Case, racer: u64) -> Vec<u64> {
    let (mut known, mut written) = (1, Vec::new());
    while written.len() < usize::try_from(ROUNDS).unwrap_or_default() {
        let write = Write { mark: racer * 1000 + known, ..over("count", known) };
        match case.write(write).await {
            Written::Done => {
                known += 1;
                written.push(known);
            }
            Written::Conflict(Some(row)) => known = row.version,
            Written::Conflict(None) => panic!("the row that is counted up is gone"),
        }
    }
    written
}

/// Two batches over the same rows, in opposite orders: a store must not lock itself up.
async fn batches_cross(one: &Case, other: &Case) {
    let ids: Vec<String> = (0..20).map(|number| format!("cross-{number}")).collect();
    let forward: Vec<Write> = ids.iter().map(|id| Write { mark: 1, ..first(id) }).collect();
    let backward = ids.iter().rev().map(|id| Write { mark: 2, ..first(id) }).collect();
    let (forward, mut backward) = futures::join!(one.write_all(forward), other.write_all(backward));
    backward.reverse();
    for ((id, forward), backward) in ids.iter().zip(forward).zip(backward) {
        let done = [&forward, &backward].into_iter().filter(|one| **one == Written::Done).count();
        same(&done, &1, "of two batches one writes each row");
        let expected = if forward == Written::Done { 1 } else { 2 };
        same(&one.there(id).await.mark, &expected, "and its write is the one that is there");
    }
}

async fn no_value_is_lost(one: &Case, other: &Case) {
    one.put(put("sum", Expected::Nothing, "0")).await;
    let racers = (0..RACERS * 2).map(|racer| add(if racer % 2 == 0 { one } else { other }, racer));
    join_all(racers).await;
    let sum = other.value("sum").await.map(|value| (value.version, value.text));
    let times = RACERS * 2 * ROUNDS;
    same(&sum, &Some((1 + times, times.to_string())), "no addition is lost");
}

async fn add(case: &Case, racer: u64) {
    let mut done = 0;
    while done < ROUNDS {
        let there = case.value("sum").await.expect("the sum is there");
        let sum: u64 = there.text.parse().expect("the sum is a number");
        let text = (sum + 1).to_string();
        let put = PutValue { mark: racer, ..put("sum", Expected::Version(there.version), &text) };
        if let ValueWritten::Done(_) = case.put(put).await {
            done += 1;
        }
    }
}
