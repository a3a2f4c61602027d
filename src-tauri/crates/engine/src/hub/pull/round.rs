//! A round of reading: every object once, as far as the org's allowance lets it, and what came of that.

use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::conflict::Timestamp;
use sync_monitor_domain::hub::{HubObject, Row, row};
use sync_monitor_domain::remote::{ApiUsage, Call, Examination, Identity, Meaning, Try};
use sync_monitor_store::RoundEnd;
use tokio::sync::oneshot;

use super::{BUDGET_PAUSE, LATEST, Pulled, Puller, SOONEST, from_now};
use crate::Error;
use crate::hub::hand_in::{Trouble, hand_in};
use crate::hub::{Known, Reader, mend, read};
use crate::model::{Org, PullState};
use crate::worker::Command;

/// Commits may appear out of order, so what changed shortly before the last row is asked for again.
const OVERLAP_US: i64 = 5 * 60 * 1_000_000;
/// How the words begin that say that the allowance is used up.
const BUDGET: &str = "The org's API allowance is nearly used up";

impl Puller {
    pub(super) async fn round(&mut self, org: &Org, known: &Known) -> Result<Pulled, Error> {
        let mut pulled = Pulled::default();
        let outcome = self.read_all(org, known, &mut pulled).await;
        let now = self.engine.clock().now();
        let changed = pulled.changes > 0;
        let (trouble, answer) = match outcome {
            Ok(None) => (None, Ok(pulled)),
            Ok(Some(budget)) => (Some(budget.clone()), Err(Error::Refused(budget))),
            Err(Trouble::Org(one)) => {
                let words =
                    one.message.clone().unwrap_or_else(|| "The org did not answer as it should.".to_owned());
                self.tell_trouble(&one);
                (Some(words.clone()), Err(Error::Refused(words)))
            }
            Err(Trouble::Store(error)) => {
                tracing::error!(org = %self.org, %error, "what an org's changes brought could not be taken in; they are read again");
                (Some("What was read could not be stored; it is read again.".to_owned()), Err(error))
            }
        };
        self.pause = match &trouble {
            None if changed => SOONEST,
            Some(why) if why.starts_with(BUDGET) => BUDGET_PAUSE,
            _ => (self.pause * 2).clamp(SOONEST, LATEST),
        };
        let end = RoundEnd { at: now, next_at: now.plus(self.pause), changed, trouble };
        self.engine.inner.tools.store.end_round(self.org, end).await?;
        self.engine.inner.tools.announce(Vec::new(), true);
        answer
    }

    /// What an answer says of the org itself is the worker's to act on.
    fn tell_trouble(&mut self, one: &Try) {
        tracing::warn!(org = %self.org, code = one.error_code, message = one.message, "an org's changes could not be read");
        match one.meaning {
            Meaning::SignInRequired | Meaning::RateLimited { .. } | Meaning::Unreachable => {
                let found = Examination {
                    sign_in: Err(Box::new(one.clone())),
                    endpoint: None,
                    api_usage: None,
                    clock_skew_ms: None,
                    identity: Identity::default(),
                    moved_to: None,
                };
                let (told, _) = oneshot::channel();
                self.engine.tell(self.org, Command::Looked(Box::new(found), told));
            }
            // A field that is there no more, perhaps: the package was changed.
            Meaning::Refused => self.find_at = Millis(0),
            _ => {}
        }
    }

    /// Reads every object once, as far as the org's allowance lets it; says why it stopped.
    async fn read_all(
        &self,
        org: &Org,
        known: &Known,
        pulled: &mut Pulled,
    ) -> Result<Option<String>, Trouble> {
        let tools = &self.engine.inner.tools;
        let address = org.address();
        let mut reader =
            Reader { remote: tools.remote.as_ref(), address: &address, known, api_usage: org.api_usage };
        let now = tools.clock.now();
        let state = tools.store.begin_pull(self.org, from_now(now, org.clock_skew_ms), now).await?;
        if self.is_spent(reader.api_usage) {
            // What was used is forgotten over the day, and the org tells so only when it is asked.
            let path = format!("{}/limits", known.adapter.data_path());
            let called = tools.remote.call(&address, Call::get(path)).await;
            reader.api_usage = called.report.api_usage.or(reader.api_usage);
        }
        for object in HubObject::ALL {
            if self.is_spent(reader.api_usage) {
                self.note_usage(&reader).await?;
                return Ok(Some(self.spent(reader.api_usage)));
            }
            self.read_object(&mut reader, object, &state, pulled).await?;
        }
        mend::close_writes(tools, &mut reader).await?;
        self.note_usage(&reader).await?;
        Ok(None)
    }

