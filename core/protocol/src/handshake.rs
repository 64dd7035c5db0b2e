//! The handshake: the first words over a new connection, by which both sides prove who they are.
//!
//! The connection itself proves nothing: the session descriptions travelled through a mailbox. So
//! nothing else is said until both sides have shown, over this very connection, that they own the boxes
//! that offer and answer were sealed to, that both see the same certificates on the wire, and which
//! user they are.
//!
//! ```text
//! T = SHA-384(`connectoid/1 transcript` ‖ version ‖ sid ‖ offer ‖ answer ‖ certificate of the offerer ‖
//!             of the answerer ‖ hello 1 of the offerer ‖ of the answerer)
//! K = HKDF-SHA384(salt = `connectoid/1 session`, ikm = export(offer) ‖ export(answer))
//! hello 1 → versions, nonce          (the answerer's first; the offerer's in reply to it)
//! hello 2 → user, key, device,
//!           HMAC-SHA384(Expand(K, `connectoid/1 hello` ‖ role ‖ T), T ‖ user ‖ key ‖ device),
//!           Ed25519 signature of the user's key over `connectoid/1 hello` ‖ T ‖ role ‖ user ‖ key ‖ device
//! ```
//!
//! Offer and answer are the exact plaintexts; the certificates are the SHA-256 of what DTLS presented,
//! not of what the descriptions announced. The exports come from the two sealed messages, so K proves
//! both box keys. The user's signature is over T too: without it, a peer could claim somebody else's
//! identity.
//!
//! One struct per state, named for what it awaits; a step consumes it.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use rand_core::CryptoRng;
use sha2::{Digest, Sha384};
use zeroize::Zeroizing;

use crate::{
    encoding::join,
    frame::{Hello1, Hello2},
    message::Id,
    seal::Export,
    user::{DeviceId, UserId, UserKey, UserPublic},
};

/// The session versions that this software speaks.
pub const VERSIONS: [u8; 1] = [1];

/// How long the handshake may take, in µs: three round trips on a bad mobile link, and then some.
pub const HANDSHAKE_TIMEOUT: u64 = 10_000_000;

/// Which of the two messages a side wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It made the offer.
    Offerer,
    /// It answered.
    Answerer,
}

impl Role {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Offerer => b"offerer",
            Self::Answerer => b"answerer",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Offerer => Self::Answerer,
            Self::Answerer => Self::Offerer,
        }
    }
}

/// T: a hash over everything that makes a session this session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transcript([u8; 48]);

impl Transcript {
    pub(crate) fn as_bytes(&self) -> &[u8; 48] {
        &self.0
    }
}

/// Who somebody is: a user on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user: UserId,
    /// The user's Ed25519 key.
    pub key: [u8; 32],
    /// The device.
    pub device: DeviceId,
}

impl Identity {
    /// The name under which this user's device is known to a store, as a source of changes.
    ///
    /// Device ids stand in every change, so anybody can claim one; bound to the proven user, a claim
    /// only ever names a device of the claimant's own.
    pub fn source(&self) -> DeviceId {
        let hash =
            Sha384::digest(join(&[b"connectoid/1 source", self.user.as_bytes(), self.device.as_bytes()]));
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        DeviceId::from_bytes(bytes)
    }
}

/// What both sides know of a session before they have spoken.
pub struct Basis {
    /// The session's name.
    pub sid: Id,
    /// The offer's exact plaintext.
    pub offer: Zeroizing<Vec<u8>>,
    /// The answer's exact plaintext.
    pub answer: Zeroizing<Vec<u8>>,
    /// The secret of the offer's sealing.
    pub offer_export: Export,
    /// The secret of the answer's sealing.
    pub answer_export: Export,
    /// SHA-256 of the certificate that this side presented in DTLS.
    pub own_certificate: [u8; 32],
    /// SHA-256 of the certificate that the peer presented in DTLS.
    pub peer_certificate: [u8; 32],
}

/// The peer did not prove itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// There is no session version that both speak.
    #[error("the peer speaks no session version that this software speaks")]
    Version,
    /// The peer does not know the session key, or sees another connection than this side: somebody is
    /// in between, or the messages do not belong together.
    #[error("the peer could not prove that this connection is the one that was agreed on")]
    NotThisConnection,
    /// The user's signature is wrong, or the id does not belong to the key.
    #[error("the peer could not prove to be the user it claims to be")]
    NotThisUser,
    /// The proof is good, but of another user than the one this pair was made with.
    #[error("the peer is another user than before")]
    AnotherUser,
    /// The peer claims to be this very user's device in this very pair.
    #[error("the peer presented this device's own identity")]
    Reflection,
}

