//! Which dead-letter queue a `RedrivePolicy` names.
//!
//! The catalog keeps attributes as the texts they were given as, because SQS returns them so. The
//! policy's text has been checked before it comes here: it is a flat JSON object whose only text,
//! besides the names of its two members, is an ARN or a number. So the ARN can be found without a
//! JSON parser. ARNs contain nothing that JSON must escape, and an escape that was not necessary
//! is the business of whoever checks the policy.

use std::collections::BTreeMap;

use longshore_types::{AttributeName, QueueArn};

/// The queue that the redrive policy among `attributes` names, if there is one.
pub(super) fn read(attributes: &BTreeMap<AttributeName, String>) -> Option<QueueArn> {
    let policy = attributes.get(&AttributeName::RedrivePolicy)?;
    policy.split('"').find_map(|text| QueueArn::parse(text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(policy: &str) -> Option<String> {
        let attributes = [(AttributeName::RedrivePolicy, policy.to_owned())];
        read(&attributes.into()).map(|arn| arn.to_string())
    }

    #[test]
    fn the_target_is_found_wherever_it_stands_in_the_policy() {
        let arn = "arn:aws:sqs:us-east-1:000000000000:dead";
        let policies = [
            format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":3}}"#),
            format!("{{ \"maxReceiveCount\" : \"3\",\n \"deadLetterTargetArn\" : \"{arn}\" }}"),
        ];
        for policy in policies {
            assert_eq!(target(&policy).as_deref(), Some(arn));
        }
    }

    #[test]
    fn a_text_without_an_arn_names_no_target() {
        assert_eq!(target(""), None);
        assert_eq!(target(r#"{"maxReceiveCount":3}"#), None);
    }
}
