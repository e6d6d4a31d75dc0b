//! All that is wrong with a type is shown at once.

use longshore_macros::Task;

#[derive(Task)]
#[task(replies = HashMap<String, u32>, timeout = "0s", concurrency = 0, retry(attempts = 0, backoff = "2s"), key = "id")]
struct Thumbnail {
    image: String,
}

fn main() {}
