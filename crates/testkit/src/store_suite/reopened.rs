//! What a store keeps outlives every handle on it.

use std::sync::Arc;

use longshore_tasks::life::When;
use longshore_tasks::store::{Expected, ListQuery, Row, Store, ValueWritten};

use super::case::{Case, LONG, conflict, first, over, put, same};

pub(super) async fn exercise<F>(open: F)
where
    F: AsyncFn() -> Arc<dyn Store>,
{
    let kept = keep_some(&Case::new(open().await)).await;
    let again = Case::new(open().await);
    same(&again.there("kept").await, &kept, "a row is read back by whoever opens the store again");
    same(&again.there("message").await, &kept, "so it is by its message id");
    same(&again.list(ListQuery::default()).await.rows, &vec![kept.clone()], "and listed");
    let met = conflict(again.write(over("kept", 1)).await);
    same(&met, &Some(kept), "a version that was written over stays so");
    same(
        &again.put(put("value", Expected::Version(1), "later")).await,
        &ValueWritten::Done(2),
        "a value keeps its version",
    );
}

/// Keeps a row of the second version, its alias and a value; answers the row.
async fn keep_some(case: &Case) -> Row {
    case.done(first("kept")).await;
    case.done(over("kept", 1)).await;
    case.alias("message", "kept", When::In(LONG)).await;
    case.put(put("value", Expected::Nothing, "first")).await;
    case.there("kept").await
}
