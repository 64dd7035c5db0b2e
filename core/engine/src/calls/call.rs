//! Calls: JSON in, a command out.

use std::borrow::Cow;

use serde::Deserialize;

use super::attach::Beside;
use crate::{
    api::{Command, Reply, Write, check_numbers},
    error::{Error, Result},
};

/// Follow a collection record by record. The call is answered when it ends: when it is cancelled, the node is closed,
/// or reading fails. Until then it brings [`super::Page`]s.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// `changes`.
    #[cfg_attr(feature = "schema", schemars(skip))]
    method: Following,
    /// The name or id of the group.
    pub group: String,
    /// The collection.
    pub collection: String,
}

/// The tag of [`Changes`].
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Following {
    Changes,
}

/// The name of [`Changes`] as a method.
const CHANGES: &str = "changes";

/// The name of [`Command::Commit`] as a method.
const COMMIT: &str = "commit";

/// A method, for generators and for the tables of references.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method {
    /// Its name, `method` in the JSON of a call.
    pub name: &'static str,
    /// What it is answered with: `reply` in the JSON. None if it is answered by failures alone.
    pub reply: Option<&'static str>,
    /// The field of the call that is the bytes beside, or whose values may refer to them.
    pub takes_bytes: Option<&'static str>,
}

/// All methods.
pub const METHODS: [Method; 27] = [
    method("share", "link"),
    method("open", "done"),
    method("peers", "peers"),
    method("unshare", "done"),
    method("connect", "done"),
    method("disconnect", "done"),
    method("verify", "done"),
    method("confirm_verify", "done"),
    method("create_group", "group"),
    method("groups", "groups"),
    method("add_member", "done"),
    method("remove_member", "done"),
    method("accept_invitation", "done"),
    method("leave_group", "done"),
    method("forget_group", "done"),
    Method { takes_bytes: Some("writes"), ..method(COMMIT, "done") },
    method("get", "record"),
    method("list", "records"),
    method("history", "history"),
    Method { takes_bytes: Some("data"), ..method("send", "done") },
    method("doctor", "diagnosis"),
    method("set_pace", "done"),
    method("network_changed", "done"),
    method("sync_now", "done"),
    method("user_id", "user"),
    method("qr", "image"),
    Method { name: CHANGES, reply: None, takes_bytes: None },
];

const fn method(name: &'static str, reply: &'static str) -> Method {
    Method { name, reply: Some(reply), takes_bytes: None }
}

/// A call that was understood.
pub enum Call {
    /// Something to be done.
    Command(Command),
    /// Something to be followed.
    Changes(Changes),
}

#[derive(Deserialize)]
struct Peek<'a> {
    #[serde(borrow)]
    method: Cow<'a, str>,
}

/// Reads a call and gives it the bytes that lie beside.
///
/// # Errors
/// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for what is no call, and for bytes that it does not take.
pub fn parse(json: &str, beside: Vec<u8>) -> Result<Call> {
    let peek: Peek<'_> = read(json)?;
    let method = METHODS.iter().find(|method| method.name == peek.method);
    let method = method.ok_or_else(|| Error::usage(format!("there is no method called {}", peek.method)))?;
    if method.takes_bytes.is_none() && !beside.is_empty() {
        return Err(Error::usage(format!("{} takes no bytes", method.name)));
    }
    if method.name == CHANGES {
        return read(json).map(Call::Changes);
    }
    if method.name == COMMIT {
        // Whoever reads the JSON rounds its numbers.
        check_numbers(json)?;
    }
    let mut command: Command = read(json)?;
    match &mut command {
        Command::Send { data, .. } if !beside.is_empty() => *data = beside,
        Command::Commit { writes, .. } => {
            // By now, the numbers among the fields are rounded.
            check_numbers(json)?;
            let mut beside = Beside::new(&beside);
            for write in writes {
                if let Write::Put { fields, .. } | Write::Replace { fields, .. } = write {
                    beside.attach_fields(fields)?;
                }
            }
        }
        _ => {}
    }
    Ok(Call::Command(command))
}

