//! Who plays whom.

/// A language and the program that speaks it.
#[derive(Debug, Clone)]
pub struct Language {
    /// As it is written: `Kotlin`.
    pub name: String,
    /// What runs the actor, words apart by spaces.
    pub command: String,
}

/// The languages of the two people of a story. Third ones are played in the language of Bob.
#[derive(Debug, Clone)]
pub struct Cast {
    /// Who makes links.
    pub alice: Language,
    /// Who opens them.
    pub bob: Language,
}
