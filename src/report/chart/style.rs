//! One visual language: colours that stay apart for the colour-blind (Okabe and Ito 2008), two weights of one face,
//! and the dark counterparts of every colour, so that the same drawing reads on paper and on a dark screen.

use std::fmt::Write as _;

use plotters::style::{FontStyle, RGBColor, register_font};

use crate::base::{Fault, Result};

/// The face that pictures are drawn in, and what a browser takes where it lacks it. All of similar width.
pub const FAMILY: &str = "Inter, Helvetica, Arial, sans-serif";

const REGULAR: &[u8] = include_bytes!("font/Inter-400Regular.ttf");
const SEMIBOLD: &[u8] = include_bytes!("font/Inter-600SemiBold.ttf");

/// A colour on paper and the one that takes its place on a dark ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    light: (u8, u8, u8),
    dark: (u8, u8, u8),
}

const fn paint(light: (u8, u8, u8), dark: (u8, u8, u8)) -> Paint {
    Paint { light, dark }
}

pub const PAPER: Paint = paint((0xff, 0xff, 0xff), (0x1b, 0x1c, 0x1e));
pub const INK: Paint = paint((0x1f, 0x23, 0x28), (0xea, 0xe7, 0xe1));
pub const MUTED: Paint = paint((0x59, 0x62, 0x6d), (0xae, 0xb0, 0xb4));
pub const GRID: Paint = paint((0xe2, 0xe5, 0xe9), (0x36, 0x39, 0x3d));
pub const BLUE: Paint = paint((0x00, 0x72, 0xb2), (0x5a, 0xb4, 0xec));
pub const VERMILION: Paint = paint((0xc4, 0x4f, 0x00), (0xff, 0x8f, 0x4f));
pub const GREEN: Paint = paint((0x00, 0x87, 0x62), (0x3f, 0xcf, 0xa3));
pub const ORANGE: Paint = paint((0xe6, 0x9f, 0x00), (0xf2, 0xb5, 0x36));
pub const SKY: Paint = paint((0x56, 0xb4, 0xe9), (0x8c, 0xcb, 0xf0));
pub const YELLOW: Paint = paint((0xd9, 0xc8, 0x14), (0xf0, 0xe4, 0x42));
pub const PURPLE: Paint = paint((0xae, 0x51, 0x87), (0xde, 0x97, 0xbd));

const ALL: [Paint; 11] = [PAPER, INK, MUTED, GRID, BLUE, VERMILION, GREEN, ORANGE, SKY, YELLOW, PURPLE];

/// Colours of parts that have names of their own, in the order in which they are given out.
pub const PARTS: [Paint; 7] = [BLUE, SKY, GREEN, ORANGE, PURPLE, INK, YELLOW];

impl Paint {
    pub fn rgb(self) -> RGBColor {
        RGBColor(self.light.0, self.light.1, self.light.2)
    }

    fn hex((r, g, b): (u8, u8, u8)) -> String {
        format!("#{r:02X}{g:02X}{b:02X}")
    }
}

/// Rules that repaint a drawing below `scope` for a dark ground. They match the colours that the drawing itself names.
pub fn dark_css(scope: &str) -> String {
    let mut css = String::new();
    for paint in ALL {
        let (light, dark) = (Paint::hex(paint.light), Paint::hex(paint.dark));
        let _ = write!(css, "{scope} [fill=\"{light}\"]{{fill:{dark}}}{scope} [stroke=\"{light}\"]{{stroke:{dark}}}");
    }
    css
}

/// Makes the face known to the drawing library; to do so again does no harm.
pub fn register() -> Result<()> {
    register_font(FAMILY, FontStyle::Normal, REGULAR)
        .and_then(|()| register_font(FAMILY, FontStyle::Bold, SEMIBOLD))
        .map_err(|_| Fault::bug("cannot read the charts' own font"))
}
