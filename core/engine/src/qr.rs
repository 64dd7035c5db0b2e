//! Links as QR codes (ISO/IEC 18004), to be scanned in person.
//!
//! All forms keep the quiet zone of four modules around the code, without which cameras do not find it.

use qrcode::{Color, EcLevel, QrCode};

use crate::{
    api::ImageFormat,
    error::{Error, ErrorKind, Result},
};

/// Modules of light around the code (ISO/IEC 18004 §5.3.8).
const QUIET: usize = 4;

/// A QR code.
pub struct Qr {
    /// Row by row, true for dark, with the quiet zone.
    modules: Vec<bool>,
    width: usize,
}

impl Qr {
    /// Makes the code of a link.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for a text of more than 2,331 bytes, which no code holds at this level of error
    /// correction.
    pub fn new(link: &str) -> Result<Self> {
        let code = QrCode::with_error_correction_level(link, EcLevel::M)
            .map_err(|_| Error::new(ErrorKind::Usage, "the link is too long for a QR code"))?;
        let inner = code.width();
        let width = inner + 2 * QUIET;
        let mut modules = vec![false; width * width];
        for (position, color) in code.to_colors().into_iter().enumerate() {
            let (row, column) = (position / inner + QUIET, position % inner + QUIET);
            modules[row * width + column] = color == Color::Dark;
        }
        Ok(Self { modules, width })
    }

    /// For a terminal: two rows of modules per line, dark modules as spaces, for a dark background.
    pub fn to_terminal(&self) -> String {
        let mut text = String::new();
        for row in (0..self.width).step_by(2) {
            for column in 0..self.width {
                text.push(match (self.is_dark(row, column), self.is_dark(row + 1, column)) {
                    (false, false) => '█',
                    (false, true) => '▀',
                    (true, false) => '▄',
                    (true, true) => ' ',
                });
            }
            text.push('\n');
        }
        text
    }

    /// As an SVG document, one unit per module.
    pub fn to_svg(&self) -> String {
        let mut path = String::new();
        for row in 0..self.width {
            for column in (0..self.width).filter(|column| self.is_dark(row, *column)) {
                path.extend(["M", &column.to_string(), " ", &row.to_string(), "h1v1h-1z"]);
            }
        }
        let size = self.width;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" shape-rendering=\"crispEdges\">\
             <path fill=\"#fff\" d=\"M0 0h{size}v{size}H0z\"/><path d=\"{path}\"/></svg>\n"
        )
    }

    /// As a PNG image, `scale` pixels per module (1 to 32), black on white.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for another scale.
    pub fn to_png(&self, scale: usize) -> Result<Vec<u8>> {
        if !(1..=32).contains(&scale) {
            return Err(Error::new(ErrorKind::Usage, "a QR code has 1 to 32 pixels per module"));
        }
        let failed = |_| Error::internal("the image could not be written");
        let side = u32::try_from(self.width * scale).unwrap_or(u32::MAX);
        let mut image = Vec::new();
        let mut encoder = png::Encoder::new(&mut image, side, side);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().map_err(failed)?;
        let shade = |row: usize, column: usize| if self.is_dark(row, column) { 0 } else { 255 };
        let pixels: Vec<u8> = (0..self.width * scale)
            .flat_map(|y| (0..self.width * scale).map(move |x| (y / scale, x / scale)))
            .map(|(row, column)| shade(row, column))
            .collect();
        writer.write_image_data(&pixels).map_err(failed)?;
        writer.finish().map_err(failed)?;
        Ok(image)
    }

    fn is_dark(&self, row: usize, column: usize) -> bool {
        self.modules.get(row * self.width + column).copied().unwrap_or(false)
    }
}

/// Draws a link in a format.
pub(crate) fn draw(link: &str, format: ImageFormat, scale: usize) -> Result<Vec<u8>> {
    let code = Qr::new(link)?;
    match format {
        ImageFormat::Svg => Ok(code.to_svg().into_bytes()),
        ImageFormat::Png => code.to_png(scale),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://app.example/#connectoid=AqzQ";

    #[test]
    fn every_form_shows_the_same_code() {
        let qr = Qr::new(LINK).unwrap();
        let dark = qr.modules.iter().filter(|dark| **dark).count();
        assert_eq!(qr.to_svg().matches("h1v1h-1z").count(), dark);
        assert_eq!(qr.to_terminal().lines().count(), qr.width.div_ceil(2));
        assert!(qr.to_terminal().lines().all(|line| line.chars().count() == qr.width));
        let decoder = png::Decoder::new(std::io::Cursor::new(qr.to_png(3).unwrap()));
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        assert_eq!(pixels.into_iter().filter(|pixel| *pixel == 0).count(), dark * 9);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(Qr::new(&"x".repeat(3000)).err().unwrap().kind, ErrorKind::Usage);
        assert_eq!(Qr::new(LINK).unwrap().to_png(0).err().unwrap().kind, ErrorKind::Usage);
    }
}
