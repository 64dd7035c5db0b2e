//! Homes: one box of each side that stays as long as the pair does.
//!
//! The other boxes of a pair change, and who was put back to an older copy may know none that is still read. At home both
//! look whatever they have forgotten.

use connectoid_protocol::{
    address::Address,
    connect::Failure,
    frame::{Control, Home},
    rotation::OwnBox,
};

use super::{Engine, LinkId, session::SessionError};
use crate::store::StoreError;

impl Engine {
    /// Says in which box this node waits as long as the pair lasts. It is another one only where the former is of no more
    /// use: a service that is not used any more, or a copy from before there was one.
    pub(super) fn tell_home(&mut self, number: u64, now: u64) -> Result<(), StoreError> {
        let Some(pair) = self.pairs.get(&number) else { return Ok(()) };
        let services = self.services_for(pair);
        let former = pair.record.receiving.home.clone();
        let moved = !self.config.services.is_empty();
        let home = match former.clone().filter(|home| !moved || home.address.services() == services) {
            Some(home) => home,
            None => match self.mint_for(number, &services, now) {
                Some(fresh) => self.move_home(number, former, fresh)?,
                None => return Ok(()),
            },
        };
        self.control(number, &Control::Home(Home { address: home.address.as_text().to_owned() }));
        Ok(())
    }

    fn move_home(
        &mut self,
        number: u64,
        former: Option<OwnBox>,
        fresh: OwnBox,
    ) -> Result<OwnBox, StoreError> {
        if let Some(pair) = self.pairs.get_mut(&number) {
            pair.record.receiving.home = Some(fresh.clone());
        }
        if let Some(former) = former {
            self.drop_box(&former);
            self.store.forget_box(&former.id())?;
        }
        self.save_pair(number)?;
        self.watch_boxes()?;
        Ok(fresh)
    }

    pub(super) fn on_home(&mut self, number: u64, home: &Home) -> Result<(), SessionError> {
        let address = Address::parse(&home.address).map_err(|_| SessionError::Peer)?;
        let sending = self.pairs.get_mut(&number).and_then(|pair| pair.record.sending.as_mut());
        if sending.is_some_and(|sending| sending.on_home(address)) {
            self.save_pair(number)?;
        }
        Ok(())
    }

    /// The peer has left the box that an offer went to, and may look for one at its home: this node was put back to an
    /// older copy. Says whether there is a home to turn to.
    pub(super) fn turn_home(&mut self, (number, attempt): LinkId, now: u64) -> bool {
        let Some(pair) = self.pairs.get_mut(&number) else { return false };
        // Closed as well, it stands open to nobody: next time, all begins anew.
        pair.goes_home = !pair.offered_home && pair.record.homes().is_some();
        pair.offered_home = false;
        if !pair.goes_home {
            return false;
        }
        if !pair.connector.offer_anew(attempt, now, &mut self.rng) {
            // It was an answer, to somebody who has gone since.
            pair.connector.on_failed(attempt, Failure::Unanswered, now, &mut self.rng);
        }
        self.trace.add(now, &format!("pair {number}: the peer has left that box; on to its home"));
        true
    }
}
