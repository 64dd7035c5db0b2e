//! Where the master secret of a data folder is kept.
//!
//! An app on a phone keeps it in the platform's key store, through the [`KeyStore`] hook. The default is
//! [`FileKeyStore`]: a file that only its owner can read, optionally under a passphrase (Argon2id,
//! RFC 9106).

use std::{
    fs, io,
    path::{Path, PathBuf},
    pin::Pin,
    thread,
    time::Duration,
};

use argon2::{Algorithm, Argon2, Params, Version};
use connectoid_engine::secret_json;
use connectoid_protocol::encoding::{base64url, parse_base64url};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::{MasterSecret, OsRandom, Vault, VaultError, files};

/// How long a key store may take: a person may have to unlock it.
pub const KEY_STORE_TIMEOUT: Duration = Duration::from_mins(2);

/// What a [`KeyStore`] method returns.
pub type KeyStoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, VaultError>> + Send + 'a>>;

/// Keeps the master secret of one data folder. Implemented by the host app where the platform has a key
/// store; called once when a node opens, and given [`KEY_STORE_TIMEOUT`].
pub trait KeyStore: Send + Sync {
    /// The secret, or `None` if none was ever kept.
    fn load(&self) -> KeyStoreFuture<'_, Option<MasterSecret>>;

    /// Keeps a secret; it must be durable when this returns.
    fn save<'a>(&'a self, secret: &'a MasterSecret) -> KeyStoreFuture<'a, ()>;
}

/// Keeps the secret in memory, for nodes that keep their data in memory.
#[derive(Debug, Default)]
pub struct NoKeyStore;

impl KeyStore for NoKeyStore {
    fn load(&self) -> KeyStoreFuture<'_, Option<MasterSecret>> {
        Box::pin(async { Ok(None) })
    }

    fn save<'a>(&'a self, _: &'a MasterSecret) -> KeyStoreFuture<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// Keeps the secret in a file with mode 0600.
pub struct FileKeyStore {
    path: PathBuf,
    passphrase: Option<Zeroizing<String>>,
}

impl FileKeyStore {
    /// The file, and the passphrase under which the secret is sealed in it, if any.
    pub fn new(path: impl Into<PathBuf>, passphrase: Option<String>) -> Self {
        Self::sealed(path.into(), passphrase.map(Zeroizing::new))
    }

    pub(crate) fn sealed(path: PathBuf, passphrase: Option<Zeroizing<String>>) -> Self {
        Self { path, passphrase }
    }
}

impl KeyStore for FileKeyStore {
    /// To stretch a passphrase takes a good part of a second: that is not done on a thread that serves other tasks.
    fn load(&self) -> KeyStoreFuture<'_, Option<MasterSecret>> {
        let (path, passphrase) = (self.path.clone(), self.passphrase.clone());
        let (done, loaded) = oneshot::channel();
        let work = thread::Builder::new().name("connectoid-key".to_owned()).spawn(move || {
            // Nobody may wait any more.
            let _ = done.send(load(&path, passphrase.as_ref()));
        });
        Box::pin(async move {
            work.map_err(|error| failed(&error))?;
            loaded.await.unwrap_or_else(|_| Err(VaultError::KeyStore("it panicked".to_owned())))
        })
    }

    /// On the caller's thread: whoever gives an opening up must not leave a file that is still being written.
    fn save<'a>(&'a self, secret: &'a MasterSecret) -> KeyStoreFuture<'a, ()> {
        Box::pin(async { save(&self.path, self.passphrase.as_ref(), secret) })
    }
}

/// The content of the file.
#[derive(Serialize, Deserialize)]
struct KeyFile {
    v: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    argon2id: Option<Cost>,
    /// The secret, or the secret sealed under the passphrase.
    key: Zeroizing<String>,
}

/// The parameters of Argon2id: 64 MiB, three passes, one lane (RFC 9106 §4, second recommendation, with
/// one lane because phones run it too).
#[derive(Serialize, Deserialize)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    salt: String,
}

