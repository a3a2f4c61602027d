//! What changes, told to those who watch: at most ten times a second, however much changes.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream, StreamExt as _};
use http::HeaderMap;
use sync_monitor_domain::Millis;
use sync_monitor_engine::Changed;
use tokio::sync::broadcast::{
    self,
    error::{RecvError, TryRecvError},
};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::App;
use crate::dto::ChangedEvent;
use crate::openapi::Refused;

/// The shortest time between two events.
const PACE: Duration = Duration::from_millis(100);
/// More items than these are "many": whoever watches loads anew.
const MANY: usize = 200;
/// Events that are kept for watchers that come back; at 200 items each they are a megabyte at most.
const KEPT: usize = 128;
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// An event as it goes out.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    id: u64,
    data: Arc<str>,
}

/// The events, for any number of watchers.
pub(crate) struct Events {
    /// Tells the events of this run of the program from those of another.
    run: u64,
    notices: broadcast::Sender<Notice>,
    plain: broadcast::Sender<Arc<str>>,
    /// The last ones, for watchers that come back.
    kept: Mutex<VecDeque<Notice>>,
}

impl Events {
    /// No event yet, in a run that began then.
    pub(crate) fn new(began: Millis) -> Self {
        Self {
            run: began.0.unsigned_abs(),
            notices: broadcast::channel(KEPT).0,
            plain: broadcast::channel(KEPT).0,
            kept: Mutex::default(),
        }
    }

    /// Watches from now on, or from behind an event that was seen: what was missed comes first.
    fn watch(&self, seen: Option<&str>) -> (Vec<Notice>, broadcast::Receiver<Notice>) {
        // While nothing can be sent, nothing falls between what was missed and what is to come.
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let missed = seen.map_or_else(Vec::new, |seen| self.missed(&kept, seen));
        (missed, self.notices.subscribe())
    }

    fn missed(&self, kept: &VecDeque<Notice>, seen: &str) -> Vec<Notice> {
        let last = kept.back().map_or(0, |notice| notice.id);
        let seen: Option<(u64, u64)> =
            seen.split_once('-').and_then(|(run, id)| Some((run.parse().ok()?, id.parse().ok()?)));
        let oldest = kept.front().map_or(1, |notice| notice.id);
        match seen {
            Some((run, id)) if run == self.run && (oldest..=last + 1).contains(&id.saturating_add(1)) => {
                kept.iter().filter(|notice| notice.id > id).cloned().collect()
            }
            // Too long ago, or of another run: something was missed, and nobody knows what.
            _ => vec![Notice { id: last, data: ChangedEvent::json(&everything()).into() }],
        }
    }

    fn event(&self, notice: &Notice) -> Event {
        Event::default().event("changed").id(format!("{}-{}", self.run, notice.id)).data(&*notice.data)
    }

    /// The JSON of each event from now on.
    pub(crate) fn plain(&self) -> broadcast::Receiver<Arc<str>> {
        self.plain.subscribe()
    }

    /// Passes on what changes until there is nothing more to come or `stop`.
    pub(crate) async fn pass_on(&self, mut changes: broadcast::Receiver<Changed>, stop: CancellationToken) {
        let mut id = 0;
        let mut next = Instant::now();
        loop {
            let first = tokio::select! {
                first = changes.recv() => first,
                () = stop.cancelled() => return,
            };
            let Some(mut gathered) = all_when_missed(first) else { return };
            // The first of a burst goes out at once, the rest of it together when the pace allows. Until then nobody is
            // woken for each: what does not fit into the channel is "many" anyway.
            sleep_until(next).await;
            while let Some(more) = at_hand(&mut changes) {
                add(&mut gathered, more);
            }
            next = Instant::now() + PACE;
            id += 1;
            self.send(id, &gathered);
        }
    }

    fn send(&self, id: u64, changed: &Changed) {
        let data: Arc<str> = ChangedEvent::json(changed).into();
        // An error only means that nobody watches.
        let _ = self.plain.send(Arc::clone(&data));
        let notice = Notice { id, data };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(notice.clone());
        let _ = self.notices.send(notice);
    }
}

/// The next change; "everything" for one who could not keep up; `None` when there is no more to come.
fn all_when_missed(received: Result<Changed, RecvError>) -> Option<Changed> {
    match received {
        Ok(changed) => Some(changed),
        Err(RecvError::Lagged(_)) => Some(everything()),
        Err(RecvError::Closed) => None,
    }
}

/// A change that is there already; "everything" for one who could not keep up.
fn at_hand(changes: &mut broadcast::Receiver<Changed>) -> Option<Changed> {
    match changes.try_recv() {
        Ok(changed) => Some(changed),
        Err(TryRecvError::Lagged(_)) => Some(everything()),
        Err(TryRecvError::Empty | TryRecvError::Closed) => None,
    }
}

fn everything() -> Changed {
    Changed { items: None, orgs: true, routes: true }
}

fn add(gathered: &mut Changed, more: Changed) {
    gathered.orgs |= more.orgs;
    gathered.routes |= more.routes;
    match (&mut gathered.items, more.items) {
        (Some(known), Some(more)) => {
            for id in more {
                if !known.contains(&id) {
                    known.push(id);
                }
            }
            if known.len() > MANY {
                gathered.items = None;
            }
        }
        (items, _) => *items = None,
    }
}

