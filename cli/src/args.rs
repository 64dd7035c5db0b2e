//! What can be typed.

use std::{path::PathBuf, time::Duration};

use clap::{
    Args, Parser, Subcommand,
    builder::{StringValueParser, TypedValueParser},
};
use connectoid::engine::normal_name;

/// The data folder unless another is named.
const DEFAULT_FOLDER: &str = "connectoid-data";

/// Where in it the boxes of `serve` are: a user and a mailbox can share a folder.
const MAILBOX_FOLDER: &str = "mailbox";

/// Two apps find each other by a link, connect directly and keep their data the same. This command tries
/// every feature of the SDK.
///
/// Commands work whether or not `connectoid run` is active on the same data folder; `verify --yes` and `--no` need
/// it. While it is, options such as `--service` have no effect but on `share`.
///
/// A new user is made by `share`, `open` and `run`; the other commands need a folder that has one.
///
/// Exit codes: 0 done, 2 usage, 3 peer, 4 mailbox service, 5 storage or an output that cannot be written, 6 timeout,
/// 1 anything else. A command whose reader goes away, as in `connectoid run | head -1`, ends with 0.
#[derive(Parser)]
#[command(name = "connectoid", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Cmd,
}

/// Options of every command.
#[derive(Args, Clone)]
pub(crate) struct Common {
    /// The folder with this user's data.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        default_value = DEFAULT_FOLDER,
        env = "CONNECTOID_DATA"
    )]
    data: PathBuf,
    /// Print one JSON object per line.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// A mailbox service; up to three, the preferred one first. Remembered in the data folder.
    #[arg(long = "service", global = true, value_name = "URL")]
    pub(crate) services: Vec<String>,
    /// A STUN or TURN server, as `stun:HOST` or `turn:USER:PASSWORD@HOST`. Without any, two nodes meet only within one
    /// network.
    #[arg(long = "ice-server", global = true, value_name = "URL")]
    pub(crate) ice_servers: Vec<String>,
    /// A file with certificates in PEM of authorities that may have signed the service's certificate, beside those that
    /// browsers trust. Remembered in the data folder.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) service_roots: Option<PathBuf>,
    /// Connect over loopback too, for nodes on one machine.
    #[arg(long, global = true)]
    pub(crate) loopback: bool,
    /// Read the passphrase of the data folder from this environment variable.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) passphrase_env: Option<String>,
    /// Print what happens inside to standard error; repeat for more. Shows no links, keys or addresses.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// Names as the node keeps and tells them, however they were typed.
fn name() -> impl TypedValueParser<Value = String> {
    StringValueParser::new().map(|text| normal_name(&text))
}

impl Common {
    /// The folder with this user's data.
    pub(crate) fn folder(&self) -> PathBuf {
        self.data.clone()
    }

    /// The folder with the boxes of a mailbox service.
    pub(crate) fn mailbox(&self) -> PathBuf {
        self.data.join(MAILBOX_FOLDER)
    }
}

