//! The store over a real table, and the table seen past the store.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Builder, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};
use longshore_tasks::life::{Standing, Survives, When};
use longshore_tasks::store::{
    AskedRow, DynamoOptions, LifeRow, ListQuery, Row, StoreLocation, Write, Written,
};
use longshore_tasks::{Clock, DynamoStore, Store, StoreError, TaskId};
use longshore_types::Timestamp;

const VARIABLE: &str = "LONGSHORE_TEST_DYNAMODB";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A clock that is moved by hand.
#[derive(Debug)]
struct ManualClock(AtomicU64);

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// A table of a test's own, and what looks past the store.
struct World {
    options: DynamoOptions,
    clock: Arc<ManualClock>,
    client: Client,
}

impl World {
    /// `None`, and a word on it, without a server.
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    fn new() -> Option<Self> {
        static TABLES: AtomicU32 = AtomicU32::new(0);
        let Ok(url) = std::env::var(VARIABLE) else {
            eprintln!("skipped: {VARIABLE} names no server, as dynamodb://TABLE?endpoint_url=…");
            return None;
        };
        StoreLocation::parse(&url).unwrap();
        let parameter = |name: &str| {
            let query = url.split_once('?').map_or("", |(_, query)| query);
            query
                .split('&')
                .find_map(|it| it.strip_prefix(name)?.strip_prefix('='))
                .map(str::to_owned)
        };
        let number = TABLES.fetch_add(1, Ordering::Relaxed);
        let options = DynamoOptions {
            region: parameter("region"),
            endpoint_url: parameter("endpoint_url"),
            ..DynamoOptions::new(format!("own-{}-{number}", std::process::id()))
        };
        // Not before the server's own time, by which it removes items.
        let clock = Arc::new(ManualClock(AtomicU64::new(4_000_000_000_000)));
        let client = client(&options);
        Some(Self { options, clock, client })
    }

    async fn open(&self) -> DynamoStore {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        DynamoStore::connect_with_clock(self.options.clone(), clock).await.unwrap()
    }

    fn pass(&self, duration: Duration) {
        let millis = u64::try_from(duration.as_millis()).unwrap();
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// All items of a hash key.
    async fn items(&self, pk: &str) -> Vec<HashMap<String, AttributeValue>> {
        let query = self.client.query().table_name(&self.options.table);
        let query = query.key_condition_expression("pk = :pk");
        let query = query.expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()));
        let pages = query.into_paginator().items().send();
        pages.collect::<Result<Vec<_>, _>>().await.unwrap()
    }
}

/// A client that needs no credentials of the environment: its server looks at none.
fn client(options: &DynamoOptions) -> Client {
    let http = aws_smithy_http_client::Builder::new().build_http();
    let config = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http)
        .region(Region::new(options.region.clone().unwrap_or("us-east-1".to_owned())))
        .endpoint_url(options.endpoint_url.clone().unwrap())
        .credentials_provider(Credentials::new("local", "local", None, None, "a test"));
    Client::from_conf(config.build())
}

fn first(id: &str, mark: u64, asked: &str, keep: When) -> Write {
    let asked =
        AskedRow { text: asked.to_owned(), queue: "tasks".to_owned(), ..AskedRow::default() };
    Write { expected: None, asked: Some(asked), ..over(id, 0, mark, "life", keep) }
}

fn over(id: &str, version: u64, mark: u64, life: &str, keep: When) -> Write {
    let (text, standing) = (life.to_owned(), Standing::Pending);
    let life = LifeRow { text, standing, until: None, wake: None, keep };
    Write {
        id: TaskId::parse(id).unwrap(),
        expected: Some(version),
        mark,
        asked: None,
        life,
        survives: Survives::PowerCut,
    }
}

async fn write(store: &DynamoStore, write: Write) -> Written {
    store.write(vec![write]).await.unwrap().value.pop().unwrap()
}

async fn read(store: &DynamoStore, id: &str) -> Option<Row> {
    store.read(vec![TaskId::parse(id).unwrap()]).await.unwrap().value.pop().unwrap()
}

