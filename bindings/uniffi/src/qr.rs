//! Links as QR codes, to be scanned in person.

use std::sync::Arc;

use crate::{
    bytes::Bytes,
    error::NodeError,
    limits::{self, MAX_TEXT},
};

/// A QR code, with its quiet zone.
#[derive(uniffi::Object)]
pub struct Qr(connectoid::qr::Qr);

#[uniffi::export]
impl Qr {
    /// Makes the code of a link, of at most 2,331 bytes.
    #[uniffi::constructor]
    pub fn new(link: &str) -> Result<Arc<Self>, NodeError> {
        limits::within("bytes of a link", link.len(), MAX_TEXT)?;
        Ok(Arc::new(Self(connectoid::qr::Qr::new(link)?)))
    }

    /// As an SVG document, one unit per module.
    pub fn svg(&self) -> Result<String, NodeError> {
        Ok(self.0.to_svg())
    }

    /// As a PNG image, `scale` pixels per module (1 to 32), black on white.
    pub fn png(&self, scale: u32) -> Result<Bytes, NodeError> {
        Ok(Bytes(self.0.to_png(usize::try_from(scale).unwrap_or(usize::MAX))?))
    }

    /// For a terminal with a dark background.
    pub fn terminal(&self) -> Result<String, NodeError> {
        Ok(self.0.to_terminal())
    }
}
