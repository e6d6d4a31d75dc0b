//! A user of an account, or the account itself.

use longshore_types::AccountId;
use sha2::{Digest, Sha256};

/// Letters of a unique id, which AWS makes of the base-32 alphabet.
const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Letters of a unique id after `AIDA`.
const UNIQUE_LETTERS: usize = 17;

/// Who an access key belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account.
    pub account: AccountId,
    /// The user's name; `None` is the account itself, its root.
    pub user: Option<String>,
}

impl Identity {
    /// The ARN: `arn:aws:iam::<account>:user/<name>`, or `arn:aws:iam::<account>:root`.
    pub fn arn(&self) -> String {
        match &self.user {
            Some(user) => format!("arn:aws:iam::{}:user/{user}", self.account),
            None => format!("arn:aws:iam::{}:root", self.account),
        }
    }

    /// The unique id, which is the `SenderId` of what the identity sends: the account's number for
    /// its root, `AIDA…` for a user. The same user has the same id for ever, on every broker.
    pub fn unique_id(&self) -> String {
        if self.user.is_none() {
            return self.account.to_string();
        }
        let digest = Sha256::digest(self.arn());
        let letter = |byte: &u8| char::from(LETTERS[usize::from(byte % 32)]);
        let unique = digest.iter().take(UNIQUE_LETTERS).map(letter);
        "AIDA".chars().chain(unique).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(user: Option<&str>) -> Identity {
        let account = AccountId::parse("123456789012").unwrap();
        Identity { account, user: user.map(ToOwned::to_owned) }
    }

    #[test]
    fn an_account_is_its_own_id_and_a_user_has_one_of_its_own() {
        let root = identity(None);
        assert_eq!(root.arn(), "arn:aws:iam::123456789012:root");
        assert_eq!(root.unique_id(), "123456789012");
        let ann = identity(Some("ann"));
        assert_eq!(ann.arn(), "arn:aws:iam::123456789012:user/ann");
        let id = ann.unique_id();
        assert!(id.starts_with("AIDA") && id.len() == 21, "{id}");
        assert_eq!(id, identity(Some("ann")).unique_id());
        assert_ne!(id, identity(Some("bob")).unique_id());
    }
}
