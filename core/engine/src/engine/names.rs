//! Names that people give: nicknames and names of groups.
//!
//! The same name can be typed in several ways: with a space behind it, or with an accent that is one character or two.
//! So names are kept trimmed and in Unicode's composed form (NFC, UAX #15), and whoever looks one up finds it however
//! it is typed.

use unicode_normalization::char::{canonical_combining_class, compose, decompose_canonical};

use crate::error::{Error, Result};

/// The longest nickname and group name, in bytes.
const MAX_NAME: usize = 128;

/// A nickname, or a group's name, as it is kept: events and lists have it so, however it was typed.
pub fn normal(text: &str) -> String {
    composed(text.trim())
}

/// NFC, by the definition of UAX #15 §1.3: the crate's own iterator would link the tables of the compatibility forms as
/// well, as much again as all this.
fn composed(text: &str) -> String {
    let mut parts = Vec::new();
    for character in text.chars() {
        decompose_canonical(character, |part| parts.push((part, canonical_combining_class(part))));
    }
    // The marks of each character have an order.
    for marked in parts.chunk_by_mut(|_, (_, class)| *class != 0) {
        marked.sort_by_key(|(_, class)| *class);
    }
    let mut out: Vec<char> = Vec::with_capacity(parts.len());
    let (mut starter, mut last_class) = (None, 0);
    for (part, class) in parts {
        // A mark of the same class, or another character, in between keeps a part from what it would belong to.
        let base: Option<usize> = starter.filter(|at| out.len() == at + 1 || last_class < class);
        if let Some((at, both)) = base.and_then(|at| Some((at, compose(out[at], part)?))) {
            out[at] = both;
            continue;
        }
        if class == 0 {
            starter = Some(out.len());
        }
        last_class = class;
        out.push(part);
    }
    out.into_iter().collect()
}

/// A new name as it is kept; `what` says of whom or what it is, for the error.
pub(crate) fn checked(text: &str, what: &str) -> Result<String> {
    // The form for people is hardly ever longer; what is much too long is not worth composing.
    let name = if text.len() > 8 * MAX_NAME { String::new() } else { normal(text) };
    if name.is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(Error::usage(format!("{what} has 1 to {MAX_NAME} bytes and no control characters")));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    proptest! {
        #[test]
        fn the_form_is_that_of_unicode(text in "\\PC{0,12}|[a-eA-E\u{300}-\u{345}\u{1100}-\u{11ff}\u{ac00}-\u{ad00}\u{5b0}-\u{5c2}\u{1e00}-\u{1eff}\u{9c7}-\u{9d7}]{0,12}") {
            prop_assert_eq!(composed(&text), text.nfc().collect::<String>());
        }
    }

    #[test]
    fn one_name_has_one_form() {
        for text in ["Zoë", "  Zoë\t", "Zoe\u{308}", "\u{3000}Zoe\u{308} "] {
            assert_eq!(checked(text, "a nickname").unwrap(), "Zo\u{eb}");
        }
        assert_eq!(normal("각 \u{1112}\u{1161}\u{11ab}"), "각 한");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = "x".repeat(MAX_NAME + 1);
        let composed = format!("{}e\u{308}", "x".repeat(MAX_NAME - 2));
        for text in ["", "  ", "a\nb", "a\u{1b}b", "a\u{9b}b", &long, &" ".repeat(10_000)] {
            assert!(checked(text, "a nickname").is_err(), "{text:?}");
        }
        assert_eq!(checked(&composed, "a nickname").unwrap().len(), MAX_NAME);
    }
}
