//! The platforms that a library is built for on a machine of another kind, or of none but their vendor's.
//!
//! | platform | what it takes |
//! |---|---|
//! | Android | the NDK, whose folder `ANDROID_NDK_HOME` names |
//! | iOS, macOS | a Mac with Xcode |
//! | Linux on another processor | a compiler for it, such as `aarch64-linux-gnu-gcc` |
//!
//! and Rust's standard library for it: by `rustup target add`, or, where Debian's compiler is installed with its source,
//! from that. Where the tools are not there, a library that was built on another machine is taken from where Cargo would
//! have put it.

use std::{env, fs, path::PathBuf};

use super::{Library, exports_only, fits};
use crate::{
    command::{Result, exists, output, root, run_with},
    natives, std_source,
};

/// The oldest Android that is supported, as in the manifest of the AAR.
const ANDROID: u32 = 26;

/// Android has memory pages of this many bytes at the most, and Google Play takes no library that cannot be loaded into
/// them: <https://developer.android.com/guide/practices/page-sizes>.
const MAX_PAGE: u64 = 16 << 10;

/// A platform whose library is not built with what every machine has.
pub(super) struct Platform {
    /// In Rust.
    pub target: &'static str,
    /// In an AAR.
    pub android: Option<&'static str>,
    /// In Flutter's build hook.
    pub flutter: &'static str,
    /// In a jar, as JNA looks for it.
    pub jna: Option<&'static str>,
    /// The ending of a library.
    pub ending: &'static str,
}

pub(super) const PLATFORMS: [Platform; 10] = [
    android("aarch64-linux-android", "arm64-v8a", "android_arm64"),
    android("armv7-linux-androideabi", "armeabi-v7a", "android_arm"),
    android("x86_64-linux-android", "x86_64", "android_x64"),
    ios("aarch64-apple-ios", "ios_arm64"),
    ios("aarch64-apple-ios-sim", "ios_arm64_simulator"),
    ios("x86_64-apple-ios", "ios_x64_simulator"),
    desktop("aarch64-apple-darwin", "macos_arm64", "darwin-aarch64", "dylib"),
    desktop("x86_64-apple-darwin", "macos_x64", "darwin-x86-64", "dylib"),
    desktop("x86_64-unknown-linux-gnu", "linux_x64", "linux-x86-64", "so"),
    desktop("aarch64-unknown-linux-gnu", "linux_arm64", "linux-aarch64", "so"),
];

const fn android(target: &'static str, name: &'static str, flutter: &'static str) -> Platform {
    Platform { target, android: Some(name), flutter, jna: None, ending: "so" }
}

const fn ios(target: &'static str, flutter: &'static str) -> Platform {
    Platform { target, android: None, flutter, jna: None, ending: "dylib" }
}

const fn desktop(
    target: &'static str,
    flutter: &'static str,
    jna: &'static str,
    ending: &'static str,
) -> Platform {
    Platform { target, android: None, flutter, jna: Some(jna), ending }
}

impl Platform {
    /// Builds the library of a package, and checks it; says what is missing if it cannot be built here and was not brought
    /// from elsewhere.
    pub(super) fn library(&self, library: &Library) -> Result<Option<String>> {
        let file = format!("{}/embedded/lib{}.{}", self.target, library.name, self.ending);
        let built = match self.tools(library)? {
            Some(tools) => format!("{}/{file}", self.build(library.package, &tools)?),
            None if root().join("target").join(&file).exists() => format!("target/{file}"),
            None => {
                eprintln!("missing: the library for {}; {}", self.target, self.needs());
                return Ok(None);
            }
        };
        let length = fits(&built)?;
        exports_only(&built, library)?;
        if self.android.is_some() && !self.target.starts_with("arm") {
            loads_into_pages(&built)?;
        }
        eprintln!("{built}: {} KiB", length >> 10);
        Ok(Some(built))
    }

    /// What the build has to be told of the vendor's tools, if they are here.
    fn tools(&self, library: &Library) -> Result<Option<Vec<(String, String)>>> {
        Ok(if self.target.contains("android") {
            ndk()?.map(|folder| self.ndk(&folder.display().to_string()))
        } else if self.is_apple() {
            let versions =
                || library.apple().map(|(name, version)| (name.to_owned(), version.to_owned())).to_vec();
            cfg!(target_os = "macos").then(versions)
        } else {
            let compiler = self.gcc();
            exists(&compiler).then(|| vec![(self.linker(), compiler)])
        })
    }

