//! Files whose writers decide what this library believes: the store and the configuration.
//!
//! They are refused when the world may write them or their folder, and when they belong to neither
//! root nor the caller. A group may write: a *shared folder* (mode 2770, of root or the caller) is
//! how several users have one store, and a file in it may belong to any of them, since whoever may
//! write the folder may put another file in its place anyway.
#![forbid(unsafe_code)]

use std::fmt;
use std::fs;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

use crate::os;

const WORLD_WRITES: u32 = 0o002;
const STICKY: u32 = 0o1000;
/// setgid, and the group may write.
const SHARED: u32 = 0o2020;

/// Why a file is not believed.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The world may write it.
    Open(PathBuf),
    /// It belongs to this user, who is neither root nor the caller.
    Foreign(PathBuf, u32),
    /// It could not be looked at.
    Io(PathBuf, io::Error),
}

/// Whether a folder in which everybody may make files, but remove only their own, will do. For a
/// file that is read whole it does; beside a store others could plant a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sticky {
    Fine,
    Refused,
}

/// Is the folder one that a group writes together?
pub(crate) fn shared(folder: &Metadata) -> bool {
    folder.mode() & SHARED == SHARED
}

/// Refuses a file that others could have written.
///
/// # Errors
/// [`Refused`], naming the file or its folder.
pub(crate) fn check(path: &Path, file: &Metadata, sticky: Sticky) -> Result<(), Refused> {
    let real = fs::canonicalize(path).map_err(|why| Refused::Io(path.to_path_buf(), why))?;
    let folder = check_folder(folder_of(&real), sticky)?;
    if file.mode() & WORLD_WRITES != 0 {
        return Err(Refused::Open(path.to_path_buf()));
    }
    match shared(&folder) || ours(file) {
        true => Ok(()),
        false => Err(Refused::Foreign(path.to_path_buf(), file.uid())),
    }
}

/// Refuses a folder in which others could put files; answers what it is.
///
/// # Errors
/// [`Refused`].
pub(crate) fn check_folder(path: &Path, sticky: Sticky) -> Result<Metadata, Refused> {
    let folder = fs::metadata(path).map_err(|why| Refused::Io(path.to_path_buf(), why))?;
    let forgiven = sticky == Sticky::Fine && folder.mode() & STICKY != 0;
    if folder.mode() & WORLD_WRITES != 0 && !forgiven {
        return Err(Refused::Open(path.to_path_buf()));
    }
    match ours(&folder) {
        true => Ok(folder),
        false => Err(Refused::Foreign(path.to_path_buf(), folder.uid())),
    }
}

/// Where an absolute path's file lies.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

fn ours(what: &Metadata) -> bool {
    what.uid() == 0 || what.uid() == os::effective_user()
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(path) => {
                let path = path.display();
                write!(f, "{path} may be written by everybody: `chmod o-w {path}`")
            }
            Self::Foreign(path, user) => {
                let path = path.display();
                write!(
                    f,
                    "{path} belongs to user {user}, neither root nor you: `chown` it"
                )
            }
            Self::Io(path, why) => write!(f, "{}: {why}", path.display()),
        }
    }
}

impl std::error::Error for Refused {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::fs::chown;

    fn verdict(folder_mode: u32, file_mode: u32, sticky: Sticky) -> Result<(), Refused> {
        let top = tempfile::tempdir().unwrap();
        let folder = top.path().join("folder");
        let file = folder.join("file");
        fs::create_dir(&folder).unwrap();
        fs::write(&file, "x").unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(folder_mode)).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(file_mode)).unwrap();
        check(&file, &fs::metadata(&file).unwrap(), sticky)
    }

    #[test]
    fn who_may_write_decides() {
        use Sticky::*;
        for (folder, file, sticky, fine) in [
            (0o700, 0o600, Refused, true),
            (0o755, 0o644, Refused, true),
            (0o2770, 0o660, Refused, true),
            (0o700, 0o602, Refused, false),
            (0o777, 0o600, Refused, false),
            (0o777, 0o600, Fine, false),
            (0o1777, 0o600, Refused, false),
            (0o1777, 0o600, Fine, true),
            (0o1777, 0o602, Fine, false),
        ] {
            let said = verdict(folder, file, sticky);
            assert_eq!(
                said.is_ok(),
                fine,
                "{folder:o} {file:o} {sticky:?}: {said:?}"
            );
        }
    }

    #[test]
    fn a_strangers_file_is_refused_but_in_a_shared_folder() {
        if os::effective_user() != 0 {
            return; // only root gives files away
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "x").unwrap();
        chown(&file, Some(4711), None).unwrap();
        let look = || check(&file, &fs::metadata(&file).unwrap(), Sticky::Refused);
        assert!(matches!(look(), Err(Refused::Foreign(_, 4711))));
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o2770)).unwrap();
        assert!(look().is_ok());
        chown(folder.path(), Some(4711), None).unwrap();
        assert!(matches!(look(), Err(Refused::Foreign(_, 4711))));
    }
}
