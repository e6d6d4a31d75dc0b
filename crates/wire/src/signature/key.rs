//! A secret key, and the signature that it makes.
//!
//! The secret itself signs nothing: a key is derived from it for the day, region and service of a
//! scope, each step an HMAC of the one before.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::credential::{Credential, SQS, TERMINATOR};

/// The secret that belongs to an access key.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey(String);

impl SecretKey {
    /// The secret, as it is given to an SDK.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// Whether there is nothing secret.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The signature of a string under the key of a credential's scope, not yet finished: it is
    /// compared, in constant time, and never shown.
    pub(super) fn sign(&self, credential: &Credential, string_to_sign: &[u8]) -> Hmac<Sha256> {
        let scope = [&credential.day, credential.region.as_str(), SQS, TERMINATOR];
        mac(&derive(&self.0, scope), string_to_sign)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

fn derive(secret: &str, scope: [&str; 4]) -> Vec<u8> {
    let secret = format!("AWS4{secret}").into_bytes();
    scope
        .into_iter()
        .fold(secret, |key, part| mac(&key, part.as_bytes()).finalize().into_bytes().to_vec())
}

fn mac(key: &[u8], data: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length").chain_update(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    /// The example of AWS's own documentation of the key's derivation.
    #[test]
    fn a_key_is_derived_as_the_documentation_derives_it() {
        let key = derive(SECRET, ["20150830", "us-east-1", "iam", "aws4_request"]);
        let expect = "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9";
        assert_eq!(hex::encode(key), expect);
    }

    /// `get-vanilla` of AWS's published test suite, from the string to sign to the signature.
    #[test]
    fn the_published_string_to_sign_has_the_published_signature() {
        let string_to_sign = "AWS4-HMAC-SHA256\n20150830T123600Z\n\
             20150830/us-east-1/service/aws4_request\n\
             bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63";
        let key = derive(SECRET, ["20150830", "us-east-1", "service", "aws4_request"]);
        let signature = mac(&key, string_to_sign.as_bytes()).finalize().into_bytes();
        let expect = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        assert_eq!(hex::encode(signature), expect);
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert!(!format!("{:?}", SecretKey::new(SECRET)).contains("wJalr"));
    }
}
