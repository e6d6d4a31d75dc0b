//! Any bytes as the URL and the form of a Query request: decoded or refused, and the refusal can be told as XML that
//! holds no character which XML forbids.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_fuzz::Recorded;
use longshore_wire::query::{Format, Parameters};
use longshore_wire::{Request, SqsError};

fn decode(request: &Recorded<'_>) -> Result<Request, SqsError> {
    Parameters::parse(request.query, request.body)?.request("http://localhost", request.path)
}

fuzz_target!(|bytes: &[u8]| {
    let request = Recorded::parse(bytes);
    if let Err(refusal) = decode(&request) {
        let told = Format::accepted(None).encode_error("id", &refusal);
        let told = String::from_utf8(told).expect("XML is UTF-8");
        assert!(!told.contains(|char: char| char < ' ' && !"\t\r\n".contains(char)), "{told:?}");
    }
});
