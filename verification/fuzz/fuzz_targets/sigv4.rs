//! Any bytes as a signed request: nobody is let in who does not know the secret.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_fuzz::Recorded;
use longshore_types::Timestamp;
use longshore_wire::signature::{Claim, SecretKey};

fuzz_target!(|bytes: &[u8]| {
    Recorded::parse(bytes).with_http_request(|request| {
        let Ok(claim) = Claim::of(request) else { return };
        // No seed was signed with this one.
        let secret = SecretKey::new("known to nobody");
        let now = Timestamp::from_millis(1_795_400_000_000);
        assert!(claim.verify(request, &secret, now).is_err(), "{:?}", claim.credential());
    });
});
