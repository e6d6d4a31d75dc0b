//! A caller with a state of its own: the keys of bodies that were sent and not deleted.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Condvar, Mutex},
    thread,
};

use bytes::Bytes;
use longshore_storage::{
    BodyKey, Checkpoint, CheckpointError, Disk, Lsn, OpenError, Options, Purpose, Rebuild, Record,
    Recovered, ReplayError, Report, ReserveError, Store, disk::FaultyDisk,
};

/// What a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Sent(u64),
    Deleted(u64),
    /// Nothing: it ends a checkpoint.
    Noted,
}

impl Op {
    fn encode(self) -> Vec<u8> {
        let (kind, key) = match self {
            Self::Sent(key) => (1u8, key),
            Self::Deleted(key) => (2, key),
            Self::Noted => (3, 0),
        };
        [&[kind][..], &key.to_le_bytes()].concat()
    }

    fn decode(bytes: &[u8]) -> Self {
        let key = u64::from_le_bytes(bytes[1..9].try_into().unwrap());
        match bytes[0] {
            1 => Self::Sent(key),
            2 => Self::Deleted(key),
            _ => Self::Noted,
        }
    }

    fn apply(self, live: &mut BTreeSet<u64>) {
        match self {
            Self::Sent(key) => assert!(live.insert(key), "{key} was sent twice"),
            Self::Deleted(key) => assert!(live.remove(&key), "{key} was not there to be deleted"),
            Self::Noted => {}
        }
    }
}

/// What every body holds.
pub(crate) fn body(key: u64) -> Bytes {
    vec![u8::try_from(key % 251).unwrap(); usize::try_from(300 + key * 131 % 500).unwrap()].into()
}

/// The caller, as a store's records make it.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) live: BTreeSet<u64>,
    replayed: u64,
    /// Records may be missing.
    lenient: bool,
}

impl Book {
    /// One that passes over what does not fit.
    pub(crate) fn lenient() -> Self {
        Self { lenient: true, ..Self::default() }
    }
}

impl Rebuild for Book {
    fn restore(&mut self, piece: &[u8]) -> Result<(), ReplayError> {
        let keys = piece.chunks(8).map(|key| u64::from_le_bytes(key.try_into().unwrap()));
        self.live.extend(keys);
        Ok(())
    }

    fn record(
        &mut self,
        _lsn: Lsn,
        events: &[u8],
        released: &mut Vec<BodyKey>,
    ) -> Result<(), ReplayError> {
        self.replayed += 1;
        let op = Op::decode(events);
        let fits = match op {
            Op::Sent(key) => !self.live.contains(&key),
            Op::Deleted(key) => self.live.contains(&key),
            Op::Noted => true,
        };
        if fits || !self.lenient {
            op.apply(&mut self.live);
        }
        if let Op::Deleted(key) = op {
            released.push(BodyKey(key));
        }
        Ok(())
    }
}

/// Looks at a store of this caller.
pub(crate) fn verify(disk: &FaultyDisk) -> Result<Report, OpenError> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    longshore_storage::verify(&disk, &mut Book::default())
}

/// The caller with its store.
pub(crate) struct Keeper {
    pub(crate) store: Arc<Store>,
    pub(crate) recovered: Recovered,
    pub(crate) live: BTreeSet<u64>,
    /// Everything that was appended since the store was opened, with its place.
    pub(crate) said: BTreeMap<Lsn, Op>,
    pub(crate) replayed: u64,
    /// Tells when the log has come further.
    changed: Arc<(Mutex<()>, Condvar)>,
}

impl Keeper {
    pub(crate) fn open(disk: &FaultyDisk, options: Options) -> Result<Self, OpenError> {
        let mut book = Book::default();
        let (store, recovered) = Store::open_from(Arc::new(disk.clone()), options, &mut book)?;
        let Book { live, replayed, .. } = book;
        let store = Arc::new(store);
        let changed = Arc::new((Mutex::new(()), Condvar::new()));
        let telling = Arc::clone(&changed);
        store.on_progress(Box::new(move |_| {
            drop(telling.0.lock());
            telling.1.notify_all();
        }));
        Ok(Self { store, recovered, live, said: BTreeMap::new(), replayed, changed })
    }

