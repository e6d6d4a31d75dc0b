//! Any bytes as the target and the body of a JSON request: decoded or refused, and the refusal can be told.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_fuzz::Recorded;
use longshore_wire::json;

fuzz_target!(|bytes: &[u8]| {
    let request = Recorded::parse(bytes);
    match json::decode(request.header("x-amz-target"), request.body) {
        Ok(decoded) => {
            let action = decoded.action();
            let target = request.header("x-amz-target").unwrap_or_default();
            assert!(target.ends_with(action), "{action} was decoded for {target}");
        }
        Err(refusal) => assert!(json::encode_error(&refusal).starts_with(b"{\"__type\":")),
    }
});
