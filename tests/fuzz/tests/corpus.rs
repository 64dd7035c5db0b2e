//! Every target stands its corpus, and random changes of each input.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{fs, panic, path::Path, thread};

use connectoid_fuzz::{TARGETS, Target};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};

/// How often each input is changed: always in the same ways.
const CHANGED: u64 = 200;

/// How many changes are made at most, one after the other.
const MOST_EDITS: u64 = 4;

fn folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<_> =
        entries.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort_unstable();
    names
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = folder("corpus").join(target);
    names(&folder).iter().map(|name| fs::read(folder.join(name)).unwrap()).collect()
}

/// One edit as libFuzzer makes them: a byte changed, put in or taken out, a part taken out or doubled, or the end of
/// another input in the place of this one's.
fn edit(bytes: &mut Vec<u8>, others: &[Vec<u8>], rng: &mut ChaCha20Rng) {
    let mut below = |count: usize| usize::try_from(rng.next_u64() % count.max(1) as u64).unwrap();
    let (at, kind, byte) = (below(bytes.len() + 1), below(7), below(256));
    let byte = u8::try_from(byte).unwrap();
    let end = at + below(bytes.len() - at + 1);
    match kind {
        0 => bytes.insert(at, byte),
        1 => drop(bytes.drain(at..end)),
        2 => bytes.extend_from_within(at..end),
        3 => {
            let other = &others[below(others.len())];
            bytes.truncate(at);
            bytes.extend_from_slice(&other[below(other.len() + 1)..]);
        }
        4 => bytes.truncate(at),
        5 if at < bytes.len() => bytes[at] ^= 1 << (byte % 8),
        _ if at < bytes.len() => bytes[at] = byte,
        _ => bytes.push(byte),
    }
}

fn stands(name: &str, target: Target, input: &[u8]) {
    let result = panic::catch_unwind(|| target(input));
    assert!(result.is_ok(), "the target {name} does not stand {input:02x?}");
}

fn try_all(name: &str, target: Target) {
    let corpus = corpus(name);
    assert!(!corpus.is_empty(), "{name} has no corpus");
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    for input in &corpus {
        stands(name, target, input);
        for _ in 0..CHANGED {
            let mut changed = input.clone();
            for _ in 0..=rng.next_u64() % MOST_EDITS {
                edit(&mut changed, &corpus, &mut rng);
            }
            stands(name, target, &changed);
        }
    }
}

#[test]
fn every_target_stands_its_corpus_and_what_is_near() {
    thread::scope(|scope| {
        for (name, target) in TARGETS {
            scope.spawn(move || try_all(name, target));
        }
    });
}

#[test]
fn every_target_has_a_corpus_and_is_run_by_libfuzzer_too() {
    let targets = TARGETS.map(|(name, _)| name.to_owned());
    assert_eq!(names(&folder("corpus")), targets);
    assert_eq!(names(&folder("libfuzzer/fuzz_targets")), targets);
}
