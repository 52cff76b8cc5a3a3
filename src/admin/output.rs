//! Files that are there whole or not at all.
#![forbid(unsafe_code)]

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::lc;
use crate::os;
use crate::paths;

/// Puts bytes in the place of a file, or makes it with this mode. They are written and synced into a
/// file without a name first, so that a killed process leaves no cut file, and the name has the old
/// bytes or the new ones. (Only where a file is replaced, for the two calls that linkat(2) and
/// rename(2) are, is there a whole copy under a name of its own.) What is no plain file, a pipe or a
/// device, is written to.
///
/// # Errors
/// What the system says; the file is then as it was.
pub fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    // Behind a link, the file that it leads to is replaced, not the link.
    let path = fs::canonicalize(path).or_else(|_| std::path::absolute(path))?;
    match fs::metadata(&path) {
        Ok(there) if !there.is_file() => {
            let mut open = OpenOptions::new().write(true).open(&path)?;
            return open.write_all(bytes);
        }
        Ok(_) | Err(_) => {}
    }
    match unnamed(&path, bytes, mode) {
        Ok(file) => name(&file, &path)?,
        Err(why) if has_none(&why) => by_name(&path, bytes, mode)?,
        Err(why) => return Err(why),
    }
    File::open(paths::folder_of(&path))?.sync_all()
}

fn unnamed(path: &Path, bytes: &[u8], mode: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).mode(mode).custom_flags(libc::O_TMPFILE);
    filled(options.open(paths::folder_of(path))?, bytes)
}

/// The file system knows no files without a name.
fn has_none(why: &io::Error) -> bool {
    matches!(
        why.raw_os_error(),
        Some(libc::EOPNOTSUPP | libc::EISDIR | libc::ENOENT | libc::EINVAL)
    )
}

fn filled(mut file: File, bytes: &[u8]) -> io::Result<File> {
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(file)
}

/// linkat(2) replaces nothing: over a file that is there goes a rename.
fn name(file: &File, path: &Path) -> io::Result<()> {
    match os::give_name(file, path) {
        Err(why) if why.kind() == ErrorKind::AlreadyExists => {
            let aside = beside(path);
            os::give_name(file, &aside)?;
            rename(&aside, path)
        }
        done => done,
    }
}

fn by_name(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let aside = beside(path);
    let mut options = OpenOptions::new();
    let open = options
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&aside)?;
    match filled(open, bytes) {
        Ok(_) => rename(&aside, path),
        Err(why) => fs::remove_file(&aside).and(Err(why)),
    }
}

fn rename(aside: &Path, path: &Path) -> io::Result<()> {
    fs::rename(aside, path).or_else(|why| fs::remove_file(aside).and(Err(why)))
}

/// A name that nobody has.
fn beside(path: &Path) -> PathBuf {
    let mut random = [0; 8];
    lc::random::fill(&mut random);
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{:016x}", u64::from_be_bytes(random)));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, symlink};

    fn files(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn a_file_is_made_and_replaced_whole_and_nothing_lies_beside_it() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("key");
        for bytes in [b"first".as_slice(), b"", b"third and longer"] {
            write_whole(&file, bytes, 0o600).unwrap();
            assert_eq!(fs::read(&file).unwrap(), bytes);
            by_name(&file, bytes, 0o600).unwrap();
            assert_eq!(fs::read(&file).unwrap(), bytes);
        }
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        assert_eq!(files(home.path()), 1);
    }

    #[test]
    fn behind_a_link_the_file_is_replaced() {
        let home = tempfile::tempdir().unwrap();
        let (file, link) = (home.path().join("key"), home.path().join("link"));
        fs::write(&file, "old").unwrap();
        symlink("key", &link).unwrap();
        write_whole(&link, b"new", 0o600).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn a_device_is_written_to_and_a_missing_folder_is_an_error() {
        write_whole(Path::new("/dev/null"), b"gone", 0o600).unwrap();
        let home = tempfile::tempdir().unwrap();
        assert!(write_whole(&home.path().join("no/key"), b"x", 0o600).is_err());
        assert_eq!(files(home.path()), 0);
    }
}
