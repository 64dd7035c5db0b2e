//! Where the guard sees what was decrypted, and what its verdicts do.
//!
//! Each DTLS record of the peer is shown to the guard once its cipher has opened it (RFC 8261: one record of
//! application data is one SCTP packet). A record that does not pass is reported as one that failed
//! authentication, which DTLS drops without a word (RFC 6347 §4.1.2.7).

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rtc::crypto::{AeadCipher, CryptoError};

use super::provider::Wrap;
use super::{Guard, Tally, Verdict};
use crate::rtc::lifecycle::Lifecycle;
use crate::rtc::{Channel, CloseReason};

/// The type of a DTLS record with application data (RFC 5246 §6.2.1), and where the authenticated header of a
/// record has it: after epoch and sequence number.
const APPLICATION_DATA: u8 = 23;
const RECORD_TYPE: usize = 8;

/// The length of that header (RFC 5246 §6.2.3.3). SRTP, which nobody speaks here, has others.
const RECORD_HEADER: usize = 13;

/// Encrypted records of other types: the end of the handshake, its repetitions, and an alert at the end.
const MAX_OTHER_RECORDS: usize = 32;

/// The guard of one connection, shared by what feeds it.
#[derive(Debug)]
pub(in crate::rtc) struct Watch {
    guard: Mutex<Guard>,
    life: Arc<Lifecycle>,
    encrypted: AtomicBool,
    other_records: AtomicUsize,
}

impl Watch {
    pub(in crate::rtc) fn new(life: Arc<Lifecycle>) -> Arc<Watch> {
        Arc::new(Watch {
            guard: Mutex::new(Guard::new()),
            life,
            encrypted: AtomicBool::new(false),
            other_records: AtomicUsize::new(0),
        })
    }

    /// Puts a cipher under watch.
    pub(in crate::rtc) fn wrap(watch: &Arc<Watch>) -> Wrap {
        let watch = Arc::clone(watch);
        Box::new(move |inner| Box::new(Cipher { inner, watch: Arc::clone(&watch) }))
    }

    /// The application reads from now on.
    pub(in crate::rtc) fn opened(&self) {
        self.guard().opened();
    }

    /// The application has got a message.
    pub(in crate::rtc) fn delivered(&self, channel: Channel) {
        self.guard().delivered(channel);
    }

    /// Says how near the peer has come to the bounds, now that all is over.
    pub(in crate::rtc) fn tell(&self) {
        let Tally { held, lost } = self.guard().tally();
        tracing::debug!(held, lost, "the guard of a connection");
    }

    /// Whether encrypted data has been opened: from now on, the library opens what comes instead of keeping it.
    pub(super) fn is_encrypted(&self) -> bool {
        self.encrypted.load(Ordering::Relaxed)
    }

    /// Whether the library gets nothing more, because the connection ends.
    pub(super) fn is_over(&self) -> bool {
        self.life.reason().is_some_and(|reason| reason == CloseReason::PeerMisbehaved)
    }

    fn takes(&self, header: &[u8], packet: &[u8]) -> bool {
        if header.len() != RECORD_HEADER {
            return true;
        }
        if header[RECORD_TYPE] != APPLICATION_DATA {
            return self.other_records.fetch_add(1, Ordering::Relaxed) < MAX_OTHER_RECORDS;
        }
        if self.is_over() {
            return false;
        }
        self.encrypted.store(true, Ordering::Relaxed);
        let verdict = self.guard().arrives(packet);
        if verdict == Verdict::End {
            self.life.end(CloseReason::PeerMisbehaved);
        }
        verdict == Verdict::Pass
    }

    fn leaves(&self, header: &[u8], packet: &[u8]) {
        if header.len() == RECORD_HEADER && header[RECORD_TYPE] == APPLICATION_DATA {
            self.guard().leaves(packet);
        }
    }

    fn guard(&self) -> MutexGuard<'_, Guard> {
        // A ledger that a panic left half written would only count too much or too little of one packet.
        self.guard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A cipher of the library under watch.
struct Cipher {
    inner: Box<dyn AeadCipher>,
    watch: Arc<Watch>,
}

impl AeadCipher for Cipher {
    fn tag_len(&self) -> usize {
        self.inner.tag_len()
    }

    fn seal_in_place(
        &mut self,
        nonce: &[u8],
        aad: &[u8],
        text: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), CryptoError> {
        self.watch.leaves(aad, text);
        self.inner.seal_in_place(nonce, aad, text, tag)
    }

    fn open_in_place(
        &mut self,
        nonce: &[u8],
        aad: &[u8],
        text: &mut [u8],
        tag: &[u8],
    ) -> Result<(), CryptoError> {
        self.inner.open_in_place(nonce, aad, text, tag)?;
        if self.watch.takes(aad, text) { Ok(()) } else { Err(CryptoError::AuthenticationFailed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encrypted_records_that_are_no_data_are_few() {
        let watch = Watch::new(Lifecycle::new());
        let mut header = [0; RECORD_HEADER];
        header[RECORD_TYPE] = 22;
        assert_eq!((0..100).filter(|_| watch.takes(&header, &[])).count(), MAX_OTHER_RECORDS);
        assert!(!watch.is_encrypted());
    }

    #[test]
    fn who_breaks_the_rules_is_not_listened_to_any_more() {
        let life = Lifecycle::new();
        let watch = Watch::new(Arc::clone(&life));
        let mut header = [0; RECORD_HEADER];
        header[RECORD_TYPE] = APPLICATION_DATA;
        let cookie_ack = [0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 11, 0, 0, 4];
        let init = [&[0; 12][..], &[1, 0, 0, 20, 0, 0, 0, 7], &[0; 12]].concat();
        assert!(watch.takes(&header, &init));
        assert!(watch.takes(&header, &cookie_ack));
        let reconfig = [&cookie_ack[..12], &[130, 0, 0, 4]].concat();
        assert!(!watch.takes(&header, &reconfig));
        assert_eq!(life.reason(), Some(CloseReason::PeerMisbehaved));
        assert!(!watch.takes(&header, &cookie_ack));
        assert!(watch.takes(&header[..12], &[]), "not a DTLS record");
    }
}
