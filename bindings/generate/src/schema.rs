//! The JSON Schema of everything that is said over the C ABI.

use connectoid::{
    Error, Event,
    api::{Command, Reply},
};
use connectoid_session::{Changes, HostRequest, Line, METHODS, Opening, Page};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

/// Integers in JSON are smaller: 2^53.
const INT_BOUND: u64 = 1 << 53;

/// All types, in `$defs`. The roots are `Opening`, `Call`, `Reply`, `Error`, `Event`, `Page`, `HostRequest` and
/// `LogLine`.
pub(crate) fn generate() -> Result<Value, String> {
    // What apps write may leave out what has a default; what they read has everything but what is left out.
    let mut written = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    define::<Opening>(&mut written);
    define::<Command>(&mut written);
    define::<Changes>(&mut written);
    let mut read = SchemaSettings::draft2020_12().for_serialize().into_generator();
    define::<Reply>(&mut read);
    define::<Error>(&mut read);
    define::<Event>(&mut read);
    define::<Page>(&mut read);
    define::<HostRequest>(&mut read);
    define::<Line>(&mut read);
    let mut types = written.take_definitions(true);
    for (name, schema) in read.take_definitions(true) {
        if types.get(&name).is_some_and(|known| *known != schema) {
            return Err(format!(
                "{name} is written otherwise than it is read; give one of both another name"
            ));
        }
        types.insert(name, schema);
    }
    let call = call(&mut types)?;
    types.insert("Call".to_owned(), call);
    types.values_mut().for_each(tidy);
    let methods = methods(&types)?;
    Ok(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What is said over the C ABI of Connectoid",
        "description": "Calls take `Opening` and `Call`, and refuse fields that are not in here; messages bring \
            `Reply`, `Error`, `Event`, `Page`, `HostRequest` and `LogLine`: there, unknown fields are to be ignored, \
            and unknown variants taken as unknown. Integers are smaller than 2^53. Fields with `contentEncoding` are left \
            out of messages: the bytes beside them are their content. Bytes among the fields of records are `{\"$bytes\": [offset, length]}` of the bytes beside.",
        "version": env!("CARGO_PKG_VERSION"),
        "$defs": types,
        "methods": methods,
    }))
}

fn define<T: JsonSchema>(generator: &mut SchemaGenerator) {
    generator.subschema_for::<T>();
}

/// `Command` and `Changes`, which differ in Rust and not for an app.
fn call(types: &mut Map<String, Value>) -> Result<Value, String> {
    let mut call = types.remove("Command").ok_or("there is no Command")?;
    let mut changes = types.remove("Changes").ok_or("there is no Changes")?;
    changes["properties"]["method"] = json!({"type": "string", "const": "changes"});
    changes["required"].as_array_mut().ok_or("Changes requires nothing")?.push(json!("method"));
    call["oneOf"].as_array_mut().ok_or("Command has no variants")?.push(changes);
    call["description"] = json!("What a node can be told.");
    Ok(call)
}

/// The methods with their replies: what the types alone do not say.
fn methods(types: &Map<String, Value>) -> Result<Vec<Value>, String> {
    let known = tags(&types["Call"], "method");
    let listed: Vec<&str> = METHODS.iter().map(|method| method.name).collect();
    if known != listed {
        return Err(format!("METHODS in bindings/session lists {listed:?}; Command has {known:?}"));
    }
    let replies = tags(&types["Reply"], "reply");
    let wrong = METHODS.iter().filter_map(|method| method.reply).find(|reply| !replies.contains(reply));
    if let Some(reply) = wrong {
        return Err(format!("METHODS in bindings/session promises the reply {reply}, which does not exist"));
    }
    let entry = |method: &connectoid_session::Method| json!({"name": method.name, "reply": method.reply, "takes_bytes": method.takes_bytes});
    Ok(METHODS.iter().map(entry).collect())
}

/// The values of the tag of a type's variants.
fn tags<'a>(schema: &'a Value, tag: &str) -> Vec<&'a str> {
    let variants = schema["oneOf"].as_array().into_iter().flatten();
    variants.filter_map(|variant| variant["properties"][tag]["const"].as_str()).collect()
}

/// Bounds integers, and makes Rust's links in descriptions plain text.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.get("format").and_then(Value::as_str).is_some_and(|format| format.starts_with("uint")) {
                map.entry("maximum").or_insert(json!(INT_BOUND - 1));
                map.remove("format");
            }
            if let Some(Value::String(text)) = map.get_mut("description") {
                *text = plain(text);
            }
            map.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

/// ``[`EventKind::Resync`]`` becomes `` `resync` ``: other languages have no modules of ours.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once("[`") {
        let Some((name, after)) = link.split_once("`]") else { break };
        plain.extend([format!("{before}`{}`", said(name))]);
        rest =
            after.strip_prefix('(').and_then(|target| target.split_once(')')).map_or(after, |(_, end)| end);
    }
    (plain + rest).replace('\n', " ")
}

/// What a path in Rust is called in JSON: a variant as its tag, a type as in `$defs`.
fn said(path: &str) -> String {
    let mut parts = path.rsplit("::");
    let name = parts.next().unwrap_or(path);
    let is_variant = parts.next().is_some_and(|parent| parent.starts_with(char::is_uppercase));
    if !is_variant || !name.starts_with(char::is_uppercase) {
        return name.to_owned();
    }
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}