const MEMORY_KIB: u32 = 64 << 10;
const PASSES: u32 = 3;
/// A file that asks for more than this was not written by us.
const MAX_MEMORY_KIB: u32 = 1 << 20;
const MAX_PASSES: u32 = 64;
const MAX_FILE_LEN: u64 = 4096;
const LABEL: &[u8] = b"connectoid/1 master secret";

fn load(path: &Path, passphrase: Option<&Zeroizing<String>>) -> Result<Option<MasterSecret>, VaultError> {
    files::close_to_others(path);
    let length = match fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    if length > MAX_FILE_LEN {
        return Err(VaultError::Malformed);
    }
    let text = Zeroizing::new(fs::read(path).map_err(|error| failed(&error))?);
    let file: KeyFile = serde_json::from_slice(&text).map_err(|_| VaultError::Malformed)?;
    let bytes = Zeroizing::new(parse_base64url(&file.key).map_err(|_| VaultError::Malformed)?);
    let bytes = match (&file.argon2id, passphrase) {
        (None, None) => bytes,
        (Some(cost), Some(passphrase)) => Vault::new(&derive(passphrase, cost)?).open(LABEL, &bytes)?,
        (Some(_), None) | (None, Some(_)) => return Err(VaultError::WrongKey),
    };
    let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| VaultError::Malformed)?;
    Ok(Some(MasterSecret::from_bytes(bytes)))
}

fn save(
    path: &Path,
    passphrase: Option<&Zeroizing<String>>,
    secret: &MasterSecret,
) -> Result<(), VaultError> {
    let (argon2id, key) = match passphrase {
        None => (None, Zeroizing::new(base64url(secret.as_bytes()))),
        Some(passphrase) => {
            let salt = MasterSecret::generate(&mut OsRandom);
            let cost =
                Cost { memory_kib: MEMORY_KIB, passes: PASSES, salt: base64url(&salt.as_bytes()[..16]) };
            let sealed =
                Vault::new(&derive(passphrase, &cost)?).seal(LABEL, secret.as_bytes(), &mut OsRandom);
            (Some(cost), Zeroizing::new(base64url(&sealed)))
        }
    };
    let text = secret_json(&KeyFile { v: 1, argon2id, key }).map_err(|_| VaultError::Malformed)?;
    files::write(path, &text).map_err(|error| failed(&error))
}

fn derive(passphrase: &str, cost: &Cost) -> Result<MasterSecret, VaultError> {
    let salt = parse_base64url(&cost.salt).map_err(|_| VaultError::Malformed)?;
    if cost.memory_kib > MAX_MEMORY_KIB || cost.passes > MAX_PASSES {
        return Err(VaultError::Malformed);
    }
    let params = Params::new(cost.memory_kib, cost.passes, 1, Some(32)).map_err(|_| VaultError::Malformed)?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), &salt, &mut *key)
        .map_err(|_| VaultError::Malformed)?;
    Ok(MasterSecret::from_bytes(*key))
}

fn failed(error: &io::Error) -> VaultError {
    VaultError::KeyStore(files::reason(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_back_and_only_with_its_passphrase() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let secret = MasterSecret::from_bytes([5; 32]);
        let right = Some(Zeroizing::new("correct horse".to_owned()));
        let wrong = Some(Zeroizing::new("wrong".to_owned()));
        assert!(load(&path, None).unwrap().is_none());
        for passphrase in [None, right.as_ref()] {
            save(&path, passphrase, &secret).unwrap();
            assert_eq!(load(&path, passphrase).unwrap().unwrap().as_bytes(), secret.as_bytes());
            assert_eq!(load(&path, wrong.as_ref()).err(), Some(VaultError::WrongKey));
        }
        assert_eq!(load(&path, None).err(), Some(VaultError::WrongKey));
        assert!(!fs::read_to_string(&path).unwrap().contains(&base64url(secret.as_bytes())));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        save(&path, None, &MasterSecret::from_bytes([5; 32])).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
