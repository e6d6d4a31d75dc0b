//! Numbers of message attributes, which stay text: SQS checks them and keeps them as they are.

/// Significant digits of a number.
const DIGITS_MAX: usize = 38;
/// The powers of ten that a number can reach. Source: "Message attribute data types" in the SQS
/// developer guide, which gives a magnitude of 10^-128 to 10^126.
const POWERS: std::ops::RangeInclusive<i64> = -128..=126;

/// Whether a text is a decimal number, such as `-1`, `.5` or `6.02e23`, within SQS's precision
/// and magnitude.
pub(super) fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()),
        None => (unsigned, Some(0)),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let decimal = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    decimal && exponent.is_some_and(|exponent| fits(whole.len(), &digits, exponent))
}

/// Whether the digits, with the point after the first `whole` of them, fit once the zeros at both
/// ends are left away.
fn fits(whole: usize, digits: &str, exponent: i64) -> bool {
    let Some(first) = digits.find(|digit| digit != '0') else { return true };
    let significant = digits[first..].trim_end_matches('0').len();
    let place = |index: usize| i64::try_from(index).expect("a request is shorter than that");
    let power = exponent.saturating_add(place(whole) - place(first) - 1);
    significant <= DIGITS_MAX && POWERS.contains(&power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_decimal_with_an_optional_sign_and_exponent() {
        for text in ["0", "-1", "+1", "3.14", ".5", "5.", "6.02e23", "1E-128", "1493147359900"] {
            assert!(is_number(text), "{text}");
        }
        for text in ["", "-", ".", "e5", "1e", "abc", "0x10", "1 ", "NaN", "--1", "1.2.3", "١"] {
            assert!(!is_number(text), "{text}");
        }
    }

    #[test]
    fn a_number_has_at_most_38_digits_and_a_bounded_magnitude() {
        let digits = "1".repeat(38);
        assert!(is_number(&digits));
        assert!(!is_number(&format!("{digits}1")));
        assert!(is_number(&format!("000{digits}000")));
        assert!(is_number("9e126") && !is_number("1e127"));
        assert!(is_number("1e-128") && !is_number("1e-129"));
        assert!(is_number("0e999") && !is_number("1e99999999999999999999"));
    }
}
