//! What the SDK adds to an app.

use std::{fs, path::Path};

use crate::{
    report::{Outcome, Report, Target},
    samples::Samples,
};

pub(crate) fn measure(report: &mut Report) -> Outcome {
    let folder = std::env::current_exe()?;
    let folder = folder.parent().ok_or("the program is in no folder")?;
    let embedded = mib(&folder.join("embedded"))?;
    let what = "stripped program that embeds a node with all its commands";
    report.add(what, "MiB", Target::AtMost(8.0), Samples::one(embedded));
    Ok(())
}

fn mib(file: &Path) -> Outcome<f64> {
    let length = fs::metadata(file).map_err(|_| "build it first: `cargo xtask bench` does")?.len();
    Ok(f64::from(u32::try_from(length)?) / 1024.0 / 1024.0)
}
