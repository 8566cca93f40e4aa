//! What the operating system is asked for beyond `std`: modes, links that are
//! not followed, free space. Where it cannot be asked, it does without.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

/// Makes a directory, and those above it, that only its owner may enter.
pub(super) fn create_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Makes a file that is not there yet, and that only its owner may open.
pub(super) fn create_file(path: &Path) -> io::Result<File> {
    options().write(true).create_new(true).open(path)
}

/// Opens a lock file, or makes it.
pub(super) fn open_lock(path: &Path) -> io::Result<File> {
    options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

/// Opens a file for reading, if it is one: no link to elsewhere, no pipe, no device.
pub(super) fn open_file(path: &Path) -> io::Result<File> {
    let file = options().read(true).open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::ErrorKind::InvalidInput.into())
    }
}

fn options() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        // Without waiting: a pipe of that name must not hold anything up.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.mode(0o600).custom_flags(flags.bits() as i32);
    }
    options
}

/// Makes the names in a directory durable.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(path)?.sync_all()?;
    }
    Ok(())
}

/// Whether both are the same file.
pub(super) fn is_same(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
        match (file.metadata(), path.symlink_metadata()) {
            (Ok(open), Ok(named)) => identity(open) == identity(named),
            _ => false,
        }
    }
    // A file that is open cannot be removed there.
    #[cfg(not(unix))]
    {
        let _ = file;
        path.exists()
    }
}

/// The bytes that may still be written to the file system of `path`; `None` where nobody tells.
pub(super) fn free_bytes(path: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let found = rustix::fs::statvfs(path).ok()?;
        Some(found.f_bavail.saturating_mul(found.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}
