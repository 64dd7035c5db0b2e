//! `question.json`: what a mailbox service asks, and the origins it asks for.

use connectoid_protocol::{
    origin,
    question::{self, NONCE_LEN},
    seal::SealError,
};
use serde::{Deserialize, Serialize};

use crate::support::{Base64, Hex, Party, Replay, Vectors};

#[derive(Serialize, Deserialize)]
pub(crate) struct Questions {
    questions: Vec<Question>,
    origins: Vec<Origin>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Question {
    owner: Party,
    origin: String,
    #[serde(rename = "ikmE")]
    ikm_e: Hex,
    nonce: Hex,
    sealed: Base64,
}

#[derive(Serialize, Deserialize)]
struct Origin {
    url: String,
    origin: Option<String>,
}

impl Vectors for Questions {
    const FILE: &'static str = "question.json";

    fn generate() -> Self {
        let questions = [(30, "https://mail.example"), (31, "http://[::1]:8080")].map(|(seed, origin)| {
            let owner = Party::new(seed.into(), None);
            let (ikm_e, nonce) = (Hex::from([seed; 48]), [seed + 10; NONCE_LEN]);
            let sealed = question::seal(&owner.key().id(), origin, &nonce, &mut Replay(&ikm_e.0)).unwrap();
            Question { owner, origin: origin.to_owned(), ikm_e, nonce: nonce.into(), sealed: Base64(sealed) }
        });
        let origins = [
            "HTTPS://Mail.example:443/box",
            "http://mail.example:80",
            "https://mail.example:80?x#y",
            "http://[::1]:8080",
            "ftp://mail.example",
            "https://user@mail.example",
            "https:///path",
            "mail.example",
        ];
        let origins = origins.map(|url| Origin { url: url.to_owned(), origin: origin::of_url(url) });
        Self { questions: questions.into(), origins: origins.into() }
    }

    fn check(&self) {
        self.questions.iter().for_each(Question::check);
        for Origin { url, origin } in &self.origins {
            assert_eq!(origin::of_url(url), *origin, "{url}");
        }
    }
}

impl Question {
    pub(crate) fn check(&self) {
        let Self { owner, origin, ikm_e, nonce, sealed } = self;
        let key = owner.key();
        assert_eq!(*question::open(&key, origin, &sealed.0).unwrap(), nonce.array());
        let again = question::seal(&key.id(), origin, &nonce.array(), &mut Replay(&ikm_e.0)).unwrap();
        assert_eq!(again, sealed.0);
        let elsewhere = question::open(&key, "https://relay.example", &sealed.0);
        assert_eq!(elsewhere.err(), Some(SealError::NotForUs));
    }
}
