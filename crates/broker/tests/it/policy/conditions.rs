//! Conditions: an operator, a key and a value, against one request.

use longshore_broker::policy::Principal;

use super::*;

/// What a condition comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comes {
    Holds,
    Fails,
    /// It cannot be told.
    Unknown,
}
use Comes::{Fails, Holds, Unknown};

/// Finds out what a condition comes to, by a statement that allows and by one that denies.
#[track_caller]
fn comes_to(condition: &str, principal: &Principal) -> Comes {
    let everything = r#""Principal":"*","Action":"*","Resource":"*""#;
    let of =
        |effect: &str| format!(r#"{{"Effect":"{effect}",{everything},"Condition":{condition}}}"#);
    let allows = decided(&of("Allow"), principal, "SendMessage") == ALLOWED;
    let denies = decided(&of("Deny"), principal, "SendMessage") == EXPLICIT;
    match (allows, denies) {
        (true, true) => Holds,
        (false, false) => Fails,
        (false, true) => Unknown,
        (true, false) => panic!("{condition} allows and does not deny"),
    }
}

#[track_caller]
fn assert_comes(cases: &[(&str, &str, &str, Comes)]) {
    for (operator, key, value, expected) in cases {
        let condition = format!(r#"{{"{operator}":{{"{key}":{value}}}}}"#);
        assert_eq!(comes_to(&condition, &alice(OTHER)), *expected, "{condition}");
    }
}

#[test]
fn texts() {
    let key = "aws:PrincipalAccount";
    assert_comes(&[
        ("StringEquals", key, r#""111111111111""#, Holds),
        ("StringEquals", key, r#"["1","111111111111"]"#, Holds),
        ("StringEquals", key, r#""1*""#, Fails),
        ("StringNotEquals", key, r#""111111111111""#, Fails),
        ("StringNotEquals", key, r#"["1","111111111111"]"#, Fails),
        ("StringNotEquals", key, r#"["1","2"]"#, Holds),
        ("StringEqualsIgnoreCase", "aws:UserAgent", r#""BOTO3/1.42""#, Holds),
        ("StringEquals", "aws:UserAgent", r#""BOTO3/1.42""#, Fails),
        ("StringNotEqualsIgnoreCase", "aws:UserAgent", r#""BOTO3/1.42""#, Fails),
        ("StringLike", "aws:UserAgent", r#""Boto?/*""#, Holds),
        ("StringNotLike", "aws:UserAgent", r#""Boto?/*""#, Fails),
        ("StringEquals", "AWS:USERAGENT", r#""Boto3/1.42""#, Holds),
        ("StringEquals", "aws:username", r#""alice""#, Holds),
        ("StringEquals", "aws:PrincipalType", r#""User""#, Holds),
        ("StringEquals", "aws:RequestedRegion", r#""us-east-1""#, Holds),
        ("StringEquals", "aws:ResourceAccount", r#""000000000000""#, Holds),
        ("StringNotEquals", "aws:username", r#""${aws:username}""#, Unknown),
    ]);
}

#[test]
fn arns_addresses_and_booleans() {
    assert_comes(&[
        ("ArnEquals", "aws:PrincipalArn", r#""arn:aws:iam::*:user/team/*""#, Holds),
        ("ArnLike", "aws:PrincipalArn", r#""arn:aws:iam::111111111111:role/*""#, Fails),
        ("ArnNotLike", "aws:PrincipalArn", r#""arn:aws:iam::111111111111:role/*""#, Holds),
        ("ArnNotEquals", "aws:PrincipalArn", r#""alice""#, Unknown),
        ("IpAddress", "aws:SourceIp", r#""10.0.0.0/8""#, Holds),
        ("IpAddress", "aws:SourceIp", r#"["192.168.0.0/16","10.1.2.3"]"#, Holds),
        ("NotIpAddress", "aws:SourceIp", r#""10.0.0.0/8""#, Fails),
        ("NotIpAddress", "aws:SourceIp", r#""10.0.0.0/33""#, Unknown),
        ("Bool", "aws:SecureTransport", "false", Holds),
        ("Bool", "aws:SecureTransport", r#""True""#, Fails),
        ("Bool", "aws:SecureTransport", r#""no""#, Unknown),
        ("Bool", "aws:PrincipalIsAWSService", r#""false""#, Holds),
    ]);
}

#[test]
fn numbers_and_dates() {
    assert_comes(&[
        ("NumericEquals", "aws:EpochTime", "1790000000", Holds),
        ("NumericNotEquals", "aws:EpochTime", "1790000000", Fails),
        ("NumericLessThan", "aws:EpochTime", "1790000000", Fails),
        ("NumericLessThanEquals", "aws:EpochTime", "1790000000", Holds),
        ("NumericGreaterThan", "aws:EpochTime", "1789999999.5", Holds),
        ("NumericGreaterThanEquals", "aws:EpochTime", r#""1790000001""#, Fails),
        ("NumericEquals", "aws:EpochTime", r#""soon""#, Unknown),
        ("DateEquals", "aws:CurrentTime", r#""2026-09-21T16:13:20+02:00""#, Holds),
        ("DateNotEquals", "aws:CurrentTime", r#""2026-09-21T14:13:20Z""#, Fails),
        ("DateLessThan", "aws:CurrentTime", r#""2026-09-22""#, Holds),
        ("DateLessThanEquals", "aws:CurrentTime", r#""2026-09-21""#, Fails),
        ("DateGreaterThan", "aws:EpochTime", r#""2026-09-21T14:13:19Z""#, Holds),
        ("DateGreaterThanEquals", "aws:CurrentTime", "1790000001", Fails),
        ("DateGreaterThan", "aws:CurrentTime", r#""yesterday""#, Unknown),
    ]);
}

#[test]
fn a_key_that_the_request_does_not_have() {
    let (key, value) = ("aws:SourceArn", r#""arn:aws:sns:us-east-1:000000000000:news""#);
    assert_comes(&[
        ("ArnEquals", key, value, Fails),
        ("ArnNotEquals", key, value, Holds),
        ("ArnEqualsIfExists", key, value, Holds),
        ("ArnNotEqualsIfExists", key, value, Holds),
        ("StringEqualsIfExists", "aws:username", r#""bob""#, Fails),
        ("ForAnyValue:StringEquals", "aws:CalledVia", r#""x""#, Fails),
        ("ForAllValues:StringEquals", "aws:CalledVia", r#""x""#, Holds),
        ("ForAnyValue:StringLike", "aws:username", r#"["b*","a*"]"#, Holds),
        ("ForAllValues:StringLike", "aws:username", r#""b*""#, Fails),
        ("Null", key, "true", Holds),
        ("Null", key, "false", Fails),
        ("Null", "aws:username", r#""false""#, Holds),
        ("Null", "aws:username", r#""maybe""#, Unknown),
    ]);
    let named = r#"{"StringNotEquals":{"aws:PrincipalArn":"arn:aws:iam::111111111111:root"}}"#;
    assert_eq!(comes_to(named, &Principal::Anonymous), Holds);
    let nobody = r#"{"Null":{"aws:PrincipalAccount":"true"}}"#;
    assert_eq!(comes_to(nobody, &Principal::Anonymous), Holds);
}

#[test]
fn what_this_broker_does_not_know_cannot_be_told() {
    assert_comes(&[
        ("StringEqual", "aws:username", r#""alice""#, Unknown),
        ("stringequals", "aws:username", r#""alice""#, Unknown),
        ("BinaryEquals", "aws:username", r#""YWxpY2U=""#, Unknown),
        ("NullIfExists", "aws:username", r#""false""#, Unknown),
        ("ForSomeValues:StringEquals", "aws:username", r#""alice""#, Unknown),
        ("StringNotEquals", "aws:PrincipalTag/team", r#""a""#, Unknown),
        ("StringEqualsIfExists", "sns:Protocol", r#""https""#, Unknown),
        ("Null", "sns:Protocol", "true", Unknown),
    ]);
}

#[test]
fn all_conditions_must_hold_and_one_that_fails_settles_it() {
    let with = |second: &str| {
        let condition = format!(
            r#"{{"StringEquals":{{"aws:username":"alice","aws:RequestedRegion":"us-east-1"}},{second}}}"#
        );
        comes_to(&condition, &alice(OTHER))
    };
    assert_eq!(with(r#""Bool":{"aws:SecureTransport":"false"}"#), Holds);
    assert_eq!(with(r#""Bool":{"aws:SecureTransport":"true"}"#), Fails);
    assert_eq!(with(r#""Strange":{"aws:SecureTransport":"true"}"#), Unknown);
    let settled = r#""Strange":{"aws:SourceIp":"x"},"Bool":{"aws:SecureTransport":"true"}"#;
    assert_eq!(with(settled), Fails);
}

#[test]
fn q6_a_condition_without_a_value_never_holds() {
    assert_comes(&[
        ("ArnEquals", "aws:SourceArn", "[]", Fails),
        ("ArnEquals", "aws:PrincipalArn", "[]", Fails),
        ("StringNotEquals", "aws:username", "[]", Fails),
        ("StringEqualsIfExists", "aws:SourceArn", "[]", Fails),
        ("Null", "aws:username", "[]", Fails),
        ("StringResembles", "aws:username", "[]", Unknown),
    ]);
}
