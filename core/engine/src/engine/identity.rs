//! This user and this device: made on the first start, sealed in the store.

use connectoid_protocol::user::{DeviceId, UserKey};
use rand_chacha::ChaCha20Rng;
use zeroize::Zeroizing;

use crate::{
    error::Result,
    store::{Store, StoreError},
    vault::{Vault, VaultError},
};

const NAME: &str = "identity";

/// The user's key and the device's id, made on the first start.
pub(super) fn load(store: &mut Store, vault: &Vault, rng: &mut ChaCha20Rng) -> Result<(UserKey, DeviceId)> {
    if let Some(sealed) = store.setting(NAME)? {
        let opened = vault.open(NAME.as_bytes(), &sealed)?;
        let (key, device) = opened.split_first_chunk::<32>().ok_or(VaultError::Malformed)?;
        let device: [u8; 16] = device.try_into().map_err(|_| VaultError::Malformed)?;
        return Ok((UserKey::from_bytes(key), DeviceId::from_bytes(device)));
    }
    let (key, device) = (UserKey::generate(rng), DeviceId::generate(rng));
    let bytes = Zeroizing::new([key.to_bytes().as_slice(), device.as_bytes()].concat());
    store.set_setting(NAME, &vault.seal(NAME.as_bytes(), &bytes, rng))?;
    Ok((key, device))
}

pub(super) fn is_kept(store: &Store) -> Result<bool, StoreError> {
    Ok(store.setting(NAME)?.is_some())
}
