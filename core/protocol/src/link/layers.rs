//! What programs on the way make of a text, and how it is taken back.
//!
//! Redirectors of messengers and mailers put a link percent-encoded into a URL of their own, web pages write `&amp;`,
//! mail travels as quoted-printable, and one may do so to what another has done. A *layer* takes one such manner of
//! writing back everywhere in a text; a *reading* is what comes of some layers in some order.
//!
//! An encoded `#` becomes a `?`: whoever was given the URL around it was shown what follows.

use zeroize::Zeroizing;

/// How many layers are taken off: a redirector in a redirector, in a web page, in a mail.
const MAX_DEPTH: usize = 4;

type Layer = fn(&[u8]) -> Option<(Vec<u8>, usize)>;

/// In the order in which they are tried.
const LAYERS: [Layer; 3] = [of_the_web, of_mail, of_dashes];

/// The names of characters in HTML that stand in links, or beside them.
const NAMES: [(&str, char); 14] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("num", '#'),
    ("equals", '='),
    ("quest", '?'),
    ("period", '.'),
    ("lowbar", '_'),
    ("colon", ':'),
    ("sol", '/'),
    ("percnt", '%'),
];

/// The longest character reference of HTML that is read: `&#x10FFFF;`.
const MAX_REFERENCE: usize = 10;

/// Hands one reading after the other to `look` until it finds something; those with fewer layers first.
pub(super) fn first_reading<T>(text: &str, mut look: impl FnMut(&str) -> Option<T>) -> Option<T> {
    let mut readings = vec![Zeroizing::new(text.to_owned())];
    let mut looked = 0;
    for depth in 0..=MAX_DEPTH {
        let level = looked..readings.len();
        for place in level.clone() {
            if let Some(found) = look(&readings[place]) {
                return Some(found);
            }
        }
        looked = readings.len();
        if depth == MAX_DEPTH {
            break;
        }
        for place in level {
            for layer in LAYERS {
                let below = take_off(layer, &readings[place]);
                readings.extend(below.filter(|below| !readings.contains(below)));
            }
        }
    }
    None
}

/// The text without one layer, if it has it.
fn take_off(layer: Layer, text: &str) -> Option<Zeroizing<String>> {
    let bytes = text.as_bytes();
    let mut below = Zeroizing::new(Vec::with_capacity(bytes.len()));
    let mut place = 0;
    while place < bytes.len() {
        if let Some((meant, length)) = layer(&bytes[place..]) {
            below.extend_from_slice(&meant);
            place += length;
        } else {
            below.push(bytes[place]);
            place += 1;
        }
    }
    (below.as_slice() != bytes).then(|| Zeroizing::new(String::from_utf8_lossy(&below).into_owned()))
}

/// `%23`, `&#35;`, `\u0023`, `\#`: percent-encoding, HTML, JSON, Markdown. None of it stands in a link's own text.
fn of_the_web(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    match rest.first()? {
        b'%' => percent_like(rest, false),
        b'&' if begins_reference(&rest[1..], b'%') => Some((b"&#".to_vec(), 4)),
        b'&' => reference(rest),
        b'\\' => match rest.get(1)? {
            b'u' => {
                let code = u32::from_str_radix(std::str::from_utf8(rest.get(2..6)?).ok()?, 16).ok()?;
                Some((char::from_u32(code)?.to_string().into_bytes(), 6))
            }
            b'n' => Some((b"\n".to_vec(), 2)),
            b'r' => Some((b"\r".to_vec(), 2)),
            mark if mark.is_ascii_punctuation() => Some((vec![*mark], 2)),
            _ => None,
        },
        _ => None,
    }
}

/// Quoted-printable (RFC 2045 §6.7): `=3D`, and `=` at the end of a line that goes on.
fn of_mail(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    match rest {
        [b'=', b'\r', b'\n', ..] => Some((Vec::new(), 3)),
        [b'=', b'\n' | b'\r', ..] => Some((Vec::new(), 2)),
        [b'=', ..] => Some((vec![hex_pair(rest, false)?], 3)),
        _ => None,
    }
}

/// `-23`: as some filters of mail write a URL inside their own.
fn of_dashes(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    if rest.first() == Some(&b'-') { percent_like(rest, true) } else { None }
}

fn percent_like(rest: &[u8], upper_case: bool) -> Option<(Vec<u8>, usize)> {
    match hex_pair(rest, upper_case)? {
        b'#' => Some((vec![b'?'], 3)),
        b'&' if begins_reference(&rest[3..], rest[0]) => Some((b"&#".to_vec(), 6)),
        byte => Some((vec![byte], 3)),
    }
}

/// Whether, behind an `&`, an encoded `#` is that of a character reference: it is none of a URL.
fn begins_reference(rest: &[u8], mark: u8) -> bool {
    matches!(rest, [first, b'2', b'3', b'0'..=b'9' | b'x' | b'X', ..] if *first == mark)
}

fn hex_pair(rest: &[u8], upper_case: bool) -> Option<u8> {
    let digits = rest.get(1..3)?;
    let is_digit = |byte: &u8| byte.is_ascii_hexdigit() && !(upper_case && byte.is_ascii_lowercase());
    let digits = digits.iter().all(is_digit).then_some(digits)?;
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// `&amp;`, `&#35;`, `&#x23;`
fn reference(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    let end = rest.iter().take(MAX_REFERENCE).position(|byte| *byte == b';')?;
    let name = std::str::from_utf8(&rest[1..end]).ok()?;
    let meant = match name.strip_prefix('#') {
        Some(number) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)?
        }
        None => NAMES.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((meant.to_string().into_bytes(), end + 1))
}