    pub(crate) fn append(&mut self, op: Op) -> Result<Lsn, ReserveError> {
        let bodies = match op {
            Op::Sent(key) => vec![(BodyKey(key), body(key))],
            Op::Deleted(_) | Op::Noted => Vec::new(),
        };
        let purpose = match op {
            Op::Sent(_) => Purpose::Grow,
            Op::Deleted(_) => Purpose::Shrink,
            Op::Noted => Purpose::Start,
        };
        let events = op.encode();
        let record = Record { events: &events, bodies, sync: true };
        let reservation = loop {
            match self.store.reserve(record.len_bytes(), purpose) {
                Err(ReserveError::Busy) => thread::yield_now(),
                other => break other?,
            }
        };
        let lsn = self.store.append(reservation, record);
        op.apply(&mut self.live);
        self.said.insert(lsn, op);
        if let Op::Deleted(key) = op {
            self.store.release(BodyKey(key));
        }
        Ok(lsn)
    }

    /// Has the bodies of segments that are almost empty stand at the end of the log.
    pub(crate) fn move_bodies(&mut self) -> usize {
        let bodies = self.store.bodies_to_move();
        let count = bodies.len();
        for (key, bytes) in bodies {
            let events = Op::Noted.encode();
            let record = Record { events: &events, bodies: vec![(key, bytes)], sync: true };
            let Ok(reservation) = self.store.reserve(record.len_bytes(), Purpose::Keep) else {
                return 0;
            };
            let lsn = self.store.append(reservation, record);
            self.said.insert(lsn, Op::Noted);
            self.wait(lsn);
        }
        count
    }

    /// Waits until `lsn` is durable; false if the store is poisoned.
    pub(crate) fn wait(&self, lsn: Lsn) -> bool {
        let mut seen = self.changed.0.lock().unwrap();
        loop {
            let progress = self.store.progress();
            if progress.durable >= lsn || progress.poisoned {
                return progress.durable >= lsn;
            }
            seen = self.changed.1.wait(seen).unwrap();
        }
    }

    /// Writes a checkpoint; `meanwhile` is called after each piece of it.
    pub(crate) fn checkpoint(
        &mut self,
        mut meanwhile: impl FnMut(&mut Self),
    ) -> Result<(), CheckpointError> {
        let mut checkpoint = self.store.begin_checkpoint().expect("the store is on a disk");
        let told: Vec<u64> = self.live.iter().copied().collect();
        for keys in told.chunks(2) {
            let piece: Vec<u8> = keys.iter().flat_map(|key| key.to_le_bytes()).collect();
            checkpoint.write(&piece)?;
            meanwhile(self);
        }
        if self.wait(checkpoint.lsn()) {
            checkpoint.write_bodies()?;
        }
        meanwhile(self);
        self.end(&mut checkpoint);
        meanwhile(self);
        checkpoint.publish().map(drop)
    }

    /// Appends what ends a checkpoint, and waits for it.
    pub(crate) fn end(&mut self, checkpoint: &mut Checkpoint) {
        if let Ok(lsn) = self.append(Op::Noted) {
            checkpoint.end(lsn);
            self.wait(lsn);
        }
    }

    /// What is wrong with the bodies, if anything: those of live keys are there, and no others.
    pub(crate) fn check_bodies(&self) -> Result<(), String> {
        for key in &self.live {
            let found = self.store.read(BodyKey(*key)).map_err(|error| error.to_string())?;
            if found != Some(body(*key)) {
                return Err(format!("the body of {key} is gone, or another's"));
            }
        }
        let kept = self.store.usage().bodies;
        let live = self.live.len() as u64;
        if kept == live { Ok(()) } else { Err(format!("{kept} bodies are kept, and {live} live")) }
    }
}
