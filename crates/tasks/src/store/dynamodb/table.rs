//! The table, asked: each request of the store, tried again where it was throttled, with its
//! failure in words.

use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::future::Future;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, KeysAndAttributes, ReturnValue, ReturnValuesOnConditionCheckFailure,
};
use futures::{StreamExt as _, TryStreamExt as _};

use super::expression::Expression;
use super::item::{Item, get_text};
use super::key::{Key, PK, SK};
use crate::aws::words::{is_throttling, short_code};
use crate::backoff::Backoff;
use crate::error_chain::in_one_line;
use crate::store::{Result, StoreError};

/// Requests under way at once, of one call of the store.
pub(super) const CONCURRENT: usize = 16;
/// Keys of one `BatchGetItem`: the most that it takes.
const BATCH_KEYS: usize = 100;
/// Tries of a request that is throttled, and the pauses between them. Kept short: somebody waits for
/// the answer.
const TRIES: u32 = 4;
const TRY_AGAIN: Backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(200));

/// The table, and a client that reaches it.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) client: Client,
    /// What `DynamoDB` knows it by.
    pub(super) aws_name: String,
    /// For messages.
    pub(super) name: String,
}

/// What became of a write with a condition.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is written: the attributes that were asked for.
    Done(Item),
    /// The condition does not hold: the item that is there, if there is one.
    Refused(Option<Item>),
}

impl Table {
    /// What a failed request says.
    pub(super) fn failed<E>(
        &self,
        action: &'static str,
        error: &SdkError<E, HttpResponse>,
    ) -> StoreError
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let answered = |answer: &E| {
            let code = short_code(answer.code().unwrap_or("an unnamed error"));
            format!("{code}: {}", answer.message().unwrap_or_default())
        };
        let words = error.as_service_error().map_or_else(|| in_one_line(error), answered);
        StoreError::unavailable(&self.name, action, words)
    }

    /// Puts an item, in place of what is there, if the expression's condition holds.
    pub(super) async fn put(
        &self,
        action: &'static str,
        item: Item,
        expression: &Expression,
    ) -> Result<Outcome> {
        let request = self.client.put_item().table_name(&self.aws_name).set_item(Some(item));
        let request = request
            .set_condition_expression(expression.condition())
            .set_expression_attribute_names(expression.names())
            .set_expression_attribute_values(expression.values())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match retrying(|| request.clone().send()).await {
            Ok(_) => Ok(Outcome::Done(Item::new())),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refused)) => {
                    Ok(Outcome::Refused(refused.item.clone()))
                }
                _ => Err(self.failed(action, &error)),
            },
        }
    }

    /// Updates an item if the expression's condition holds, and answers what was updated.
    pub(super) async fn update(
        &self,
        action: &'static str,
        key: &Key,
        expression: &Expression,
        wanted: ReturnValue,
    ) -> Result<Outcome> {
        let request = self.client.update_item().table_name(&self.aws_name);
        let request = request
            .set_key(Some(key.attributes()))
            .update_expression(expression.update())
            .set_condition_expression(expression.condition())
            .set_expression_attribute_names(expression.names())
            .set_expression_attribute_values(expression.values())
            .return_values(wanted)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match retrying(|| request.clone().send()).await {
            Ok(answer) => Ok(Outcome::Done(answer.attributes.unwrap_or_default())),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    Ok(Outcome::Refused(refused.item.clone()))
                }
                _ => Err(self.failed(action, &error)),
            },
        }
    }

    /// The items of these keys that are in the table, as they are now.
    pub(super) async fn get(
        &self,
        action: &'static str,
        keys: BTreeSet<Key>,
    ) -> Result<HashMap<Key, Item>> {
        let keys: Vec<_> = keys.iter().map(Key::attributes).collect();
        let batches: Vec<_> = keys.chunks(BATCH_KEYS).map(<[_]>::to_vec).collect();
        let asked = batches.into_iter().map(|batch| self.get_batch(action, batch));
        let items: Vec<Vec<Item>> =
            futures::stream::iter(asked).buffer_unordered(CONCURRENT).try_collect().await?;
        let with_key = |item: Item| {
            let part = |name| get_text(&item, name).unwrap_or_default().to_owned();
            (Key { pk: part(PK), sk: part(SK) }, item)
        };
        Ok(items.into_iter().flatten().map(with_key).collect())
    }

    /// One `BatchGetItem`, and as many more as it leaves keys out: it answers 16 MB at most.
    async fn get_batch(
        &self,
        action: &'static str,
        keys: Vec<HashMap<String, AttributeValue>>,
    ) -> Result<Vec<Item>> {
        let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true);
        let mut wanted = Some(wanted.build().expect("the keys are given"));
        let mut found = Vec::new();
        let mut fruitless = 0;
        while let Some(next) = wanted {
            let request = self.client.batch_get_item().request_items(&self.aws_name, next);
            let answer = retrying(|| request.clone().send()).await;
            let answer = answer.map_err(|error| self.failed(action, &error))?;
            let items: Vec<Item> =
                answer.responses.into_iter().flatten().flat_map(|(_, items)| items).collect();
            wanted = answer.unprocessed_keys.and_then(|mut all| all.remove(&self.aws_name));
            fruitless = if items.is_empty() { fruitless + 1 } else { 0 };
            found.extend(items);
            if wanted.is_some() && fruitless > 0 {
                if fruitless == TRIES {
                    return Err(StoreError::unavailable(&self.name, action, "it is throttled"));
                }
                tokio::time::sleep(TRY_AGAIN.pause(fruitless)).await;
            }
        }
        Ok(found)
    }

    /// What a query finds, page by page, until there are `count_max` items or no more.
    pub(super) async fn query(
        &self,
        action: &'static str,
        query: QueryFluentBuilder,
        count_max: usize,
    ) -> Result<Vec<Item>> {
        let query = query.table_name(&self.aws_name);
        let (mut found, mut start) = (Vec::new(), None);
        while found.len() < count_max {
            let page = query.clone().set_exclusive_start_key(start);
            let answer = retrying(|| page.clone().send()).await;
            let answer = answer.map_err(|error| self.failed(action, &error))?;
            found.extend(answer.items.unwrap_or_default());
            start = answer.last_evaluated_key.filter(|key| !key.is_empty());
            if start.is_none() {
                break;
            }
        }
        found.truncate(count_max);
        Ok(found)
    }
}

/// Whether an error says that a request was refused for now.
pub(super) trait MayThrottle {
    fn is_throttled(&self) -> bool;
}

impl<E: ProvideErrorMetadata> MayThrottle for SdkError<E, HttpResponse> {
    fn is_throttled(&self) -> bool {
        let code = self.as_service_error().and_then(ProvideErrorMetadata::code);
        code.is_some_and(|code| is_throttling(short_code(code)))
    }
}

/// Makes a request again that was throttled, and so was not carried out.
pub(super) async fn retrying<T, E, F>(request: impl Fn() -> F) -> std::result::Result<T, E>
where
    E: MayThrottle,
    F: Future<Output = std::result::Result<T, E>>,
{
    for tries in 1..TRIES {
        match request().await {
            Err(error) if error.is_throttled() => {
                tokio::time::sleep(TRY_AGAIN.pause(tries)).await;
            }
            settled => return settled,
        }
    }
    request().await
}
