//! How an operator compares a request's value with one of the policy's.

use std::cmp::Ordering;
use std::net::IpAddr;

use ipnet::IpNet;

use super::date;
use crate::policy::wildcard;

/// What an operator compares, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equals,
    EqualsIgnoreCase,
    Like,
    Arn,
    Bool,
    Ip,
    Number(Order),
    Date(Order),
}

/// Where the request's value must be, seen from the policy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    /// Whether the request's value `found` is as the policy's value `wanted` says; `None` if either
    /// is not of the operator's kind.
    pub(super) fn compare(self, found: &str, wanted: &str) -> Option<bool> {
        match self {
            Self::Equals => Some(found == wanted),
            Self::EqualsIgnoreCase => Some(found.to_lowercase() == wanted.to_lowercase()),
            Self::Like => Some(wildcard::matches(wanted, found)),
            Self::Arn => arn(found, wanted),
            Self::Bool => Some(boolean(found)? == boolean(wanted)?),
            Self::Ip => ip(found, wanted),
            Self::Number(order) => Some(order.holds(number(found)?.partial_cmp(&number(wanted)?)?)),
            Self::Date(order) => Some(order.holds(date::parse(found)?.cmp(&date::parse(wanted)?))),
        }
    }
}

impl Order {
    const fn holds(self, found: Ordering) -> bool {
        match self {
            Self::Equal => found.is_eq(),
            Self::Less => found.is_lt(),
            Self::LessOrEqual => found.is_le(),
            Self::Greater => found.is_gt(),
            Self::GreaterOrEqual => found.is_ge(),
        }
    }
}

/// A boolean, in whatever case.
pub(super) fn boolean(text: &str) -> Option<bool> {
    text.to_ascii_lowercase().parse().ok()
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// ARNs are compared part by part, so that a wildcard stands for no colon before the last part.
fn arn(found: &str, wanted: &str) -> Option<bool> {
    let (found, wanted) = (arn_parts(found)?, arn_parts(wanted)?);
    Some(wanted.iter().zip(found).all(|(wanted, found)| wildcard::matches(wanted, found)))
}

fn arn_parts(text: &str) -> Option<[&str; 6]> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    parts.try_into().ok()
}

/// Whether an address lies in a range, or is the one address that is given for it.
fn ip(found: &str, wanted: &str) -> Option<bool> {
    let found: IpAddr = found.parse().ok()?;
    let range = wanted.parse().or_else(|_| wanted.parse::<IpAddr>().map(IpNet::from));
    Some(range.ok()?.contains(&found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_lies_in_a_range_of_its_own_family() {
        let cases = [
            ("10.1.2.3", "10.0.0.0/8", Some(true)),
            ("10.1.2.3", "10.1.2.3", Some(true)),
            ("11.1.2.3", "10.0.0.0/8", Some(false)),
            ("::1", "0.0.0.0/0", Some(false)),
            ("2001:db8::1", "2001:db8::/32", Some(true)),
            ("10.1.2.3", "10.0.0.0/33", None),
            ("10.1.2.3", "ten", None),
        ];
        for (found, wanted, expected) in cases {
            assert_eq!(ip(found, wanted), expected, "{found} {wanted}");
        }
    }

    #[test]
    fn an_arn_is_compared_part_by_part() {
        let found = "arn:aws:iam::111111111111:user/a:b";
        let cases = [
            ("arn:aws:iam::111111111111:user/*", Some(true)),
            ("arn:*:iam::*:user/?:b", Some(true)),
            ("arn:*:user/a:b", None),
            ("arn:aws:*:111111111111:user/a:b", Some(false)),
            ("arn:aws:iam:*::user/a:b", Some(false)),
        ];
        for (wanted, expected) in cases {
            assert_eq!(arn(found, wanted), expected, "{wanted}");
        }
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        let compare = |order, wanted| Comparison::Number(order).compare("10", wanted);
        assert_eq!(compare(Order::Greater, "9"), Some(true));
        assert_eq!(compare(Order::Equal, "10.0"), Some(true));
        assert_eq!(compare(Order::LessOrEqual, "9.5"), Some(false));
        assert_eq!(compare(Order::Equal, "ten"), None);
        assert_eq!(compare(Order::Less, "inf"), None);
    }
}
