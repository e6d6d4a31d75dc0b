//! Derived tasks say what their attributes say.

use std::any::TypeId;
use std::collections::HashMap;
use std::time::Duration;

use longshore_tasks::{
    Backoff, Codec, CodecError, Json, RateLimit, ReplyMode, RetryPolicy, Task, TaskOptions,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize, Task)]
#[task(
    name = "thumbnail",
    reply = String,
    timeout = "30s",
    retry(attempts = 8, backoff = "2s..15m"),
    key = "image",
    concurrency = 16,
    concurrency_per_key = 2,
    retention = "4d",
    reply_by = "store",
    queue = "thumbnails",
    codec = Plain,
    crate = longshore_tasks,
)]
struct Thumbnail {
    image: String,
}

/// The image alone, as it is.
struct Plain;

impl Codec<Thumbnail> for Plain {
    fn encode_argument(task: &Thumbnail) -> Result<String, CodecError> {
        Ok(task.image.clone())
    }

    fn decode_argument(body: &str) -> Result<Thumbnail, CodecError> {
        Ok(Thumbnail { image: body.to_owned() })
    }

    fn encode_reply(reply: &String) -> Result<String, CodecError> {
        Ok(reply.clone())
    }

    fn decode_reply(body: &str) -> Result<String, CodecError> {
        Ok(body.to_owned())
    }
}

fn reply_is<T: Task, R: 'static>() -> bool {
    TypeId::of::<T::Reply>() == TypeId::of::<R>()
}

fn codec_is<T: Task, C: 'static>() -> bool
where
    T::Codec: 'static,
{
    TypeId::of::<T::Codec>() == TypeId::of::<C>()
}

#[test]
fn every_option_that_is_said_is_there() {
    let expected = TaskOptions::new()
        .queue("thumbnails")
        .retry(
            RetryPolicy::default()
                .attempts(8)
                .backoff(Backoff::new(Duration::from_secs(2), Duration::from_secs(900))),
        )
        .timeout(Duration::from_secs(30))
        .concurrency(16)
        .concurrency_per_key(2)
        .reply(ReplyMode::Store)
        .retention(Duration::from_secs(345_600));
    assert_eq!(Thumbnail::options(), expected);
    assert_eq!(Thumbnail::NAME, "thumbnail");
    assert!(reply_is::<Thumbnail, String>() && codec_is::<Thumbnail, Plain>());
    let task = Thumbnail { image: "cat.png".to_owned() };
    assert_eq!(task.key().as_deref(), Some("cat.png"));
    assert_eq!(<Thumbnail as Task>::Codec::encode_argument(&task).unwrap(), "cat.png");
}

#[derive(Serialize, Deserialize, Task)]
#[task(crate = longshore_tasks)]
struct SweepCaches;

#[test]
fn what_is_not_said_is_left_to_the_worker() {
    assert_eq!(SweepCaches::NAME, "sweep-caches");
    assert_eq!(SweepCaches::options(), TaskOptions::default());
    assert_eq!(SweepCaches.key(), None);
    const { assert!(Thumbnail::HAS_KEY && !SweepCaches::HAS_KEY) };
    assert!(reply_is::<SweepCaches, ()>() && codec_is::<SweepCaches, Json>());
}

#[derive(Serialize, Deserialize, Task)]
#[task(crate = longshore_tasks, reply = HashMap<String, Vec<u32>>, reply_by = "none")]
#[task(name = "größe", retry(attempts = 1), timeout = "1500ms")]
enum Measure {
    Image { image: String },
    Film(String),
    Nothing,
}

#[test]
fn an_enum_is_a_task_and_attributes_add_up() {
    let all = [Measure::Nothing, Measure::Film("a".into()), Measure::Image { image: "b".into() }];
    assert!(all.iter().all(|task| task.key().is_none()));
    assert_eq!(Measure::NAME, "größe");
    assert!(reply_is::<Measure, HashMap<String, Vec<u32>>>());
    let expected = TaskOptions::new()
        .retry(RetryPolicy::never())
        .timeout(Duration::from_millis(1500))
        .reply(ReplyMode::None);
    assert_eq!(Measure::options(), expected);
}

