//! Writes the seeds of every target to `corpus/`: valid inputs, from the test vectors where there are any.
//!
//! `cargo run --package connectoid-fuzz --example seeds`; then, in `libfuzzer/`,
//! `RUSTC_BOOTSTRAP=1 cargo fuzz cmin TARGET ../corpus/TARGET` drops what adds no coverage.

#![allow(clippy::unwrap_used, reason = "a seed that cannot be made is a fault to be seen")]

use std::{fs, path::Path};

use connectoid_fuzz::{
    group::{CHANGES, MEMBER, MEMBER_DEVICE, NOW, OWNER, OWNER_DEVICE, members_log, owners_log},
    log::Log,
    party::{ASKED, RECIPIENT, hex, text, vectors},
};
use connectoid_protocol::{
    encoding::{base64url, parse_base64url},
    mailbox::{
        BoxReport, Check, CheckMany, Checked, CheckedMany, Cursor, Done, Drop, Message, Receive, Received,
        Refusal, Reply, Request, Send, ServiceInfo, ServiceLimits,
    },
    sync::{Output, Sync},
};
use serde_json::Value;

fn main() {
    write("link", &links());
    write("seal", &seals());
    write("padding", &paddings());
    write("question", &questions());
    write("message", &messages());
    write("frame", &frames());
    write("joiner", &joiners());
    write("change", &changes());
    write("value", &values());
    write("request", &requests());
    write("reply", &replies());
    write("sync", &[session(0, Log::default()), session(1, members_log())]);
}

