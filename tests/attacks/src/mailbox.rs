//! The service that is attacked: a real one, with TLS and SQLite, in a process of its own.
//!
//! `mailbox FOLDER CERTIFICATE KEY` prints its port.

#![allow(missing_docs, reason = "a program")]

use std::{error::Error, path::PathBuf};

use connectoid_service::{Config, Service, Storage, TlsFiles};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(folder), Some(certificate), Some(key)) = (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: mailbox FOLDER CERTIFICATE KEY".into());
    };
    let mut config = Config::new(([127, 0, 0, 1], 0).into(), Storage::Directory(folder));
    config.tls = Some(TlsFiles { certificate, key });
    let service = Service::start(config).await?;
    println!("{}", service.url().rsplit(':').next().unwrap_or_default());
    std::future::pending().await
}