#[derive(Serialize, Deserialize, Task)]
#[task(rate_limit = "100/m", crate = longshore_tasks)]
struct Fetch;

#[derive(Serialize, Deserialize, Task)]
#[task(rate_limit = "20/s burst 5", crate = longshore_tasks)]
struct Ask;

#[test]
fn a_rate_is_what_the_framework_reads_from_the_same_text() {
    assert_eq!(Fetch::options().rate_limit, "100/m".parse().ok());
    assert_eq!(Ask::options().rate_limit, "20/s burst 5".parse().ok());
    assert_eq!(Fetch::options().rate_limit, Some(RateLimit::per_minute(100)));
}

#[derive(Serialize, Deserialize)]
struct Owner {
    id: u64,
    r#type: (char, bool),
}

#[derive(Serialize, Deserialize, Task)]
#[task(key = "owner.id", retry(backoff = "100ms..1s"), crate = ::longshore_tasks)]
struct Bill {
    owner: Owner,
}

#[derive(Serialize, Deserialize, Task)]
#[task(key = "1.type.0", reply_by = "queue", crate = longshore_tasks)]
struct Remind(u32, Owner);

#[derive(Serialize, Deserialize, Task)]
#[task(key = "type", crate = longshore_tasks)]
struct r#Match {
    r#type: String,
}

#[test]
fn a_key_is_a_field_or_a_path_of_fields() {
    let owner = |id| Owner { id, r#type: ('x', true) };
    assert_eq!(Bill { owner: owner(7) }.key().as_deref(), Some("7"));
    assert_eq!(Remind(1, owner(7)).key().as_deref(), Some("x"));
    assert_eq!(r#Match { r#type: "fire".to_owned() }.key().as_deref(), Some("fire"));
    assert_eq!(r#Match::NAME, "match");
}

#[test]
fn half_a_retry_takes_the_other_half_from_the_default() {
    let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
    let expected = TaskOptions::new().retry(RetryPolicy::default().backoff(backoff));
    assert_eq!(Bill::options(), expected);
}

#[derive(Serialize, Deserialize, Task)]
#[task(reply_by = "queue", timeout = "1m", retry(attempts = 2))]
struct Knock;

#[test]
fn the_framework_is_found_through_the_front_door() {
    assert_eq!(Knock::options().reply, Some(ReplyMode::Queue));
    assert!(codec_is::<Knock, Json>());
}

/// Names of std and of the framework that an application has taken for its own.
mod shadowed {
    use serde::{Deserialize, Serialize};

    #[expect(dead_code, reason = "they only stand in the way")]
    mod taken {
        pub(super) struct Option;
        pub(super) struct String;
        pub(super) struct TaskOptions;
        pub(super) struct Json;
        pub(super) struct Duration;
    }
    #[expect(unused_imports, reason = "they only stand in the way")]
    use taken::{Duration, Json, Option, String, TaskOptions};

    #[derive(Serialize, Deserialize, longshore_tasks::Task)]
    #[task(key = "0", timeout = "1s", crate = longshore_tasks)]
    pub(super) struct Ping(pub(super) u8);
}

#[test]
fn names_of_the_application_do_not_stand_in_the_way() {
    assert_eq!(shadowed::Ping(1).key().as_deref(), Some("1"));
}

macro_rules! task {
    ($name:ident, $field:ident, $key:literal) => {
        #[derive(Serialize, Deserialize, Task)]
        #[task(key = $key, crate = longshore_tasks)]
        struct $name {
            $field: u8,
        }
    };
}

task!(Made, number, "number");

#[test]
fn a_task_can_come_from_another_macro() {
    assert_eq!(Made { number: 3 }.key().as_deref(), Some("3"));
}
