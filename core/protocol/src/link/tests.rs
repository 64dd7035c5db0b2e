use proptest::prelude::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::*;
use crate::boxes::BoxKey;

fn address_of(seed: u64) -> Address {
    let key = BoxKey::generate(&mut ChaCha20Rng::seed_from_u64(seed));
    Address::new(&key, &["https://mail.example".to_owned()], Some("key")).unwrap()
}

fn address() -> Address {
    address_of(1)
}

fn url() -> String {
    to_url("https://app.example/open", &address(), Placement::Fragment)
}

fn reads(text: &str) -> bool {
    parse(text).is_ok_and(|(read, _)| read.as_text() == address().as_text())
}

#[test]
fn links_come_back_from_every_base_and_placement() {
    let address = address();
    for base in
        ["https://app.example", "https://a.example/x?y=1", "https://a.example/#/route", "myapp://open?z#"]
    {
        for placement in [Placement::Fragment, Placement::Query] {
            let url = to_url(base, &address, placement);
            let (read, found) = parse(&url).unwrap();
            assert_eq!((read.as_text(), found), (address.as_text(), placement), "{base}");
        }
    }
}

#[test]
fn junk_around_a_link_does_not_matter() {
    let url = url();
    for text in [
        format!("Hi # Bob,\nopen {url}. See you!"),
        format!("<{url}>"),
        format!("({url})"),
        format!("\u{201c}{url}\u{201d}"),
        format!("_{url}_"),
        format!("*{url}*"),
        format!("**{url}**, __{url}__"),
        format!("{url}- that is it"),
        format!("{url}..."),
        format!("{url}\u{2026}"),
        format!("[open]({url})"),
        format!("<a href=\"{url}\">{}</a>", &url[..60]),
        format!("{url}&utm_source=mail"),
        format!("connectoid=no {url}"),
        format!("  {}\n", to_value(&address())),
        format!("the code is \"{}\".", to_value(&address())),
        format!("{}{}\n{url}", &url[..90], "…"),
        url.replace("connectoid=", "Connectoid="),
    ] {
        assert!(reads(&text), "{text}");
    }
}

#[test]
fn the_manners_of_known_programs_are_read() {
    let url = url();
    let encoded = percent(&url, |_| false);
    for text in [
        format!("https://nam02.safelinks.protection.example/?url={encoded}&data=05%7C01%7C&reserved=0"),
        format!("https://www.search.example/url?q={}&sa=D", url.replace('#', "%23").replace('=', "%3D")),
        format!("https://l.social.example/l.php?u={encoded}&h=AT0"),
        format!(
            "https://redirect.example/?to={}",
            percent(&format!("https://r.example/?u={encoded}"), |_| false)
        ),
        format!("https://filter.example/v2/url?u={}&d=DwMFaQ", dashes(&url)),
        format!("https://filter.example/v3/__{}__;Iw!!Abc$", url.replace('#', "*")),
        url.replace('#', "%23"),
        url.replace('=', "%3D"),
        url.replace('=', "%3d"),
        url.replace('=', "&#61;").replace('#', "&#x23;"),
        format!("{{\"link\":\"{}\"}}", url.replace('/', "\\/").replace('=', "\\u003d")),
        url.replace('_', "\\_").replace('-', "\\-"),
        to_url("https://a.example/?x=1", &address(), Placement::Query).replace('&', "&amp;"),
        quoted_printable(&format!("Open this: {url}, please.")),
        quoted_printable(&format!("<a href=\"{}\">", url.replace('#', "&#35;"))),
        quoted_printable(&url).replace("\r\n", "\n"),
    ] {
        assert!(reads(&text), "{text}");
    }
}

