//! What a request says of its signer and its region, when nobody has to prove it.
//!
//! A signed request names its access key and its region in the `Authorization` header, a presigned
//! one in its URL:
//!
//! ```text
//! AWS4-HMAC-SHA256 Credential=<access key>/<date>/<region>/sqs/aws4_request, SignedHeaders=…
//! …&X-Amz-Credential=<access key>%2F<date>%2F<region>%2Fsqs%2Faws4_request&…
//! ```
//!
//! The same queue name in two regions is two queues, as on AWS. An access key belongs to the account
//! that the key ring gives it; one that the ring does not have is its own account if it has 12
//! digits, and belongs to the default one otherwise. Nothing is verified here: this is a hint.

use longshore_types::{AccountId, Region};

use crate::access::{Identity, KeyRing};
use crate::caller::Place;

/// The place that an `Authorization` header or a URL's query string names, and the identity if the
/// ring has the key; what is left open is the default.
pub(super) fn hint(
    signed: Option<&str>,
    keys: &KeyRing,
    default: &Place,
) -> (Place, Option<Identity>) {
    let scope = signed.and_then(scope).unwrap_or_default().replace("%2F", "/");
    let mut parts = scope.split('/');
    let key = parts.next().unwrap_or_default();
    let region = parts.nth(1).and_then(|region| Region::parse(region).ok());
    let identity = keys.identity(key, &default.account);
    let known = identity.as_ref().map(|identity| identity.account.clone());
    let account = known.or_else(|| AccountId::parse(key).ok());
    let place = Place {
        region: region.unwrap_or_else(|| default.region.clone()),
        account: account.unwrap_or_else(|| default.account.clone()),
    };
    (place, identity)
}

fn scope(signed: &str) -> Option<&str> {
    let (_, scope) = signed.split_once("Credential=")?;
    scope.split([',', ' ', '&']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(signed: Option<&str>, region: &str, account: &str) {
        let (place, identity) = hint(signed, &KeyRing::default(), &Place::default());
        assert_eq!(identity, None);
        assert_eq!((place.region.as_str(), place.account.as_str()), (region, account));
    }

    #[test]
    fn the_scope_names_the_region_and_a_key_of_12_digits_its_account() {
        let signed = "AWS4-HMAC-SHA256 Credential=123456789012/20261123/eu-west-1/sqs/aws4_request, SignedHeaders=host, Signature=00";
        check(Some(signed), "eu-west-1", "123456789012");
        check(Some(&signed.replace("123456789012", "local")), "eu-west-1", "000000000000");
    }

    #[test]
    fn a_key_of_the_ring_belongs_to_the_account_that_the_ring_says() {
        let text = "[[access_key]]\nid = 'orders'\nsecret = 's'\naccount = '123456789012'\n";
        let keys = KeyRing::parse(text).unwrap();
        let signed = "AWS4-HMAC-SHA256 Credential=orders/20261123/eu-west-1/sqs/aws4_request";
        let (place, identity) = hint(Some(signed), &keys, &Place::default());
        assert_eq!(place.account.as_str(), "123456789012");
        assert_eq!(identity.unwrap().arn(), "arn:aws:iam::123456789012:root");
    }

    #[test]
    fn a_presigned_request_has_its_scope_in_the_url() {
        let query = "Action=ListQueues&X-Amz-Credential=test%2F20261123%2Feu-west-1%2Fsqs%2Faws4_request&X-Amz-Expires=60";
        check(Some(query), "eu-west-1", "000000000000");
    }

    #[test]
    fn a_request_without_a_scope_is_of_the_default_place() {
        for signed in [None, Some("Bearer x"), Some("AWS4-HMAC-SHA256 Credential=")] {
            check(signed, "us-east-1", "000000000000");
        }
    }
}
