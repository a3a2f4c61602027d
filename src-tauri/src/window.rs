//! The window: made when it is wanted, gone with its web view when it is closed.

use std::sync::{Mutex, PoisonError};

use tauri::async_runtime::spawn;
use tauri::{
    AppHandle, Manager as _, PhysicalPosition, PhysicalSize, Url, WebviewUrl, WebviewWindow,
    WebviewWindowBuilder,
};

use crate::memory::Memory;
use crate::place::Place;
use crate::tray::Tray;

mod bounds;

use bounds::Area;
pub(crate) use bounds::Bounds;

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
            // The engine goes on where somebody can still find it.
            if app.webview_windows().is_empty() && !app.state::<Tray>().is_shown() {
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
    let window = WebviewWindowBuilder::new(app, WINDOW, page)
        .title(frame.title)
        .inner_size(SIZE.0, SIZE.1)
        .min_inner_size(MIN_SIZE.0, MIN_SIZE.1)
        // Put in its place first.
        .visible(false)
        .build()?;
    if let Some(was) = app.state::<Memory>().read(|known| known.window) {
        put_back(&window, was)?;
    }
    window.show()?;
    window.set_focus()
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

fn put_back(window: &WebviewWindow, was: Bounds) -> tauri::Result<()> {
    let fit = was.fit(&monitors(window)?);
    window.set_size(PhysicalSize::new(fit.size.0, fit.size.1))?;
    if let Some((x, y)) = fit.position {
        window.set_position(PhysicalPosition::new(x, y))?;
    }
    if was.maximised { window.maximize() } else { Ok(()) }
}

/// The main monitor first.
fn monitors(window: &WebviewWindow) -> tauri::Result<Vec<Area>> {
    let main = window.primary_monitor()?;
    let others = window.available_monitors()?;
    let areas = main.iter().chain(&others).map(tauri::window::Monitor::work_area).map(|area| Area {
        x: area.position.x,
        y: area.position.y,
        width: area.size.width,
        height: area.size.height,
    });
    Ok(areas.collect())
}

/// Keeps in mind where the window is, if there is one.
pub(crate) fn remember(app: &AppHandle) {
    let Some(window) = app.get_webview_window(WINDOW) else { return };
    let memory = app.state::<Memory>();
    let before = memory.read(|known| known.window);
    match bounds(&window, before) {
        Ok(now) if now != before => memory.change(|known| known.window = now),
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "the window does not say where it is"),
    }
}

/// Where it is, or where it was before it was minimised or maximised.
fn bounds(window: &WebviewWindow, before: Option<Bounds>) -> tauri::Result<Option<Bounds>> {
    if window.is_minimized()? {
        return Ok(before);
    }
    let maximised = window.is_maximized()?;
    if let Some(before) = before.filter(|_| maximised) {
        return Ok(Some(Bounds { maximised, ..before }));
    }
    let (position, size) = (window.outer_position()?, window.inner_size()?);
    Ok(Some(Bounds { x: position.x, y: position.y, width: size.width, height: size.height, maximised }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_an_address_in_the_same_page() {
        let page = "tauri://localhost/index.html#/overview".parse().unwrap();
        let cause = at(&page, &Place::of_cause("00ff"));
        assert_eq!(cause.as_str(), "tauri://localhost/index.html#/failed/items?failureKey=00ff");
    }
}
