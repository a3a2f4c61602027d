//! Where the window was, and where it goes on the monitors of today.

use serde::{Deserialize, Serialize};

/// How much of the window's upper edge must lie on a monitor, so that a hand can get hold of it: pixels in width and height.
const HANDLE: (i64, i64) = (120, 24);

/// Where the window was, in pixels of the desktop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bounds {
    pub(crate) x: i32,
    pub(crate) y: i32,
    /// Without the frame.
    pub(crate) width: u32,
    /// Without the frame.
    pub(crate) height: u32,
    /// Whether it filled its monitor; the rest is what it had before that.
    pub(crate) maximised: bool,
}

/// What of a monitor is free for windows, in pixels of the desktop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// Where the window goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fit {
    pub(super) size: (u32, u32),
    /// `None`: wherever the desktop puts new windows.
    pub(super) position: Option<(i32, i32)>,
}

impl Bounds {
    /// Fits the window onto the monitors of today, the first of them being the main one: a position where nobody could get
    /// hold of it is dropped, and a size that no longer fits is cut.
    pub(super) fn fit(&self, monitors: &[Area]) -> Fit {
        let best = monitors.iter().filter(|area| area.holds(self)).max_by_key(|area| area.overlap(self));
        let room = best.or(monitors.first());
        let size = room.map_or((self.width, self.height), |area| {
            (self.width.min(area.width), self.height.min(area.height))
        });
        Fit { size, position: best.map(|_| (self.x, self.y)) }
    }
}

impl Area {
    fn holds(&self, window: &Bounds) -> bool {
        let upper_edge = Self { x: window.x, y: window.y, width: window.width, height: u32::MAX };
        let (width, height) = self.common(&upper_edge);
        let edge_is_there = i64::from(window.y) >= i64::from(self.y) - HANDLE.1 / 2;
        width >= HANDLE.0 && height >= HANDLE.1 && edge_is_there
    }

    fn overlap(&self, window: &Bounds) -> i64 {
        let window = Self { x: window.x, y: window.y, width: window.width, height: window.height };
        let (width, height) = self.common(&window);
        width * height
    }

    /// Width and height of what both cover.
    fn common(&self, other: &Self) -> (i64, i64) {
        let common = |a: i32, a_length: u32, b: i32, b_length: u32| {
            let end = (i64::from(a) + i64::from(a_length)).min(i64::from(b) + i64::from(b_length));
            (end - i64::from(a.max(b))).max(0)
        };
        (common(self.x, self.width, other.x, other.width), common(self.y, self.height, other.y, other.height))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: Area = Area { x: 0, y: 0, width: 1_920, height: 1_080 };
    const LEFT: Area = Area { x: -2_560, y: 0, width: 2_560, height: 1_440 };

    fn bounds(x: i32, y: i32, width: u32, height: u32) -> Bounds {
        Bounds { x, y, width, height, maximised: false }
    }

    #[test]
    fn the_window_comes_back_where_it_was_as_far_as_a_monitor_is_there() {
        for (what, was, monitors, size, position) in [
            ("as it was", bounds(100, 50, 1_280, 800), &[MAIN, LEFT][..], (1_280, 800), Some((100, 50))),
            (
                "on the other monitor",
                bounds(-2_000, 50, 1_280, 800),
                &[MAIN, LEFT],
                (1_280, 800),
                Some((-2_000, 50)),
            ),
            ("that is gone", bounds(-2_000, 50, 1_280, 800), &[MAIN], (1_280, 800), None),
            ("partly outside", bounds(1_700, 900, 1_280, 800), &[MAIN], (1_280, 800), Some((1_700, 900))),
            ("a few pixels inside", bounds(1_850, 50, 1_280, 800), &[MAIN], (1_280, 800), None),
            ("its upper edge above", bounds(100, -400, 1_280, 800), &[MAIN], (1_280, 800), None),
            ("its frame a little above", bounds(100, -8, 1_280, 800), &[MAIN], (1_280, 800), Some((100, -8))),
            ("below", bounds(100, 1_070, 1_280, 800), &[MAIN], (1_280, 800), None),
            ("too big for today", bounds(0, 0, 2_560, 1_440), &[MAIN], (1_920, 1_080), Some((0, 0))),
            ("too big, elsewhere", bounds(-2_500, 0, 2_560, 1_440), &[MAIN], (1_920, 1_080), None),
            ("no monitor known", bounds(100, 50, 1_280, 800), &[], (1_280, 800), None),
            ("nonsense", bounds(i32::MAX, i32::MIN, u32::MAX, u32::MAX), &[MAIN], (1_920, 1_080), None),
        ] {
            assert_eq!(was.fit(monitors), Fit { size, position }, "{what}");
        }
    }
}