/// Reads JSON. What is wrong is said without what was read: that may be secret.
///
/// # Errors
/// [`ErrorKind::Usage`](crate::ErrorKind::Usage).
pub fn read<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| {
        let text = error.to_string();
        let said = if ["missing", "EOF", "unknown field"].iter().any(|start| text.starts_with(start)) {
            &text
        } else {
            text.rfind("expected").map_or("not valid", |at| &text[at..])
        };
        Error::usage(format!("the JSON is wrong: {said}"))
    })
}

/// Whether a reply is of the kind that [`METHODS`] promises.
pub fn is_promised(method: &str, reply: &Reply) -> bool {
    let tag = serde_json::to_value(reply).ok().and_then(|json| json["reply"].as_str().map(str::to_owned));
    METHODS.iter().any(|known| known.name == method && known.reply == tag.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(json: &str, bytes: &[u8]) -> String {
        parse(json, bytes.to_vec()).err().unwrap().message
    }

    #[test]
    fn bytes_are_the_message() {
        let call = parse(r#"{"method":"send","nickname":"bob"}"#, vec![0, 255]).unwrap();
        assert!(matches!(call, Call::Command(Command::Send { data, .. }) if data == [0, 255]));
        let call = parse(r#"{"method":"send","nickname":"bob","data":"AQI"}"#, Vec::new()).unwrap();
        assert!(matches!(call, Call::Command(Command::Send { data, .. }) if data == [1, 2]));
        assert_eq!(refusal(r#"{"method":"peers"}"#, &[1]), "peers takes no bytes");
    }

    #[test]
    fn what_is_wrong_is_said_without_what_was_said() {
        assert!(refusal(r#"{"method":"verify"}"#, &[]).contains("missing field `nickname`"));
        assert!(refusal(r#"{"method":"fly"}"#, &[]).contains("no method called fly"));
        let said =
            refusal(r#"{"method":"open","nickname":"a","link":"x","in_person":"my expected secret"}"#, &[]);
        assert!(said.contains("expected a boolean") && !said.contains("secret"), "{said}");
        for text in ["", "{", "[]", "7", "\"peers\"", "{\"method\":7}", &"[".repeat(1000)] {
            assert!(refusal(text, &[]).starts_with("the JSON is wrong"), "{text}");
        }
    }

    #[test]
    fn numbers_that_would_be_rounded_are_refused() {
        for op in ["put", "replace"] {
            for number in
                ["18446744073709551616", "9007199254740993", "1e400", "0.10000000000000000001", "-0"]
            {
                let write =
                    format!(r#"{{"op":"{op}","collection":"c","id":"i","fields":{{"n":[{number}]}}}}"#);
                let said = refusal(&format!(r#"{{"method":"commit","group":"g","writes":[{write}]}}"#), &[]);
                assert!(said.contains("cannot be stored"), "{number}: {said}");
            }
        }
    }

    #[test]
    fn what_is_misspelt_is_refused_by_name() {
        for json in [
            r#"{"method":"share","nickname":"b","group":"g","expires":1}"#,
            r#"{"method":"peers","expires":1}"#,
            r#"{"method":"open","nickname":"b","link":"x","expires":1}"#,
            r#"{"method":"changes","group":"g","collection":"c","expires":1}"#,
            r#"{"method":"commit","group":"g","writes":[{"op":"delete","collection":"c","id":"r","expires":1}]}"#,
        ] {
            let said = refusal(json, &[]);
            assert!(said.contains("unknown field `expires`"), "{json}: {said}");
        }
    }

    #[test]
    fn following_is_a_call() {
        let call = parse(r#"{"method":"changes","group":"g","collection":"c"}"#, Vec::new()).unwrap();
        assert!(matches!(call, Call::Changes(followed) if followed.collection == "c"));
    }
}
