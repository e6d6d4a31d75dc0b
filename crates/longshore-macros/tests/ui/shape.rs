//! Types that cannot be tasks, and attributes where they would say nothing.

use longshore_macros::Task;

#[derive(Task)]
struct Generic<T>(T);

#[derive(Task)]
struct Borrowed<'a> {
    image: &'a str,
}

#[derive(Task)]
union Union {
    image: u32,
}

#[derive(Task)]
struct OnField {
    #[task(key)]
    image: String,
}

#[derive(Task)]
enum OnVariant {
    #[task(name = "thumbnail")]
    Thumbnail,
}

fn main() {}
