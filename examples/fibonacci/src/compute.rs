//! The n-th Fibonacci number, exactly, counted so that the first is 0 and the second is 1.
//!
//! Fast doubling: with `F` counted from zero, `F(2k) = F(k)·(2F(k+1) − F(k))` and
//! `F(2k+1) = F(k)² + F(k+1)²`, so that a number of n bits is reached by n steps, one for each
//! bit of the index.

use num_bigint::BigUint;

/// The `position`-th number of 0, 1, 1, 2, 3, 5, 8, 13, …; the first is at position 1.
///
/// # Panics
///
/// At position 0, which no number has.
pub(crate) fn fibonacci(position: u64) -> BigUint {
    let index = position.checked_sub(1).expect("positions are counted from 1");
    let bits = u64::BITS - index.leading_zeros();
    let start = (BigUint::ZERO, BigUint::from(1_u8));
    let (number, _) = (0..bits).rev().fold(start, |pair, bit| double(&pair, index >> bit & 1 == 1));
    number
}

/// From `(F(k), F(k+1))` to the pair at 2k, or at 2k+1.
fn double((at, next): &(BigUint, BigUint), odd: bool) -> (BigUint, BigUint) {
    let even = at * ((next << 1_u8) - at);
    let after = at * at + next * next;
    if odd {
        let last = even + &after;
        (after, last)
    } else {
        (even, after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eighth_number_is_13_because_the_first_is_0() {
        let first: Vec<String> = (1..=8).map(|position| fibonacci(position).to_string()).collect();
        assert_eq!(first, ["0", "1", "1", "2", "3", "5", "8", "13"]);
    }

    #[test]
    fn every_number_is_the_sum_of_the_two_before_it() {
        for position in 3..=300 {
            let sum = fibonacci(position - 1) + fibonacci(position - 2);
            assert_eq!(fibonacci(position), sum, "{position}");
        }
    }

    #[test]
    fn large_numbers_are_exact() {
        let text = fibonacci(301).to_string();
        assert_eq!(text, "222232244629420445529739893461909967206666939096499764990979600");
    }

    #[test]
    fn the_ten_thousandth_number_has_2090_digits() {
        assert_eq!(fibonacci(10_001).to_string().len(), 2090);
    }
}
