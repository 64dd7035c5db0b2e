//! `link.json`: addresses, and links around them.

use connectoid_protocol::{
    address::{Address, AddressError},
    boxes::BoxKey,
    encoding::base64url,
    link::{self, LinkError, Placement},
};
use serde::{Deserialize, Serialize};

use crate::{
    boxes,
    support::{Hex, Vectors, seeded},
};

#[derive(Serialize, Deserialize)]
pub(crate) struct Links {
    addresses: Vec<Accepted>,
    refused_addresses: Vec<Refused>,
    links: Vec<Link>,
    texts: Vec<Found>,
    refused_texts: Vec<Refused>,
}

#[derive(Serialize, Deserialize)]
struct Accepted {
    address: String,
    #[serde(rename = "Q")]
    id: Hex,
    services: Vec<String>,
    ext: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Refused {
    text: String,
    error: String,
}

#[derive(Serialize, Deserialize)]
struct Link {
    base: String,
    placement: Placement,
    address: String,
    check: String,
    url: String,
}

#[derive(Serialize, Deserialize)]
struct Found {
    text: String,
    address: String,
    placement: Placement,
}

impl Vectors for Links {
    const FILE: &'static str = "link.json";

    fn generate() -> Self {
        let addresses = addresses();
        let short = &addresses[0].address;
        let texts = texts(short).map(|text| {
            let (address, placement) = link::parse(&text).unwrap();
            Found { address: address.as_text().to_owned(), placement, text }
        });
        let refused = refused_addresses(short).map(|text| {
            let error = address_error(Address::parse(&text).err().unwrap()).to_owned();
            Refused { text, error }
        });
        let refused_texts = refused_texts(short).map(|text| {
            let error = link_error(link::parse(&text).err().unwrap()).to_owned();
            Refused { text, error }
        });
        Self {
            refused_addresses: refused.into(),
            links: links(short),
            texts: texts.into(),
            refused_texts: refused_texts.into(),
            addresses,
        }
    }

