//! Impossible options, with the errors that people read: `tests/ui` has a file for each kind.

#[test]
fn an_impossible_option_is_an_error_at_its_token() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
