//! The window: made when it is wanted, gone with its web view when it is closed.

use std::sync::{Mutex, PoisonError};

use tauri::async_runtime::spawn;
use tauri::{AppHandle, Manager as _, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder};

use crate::place::Place;

/// The one window. The capability names it too.
const WINDOW: &str = "main";
const SIZE: (f64, f64) = (1280.0, 800.0);
const MIN_SIZE: (f64, f64) = (900.0, 600.0);

/// What the window is made with.
pub(crate) struct Frame {
    title: &'static str,
    /// Two that want the window at once get the same one.
    in_hand: Mutex<()>,
}

impl Frame {
    /// With this title.
    pub(crate) fn new(title: &'static str) -> Self {
        Self { title, in_hand: Mutex::new(()) }
    }
}

/// Brings the window to the front, and makes it where there is none; at a place of the UI, or else where it is.
pub(crate) fn show(app: &AppHandle, place: Option<Place>) {
    let app = app.clone();
    // Windows deadlocks when a web view is made inside an event handler.
    spawn(async move {
        if let Err(error) = try_show(&app, place.as_ref()) {
            tracing::error!(%error, "the window could not be shown");
            if app.webview_windows().is_empty() {
                app.exit(1);
            }
        }
    });
}

fn try_show(app: &AppHandle, place: Option<&Place>) -> tauri::Result<()> {
    // A second start may come while the engine is still starting; the window opens with it anyway.
    let Some(frame) = app.try_state::<Frame>() else { return Ok(()) };
    let _in_hand = frame.in_hand.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(window) = app.get_webview_window(WINDOW) {
        window.unminimize()?;
        window.show()?;
        if let Some(place) = place {
            go(&window, place)?;
        }
        return window.set_focus();
    }
    let fragment = place.map(|place| format!("#{}", place.address())).unwrap_or_default();
    let page = WebviewUrl::App(format!("index.html{fragment}").into());
    WebviewWindowBuilder::new(app, WINDOW, page)
        .title(frame.title)
        .inner_size(SIZE.0, SIZE.1)
        .min_inner_size(MIN_SIZE.0, MIN_SIZE.1)
        .build()?;
    Ok(())
}

/// Leads the page to a place, as a click on a link in it would. No script is made of foreign text for this.
fn go(window: &WebviewWindow, place: &Place) -> tauri::Result<()> {
    let now = window.url()?;
    let then = at(&now, place);
    // An address that is there already would be loaded anew.
    if then == now { Ok(()) } else { window.navigate(then) }
}

fn at(page: &Url, place: &Place) -> Url {
    let mut url = page.clone();
    url.set_fragment(Some(&place.address()));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_an_address_in_the_same_page() {
        let page = "tauri://localhost/index.html#/overview".parse().unwrap();
        let cause = at(&page, &"cause/00ff".parse().unwrap());
        assert_eq!(cause.as_str(), "tauri://localhost/index.html#/failed/items?failureKey=00ff");
    }
}
