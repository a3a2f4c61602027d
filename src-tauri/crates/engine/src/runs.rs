//! What people do to items: retry, dismiss, restore, send now. Each time is a run that is kept, with what came of it.

use std::collections::HashSet;
use std::sync::Arc;

use sync_monitor_domain::item::Status;
use sync_monitor_store::{Action, Batch, Meant, NewRun};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::model::{Actor, Bulk, Filter, Preflight, RunDetail, RunPage, Selection};
use crate::{Engine, Error, new_id};

/// How many items one transaction changes: a run of any size lets everything else through in between. It keeps the writer for
/// about 10 ms; with fewer the disk's sync, which everybody waits for in any case, takes most of the time of a run.
const BATCH: usize = 500;

impl Engine {
    /// Starts a new cycle of attempts for failed items.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a filter that asks for other than failed items; [`Error::Refused`] when the program stops, or
    /// [`Error::Store`] when the store fails meanwhile: what was done before stays done.
    pub async fn retry(&self, selection: Selection, actor: &Actor) -> Result<Bulk, Error> {
        let first_due = self.schedule().first_due(self.clock().now());
        self.bulk(selection, Action::Retry { first_due }, actor).await
    }

    /// Takes failed items out of the default view and the counts.
    ///
    /// # Errors
    /// [`Error::Invalid`] without a reason, or as [`Engine::retry`].
    pub async fn dismiss(&self, selection: Selection, reason: String, actor: &Actor) -> Result<Bulk, Error> {
        if reason.trim().is_empty() {
            return Err(Error::Invalid(
                "A dismissal needs a reason, so that others can tell later why the item was left failed."
                    .into(),
            ));
        }
        self.bulk(selection, Action::Dismiss { reason }, actor).await
    }

    /// Brings dismissed items back.
    ///
    /// # Errors
    /// As [`Engine::retry`].
    pub async fn restore(&self, selection: Selection, actor: &Actor) -> Result<Bulk, Error> {
        self.bulk(selection, Action::Restore, actor).await
    }

    /// Makes the next attempt of retrying items due at once. Attempts are numbered on, and nothing overtakes an older change
    /// of its record.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a filter that asks for other than retrying items, or as [`Engine::retry`].
    pub async fn send_now(&self, selection: Selection, actor: &Actor) -> Result<Bulk, Error> {
        self.bulk(selection, Action::SendNow, actor).await
    }

    /// What a retry would do if it were asked for now, found out by its own rules. A retry by filter that is to do no more
    /// than was told takes `as_of` into its filter.
    ///
    /// # Errors
    /// As [`Engine::retry`].
    pub async fn preflight(&self, selection: Selection) -> Result<Preflight, Error> {
        let now = self.clock().now();
        let store = &self.inner.tools.store;
        match selection {
            Selection::Ids(names) => {
                let Selected { ids, unknown, .. } = Selected::named(names);
                let mut told = store.preflight(Meant::Ids(ids), now).await?;
                let unknown = u64::try_from(unknown.len()).unwrap_or(u64::MAX);
                told.selected += unknown;
                told.not_found += unknown;
                Ok(told)
            }
            Selection::Filter { filter, .. } => {
                let as_of = filter.as_of.map_or(now, |asked| asked.min(now));
                let filter =
                    narrowed(Filter { as_of: Some(as_of), ..*filter }, &Action::Retry { first_due: now })?;
                Ok(store.preflight(Meant::Filter(Box::new(filter)), as_of).await?)
            }
        }
    }

    /// A page of the runs, newest first; `cursor` from the page before.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor that no list gave out, or when the store fails.
    pub async fn runs(&self, limit: u32, cursor: Option<String>) -> Result<RunPage, Error> {
        Ok(self.inner.tools.store.runs(limit, cursor).await?)
    }

    /// A run with what came of it.
    ///
    /// # Errors
    /// [`Error::NotFound`], or when the store fails.
    pub async fn run(&self, id: Uuid) -> Result<RunDetail, Error> {
        Ok(self.inner.tools.store.run(id).await?)
    }

    /// Starts a run and waits for its end. It goes on if whoever asked goes away: what was begun is not left half done.
    async fn bulk(&self, selection: Selection, action: Action, actor: &Actor) -> Result<Bulk, Error> {
        let (told, answer) = oneshot::channel();
        let (engine, actor) = (self.clone(), actor.clone());
        self.spawn(async move {
            let done = engine.do_run(selection, action, actor).await;
            // Whoever asked may have gone away.
            drop(told.send(done));
        });
        answer.await.map_err(|_| Error::Store("a run broke off; the program's log says why".into()))?
    }

    async fn do_run(&self, selection: Selection, action: Action, actor: Actor) -> Result<Bulk, Error> {
        let Selected { ids, unknown, filter } = self.selected(selection, &action).await?;
        let run = Arc::new(NewRun {
            id: new_id(),
            at: self.clock().now(),
            actor,
            action,
            filter,
            selected: u64::try_from(ids.len() + unknown.len()).unwrap_or(u64::MAX),
            unknown,
        });
        let done = self.in_batches(&run, &ids).await;
        if let Err(error) = &done {
            tracing::error!(run = %run.id, %error, "a run was interrupted; what it had done stays done");
            // Where this fails too, the next start does it.
            if let Err(error) = self.inner.tools.store.interrupt_runs(Some(run.id), self.clock().now()).await
            {
                tracing::error!(run = %run.id, %error, "it could not be written down that a run was interrupted");
            }
        }
        done
    }