    async fn note_usage(&self, reader: &Reader<'_>) -> Result<(), Trouble> {
        let found = Examination {
            sign_in: Ok(()),
            endpoint: None,
            api_usage: reader.api_usage,
            clock_skew_ms: None,
            identity: Identity::default(),
            moved_to: None,
        };
        Ok(self.engine.inner.tools.store.set_found(self.org, found).await?)
    }

    fn is_spent(&self, usage: Option<ApiUsage>) -> bool {
        let share = self.engine.inner.tools.settings.pull_share;
        usage
            .is_some_and(|usage| usage.used.saturating_mul(100) >= usage.max.saturating_mul(u64::from(share)))
    }

    fn spent(&self, usage: Option<ApiUsage>) -> String {
        let (used, max) = usage.map_or((0, 0), |usage| (usage.used, usage.max));
        let share = self.engine.inner.tools.settings.pull_share;
        format!(
            "{BUDGET}: {used} of {max} API calls of the last 24 hours are used, and reading stops at {share} %, so that deliveries still go through. It goes on by itself; nothing is lost meanwhile."
        )
    }

    async fn read_object(
        &self,
        reader: &mut Reader<'_>,
        object: HubObject,
        state: &PullState,
        pulled: &mut Pulled,
    ) -> Result<(), Trouble> {
        let known = reader.known;
        let read_to =
            state.watermarks.iter().find(|(marked, _)| *marked == object).map(|(_, at)| at.0 - OVERLAP_US);
        let from = Timestamp(read_to.unwrap_or(i64::MIN).max(state.since.0));
        let Some(select) = row::select(object, &known.adapter, &known.mapping) else { return Ok(()) };
        let select = if object == HubObject::Document { select.is_true("IsLatest") } else { select };
        let select = select.changed_since(from).order("SystemModstamp, Id");
        let mut next = Some(reader.query_path(&select));
        while let Some(path) = next {
            let page = reader.page(path).await?;
            next = page.next;
            let rows: Result<Vec<Row>, _> =
                page.rows.iter().map(|record| read(record, object, known)).collect();
            let rows = rows?;
            let Some(last) = rows.last().map(|row| row.stamp) else { continue };
            let whole = self.completed(reader, object, rows, pulled).await?;
            self.hand_in(reader, whole, Some((object, last)), pulled).await?;
        }
        Ok(())
    }

    /// These rows with what their query does not tell. The work items that they belong to are read before.
    async fn completed(
        &self,
        reader: &mut Reader<'_>,
        object: HubObject,
        rows: Vec<Row>,
        pulled: &mut Pulled,
    ) -> Result<Vec<Row>, Trouble> {
        match object {
            HubObject::WorkItem => Ok(rows),
            HubObject::Document => {
                let attached = reader.attached(rows).await?;
                self.read_parents(reader, &attached, pulled).await?;
                self.with_bytes(reader, attached).await
            }
            HubObject::Comment | HubObject::WorkLog => {
                self.read_parents(reader, &rows, pulled).await?;
                Ok(rows)
            }
        }
    }

    /// The work items of children must be known before their children, to each org that these go to.
    async fn read_parents(
        &self,
        reader: &mut Reader<'_>,
        children: &[Row],
        pulled: &mut Pulled,
    ) -> Result<(), Trouble> {
        let mut parents: Vec<String> = children.iter().filter_map(|row| row.parent.clone()).collect();
        parents.sort_unstable();
        parents.dedup();
        let wanted = self.engine.inner.tools.store.parents_to_read(self.org, parents).await?;
        if wanted.is_empty() {
            return Ok(());
        }
        let rows = reader.by_id(HubObject::WorkItem, &wanted).await?;
        self.hand_in(reader, rows, None, pulled).await
    }

    async fn hand_in(
        &self,
        reader: &mut Reader<'_>,
        rows: Vec<Row>,
        watermark: Option<(HubObject, Timestamp)>,
        pulled: &mut Pulled,
    ) -> Result<(), Trouble> {
        let tools = &self.engine.inner.tools;
        let taken = hand_in(tools, reader, rows, watermark, false).await?;
        pulled.changes += taken.changes;
        pulled.conflicts += taken.conflicts;
        pulled.echoes += taken.echoes;
        pulled.deleted += taken.deleted;
        Ok(())
    }
}