    fn needs(&self) -> String {
        if self.target.contains("android") {
            "set ANDROID_NDK_HOME to the folder of Android's NDK".to_owned()
        } else if self.is_apple() {
            "it needs a Mac with Xcode".to_owned()
        } else {
            format!("it needs {}", self.gcc())
        }
    }

    pub(super) fn is_apple(&self) -> bool {
        self.target.contains("apple")
    }

    fn gcc(&self) -> String {
        self.target.replace("-unknown", "") + "-gcc"
    }

    fn ndk(&self, folder: &str) -> Vec<(String, String)> {
        let compiler = format!("{folder}/{}{ANDROID}-clang", self.target.replace("armv7-", "armv7a-"));
        vec![
            (format!("CC_{}", self.target), compiler.clone()),
            (format!("AR_{}", self.target), format!("{folder}/llvm-ar")),
            (self.linker(), compiler),
        ]
    }

    /// The variable that tells Cargo the linker.
    fn linker(&self) -> String {
        format!("CARGO_TARGET_{}_LINKER", self.target.to_uppercase().replace('-', "_"))
    }

    /// Returns Cargo's folder.
    fn build(&self, package: &str, tools: &[(String, String)]) -> Result<&'static str> {
        let arguments = natives::shipped(package);
        let tools: Vec<(&str, &str)> = tools.iter().map(|(name, value)| (&**name, &**value)).collect();
        if self.has_std()? {
            run_with(
                "cargo",
                &[&arguments[..], &["--quiet", "--target", self.target]].concat(),
                ".",
                &tools,
            )?;
            Ok("target")
        } else if std_source::is_installed() {
            std_source::cargo(&arguments, &[self.target], &tools)?;
            Ok(std_source::FOLDER)
        } else {
            Err(format!("Rust's standard library is missing: rustup target add {}", self.target))
        }
    }

    fn has_std(&self) -> Result<bool> {
        let sysroot = output("rustc", &["--print", "sysroot"])?;
        Ok(PathBuf::from(sysroot.trim()).join("lib/rustlib").join(self.target).exists())
    }
}

/// The folder with the NDK's programs for this machine.
fn ndk() -> Result<Option<PathBuf>> {
    let Some(home) = env::var_os("ANDROID_NDK_HOME") else { return Ok(None) };
    let machines = PathBuf::from(home).join("toolchains/llvm/prebuilt");
    let failed = |error| format!("ANDROID_NDK_HOME: {}: {error}", machines.display());
    let machine = fs::read_dir(&machines).map_err(failed)?.next().transpose().map_err(failed)?;
    let machine = machine.ok_or_else(|| format!("ANDROID_NDK_HOME: {} is empty", machines.display()))?;
    Ok(Some(machine.path().join("bin")))
}

fn loads_into_pages(library: &str) -> Result {
    let program =
        ndk()?.map_or_else(|| "readelf".to_owned(), |bin| format!("{}/llvm-readelf", bin.display()));
    let headers = output(&program, &["--program-headers", "--wide", library])?;
    let mut alignments = headers.lines().filter_map(alignment).peekable();
    if alignments.peek().is_none() {
        return Err(format!("{library} has nothing to load"));
    }
    match alignments.find(|alignment| *alignment < MAX_PAGE) {
        Some(alignment) => {
            Err(format!("{library} is aligned to {alignment} bytes, not to pages of {MAX_PAGE}"))
        }
        None => Ok(()),
    }
}

/// The last field of a segment that is loaded.
fn alignment(header: &str) -> Option<u64> {
    let fields = header.trim().strip_prefix("LOAD")?;
    u64::from_str_radix(fields.split_whitespace().last()?.strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alignments_are_those_of_what_is_loaded() {
        let load = "  LOAD           0x000000 0x0000000000000000 0x0000000000000000 0x1a2b 0x1a2b R   0x4000";
        assert_eq!(alignment(load), Some(0x4000));
        assert_eq!(alignment("  DYNAMIC        0x0 0x0 0x0 0x1d0 0x1d0 RW  0x8"), None);
    }

    #[test]
    fn tools_are_named_as_the_ndk_names_them() {
        let tools = PLATFORMS[1].ndk("ndk");
        assert_eq!(tools[0].1, "ndk/armv7a-linux-androideabi26-clang");
        assert_eq!(tools[2].0, "CARGO_TARGET_ARMV7_LINUX_ANDROIDEABI_LINKER");
        assert_eq!(PLATFORMS[9].gcc(), "aarch64-linux-gnu-gcc");
    }
}