/// The commands.
#[derive(Subcommand)]
pub(crate) enum Cmd {
    /// Make a link for a person.
    Share {
        /// What you call the person.
        #[arg(value_parser = name())]
        nickname: String,
        /// The group to share; made if there is none of that name.
        #[arg(long, value_parser = name())]
        group: String,
        /// The person may read, not write.
        #[arg(long)]
        read_only: bool,
        /// The URL that opens the app, to which the link is appended.
        #[arg(long, value_name = "URL")]
        link_base: Option<String>,
        /// How long the link works.
        #[arg(long, value_name = "TIME", default_value = "24h", value_parser = humantime::parse_duration)]
        expires: Duration,
        /// Show the link as a QR code too.
        #[arg(long)]
        qr: bool,
        /// Write the QR code to this file: `.svg` or `.png`.
        #[arg(long, value_name = "FILE")]
        qr_file: Option<PathBuf>,
        /// Put the address into the query instead of the fragment of the link.
        #[arg(long)]
        query: bool,
    },
    /// Open a link that a person sent.
    Open {
        /// The link, with whatever stands around it; `-` reads it from standard input.
        link: String,
        /// What you call the person.
        #[arg(long = "as", value_name = "NICKNAME", value_parser = name())]
        nickname: String,
        /// The link was scanned as a QR code from the person's own device, with that person there.
        #[arg(long)]
        in_person: bool,
        /// How long to wait until both have the same.
        #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
        wait: Duration,
    },
    /// Show everybody you share with, and how well each group is replicated to them.
    Peers,
    /// Stop sharing with a person. Keys are deleted on both sides.
    Unshare {
        /// The person.
        #[arg(value_parser = name())]
        nickname: String,
    },
    /// Compare emoji with a person, to make sure that nobody stands between you.
    Verify {
        /// The person.
        #[arg(value_parser = name())]
        nickname: String,
        /// Say that the emoji shown before were the same.
        #[arg(long, conflicts_with = "no")]
        yes: bool,
        /// Say that they were not.
        #[arg(long)]
        no: bool,
        /// How long to wait for the person.
        #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
        wait: Duration,
    },
    /// Show the groups you are in, were in, or are invited to.
    Groups,
    /// Invite a person you share with already to another group, or change what the person may do there.
    AddMember {
        /// The person.
        #[arg(value_parser = name())]
        nickname: String,
        /// The group.
        #[arg(long, value_name = "NAME", value_parser = name())]
        group: String,
        /// The person may read and not write.
        #[arg(long)]
        read_only: bool,
    },
    /// Stop sharing one group with a person.
    RemoveMember {
        /// The person.
        #[arg(value_parser = name())]
        nickname: String,
        /// The group.
        #[arg(long, value_name = "NAME", value_parser = name())]
        group: String,
    },
    /// Accept an invitation to a group, or take part again in one that you left.
    Accept {
        /// The group: its id; or its name, as `NICKNAME/NAME` with its owner's nickname if several have it.
        #[arg(value_parser = name())]
        group: String,
    },
    /// Leave a group, or decline an invitation to it. What is here of it stays.
    Leave {
        /// The group, by its name or id.
        #[arg(value_parser = name())]
        group: String,
    },
    /// Leave a group and delete what is here of it. Only a new link brings it back.
    Forget {
        /// The group, by its name or id.
        #[arg(value_parser = name())]
        group: String,
    },
    /// Set fields of a record. Fields that are not named stay.
    Put {
        /// The group, by its name or id.
        #[arg(value_parser = name())]
        group: String,
        /// The collection.
        collection: String,
        /// The record's id.
        id: String,
        /// The fields: a JSON object.
        #[arg(value_name = "JSON")]
        fields: String,
        /// Make the record exactly this: fields that are not named go.
        #[arg(long)]
        replace: bool,
    },
    /// Remove fields of a record.
    RemoveFields {
        /// The group.
        group: String,
        /// The collection.
        collection: String,
        /// The record's id.
        id: String,
        /// The names of the fields.
        #[arg(value_name = "FIELD", required = true)]
        fields: Vec<String>,
    },
    /// Show a record.
    Get {
        /// The group, by its name or id.
        #[arg(value_parser = name())]
        group: String,
        /// The collection.
        collection: String,
        /// The record's id.
        id: String,
    },
    /// Show the records of a collection.
    List {
        /// The group, by its name or id.
        #[arg(value_parser = name())]
        group: String,
        /// The collection.
        collection: String,
        /// At most so many.
        #[arg(long, default_value_t = 10_000)]
        limit: usize,
    },
    /// Delete a record.
    Delete {
        /// The group, by its name or id.
        #[arg(value_parser = name())]
        group: String,
        /// The collection.
        collection: String,
        /// The record's id.
        id: String,
    },
    /// Show all versions of a record, the losing ones too, and why they lost.
    History {
        /// The group, by its name or id.
        #[arg(value_parser = name())]
        group: String,
        /// The collection.
        collection: String,
        /// The record's id.
        id: String,
    },
    /// Send a message to a person's app.
    Send {
        /// The person.
        #[arg(value_parser = name())]
        nickname: String,
        /// The message.
        text: String,
        /// How long to wait until it is received.
        #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
        wait: Duration,
    },
    /// Keep looking into the mailboxes, connecting and syncing, and print what happens.
    Run {
        /// Stop after this time.
        #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration)]
        duration: Option<Duration>,
        /// Stop when everybody has everything; an error if there is nobody.
        #[arg(long, value_name = "STATE")]
        until: Option<Until>,
        /// Behave as an app in the background: save battery.
        #[arg(long)]
        background: bool,
        /// Lay a connection to rest after so long without anything to do.
        #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
        idle: Duration,
    },
    /// Find out why a connection does not come about.
    Doctor {
        /// The person; everybody if not given.
        #[arg(value_parser = name())]
        nickname: Option<String>,
        /// How long to wait, at most, for services and people to answer.
        #[arg(long, value_name = "TIME", default_value = "20s", value_parser = humantime::parse_duration)]
        wait: Duration,
    },
    /// Host a mailbox service; its boxes are kept in the folder `mailbox` in the data folder.
    Serve {
        /// The address to listen on.
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8765")]
        listen: std::net::SocketAddr,
        /// The URL under which clients reach it; needed when it is not only for this machine.
        #[arg(long, value_name = "URL")]
        public_url: Vec<String>,
    },
    /// Tell the whole story: a service, Alice and Bob, and Eve who comes too late.
    Demo,
}

impl Cmd {
    /// Whether it makes a new user in a folder that has none.
    pub(crate) fn begins(&self) -> bool {
        matches!(self, Self::Share { .. } | Self::Open { .. } | Self::Run { .. })
    }

    /// The person and the group that it names.
    pub(crate) fn names(&self) -> (Option<String>, Option<String>) {
        match self {
            Self::Unshare { nickname } | Self::Verify { nickname, .. } | Self::Send { nickname, .. } => {
                (Some(nickname.clone()), None)
            }
            Self::Doctor { nickname, .. } => (nickname.clone(), None),
            Self::AddMember { nickname, group, .. } | Self::RemoveMember { nickname, group } => {
                (Some(nickname.clone()), Some(group.clone()))
            }
            Self::Accept { group }
            | Self::Leave { group }
            | Self::Forget { group }
            | Self::Put { group, .. }
            | Self::Get { group, .. }
            | Self::List { group, .. }
            | Self::Delete { group, .. }
            | Self::History { group, .. } => (None, Some(group.clone())),
            _ => (None, None),
        }
    }
}

/// When `run` stops.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Until {
    /// Everybody has everything.
    Synced,
}
