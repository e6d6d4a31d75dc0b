//! How many files a store has open.

use std::{fs, path::Path, sync::Arc};

use longshore_storage::{BodyKey, disk::RealDisk};

use crate::kit::{Bench, small};

/// The files in a directory that this process has open.
fn open_in(directory: &Path) -> usize {
    let links = fs::read_dir("/proc/self/fd").unwrap();
    let targets = links.filter_map(|link| fs::read_link(link.unwrap().path()).ok());
    targets.filter(|target| target.starts_with(directory)).count()
}

#[test]
fn c11_a_long_backlog_has_few_files_open() {
    let directory = tempfile::tempdir().unwrap();
    let open = || {
        let disk = RealDisk::open(directory.path()).unwrap();
        Bench::open_any(Arc::new(disk), small()).unwrap()
    };
    let body = |key: u64| vec![u8::try_from(key % 251).unwrap(); 900];
    let bench = open();
    let mut last = longshore_storage::Lsn::ZERO;
    for key in 1..=400 {
        last = bench.append_body(key, &body(key)).unwrap();
    }
    assert!(bench.wait_durable(last));
    assert!(bench.store.usage().segments > 90);
    let read_all = |bench: &Bench| {
        for key in (1..=400).chain((1..=400).rev()) {
            assert_eq!(bench.store.read(BodyKey(key)).unwrap().unwrap(), body(key));
        }
        assert!(open_in(directory.path()) < 80, "{}", open_in(directory.path()));
    };
    read_all(&bench);
    bench.store.close().unwrap();
    drop(bench);
    let bench = open();
    assert!(open_in(directory.path()) < 80, "{}", open_in(directory.path()));
    read_all(&bench);
}