/// What changes, as server-sent events.
///
/// The data of each event `changed` is `{"items": [ID…] | null, "orgs": bool, "routes": bool}`; null means many. With
/// `Last-Event-ID` the stream goes on behind that event, or says that anything may have changed.
#[utoipa::path(get, path = "/events", tag = "events", responses((status = 200, content_type = "text/event-stream", body = String), Refused))]
pub(crate) async fn handle(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let seen = headers.get("last-event-id").map(|seen| seen.to_str().unwrap_or_default());
    let (missed, watch) = app.events.watch(seen);
    let stop = app.stop.clone().cancelled_owned();
    let missed: Vec<Event> = missed.iter().map(|notice| app.events.event(notice)).collect();
    let first = stream::iter(missed.into_iter().map(Ok));
    let events = stream::unfold((watch, app), |(mut watch, app)| async move {
        let event = match watch.recv().await {
            Ok(notice) => app.events.event(&notice),
            // The next one has an ID again; to come back behind this one is to be told everything once more.
            Err(RecvError::Lagged(_)) => {
                Event::default().event("changed").data(ChangedEvent::json(&everything()))
            }
            Err(RecvError::Closed) => return None,
        };
        Some((Ok(event), (watch, app)))
    });
    let stream = first.chain(events).take_until(stop);
    Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE).text("keep-alive"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use uuid::Uuid;

    fn item(n: u128) -> Changed {
        Changed { items: Some(vec![Uuid::from_u128(n)]), ..Changed::default() }
    }

    #[test]
    fn changes_of_a_moment_become_one() {
        let mut gathered = item(1);
        add(&mut gathered, item(2));
        add(&mut gathered, item(1));
        add(&mut gathered, Changed { items: Some(vec![]), orgs: true, routes: false });
        let expected =
            Changed { items: Some(vec![Uuid::from_u128(1), Uuid::from_u128(2)]), orgs: true, routes: false };
        assert_eq!(gathered, expected);
    }

    #[test]
    fn too_many_items_are_many() {
        let mut gathered = item(0);
        for n in 1..=MANY as u128 {
            add(&mut gathered, item(n));
        }
        assert_eq!(gathered.items, None);
        add(&mut gathered, item(1));
        assert_eq!(gathered.items, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_storm_of_changes_is_told_ten_times_a_second() {
        let (changes, receiver) = broadcast::channel(16);
        let events = Events::new(Millis(7));
        let mut watch = events.plain();
        let storm = async move {
            let mut tick = tokio::time::interval(Duration::from_millis(1));
            for n in 0..1_000 {
                tick.tick().await;
                changes.send(item(n)).unwrap();
            }
        };
        let ((), ()) = tokio::join!(events.pass_on(receiver, CancellationToken::new()), storm);
        let mut told = 0;
        while watch.try_recv().is_ok() {
            told += 1;
        }
        assert!((10..=11).contains(&told), "{told}");
    }

    #[rstest]
    #[case::nothing_missed("7-130", &[])]
    #[case::some_missed("7-128", &["7-129", "7-130"])]
    #[case::as_long_ago_as_is_kept("7-2", &["7-3"])]
    #[case::too_long_ago("7-1", &["everything"])]
    #[case::another_run("6-130", &["everything"])]
    #[case::from_the_future("7-131", &["everything"])]
    #[case::no_id_of_ours("x", &["everything"])]
    #[case::empty("", &["everything"])]
    #[case::too_large("7-18446744073709551615", &["everything"])]
    fn whoever_comes_back_hears_what_was_missed(#[case] seen: &str, #[case] expected: &[&str]) {
        let events = Events::new(Millis(7));
        for id in 1..=130 {
            events.send(id, &item(u128::from(id)));
        }
        let (missed, _) = events.watch(Some(seen));
        let told: Vec<String> = missed
            .iter()
            .map(|notice| match &*notice.data {
                r#"{"items":null,"orgs":true,"routes":true}"# => "everything".to_owned(),
                _ => format!("7-{}", notice.id),
            })
            .collect();
        assert_eq!(told[..expected.len()], *expected);
        assert!(told.len() == expected.len() || expected == ["7-3"], "{told:?}");
    }

    #[test]
    fn whoever_comes_for_the_first_time_has_missed_nothing() {
        let events = Events::new(Millis(7));
        events.send(1, &item(1));
        assert!(events.watch(None).0.is_empty());
    }

    #[tokio::test]
    async fn whoever_could_not_keep_up_hears_that_everything_changed() {
        let (changes, receiver) = broadcast::channel(1);
        let events = Events::new(Millis(7));
        let mut watch = events.plain();
        changes.send(item(1)).unwrap();
        changes.send(item(2)).unwrap();
        drop(changes);
        events.pass_on(receiver, CancellationToken::new()).await;
        assert_eq!(&*watch.try_recv().unwrap(), r#"{"items":null,"orgs":true,"routes":true}"#);
    }
}
