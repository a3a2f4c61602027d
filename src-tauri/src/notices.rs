//! What the desktop is told of: each org that needs a sign-in.

use tauri::AppHandle;

use crate::answers::Org;
use crate::notification;

mod sign_ins;

use sign_ins::SignIns;

/// What was told.
#[derive(Default)]
pub(crate) struct Notices {
    sign_ins: SignIns,
}

impl Notices {
    /// Tells what is new.
    pub(crate) fn tell(&mut self, app: &AppHandle, orgs: &[Org]) {
        for org in self.sign_ins.new_ones(orgs) {
            notification::show(app, sign_ins::notification(org));
        }
    }
}
