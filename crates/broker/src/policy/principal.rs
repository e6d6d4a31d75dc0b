//! Who asks, and whom a statement means.

use longshore_types::AccountId;

use super::PolicyError;
use super::error::malformed;
use super::json::Json;
use super::read::{Object, texts};

/// The kinds of principals beside `AWS`, none of which calls this broker.
const ELSEWHERE: [&str; 3] = ["Service", "Federated", "CanonicalUser"];

/// Who asks, as far as it is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// Somebody, who proved nothing.
    Anonymous,
    /// A user of an account, or the account itself.
    Iam {
        /// The account.
        account: AccountId,
        /// The ARN: `arn:aws:iam::<account>:user/<name>` or `arn:aws:iam::<account>:root`.
        arn: String,
    },
}

impl Principal {
    /// The account, if there is one.
    pub const fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Anonymous => None,
            Self::Iam { account, .. } => Some(account),
        }
    }

    /// The ARN, if there is one.
    pub fn arn(&self) -> Option<&str> {
        match self {
            Self::Anonymous => None,
            Self::Iam { arn, .. } => Some(arn),
        }
    }
}

/// Whom a statement means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Principals {
    named: Vec<Named>,
    /// Whether it means all others.
    negated: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Named {
    /// `*`, which takes in who proved nothing.
    Everybody,
    /// All of an account.
    Account(AccountId),
    /// One principal.
    Arn(String),
    /// Somebody whom this broker never meets.
    Elsewhere,
}

impl Principals {
    /// Reads `Principal` or, if `negated`, `NotPrincipal`.
    pub(super) fn from_json(json: Json, negated: bool) -> Result<Self, PolicyError> {
        let named = match json {
            Json::Text(text) if text == "*" => vec![Named::Everybody],
            kinds @ (Json::Null
            | Json::Scalar(_)
            | Json::Text(_)
            | Json::List(_)
            | Json::Object(_)) => of_kinds(Object::from_json("Principal", kinds)?)?,
        };
        Ok(Self { named, negated })
    }

    /// How many are named.
    pub(super) fn count(&self) -> usize {
        self.named.len()
    }

    /// Whether `principal` is meant.
    pub(super) fn mean(&self, principal: &Principal) -> bool {
        self.named.iter().any(|named| named.means(principal)) != self.negated
    }
}

/// The principals of each kind that is named, of which there must be one.
fn of_kinds(mut kinds: Object) -> Result<Vec<Named>, PolicyError> {
    let mut named = Vec::new();
    if let Some(json) = kinds.take("AWS") {
        let texts = texts("a principal", json)?;
        named = texts.iter().map(|text| parse(text)).collect::<Result<_, _>>()?;
    }
    for kind in ELSEWHERE {
        let Some(json) = kinds.take(kind) else { continue };
        named.extend(texts("a principal", json)?.iter().map(|_| Named::Elsewhere));
    }
    kinds.finish()?;
    if named.is_empty() { malformed("Principal names nobody") } else { Ok(named) }
}

/// Reads what stands under `AWS`: `*`, an account, an ARN, or the id of a user or a role.
fn parse(text: &str) -> Result<Named, PolicyError> {
    if text == "*" {
        return Ok(Named::Everybody);
    }
    if let Ok(account) = AccountId::parse(text) {
        return Ok(Named::Account(account));
    }
    if text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(Named::Elsewhere);
    }
    parse_arn(text)
}

/// Reads an ARN of a principal. Its parts can have no wildcards: they would not be taken as such.
fn parse_arn(text: &str) -> Result<Named, PolicyError> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, "iam" | "sts", "", account, name] = parts[..] else {
        return malformed(format!("{text} is not a principal"));
    };
    let account = AccountId::parse(account).ok();
    let (Some(account), false) = (account, text.contains(['*', '?']) || name.is_empty()) else {
        return malformed(format!("{text} is not a principal"));
    };
    if !partition.starts_with("aws") {
        return malformed(format!("{text} is not a principal"));
    }
    Ok(if name == "root" { Named::Account(account) } else { Named::Arn(text.to_owned()) })
}

impl Named {
    fn means(&self, principal: &Principal) -> bool {
        match self {
            Self::Everybody => true,
            Self::Account(account) => principal.account() == Some(account),
            Self::Arn(arn) => principal.arn() == Some(arn),
            Self::Elsewhere => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_is_one_of_four_forms() {
        let account = AccountId::parse("111111111111").unwrap();
        for text in ["111111111111", "arn:aws:iam::111111111111:root"] {
            assert_eq!(parse(text), Ok(Named::Account(account.clone())));
        }
        let user = "arn:aws:iam::111111111111:user/a/b";
        assert_eq!(parse(user), Ok(Named::Arn(user.to_owned())));
        assert_eq!(parse("AIDACKCEVSQ6C2EXAMPLE"), Ok(Named::Elsewhere));
        let wrong = [
            "",
            "1111",
            "arn:aws:iam::111111111111:user/*",
            "arn:aws:iam::*:root",
            "arn:aws:iam::111111111111:",
            "arn:aws:sqs:us-east-1:111111111111:q",
            "arn:x:iam::111111111111:root",
        ];
        for text in wrong {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
