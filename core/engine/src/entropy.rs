//! Randomness from the operating system, for the protocol's `rng` arguments.

use rand_core::{TryCryptoRng, TryRng};

/// The operating system's generator.
///
/// Key generation without randomness has no safe way to go on, and the systems we run on cannot fail
/// here once they have booted; so a failure panics, as `std`'s own hash maps do.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRandom;

impl TryRng for OsRandom {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_ne_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }

    #[allow(clippy::panic, reason = "see the type's documentation")]
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        if let Err(error) = getrandom::fill(bytes) {
            panic!("the operating system gives no randomness: {error}");
        }
        Ok(())
    }
}

impl TryCryptoRng for OsRandom {}
