//! What the user has said about the desktop, in the settings of the program.

use serde::Deserialize;
use serde_json::Value;
use sync_monitor_api::InProcess;

/// The settings that the desktop obeys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settings {
    /// `desktop.notify_failures`: tell of what failed.
    pub(crate) notify_failures: bool,
    /// `desktop.notify_sign_in`: tell of orgs that need a sign-in.
    pub(crate) notify_sign_in: bool,
    /// `desktop.close_to_tray`: closing the window leaves the program at work, in the tray.
    pub(crate) close_to_tray: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { notify_failures: true, notify_sign_in: true, close_to_tray: true }
    }
}

impl Settings {
    /// Asks for them, each time that they matter: a change has its effect at once.
    pub(crate) async fn ask(api: &InProcess) -> Self {
        let answer = api.call("GET", "/api/v1/settings", None).await;
        if answer.status != 200 {
            tracing::debug!(status = answer.status, "the settings are not told; the defaults hold");
            return Self::default();
        }
        Self::read(&answer.body)
    }

    fn read(json: &str) -> Self {
        #[derive(Deserialize)]
        struct All {
            settings: Vec<Setting>,
        }
        #[derive(Deserialize)]
        struct Setting {
            name: String,
            value: Value,
        }
        let mut settings = Self::default();
        match serde_json::from_str(json) {
            Ok(All { settings: all }) => {
                let find = |name: &str| all.iter().find(|setting| setting.name == name)?.value.as_bool();
                let take = |name, place: &mut bool| *place = find(name).unwrap_or(*place);
                take("desktop.notify_failures", &mut settings.notify_failures);
                take("desktop.notify_sign_in", &mut settings.notify_sign_in);
                take("desktop.close_to_tray", &mut settings.close_to_tray);
            }
            Err(error) => tracing::error!(%error, "the settings are not readable; the defaults hold"),
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_has_not_said_is_as_by_default() {
        for json in ["", "[]", r#"{"settings":[]}"#, r#"{"settings":[{"name":"secrets","value":"file"}]}"#] {
            assert_eq!(Settings::read(json), Settings::default(), "{json}");
        }
    }

    #[test]
    fn what_the_user_has_said_holds() {
        let json = r#"{"file":"/c","settings":[
            {"name":"desktop.notify_failures","value":false,"default":true,"source":"file"},
            {"name":"desktop.notify_sign_in","value":true,"default":true,"source":"default"},
            {"name":"desktop.close_to_tray","value":false,"default":true,"source":"file"}]}"#;
        let expected = Settings { notify_failures: false, notify_sign_in: true, close_to_tray: false };
        assert_eq!(Settings::read(json), expected);
    }
}
