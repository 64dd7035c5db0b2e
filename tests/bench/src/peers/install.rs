//! Getting the others, each in the version that is written down, into `target/peers`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tokio::process::Command;

use crate::report::Outcome;

/// Where the scripts are.
pub(super) fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/webrtc")
}

/// Where what is installed goes. It outlives a run, so that the next one needs no network.
pub(super) fn target() -> Outcome<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.parent().and_then(Path::parent).ok_or("the program is in no folder")?;
    let folder = target.join("peers");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Installs libwebrtc for Node; returns the program and arguments that run a side, or what is missing.
pub(super) async fn libwebrtc() -> Outcome<Command> {
    node("libwebrtc.cjs").await
}

/// A browser of this machine's; returns the program and arguments that run a side in it, or what is missing.
pub(super) async fn browser(name: &str, program: &str) -> Outcome<Command> {
    if !Path::new(program).exists() {
        return Err(format!("there is no {program}").into());
    }
    let mut side = node("browser.cjs").await?;
    // Firefox does not run in a home of somebody else's.
    side.arg(name).env("HOME", target()?);
    Ok(side)
}

async fn node(script: &str) -> Outcome<Command> {
    let folder = target()?.join("libwebrtc");
    fs::create_dir_all(&folder)?;
    let mut changed = false;
    for file in ["package.json", "package-lock.json"] {
        changed |= update(&scripts().join(file), &folder.join(file))?;
    }
    let modules = folder.join("node_modules");
    if changed || !modules.exists() {
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder)).await?;
    }
    let mut side = Command::new("node");
    side.arg(scripts().join(script)).env("NODE_PATH", modules);
    Ok(side)
}

/// Installs aiortc; returns the program and arguments that run a side, or what is missing.
pub(super) async fn aiortc() -> Outcome<Command> {
    let folder = target()?.join("aiortc");
    let python = folder.join("bin/python");
    if !python.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder)).await?;
    }
    if update(&scripts().join("requirements.txt"), &folder.join("requirements.txt"))? {
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", "--requirement", "requirements.txt"]);
        let installed = run(install.current_dir(&folder)).await;
        if installed.is_err() {
            // Or the next run would take it for installed.
            fs::remove_file(folder.join("requirements.txt"))?;
        }
        installed?;
    }
    let mut side = Command::new(python);
    side.arg(scripts().join("aiortc_peer.py"));
    Ok(side)
}

/// Copies a file unless it is there already; says whether it was not.
fn update(from: &Path, to: &Path) -> Outcome<bool> {
    let wanted = fs::read(from)?;
    let changed = fs::read(to).map_or(true, |present| present != wanted);
    if changed {
        fs::write(to, wanted)?;
    }
    Ok(changed)
}

async fn run(command: &mut Command) -> Outcome {
    output(command).await.map(|_| ())
}

/// What a program prints, or the last that it says about its failure.
pub(super) async fn output(command: &mut Command) -> Outcome<String> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let output = command.output().await.map_err(|error| format!("`{program}` cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it does not say why");
    Err(format!("`{program}` failed: {last}").into())
}
