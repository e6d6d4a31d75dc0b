//! One record: the events that a caller appends together, and the bodies they speak of.
//!
//! Integers are little-endian. `crc` covers the segment's epoch and everything of the frame but
//! itself. `prev` is the `crc` of the record before (0 for the first), so that records cannot go
//! missing, change places or come from elsewhere.
//!
//! ```text
//! 0       4       8               16      20
//! ├─ len ─┼─ crc ─┼─ lsn ─────────┼─ prev ┼─ payload: len bytes ───────────────────────┤
//!
//! payload
//! 0            4              8
//! ├─ events_len ┼─ body_count ┼─ events ─┼─ body ─┼─ body ─┤ …
//!
//! body: can be read and checked alone
//! 0               8       12      16
//! ├─ key ─────────┼─ len ─┼─ crc ─┼─ len bytes ─┤      crc covers epoch, key, len and the bytes
//! ```
//!
//! # Invariants
//!
//! - A record lies in one batch of one segment: its events are recovered whole or not at all.
//! - A record whose `crc` is wrong is none, unless only the bytes of bodies are: then those are marked.
//! - A body is found only by somebody who asks for its key in the segment where it was written.

use bytes::Bytes;

use crate::{BodyKey, Lsn, epoch::Epoch, rot};

/// Bytes before the payload.
const FRAME_BYTES: usize = 20;
/// Bytes of the payload before the events.
const COUNTS_BYTES: usize = 8;
/// Bytes before those of a body.
pub(crate) const BODY_HEADER_BYTES: usize = 16;

/// What is appended at once: recovered whole or not at all.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    /// What happened, in the caller's own words. Replayed by [`Store::open`](crate::Store::open).
    pub events: &'a [u8],
    /// Bodies that the events speak of, each under a key never used before. They are kept, and
    /// cached, as given: a slice of a larger buffer keeps the whole of that buffer in memory.
    pub bodies: Vec<(BodyKey, Bytes)>,
    /// Whether somebody waits until the record is durable. Without, it is written as soon as the
    /// others and survives a kill, but is synced with a later record, or within
    /// [`Options::idle`](crate::Options::idle).
    pub sync: bool,
}

impl Record<'_> {
    /// The room to reserve for a record with `events_len` bytes of events and bodies of these sizes.
    pub fn bytes(events_len: usize, bodies: impl IntoIterator<Item = usize>) -> u64 {
        let bodies: usize = bodies.into_iter().map(|len| BODY_HEADER_BYTES + len).sum();
        (FRAME_BYTES + COUNTS_BYTES + events_len + bodies) as u64
    }

    /// The room to reserve for this record.
    pub fn len_bytes(&self) -> u64 {
        Self::bytes(self.events.len(), self.bodies.iter().map(|(_, body)| body.len()))
    }
}

/// A record on its way to the writer: placed in order, not yet in a segment.
#[derive(Debug)]
pub(crate) struct PendingRecord {
    pub(crate) lsn: Lsn,
    pub(crate) events: Vec<u8>,
    pub(crate) bodies: Vec<(BodyKey, Bytes)>,
    pub(crate) sync: bool,
    /// What the reservation counted, given back when the record is written.
    pub(crate) charge: u64,
}

impl PendingRecord {
    /// The size of its frame.
    pub(crate) fn frame_bytes(&self) -> usize {
        let bodies: usize =
            self.bodies.iter().map(|(_, body)| BODY_HEADER_BYTES + body.len()).sum();
        FRAME_BYTES + COUNTS_BYTES + self.events.len() + bodies
    }

    /// Appends the frame to `out`, tells `placed` where in `out` each body begins, and returns the
    /// frame's checksum: the `prev` of the next record.
    pub(crate) fn encode(
        &self,
        epoch: Epoch,
        prev: u32,
        out: &mut Vec<u8>,
        mut placed: impl FnMut(BodyKey, usize, usize),
    ) -> u32 {
        let start = out.len();
        let payload_len = self.frame_bytes() - FRAME_BYTES;
        put_u32(out, payload_len);
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.lsn.0.to_le_bytes());
        out.extend_from_slice(&prev.to_le_bytes());
        put_u32(out, self.events.len());
        put_u32(out, self.bodies.len());
        out.extend_from_slice(&self.events);
        for (key, body) in &self.bodies {
            placed(*key, out.len(), body.len());
            encode_body(epoch, *key, body, out);
        }
        let crc = epoch.checksum(&[&out[start..start + 4], &out[start + 8..]]);
        out[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
        crc
    }
}

fn put_u32(out: &mut Vec<u8>, value: usize) {
    let value =
        u32::try_from(value).expect("a record is smaller than a segment, which is below 4 GiB");
    out.extend_from_slice(&value.to_le_bytes());
}

