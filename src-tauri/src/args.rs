//! The command line.

use std::path::PathBuf;

use clap::Parser;
use sync_monitor_runtime::Options;

use crate::place::{Link, Place};

/// Keeps Salesforce orgs in sync, and shows in a window what did not arrive.
#[derive(Debug, Clone, Parser)]
#[command(name = "sync-monitor-desktop", version)]
pub(crate) struct Args {
    /// The data folder, which also holds config.toml then [default: the user's]
    #[arg(long, value_name = "DIR", env = "SYNC_MONITOR_DATA_DIR")]
    data_dir: Option<PathBuf>,

    /// The file of settings [default: config.toml in the data folder or the user's folder of settings]
    #[arg(long, value_name = "FILE", env = "SYNC_MONITOR_CONFIG")]
    config: Option<PathBuf>,

    /// The address to listen at; port 0 picks one [default: 127.0.0.1:7437]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,

    /// What is logged to stderr: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", env = "SYNC_MONITOR_LOG", default_value = "info")]
    pub(crate) log_level: String,

    /// Everything is tried with simulated orgs, in a folder that is thrown away
    #[arg(long)]
    demo: bool,

    /// Starts without a window, in the tray; where there is no tray, with the window
    #[arg(long)]
    pub(crate) hidden: bool,

    /// What the window shows first: failed, item/ID, cause/KEY or org/ID
    #[arg(long, value_name = "PLACE")]
    open: Option<Place>,

    /// The same as a link, like `sync-monitor://item/ID`
    #[arg(value_name = "LINK", conflicts_with = "open")]
    link: Option<Link>,
}

impl Args {
    /// Whether this is a try-out, which the window says.
    pub(crate) fn is_demo(&self) -> bool {
        self.demo
    }

    /// Whether a second start with the same arguments means the first one's window: only for the usual folder. Demos
    /// stand beside each other, and of two programs on one other folder the second is refused by the lock on it.
    pub(crate) fn is_single(&self) -> bool {
        !self.demo && self.data_dir.is_none()
    }

    /// What the window is to show.
    pub(crate) fn place(&self) -> Option<Place> {
        self.open.clone().or_else(|| self.link.clone().map(|Link(place)| place))
    }

    /// Whether no window is wanted: whoever names a place wants to see it.
    pub(crate) fn is_hidden(&self) -> bool {
        self.hidden && self.place().is_none()
    }

    /// The arguments with which the user's session starts this program by itself: without a window, and otherwise as it
    /// was started now.
    pub(crate) fn for_autostart(&self) -> Vec<String> {
        let mut arguments = vec!["--hidden".to_owned()];
        // The session starts it in another folder.
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let config = self.config.as_ref().map(|path| ("--config", absolute(path).display().to_string()));
        let listen = self.listen.clone().map(|address| ("--listen", address));
        for (name, value) in [config, listen].into_iter().flatten() {
            arguments.extend([name.to_owned(), value]);
        }
        arguments
    }
}

impl From<Args> for Options {
    fn from(args: Args) -> Self {
        Self {
            data_dir: args.data_dir,
            config: args.config,
            listen: args.listen,
            demo: args.demo,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn try_parse(args: &[&str]) -> Result<Args, clap::Error> {
        Args::try_parse_from(["sync-monitor-desktop"].iter().chain(args))
    }

    fn parse(args: &[&str]) -> Args {
        try_parse(args).unwrap()
    }

    #[test]
    fn a_second_start_brings_the_first_to_the_front_on_the_usual_folder_only() {
        assert!(parse(&[]).is_single());
        assert!(parse(&["--listen", "127.0.0.1:0", "--config", "/tmp/c.toml"]).is_single());
        assert!(!parse(&["--demo"]).is_single());
        assert!(!parse(&["--data-dir", "/tmp/other"]).is_single());
    }

    #[test]
    fn the_manual_page_tells_of_every_flag() {
        let page = include_str!("../linux/sync-monitor-desktop.1").replace("\\-", "-");
        let mut command = <Args as clap::CommandFactory>::command();
        command.build();
        for flag in command.get_arguments().filter_map(|argument| argument.get_long()) {
            assert!(page.contains(&format!("\\fB--{flag}\\fR")), "--{flag}");
        }
    }

    #[test]
    fn every_flag_reaches_the_engine() {
        let options =
            Options::from(parse(&["--data-dir", "/d", "--config", "/c", "--listen", "[::1]:9", "--demo"]));
        assert_eq!(options.data_dir, Some("/d".into()));
        assert_eq!(options.config, Some("/c".into()));
        assert_eq!(options.listen.as_deref(), Some("[::1]:9"));
        assert!(options.demo);
    }

    #[test]
    fn a_place_is_named_or_linked_to_and_shown_even_where_no_window_was_wanted() {
        let address = |args: &[&str]| parse(args).place().map(|place| place.address());
        assert_eq!(address(&[]), None);
        assert_eq!(address(&["--open", "item/1"]).as_deref(), Some("/item/1"));
        assert_eq!(address(&["sync-monitor://item/1"]).as_deref(), Some("/item/1"));
        assert!(parse(&["--hidden"]).is_hidden());
        assert!(!parse(&["--hidden", "sync-monitor://item/1"]).is_hidden());
        assert!(!parse(&[]).is_hidden());
    }

    #[test]
    fn a_place_that_is_none_ends_the_start() {
        for args in [&["--open", "item"][..], &["item/1"], &["--open", "item/1", "sync-monitor://item/1"]] {
            assert!(try_parse(args).is_err(), "{args:?}");
        }
    }

    #[test]
    fn the_session_starts_it_hidden_with_the_same_settings() {
        let args =
            parse(&["--config", "/my settings/c.toml", "--listen", "127.0.0.1:7000", "--open", "item/1"]);
        let expected = ["--hidden", "--config", "/my settings/c.toml", "--listen", "127.0.0.1:7000"];
        assert_eq!(args.for_autostart(), expected);
        assert!(parse(&expected).is_single(), "and so as the same program");
        assert_eq!(parse(&[]).for_autostart(), ["--hidden"]);
    }
}
