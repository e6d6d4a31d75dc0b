//! The table itself: how it is made, and whether one that is there is fit.

use std::time::Duration;

use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::operation::create_table::builders::CreateTableFluentBuilder;
use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, IndexStatus, KeySchemaElement, KeyType,
    Projection, ProjectionType, ScalarAttributeType, TableDescription, TableStatus,
    TimeToLiveSpecification, TimeToLiveStatus,
};

use super::expression::Expression;
use super::item;
use super::key::{Key, PK, SK};
use super::table::{Outcome, Table, retrying};
use crate::store::{Result, StoreError};

/// The index of lists: records by when they were made.
pub(super) const LIST: &str = "list";
/// The index of what is due: records that have a time to wake.
pub(super) const DUE: &str = "due";
/// What the index `list` holds, to be filtered by.
const LISTED: [&str; 6] = ["keep", "standing", "name", "queue", "key", "tags"];
/// The attribute by which `DynamoDB` removes items, in seconds.
const TTL: &str = "ttl";
/// The format of the items that this version writes, and the latest that it reads.
const FORMAT: u32 = 1;
/// How often a table that is being made is looked at, and for how long.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(500);
const LOOKS: u32 = 240;

/// A hash key and a sort key, with their types.
type Keys = [(&'static str, ScalarAttributeType); 2];

/// The keys of the table and of its indexes.
const SCHEMA: [(Option<&str>, Keys); 3] = [
    (None, [(PK, ScalarAttributeType::S), (SK, ScalarAttributeType::S)]),
    (Some(LIST), [("bucket", ScalarAttributeType::N), ("place", ScalarAttributeType::S)]),
    (Some(DUE), [("bucket", ScalarAttributeType::N), ("wake", ScalarAttributeType::N)]),
];

/// Looks whether the table is there and fit; makes it if it is missing and `may_create`.
pub(super) async fn check(table: &Table, may_create: bool) -> Result<()> {
    let description = match describe(table).await? {
        Some(description) => description,
        None if may_create => return create(table).await,
        None => return Err(missing(table)),
    };
    check_schema(table, &description)?;
    wait_until_active(table).await?;
    check_ttl(table).await;
    check_format(table).await
}

/// Makes the table with its indexes, and waits until it can be used. One that is there is left as
/// it is.
pub(super) async fn create(table: &Table) -> Result<()> {
    let request = creation(table);
    match retrying(|| request.clone().send()).await {
        Ok(_) => {
            wait_until_active(table).await?;
            switch_ttl_on(table).await?;
        }
        Err(error) => match error.as_service_error() {
            Some(CreateTableError::ResourceInUseException(_)) => wait_until_active(table).await?,
            _ => return Err(table.failed("make its table", &error)),
        },
    }
    check_format(table).await
}

fn creation(table: &Table) -> CreateTableFluentBuilder {
    let mut request = table.client.create_table().table_name(&table.aws_name);
    request = request.billing_mode(BillingMode::PayPerRequest);
    let mut defined = Vec::new();
    for (index, keys) in SCHEMA {
        for (name, kind) in &keys {
            if !defined.contains(name) {
                let attribute = AttributeDefinition::builder().attribute_name(*name);
                let attribute = attribute.attribute_type(kind.clone()).build();
                request = request.attribute_definitions(attribute.expect("both are given"));
                defined.push(name);
            }
        }
        request = match index {
            None => request.set_key_schema(Some(key_schema(&keys))),
            Some(index) => request.global_secondary_indexes(secondary(index, &keys)),
        };
    }
    request
}

fn key_schema(keys: &Keys) -> Vec<KeySchemaElement> {
    let kinds = [KeyType::Hash, KeyType::Range];
    let element = |((name, _), kind): (&(&str, ScalarAttributeType), KeyType)| {
        let element = KeySchemaElement::builder().attribute_name(*name).key_type(kind);
        element.build().expect("both are given")
    };
    keys.iter().zip(kinds).map(element).collect()
}

fn secondary(index: &str, keys: &Keys) -> GlobalSecondaryIndex {
    let held = if index == LIST { &LISTED[..] } else { &["keep"] };
    let held = held.iter().map(|&name| name.to_owned()).collect();
    let projection = Projection::builder().projection_type(ProjectionType::Include);
    let index = GlobalSecondaryIndex::builder().index_name(index);
    let index = index.set_key_schema(Some(key_schema(keys)));
    let index = index.projection(projection.set_non_key_attributes(Some(held)).build());
    index.build().expect("name and keys are given")
}

async fn describe(table: &Table) -> Result<Option<TableDescription>> {
    let request = table.client.describe_table().table_name(&table.aws_name);
    match retrying(|| request.clone().send()).await {
        Ok(answer) => Ok(answer.table),
        Err(error) => match error.as_service_error() {
            Some(DescribeTableError::ResourceNotFoundException(_)) => Ok(None),
            _ => Err(table.failed("look at its table", &error)),
        },
    }
}

/// Waits while the table or an index of it is being made.
async fn wait_until_active(table: &Table) -> Result<()> {
    for _ in 0..LOOKS {
        let is_active = describe(table).await?.is_some_and(|found| {
            let indexes = found.global_secondary_indexes.unwrap_or_default();
            found.table_status == Some(TableStatus::Active)
                && indexes.iter().all(|it| it.index_status == Some(IndexStatus::Active))
        });
        if is_active {
            return Ok(());
        }
        tokio::time::sleep(LOOK_AGAIN_AFTER).await;
    }
    Err(StoreError::unavailable(&table.name, "wait for its table", "it is still being made"))
}

fn check_schema(table: &Table, found: &TableDescription) -> Result<()> {
    let indexes = found.global_secondary_indexes();
    for (index, keys) in SCHEMA {
        let expected = key_schema(&keys);
        let is_right = match index {
            None => found.key_schema() == expected,
            Some(name) => indexes
                .iter()
                .any(|it| it.index_name() == Some(name) && it.key_schema() == expected),
        };
        if !is_right {
            let [(hash, _), (sort, _)] = keys;
            let what = index.map_or("the table".to_owned(), |name| format!("its index `{name}`"));
            let reason = format!(
                "{what} needs the hash key `{hash}` and the sort key `{sort}`: name another \
                 table, or let Longshore make this one"
            );
            return Err(StoreError::Unsafe { store: table.name.clone(), reason });
        }
    }
    Ok(())
}

/// Says that there is no table, and what makes it.
fn missing(table: &Table) -> StoreError {
    let url = &table.name;
    let and = if url.contains('?') { '&' } else { '?' };
    let reason = format!(
        "there is no table {} in this account and region. To have it made, billed by request, \
         start once with the store {url}{and}create=true",
        table.aws_name
    );
    StoreError::Unsafe { store: url.clone(), reason }
}

async fn switch_ttl_on(table: &Table) -> Result<()> {
    let ttl = TimeToLiveSpecification::builder().attribute_name(TTL).enabled(true).build();
    let ttl = ttl.expect("both are given");
    let request = table.client.update_time_to_live().table_name(&table.aws_name);
    let request = request.time_to_live_specification(ttl);
    let answer = retrying(|| request.clone().send()).await;
    answer.map(drop).map_err(|error| table.failed("switch on the expiry of its items", &error))
}

/// Without expiry the table grows for ever, and answers right all the same.
async fn check_ttl(table: &Table) {
    let request = table.client.describe_time_to_live().table_name(&table.aws_name);
    let Ok(answer) = request.send().await else { return };
    let ttl = answer.time_to_live_description;
    let status = ttl.as_ref().and_then(|ttl| ttl.time_to_live_status.clone());
    let is_ours = ttl.as_ref().and_then(|ttl| ttl.attribute_name()) == Some(TTL);
    let is_on = matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling));
    if !(is_on && is_ours) {
        let store = &table.name;
        tracing::warn!(%store, "old records stay: switch on its time to live, attribute `{TTL}`");
    }
}

