//! Keys that name no field.

use longshore_macros::Task;

#[derive(Task)]
#[task(key = "imgae.id")]
struct Misspelled {
    image: String,
    width: u32,
}

#[derive(Task)]
#[task(key = "2")]
struct OutOfTuple(String, u32);

#[derive(Task)]
#[task(key = "image")]
struct Unit;

#[derive(Task)]
#[task(key = "image")]
enum Enum {
    Thumbnail { image: String },
}

#[derive(Task)]
#[task(key = "image..id")]
struct NoName {
    image: String,
}

fn main() {}
