//! The desktop shell: a window and a tray around the engine, and the only place that knows Tauri.
//!
//! The engine runs in this process, whether a window is open or not. The window asks it through [`commands`] what a
//! browser asks over HTTP, and [`changes`] tells the window and the tray when something is different.

mod answers;
mod args;
mod autostart;
#[cfg(test)]
mod bundle;
mod changes;
mod commands;
mod desktop;
mod memory;
mod notices;
mod notification;
mod pause;
mod place;
mod saving;
mod settings;
mod tray;
mod window;

use std::process::ExitCode;

use clap::Parser as _;

/// Runs the program with the arguments of this process, until it is quit.
pub fn run() -> ExitCode {
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help, the version, or what is wrong with the arguments. Nobody is left to tell if that fails too.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match desktop::run(args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("Sync Monitor could not start: {error:#}");
            ExitCode::FAILURE
        }
    }
}