    fn check(&self) {
        for Accepted { address, id, services, ext } in &self.addresses {
            let read = Address::parse(address).unwrap();
            assert_eq!((read.services(), read.ext()), (services.as_slice(), ext.as_deref()));
            assert_eq!(Hex::from(read.box_id().as_bytes()), *id);
        }
        for Refused { text, error } in &self.refused_addresses {
            assert_eq!(Address::parse(text).err().map(address_error), Some(error.as_str()), "{text}");
        }
        for Link { base, placement, address, check, url } in &self.links {
            let read = Address::parse(address).unwrap();
            assert_eq!(link::to_url(base, &read, *placement), *url);
            assert_eq!(link::to_value(&read), format!("{check}.{address}"));
            assert_eq!(link::parse(url).unwrap().0.as_text(), address);
        }
        for Found { text, address, placement } in &self.texts {
            let (read, found) = link::parse(text).unwrap();
            assert_eq!((read.as_text(), found), (address.as_str(), *placement), "{text}");
        }
        for Refused { text, error } in &self.refused_texts {
            assert_eq!(link::parse(text).err().map(link_error), Some(error.as_str()), "{text}");
        }
    }
}

fn addresses() -> Vec<Accepted> {
    let cases: [(&[&str], Option<&str>); 3] = [
        (&["https://mail.example"], None),
        (&["https://a.example", "http://[::1]:8080/mail", "https://c.example:8443"], None),
        (&["https://mail.example"], Some("api=ключ")),
    ];
    let mut rng = seeded(10);
    let accepted = cases.map(|(services, ext)| {
        let key = BoxKey::generate(&mut rng);
        let services: Vec<_> = services.iter().map(|&service| service.to_owned()).collect();
        let address = Address::new(&key, &services, ext).unwrap().as_text().to_owned();
        Accepted { address, id: key.id().as_bytes().into(), services, ext: ext.map(str::to_owned) }
    });
    accepted.into()
}

fn refused_addresses(good: &str) -> [String; 16] {
    let (point, services) = good.split_once('.').unwrap();
    let of = |services: &str| format!("{point}.{}", base64url(services.as_bytes()));
    let with = |first: u8, rest: &[u8]| format!("{}.{services}", base64url(&[&[first], rest].concat()));
    [
        String::new(),
        point.to_owned(),
        format!("{good}.a2V5.a2V5"),
        format!("{}.{services}", &point[1..]),
        format!("{point}=.{services}"),
        with(2, &[0xff; 48]),
        with(4, &[1; 48]),
        format!("{point}."),
        format!("{point}.{services}="),
        of("ftp://a.example"),
        of("https://"),
        of("https://a.example  https://b.example"),
        of("https://a https://b https://c https://d"),
        of(&format!("https://{}", "a".repeat(249))),
        format!("{good}."),
        format!("{good}.{}", base64url(&[0xff])),
    ]
}

fn links(address: &str) -> Vec<Link> {
    let bases = [
        "https://app.example/open",
        "https://a.example/x?y=1",
        "https://a.example/#/route",
        "myapp://open?z#",
    ];
    let read = Address::parse(address).unwrap();
    let check = link::to_value(&read)[..8].to_owned();
    let of = |base: &str, placement| Link {
        base: base.to_owned(),
        placement,
        address: address.to_owned(),
        check: check.clone(),
        url: link::to_url(base, &read, placement),
    };
    bases
        .iter()
        .flat_map(|base| [Placement::Fragment, Placement::Query].map(|placement| of(base, placement)))
        .collect()
}

fn texts(address: &str) -> [String; 22] {
    let value = link::to_value(&Address::parse(address).unwrap());
    let url = format!("https://app.example/open#connectoid={value}");
    let encoded = url.replace(':', "%3A").replace('/', "%2F").replace('#', "%23").replace('=', "%3D");
    let (start, end) = url.split_at(80);
    let of_mail = url.replace('=', "=3D");
    let (mail_start, mail_end) = of_mail.split_at(75);
    [
        format!("Hi # Bob,\nopen {url}. See you!"),
        format!("<{url}>"),
        format!("{url}&utm_source=mail"),
        format!("connectoid=no https://app.example/?connectoid={value}"),
        format!("  {value}\n"),
        format!("the code is \"{value}\"."),
        format!("_{url}_"),
        format!("{url}- or {url}..."),
        format!("{start}\u{2026} is cut off, here again: {url}"),
        format!("> {start}\r\n> {end}\r\n> See you"),
        format!("{start}\u{200b}{end}"),
        url.replace('#', "%23"),
        url.replace('=', "%3d"),
        format!("https://app.example/?a=1&amp;connectoid&#61;{value}"),
        format!("{{\"link\":\"{}\"}}", url.replace('/', "\\/").replace('=', "\\u003d")),
        format!("https://redirect.example/?url={encoded}&data=05"),
        format!("https://redirect.example/?u={}&x", encoded.replace('%', "%25")),
        format!("https://redirect.example/#{encoded}"),
        format!("{mail_start}=\r\n{mail_end}, please"),
        format!("https://filter.example/?u={}&d=A", dashes(&url)),
        format!("https://filter.example/__{}__;Iw!!A", url.replace('#', "*")),
        url.replace("connectoid=", "Connectoid="),
    ]
}

/// Percent-encoding with `-` for `%`, and `_` for `/`.
fn dashes(url: &str) -> String {
    let one = |byte: u8| match byte {
        b'/' => "_".to_owned(),
        byte if byte.is_ascii_alphanumeric() || byte == b'.' => char::from(byte).to_string(),
        byte => format!("-{byte:02X}"),
    };
    url.bytes().map(one).collect()
}

fn refused_texts(address: &str) -> [String; 13] {
    let value = link::to_value(&Address::parse(address).unwrap());
    let url = format!("https://app.example/open#connectoid={value}");
    [
        "hello".to_owned(),
        String::new(),
        "https://a/#xconnectoid=abc.def".to_owned(),
        "https://a/#connectoid=abc".to_owned(),
        url[..url.len() - 1].to_owned(),
        format!("{}\u{2026}", &url[..100]),
        format!("{url}A"),
        url.to_lowercase(),
        url.replace(&value[..8], "AAAAAAAA"),
        url.replace(&value[9..12], "AAA"),
        format!("https://a/#connectoid={address}"),
        address.to_owned(),
        format!("https://a/#connectoid={}", checked(&format!("{}.AAAA", "A".repeat(66)))),
    ]
}

/// Some text with the check that an address of this text would have.
fn checked(text: &str) -> String {
    use connectoid_protocol::encoding::join;
    use sha2::{Digest, Sha256};
    let hash = Sha256::digest(join(&[b"connectoid/1 link", text.as_bytes()]));
    format!("{}.{text}", base64url(&hash[..6]))
}

fn link_error(error: LinkError) -> &'static str {
    match error {
        LinkError::NotFound => "not_found",
        LinkError::Damaged => "damaged",
        LinkError::Unusable(_) => "unusable",
        other => panic!("{other}"),
    }
}

pub(crate) fn address_error(error: AddressError) -> &'static str {
    match error {
        AddressError::Malformed => "malformed",
        AddressError::Services => "services",
        AddressError::Ext => "ext",
        AddressError::Box(error) => boxes::name(error),
        other => panic!("{other}"),
    }
}