fn encode_body(epoch: Epoch, key: BodyKey, body: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&key.0.to_le_bytes());
    put_u32(out, body.len());
    let crc = epoch.checksum(&[&out[start..], body]);
    out.extend_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(body);
}

/// Whether `frame` (header and bytes) is the body `key` of this epoch; if not, why.
pub(crate) fn check_body(epoch: Epoch, key: BodyKey, frame: &[u8]) -> Result<(), &'static str> {
    let body = decode_body(frame).ok_or("a body is cut short")?;
    if body.key != key {
        return Err("another body is in its place");
    }
    if body.len != frame.len() - BODY_HEADER_BYTES {
        return Err("the length of a body is wrong");
    }
    if body_checks(epoch, frame) { Ok(()) } else { Err("the checksum of a body is wrong") }
}

/// Whether the checksum of a body, with its header, is right.
pub(crate) fn body_checks(epoch: Epoch, frame: &[u8]) -> bool {
    let crc = epoch.checksum(&[&frame[..12], &frame[BODY_HEADER_BYTES..]]);
    read_u32(frame, 12) == Some(crc)
}

/// Where a body is inside the bytes it was decoded from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyFrame {
    pub(crate) key: BodyKey,
    /// Bytes of the body, without its header.
    pub(crate) len: usize,
    /// Its bytes are not as they were written.
    pub(crate) is_rotten: bool,
}

fn decode_body(frame: &[u8]) -> Option<BodyFrame> {
    let key = BodyKey(read_u64(frame, 0)?);
    let len = read_u32(frame, 8)? as usize;
    let is_there = frame.len().checked_sub(BODY_HEADER_BYTES)? >= len;
    is_there.then_some(BodyFrame { key, len, is_rotten: false })
}

/// Each body, and where its header begins, counted from the start of the record's frame.
pub(crate) type BodyFrames = Vec<(BodyFrame, usize)>;

/// A record found in a segment. Its checksum was right, but for the bytes of bodies that are marked.
#[derive(Debug)]
pub(crate) struct DecodedRecord<'a> {
    pub(crate) lsn: Lsn,
    pub(crate) crc: u32,
    pub(crate) events: &'a [u8],
    pub(crate) bodies: BodyFrames,
    /// Bytes of the frame.
    pub(crate) len: usize,
}

impl DecodedRecord<'_> {
    /// Whether the bytes of some of its bodies are not as they were written.
    pub(crate) fn is_rotten(&self) -> bool {
        self.bodies.iter().any(|(body, _)| body.is_rotten)
    }
}

/// Decodes the frame at the start of `bytes`. The error says what is wrong with it.
pub(crate) fn decode(
    epoch: Epoch,
    expected: Lsn,
    prev: u32,
    bytes: &[u8],
) -> Result<DecodedRecord<'_>, &'static str> {
    const SHORT: &str = "a record is cut short";
    const WRONG: &str = "the checksum of a record is wrong";
    let payload_len = read_u32(bytes, 0).ok_or(SHORT)? as usize;
    let len = FRAME_BYTES.checked_add(payload_len).ok_or(SHORT)?;
    let frame = bytes.get(..len).ok_or(SHORT)?;
    let crc = read_u32(frame, 4).ok_or(SHORT)?;
    let is_whole = epoch.checksum(&[&frame[..4], &frame[8..]]) == crc;
    let (events, bodies) = match decode_payload(frame) {
        Some(payload) if is_whole => payload,
        Some(payload) => only_bodies_rotten(epoch, frame, payload).ok_or(WRONG)?,
        None => return Err(if is_whole { "a record holds nonsense" } else { WRONG }),
    };
    let lsn = Lsn(read_u64(frame, 8).ok_or(SHORT)?);
    if lsn != expected || read_u32(frame, 16) != Some(prev) {
        return Err("a record does not follow the one before it");
    }
    Ok(DecodedRecord { lsn, crc, events, bodies, len })
}

/// What a frame says of itself, without a check: its checksum, and how long it is.
pub(crate) fn stated(bytes: &[u8]) -> Option<(u32, usize)> {
    let len = FRAME_BYTES.checked_add(read_u32(bytes, 0)? as usize)?;
    Some((read_u32(bytes, 4)?, len))
}

/// The payload with its rotten bodies marked, if nothing else of the record is wrong.
fn only_bodies_rotten<'a>(
    epoch: Epoch,
    frame: &[u8],
    (events, mut bodies): (&'a [u8], BodyFrames),
) -> Option<(&'a [u8], BodyFrames)> {
    let start = FRAME_BYTES + COUNTS_BYTES + events.len();
    rot::only_bodies(epoch, frame, start, &mut bodies).then_some((events, bodies))
}

