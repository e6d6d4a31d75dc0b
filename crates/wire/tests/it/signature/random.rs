//! Random requests: each is accepted as it was signed, and refused when one byte of it is another.

use longshore_wire::signature::{Claim, SecretKey};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::{NOW, Sent};

/// Which part of a request is changed.
#[derive(Clone, Copy, Debug)]
enum Part {
    Method,
    Path,
    Query,
    Header,
    Signature,
    Body,
}

fn requests() -> impl Strategy<Value = Sent> {
    let path = "(/[a-zA-Z0-9][a-zA-Z0-9_-]{0,12}){1,3}";
    let query = "[a-zA-Z]{1,9}=[a-zA-Z0-9]{0,9}(&[a-zA-Z]{1,9}=[a-zA-Z0-9+]{0,9}){0,4}";
    let header = "[a-zA-Z0-9][ -~]{0,20}";
    (prop_oneof![Just("GET"), Just("POST")], path, query, header, vec(any::<u8>(), 1..99)).prop_map(
        |(method, path, query, header, body)| {
            Sent::new(method, &path, &query, &body).with("x-custom", &header)
        },
    )
}

/// The text with another letter or digit in place of one: a change that no form of writing hides.
fn change(text: &mut String, at: Index) {
    let places: Vec<_> =
        text.char_indices().filter(|(_, letter)| letter.is_ascii_alphanumeric()).collect();
    let (place, letter) = *at.get(&places);
    let other = if letter == 'q' { "r" } else { "q" };
    text.replace_range(place..=place, other);
}

fn change_bytes(bytes: &mut Vec<u8>, at: Index) {
    let mut text = String::from_utf8(std::mem::take(bytes)).unwrap();
    change(&mut text, at);
    *bytes = text.into_bytes();
}

fn tamper(sent: &mut Sent, part: Part, at: Index, mask: u8) {
    match part {
        Part::Method => change(&mut sent.method, at),
        Part::Path => change(&mut sent.path, at),
        Part::Query => change(&mut sent.query, at),
        Part::Header => change_bytes(sent.header("x-custom"), at),
        Part::Signature => {
            let header = sent.header("authorization");
            let digit = header.len() - 1 - at.index(64);
            header[digit] = if header[digit] == b'0' { b'1' } else { b'0' };
        }
        Part::Body => {
            let at = at.index(sent.body.len());
            sent.body[at] ^= mask;
        }
    }
}

proptest! {
    #[test]
    fn one_other_byte_is_another_request(
        sent in requests(),
        part in prop_oneof![
            Just(Part::Method), Just(Part::Path), Just(Part::Query), Just(Part::Header),
            Just(Part::Signature), Just(Part::Body),
        ],
        at in any::<Index>(),
        mask in 1..=255_u8,
    ) {
        let mut sent = sent.signed();
        prop_assert!(sent.verify().is_ok());
        tamper(&mut sent, part, at, mask);
        prop_assert!(sent.verify().is_err(), "{sent:?}");
    }

    #[test]
    fn a_presigned_url_with_one_other_byte_is_another_request(
        sent in requests(),
        at in any::<Index>(),
    ) {
        let mut sent = sent.presigned();
        prop_assert!(sent.verify().is_ok());
        tamper(&mut sent, Part::Query, at, 1);
        prop_assert!(sent.verify().is_err(), "{sent:?}");
    }

    #[test]
    fn no_text_makes_the_reading_panic(
        authorization in "(AWS4-HMAC-SHA256 )?(Credential=[ -~]{0,40},? ?)?(SignedHeaders=.{0,20},)?(Signature=.{0,70})?",
        date in "([0-9]{8}T[0-9]{6}Z)|.{0,20}",
        query in "((X-Amz-(Algorithm|Credential|Date|Expires|SignedHeaders|Signature)|.{0,5})=?.{0,20}&){0,7}",
        header in vec(any::<u8>(), 0..20),
    ) {
        let mut sent = Sent::new("POST", "/é/%", &query, b"").with("x-amz-date", &date);
        if !authorization.is_empty() {
            sent = sent.with("authorization", &authorization);
        }
        sent.headers.push(("x-amz-target".to_owned(), header));
        sent.view(|request| {
            if let Ok(claim) = Claim::of(request) {
                drop(claim.verify(request, &SecretKey::new("s"), NOW));
            }
        });
    }
}