    async fn in_batches(&self, run: &Arc<NewRun>, ids: &[Uuid]) -> Result<Bulk, Error> {
        let mut bulk = Bulk { run: run.id, changed: 0, refused: Vec::new() };
        // A run of nothing has one batch too.
        let count = ids.len().div_ceil(BATCH).max(1);
        for index in 0..count {
            if self.inner.tools.stop.is_cancelled() {
                return Err(Error::Refused(format!(
                    "The program stops; {} of {} items were changed. Do it again when it runs.",
                    bulk.changed,
                    ids.len()
                )));
            }
            let part = ids.get(index * BATCH..).unwrap_or_default();
            let batch = Batch {
                run: Arc::clone(run),
                ids: part[..part.len().min(BATCH)].to_vec(),
                first: index == 0,
                last: index + 1 == count,
                at: self.clock().now(),
            };
            let done = self.inner.tools.store.apply(batch).await?;
            bulk.changed += done.changed;
            bulk.refused.extend(done.refused);
            self.wake(&done.targets);
            self.inner.tools.announce(done.touched, true);
        }
        Ok(bulk)
    }

    /// The items that are meant, as of now: what fails later is not swept in.
    async fn selected(&self, selection: Selection, action: &Action) -> Result<Selected, Error> {
        match selection {
            Selection::Ids(names) => Ok(Selected::named(names)),
            Selection::Filter { filter, sent } => {
                let ids = self.inner.tools.store.item_ids(narrowed(*filter, action)?).await?;
                Ok(Selected { ids, unknown: Vec::new(), filter: Some(sent) })
            }
        }
    }
}

/// What a run is about.
#[derive(Debug, PartialEq, Eq)]
struct Selected {
    /// Each once.
    ids: Vec<Uuid>,
    /// What was asked for and is no name of an item.
    unknown: Vec<String>,
    /// As it was sent.
    filter: Option<String>,
}

impl Selected {
    fn named(names: Vec<String>) -> Self {
        let (mut ids, mut unknown) = (Vec::new(), Vec::new());
        let (mut seen, mut strange) = (HashSet::new(), HashSet::new());
        for name in names {
            match Uuid::parse_str(&name) {
                Ok(id) if seen.insert(id) => ids.push(id),
                Err(_) if strange.insert(name.clone()) => unknown.push(name),
                _ => {}
            }
        }
        Self { ids, unknown, filter: None }
    }
}

/// A filter as far as an action is about it.
fn narrowed(mut filter: Filter, action: &Action) -> Result<Filter, Error> {
    let (about, what) = match action {
        Action::Retry { .. } | Action::Dismiss { .. } | Action::Restore => {
            (Status::Failed, "retried, dismissed or restored")
        }
        Action::SendNow => (Status::Retrying, "sent before their time"),
    };
    if filter.statuses.is_empty() {
        filter.statuses = vec![about];
    }
    if let Some(other) = filter.statuses.iter().find(|status| **status != about) {
        return Err(Error::Invalid(format!(
            "Only {about} items can be {what}; the filter asks for {other} ones."
        )));
    }
    filter.dismissed = match action {
        Action::Restore => Some(true),
        Action::Retry { .. } | Action::Dismiss { .. } | Action::SendNow => {
            Some(filter.dismissed.unwrap_or(false))
        }
    };
    Ok(filter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn each_item_is_meant_once_and_what_names_none_is_kept_apart() {
        let one = Uuid::from_u128(7);
        let names = [&one.to_string(), "nonsense", &one.simple().to_string(), "nonsense", ""];
        let selected = Selected::named(names.map(str::to_owned).to_vec());
        assert_eq!((selected.ids, selected.unknown), (vec![one], vec!["nonsense".into(), String::new()]));
    }

    const RETRY: Action = Action::Retry { first_due: sync_monitor_domain::Millis(0) };

    #[rstest]
    #[case::retry_leaves_the_dismissed_out(RETRY, None, Status::Failed, Some(false))]
    #[case::retry_of_the_dismissed(RETRY, Some(true), Status::Failed, Some(true))]
    #[case::dismiss(Action::Dismiss { reason: "x".into() }, None, Status::Failed, Some(false))]
    #[case::restore(Action::Restore, None, Status::Failed, Some(true))]
    #[case::send_now(Action::SendNow, None, Status::Retrying, Some(false))]
    fn a_filter_means_what_the_action_is_about(
        #[case] action: Action,
        #[case] dismissed: Option<bool>,
        #[case] status: Status,
        #[case] expected: Option<bool>,
    ) {
        let narrowed_to = narrowed(Filter { dismissed, ..Filter::default() }, &action).unwrap();
        assert_eq!((narrowed_to.statuses, narrowed_to.dismissed), (vec![status], expected));
        let both = Filter { statuses: vec![Status::Failed, Status::Retrying], ..Filter::default() };
        assert!(matches!(narrowed(both, &action), Err(Error::Invalid(_))));
    }
}