/// Waits for the peer's first word.
pub struct ExpectHello1 {
    role: Role,
    basis: Basis,
    own: Identity,
    hello: Hello1,
}

/// Waits for the peer's second word.
pub struct ExpectHello2 {
    role: Role,
    own: Identity,
    transcript: Transcript,
    key: Hkdf<Sha384>,
}

/// Both sides are proven.
#[derive(Clone)]
pub struct Proven {
    /// The session's transcript, to bind further proofs to.
    pub transcript: Transcript,
    /// This side.
    pub own: Identity,
    /// The other.
    pub peer: Identity,
}

/// Begins with this side's first word.
pub fn begin(role: Role, basis: Basis, own: Identity, rng: &mut impl CryptoRng) -> (ExpectHello1, Hello1) {
    let mut nonce = [0; 32];
    rng.fill_bytes(&mut nonce);
    let hello = Hello1 { versions: VERSIONS.to_vec(), nonce: nonce.into() };
    (ExpectHello1 { role, basis, own, hello: hello.clone() }, hello)
}

impl ExpectHello1 {
    /// Takes the peer's first word and answers with this side's proof.
    ///
    /// # Errors
    /// [`HandshakeError::Version`].
    pub fn on_hello1(
        self,
        peer: &Hello1,
        user_key: &UserKey,
    ) -> Result<(ExpectHello2, Hello2), HandshakeError> {
        let version = VERSIONS.into_iter().filter(|version| peer.versions.contains(version)).max();
        let version = version.ok_or(HandshakeError::Version)?;
        let transcript = self.transcript(version, peer);
        let ikm = Zeroizing::new(
            [self.basis.offer_export.as_bytes().as_slice(), self.basis.answer_export.as_bytes()].concat(),
        );
        let key = Hkdf::<Sha384>::new(Some(b"connectoid/1 session"), &ikm);
        let signature = user_key.sign(&signed_part(&transcript, self.role, &self.own));
        let hello = Hello2 {
            user: (*self.own.user.as_bytes()).into(),
            key: self.own.key.into(),
            device: (*self.own.device.as_bytes()).into(),
            mac: tag(&key, self.role, &transcript, &self.own).into(),
            signature: signature.into(),
        };
        Ok((ExpectHello2 { role: self.role, own: self.own, transcript, key }, hello))
    }

    fn transcript(&self, version: u8, peer: &Hello1) -> Transcript {
        let (own, peer) = (hello_bytes(&self.hello), hello_bytes(peer));
        let basis = &self.basis;
        let own = (basis.own_certificate.as_slice(), own.as_slice());
        let peer = (basis.peer_certificate.as_slice(), peer.as_slice());
        let (offerer, answerer) = if self.role == Role::Offerer { (own, peer) } else { (peer, own) };
        let parts: [&[u8]; 9] = [
            b"connectoid/1 transcript",
            &[version],
            basis.sid.as_bytes(),
            &basis.offer,
            &basis.answer,
            offerer.0,
            answerer.0,
            offerer.1,
            answerer.1,
        ];
        Transcript(Sha384::digest(join(&parts)).into())
    }
}

impl ExpectHello2 {
    /// Takes the peer's proof. `expected` is the user this pair was made with, if it ever connected.
    ///
    /// # Errors
    /// [`HandshakeError`]; the connection must then be closed.
    pub fn on_hello2(self, hello: &Hello2, expected: Option<&UserId>) -> Result<Proven, HandshakeError> {
        let peer = Identity {
            user: UserId::from_bytes(*hello.user),
            key: *hello.key,
            device: DeviceId::from_bytes(*hello.device),
        };
        let role = self.role.other();
        mac(&self.key, role, &self.transcript, &peer)
            .verify_slice(hello.mac.as_slice())
            .map_err(|_| HandshakeError::NotThisConnection)?;
        let signed = signed_part(&self.transcript, role, &peer);
        let key = UserPublic::from_bytes(&peer.key).map_err(|_| HandshakeError::NotThisUser)?;
        if key.id() != peer.user || key.verify(&signed, &hello.signature).is_err() {
            return Err(HandshakeError::NotThisUser);
        }
        if peer.device == self.own.device {
            return Err(HandshakeError::Reflection);
        }
        if expected.is_some_and(|expected| *expected != peer.user) {
            return Err(HandshakeError::AnotherUser);
        }
        Ok(Proven { transcript: self.transcript, own: self.own, peer })
    }
}

