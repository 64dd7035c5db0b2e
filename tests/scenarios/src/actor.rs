//! An actor: a program in some language that plays one person.

use std::{
    collections::{HashMap, VecDeque},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::{Notify, oneshot},
};

/// How long anything in a story may take. Nothing does on a machine that is not overwhelmed.
const PATIENCE: Duration = Duration::from_mins(2);

/// Why a story failed.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// A call failed that should not.
    #[error("{who}: {call} failed with {kind}: {message}")]
    Call {
        /// Who was told.
        who: String,
        /// What.
        call: String,
        /// The kind of the error.
        kind: String,
        /// Its text.
        message: String,
    },
    /// Something did not happen in time.
    #[error("{who} waited in vain for {what}")]
    Waited {
        /// Who waited.
        who: String,
        /// For what.
        what: String,
    },
    /// The actor ended.
    #[error("{who} left the stage")]
    Left {
        /// Who.
        who: String,
    },
    /// Something is otherwise than the story says.
    #[error("{0}")]
    Otherwise(String),
    /// The machine does not do what it should.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// The result of a step of a story.
pub type Step<T = ()> = Result<T, Failed>;

/// A person on the stage.
pub struct Actor {
    name: String,
    input: ChildStdin,
    calls: u64,
    heard: Arc<Heard>,
    /// Killed when dropped.
    child: Child,
}

/// What the actor has said.
#[derive(Default)]
struct Heard {
    said: Mutex<Said>,
    news: Notify,
}

#[derive(Default)]
struct Said {
    answers: HashMap<u64, oneshot::Sender<Value>>,
    /// Events and pages that no story has taken yet.
    untaken: VecDeque<Value>,
    ended: bool,
}

/// An answer that was not waited for yet.
pub struct Pending {
    who: String,
    call: String,
    /// The number of the call: what to cancel.
    pub id: u64,
    answer: oneshot::Receiver<Value>,
}

impl Actor {
    /// Lets a program come on. `command` is split at spaces.
    pub fn enter(name: &str, command: &str) -> Step<Self> {
        let mut words = command.split_whitespace();
        let program = words.next().ok_or_else(|| Failed::Otherwise(format!("{name} has no program")))?;
        let mut child = Command::new(program)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let left = || Failed::Left { who: name.to_owned() };
        let input = child.stdin.take().ok_or_else(left)?;
        let output = child.stdout.take().ok_or_else(left)?;
        let heard = Arc::new(Heard::default());
        tokio::spawn(listen(output, heard.clone()));
        Ok(Self { name: name.to_owned(), input, calls: 0, heard, child })
    }

    /// Opens the node.
    pub async fn open(&mut self, settings: Value) -> Step<Value> {
        self.tell("open", settings).await?.success().await
    }

    /// Opens the node, which must fail; gives the kind of the error.
    pub async fn open_fails(&mut self, settings: Value) -> Step<String> {
        self.tell("open", settings).await?.failure().await
    }

    /// Makes a call, which must succeed; gives the reply.
    pub async fn call(&mut self, call: Value) -> Step<Value> {
        self.start(call).await?.success().await
    }

    /// Makes a call, which must fail; gives the kind of the error.
    pub async fn fails(&mut self, call: Value) -> Step<String> {
        self.start(call).await?.failure().await
    }

    /// Makes a call without waiting for its answer.
    pub async fn start(&mut self, call: Value) -> Step<Pending> {
        self.tell("call", call).await
    }

    /// Takes a call back.
    pub async fn cancel(&mut self, call: &Pending) -> Step {
        let id = call.id;
        self.tell("cancel", json!(id)).await?.success().await.map(drop)
    }

    /// Closes the node. What it said and no story has taken belongs to its former life.
    pub async fn close(&mut self) -> Step {
        self.tell("close", json!(true)).await?.success().await?;
        self.heard.lock().untaken.clear();
        Ok(())
    }

    /// Waits for the first event of this name, not yet taken, of which `wanted` is true; takes it.
    pub async fn event(&mut self, name: &str, wanted: impl Fn(&Value) -> bool) -> Step<Value> {
        let is_it = |said: &Value| said["event"]["event"] == name && wanted(&said["event"]);
        Ok(self.hear(&format!("the event {name}"), is_it).await?["event"].take())
    }

    /// Waits for a page of an observer of which `wanted` is true; takes it.
    pub async fn page(&mut self, observer: &Pending, wanted: impl Fn(&Value) -> bool) -> Step<Value> {
        let is_it = |said: &Value| said["id"] == observer.id && wanted(&said["page"]);
        Ok(self.hear("a page", is_it).await?["page"].take())
    }

