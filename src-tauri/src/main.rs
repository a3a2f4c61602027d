//! The Sync Monitor window.
// A console of its own would open beside the window on Windows.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    sync_monitor_desktop::run()
}
