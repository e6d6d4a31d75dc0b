//! Tags and their keys.

use longshore_wire::{SqsError, check};

use crate::{list, texts};

#[track_caller]
fn assert_key_refused(key: &str, text: &str) {
    let refused = SqsError::InvalidParameterValue(text.to_owned());
    assert_eq!(check::tag_keys(&list([key])), Err(refused.clone()), "{key}");
    assert_eq!(check::tags(&texts([(key, "v")])), Err(refused), "{key}");
}

#[test]
fn a_key_has_1_to_128_characters_and_a_value_up_to_256() {
    let long = "é".repeat(128);
    assert_eq!(check::tags(&texts([(&long, &"é".repeat(256)), ("k", "")])), Ok(()));
    let text = "Tag keys must be between 1 and 128 characters in length.";
    assert_key_refused("", text);
    assert_key_refused(&"k".repeat(129), text);
    let text = "Tag values must be between 0 and 256 characters in length.";
    let refused = check::tags(&texts([("k", &"v".repeat(257))]));
    assert_eq!(refused, Err(SqsError::InvalidParameterValue(text.to_owned())));
}

#[test]
fn a_key_has_letters_digits_white_space_and_a_few_marks() {
    assert_eq!(check::tag_keys(&list(["Schlüssel 1 _.:/=+-@"])), Ok(()));
    let text = "Tag keys may only contain unicode letters, digits, whitespace, or one of these \
                symbols: _ . : / = + - @";
    assert_key_refused("a,b", text);
    assert_key_refused("a!", text);
}

#[test]
fn a_key_in_the_namespace_of_aws_is_refused() {
    assert_key_refused("aws:name", "Tag keys must not begin with 'aws:', which is reserved.");
    assert_eq!(check::tag_keys(&list(["aws", "my:aws:"])), Ok(()));
}