/// Notes the format in a table that has none yet, and refuses a later one.
async fn check_format(table: &Table) -> Result<()> {
    const ACTION: &str = "look at its format";
    let mut item = Key::format().attributes();
    item.insert("format".to_owned(), item::number(FORMAT.into()));
    let expression = Expression::default().must("attribute_not_exists(#pk)");
    let found = match table.put(ACTION, item, &expression).await? {
        Outcome::Done(_) => return Ok(()),
        Outcome::Refused(found) => found.and_then(|item| item::get_number(&item, "format")),
    };
    let found = found.and_then(|found| u32::try_from(found).ok()).unwrap_or(u32::MAX);
    if found > FORMAT {
        return Err(StoreError::TooNew { store: table.name.clone(), found, known: FORMAT });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::store::dynamodb::{DynamoOptions, table};

    /// Answers one request: there is no such table.
    async fn without_table(listener: TcpListener) {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        assert!(connection.read(&mut request).await.unwrap() > 0);
        let body = r#"{"__type":"x#ResourceNotFoundException","message":"none"}"#;
        let head = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.0";
        let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        connection.write_all(answer.as_bytes()).await.unwrap();
    }

    #[tokio::test]
    async fn a_missing_table_is_an_error_that_says_how_it_is_made() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint_url = Some(format!("http://{}", listener.local_addr().unwrap()));
        let options = DynamoOptions { endpoint_url, ..DynamoOptions::new("tasks") };
        let table = table(&options).await.unwrap();
        let (checked, ()) = tokio::join!(check(&table, false), without_table(listener));
        let url = DynamoOptions { create: true, ..options }.to_string();
        let error = checked.unwrap_err().to_string();
        assert!(error.ends_with(&url), "{error}");
    }
}
