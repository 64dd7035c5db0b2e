//! The smallest program with everything that the SDK can do: it takes one command as JSON, as a binding
//! for another language does. Only its size is of interest.

use std::process::ExitCode;

use connectoid::{Node, Settings, api::Command};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(command)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: embedded FOLDER COMMAND");
        return ExitCode::from(2);
    };
    match reply(folder, &command).await {
        Ok(reply) => {
            println!("{reply}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

async fn reply(folder: String, command: &str) -> Result<String, Box<dyn std::error::Error>> {
    let command: Command = serde_json::from_str(command)?;
    let node = Node::open(Settings::in_folder(folder)).await?;
    let reply = node.dispatch(command).await?;
    node.close().await;
    Ok(serde_json::to_string(&reply)?)
}