fn decode_payload(frame: &[u8]) -> Option<(&[u8], BodyFrames)> {
    let events_len = read_u32(frame, FRAME_BYTES)? as usize;
    let body_count = read_u32(frame, FRAME_BYTES + 4)?;
    let start = FRAME_BYTES + COUNTS_BYTES;
    let events = frame.get(start..start.checked_add(events_len)?)?;
    let mut at = start + events_len;
    let mut bodies = Vec::new();
    for _ in 0..body_count {
        let rest = frame.get(at..).filter(|rest| rest.len() >= BODY_HEADER_BYTES)?;
        let body = decode_body(rest)?;
        bodies.push((body, at));
        at += BODY_HEADER_BYTES + body.len;
    }
    (at == frame.len()).then_some((events, bodies))
}

/// The little-endian number at `at`.
pub(crate) fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// The little-endian number at `at`.
pub(crate) fn read_u64(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epoch::SegmentNumber;

    fn epoch() -> Epoch {
        Epoch::new(3, SegmentNumber(1))
    }

    fn sample() -> PendingRecord {
        PendingRecord {
            lsn: Lsn(9),
            events: b"events".to_vec(),
            bodies: vec![(BodyKey(4), Bytes::from_static(b"body")), (BodyKey(5), Bytes::new())],
            sync: true,
            charge: 0,
        }
    }

    #[test]
    fn a_record_comes_back_as_it_was_and_is_as_long_as_foretold() {
        let mut out = Vec::new();
        let mut places = Vec::new();
        let crc =
            sample().encode(epoch(), 77, &mut out, |key, at, len| places.push((key, at, len)));

        assert_eq!(out.len() as u64, Record::bytes(6, [4, 0]));
        let decoded = decode(epoch(), Lsn(9), 77, &out).unwrap();
        assert_eq!((decoded.events, decoded.crc, decoded.len), (&b"events"[..], crc, out.len()));
        let found: Vec<_> = decoded.bodies.iter().map(|(b, at)| (b.key, *at, b.len)).collect();
        assert_eq!(found, places);
        let (_, at, len) = places[0];
        check_body(epoch(), BodyKey(4), &out[at..at + BODY_HEADER_BYTES + len]).unwrap();
    }

    #[test]
    fn any_changed_bit_of_a_record_is_noticed() {
        let mut out = Vec::new();
        sample().encode(epoch(), 77, &mut out, |_, _, _| {});
        let body = out.windows(4).position(|bytes| bytes == b"body").unwrap();
        for bit in 0..out.len() * 8 {
            out[bit / 8] ^= 1 << (bit % 8);
            let decoded = decode(epoch(), Lsn(9), 77, &out);
            let rotten = decoded.map(|record| record.is_rotten()).ok();
            let expected = (body..body + 4).contains(&(bit / 8)).then_some(true);
            assert_eq!(rotten, expected, "bit {bit}");
            out[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn a_record_of_which_only_bodies_have_rotted_is_read_and_names_them() {
        let bodies = [b"one".to_vec(), vec![7; 5000], Vec::new(), b"four".to_vec()];
        let keyed = bodies.iter().zip(1..).map(|(body, key)| (BodyKey(key), body.clone().into()));
        let record = PendingRecord { bodies: keyed.collect(), ..sample() };
        let mut out = Vec::new();
        let mut places = Vec::new();
        let crc = record.encode(epoch(), 77, &mut out, |_, at, _| places.push(at));
        out[places[0] + BODY_HEADER_BYTES] ^= 1;
        out[places[1] + BODY_HEADER_BYTES + 512..][..4096].fill(0);
        let decoded = decode(epoch(), Lsn(9), 77, &out).unwrap();
        assert_eq!((decoded.events, decoded.crc), (&b"events"[..], crc));
        let rotten: Vec<_> = decoded.bodies.iter().map(|(body, _)| body.is_rotten).collect();
        assert_eq!(rotten, [true, true, false, false]);
        for wrong in [30, places[0], places[0] + 12, places[2] + 8, places[3] + 12] {
            let mut worse = out.clone();
            worse[wrong] ^= 16;
            assert!(decode(epoch(), Lsn(9), 77, &worse).is_err(), "byte {wrong}");
        }
    }

    #[test]
    fn a_record_is_refused_out_of_its_place() {
        let mut out = Vec::new();
        sample().encode(epoch(), 77, &mut out, |_, _, _| {});
        assert!(decode(epoch(), Lsn(9), 77, &out).is_ok());
        assert!(decode(epoch(), Lsn(8), 77, &out).is_err());
        assert!(decode(epoch(), Lsn(9), 78, &out).is_err());
    }

    #[test]
    fn a_body_is_refused_under_another_key_or_epoch() {
        let mut frame = Vec::new();
        encode_body(epoch(), BodyKey(1), b"text", &mut frame);
        assert!(check_body(epoch(), BodyKey(1), &frame).is_ok());
        assert!(check_body(epoch(), BodyKey(2), &frame).is_err());
        assert!(check_body(Epoch::new(3, SegmentNumber(2)), BodyKey(1), &frame).is_err());
    }
}
