//! The store's file and what lies beside it: made for its owner alone, or for the group of a shared
//! folder; refused where others may write.
#![forbid(unsafe_code)]

use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::Permissions;
use std::io;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;

use crate::os;
use crate::paths;
use crate::paths::Sticky;
use crate::store::Error;

/// Device and inode: another one is another store.
pub(super) type Identity = (u64, u64);

/// Which file has the name now, if any.
pub(super) fn identity(path: &Path) -> Result<Option<Identity>, Error> {
    match fs::metadata(path) {
        Ok(file) => Ok(Some((file.dev(), file.ino()))),
        Err(why) if why.kind() == ErrorKind::NotFound => Ok(None),
        Err(why) => Err(Error::Unreadable(format!("{}: {why}", path.display()))),
    }
}

/// Refuses a store, or a journal beside it, that others may write.
pub(super) fn check(path: &Path) -> Result<Identity, Error> {
    let read = |why: io::Error| Error::Unreadable(format!("{}: {why}", path.display()));
    let file = fs::metadata(path).map_err(read)?;
    if !file.is_file() {
        return Err(Error::Damaged(format!("{} is no file", path.display())));
    }
    paths::check(path, &file, Sticky::Refused)?;
    Ok((file.dev(), file.ino()))
}

/// Makes an empty store and the folders above it. Somebody may have been quicker: then it is theirs.
pub(super) fn create(path: &Path) -> Result<Identity, Error> {
    let folder = paths::folder_of(path);
    let failed = |why: io::Error| Error::NotWritable(format!("{}: {why}", path.display()));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(failed)?;
    let made = new_file(path);
    match made {
        Ok(file) => for_the_group(folder, &file).map_err(failed)?,
        Err(why) if why.kind() == ErrorKind::AlreadyExists => {}
        Err(why) => return Err(failed(why)),
    }
    check(path)
}

/// Makes a file that did not exist.
pub(super) fn make(path: &Path) -> Result<(), Error> {
    let made = new_file(path);
    made.map(drop)
        .map_err(|why| Error::NotWritable(format!("{}: {why}", path.display())))
}

fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Could [`create`] make it? By the nearest folder that exists.
pub(super) fn can_be_made(path: &Path) -> bool {
    let nearest = path.ancestors().skip(1).find(|folder| folder.exists());
    nearest.is_some_and(os::may_write)
}

/// In a shared folder the group may write too, whatever the umask says. SQLite gives what it makes
/// beside the file the file's own mode.
fn for_the_group(folder: &Path, file: &File) -> io::Result<()> {
    match paths::shared(&fs::metadata(folder)?) {
        true => file.set_permissions(Permissions::from_mode(0o660)),
        false => Ok(()),
    }
}

/// The file whose lock is a token's turn for a login.
pub(super) fn turn(path: &Path, name: &str) -> Result<File, Error> {
    let path = beside(path, &format!("-{name}.turn"));
    let folder = paths::folder_of(&path);
    let failed = |why: io::Error| Error::NotWritable(format!("{}: {why}", path.display()));
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    match options.clone().create_new(true).open(&path) {
        Ok(file) => {
            for_the_group(folder, &file).map_err(failed)?;
            Ok(file)
        }
        Err(why) if why.kind() == ErrorKind::AlreadyExists => options.open(&path).map_err(failed),
        Err(why) => Err(failed(why)),
    }
}

/// Is there anything in the journal that the file has not got?
pub(super) fn has_journal(path: &Path) -> bool {
    fs::metadata(beside(path, "-wal")).is_ok_and(|journal| journal.len() > 0)
}

pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(suffix);
    PathBuf::from(name)
}