#[test]
fn a_link_that_a_web_host_was_shown_is_not_taken_for_one_that_none_was() {
    let placement = |text: &str| parse(text).unwrap().1;
    let url = url();
    assert_eq!(placement(&url.replace('#', "%23")), Placement::Query);
    let wrapped = format!("https://r.example/?u={}", percent(&url, |_| false));
    assert_eq!(placement(&wrapped), Placement::Query);
    assert_eq!(
        placement(&format!("https://r.example/?u={}", percent(&wrapped, |_| false))),
        Placement::Query
    );
    assert_eq!(placement(&format!("https://r.example/?u={}", dashes(&url))), Placement::Query);
    assert_eq!(placement(&url.replace('=', "%3D")), Placement::Fragment);
    assert_eq!(placement(&url.replace('#', "&#35;")), Placement::Fragment);
    assert_eq!(placement(&quoted_printable(&url)), Placement::Fragment);
    assert_eq!(placement(&format!("https://r.example/#{}", percent(&url, |_| false))), Placement::Fragment);
}

#[test]
fn damage_is_told_as_damage() {
    let url = url();
    let start = url.find("connectoid=").unwrap() + "connectoid=".len();
    for end in start..url.len() {
        assert_eq!(parse(&url[..end]).err(), Some(LinkError::Damaged), "cut off at {end}");
        assert_eq!(parse(&format!("{}…", &url[..end])).err(), Some(LinkError::Damaged), "cut off at {end}");
    }
    for place in start..url.len() {
        let mut bytes = url.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert_eq!(parse(&changed).err(), Some(LinkError::Damaged), "changed at {place}");
        let without = format!("{}{}", &url[..place], &url[place + 1..]);
        assert_eq!(parse(&without).err(), Some(LinkError::Damaged), "lost at {place}");
    }
    for damaged in [
        url.to_lowercase(),
        url.to_uppercase(),
        format!("{url}A"),
        format!("{url}and"),
        format!("{url}{url}"),
        url.replace("connectoid=", "connectoid= "),
        to_value(&address())[..100].to_owned(),
        address().as_text().to_owned(),
    ] {
        if damaged != url.replace("connectoid=", "connectoid= ") && damaged != format!("{url}{url}") {
            assert_eq!(parse(&damaged).err(), Some(LinkError::Damaged), "{damaged}");
        }
    }
}

#[test]
fn the_first_whole_link_is_taken() {
    let other = to_url("https://app.example/open", &address_of(2), Placement::Fragment);
    assert!(reads(&format!("{} {} {other}", &other[..other.len() - 1], url())));
}

#[test]
fn what_is_no_link_says_why() {
    for text in ["", "hello", "https://a/#xconnectoid=abc.def", "https://app.example/open#conn"] {
        assert_eq!(parse(text).err(), Some(LinkError::NotFound), "{text}");
    }
    assert_eq!(parse(&"x".repeat(MAX_TEXT_LEN + 1)).err(), Some(LinkError::TooLong));
    assert_eq!(parse("https://a/#connectoid=abc").err(), Some(LinkError::Damaged));
    // Whole, and of some later kind.
    let later = format!("{}.AAAA", "A".repeat(66));
    let text = format!("https://a/#connectoid={}.{later}", check(&later));
    assert!(matches!(parse(&text).err(), Some(LinkError::Unusable(_))));
    assert!(!parse(&text).err().unwrap().to_string().contains("services"), "plain words");
}

#[test]
fn a_hostile_text_is_soon_done_with() {
    let value = format!("{}.{}.", "A".repeat(CHECK_LEN), "A".repeat(66));
    for unit in [
        format!("connectoid={value}{} ", "A ".repeat(60)),
        format!("{value}A- "),
        "%25-2D=3D&amp;".to_owned(),
        "connectoid=".to_owned(),
    ] {
        let text = unit.repeat(MAX_TEXT_LEN / unit.len());
        assert!(matches!(parse(&text), Err(LinkError::Damaged | LinkError::NotFound)));
    }
}

/// Percent-encoding of everything but letters, digits and what is left alone.
fn percent(text: &str, leave: impl Fn(char) -> bool) -> String {
    let one = |character: char| {
        if character.is_ascii_alphanumeric() || "-_.~".contains(character) || leave(character) {
            character.to_string()
        } else {
            let encode = |text: String, byte| text + &format!("%{byte:02X}");
            character.to_string().bytes().fold(String::new(), encode)
        }
    };
    text.chars().map(one).collect()
}

