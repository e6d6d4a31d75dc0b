//! Telling a record of which nothing but bodies has rotted.
//!
//! A record's `crc` covers its bodies too, and each body has a `crc` of its own. A CRC is linear: what
//! the bytes of a body add to the record's `crc` follows from their own `crc` and their length. So the
//! `crc` that the record had with the bytes that once were there can be computed without them. If it is
//! the stated one, then everything else of the record is as it was written, the headers of its bodies
//! too, and only the bytes of the bodies that do not check are wrong.
//!
//! # Invariants
//!
//! - Nothing here makes a body right again: its bytes are not handed out.

use crate::{
    epoch::Epoch,
    record::{BODY_HEADER_BYTES, BodyFrames, body_checks, read_u32},
};

/// Marks the bodies of `frame`, which begin at `start`, that do not check. Whether there are some, and
/// nothing but their bytes is wrong.
pub(crate) fn only_bodies(
    epoch: Epoch,
    frame: &[u8],
    start: usize,
    bodies: &mut BodyFrames,
) -> bool {
    let mut crc = epoch.checksum(&[&frame[..4], &frame[8..start]]);
    for (body, at) in bodies.iter_mut() {
        let of_body = &frame[*at..*at + BODY_HEADER_BYTES + body.len];
        body.is_rotten = !body_checks(epoch, of_body);
        let (header, bytes) = of_body.split_at(BODY_HEADER_BYTES);
        crc = crc32c::crc32c_append(crc, header);
        crc = if body.is_rotten {
            crc32c::crc32c_combine(crc, stated(epoch, header, body.len), body.len)
        } else {
            crc32c::crc32c_append(crc, bytes)
        };
    }
    bodies.iter().any(|(body, _)| body.is_rotten) && read_u32(frame, 4) == Some(crc)
}

/// The `crc` of the bytes alone that a body had, by what its header says.
fn stated(epoch: Epoch, header: &[u8], len: usize) -> u32 {
    let with_header = read_u32(header, 12).unwrap_or_default();
    crc32c::crc32c_combine(epoch.checksum(&[&header[..12]]), with_header, len)
}
