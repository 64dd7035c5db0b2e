//! The stories.

use serde_json::{Value, json};

use crate::actor::{Actor, Failed, Step};
use crate::{cast::Cast, stage::Stage};

mod failures;
mod meeting;
mod returning;
mod sharing;
mod values;

/// Makes [`ALL`]: each story is an async function of a stage.
macro_rules! stories {
    ($($module:ident::$name:ident),* $(,)?) => {
        /// The names of all stories.
        pub const ALL: &[&str] = &[$(stringify!($name)),*];

        /// Plays a story.
        ///
        /// # Errors
        /// What is otherwise than the story says.
        pub async fn play(name: &str, cast: Cast) -> Step {
            let stage = Stage::new(cast).await?;
            match name {
                $(stringify!($name) => $module::$name(&stage).await?,)*
                _ => return Err(Failed::Otherwise(format!("there is no story {name}"))),
            }
            stage.end().await;
            Ok(())
        }
    };
}

stories![
    meeting::share_open_verify_sync,
    meeting::messages,
    meeting::interception,
    meeting::bad_link,
    meeting::told_by_the_app,
    sharing::read_only,
    sharing::members,
    sharing::leaving,
    sharing::unshare,
    sharing::a_hundred_peers,
    returning::offline_edits_merge,
    returning::reconnect_on_change,
    returning::close_during_sync,
    values::unicode,
    values::large_values,
    values::observing,
    values::replacing,
    failures::service_down,
    failures::wrong_passphrase,
    failures::cancel,
];

/// The story that everybody plays with everybody.
pub const MATRIX: &str = ALL[0];

/// Alice shares the group "list" with Bob, who opens the link; both have met.
async fn meet(alice: &mut Actor, bob: &mut Actor) -> Step<String> {
    let link = share(alice, "bob").await?;
    open_link(bob, &link, "alice").await?;
    both(alice, bob, "paired").await?;
    Ok(link)
}

/// Makes a link to the group "list".
async fn share(by: &mut Actor, nickname: &str) -> Step<String> {
    let call = json!({"method": "share", "nickname": nickname, "group": "list"});
    let reply = by.call(call).await?;
    reply["link"].as_str().map(str::to_owned).ok_or_else(|| Failed::Otherwise(format!("no link: {reply}")))
}

async fn open_link(by: &mut Actor, link: &str, nickname: &str) -> Step<Value> {
    by.call(json!({"method": "open", "link": link, "nickname": nickname})).await
}

/// Waits for an event about each other.
async fn both(alice: &mut Actor, bob: &mut Actor, event: &str) -> Step {
    alice.event(event, |event| event["nickname"] == "bob").await?;
    bob.event(event, |event| event["nickname"] == "alice").await?;
    Ok(())
}

/// Sets fields of a record of the collection "items" in the group "list".
async fn put(by: &mut Actor, id: &str, fields: Value) -> Step<Value> {
    by.call(put_call(id, fields)).await
}

fn put_call(id: &str, fields: Value) -> Value {
    let mut write = json!({"op": "put", "collection": "items", "id": id});
    write["fields"] = fields;
    json!({"method": "commit", "group": "list", "writes": [write]})
}

/// Waits until a record of "items" has a value.
async fn sees(who: &mut Actor, id: &str, fields: Value) -> Step {
    who.sees("list", "items", id, move |found| *found == fields).await.map(drop)
}

/// What somebody knows of a peer.
async fn peer(of: &mut Actor, nickname: &str) -> Step<Value> {
    let mut reply = of.call(json!({"method": "peers"})).await?;
    let peers = reply["peers"].as_array_mut().into_iter().flatten();
    peers
        .into_iter()
        .find(|peer| peer["nickname"] == nickname)
        .map(Value::take)
        .ok_or_else(|| Failed::Otherwise(format!("{nickname} is not among the peers")))
}

/// Compares what is with what the story says.
fn is(what: &str, found: impl Into<Value>, said: impl Into<Value>) -> Step {
    let (found, said) = (found.into(), said.into());
    if found == said {
        return Ok(());
    }
    Err(Failed::Otherwise(format!("{what} is {found}, and should be {said}")))
}
