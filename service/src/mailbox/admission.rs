//! Who may ask for how much.
//!
//! A box is limited per client and not for all clients together: otherwise a stranger who knows its id
//! could keep its owner from checking it.

use connectoid_protocol::{boxes::BoxId, mailbox::RequestError};

use crate::{
    clock::Now,
    config::Limits,
    rules::{
        NEIGHBOURS, Network, Refused,
        throttle::{Rate, Throttle},
    },
};

/// How many clients, neighbourhoods, and pairs of client and box are remembered: some 40 MB when full.
const REMEMBERED: usize = 100_000;

pub(super) struct Admission {
    requests: Gate,
    box_requests: Throttle<(BoxId, Network)>,
    new_boxes: Gate,
    boxes_held: Gate,
    questions: Gate,
    questions_in_all: Throttle<()>,
}

/// What one client may, and what it may together with its neighbours.
struct Gate {
    clients: Throttle<Network>,
    neighbourhoods: Throttle<Network>,
}

impl Gate {
    fn new(rate: Rate) -> Self {
        let neighbourhoods = Throttle::new(rate.times(NEIGHBOURS), REMEMBERED);
        Self { clients: Throttle::new(rate, REMEMBERED), neighbourhoods }
    }

    fn admit(&self, network: Network, now: Now) -> Result<(), Refused> {
        self.clients.admit(network, 1, now.monotonic).map_err(Refused::too_often)?;
        self.neighbourhoods.admit(network.neighbourhood(), 1, now.monotonic).map_err(Refused::too_often)
    }
}

impl Admission {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            requests: Gate::new(limits.requests()),
            box_requests: Throttle::new(limits.box_requests(), REMEMBERED),
            new_boxes: Gate::new(limits.new_boxes()),
            boxes_held: Gate::new(limits.boxes_held()),
            questions: Gate::new(limits.questions()),
            questions_in_all: Throttle::new(limits.questions_in_all(), 1),
        }
    }

    /// Admits a request that is about these boxes. It counts once: looking at a box takes a fraction of what a request
    /// takes, and who has a thousand boxes must be able to look into all of them.
    pub(super) fn request(&self, ids: &[BoxId], network: Network, now: Now) -> Result<(), Refused> {
        self.requests.admit(network, now)?;
        for id in ids {
            self.box_requests.admit((*id, network), 1, now.monotonic).map_err(Refused::too_often)?;
        }
        Ok(())
    }

    /// Admits a new box, whose id is shown to be a point on the curve before anything is stored.
    pub(super) fn new_box(&self, id: &BoxId, network: Network, now: Now) -> Result<(), Refused> {
        self.new_boxes.admit(network, now)?;
        self.boxes_held.admit(network, now)?;
        id.public_key().map(drop).map_err(|_| Refused::from(RequestError::Box))
    }

    /// Admits the sealing of a question.
    pub(super) fn question(&self, network: Network, now: Now) -> Result<(), Refused> {
        self.questions.admit(network, now)?;
        self.questions_in_all.admit((), 1, now.monotonic).map_err(Refused::too_often)
    }
}
