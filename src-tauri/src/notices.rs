//! Notifications of the desktop: one for each org that needs a sign-in, when it begins to.

use std::collections::HashSet;

use notify_rust::Notification;
use serde::Deserialize;
use sync_monitor_api::InProcess;
use tauri::AppHandle;

use crate::place::Place;
use crate::window;

/// What was told already.
#[derive(Default)]
pub(crate) struct Notices {
    /// The orgs that need a sign-in, and were told of.
    signed_out: HashSet<String>,
}

#[derive(Deserialize)]
struct Orgs {
    orgs: Vec<Org>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Org {
    org_id: String,
    alias: Option<String>,
    username: Option<String>,
    health: String,
    queue_depth: u64,
}

impl Notices {
    /// Asks the engine how the orgs are, and tells what is new.
    pub(crate) async fn refresh(&mut self, app: &AppHandle, api: &InProcess) {
        let answer = api.call("GET", "/api/v1/orgs", None).await;
        match serde_json::from_str::<Orgs>(&answer.body) {
            Ok(list) => {
                for org in self.new_ones(&list.orgs) {
                    notify(app.clone(), org);
                }
            }
            Err(error) => tracing::error!(status = answer.status, %error, "the orgs are not readable"),
        }
    }

    /// The orgs that need a sign-in and were not told of since they do.
    fn new_ones<'a>(&mut self, orgs: &'a [Org]) -> Vec<&'a Org> {
        let need = |org: &&Org| org.health == "signInRequired";
        let new = orgs.iter().filter(need).filter(|org| !self.signed_out.contains(&org.org_id)).collect();
        self.signed_out = orgs.iter().filter(need).map(|org| org.org_id.clone()).collect();
        new
    }
}

impl Org {
    fn title(&self) -> String {
        let name = self.alias.as_ref().or(self.username.as_ref()).unwrap_or(&self.org_id);
        format!("{name} needs a sign-in")
    }

    fn text(&self) -> String {
        let waiting = match self.queue_depth {
            0 => "Nothing waits for it yet.".to_owned(),
            1 => "1 change waits for it.".to_owned(),
            n => format!("{n} changes wait for it."),
        };
        format!("{waiting} Nothing is lost: what comes in is sent when somebody has signed in again.")
    }
}

fn notify(app: AppHandle, org: &Org) {
    let mut notification = Notification::new();
    notification
        .appname("Sync Monitor")
        .summary(&org.title())
        .body(&escape(&org.text()))
        .icon("sync-monitor");
    #[cfg(all(unix, not(target_os = "macos")))]
    notification.action("default", "Open");
    // The desktop may take its time, or never say what became of it.
    std::thread::spawn(move || match notification.show() {
        #[cfg(all(unix, not(target_os = "macos")))]
        Ok(shown) => shown.wait_for_action(|action| {
            if action == "default" {
                window::show(&app, Some(Place::Orgs));
            }
        }),
        #[cfg(not(all(unix, not(target_os = "macos"))))]
        Ok(_) => drop(app),
        Err(error) => tracing::warn!(%error, "the desktop shows no notifications"),
    });
}

/// A desktop may read the text as markup.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn org(id: &str, health: &str) -> Org {
        Org {
            org_id: id.into(),
            alias: Some("Acme".into()),
            username: None,
            health: health.into(),
            queue_depth: 2,
        }
    }

    #[test]
    fn an_org_that_needs_a_sign_in_is_told_once_each_time_it_begins_to() {
        let mut notices = Notices::default();
        let mut told = |health: [&str; 2]| {
            let orgs = [org("a", health[0]), org("b", health[1])];
            notices.new_ones(&orgs).iter().map(|org| org.org_id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(told(["connected", "signInRequired"]), ["b"]);
        assert_eq!(told(["connected", "signInRequired"]), [""; 0]);
        assert_eq!(told(["signInRequired", "signInRequired"]), ["a"]);
        assert_eq!(told(["connected", "signInRequired"]), [""; 0]);
        assert_eq!(told(["signInRequired", "signInRequired"]), ["a"]);
    }

    #[test]
    fn a_notification_says_which_org_and_what_waits() {
        let org = org("a", "signInRequired");
        assert_eq!(org.title(), "Acme needs a sign-in");
        assert!(org.text().starts_with("2 changes wait for it."));
        assert_eq!(escape("<b> & co"), "&lt;b&gt; &amp; co");
    }
}
