//! All stories, with actors in Rust: what `cargo xtask scenarios` plays in every language.

use connectoid_scenarios::{
    cast::{Cast, Language},
    stories::{ALL, play},
};

#[tokio::test(flavor = "multi_thread")]
async fn every_story_ends_well() {
    let rust =
        Language { name: "Rust".to_owned(), command: env!("CARGO_BIN_EXE_connectoid-actor").to_owned() };
    for story in ALL {
        let cast = Cast { alice: rust.clone(), bob: rust.clone() };
        if let Err(failed) = play(story, cast).await {
            panic!("{story}: {failed}");
        }
    }
}
