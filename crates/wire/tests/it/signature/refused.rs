//! What is refused, and in which words.

use longshore_wire::signature::SignatureRefusal as Refusal;
use longshore_wire::{SqsError, query, signature::Claim};

use super::{NOW, SECRET, Sent, minutes};

/// The whole form of a text that SQS answers to a wrong signature.
const MISMATCH: &str = "The request signature we calculated does not match the signature you \
     provided. Check your AWS Secret Access Key and signing method. Consult the service \
     documentation for details.";

#[track_caller]
fn assert_spelled(refusal: &Refusal, shape: &str, query_code: &str, text: &str) {
    let error = SqsError::of_signature(refusal, "http://localhost:9324/");
    let spelling = error.spelling();
    assert_eq!(
        (spelling.shape, spelling.query_code, spelling.status),
        (shape, query_code, 403),
        "{refusal:?}"
    );
    assert_eq!(error.to_string(), text);
    let xml = query::Format::Xml.encode_error("id", &error);
    let xml = String::from_utf8(xml).unwrap();
    assert!(xml.contains(&format!("<Code>{query_code}</Code>")), "{xml}");
}

#[test]
fn what_is_not_signed_is_denied_access() {
    let unsigned = Sent::json();
    assert_eq!(unsigned.verify(), Err(Refusal::Missing));
    assert_eq!(unsigned.with("authorization", " ").verify(), Err(Refusal::Missing));
    assert_spelled(
        &Refusal::Missing,
        "MissingAuthenticationTokenException",
        "AccessDenied",
        "Access to the resource http://localhost:9324/ is denied.",
    );
}

#[test]
fn another_secret_makes_another_signature() {
    let sent = Sent::json().signed();
    assert_eq!(sent.verify_at("another", NOW), Err(Refusal::Mismatch));
    assert_eq!(sent.verify_at("", NOW), Err(Refusal::Mismatch));
    let shape = "InvalidSignatureException";
    assert_spelled(&Refusal::Mismatch, shape, "SignatureDoesNotMatch", MISMATCH);
}

#[test]
fn a_key_that_nobody_knows_is_an_invalid_token() {
    assert_spelled(
        &Refusal::UnknownKey,
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "The security token included in the request is invalid.",
    );
}

#[test]
fn a_signature_that_is_no_number_or_cut_short_matches_nothing() {
    let signed = Sent::json().signed();
    let header = String::from_utf8(signed.clone().header("authorization").clone()).unwrap();
    let (head, signature) = header.split_once("Signature=").unwrap();
    for wrong in ["x", "00", &signature[..62], &format!("{signature}00"), &"0".repeat(64)] {
        let mut sent = signed.clone();
        *sent.header("authorization") = format!("{head}Signature={wrong}").into_bytes();
        assert_eq!(sent.verify(), Err(Refusal::Mismatch), "{wrong}");
    }
}

#[test]
fn a_signature_of_another_time_is_refused_and_says_which() {
    let sent = Sent::json().signed();
    let late = sent.verify_at(SECRET, NOW + minutes(16)).unwrap_err();
    let text = "Signature expired: 20261123T130440Z is now earlier than 20261123T130540Z \
                (20261123T132040Z - 15 min.)";
    assert_spelled(&late, "InvalidSignatureException", "SignatureDoesNotMatch", text);
    let early = sent.verify_at(SECRET, longshore_types::Timestamp::from_millis(0)).unwrap_err();
    assert!(matches!(early, Refusal::NotYetCurrent { .. }));
    assert!(sent.verify_at(SECRET, NOW + minutes(15)).is_ok());
}

#[test]
fn a_presigned_url_expires() {
    let sent = Sent::new("GET", "/", "Action=ListQueues", b"").presigned();
    assert!(sent.verify_at(SECRET, NOW + minutes(1)).is_ok());
    assert!(matches!(sent.verify_at(SECRET, NOW + minutes(2)), Err(Refusal::Expired { .. })));
    let mut longer = sent;
    longer.query = longer.query.replace("X-Amz-Expires=60", "X-Amz-Expires=600");
    assert_eq!(longer.verify_at(SECRET, NOW + minutes(2)), Err(Refusal::Mismatch));
}

#[test]
fn a_presigned_url_bears_no_body_that_was_not_signed() {
    let mut sent = Sent::new("POST", "/000000000000/jobs", "Action=SendMessage", b"").presigned();
    sent.body = b"MessageBody=mine".to_vec();
    assert_eq!(sent.verify(), Err(Refusal::Mismatch));
}

#[test]
fn what_gives_a_request_its_meaning_must_be_signed() {
    for name in ["host", "x-amz-target", "x-amz-date"] {
        let mut sent = Sent::json().signed();
        sent.replace("authorization", name, "x-other");
        assert_eq!(sent.verify(), Err(Refusal::NotSigned(name)));
    }
    let sent = Sent::json().signed().with("x-amz-security-token", "t");
    assert_eq!(sent.verify(), Err(Refusal::NotSigned("x-amz-security-token")));
    let form = Sent::new("POST", "/", "", b"{}").signed().with("x-amz-target", "AmazonSQS.X");
    assert_eq!(form.verify(), Err(Refusal::NotSigned("x-amz-target")));
    let text = "'host' must be a 'SignedHeader' in the AWS Authorization.";
    let refusal = Refusal::NotSigned("host");
    assert_spelled(&refusal, "InvalidSignatureException", "SignatureDoesNotMatch", text);
}

#[test]
fn an_unsigned_payload_is_refused_and_so_is_the_digest_of_another() {
    let unsigned = Sent::json().with("x-amz-content-sha256", "UNSIGNED-PAYLOAD").signed();
    assert_eq!(unsigned.verify(), Err(Refusal::UnsignedPayload));
    let other = Sent::json().with("x-amz-content-sha256", &"0".repeat(64)).signed();
    assert_eq!(other.verify(), Err(Refusal::Mismatch));
}

#[test]
fn a_scope_is_of_the_day_and_of_sqs() {
    let mut other_day = Sent::json().signed();
    other_day.replace("authorization", "/20261123/", "/20261122/");
    let (scope, date) = ("20261122".to_owned(), "20261123".to_owned());
    assert_eq!(other_day.verify(), Err(Refusal::WrongDay { scope, date }));
    let mut other_service = Sent::json().signed();
    other_service.replace("authorization", "/sqs/", "/sns/");
    assert_eq!(other_service.verify(), Err(Refusal::WrongService));
    let mut other_region = Sent::json().signed();
    other_region.replace("authorization", "/eu-west-1/", "/eu-west-2/");
    assert_eq!(other_region.verify(), Err(Refusal::Mismatch));
}

#[test]
fn other_algorithms_are_refused_by_name() {
    let mut sigv4a = Sent::json().signed();
    sigv4a.replace("authorization", "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256");
    let form = b"Action=ListQueues&AWSAccessKeyId=k&SignatureVersion=2&Signature=s";
    let sigv2 =
        Sent::new("POST", "/", "", form).with("content-type", "application/x-www-form-urlencoded");
    let by_get = Sent::new("GET", "/", "Action=ListQueues&SignatureVersion=2", b"");
    let bearer = Sent::json().with("authorization", "Bearer token");
    for sent in [sigv4a, sigv2, by_get, bearer] {
        let refusal = sent.view(Claim::of).unwrap_err();
        assert_eq!(refusal, Refusal::UnsupportedAlgorithm);
        let text = "The authorization mechanism you have provided is not supported. Please use \
                    AWS4-HMAC-SHA256.";
        assert_spelled(&refusal, "IncompleteSignatureException", "IncompleteSignature", text);
    }
}
