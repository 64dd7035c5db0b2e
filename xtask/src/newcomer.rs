//! What a newcomer does: a project in a fresh folder outside the repository, made of what a README says and of nothing
//! else, built and run. So what a README says is tried, and what it forgets is missed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::command::{Result, root};

/// A README.
pub(crate) struct Readme {
    file: &'static str,
    text: String,
}

impl Readme {
    pub(crate) fn read(file: &'static str) -> Result<Self> {
        let text = fs::read_to_string(root().join(file)).map_err(|error| format!("{file}: {error}"))?;
        Ok(Self { file, text })
    }

    /// The block of code in a language that has a text in it.
    pub(crate) fn block(&self, language: &str, has: &str) -> Result<String> {
        let fence = format!("```{language}\n");
        let mut blocks = self.text.split(&fence).skip(1).filter_map(|rest| rest.split("```").next());
        let found = blocks.find(|block| block.contains(has)).map(str::to_owned);
        found.ok_or_else(|| format!("{} has no block of {language} with {has}", self.file))
    }
}

/// A folder that is empty at first, and gone when this is dropped.
pub(crate) struct Fresh(PathBuf);

impl Fresh {
    pub(crate) fn make(path: PathBuf) -> Result<Self> {
        // What an earlier attempt left would not be fresh.
        if path.exists() {
            fs::remove_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, file: &str, text: &str) -> Result {
        let path = self.0.join(file);
        let failed = |error| format!("{}: {error}", path.display());
        path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
        fs::write(&path, text).map_err(failed)
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        // What stays is in the way of nobody: the next attempt removes it.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// That a newcomer's program prints what the README promises.
pub(crate) fn expect(printed: &str, wanted: &str) -> Result {
    if printed.trim().ends_with(wanted) {
        return Ok(());
    }
    Err(format!("the README's program printed {printed:?}, not {wanted:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_by_what_is_in_them() {
        let text = "a\n```rust\none\n```\nb\n```rust\ntwo\n```\n```sh\ntwo\n```\n".to_owned();
        let readme = Readme { file: "x", text };
        assert_eq!(readme.block("rust", "two").unwrap(), "two\n");
        assert!(readme.block("rust", "three").is_err());
    }
}
