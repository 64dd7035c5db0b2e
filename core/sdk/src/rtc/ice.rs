//! The timing of connectivity checks (ICE, RFC 8445).
//!
//! The library checks every pair of addresses once per interval and gives a pair up after a number of checks.
//! Its defaults (200 ms, 7 checks) make a connection wait for the next tick and, worse, give up after 1.4 s,
//! while the answer may still be on its way through the mailbox. Here checks are as frequent as the RFC's
//! pace allows, and last as long as the attempt.

use std::sync::Arc;
use std::time::Duration;

use rtc::crypto::RTCCryptoProvider;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::peer_connection::configuration::setting_engine::{
    SctpMaxMessageSize, SettingEngine, SettingEngineBuilder,
};

use super::window::MAX_WINDOW;

/// The pace of checks over all pairs: one per 5 ms at most (RFC 8445 §14.2, Ta).
const PACE: Duration = Duration::from_millis(5);

/// The shortest interval between checks of one pair: soon enough not to be felt, seldom enough for a round
/// trip of most networks to end a check before the next.
const MIN_INTERVAL: Duration = Duration::from_millis(20);

/// The longest interval: the library's default, and what many browsers do.
const MAX_INTERVAL: Duration = Duration::from_millis(200);

/// How often an idle connection shows that it lives. The limit for consent is 5 s (RFC 7675 §5.1).
const KEEP_ALIVE: Duration = Duration::from_secs(2);

/// Silence after which a connection counts as disturbed: two keep-alives missed.
const DISTURBED_AFTER: Duration = Duration::from_secs(5);

/// Further silence after which it counts as lost. Together with the former also the limit of the connectivity
/// checks: long enough for an answer to cross the mailbox, short enough that a person still waits.
const LOST_AFTER: Duration = Duration::from_secs(15);

/// How long addresses seen through a NAT wait for a pair without one: a few round trips of a local network.
const PREFER_HOST: Duration = Duration::from_millis(100);

/// How long a relay waits for a direct pair: a few round trips of a slow network.
const PREFER_DIRECT: Duration = Duration::from_secs(1);

/// The library's settings for a connection with so many addresses on either side.
pub(super) fn settings(local: usize, remote: usize, crypto: Arc<dyn RTCCryptoProvider>) -> SettingEngine {
    let interval = check_interval(local, remote);
    SettingEngineBuilder::new()
        .with_crypto_provider(crypto)
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .with_ice_timeouts(Some(DISTURBED_AFTER), Some(LOST_AFTER), Some(KEEP_ALIVE))
        .with_ice_connection_attempts(Some(interval), Some(check_count(interval)))
        .with_host_acceptance_min_wait(Some(Duration::ZERO))
        .with_srflx_acceptance_min_wait(Some(PREFER_HOST))
        .with_prflx_acceptance_min_wait(Some(PREFER_HOST))
        .with_relay_acceptance_min_wait(Some(PREFER_DIRECT))
        .with_sctp_max_message_size(SctpMaxMessageSize::default())
        .with_sctp_max_receive_buffer_size(MAX_WINDOW)
        .build()
}

fn check_interval(local: usize, remote: usize) -> Duration {
    let pairs = u32::try_from(local.saturating_mul(remote)).unwrap_or(u32::MAX);
    PACE.saturating_mul(pairs).clamp(MIN_INTERVAL, MAX_INTERVAL)
}

/// Checks of one pair that fill the time an attempt may take.
fn check_count(interval: Duration) -> u16 {
    let checks = (DISTURBED_AFTER + LOST_AFTER).as_millis() / interval.as_millis().max(1);
    u16::try_from(checks).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_keep_to_the_pace() {
        assert_eq!(check_interval(1, 1), MIN_INTERVAL);
        assert_eq!(check_interval(3, 5), Duration::from_millis(75));
        assert_eq!(check_interval(12, 64), MAX_INTERVAL);
        assert_eq!(check_interval(usize::MAX, 2), MAX_INTERVAL);
    }

    #[test]
    fn checks_last_as_long_as_the_attempt() {
        assert_eq!(check_count(MIN_INTERVAL), 1000);
        assert_eq!(check_count(MAX_INTERVAL), 100);
    }
}
