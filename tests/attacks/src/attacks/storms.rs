//! Frames that belong to no group, and connections that come to nothing.

use connectoid_engine::{Channel, EventKind, OsRandom, api::Command};
use connectoid_protocol::{
    address::Address,
    boxes::BoxKey,
    frame::{App, AppMessage, Control, MAX_APP_MESSAGE, Rotate},
};

use super::Extent;
use crate::{Outcome, meter::Cost, stage::Stage};

/// App messages without end, of which none is waited for.
pub(super) async fn messages(stage: &Stage, extent: Extent) -> Outcome<Cost> {
    let (hostile, _) = stage.attacker().await?;
    hostile.turn_hostile();
    let meter = stage.meter(hostile.sent()).await?;
    for number in 0..extent.of(160, 1_024) {
        let message = AppMessage { number, data: vec![7; MAX_APP_MESSAGE] };
        if !hostile.send(Channel::App, &App::Message(message).encode()).await? {
            break;
        }
    }
    meter.stop(hostile.sent()).await
}

/// One new box after the other, each of which is to be stored.
pub(super) async fn controls(stage: &Stage) -> Outcome<Cost> {
    let (hostile, _) = stage.attacker().await?;
    hostile.turn_hostile();
    let mut heard = stage.victim.listen();
    let meter = stage.meter(hostile.sent()).await?;
    for generation in 1_000..11_000 {
        let key = BoxKey::generate(&mut OsRandom);
        let address = Address::new(&key, &["http://127.0.0.1:9".to_owned()], None)?;
        let rotate = Rotate { generation, address: address.as_text().to_owned() };
        if !hostile.send(Channel::Control, &Control::Rotate(rotate).encode()).await? {
            break;
        }
    }
    heard.wait_for("the end", |line| line["event"]["problem"]["kind"] == "peer_misbehaved").await?;
    meter.stop(hostile.sent()).await
}

/// Connections that are broken off by what no peer sends, as soon as they are there.
pub(super) async fn garbage(stage: &Stage, extent: Extent) -> Outcome<Cost> {
    let (mut hostile, _) = stage.attacker().await?;
    let meter = stage.meter(hostile.sent()).await?;
    // The last ones have to wait.
    for _ in 0..extent.of(3, 18) {
        hostile.connected().await?;
        hostile.send(Channel::Sync, &[1, 7, 0xff, 0xff]).await?;
        hostile.event("the end", |event| matches!(event, EventKind::Disconnected { .. })).await?;
        hostile.call(Command::Connect { nickname: "victim".to_owned() }).await?;
        hostile.event("a connection", |event| matches!(event, EventKind::Connected { .. })).await?;
    }
    Ok(meter.stop(hostile.sent()).await?.that_lasts())
}
