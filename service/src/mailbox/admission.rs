//! Who may ask for how much.
//!
//! A box is limited per client and not for all clients together: otherwise a stranger who knows its id
//! could keep its owner from checking it.

use connectoid_protocol::{boxes::BoxId, mailbox::RequestError};

use crate::{
    clock::Now,
    config::Limits,
    rules::{Network, Refused, throttle::Throttle},
};

/// How many clients and pairs of client and box are remembered: some 20 MB when full.
const REMEMBERED: usize = 100_000;

pub(super) struct Admission {
    requests: Throttle<Network>,
    box_requests: Throttle<(BoxId, Network)>,
    new_boxes: Throttle<Network>,
    questions: Throttle<Network>,
    questions_in_all: Throttle<()>,
}

impl Admission {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            requests: Throttle::new(limits.requests(), REMEMBERED),
            box_requests: Throttle::new(limits.box_requests(), REMEMBERED),
            new_boxes: Throttle::new(limits.new_boxes(), REMEMBERED),
            questions: Throttle::new(limits.questions(), REMEMBERED),
            questions_in_all: Throttle::new(limits.questions_in_all(), 1),
        }
    }

    /// Admits a request that is about these boxes. It counts once: looking at a box takes a fraction of what a request
    /// takes, and who has a thousand boxes must be able to look into all of them.
    pub(super) fn request(&self, ids: &[BoxId], network: Network, now: Now) -> Result<(), Refused> {
        self.requests.admit(network, 1, now.monotonic).map_err(Refused::too_often)?;
        for id in ids {
            self.box_requests.admit((*id, network), 1, now.monotonic).map_err(Refused::too_often)?;
        }
        Ok(())
    }

    /// Admits a new box, whose id is shown to be a point on the curve before anything is stored.
    pub(super) fn new_box(&self, id: &BoxId, network: Network, now: Now) -> Result<(), Refused> {
        self.new_boxes.admit(network, 1, now.monotonic).map_err(Refused::too_often)?;
        id.public_key().map(drop).map_err(|_| Refused::from(RequestError::Box))
    }

    /// Admits the sealing of a question.
    pub(super) fn question(&self, network: Network, now: Now) -> Result<(), Refused> {
        self.questions.admit(network, 1, now.monotonic).map_err(Refused::too_often)?;
        self.questions_in_all.admit((), 1, now.monotonic).map_err(Refused::too_often)
    }
}
