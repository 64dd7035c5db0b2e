//! The command line.

use std::{
    fs,
    io::{self, IsTerminal as _},
    net::SocketAddr,
    path::PathBuf,
};

use clap::{Parser, ValueEnum, value_parser};
use connectoid_protocol::work::MAX_WORK_BITS;
use connectoid_service::{ApiKeys, Config, Limits, Storage, TlsFiles};
use tracing_subscriber::EnvFilter;

/// A mailbox for Connectoid apps. It can neither read nor forge what it carries.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Args {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7000")]
    listen: SocketAddr,

    /// Where to keep boxes and messages; made if missing
    #[arg(long, value_name = "DIR", required_unless_present = "memory")]
    data: Option<PathBuf>,

    /// Keep everything in memory and forget it at the end
    #[arg(long, conflicts_with = "data")]
    memory: bool,

    /// The URL under which clients reach this service; may be repeated. Needed on the open net: see docs
    #[arg(long, value_name = "URL")]
    public_url: Vec<String>,

    /// Believe X-Forwarded-For and X-Forwarded-Proto of the proxy in front
    #[arg(long)]
    trust_proxy: bool,

    /// Certificate chain in PEM, to speak TLS without a proxy
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// Private key in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// Admit only requests whose `ext` is this key; may be repeated. Other users of the machine can see it
    #[arg(long, value_name = "KEY")]
    api_key: Vec<String>,

    /// Admit only requests whose `ext` is one of the lines of this file
    #[arg(long, value_name = "FILE")]
    api_key_file: Option<PathBuf>,

    /// Take only messages that carry so many bits of proof of work, or an API key; 0 for any
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = value_parser!(u32).range(..=i64::from(MAX_WORK_BITS)))]
    pow_bits: u32,

    /// How much to log, on standard error: never keys, messages or addresses
    #[arg(long, value_enum, default_value_t = Level::Info)]
    log: Level,

    /// How to log
    #[arg(long, value_enum, default_value_t = Format::Text)]
    log_format: Format,

    /// The most boxes to keep
    #[arg(long, value_name = "N", default_value_t = Limits::default().capacity.boxes)]
    max_boxes: u64,

    /// The most messages to keep, in MiB
    #[arg(long, value_name = "MIB", default_value_t = Limits::default().capacity.length >> 20)]
    max_stored: u64,

    /// The most connections at once
    #[arg(long, value_name = "N", default_value_t = Limits::default().connections)]
    max_connections: usize,

    /// Requests per second from one IPv4 address or IPv6 /56; a check counts once
    #[arg(long, value_name = "N", default_value_t = Limits::default().requests_per_second)]
    requests_per_second: u32,

    /// Requests per second about one box from one IPv4 address or IPv6 /56
    #[arg(long, value_name = "N", default_value_t = Limits::default().box_requests_per_second)]
    box_requests_per_second: u32,

    /// New questions per second in all; each takes about 2 ms of CPU
    #[arg(long, value_name = "N", default_value_t = Limits::default().questions_per_second_in_all)]
    questions_per_second: u32,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Level {
    Off,
    Error,
    Warn,
    Info,
    Debug,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

impl Args {
    /// Starts the log. It takes nothing from libraries, which might name addresses.
    pub(crate) fn start_log(&self) {
        let level = match self.log {
            Level::Off => "off",
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
        };
        let filter = EnvFilter::new(format!("off,connectoid_service={level}"));
        let color = io::stderr().is_terminal();
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(color);
        match self.log_format {
            Format::Text => log.init(),
            Format::Json => log.json().init(),
        }
    }

    /// What the service is to do.
    ///
    /// # Errors
    /// If the file of API keys cannot be read.
    pub(crate) fn into_config(self) -> io::Result<Config> {
        let limits = self.limits();
        let mut keys = self.api_key;
        if let Some(path) = self.api_key_file {
            keys.extend(fs::read_to_string(path)?.lines().map(|line| line.trim().to_owned()));
        }
        let storage = self.data.map_or(Storage::Memory, Storage::Directory);
        let tls = self.tls_cert.zip(self.tls_key).map(|(certificate, key)| TlsFiles { certificate, key });
        Ok(Config {
            public_urls: self.public_url,
            trust_proxy: self.trust_proxy,
            tls,
            api_keys: ApiKeys::new(keys),
            pow_bits: self.pow_bits,
            limits,
            ..Config::new(self.listen, storage)
        })
    }

    fn limits(&self) -> Limits {
        let mut limits = Limits {
            requests_per_second: self.requests_per_second,
            box_requests_per_second: self.box_requests_per_second,
            questions_per_second_in_all: self.questions_per_second,
            connections: self.max_connections,
            ..Limits::default()
        };
        limits.capacity.boxes = self.max_boxes;
        limits.capacity.length = self.max_stored.saturating_mul(1 << 20);
        limits
    }
}
