//! Plays all stories in every language, then one story by everybody with everybody, and prints who understood whom.
//!
//! ```console
//! $ connectoid-scenarios [--only STORY] Rust=target/debug/connectoid-actor 'Dart=dart run tool/actor.dart' …
//! ```

use std::{process::ExitCode, sync::Arc};

use connectoid_scenarios::{
    cast::{Cast, Language},
    stories::{self, ALL, MATRIX},
};
use tokio::{sync::Semaphore, task::JoinSet};

/// Plays at once: actors mostly wait, for each other and for what starts a language.
const AT_ONCE: usize = 3;

/// A story, who plays it, and how it went.
struct Play {
    story: &'static str,
    cast: Cast,
    failure: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let (languages, only) = match arguments() {
        Ok(arguments) => arguments,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    let told = |story: &str| only.as_deref().is_none_or(|only| only == story);
    let alone = languages.iter().flat_map(|one| ALL.iter().map(move |story| (*story, one, one)));
    let together = languages.iter().flat_map(|alice| languages.iter().map(move |bob| (MATRIX, alice, bob)));
    let plays: Vec<_> = alone.filter(|(story, ..)| *story != MATRIX).chain(together).collect();
    let played = play(plays.into_iter().filter(|(story, ..)| told(story))).await;
    print_stories(&played, &languages);
    print_matrix(&played, &languages);
    let failed = played.iter().filter(|play| play.failure.is_some()).count();
    for play in played.iter().filter(|play| play.failure.is_some()) {
        let Cast { alice, bob } = &play.cast;
        println!(
            "\n{}, Alice in {}, Bob in {}: {}",
            play.story,
            alice.name,
            bob.name,
            play.failure.as_deref().unwrap_or_default()
        );
    }
    println!("\n{} passed, {failed} failed", played.len() - failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn arguments() -> Result<(Vec<Language>, Option<String>), String> {
    let mut languages = Vec::new();
    let mut only = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--only" {
            only = arguments.next().filter(|story| ALL.contains(&story.as_str()));
            if only.is_none() {
                return Err(format!("--only takes one of: {}", ALL.join(", ")));
            }
            continue;
        }
        let (name, command) = argument.split_once('=').ok_or("usage: LANGUAGE=COMMAND …")?;
        languages.push(Language { name: name.to_owned(), command: command.to_owned() });
    }
    if languages.is_empty() {
        return Err("usage: connectoid-scenarios [--only STORY] LANGUAGE=COMMAND …".to_owned());
    }
    Ok((languages, only))
}

async fn play<'a>(plays: impl Iterator<Item = (&'static str, &'a Language, &'a Language)>) -> Vec<Play> {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut set = JoinSet::new();
    for (number, (story, alice, bob)) in plays.enumerate() {
        let cast = Cast { alice: alice.clone(), bob: bob.clone() };
        let places = places.clone();
        set.spawn(async move {
            let _place = places.acquire_owned().await;
            let failure = stories::play(story, cast.clone()).await.err().map(|failed| failed.to_string());
            (number, Play { story, cast, failure })
        });
    }
    let mut played = Vec::new();
    while let Some(result) = set.join_next().await {
        match result {
            Ok(one) => {
                let (_, Play { story, cast, failure }) = &one;
                let how = if failure.is_some() { "FAILED" } else { "ok" };
                eprintln!("{story}, {} with {}: {how}", cast.alice.name, cast.bob.name);
                played.push(one);
            }
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    played.sort_by_key(|(number, _)| *number);
    played.into_iter().map(|(_, play)| play).collect()
}

fn print_stories(played: &[Play], languages: &[Language]) {
    println!("\n{}", row("story", languages.iter().map(|one| one.name.as_str())));
    for story in ALL {
        let verdicts = languages.iter().map(|one| verdict(played, story, one, one));
        println!("{}", row(story, verdicts));
    }
}

fn print_matrix(played: &[Play], languages: &[Language]) {
    println!("\n{}", row("Alice with Bob in", languages.iter().map(|one| one.name.as_str())));
    for alice in languages {
        println!("{}", row(&alice.name, languages.iter().map(|bob| verdict(played, MATRIX, alice, bob))));
    }
}

fn verdict(played: &[Play], story: &str, alice: &Language, bob: &Language) -> &'static str {
    let is_it = |play: &&Play| {
        play.story == story && play.cast.alice.name == alice.name && play.cast.bob.name == bob.name
    };
    match played.iter().find(is_it) {
        Some(Play { failure: None, .. }) => "ok",
        Some(_) => "FAILED",
        None => "-",
    }
}

fn row<'a>(first: &str, cells: impl Iterator<Item = &'a str>) -> String {
    let mut row = format!("{first:<24}");
    for cell in cells {
        row.extend([format!("{cell:>8}")]);
    }
    row
}