/// As percent-encoding, with `-` for `%` and `_` for `/`.
fn dashes(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'/' => "_".to_owned(),
        byte if byte.is_ascii_alphanumeric() || byte == b'.' => char::from(byte).to_string(),
        byte => format!("-{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

fn quoted_printable(text: &str) -> String {
    let mut written = String::new();
    let mut column = 0;
    for byte in text.replace("\r\n", "\n").bytes() {
        let unit = match byte {
            b'\n' => "\r\n".to_owned(),
            b' '..=b'<' | b'>'..=b'~' => char::from(byte).to_string(),
            byte => format!("={byte:02X}"),
        };
        if column + unit.len() > 75 {
            written.push_str("=\r\n");
            column = 0;
        }
        column = if byte == b'\n' { 0 } else { column + unit.len() };
        written.push_str(&unit);
    }
    written
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('=', "&#61;")
}

fn json(text: &str) -> String {
    let escapes = [
        ("\\", "\\\\"),
        ("\r", "\\r"),
        ("\n", "\\n"),
        ("\"", "\\\""),
        ("&", "\\u0026"),
        ("=", "\\u003d"),
        ("/", "\\/"),
    ];
    escapes.iter().fold(text.to_owned(), |text, (plain, escaped)| text.replace(plain, escaped))
}

/// What is done to a link on its way.
#[derive(Debug, Clone)]
enum Manner {
    Percent,
    Redirect(&'static str),
    Html,
    Mail,
    Filter,
    Json,
}

impl Manner {
    fn write(&self, text: &str) -> String {
        match self {
            Self::Percent => percent(text, |character| "/:?&".contains(character)),
            Self::Redirect(parameter) => {
                format!("https://r.example/go?{parameter}={}&x=1", percent(text, |_| false))
            }
            Self::Html => html(text),
            Self::Mail => quoted_printable(text),
            Self::Filter => format!("https://f.example/v2/url?u={}&d=Aw", dashes(text)),
            Self::Json => json(text),
        }
    }
}

fn manner() -> impl Strategy<Value = Manner> {
    prop_oneof![
        Just(Manner::Percent),
        prop_oneof![Just("url"), Just("u"), Just("q")].prop_map(Manner::Redirect),
        Just(Manner::Html),
        Just(Manner::Mail),
        Just(Manner::Filter),
        Just(Manner::Json),
    ]
}

/// What stands around a link, or creeps into it.
fn dressed(url: &str, dress: u8, at: usize) -> String {
    let at = at % url.len();
    let (start, end) = url.split_at(at);
    match dress {
        0 => format!("Look: {url}."),
        1 => format!("_{url}_"),
        2 => format!("> {start}\r\n> {end}\r\n> See you"),
        3 => format!("{start}\u{200b}{end}\u{ad}"),
        4 => format!("({url})"),
        5 => format!("\"{start}\n   {end}\""),
        6 => format!("{url}-"),
        _ => url.to_owned(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    /// By two on the way at most: what a third makes of it may have two meanings.
    #[test]
    fn whatever_was_done_to_a_link_is_taken_back(
        seed in 0_u64..1000,
        query in any::<bool>(),
        dress in 0_u8..8,
        at in 0_usize..200,
        manners in proptest::collection::vec(manner(), 0..3),
    ) {
        let address = address_of(seed);
        let placement = if query { Placement::Query } else { Placement::Fragment };
        let url = to_url("https://app.example/open?a=1", &address, placement);
        let text = manners.iter().fold(dressed(&url, dress, at), |text, manner| manner.write(&text));
        prop_assert_eq!(parse(&text).map(|(read, _)| read.as_text().to_owned()), Ok(address.as_text().to_owned()), "{}", text);
    }

    #[test]
    fn no_text_is_too_strange(text in "[%&=\\\\#?-_a-zA-F0-9. \r\n>\u{200b}ü]{0,400}(connectoid=)?[A-Za-z0-9._-]{0,200}") {
        let _ = parse(&text);
    }
}
