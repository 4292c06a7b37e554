//! PNG of a plot, from its SVG, with the font in the program; no font of the machine is looked at.

use std::sync::Arc;

use resvg::{tiny_skia, usvg};

const REGULAR: &[u8] = include_bytes!("fonts/DejaVuSans.ttf");
const BOLD: &[u8] = include_bytes!("fonts/DejaVuSans-Bold.ttf");

/// Why there is no picture. Only a fault of the program can be the reason.
#[derive(Debug, thiserror::Error)]
#[error("the plot {0}")]
pub(crate) struct PngError(String);

/// Draws SVG as PNG; reads the fonts once.
#[derive(Debug)]
pub(crate) struct Painter {
    options: usvg::Options<'static>,
}

impl Default for Painter {
    fn default() -> Self {
        let mut fonts = usvg::fontdb::Database::new();
        fonts.load_font_data(REGULAR.to_vec());
        fonts.load_font_data(BOLD.to_vec());
        let options = usvg::Options {
            fontdb: Arc::new(fonts),
            font_family: "DejaVu Sans".to_owned(),
            ..usvg::Options::default()
        };
        Self { options }
    }
}

impl Painter {
    /// The picture as PNG, one pixel a unit.
    pub(crate) fn paint(&self, svg: &str) -> Result<Vec<u8>, PngError> {
        let tree = usvg::Tree::from_str(svg, &self.options)
            .map_err(|error| PngError(format!("cannot be drawn: {error}")))?;
        let size = tree.size().to_int_size();
        let mut picture = tiny_skia::Pixmap::new(size.width(), size.height())
            .ok_or_else(|| PngError("has no usable size".to_owned()))?;
        resvg::render(&tree, tiny_skia::Transform::default(), &mut picture.as_mut());
        picture.encode_png().map_err(|error| PngError(format!("cannot be stored: {error}")))
    }
}
