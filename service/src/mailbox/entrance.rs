//! What a request has to show before it is served: an API key, or work.

use connectoid_protocol::{
    mailbox::{Refusal, Request, Send},
    work,
};

use crate::{
    config::{ApiKeys, Config},
    rules::{Micros, Refused, question::minute},
};

/// What the operator asks for.
pub struct Entrance {
    keys: ApiKeys,
    pow_bits: u32,
}

impl Entrance {
    /// What the configuration says.
    pub fn new(config: &Config) -> Self {
        Self { keys: config.api_keys.clone(), pow_bits: config.pow_bits }
    }

    /// Judges the API key. Where work is an alternative, that is judged later, after the rates.
    pub(super) fn judge_key(&self, request: &Request) -> Result<(), Refused> {
        let may_work = self.pow_bits > 0 && matches!(request, Request::Send(_));
        if may_work || self.keys.admit(request.ext()) {
            return Ok(());
        }
        Err(Refused::finally(Refusal::WrongKey))
    }

    /// Judges the work that a message carries, from which an API key exempts.
    pub(super) fn judge_work(&self, send: &Send, now: Micros) -> Result<(), Refused> {
        let exempt = !self.keys.is_empty() && self.keys.admit(send.ext.as_deref());
        let enough = |nonce| work::is_enough(&send.id, minute(now), &send.data, nonce, self.pow_bits);
        if self.pow_bits == 0 || exempt || send.pow.is_some_and(enough) {
            return Ok(());
        }
        Err(Refused::finally(Refusal::WorkNeeded))
    }
}
