//! Where random numbers come from: one trait for broker, client and workers, so that a test decides
//! all of them by one seed.

use std::fmt::Debug;

/// Where random numbers come from: ids, the secret of receipt handles, the jitter of retries.
/// Production asks the operating system; tests pass numbers that they know.
///
/// ```
/// use longshore_types::RandomSource;
///
/// /// The same number each time, for a test.
/// #[derive(Debug)]
/// struct Fixed(u64);
///
/// impl RandomSource for Fixed {
///     fn next(&self) -> u64 {
///         self.0
///     }
/// }
///
/// let mut bytes = [0; 2];
/// Fixed(0x0102 << 48).fill(&mut bytes);
/// assert_eq!(bytes, [1, 2]);
/// ```
pub trait RandomSource: Debug + Send + Sync + 'static {
    /// 64 random bits.
    fn next(&self) -> u64;

    /// Fills `bytes`: by default with as many numbers as that takes, each from its highest byte on.
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_be_bytes()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    use super::*;

    /// 1, 2, 3 and so on.
    #[derive(Debug, Default)]
    struct Counting(AtomicU64);

    impl RandomSource for Counting {
        fn next(&self) -> u64 {
            self.0.fetch_add(1, Relaxed) + 1
        }
    }

    #[test]
    fn bytes_are_filled_to_the_last_and_no_number_is_used_twice() {
        let mut bytes = [9; 18];
        Counting::default().fill(&mut bytes);
        assert_eq!(bytes, [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0]);
    }
}
