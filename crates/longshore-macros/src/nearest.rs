//! The known word that a misspelled one was meant to be.

/// The word of `known` that is nearest to `word`, if more than half of it is right.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distances = known.into_iter().map(|candidate| (distance(word, candidate), candidate));
    let (distance, candidate) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance * 2 <= word.chars().count() + 1).then_some(candidate)
}

/// How many characters must be put in, taken out or replaced to make one word the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    // The distances of the part of `one` that was read to every beginning of `other`.
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, c) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, &o) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(c != o);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_counts_characters() {
        for (one, other, count) in
            [("", "abc", 3), ("key", "key", 0), ("retries", "retry", 3), ("kitten", "sitting", 3)]
        {
            assert_eq!((distance(one, other), distance(other, one)), (count, count), "{one}");
        }
    }

    #[test]
    fn a_word_that_is_like_none_has_no_nearest() {
        let known = ["name", "key", "retry", "timeout"];
        assert_eq!(nearest("retries", known), Some("retry"));
        assert_eq!(nearest("timout", known), Some("timeout"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("x", []), None);
    }
}