    /// Waits until a record is as the story says.
    pub async fn sees(
        &mut self,
        group: &str,
        collection: &str,
        id: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Step<Value> {
        loop {
            let call = json!({"method": "get", "group": group, "collection": collection, "id": id});
            // There may be no such group yet.
            let found = match self.start(call).await?.answer().await? {
                Ok(mut reply) => reply["record"]["fields"].take(),
                Err(_) => Value::Null,
            };
            if wanted(&found) {
                return Ok(found);
            }
            self.hear(&format!("{collection}/{id} to change"), |said| {
                ["changed", "joined"].iter().any(|name| said["event"]["event"] == *name)
            })
            .await?;
        }
    }

    /// Ends its input, and waits for it to leave by itself.
    pub async fn leave(self) -> Step {
        let Self { name, input, mut child, .. } = self;
        drop(input);
        let status = tokio::time::timeout(PATIENCE, child.wait())
            .await
            .map_err(|_| Failed::Waited { who: name.clone(), what: "its end".to_owned() })??;
        if status.success() {
            return Ok(());
        }
        Err(Failed::Otherwise(format!("{name} ended with {status}")))
    }

    async fn tell(&mut self, what: &str, content: Value) -> Step<Pending> {
        self.calls += 1;
        let id = self.calls;
        let call = content["method"].as_str().unwrap_or(what).to_owned();
        let (sender, answer) = oneshot::channel();
        self.heard.lock().answers.insert(id, sender);
        let line = format!("{}\n", json!({"id": id, what: content}));
        let who = self.name.clone();
        self.input.write_all(line.as_bytes()).await.map_err(|_| Failed::Left { who: who.clone() })?;
        Ok(Pending { who, call, id, answer })
    }

    async fn hear(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Step<Value> {
        let heard = self.heard.clone();
        let wait = async {
            loop {
                let news = heard.news.notified();
                {
                    let mut said = heard.lock();
                    if let Some(at) = said.untaken.iter().position(&is_it) {
                        return Ok(said.untaken.remove(at).unwrap_or_default());
                    }
                    if said.ended {
                        return Err(Failed::Left { who: self.name.clone() });
                    }
                }
                news.await;
            }
        };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .map_err(|_| Failed::Waited { who: self.name.clone(), what: what.to_owned() })?
    }
}

impl Pending {
    /// The reply, which must be one.
    pub async fn success(self) -> Step<Value> {
        let (who, call) = (self.who.clone(), self.call.clone());
        self.answer().await?.map_err(|(kind, message)| Failed::Call { who, call, kind, message })
    }

    /// The kind of the error, which there must be.
    pub async fn failure(self) -> Step<String> {
        let (who, call) = (self.who.clone(), self.call.clone());
        match self.answer().await? {
            Ok(_) => Err(Failed::Otherwise(format!("{who}: {call} should have failed"))),
            Err((kind, _)) => Ok(kind),
        }
    }

    async fn answer(self) -> Step<Result<Value, (String, String)>> {
        let Self { who, call, answer, .. } = self;
        let mut answer = tokio::time::timeout(PATIENCE, answer)
            .await
            .map_err(|_| Failed::Waited { who: who.clone(), what: format!("the answer to {call}") })?
            .map_err(|_| Failed::Left { who })?;
        if answer["error"].is_null() {
            return Ok(Ok(answer["reply"].take()));
        }
        let text = |name: &str| answer["error"][name].as_str().unwrap_or_default().to_owned();
        Ok(Err((text("kind"), text("message"))))
    }
}

impl Heard {
    fn lock(&self) -> std::sync::MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn listen(output: ChildStdout, heard: Arc<Heard>) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut said = heard.lock();
        let Ok(value) = serde_json::from_str::<Value>(&line) else {
            eprintln!("an actor said what is not JSON: {line}");
            continue;
        };
        if value.get("event").is_some() || value.get("page").is_some() {
            said.untaken.push_back(value);
        } else if let Some(answer) = value["id"].as_u64().and_then(|id| said.answers.remove(&id)) {
            // A story that does not wait for the answer does not need it.
            let _ = answer.send(value);
        } else {
            eprintln!("an actor said what nobody asked for: {line}");
        }
        drop(said);
        heard.news.notify_waiters();
    }
    let mut said = heard.lock();
    said.ended = true;
    said.answers.clear();
    drop(said);
    heard.news.notify_waiters();
}
