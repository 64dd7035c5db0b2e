//! The part of `handshake.json` about comparing emoji.

use connectoid_protocol::{
    frame::{Control, SasReveal},
    handshake::Proven,
    sas::{self, Binding, SasError},
};
use serde::{Deserialize, Serialize};

use crate::support::{Hex, Replay};

#[derive(Serialize, Deserialize)]
pub(crate) struct Sas {
    starter: Starter,
    starter_random: Hex,
    accepter_random: Hex,
    start: Hex,
    accept: Hex,
    reveal: Hex,
    emoji: Vec<(String, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Starter {
    Offerer,
    Answerer,
}

pub(crate) fn generate(at_offerer: &Proven) -> Vec<Sas> {
    let cases = [(Starter::Offerer, 1), (Starter::Answerer, 1), (Starter::Offerer, 3)];
    cases
        .map(|(starter, random)| run(at_offerer, starter, [random; 32].into(), [random + 1; 32].into()))
        .into()
}

impl Sas {
    pub(crate) fn check(&self, at_offerer: &Proven) {
        let Self { starter_random, accepter_random, .. } = self;
        let again = run(at_offerer, self.starter, starter_random.clone(), accepter_random.clone());
        assert_eq!((&self.start, &self.accept, &self.reveal), (&again.start, &again.accept, &again.reveal));
        assert_eq!(self.emoji, again.emoji);
    }
}

fn run(at_offerer: &Proven, starter: Starter, starter_random: Hex, accepter_random: Hex) -> Sas {
    let Proven { transcript, own, peer } = at_offerer.clone();
    let (first, second) = if starter == Starter::Offerer { (own, peer) } else { (peer, own) };
    let binding = Binding { transcript, starter: first, accepter: second };
    let (at_starter, start) = sas::start(binding.clone(), &mut Replay(&starter_random.0));
    let accept = || sas::accept(binding.clone(), &start, &mut Replay(&accepter_random.0));
    let (at_accepter, accepted) = accept();
    let (reveal, emoji) = at_starter.on_accept(&accepted);
    assert_eq!(at_accepter.on_reveal(&reveal), Ok(emoji));
    let other = SasReveal { random: accepted.random };
    assert_eq!(accept().0.on_reveal(&other), Err(SasError::BrokenCommitment));
    Sas {
        starter,
        start: Control::SasStart(start).encode().into(),
        accept: Control::SasAccept(accepted).encode().into(),
        reveal: Control::SasReveal(reveal).encode().into(),
        starter_random,
        accepter_random,
        emoji: emoji.map(|emoji| (emoji.emoji.to_owned(), emoji.name.to_owned())).into(),
    }
}
