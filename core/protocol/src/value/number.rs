//! Numbers as JSON writes them, judged before a reader of JSON rounds them.
//!
//! Readers of JSON turn whatever they cannot hold into the nearest number that they can: `18446744073709551616` and
//! `9007199254740993.0` arrive as something else, and nobody is told. So the text is looked at first.
//!
//! - Digits alone are an integer, smaller than 2^53 in size.
//! - With a fraction or an exponent, a number becomes the nearest 64-bit float. Written with as many significant digits
//!   as the number has, that float has to read the same; if it stands in the middle between two such, the number may be
//!   either. What programs print of their own floats always is.
//! - −0 is refused however it is written.

use super::{INT_BOUND, ValueError};

/// More significant digits than any float has when it is written exactly.
const MAX_DIGITS: usize = 800;

/// Looks at all numbers of a JSON text.
///
/// What is no JSON is for the reader to refuse: this looks at numbers alone.
///
/// # Errors
/// [`ValueError::TooGreat`] for an integer of 2^53 and more, [`ValueError::Rounded`] for a number that no 64-bit float
/// keeps, and [`ValueError::BadFloat`] for −0.
pub fn check_numbers(json: &str) -> Result<(), ValueError> {
    let mut rest = json;
    while let Some(at) = rest.find(|letter: char| letter == '"' || letter == '-' || letter.is_ascii_digit()) {
        rest = &rest[at..];
        if rest.starts_with('"') {
            rest = behind_text(rest);
            continue;
        }
        let is_part = |letter: char| letter.is_ascii_digit() || "+-.eE".contains(letter);
        let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        check_number(&rest[..end])?;
        rest = &rest[end..];
    }
    Ok(())
}

/// What follows a text that begins here.
fn behind_text(json: &str) -> &str {
    let mut escaped = false;
    for (at, byte) in json.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return &json[at + 1..],
            _ => {}
        }
    }
    ""
}

fn check_number(text: &str) -> Result<(), ValueError> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let integer = digits.parse::<i64>().ok().filter(|integer| *integer < INT_BOUND);
        return match integer {
            Some(0) if text != digits => Err(ValueError::BadFloat),
            Some(_) => Ok(()),
            None => Err(ValueError::TooGreat),
        };
    }
    // Not a number at all: the reader's to refuse.
    let Ok(float) = digits.parse::<f64>() else { return Ok(()) };
    if float == 0.0 && text != digits {
        return Err(ValueError::BadFloat);
    }
    if is_kept(digits, float) { Ok(()) } else { Err(ValueError::Rounded) }
}

/// Whether a float, written with as many significant digits as a text, is what the text says.
fn is_kept(text: &str, float: f64) -> bool {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let significant = digits.trim_matches('0');
    if significant.is_empty() || float == 0.0 || !float.is_finite() {
        return significant.is_empty() && float == 0.0;
    }
    if significant.len() > MAX_DIGITS {
        return false;
    }
    // The text is nearest to this float: if the digits are the same, so is where the point stands.
    digits_of(float, significant.len()) == significant || is_either(significant, float)
}

/// A float's significant digits, so many.
fn digits_of(float: f64, count: usize) -> String {
    let written = format!("{float:.*e}", count - 1);
    written.split('e').next().unwrap_or_default().replace('.', "")
}

/// Whether a float stands in the middle between two numbers of so few digits, and these digits are one of them.
fn is_either(digits: &str, float: f64) -> bool {
    let exact = digits_of(float, MAX_DIGITS);
    let (below, rest) = exact.split_at(digits.len());
    let is_middle = rest.strip_prefix('5').is_some_and(|rest| rest.bytes().all(|digit| digit == b'0'));
    let number = |digits: &str| digits.parse::<u128>().ok();
    let (Some(below), Some(said)) = (number(below), number(digits)) else { return false };
    is_middle && (said == below || said == below + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::{Value, tests::any_value};

    #[test]
    fn what_is_kept_is_taken() {
        for json in [
            "0",
            "-7",
            "9007199254740991",
            "-9007199254740991",
            "0.1",
            "1.50",
            "0.0",
            "0e9",
            "1e300",
            "1E+23",
            "5e-324",
            "4.9E-324",
            "1.7976931348623157e308",
            "9007199254740992.0",
            "100000000000000000000.0",
            "1.8446744073709552e19",
            "0.10000000000000000555",
            "123456789012345680000.0",
            "1658206780088562.2",
            "1.6582067800885623e15",
            r#"{"18446744073709551616": "-0", "a\"1e999": [1, {"b": "\\"}, 2]}"#,
        ] {
            assert_eq!(check_numbers(json), Ok(()), "{json}");
        }
    }

    #[test]
    fn what_would_be_rounded_is_refused() {
        for (json, error) in [
            ("9007199254740992", ValueError::TooGreat),
            ("-9007199254740993", ValueError::TooGreat),
            ("18446744073709551615", ValueError::TooGreat),
            ("18446744073709551616", ValueError::TooGreat),
            ("-123456789012345678901234567890", ValueError::TooGreat),
            ("9007199254740993.0", ValueError::Rounded),
            ("9.007199254740993e15", ValueError::Rounded),
            ("1.8446744073709551617e19", ValueError::Rounded),
            ("0.1000000000000000000001", ValueError::Rounded),
            ("3.14159265358979323846264338", ValueError::Rounded),
            ("1658206780088562.4", ValueError::Rounded),
            ("1e400", ValueError::Rounded),
            ("1e-400", ValueError::Rounded),
            ("1.2345e-322", ValueError::Rounded),
            ("-0", ValueError::BadFloat),
            ("-0.0", ValueError::BadFloat),
            ("-0e7", ValueError::BadFloat),
            (r#"{"a": "\\", "b": [[18446744073709551616]]}"#, ValueError::TooGreat),
            (r#"{"a":"x\\\"","b":-0}"#, ValueError::BadFloat),
        ] {
            assert_eq!(check_numbers(json), Err(error), "{json}");
        }
        let long = format!("0.{}1", "3".repeat(100_000));
        assert_eq!(check_numbers(&long), Err(ValueError::Rounded));
    }

    proptest! {
        #[test]
        fn every_value_can_be_written_and_read(value in any_value()) {
            prop_assert_eq!(check_numbers(&value.to_json().to_string()), Ok(()));
        }

        #[test]
        fn every_float_is_kept_as_it_is_printed(bits in any::<u64>(), more in 0..5_usize) {
            let float = f64::from_bits(bits);
            if let Ok(Value::Float(float)) = Value::number(float) {
                prop_assert_eq!(check_numbers(&format!("{float:e}")), Ok(()));
                prop_assert_eq!(check_numbers(&format!("{float:.*e}", 16 + more)), Ok(()));
            }
        }

        #[test]
        fn any_text_is_looked_at(text in "\\PC{0,40}") {
            let _ = check_numbers(&text);
        }
    }
}
