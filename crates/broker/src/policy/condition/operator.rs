//! The operators of conditions, by their names.

use super::compare::{Comparison, Order};

/// An operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// `Null`: whether the key is absent.
    Null,
    /// The key's value is compared with the values.
    Compare {
        comparison: Comparison,
        /// Whether it holds if no value fits, rather than if one does.
        negated: bool,
        /// Whether it holds if the key is absent.
        if_exists: bool,
        /// How the values of a key that can have several are taken together.
        over: Over,
    },
}

/// How the values of a key are taken together. Every key that this broker knows has one value or
/// none, so this only says what holds without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// The key has one value.
    One,
    /// `ForAnyValue`: one of its values is enough, and without any it does not hold.
    Any,
    /// `ForAllValues`: each of its values must do, and without any it holds.
    All,
}

impl Operator {
    /// The operator of that name; the case counts.
    pub(super) fn parse(name: &str) -> Option<Self> {
        if name == "Null" {
            return Some(Self::Null);
        }
        let (over, name) = match name.split_once(':') {
            None => (Over::One, name),
            Some(("ForAnyValue", name)) => (Over::Any, name),
            Some(("ForAllValues", name)) => (Over::All, name),
            Some(_) => return None,
        };
        let stem = name.strip_suffix("IfExists");
        let (comparison, negated) = parse_comparison(stem.unwrap_or(name))?;
        Some(Self::Compare { comparison, negated, if_exists: stem.is_some(), over })
    }
}

fn parse_comparison(name: &str) -> Option<(Comparison, bool)> {
    Some(match name {
        "StringEquals" => (Comparison::Equals, false),
        "StringNotEquals" => (Comparison::Equals, true),
        "StringEqualsIgnoreCase" => (Comparison::EqualsIgnoreCase, false),
        "StringNotEqualsIgnoreCase" => (Comparison::EqualsIgnoreCase, true),
        "StringLike" => (Comparison::Like, false),
        "StringNotLike" => (Comparison::Like, true),
        "ArnEquals" | "ArnLike" => (Comparison::Arn, false),
        "ArnNotEquals" | "ArnNotLike" => (Comparison::Arn, true),
        "Bool" => (Comparison::Bool, false),
        "IpAddress" => (Comparison::Ip, false),
        "NotIpAddress" => (Comparison::Ip, true),
        _ => return parse_order(name),
    })
}

fn parse_order(name: &str) -> Option<(Comparison, bool)> {
    let (comparison, order) = match (name.strip_prefix("Numeric"), name.strip_prefix("Date")) {
        (Some(order), _) => (Comparison::Number as fn(Order) -> Comparison, order),
        (None, order) => (Comparison::Date as fn(Order) -> Comparison, order?),
    };
    let (order, negated) = match order {
        "Equals" => (Order::Equal, false),
        "NotEquals" => (Order::Equal, true),
        "LessThan" => (Order::Less, false),
        "LessThanEquals" => (Order::LessOrEqual, false),
        "GreaterThan" => (Order::Greater, false),
        "GreaterThanEquals" => (Order::GreaterOrEqual, false),
        _ => return None,
    };
    Some((comparison(order), negated))
}
