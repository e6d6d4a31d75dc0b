//! What is signed in one of the ways in which clients sign.

use aws_sigv4::http_request::{PayloadChecksumKind, SigningSettings};
use longshore_types::Region;
use longshore_wire::signature::Claim;

use super::{ACCESS_KEY, SECRET, Sent};

const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

#[test]
fn a_post_of_json_is_accepted_and_names_its_key_and_region() {
    let sent = Sent::json().signed();
    sent.assert_accepted();
    let claim = sent.view(Claim::of).unwrap();
    assert_eq!(claim.credential().region, Region::parse("eu-west-1").unwrap());
}

#[test]
fn a_post_of_a_form_and_a_get_are_accepted() {
    let form = b"Action=SendMessage&MessageBody=a%0D%0A%C3%A9";
    Sent::new("POST", "/000000000000/jobs.fifo", "", form)
        .with("content-type", FORM)
        .signed()
        .assert_accepted();
    let query = "Action=ListQueues&QueueNamePrefix=a%20b%2Fc&Version=2012-11-05&a=2&a=1&b";
    Sent::new("GET", "/", query, b"").signed().assert_accepted();
}

#[test]
fn a_presigned_url_is_accepted_by_get_and_by_post() {
    let query = "Action=ReceiveMessage&MaxNumberOfMessages=10";
    Sent::new("GET", "/000000000000/jobs", query, b"").presigned().assert_accepted();
    Sent::new("POST", "/000000000000/jobs", "", b"Action=PurgeQueue")
        .with("content-type", FORM)
        .presigned()
        .assert_accepted();
}

#[test]
fn a_body_of_any_bytes_is_signed() {
    let bytes: Vec<u8> = (0..=255).collect();
    Sent::new("POST", "/", "", &bytes).signed().assert_accepted();
}

#[test]
fn a_path_that_is_encoded_or_not_in_its_normal_form_is_accepted() {
    for path in ["/%C3%A9", "//a//b/", "/a/./b/../c", "/a/b/.", "/a%20b/~c", "/*(x)"] {
        Sent::new("POST", path, "", b"").signed().assert_accepted();
    }
}

#[test]
fn spaces_in_headers_and_headers_of_several_values_are_canonical() {
    Sent::json()
        .with("x-custom", "  a   b ")
        .with("x-many", "one")
        .with("x-many", "two, three")
        .with("x-empty", "")
        .with("x-far", "grüße")
        .signed()
        .assert_accepted();
}

#[test]
fn a_session_token_and_the_payloads_digest_are_accepted_if_signed() {
    Sent::json().signed_with(SigningSettings::default(), Some("token+/=")).assert_accepted();
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let sent = Sent::json().signed_with(settings, None);
    assert!(sent.headers.iter().any(|(name, _)| name == "x-amz-content-sha256"));
    sent.assert_accepted();
}

#[test]
fn headers_that_proxies_add_on_the_way_do_not_matter() {
    Sent::json()
        .signed()
        .with("x-amzn-trace-id", "Root=1")
        .with("x-forwarded-for", "10.0.0.1")
        .with("user-agent", "changed")
        .assert_accepted();
}

#[test]
fn the_spacing_of_the_authorization_header_is_free() {
    for spacing in [",", ",  ", " , "] {
        let mut sent = Sent::json().signed();
        sent.replace("authorization", ", ", spacing);
        sent.assert_accepted();
    }
}

/// Computed with Python's `hmac` and `hashlib` from the documentation alone.
#[test]
fn a_request_that_was_signed_by_hand_is_accepted() {
    let scope = "20261123/eu-west-1/sqs/aws4_request";
    let signed = "content-type;host;x-amz-date;x-amz-target";
    let signature = "bab4ffa66a7bff251d9f3a4d87cc89ae4b725f1f066a5173618b998584fa3c3a";
    let mut sent = Sent::json().with("x-amz-date", "20261123T130440Z").with(
        "authorization",
        &format!(
            "AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, SignedHeaders={signed}, \
             Signature={signature}"
        ),
    );
    sent.assert_accepted();
    assert!(sent.verify_at(&SECRET.replace('w', "W"), super::NOW).is_err());
    sent.body.push(b' ');
    assert!(sent.verify().is_err());
}

/// By hand as well: without `x-amz-date`, the date of HTTP is what is signed.
#[test]
fn the_date_of_http_is_accepted_if_it_is_signed() {
    let scope = "20261123/us-east-1/sqs/aws4_request";
    Sent::new("GET", "/000000000000/jobs", "Version=2012-11-05&Action=ListQueueTags", b"")
        .with("date", "Mon, 23 Nov 2026 13:04:40 GMT")
        .with(
            "authorization",
            &format!(
                "AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, SignedHeaders=date;host, \
                 Signature=6ed2fc03c7e0521757edf03554e1dea2d065be521afcc8496e89b96261ba01c5"
            ),
        )
        .assert_accepted();
}
