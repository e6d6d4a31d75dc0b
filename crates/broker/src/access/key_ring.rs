//! The access keys that a broker knows.

use std::collections::BTreeMap;

use longshore_types::AccountId;
use longshore_wire::signature::SecretKey;
use thiserror::Error;

use super::Identity;

/// Characters of an access key's id, at the most, as on AWS.
const ID_CHARACTERS_MAX: usize = 128;
/// Characters of a user's name, at the most, as on AWS.
const USER_CHARACTERS_MAX: usize = 64;

/// An access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKey {
    /// Its id, which every request that is signed with it shows: 1 to 128 letters, digits, `_` and
    /// `-`. One of 12 digits belongs to the account of that number.
    pub id: String,
    /// Its secret, which no request shows.
    pub secret: SecretKey,
    /// The account that it belongs to. `None` is the account of the id, or else the broker's own.
    pub account: Option<AccountId>,
    /// The user whose it is: 1 to 64 letters, digits and `+=,.@_-`. `None` is the account itself.
    pub user: Option<String>,
}

/// Why something is no access key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AccessKeyError {
    /// The id is none.
    #[error("`{0}` is not an access key's id: write 1 to 128 letters, digits, `_` and `-`")]
    Id(String),
    /// Two keys have this id.
    #[error("the access key {0} is there twice: give each an id of its own")]
    Twice(String),
    /// The key of this id has no secret.
    #[error("the access key {0} has an empty secret")]
    EmptySecret(String),
    /// An id that is an account's number, with another account.
    #[error(
        "the access key {0} is the number of an account, and belongs to that one: leave `account` \
         out, or choose another id"
    )]
    OtherAccount(String),
    /// The user's name is none.
    #[error("`{0}` is not a user's name: write 1 to 64 letters, digits and `+=,.@_-`")]
    User(String),
}

/// The access keys that a broker knows, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRing(BTreeMap<String, AccessKey>);

impl KeyRing {
    /// A ring of these keys.
    ///
    /// # Errors
    ///
    /// [`AccessKeyError`], for the first key that is none.
    pub fn new(keys: impl IntoIterator<Item = AccessKey>) -> Result<Self, AccessKeyError> {
        let mut ring = Self::default();
        for key in keys {
            ring.add(key)?;
        }
        Ok(ring)
    }

    /// Adds a key.
    ///
    /// # Errors
    ///
    /// [`AccessKeyError`], and the ring is as it was.
    pub fn add(&mut self, key: AccessKey) -> Result<(), AccessKeyError> {
        check(&key)?;
        if self.0.contains_key(&key.id) {
            return Err(AccessKeyError::Twice(key.id));
        }
        self.0.insert(key.id.clone(), key);
        Ok(())
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many keys there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The secret of a key.
    pub(crate) fn secret(&self, id: &str) -> Option<&SecretKey> {
        self.0.get(id).map(|key| &key.secret)
    }

    /// Who a key belongs to: the account of its id, else the one it was given, else `default`.
    /// `None` if the ring does not have the key.
    pub(crate) fn identity(&self, id: &str, default: &AccountId) -> Option<Identity> {
        let key = self.0.get(id)?;
        let account = AccountId::parse(id).ok().or_else(|| key.account.clone());
        let account = account.unwrap_or_else(|| default.clone());
        Some(Identity { account, user: key.user.clone() })
    }
}

fn check(key: &AccessKey) -> Result<(), AccessKeyError> {
    let id_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if !is_made_of(&key.id, ID_CHARACTERS_MAX, id_letter) {
        return Err(AccessKeyError::Id(key.id.clone()));
    }
    if key.secret.is_empty() {
        return Err(AccessKeyError::EmptySecret(key.id.clone()));
    }
    let own = AccountId::parse(&key.id).ok();
    if own.is_some() && key.account.is_some() && own != key.account {
        return Err(AccessKeyError::OtherAccount(key.id.clone()));
    }
    let user_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte);
    match &key.user {
        Some(user) if !is_made_of(user, USER_CHARACTERS_MAX, user_letter) => {
            Err(AccessKeyError::User(user.clone()))
        }
        Some(_) | None => Ok(()),
    }
}

fn is_made_of(text: &str, count_max: usize, letter: impl Fn(u8) -> bool) -> bool {
    (1..=count_max).contains(&text.len()) && text.bytes().all(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(number: &str) -> AccountId {
        AccountId::parse(number).unwrap()
    }

    fn key(id: &str) -> AccessKey {
        AccessKey { id: id.to_owned(), secret: SecretKey::new("s"), account: None, user: None }
    }

    #[test]
    fn a_key_belongs_to_its_own_number_then_its_account_then_the_default_one() {
        let default = account("000000000000");
        let given = AccessKey { account: Some(account("222222222222")), ..key("given") };
        let ring = KeyRing::new([key("111111111111"), given, key("plain")]).unwrap();
        let account_of = |id| ring.identity(id, &default).unwrap().account;
        assert_eq!(account_of("111111111111"), account("111111111111"));
        assert_eq!(account_of("given"), account("222222222222"));
        assert_eq!(account_of("plain"), default);
        assert_eq!(ring.identity("333333333333", &default), None);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let long = "a".repeat(129);
        for id in ["", "a/b", "a b", "é", &long] {
            assert_eq!(KeyRing::new([key(id)]), Err(AccessKeyError::Id(id.to_owned())), "{id}");
        }
        let twice = KeyRing::new([key("a"), key("a")]);
        assert_eq!(twice, Err(AccessKeyError::Twice("a".to_owned())));
        let empty = AccessKey { secret: SecretKey::new(""), ..key("a") };
        assert_eq!(KeyRing::new([empty]), Err(AccessKeyError::EmptySecret("a".to_owned())));
        let user = AccessKey { user: Some("a/b".to_owned()), ..key("a") };
        assert_eq!(KeyRing::new([user]), Err(AccessKeyError::User("a/b".to_owned())));
        let id = "111111111111";
        let other = AccessKey { account: Some(account("222222222222")), ..key(id) };
        assert_eq!(KeyRing::new([other]), Err(AccessKeyError::OtherAccount(id.to_owned())));
    }
}