fn hello_bytes(hello: &Hello1) -> Vec<u8> {
    join(&[&hello.versions, hello.nonce.as_slice()])
}

fn tag(key: &Hkdf<Sha384>, role: Role, transcript: &Transcript, who: &Identity) -> [u8; 48] {
    mac(key, role, transcript, who).finalize().into_bytes().into()
}

fn mac(key: &Hkdf<Sha384>, role: Role, transcript: &Transcript, who: &Identity) -> Hmac<Sha384> {
    // HMAC pads its key with zeros to the block size of SHA-384, so this is the 48-byte key.
    let mut mac_key = Zeroizing::new([0; 128]);
    let info = join(&[b"connectoid/1 hello", role.label(), transcript.as_bytes()]);
    let filled = key.expand(&info, &mut mac_key[..48]);
    debug_assert!(filled.is_ok(), "48 bytes are one block of SHA-384");
    let mut mac = Hmac::<Sha384>::new((&*mac_key).into());
    mac.update(&join(&[transcript.as_bytes(), who.user.as_bytes(), &who.key, who.device.as_bytes()]));
    mac
}

fn signed_part(transcript: &Transcript, role: Role, who: &Identity) -> Vec<u8> {
    join(&[
        b"connectoid/1 hello",
        transcript.as_bytes(),
        role.label(),
        who.user.as_bytes(),
        &who.key,
        who.device.as_bytes(),
    ])
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;

    struct Side {
        key: UserKey,
        identity: Identity,
    }

    fn side(seed: u64) -> Side {
        let key = UserKey::generate(&mut ChaCha20Rng::seed_from_u64(seed));
        let device = DeviceId::from_bytes([u8::try_from(seed).unwrap(); 16]);
        let identity = Identity { user: key.id(), key: *key.public().as_bytes(), device };
        Side { key, identity }
    }

    fn basis(role: Role) -> Basis {
        let (own, peer) = if role == Role::Offerer { ([1; 32], [2; 32]) } else { ([2; 32], [1; 32]) };
        Basis {
            sid: Id::from_bytes([5; 16]),
            offer: b"offer".to_vec().into(),
            answer: b"answer".to_vec().into(),
            offer_export: Export::from_bytes([6; 48]),
            answer_export: Export::from_bytes([7; 48]),
            own_certificate: own,
            peer_certificate: peer,
        }
    }

    /// Runs both sides after `tamper` had its way with what the answerer knows, says or is sent.
    fn run(
        change: impl FnOnce(&mut Basis),
        tamper: impl FnOnce(&mut Hello2),
        expected: Option<&UserId>,
    ) -> Result<Proven, HandshakeError> {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let (alice, bob) = (side(1), side(2));
        let mut answerer_basis = basis(Role::Answerer);
        change(&mut answerer_basis);
        let (offerer, hello_a) = begin(Role::Offerer, basis(Role::Offerer), alice.identity, &mut rng);
        let (answerer, hello_b) = begin(Role::Answerer, answerer_basis, bob.identity, &mut rng);
        let (offerer, proof_a) = offerer.on_hello1(&hello_b, &alice.key)?;
        let (answerer, mut proof_b) = answerer.on_hello1(&hello_a, &bob.key)?;
        tamper(&mut proof_b);
        let at_alice = offerer.on_hello2(&proof_b, expected)?;
        let at_bob = answerer.on_hello2(&proof_a, None)?;
        assert_eq!(at_alice.transcript, at_bob.transcript);
        assert_eq!((at_alice.peer, at_bob.peer), (bob.identity, alice.identity));
        Ok(at_alice)
    }

    #[test]
    fn two_honest_sides_prove_themselves() {
        assert!(run(|_| {}, |_| {}, Some(&side(2).identity.user)).is_ok());
    }

    #[test]
    fn whatever_differs_is_another_connection() {
        let changes: [fn(&mut Basis); 6] = [
            |basis| basis.sid = Id::from_bytes([0; 16]),
            |basis| basis.offer = b"other".to_vec().into(),
            |basis| basis.answer = b"other".to_vec().into(),
            |basis| basis.answer_export = Export::from_bytes([0; 48]),
            |basis| basis.own_certificate = [0; 32],
            |basis| basis.peer_certificate = [0; 32],
        ];
        for change in changes {
            assert_eq!(run(change, |_| {}, None).err(), Some(HandshakeError::NotThisConnection));
        }
    }

    #[test]
    fn a_device_id_names_a_device_of_its_user_only() {
        let (alice, bob) = (side(1).identity, side(2).identity);
        let claimed = Identity { device: alice.device, ..bob };
        assert_ne!(claimed.source(), alice.source());
        assert_eq!(alice.source(), side(1).identity.source());
    }

    #[test]
    fn nobody_claims_anothers_identity() {
        let eve = side(3);
        let claims: [fn(&mut Hello2, &Side); 3] = [
            |hello, eve| hello.user = (*eve.identity.user.as_bytes()).into(),
            |hello, eve| hello.key = eve.identity.key.into(),
            |hello, _| hello.device = [9; 16].into(),
        ];
        for claim in claims {
            let error = run(|_| {}, |hello| claim(hello, &eve), None).err();
            assert_eq!(error, Some(HandshakeError::NotThisConnection));
        }
        let error = run(|_| {}, |hello| hello.signature = [0; 64].into(), None).err();
        assert_eq!(error, Some(HandshakeError::NotThisUser));
    }

    #[test]
    fn a_holder_of_the_session_key_cannot_sign_for_another_user() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let (alice, bob, eve) = (side(1), side(2), side(3));
        let (offerer, hello_a) = begin(Role::Offerer, basis(Role::Offerer), alice.identity, &mut rng);
        let claimed = Identity { device: eve.identity.device, ..bob.identity };
        let (answerer, hello_e) = begin(Role::Answerer, basis(Role::Answerer), claimed, &mut rng);
        let (offerer, _) = offerer.on_hello1(&hello_e, &alice.key).unwrap();
        let (_, proof) = answerer.on_hello1(&hello_a, &eve.key).unwrap();
        assert_eq!(offerer.on_hello2(&proof, None).err(), Some(HandshakeError::NotThisUser));
    }

    /// What Alice makes of an answerer who knows the session key, shows this identity and signs with this key.
    fn shown(identity: Identity, key: &UserKey) -> Result<Proven, HandshakeError> {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let alice = side(1);
        let (offerer, hello_a) = begin(Role::Offerer, basis(Role::Offerer), alice.identity, &mut rng);
        let (answerer, hello) = begin(Role::Answerer, basis(Role::Answerer), identity, &mut rng);
        let (offerer, _) = offerer.on_hello1(&hello, &alice.key)?;
        let (_, proof) = answerer.on_hello1(&hello_a, key)?;
        offerer.on_hello2(&proof, None)
    }

    #[test]
    fn a_user_id_belongs_to_one_key() {
        let (bob, eve) = (side(2), side(3));
        assert!(shown(eve.identity, &eve.key).is_ok());
        let claimed = Identity { user: bob.identity.user, ..eve.identity };
        assert_eq!(shown(claimed, &eve.key).err(), Some(HandshakeError::NotThisUser));
    }

    #[test]
    fn nobody_else_is_this_device() {
        let (alice, eve) = (side(1), side(3));
        let claimed = Identity { device: alice.identity.device, ..eve.identity };
        assert_eq!(shown(claimed, &eve.key).err(), Some(HandshakeError::Reflection));
    }

    #[test]
    fn another_user_than_the_one_paired_with_is_refused() {
        let error = run(|_| {}, |_| {}, Some(&side(3).identity.user)).err();
        assert_eq!(error, Some(HandshakeError::AnotherUser));
    }

    #[test]
    fn an_echo_of_our_own_words_is_no_peer() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let alice = side(1);
        let (offerer, hello) = begin(Role::Offerer, basis(Role::Offerer), alice.identity, &mut rng);
        let (offerer, proof) = offerer.on_hello1(&hello, &alice.key).unwrap();
        assert_eq!(offerer.on_hello2(&proof, None).err(), Some(HandshakeError::NotThisConnection));
    }

    #[test]
    fn a_peer_from_the_future_is_told_apart_from_a_forger() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let alice = side(1);
        let (offerer, mut hello) = begin(Role::Offerer, basis(Role::Offerer), alice.identity, &mut rng);
        hello.versions = vec![2, 3];
        assert_eq!(offerer.on_hello1(&hello, &alice.key).err(), Some(HandshakeError::Version));
    }
}
