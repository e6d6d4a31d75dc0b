//! The bodies of the messages: each says which message it is, and is checked byte for byte.

use std::fmt::Write as _;

/// The body of message `number`, in about `bytes` bytes: the number, the length of what follows, and a filler that
/// follows from the two.
pub(crate) fn write(number: u64, bytes: usize) -> String {
    let mut body = format!("{number}:{bytes}:");
    body.reserve(bytes);
    let mut word = number;
    while body.len() < bytes {
        word = word.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        let _ = write!(body, "{word:016x}");
    }
    body
}

/// Which message this is the body of. `None` if a byte of it is wrong.
pub(crate) fn read(body: &str) -> Option<u64> {
    let mut parts = body.splitn(3, ':');
    let number = parts.next()?.parse().ok()?;
    let bytes = parts.next()?.parse().ok()?;
    (bytes <= 2 * body.len() + 64 && write(number, bytes) == body).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_told_by_its_number_and_a_wrong_byte_is_noticed() {
        for bytes in [0, 1, 100, 5000] {
            assert_eq!(read(&write(42, bytes)), Some(42), "{bytes}");
        }
        let body = write(42, 100);
        assert_eq!(read(&body.replace('a', "b")), None);
        assert_eq!(read(&body[..body.len() - 1]), None);
        assert_eq!(read(""), None);
    }
}
