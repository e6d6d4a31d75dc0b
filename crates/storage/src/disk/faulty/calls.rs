//! The calls that storage makes, as a faulty disk answers them.
//!
//! Each takes the lock, asks the script whether it fails, and then changes the images.

use std::{
    io,
    sync::{Arc, MutexGuard, PoisonError},
};

use super::{
    FaultyDisk, World,
    faults::Operation,
    image::{Change, Contents},
};
use crate::disk::{Disk, DiskFile, DiskLock, Hold};

impl Disk for FaultyDisk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut world = self.world();
        if world.names.contains(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        world.faults.change(Operation::Name)?;
        let file = world.add(Contents::default());
        world.names.add(name, file);
        Ok(Arc::new(FaultyFile { disk: self.clone(), file }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.world().names.find(name)?;
        Ok(Arc::new(FaultyFile { disk: self.clone(), file }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut world = self.world();
        let file = world.names.find(from)?;
        world.faults.change(Operation::Name)?;
        world.names.add(to, file);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut world = self.world();
        world.names.find(name)?;
        world.faults.change(Operation::Name)?;
        world.names.remove(name);
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.world().names.list())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut world = self.world();
        world.faults.change(Operation::SyncDir)?;
        if !world.lying {
            world.names.sync();
        }
        Ok(())
    }

    fn lock(&self) -> io::Result<Box<dyn DiskLock>> {
        let mut world = self.world();
        if std::mem::replace(&mut world.locked, true) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(FaultyLock(self.clone())))
    }

    fn hold(&self, hold: Hold) -> io::Result<Box<dyn DiskLock>> {
        let mut world = self.world();
        if world.changing || (hold == Hold::Change && world.copying > 0) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        match hold {
            Hold::Copy => world.copying += 1,
            Hold::Change => world.changing = true,
        }
        Ok(Box::new(FaultyHold(self.clone(), hold)))
    }

    fn random(&self) -> io::Result<u64> {
        Ok(self.world().random.next())
    }

    fn describe(&self, name: &str) -> String {
        format!("faulty:/{name}")
    }
}

#[derive(Debug)]
struct FaultyLock(FaultyDisk);

impl DiskLock for FaultyLock {}

impl Drop for FaultyLock {
    fn drop(&mut self) {
        self.0.world().locked = false;
    }
}

#[derive(Debug)]
struct FaultyHold(FaultyDisk, Hold);

impl DiskLock for FaultyHold {}

impl Drop for FaultyHold {
    fn drop(&mut self) {
        let mut world = self.0.world();
        match self.1 {
            Hold::Copy => world.copying -= 1,
            Hold::Change => world.changing = false,
        }
    }
}

#[derive(Debug)]
struct FaultyFile {
    disk: FaultyDisk,
    file: usize,
}

impl DiskFile for FaultyFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.world().files[self.file].live().len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut world = self.disk.world();
        world.faults.call(Operation::Read)?;
        let offset = place(offset);
        let len = world.files[self.file].live().len().saturating_sub(offset).min(buffer.len());
        let len = world.share(len)?;
        buffer[..len].copy_from_slice(&world.files[self.file].live()[offset..][..len]);
        Ok(len)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut world = self.disk.world();
        let len = world.share(bytes.len())?;
        world.faults.change(Operation::Write)?;
        world.unlocked_writes += u64::from(!world.locked);
        let write = Change::Write(place(offset), bytes[..len].to_vec());
        world.files[self.file].change(write);
        if world.faults.is_off() { Err(io::Error::other("the power went off")) } else { Ok(len) }
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        let mut world = self.disk.world();
        let len = place(len);
        if world.full && world.files[self.file].live().len() < len {
            return Err(io::ErrorKind::StorageFull.into());
        }
        world.faults.change(Operation::Allocate)?;
        world.files[self.file].change(Change::Grow(len));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut world = self.disk.wait_while_held(self.disk.world(), self.file);
        let World { faults, files, lying, .. } = &mut *world;
        let allowed = faults.change(Operation::Sync);
        match allowed {
            Ok(()) => files[self.file].sync(*lying),
            Err(_) if faults.is_off() => {}
            Err(_) => files[self.file].fail_sync(),
        }
        allowed
    }
}

impl FaultyDisk {
    /// Lets a sync wait while syncs are held.
    fn wait_while_held<'a>(
        &self,
        mut world: MutexGuard<'a, World>,
        file: usize,
    ) -> MutexGuard<'a, World> {
        while world.held == Some(file) {
            world.syncs_waiting += 1;
            self.0.released.notify_all();
            world = self.0.released.wait(world).unwrap_or_else(PoisonError::into_inner);
            world.syncs_waiting -= 1;
        }
        world
    }
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).expect("a disk in memory is smaller than memory")
}