fn write(target: &str, seeds: &[Vec<u8>]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder).unwrap();
    for (number, seed) in seeds.iter().enumerate() {
        fs::write(folder.join(format!("seed-{number:02}")), seed).unwrap();
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn links() -> Vec<Vec<u8>> {
    let file = vectors("link");
    let of = |list_name: &str, name: &str| -> Vec<Vec<u8>> {
        list(&file[list_name]).iter().map(|entry| text(&entry[name]).as_bytes().to_vec()).collect()
    };
    [("addresses", "address"), ("refused_addresses", "text"), ("links", "url"), ("texts", "text")]
        .iter()
        .flat_map(|(list, name)| of(list, name))
        .collect()
}

fn seals() -> Vec<Vec<u8>> {
    let sealed = parse_base64url(text(&vectors("seal")["envelopes"][0]["sealed"])).unwrap();
    let flipped =
        |which: u8, position: u16, flip: u8| [&[which], &position.to_le_bytes()[..], &[flip]].concat();
    let known = (0..4).flat_map(|which| {
        [(0, 0), (0, 1), (96, 1), (97, 1), (2200, 128)].map(|(at, flip)| (which, at, flip))
    });
    let noise = [flipped(0, 0, 0), sealed].concat();
    known.map(|(which, at, flip)| flipped(which, at, flip)).chain([noise]).collect()
}

/// Which length, the length that it claims, where bytes lie, and the bytes.
fn paddings() -> Vec<Vec<u8>> {
    let seed = |which: u8, length: u32, position: u16, bytes: &[u8]| {
        [&[which], &length.to_le_bytes()[..], &position.to_le_bytes(), bytes].concat()
    };
    let claims = [0, 5, 2044, 2045, 4092, 16380, 16381, u32::MAX];
    let claims = claims.into_iter().flat_map(|length| (0..4).map(move |which| (which, length)));
    let others =
        [seed(64, 5, 0, b"hello"), seed(16, 5, 0, b"hello"), seed(0, 5, 5, b"!"), seed(0, 5, 2043, b"!")];
    claims.map(|(which, length)| seed(which, length, 0, b"hello")).chain(others).collect()
}

fn questions() -> Vec<Vec<u8>> {
    let file = vectors("question");
    let sealed = parse_base64url(text(&file["questions"][0]["sealed"])).unwrap();
    assert!(connectoid_protocol::question::open(&ASKED.key, "https://mail.example", &sealed).is_ok());
    let urls = list(&file["origins"]).iter().map(|entry| text(&entry["url"]).as_bytes().to_vec());
    [sealed].into_iter().chain(urls).collect()
}

fn messages() -> Vec<Vec<u8>> {
    let file = vectors("message");
    let signed = list(&file["messages"]).iter().map(|entry| text(&entry["plaintext"]).as_bytes().to_vec());
    let unsigned = list(&file["messages"]).iter().map(|entry| text(&entry["canonical"]).as_bytes().to_vec());
    let refused = list(&file["refused"]).iter().map(|entry| text(&entry["plaintext"]).as_bytes().to_vec());
    signed.chain(unsigned).chain(refused).collect()
}

fn frames() -> Vec<Vec<u8>> {
    let file = vectors("frame");
    let known = ["control", "app"].iter().flat_map(|name| list(&file[*name]));
    known.map(|entry| hex(text(&entry["bytes"]))).collect()
}

/// One piece: another follows, how it begins, and the length of the rest, as `arbitrary` takes them.
fn joiners() -> Vec<Vec<u8>> {
    let piece = |more: u8, length: u16| [&[1, more], &length.to_le_bytes()[..]].concat();
    let endless: Vec<u8> = (0..6).flat_map(|_| piece(1, 0xefff)).collect();
    vec![piece(0, 5), [piece(1, 0xefff), piece(0, 1)].concat(), piece(2, 0), endless]
}

fn changes() -> Vec<Vec<u8>> {
    let file = vectors("change");
    let given = ["changes", "refused"].iter().flat_map(|name| list(&file[*name]));
    let given = given.map(|entry| hex(text(&entry["bytes"])));
    CHANGES.iter().map(|change| change.bytes().to_vec()).chain(given).collect()
}

fn values() -> Vec<Vec<u8>> {
    let file = vectors("value");
    let pairs = list(&file["values"]).iter();
    pairs.flat_map(|entry| [hex(text(&entry["cbor"])), entry["json"].to_string().into_bytes()]).collect()
}

fn requests() -> Vec<Vec<u8>> {
    let id = RECIPIENT.key.id();
    let (cursor, ext, answer) = (Cursor { id, at: 3 }, Some("key \"1\"".to_owned()), [9; 32]);
    let requests = [
        Request::Send(Send { id, ext: None, data: "AAAA".into(), pow: Some(7) }),
        Request::Check(Check { cursor, ext: ext.clone(), wait: 25, ask: true }),
        Request::CheckMany(CheckMany { cursors: vec![cursor, cursor], ext: ext.clone(), wait: 1 }),
        Request::Receive(Receive { cursor, ext: ext.clone(), answer, limit: 32 }),
        Request::Drop(Drop { id, ext, answer }),
    ];
    requests.iter().map(Request::to_json).collect()
}

fn replies() -> Vec<Vec<u8>> {
    let question = Some(base64url(&[5; 145]));
    let report = BoxReport {
        id: RECIPIENT.key.id().to_base64(),
        found: true,
        question: question.clone(),
        error: Some(Refusal::Closed.as_str().into()),
    };
    let info = ServiceInfo {
        service: "connectoid".into(),
        version: "1".into(),
        protocol: 1,
        extensions: vec!["wait".into()],
        key_required: true,
        pow_bits: 18,
        limits: ServiceLimits::with_rates(50, 2),
    };
    vec![
        Done {}.to_json(),
        Checked { found: true, question }.to_json(),
        CheckedMany { found: true, boxes: vec![report] }.to_json(),
        Received::new(vec![Message { at: 7, data: "AAAA".into() }]).to_json(),
        Refusal::TooOften.to_json(None),
        info.to_json(),
    ]
}

/// All that the owner's device sends in an honest session.
fn session(flags: u8, mut members: Log) -> Vec<u8> {
    let mut owners = owners_log();
    let mut owner = Sync::new(OWNER.id(), MEMBER.id(), MEMBER_DEVICE);
    let mut member = Sync::new(MEMBER.id(), OWNER.id(), OWNER_DEVICE).expecting_group();
    owner.start(&mut owners, NOW).unwrap();
    member.start(&mut members, NOW).unwrap();
    let mut seed = vec![flags];
    loop {
        let sent = frames_of(&mut owner);
        for frame in &sent {
            seed.extend_from_slice(&u16::try_from(frame.len()).unwrap().to_be_bytes());
            seed.extend_from_slice(frame);
            member.on_frame(&mut members, frame, NOW).unwrap();
        }
        let answered = frames_of(&mut member);
        for frame in &answered {
            owner.on_frame(&mut owners, frame, NOW).unwrap();
        }
        if sent.is_empty() && answered.is_empty() {
            break;
        }
    }
    assert!(member.is_synced(CHANGES[0].group()) && owner.is_synced(CHANGES[0].group()));
    seed
}

fn frames_of(sync: &mut Sync) -> Vec<Vec<u8>> {
    let outputs = std::iter::from_fn(|| sync.poll_output());
    outputs.filter_map(|output| if let Output::Frame(frame) = output { Some(frame) } else { None }).collect()
}
