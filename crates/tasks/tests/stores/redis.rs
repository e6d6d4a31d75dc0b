//! The store in Redis.

use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::life::When;
use longshore_tasks::store::{Expected, PutValue, Written};
use longshore_tasks::{RedisStore, Store, StoreError};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::proxy::{Proxy, host_of};
use crate::rows::{LONG, first, next, server, unused};

const SERVER: &str = "LONGSHORE_TEST_REDIS";

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://ann:s3cret@{}/", listener.local_addr().unwrap());
    drop(listener);
    let error = RedisStore::connect(&url, "longshore").await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_silent_is_unavailable_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}/", listener.local_addr().unwrap());
    let begun = Instant::now();
    let error = RedisStore::connect(&url, "longshore").await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_server_may_go_and_come_back() {
    let Some(url) = server(SERVER) else { return };
    let (host, through) = host_of(&url);
    let mut proxy = Proxy::before(host).await;
    let store = RedisStore::connect(&through(proxy.address()), &unused("gone")).await.unwrap();
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
async fn a_separate_store_has_a_connection_of_its_own() {
    let Some(url) = server(SERVER) else { return };
    let (host, through) = host_of(&url);
    let proxy = Proxy::before(host).await;
    let url = through(proxy.address());
    let store = Arc::new(RedisStore::connect(&url, &unused("separate")).await.unwrap());
    let before = proxy.connections();
    let separate = Arc::<RedisStore>::clone(&store).separate().await.unwrap();
    separate.write(vec![first("a", LONG)]).await.unwrap();
    assert!(proxy.connections() > before);
    assert_eq!(store.write(vec![next("a", 1, LONG)]).await.unwrap().value, [Written::Done]);
}

#[tokio::test]
async fn nothing_is_left_of_what_is_over() {
    let Some(url) = server(SERVER) else { return };
    let prefix = unused("over");
    let store = RedisStore::connect(&url, &prefix).await.unwrap();
    let short = Duration::from_millis(50);
    store.write(vec![first("gone", short), first("again", short)]).await.unwrap();
    let keep = When::In(short);
    let (key, text) = ("v".to_owned(), String::new());
    let put = PutValue { key, expected: Expected::Nothing, mark: 1, text, keep };
    let until = store.put_value(put).await.unwrap().now + short;
    while store.due(10).await.unwrap().now <= until {
        tokio::task::yield_now().await;
    }
    // A later row of that id is not taken for the earlier one.
    store.write(vec![first("again", LONG)]).await.unwrap();
    while store.expire(1).await.unwrap() > 0 {}
    let mut keys = keys(&url, &prefix).await;
    keys.sort_unstable();
    let expected = ["due", "failed", "format", "keep", "list", "task:again"];
    assert_eq!(keys, expected.map(|key| format!("{{{prefix}}}:{key}")));
}

async fn keys(url: &str, prefix: &str) -> Vec<String> {
    let client = redis::Client::open(url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut command = redis::cmd("KEYS");
    command.arg(format!("{{{prefix}}}*")).query_async(&mut connection).await.unwrap()
}

#[tokio::test]
async fn what_a_later_version_wrote_is_left_alone() {
    let Some(url) = server(SERVER) else { return };
    let prefix = unused("later");
    let client = redis::Client::open(url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut command = redis::cmd("SET");
    command.arg(format!("{{{prefix}}}:format")).arg(9);
    command.exec_async(&mut connection).await.unwrap();
    let error = RedisStore::connect(&url, &prefix).await.unwrap_err();
    assert!(matches!(error, StoreError::TooNew { found: 9, known: 1, .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_would_lose_records_is_refused() {
    let url = play_server(Some(["no", "everysec", "allkeys-lru"])).await;
    let error = RedisStore::connect(&url, "longshore").await.unwrap_err();
    assert!(matches!(error, StoreError::Unsafe { .. }), "{error:?}");
    let text = error.to_string();
    for command in ["appendonly yes", "appendfsync always", "maxmemory-policy noeviction"] {
        assert!(text.contains(&format!("CONFIG SET {command}")), "{text}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_show_its_settings_is_used() {
    let url = play_server(None).await;
    RedisStore::connect(&url, "longshore").await.unwrap();
}

/// A server with those values of `appendonly`, `appendfsync` and `maxmemory-policy`; or with none that
/// it shows.
async fn play_server(settings: Option<[&'static str; 3]>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        play(stream, settings).await;
    });
    url
}

async fn play(stream: TcpStream, settings: Option<[&'static str; 3]>) {
    let mut stream = BufReader::new(stream);
    while let Some(command) = next_command(&mut stream).await {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let answer = match (words.as_slice(), settings) {
            (["PING"], _) => "+PONG\r\n".to_owned(),
            (["CONFIG", "GET", _], None) => "-NOPERM no permission\r\n".to_owned(),
            (["CONFIG", "GET", setting], Some([only, sync, policy])) => {
                let value = match *setting {
                    "appendonly" => only,
                    "appendfsync" => sync,
                    _ => policy,
                };
                format!("*2\r\n+{setting}\r\n+{value}\r\n")
            }
            (["SETNX", ..], _) => ":1\r\n".to_owned(),
            (["GET", ..], _) => "+1\r\n".to_owned(),
            _ => "+OK\r\n".to_owned(),
        };
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

/// A command as clients send it: an array of texts, each behind its length.
async fn next_command(stream: &mut BufReader<TcpStream>) -> Option<Vec<String>> {
    let count = next_length(stream).await?;
    let mut words = Vec::new();
    for _ in 0..count {
        let mut word = vec![0; next_length(stream).await? + 2];
        stream.read_exact(&mut word).await.ok()?;
        word.truncate(word.len() - 2);
        words.push(String::from_utf8(word).unwrap());
    }
    Some(words)
}

async fn next_length(stream: &mut BufReader<TcpStream>) -> Option<usize> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    line.get(1..)?.trim_end().parse().ok()
}
