//! The tray's icons, made from `icons/tray/tray.svg` by `cargo xtask icons`.

use tauri::image::Image;

use super::standing::Look;

impl Look {
    /// Its icon.
    pub(super) fn picture(self) -> Image<'static> {
        match self {
            Self::Ok => tauri::include_image!("src-tauri/icons/tray/ok.png"),
            Self::Working => tauri::include_image!("src-tauri/icons/tray/working.png"),
            Self::Attention => tauri::include_image!("src-tauri/icons/tray/attention.png"),
            Self::Paused => tauri::include_image!("src-tauri/icons/tray/paused.png"),
            Self::Offline => tauri::include_image!("src-tauri/icons/tray/offline.png"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOKS: [Look; 5] = [Look::Ok, Look::Working, Look::Attention, Look::Paused, Look::Offline];

    /// Where the picture covers the panel, as it is on a panel of 16 pixels: whoever sees no colours sees this.
    fn outline(look: Look) -> Vec<bool> {
        let picture = look.picture();
        let (width, step) = (picture.width() as usize, picture.width() as usize / 16);
        assert_eq!((picture.width(), picture.height()), (64, 64), "{look:?}");
        let alpha = |x: usize, y: usize| picture.rgba()[(y * width + x) * 4 + 3];
        (0..16 * 16).map(|n| alpha(n % 16 * step + step / 2, n / 16 * step + step / 2) > 127).collect()
    }

    /// The colour that most of it has.
    fn colour(look: Look) -> [u8; 3] {
        let picture = look.picture();
        let mut counts = std::collections::HashMap::new();
        for pixel in picture.rgba().chunks(4).filter(|pixel| pixel[3] == 255) {
            *counts.entry([pixel[0], pixel[1], pixel[2]]).or_insert(0) += 1;
        }
        counts.into_iter().max_by_key(|(_, count)| *count).map(|(colour, _)| colour).unwrap()
    }

    #[test]
    fn each_state_has_a_shape_and_a_colour_of_its_own() {
        for (index, one) in LOOKS.into_iter().enumerate() {
            for other in LOOKS.into_iter().skip(index + 1) {
                let differ = outline(one).iter().zip(outline(other)).filter(|(a, b)| **a != *b).count();
                assert!(differ >= 40, "{one:?} and {other:?} differ in {differ} of 256 pixels");
                assert_ne!(colour(one), colour(other), "{one:?} and {other:?}");
            }
        }
    }
}
