//! Attributes that are whole numbers within a range.

use std::ops::RangeInclusive;

use longshore_types::AttributeName;
use longshore_wire::SqsError;

/// Checks a decimal number; what is kept has no leading zeros.
pub(super) fn check(
    name: AttributeName,
    value: &str,
    range: RangeInclusive<u32>,
) -> Result<Option<String>, SqsError> {
    let number = parse(value).filter(|number| range.contains(number));
    let number = number.ok_or_else(|| SqsError::invalid_attribute(name))?;
    Ok(Some(number.to_string()))
}

fn parse(value: &str) -> Option<u32> {
    value.bytes().all(|byte| byte.is_ascii_digit()).then(|| value.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_kept_as_its_digits() {
        let check = |value| check(AttributeName::DelaySeconds, value, 0..=900);
        assert_eq!(check("007"), Ok(Some("7".to_owned())));
        assert_eq!(check("900"), Ok(Some("900".to_owned())));
        for bad in ["", "901", "-1", "+1", " 1", "1.0", "ten", "99999999999"] {
            let refusal = SqsError::InvalidAttributeValue(
                "Invalid value for the parameter DelaySeconds.".to_owned(),
            );
            assert_eq!(check(bad), Err(refusal), "{bad}");
        }
    }
}
