//! The data directory: one process at a time, and the secret that survives restarts.
//!
//! The secret is what answers are judged by. Were it drawn anew at each start, clients that asked just
//! before would be refused.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::Path,
};

use zeroize::Zeroizing;

use crate::rules::question::{SECRET_LEN, Secret};

const LOCK_FILE: &str = "lock";
const SECRET_FILE: &str = "secret";
const NEW_SECRET_FILE: &str = "secret.new";

/// The data directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file cannot be read or written.
    #[error("cannot use the data directory: {0}")]
    Io(#[from] io::Error),
    /// Another service uses it.
    #[error("the data directory is in use by another service")]
    InUse,
    /// The secret's file is damaged.
    #[error("the file `secret` in the data directory is damaged: expected 32 bytes")]
    DamagedSecret,
    /// The operating system gives no randomness.
    #[error("no randomness: {0}")]
    Randomness(#[from] getrandom::Error),
}

/// Holds the directory until it is dropped.
#[derive(Debug)]
pub(crate) struct DataLock {
    _file: File,
}

impl DataLock {
    /// Makes the directory if there is none, and takes it.
    pub(crate) fn take(directory: &Path) -> Result<Self, DataError> {
        create_private_directory(directory)?;
        let file = open_private_file(&directory.join(LOCK_FILE))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(DataError::InUse),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}

/// A secret for this process only.
pub(crate) fn fresh_secret() -> Result<Secret, DataError> {
    Ok(Secret::new(&*random()?))
}

/// The directory's secret, made at the first start.
pub(crate) fn secret(directory: &Path) -> Result<Secret, DataError> {
    match File::open(directory.join(SECRET_FILE)) {
        Ok(file) => read(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(directory),
        Err(error) => Err(error.into()),
    }
}

fn read(file: File) -> Result<Secret, DataError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(SECRET_LEN + 1));
    file.take(SECRET_LEN as u64 + 1).read_to_end(&mut bytes)?;
    let bytes: &[u8; SECRET_LEN] = bytes.as_slice().try_into().map_err(|_| DataError::DamagedSecret)?;
    Ok(Secret::new(bytes))
}

/// Writes the file aside and renames it, so that a crash leaves either none or a whole one.
fn create(directory: &Path) -> Result<Secret, DataError> {
    let bytes = random()?;
    let aside = directory.join(NEW_SECRET_FILE);
    let mut file = create_private_file(&aside)?;
    file.write_all(&*bytes)?;
    file.sync_all()?;
    fs::rename(&aside, directory.join(SECRET_FILE))?;
    #[cfg(unix)]
    File::open(directory)?.sync_all()?;
    Ok(Secret::new(&bytes))
}

fn random() -> Result<Zeroizing<[u8; SECRET_LEN]>, DataError> {
    let mut bytes = Zeroizing::new([0; SECRET_LEN]);
    getrandom::fill(&mut *bytes)?;
    Ok(bytes)
}

/// Opens a file for this user alone, and makes an empty one if there is none; takes others' permissions away.
pub(crate) fn open_private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = file.metadata()?.permissions().mode();
        if mode & 0o077 != 0 {
            file.set_permissions(fs::Permissions::from_mode(mode & 0o700))?;
        }
    }
    Ok(file)
}

fn create_private_directory(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

fn create_private_file(path: &Path) -> io::Result<File> {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use connectoid_protocol::boxes::BoxId;

    use super::*;

    fn nonce(secret: &Secret) -> [u8; 32] {
        secret.nonce("http://a", &BoxId::from_bytes(&[2; 49]).unwrap(), 1)
    }

    #[test]
    fn the_secret_survives_and_is_private() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(NEW_SECRET_FILE), "half of").unwrap();
        let first = nonce(&secret(directory.path()).unwrap());
        assert_eq!(nonce(&secret(directory.path()).unwrap()), first);
        let other = tempfile::tempdir().unwrap();
        assert_ne!(nonce(&secret(other.path()).unwrap()), first);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(directory.path().join(SECRET_FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_damaged_secret_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        for length in [0, 31, 33] {
            fs::write(directory.path().join(SECRET_FILE), vec![1; length]).unwrap();
            assert!(matches!(secret(directory.path()), Err(DataError::DamagedSecret)));
        }
    }

    #[test]
    fn a_directory_has_one_owner() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new").join("deep");
        let first = DataLock::take(&path).unwrap();
        assert!(matches!(DataLock::take(&path), Err(DataError::InUse)));
        drop(first);
        assert!(DataLock::take(&path).is_ok());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&path), mode(&path.join(LOCK_FILE))), (0o700, 0o600));
        }
    }
}
