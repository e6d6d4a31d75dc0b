//! File systems of a round's own: a small one in memory, and an ext4 whose whole disk can be copied in one moment.
//!
//! The copy is how the power is cut. ext4 is on a loop device over a file of a btrfs, and a reflink of that file is what
//! the disk held at one moment: what the kernel still had in memory is not in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use rustix::process::geteuid;

/// What can be mounted by this user, or why nothing can.
pub(crate) fn root_is_missing() -> Option<String> {
    (!geteuid().is_root()).then(|| "only root may mount file systems".to_owned())
}

/// Runs a program to its end.
fn run<'a>(program: &str, words: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let output = Command::new(program).args(words).output();
    let output = output.with_context(|| format!("cannot start {program}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} failed: {}", said.trim());
    Ok(())
}

/// A mounted file system. Dropped, it is unmounted.
#[derive(Debug)]
pub(crate) struct Mount {
    at: PathBuf,
}

impl Mount {
    /// A file system in memory, of so many mebibytes.
    pub(crate) fn memory(at: &Path, mebibytes: u64) -> Result<Self> {
        fs::create_dir_all(at)?;
        run("mount", ["-t", "tmpfs", "-o", &format!("size={mebibytes}m"), "tmpfs", &shown(at)])?;
        Ok(Self { at: at.to_owned() })
    }

    /// Makes it larger or smaller.
    pub(crate) fn resize(&self, mebibytes: u64) -> Result<()> {
        run("mount", ["-o", &format!("remount,size={mebibytes}m"), &shown(&self.at)])
    }

    /// Copies all that is on it: once it is unmounted, that is gone.
    pub(crate) fn keep(&self, to: &Path) -> Result<()> {
        run("cp", ["--archive", "--sparse=always", &shown(&self.at), &shown(to)])
    }

    /// What is in a file, as if that were a disk.
    fn file(file: &Path, at: &Path) -> Result<Self> {
        fs::create_dir_all(at)?;
        run("mount", ["-o", "loop", &shown(file), &shown(at)])?;
        Ok(Self { at: at.to_owned() })
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let at = shown(&self.at);
        if run("umount", [at.as_str()]).is_err() {
            drop(run("umount", ["--lazy", &at]));
        }
    }
}

/// An ext4 of 512 MiB that can be copied as it is on its disk.
#[derive(Debug)]
pub(crate) struct Disk {
    /// Where its files are.
    pub(crate) path: PathBuf,
    image: PathBuf,
    // In this order: the inner one is unmounted first.
    _inner: Mount,
    _outer: Mount,
}

impl Disk {
    /// Makes one in a directory.
    pub(crate) fn make(directory: &Path) -> Result<Self> {
        let (file, below, path) =
            (directory.join("below.img"), directory.join("below"), directory.join("disk"));
        fs::File::create(&file)?.set_len(3 << 30)?;
        run("mkfs.btrfs", ["--quiet", &shown(&file)])?;
        let outer = Mount::file(&file, &below)?;
        let image = below.join("disk.img");
        fs::File::create(&image)?.set_len(512 << 20)?;
        run("mkfs.ext4", ["-q", &shown(&image)])?;
        let inner = Mount::file(&image, &path)?;
        Ok(Self { path, image, _inner: inner, _outer: outer })
    }

    /// What is on the disk now, and not only in the kernel's memory.
    pub(crate) fn cut(&self) -> Result<PathBuf> {
        let copy = self.image.with_file_name("cut.img");
        drop(fs::remove_file(&copy));
        run("cp", ["--reflink=always", &shown(&self.image), &shown(&copy)])?;
        Ok(copy)
    }

    /// The disk after a power cut, as the next start finds it.
    pub(crate) fn after(&self, cut: &Path) -> Result<Mount> {
        Mount::file(cut, &self.path.with_file_name("after"))
    }
}

impl Mount {
    pub(crate) fn path(&self) -> &Path {
        &self.at
    }
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
