//! From a link that is opened to the first record that is there.

use std::time::{Duration, Instant};

use connectoid::Share;
use serde_json::json;

use crate::{
    report::{Outcome, Report, Target},
    samples::Samples,
    stage::{COLLECTION, GROUP, Stage, until_changed},
};

/// Fresh pairs.
const RUNS: u32 = 20;

/// No messenger carries a link faster. By then the node that made it waits at the service.
const MESSENGER: Duration = Duration::from_millis(500);

pub(crate) async fn measure(report: &mut Report) -> Outcome {
    let mut stage = Stage::new().await?;
    let mut samples = Samples::default();
    for _ in 0..RUNS {
        samples.push_ms(meet(&mut stage).await?);
    }
    let what = "link opened → first record there, both in the foreground";
    report.add(what, "ms", Target::AtMostBoth(250.0, 500.0), samples);
    Ok(())
}

async fn meet(stage: &mut Stage) -> Outcome<Duration> {
    let (alice, bob) = (stage.node().await?, stage.node().await?);
    let link = alice.share(Share::new("bob", GROUP)).await?.link;
    alice.put(GROUP, COLLECTION, "milk", json!({"count": 2})).await?;
    let mut at_bob = bob.events();
    tokio::time::sleep(MESSENGER).await;

    let start = Instant::now();
    bob.open_link(&link, "alice").await?;
    until_changed(&mut at_bob, "milk").await?;
    let took = start.elapsed();

    alice.close().await;
    bob.close().await;
    Ok(took)
}
