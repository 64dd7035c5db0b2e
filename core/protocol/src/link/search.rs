//! Looking for a whole link in one reading of a text.
//!
//! Lines are wrapped and invisible characters creep in, also in the middle of a link; and what stands behind it, such
//! as the sentence's full stop, may be of the characters that a link has. So white space is left out and remembered as
//! a *break*, at which the link may end as well as go on. The check says which.

use super::{CHECK_LEN, MAX_VALUE_LEN, PARAMETER, Placement, check};

/// Where in a link's value the full stop behind the box's secret stands.
const SECOND_STOP: usize = CHECK_LEN + 1 + 66;

/// How many marks behind a link are taken for punctuation, such as the three dots of an ellipsis.
const MAX_MARKS: usize = 8;

/// How many checks are computed for one text, in all its readings: a hostile one could ask for a million. A link that
/// was wrapped every twenty characters needs less than a hundred.
const MAX_CHECKS: usize = 1024;

/// See the [module](self).
#[derive(Default)]
pub(super) struct Search {
    checks: usize,
    seen: bool,
}

/// A text without white space and invisible characters.
struct Squeezed {
    text: String,
    /// Before which places there was white space; ascending.
    breaks: Vec<usize>,
}

impl Search {
    /// Whether anything looked like a link, whole or not.
    pub(super) fn has_seen_one(&self) -> bool {
        self.seen
    }

    /// The address in the first whole link of a text.
    pub(super) fn parameter(&mut self, text: &str) -> Option<(String, Placement)> {
        let squeezed = Squeezed::of(text);
        let lower = squeezed.text.to_ascii_lowercase();
        for (place, _) in lower.match_indices(PARAMETER) {
            if !squeezed.is_border(place, |byte| byte.is_ascii_alphanumeric()) {
                continue;
            }
            self.seen = true;
            if let Some(address) = self.whole_at(&squeezed, place + PARAMETER.len()) {
                return Some((address, squeezed.placement(place)));
            }
        }
        None
    }

    /// What stands behind `connectoid=` in a link, without it.
    pub(super) fn value(&mut self, text: &str) -> Option<(String, Placement)> {
        let squeezed = Squeezed::of(text);
        let all = squeezed
            .text
            .trim_matches(|character: char| !character.is_ascii() || !is_in_value(character as u8));
        self.seen |= all.len() > SECOND_STOP - CHECK_LEN && all.bytes().all(is_in_value);
        let stops = squeezed.text.match_indices('.').map(|(place, _)| place);
        for start in stops.filter_map(|place| place.checked_sub(CHECK_LEN)) {
            if squeezed.is_border(start, is_in_value)
                && let Some(address) = self.whole_at(&squeezed, start)
            {
                return Some((address, Placement::Fragment));
            }
        }
        None
    }

    /// The address, if a whole value begins here.
    fn whole_at(&mut self, squeezed: &Squeezed, start: usize) -> Option<String> {
        let rest = squeezed.text.as_bytes().get(start..)?;
        let run = rest.iter().take(MAX_VALUE_LEN + MAX_MARKS).take_while(|byte| is_in_value(**byte)).count();
        if run <= SECOND_STOP + 1 || rest[CHECK_LEN] != b'.' || rest[SECOND_STOP] != b'.' {
            return None;
        }
        self.seen = true;
        let value = std::str::from_utf8(&rest[..run]).ok()?;
        let first = squeezed.breaks.partition_point(|at| *at <= start + SECOND_STOP);
        let breaks = squeezed.breaks[first..].iter().map(|at| at - start).take_while(|end| *end < run);
        breaks.chain([run]).find_map(|end| self.whole(&value[..end]))
    }

    /// The address in a value that may have punctuation behind it.
    fn whole(&mut self, mut value: &str) -> Option<String> {
        for _ in 0..=MAX_MARKS {
            if self.checks == MAX_CHECKS {
                return None;
            }
            self.checks += 1;
            let (claimed, address) = (value.get(..CHECK_LEN)?, value.get(CHECK_LEN + 1..)?);
            if check(address) == claimed {
                return Some(address.to_owned());
            }
            value = value.strip_suffix(['.', '-', '_'])?;
        }
        None
    }
}

impl Squeezed {
    fn of(text: &str) -> Self {
        let mut squeezed = Self { text: String::with_capacity(text.len()), breaks: Vec::new() };
        let mut at_line_start = true;
        for character in text.chars().filter(|character| !is_invisible(*character)) {
            // Mail that is answered has marks before its lines.
            let is_mark = at_line_start && matches!(character, '>' | '|');
            if character.is_whitespace() || is_mark {
                at_line_start |= matches!(character, '\n' | '\r');
                if squeezed.breaks.last() != Some(&squeezed.text.len()) {
                    squeezed.breaks.push(squeezed.text.len());
                }
            } else {
                at_line_start = false;
                squeezed.text.push(character);
            }
        }
        squeezed
    }

    /// Whether what stands before a place is not part of the same word.
    fn is_border(&self, place: usize, in_word: impl Fn(u8) -> bool) -> bool {
        let before = place.checked_sub(1).map(|before| self.text.as_bytes()[before]);
        before.is_none_or(|byte| !in_word(byte)) || self.breaks.binary_search(&place).is_ok()
    }

    /// Whether a `#` stands between the last white space before the parameter and the parameter.
    fn placement(&self, place: usize) -> Placement {
        let start = self.breaks.iter().rfind(|at| **at < place).copied().unwrap_or(0);
        if self.text[start..place].contains('#') { Placement::Fragment } else { Placement::Query }
    }
}

fn is_in_value(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// Soft hyphens, zero-width characters and marks of writing direction.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}
