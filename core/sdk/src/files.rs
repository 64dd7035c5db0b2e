//! Files and folders that only their owner can read, whoever else uses the machine and whatever its umask is.
//!
//! What an app keeps here is its user's: box keys and the user's key are sealed, but records, names and who shares
//! with whom are not. So every file is made with mode 0600 and every folder with 0700. Files that were restored with
//! another mode get theirs back; a folder that others can look into was made by somebody else, who is told of it and
//! not overruled.
//!
//! On Windows a folder inside the user's profile is private by itself, and nothing is changed here.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Makes a folder, and those above it that are missing, for its owner alone.
///
/// # Errors
/// Those of the file system; see [`reason`].
pub fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Opens a file for writing, and makes an empty one for its owner alone if there is none.
///
/// # Errors
/// Those of the file system; see [`reason`].
pub fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Writes a file for its owner alone, whole or not at all: a crash leaves the old one or the new one.
///
/// # Errors
/// Those of the file system; see [`reason`].
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut temporary = path.to_owned().into_os_string();
    temporary.push(".new");
    let temporary = PathBuf::from(temporary);
    // One that a crash left may have another mode.
    remove(&temporary)?;
    let mut file = open(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    sync_folder_of(path)
}

/// Removes a file, if it is there.
///
/// # Errors
/// Those of the file system; see [`reason`].
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes durable that a file was made, renamed or removed.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let here = folder.as_os_str().is_empty();
        File::open(if here { Path::new(".") } else { folder })?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Takes a file away from everybody but its owner, as after a copy that gave it another mode.
pub(crate) fn close_to_others(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let Ok(metadata) = fs::metadata(path) else { return };
        let mode = metadata.permissions().mode();
        if mode & 0o077 != 0 && fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o700)).is_err() {
            // Only its owner may: then it is a file of somebody else, who decides.
            tracing::warn!("a file of the data folder belongs to another user, and others can read it");
        }
    }
    #[cfg(not(unix))]
    let _ = path;
}

/// Whether other users of the machine can look into a folder.
pub fn is_open_to_others(folder: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(folder).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        false
    }
}

/// Why a file or folder cannot be used, in words that say which; without its path.
pub fn reason(error: &io::Error) -> String {
    use io::ErrorKind;
    match error.kind() {
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        ErrorKind::NotADirectory => "a part of its path is a file and no folder".to_owned(),
        ErrorKind::AlreadyExists => "there is a file, and no folder, of that name".to_owned(),
        ErrorKind::IsADirectory => "there is a folder, and no file, of that name".to_owned(),
        ErrorKind::InvalidFilename => {
            "the name is too long, or not one that the file system takes".to_owned()
        }
        ErrorKind::NotFound => "no such file or folder".to_owned(),
        ErrorKind::StorageFull => "no room is left".to_owned(),
        ErrorKind::QuotaExceeded => "the user's share of the disk is used up".to_owned(),
        kind => kind.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    fn mode(path: &Path) -> u32 {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_what_is_made_or_was_left_open() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a").join("b");
        make_folder(&deep).unwrap();
        let (path, left) = (deep.join("file.json"), deep.join("file.json.new"));
        fs::write(&left, "half of").unwrap();
        fs::set_permissions(&left, fs::Permissions::from_mode(0o666)).unwrap();
        write(&path, b"content").unwrap();
        assert_eq!((mode(&deep), mode(deep.parent().unwrap()), mode(&path)), (0o700, 0o700, 0o600));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        close_to_others(&path);
        assert_eq!(mode(&path), 0o600);
        assert!(!is_open_to_others(&deep));
        fs::set_permissions(&deep, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(is_open_to_others(&deep));
    }

    #[test]
    fn each_reason_says_which() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        write(&file, b"").unwrap();
        let said = |path: &Path| reason(&make_folder(path).unwrap_err());
        assert_eq!(said(&file), "there is a file, and no folder, of that name");
        assert_eq!(said(&file.join("deeper")), "a part of its path is a file and no folder");
        assert!(said(&folder.path().join("x".repeat(300))).starts_with("the name is too long"));
        assert_eq!(reason(&open(folder.path()).unwrap_err()), "there is a folder, and no file, of that name");
    }
}
