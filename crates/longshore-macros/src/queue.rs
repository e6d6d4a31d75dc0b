//! The queue of a task: a name by the rules of `longshore_types::QueueName`, or a URL.

use syn::{Error, LitStr, Result};

const NAME_BYTES_MAX: usize = 80;

/// Refuses a text that names no queue.
pub(crate) fn check(queue: &LitStr) -> Result<()> {
    let text = queue.value();
    if text.contains("://") || is_name(&text) {
        return Ok(());
    }
    let message = format!(
        "`{text}` is neither a queue's name nor its URL: a name has 1 to 80 letters, digits, \
         hyphens and underscores, and a FIFO queue's ends in .fifo"
    );
    Err(Error::new(queue.span(), message))
}

fn is_name(text: &str) -> bool {
    let stem = text.strip_suffix(".fifo").unwrap_or(text);
    let part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !stem.is_empty() && text.len() <= NAME_BYTES_MAX && stem.bytes().all(part)
}

#[cfg(test)]
mod tests {
    use longshore_types::QueueName;

    use super::is_name;

    #[test]
    fn a_queue_is_named_as_everywhere_else() {
        let long = "x".repeat(81);
        for text in ["a", "A-b_9", "orders.fifo", &long[1..], "", ".fifo", "a b", "ä", "a.b", &long]
        {
            assert_eq!(is_name(text), QueueName::parse(text).is_ok(), "{text}");
        }
    }
}
