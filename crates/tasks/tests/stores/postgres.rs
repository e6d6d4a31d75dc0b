//! The store in `PostgreSQL`.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use longshore_tasks::store::Written;
use longshore_tasks::{PostgresStore, Store, StoreError, StoreLocation, SystemClock};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::proxy::{Proxy, host_of};
use crate::rows::{LONG, first, next, server, unused};

const SERVER: &str = "LONGSHORE_TEST_POSTGRES";

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://ann:s3cret@{}/tasks", listener.local_addr().unwrap());
    drop(listener);
    let error = PostgresStore::connect(&url, "longshore").await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_silent_is_unavailable_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://ann@{}/tasks", listener.local_addr().unwrap());
    let begun = Instant::now();
    let error = PostgresStore::connect(&url, "longshore").await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_server_may_go_and_come_back() {
    let Some(url) = server(SERVER) else { return };
    let (host, through) = host_of(&url);
    let mut proxy = Proxy::before(host).await;
    let url = through(proxy.address());
    let store = PostgresStore::connect(&url, &unused("gone")).await.unwrap();
    store.write(vec![first("a", LONG)]).await.unwrap();
    proxy.go().await;
    let error = store.write(vec![next("a", 1, LONG)]).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    proxy.come_back().await;
    let written = store.write(vec![next("a", 1, LONG)]).await.unwrap().value;
    assert_eq!(written, [Written::Done]);
    // Between two calls nobody notices.
    proxy.go().await;
    proxy.come_back().await;
    let written = store.write(vec![next("a", 2, LONG)]).await.unwrap().value;
    assert_eq!(written, [Written::Done]);
}

#[tokio::test]
async fn a_separate_store_has_connections_of_its_own() {
    let Some(url) = server(SERVER) else { return };
    let (host, through) = host_of(&url);
    let proxy = Proxy::before(host).await;
    let url = through(proxy.address());
    let store = Arc::new(PostgresStore::connect(&url, &unused("separate")).await.unwrap());
    let before = proxy.connections();
    let separate = Arc::<PostgresStore>::clone(&store).separate().await.unwrap();
    separate.write(vec![first("a", LONG)]).await.unwrap();
    assert!(proxy.connections() > before);
    assert_eq!(store.write(vec![next("a", 1, LONG)]).await.unwrap().value, [Written::Done]);
}

/// All of a transaction's rows bear its number.
#[tokio::test]
async fn what_callers_of_a_process_write_at_once_is_one_commit() {
    let Some(url) = server(SERVER) else { return };
    let store = StoreLocation::parse(&url).unwrap().open(Arc::new(SystemClock)).await.unwrap();
    let ids: Vec<String> = (0..50).map(|number| format!("{}-{number}", unused("one"))).collect();
    for written in join_all(ids.iter().map(|id| store.write(vec![first(id, LONG)]))).await {
        assert_eq!(written.unwrap().value, [Written::Done]);
    }
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let sql = "SELECT count(DISTINCT xmin::text) FROM longshore.tasks WHERE id = ANY ($1)";
    let commits: i64 = client.query_one(sql, &[&ids]).await.unwrap().get(0);
    assert_eq!(commits, 1);
    connection.abort();
}

#[tokio::test]
async fn several_may_make_the_tables_at_once() {
    let Some(url) = server(SERVER) else { return };
    let schema = unused("made");
    let stores = (0..6).map(|_| PostgresStore::connect(&url, &schema));
    for store in join_all(stores).await {
        store.unwrap();
    }
}

#[tokio::test]
async fn tables_of_a_later_version_are_left_alone() {
    let Some(url) = server(SERVER) else { return };
    let schema = unused("later");
    PostgresStore::connect(&url, &schema).await.unwrap();
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.execute(&format!("UPDATE {schema}.format SET version = 9"), &[]).await.unwrap();
    let error = PostgresStore::connect(&url, &schema).await.unwrap_err();
    assert!(matches!(error, StoreError::TooNew { found: 9, known: 1, .. }), "{error:?}");
    connection.abort();
}

#[tokio::test]
async fn a_schema_with_a_strange_name_is_refused() {
    let error = PostgresStore::connect("postgres://nowhere/x", "a\"; --").await.unwrap_err();
    assert!(matches!(error, StoreError::Unsafe { .. }), "{error:?}");
}
