//! The table of methods and events for people, from the schema.

use serde_json::Value;

pub(crate) fn generate(schema: &Value) -> Result<String, String> {
    let mut text =
        "# Methods and events\n\nGenerated from [schema.json](schema.json) by `cargo xtask bindings`. \
        A call is `{\"method\": …}` with the fields listed; those in parentheses may be left out.\n\n\
        ## Methods\n\n| method | fields | reply | bytes beside | what |\n|---|---|---|---|---|\n"
            .to_owned();
    let types = &schema["$defs"];
    for method in schema["methods"].as_array().ok_or("the schema has no methods")? {
        let name = method["name"].as_str().ok_or("a method has no name")?;
        let variant = variant(&types["Call"], "method", name).ok_or_else(|| format!("{name} is no call"))?;
        let reply = method["reply"]
            .as_str()
            .map_or("none: ends with a failure".to_owned(), |reply| format!("`{reply}`"));
        let bytes = method["takes_bytes"].as_str().map_or(String::new(), |field| format!("for `{field}`"));
        text += &row(&[
            &format!("`{name}`"),
            &fields(variant, types, "method"),
            &reply,
            &bytes,
            described(variant),
        ]);
    }
    for (title, name, tag) in [
        ("Replies", "Reply", "reply"),
        ("Events", "Event", "event"),
        ("Requests to the app", "HostRequest", "request"),
    ] {
        text.extend([format!("\n## {title}\n\n| {tag} | fields | what |\n|---|---|---|\n")]);
        for variant in types[name]["oneOf"].as_array().ok_or_else(|| format!("{name} has no variants"))? {
            let value = variant["properties"][tag]["const"].as_str().ok_or("a variant has no tag")?;
            text += &row(&[&format!("`{value}`"), &fields(variant, types, tag), described(variant)]);
        }
    }
    text += "\n## Kinds of errors\n\n| kind | what |\n|---|---|\n";
    for kind in types["ErrorKind"]["oneOf"].as_array().ok_or("there are no kinds of errors")? {
        text += &row(&[&format!("`{}`", kind["const"].as_str().unwrap_or_default()), described(kind)]);
    }
    Ok(text)
}

fn variant<'a>(schema: &'a Value, tag: &str, value: &str) -> Option<&'a Value> {
    schema["oneOf"].as_array()?.iter().find(|variant| variant["properties"][tag]["const"] == value)
}

/// The fields of a variant, and of the type that it extends.
fn fields(variant: &Value, types: &Value, tag: &str) -> String {
    let extended = variant["$ref"].as_str().and_then(|path| path.rsplit('/').next()).map(|name| &types[name]);
    let mut names = Vec::new();
    for schema in [Some(variant), extended].into_iter().flatten() {
        for name in schema["properties"].as_object().into_iter().flat_map(|properties| properties.keys()) {
            let required =
                schema["required"].as_array().is_some_and(|required| required.iter().any(|one| one == name));
            match required {
                _ if name == tag => {}
                true => names.push(format!("`{name}`")),
                false => names.push(format!("(`{name}`)")),
            }
        }
    }
    names.join(", ")
}

fn described(schema: &Value) -> &str {
    schema["description"].as_str().unwrap_or_default()
}

fn row(cells: &[&str]) -> String {
    format!("| {} |\n", cells.join(" | "))
}
