//! Who owns a queue, and where it is: the account and the region.

use std::fmt;

use minicbor::{Decode, Encode};
use thiserror::Error;

/// A 12-digit AWS account number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct AccountId(#[n(0)] String);

/// The text is not a 12-digit account number.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not an account number: an account number has 12 digits")]
pub struct AccountIdError(String);

impl AccountId {
    /// Parses a 12-digit account number.
    pub fn parse(text: &str) -> Result<Self, AccountIdError> {
        let valid = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        if valid { Ok(Self(text.to_owned())) } else { Err(AccountIdError(text.to_owned())) }
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for AccountId {
    /// `000000000000`, the account of a broker that was told no other.
    fn default() -> Self {
        Self("000000000000".to_owned())
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An AWS region's name, such as `us-east-1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Region(#[n(0)] String);

/// The text cannot be a region's name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not a region: a region has 1 to 64 lower-case letters, digits and hyphens")]
pub struct RegionError(String);

impl Region {
    /// Parses a region's name. Which regions exist is not checked.
    pub fn parse(text: &str) -> Result<Self, RegionError> {
        let part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let valid = (1..=64).contains(&text.len()) && text.bytes().all(part);
        if valid { Ok(Self(text.to_owned())) } else { Err(RegionError(text.to_owned())) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Region {
    /// `us-east-1`, the region of a broker that was told no other.
    fn default() -> Self {
        Self("us-east-1".to_owned())
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
