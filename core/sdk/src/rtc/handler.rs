//! What the library calls back about. These run on the driver's own task, so they only take notes.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;
use webrtc::data_channel::DataChannel;
use webrtc::peer_connection::{PeerConnectionEventHandler, RTCIceConnectionState, RTCIceGatheringState};

use super::CloseReason;
use super::lifecycle::Lifecycle;
use super::runtime::Pulse;

/// Takes the library's callbacks for one connection.
pub(super) struct Handler {
    life: Arc<Lifecycle>,
    pulse: Arc<Pulse>,
    gathered: watch::Sender<bool>,
}

impl Handler {
    /// A handler, and the notice that every candidate is known.
    pub(super) fn new(life: Arc<Lifecycle>, pulse: Arc<Pulse>) -> (Arc<Handler>, watch::Receiver<bool>) {
        let (gathered, notice) = watch::channel(false);
        (Arc::new(Handler { life, pulse, gathered }), notice)
    }
}

#[async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.send_replace(true);
        }
    }

    async fn on_ice_connection_state_change(&self, state: RTCIceConnectionState) {
        if state == RTCIceConnectionState::Failed {
            let was_open = self.pulse.is_open();
            self.life.end(if was_open { CloseReason::Lost } else { CloseReason::Unreachable });
        }
    }

    /// Ours are agreed beforehand and not announced here: this one is the peer's invention.
    async fn on_data_channel(&self, _channel: Arc<dyn DataChannel>) {
        self.life.end(CloseReason::PeerMisbehaved);
    }
}