fn number(item: &HashMap<String, AttributeValue>, name: &str) -> u64 {
    item[name].as_n().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_long_text_is_in_parts_that_expire_with_or_after_their_record() {
    let Some(world) = World::new() else { return };
    let store = world.open().await;
    let (asked, life) = ("é".repeat(400_000), "x".repeat(400_000));
    let keep = When::In(DAY);
    assert_eq!(write(&store, first("a", 1, &asked, keep)).await, Written::Done);
    assert_eq!(write(&store, over("a", 1, 2, &life, keep)).await, Written::Done);
    let row = read(&store, "a").await.unwrap();
    assert!(row.asked.text == asked && row.life.text == life);
    let items = world.items("a").await;
    assert_eq!(items.len(), 1 + 3 + 2);
    let record = items.iter().find(|item| item.contains_key("version")).unwrap();
    assert!(items.iter().all(|item| number(item, "ttl") >= number(record, "ttl")));
    assert_eq!(number(record, "ttl"), (world.clock.now() + DAY).as_millis() / 1000);
}

#[tokio::test]
async fn parts_of_what_was_asked_are_renewed_for_a_record_that_is_kept_for_longer() {
    let Some(world) = World::new() else { return };
    let store = world.open().await;
    let asked = "x".repeat(400_000);
    assert_eq!(write(&store, first("a", 1, &asked, When::In(DAY))).await, Written::Done);
    let month = When::In(30 * DAY);
    assert_eq!(write(&store, over("a", 1, 2, "longer", month)).await, Written::Done);
    let until = (world.clock.now() + 30 * DAY).as_millis() / 1000;
    let items = world.items("a").await;
    assert_eq!(items.len(), 3);
    assert!(items.iter().all(|item| number(item, "ttl") >= until));
    let row = read(&store, "a").await.unwrap();
    assert!(row.version == 2 && row.life.text == "longer" && row.asked.text == asked);
    // Somebody else's version is a conflict and renews nothing.
    let late = write(&store, over("a", 1, 3, "late", When::In(90 * DAY))).await;
    assert!(matches!(late, Written::Conflict(Some(row)) if row.version == 2));
    assert!(world.items("a").await.iter().all(|item| number(item, "ttl") < until + 30 * 86_400));
}

#[tokio::test]
async fn parts_of_a_lost_race_are_not_mixed_with_the_winners() {
    let Some(world) = World::new() else { return };
    let store = world.open().await;
    let (winner, loser) = ("w".repeat(400_000), "l".repeat(400_000));
    let keep = When::In(DAY);
    write(&store, first("a", 1, "asked", keep)).await;
    assert_eq!(write(&store, over("a", 1, 2, &winner, keep)).await, Written::Done);
    let lost = write(&store, over("a", 1, 3, &loser, keep)).await;
    assert!(
        matches!(lost, Written::Conflict(Some(row)) if row.mark == 2 && row.life.text == winner)
    );
    assert!(read(&store, "a").await.unwrap().life.text == winner);
}

#[tokio::test]
async fn a_record_that_lost_a_part_is_left_alone_and_the_others_are_read() {
    let Some(world) = World::new() else { return };
    let store = world.open().await;
    let keep = When::In(DAY);
    write(&store, first("a", 1, &"x".repeat(400_000), keep)).await;
    write(&store, first("b", 1, "asked", keep)).await;
    let part =
        world.items("a").await.into_iter().find(|item| !item.contains_key("version")).unwrap();
    let key = part.into_iter().filter(|(name, _)| name == "pk" || name == "sk").collect();
    let delete = world.client.delete_item().table_name(&world.options.table);
    delete.set_key(Some(key)).send().await.unwrap();
    let ids = ["a", "b"].map(|id| TaskId::parse(id).unwrap()).to_vec();
    let rows = store.read(ids).await.unwrap().value;
    let texts: Vec<&str> =
        rows.iter().map(|row| row.as_ref().unwrap().asked.text.as_str()).collect();
    assert_eq!(texts, ["", "asked"]);
}

#[tokio::test]
async fn what_is_over_and_not_yet_removed_hides_nothing() {
    let Some(world) = World::new() else { return };
    let store = world.open().await;
    for number in 0..40 {
        let mut over = first(&format!("over-{number}"), 1, "asked", When::In(DAY));
        over.life.wake = Some(When::In(Duration::from_secs(number)));
        write(&store, over).await;
    }
    let mut due = first("due", 1, "asked", When::In(9 * DAY));
    due.life.wake = Some(When::In(DAY));
    write(&store, due).await;
    world.pass(2 * DAY);
    let found = store.due(1).await.unwrap().value;
    assert_eq!(found.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["due"]);
    let page = store.list(ListQuery { count_max: 1, ..ListQuery::default() }).await.unwrap().value;
    assert_eq!(page.rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["due"]);
    assert_eq!(page.next, None);
}

#[tokio::test]
async fn a_heartbeat_leaves_the_index_of_what_is_due_to_whom_it_belongs() {
    let Some(world) = World::new() else { return };
    let store = world.open().await;
    let keep = When::In(DAY);
    let mut waking = first("a", 1, "asked", keep);
    waking.life.wake = Some(When::In(Duration::ZERO));
    write(&store, waking).await;
    assert_eq!(store.due(10).await.unwrap().value.len(), 1);
    write(&store, over("a", 1, 2, "no wake", keep)).await;
    assert_eq!(store.due(10).await.unwrap().value, []);
}

#[tokio::test]
async fn a_table_of_a_later_version_is_refused() {
    let Some(world) = World::new() else { return };
    world.open().await;
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let put = world.client.put_item().table_name(&world.options.table);
    let put = put.item("pk", text("longshore")).item("sk", text("format"));
    put.item("format", AttributeValue::N("2".to_owned())).send().await.unwrap();
    let error = DynamoStore::connect(world.options.clone()).await.unwrap_err();
    assert!(matches!(error, StoreError::TooNew { found: 2, known: 1, .. }), "{error}");
}

#[tokio::test]
async fn somebody_elses_table_is_refused_and_left_alone() {
    let Some(world) = World::new() else { return };
    let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash);
    let id = AttributeDefinition::builder().attribute_name("id");
    let id = id.attribute_type(ScalarAttributeType::S);
    let create = world.client.create_table().table_name(&world.options.table);
    let create = create.billing_mode(BillingMode::PayPerRequest);
    let create = create.key_schema(key.build().unwrap());
    create.attribute_definitions(id.build().unwrap()).send().await.unwrap();
    let error = DynamoStore::connect(world.options.clone()).await.unwrap_err();
    assert!(matches!(error, StoreError::Unsafe { .. }), "{error}");
    assert!(error.to_string().contains("`pk`"), "{error}");
}

#[tokio::test]
async fn a_table_can_be_made_twice_and_removes_what_is_over_by_itself() {
    let Some(world) = World::new() else { return };
    DynamoStore::create_table(&world.options).await.unwrap();
    DynamoStore::create_table(&world.options).await.unwrap();
    let request = world.client.describe_time_to_live().table_name(&world.options.table);
    let ttl = request.send().await.unwrap().time_to_live_description.unwrap();
    assert_eq!(ttl.attribute_name(), Some("ttl"));
}
