//! Where logs go: to standard error, a line each, safe to show.

use std::io::{self, Write};

use crate::{output, plain::plain};

/// Takes the lines of the log, each in one call.
pub(crate) struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        output::complain(&plain(String::from_utf8_lossy(bytes).trim_end()));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
