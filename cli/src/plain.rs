//! Text of others, made harmless for a terminal.
//!
//! Nicknames, names of groups, ids, values, messages and error texts come from peers, services and files. A terminal
//! obeys what it is shown: escape sequences move the cursor, rewrite lines above and set the clipboard; bidirectional
//! overrides and characters without width make one word look like another. So whatever is printed goes through here,
//! wherever it comes from: all that is not meant to be seen is shown as an escape, such as `\u{1b}` or `\n`. In JSON it
//! is escaped as JSON does, `\u001b`, which every reader of JSON turns back.

use std::{borrow::Cow, fmt::Write};

use serde::Serialize;

/// A text on one line, with everything that a terminal would obey or hide made visible.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    escape(text, |hidden, out| out.extend(hidden.escape_default()))
}

/// A value as JSON on one line, which is safe to show.
pub(crate) fn json(value: &impl Serialize) -> String {
    // What is serialised here has only texts as keys, and fails for nothing else.
    let text = serde_json::to_string(value).unwrap_or_default();
    // Outside its texts, JSON has none of these characters.
    let escaped = escape(&text, |hidden, out| {
        for unit in hidden.encode_utf16(&mut [0; 2]) {
            // Writing to a text does not fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    });
    escaped.into_owned()
}

fn escape(text: &str, write: impl Fn(char, &mut String)) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_hidden(character) { write(character, &mut out) } else { out.push(character) }
    }
    Cow::Owned(out)
}

/// Controls (C0, DEL and C1), and what Unicode gives no shape: marks of direction, joiners, fillers, line and paragraph
/// separators, tags. Variation selectors stay, as emoji have them.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str =
        "a\u{1b}[2Jb\u{1b}]52;c;eA==\u{7}\r\nc\u{9b}31m\u{202e}d\u{200b}e\u{2066}\u{feff}\u{7f}\u{e0041}";

    #[test]
    fn nothing_hidden_is_left() {
        let shown = plain(HOSTILE);
        assert!(!shown.contains(is_hidden));
        assert!(
            shown.starts_with(r"a\u{1b}[2Jb\u{1b}]52;c;eA==\u{7}\r\nc\u{9b}31m\u{202e}d\u{200b}e"),
            "{shown}"
        );
    }

    #[test]
    fn json_is_safe_and_means_the_same() {
        let value = serde_json::json!({ HOSTILE: [HOSTILE, 1.5, null] });
        let shown = json(&value);
        assert!(!shown.contains(is_hidden), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }

    #[test]
    fn words_and_emoji_stay_as_they_are() {
        for text in ["Zoë", "мир 世界", "❤️ 🦊", r"back\slash", "naïve — “quoted”", "مرحبا"]
        {
            assert_eq!(plain(text), text);
        }
    }
}
