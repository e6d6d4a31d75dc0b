//! Words that are none of those that an option has.

use longshore_macros::Task;

#[derive(Task)]
#[task(reply_by = "mail")]
struct ReplyBy;

#[derive(Task)]
#[task(queue = "my thumbnails")]
struct Queue;

fn main() {}
