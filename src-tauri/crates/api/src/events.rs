//! What changes, told to those who watch: at most ten times a second, however much changes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream, StreamExt as _};
use http::HeaderMap;
use sync_monitor_engine::Changed;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::App;
use crate::dto::ChangedEvent;
use crate::openapi::Refused;

/// The shortest time between two events.
const PACE: Duration = Duration::from_millis(100);
/// More items than these are "many": whoever watches loads anew.
const MANY: usize = 200;
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// An event as it goes out.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    id: u64,
    data: Arc<str>,
}

/// The events, for any number of watchers.
pub(crate) struct Events {
    notices: broadcast::Sender<Notice>,
    plain: broadcast::Sender<Arc<str>>,
}

impl Events {
    /// No event yet.
    pub(crate) fn new() -> Self {
        Self { notices: broadcast::channel(64).0, plain: broadcast::channel(64).0 }
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
            // The first of a burst goes out at once, the rest of it together when the pace allows.
            while let Ok(more) = timeout_at(next, changes.recv()).await {
                let Some(more) = all_when_missed(more) else { break };
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
        let _ = self.notices.send(Notice { id, data });
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
    let watch = app.events.notices.subscribe();
    // Who comes back has missed something, and nobody knows what.
    let missed = headers.contains_key("last-event-id").then(|| ChangedEvent::json(&everything()));
    let first = stream::iter(missed.map(|data| Ok(Event::default().event("changed").data(data))));
    let events = stream::unfold(watch, |mut watch| async move {
        let event = match watch.recv().await {
            Ok(Notice { id, data }) => Event::default().event("changed").id(id.to_string()).data(&*data),
            Err(RecvError::Lagged(_)) => {
                Event::default().event("changed").data(ChangedEvent::json(&everything()))
            }
            Err(RecvError::Closed) => return None,
        };
        Some((Ok(event), watch))
    });
    let stream = first.chain(events).take_until(app.stop.clone().cancelled_owned());
    Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE).text("keep-alive"))
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let events = Events::new();
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

    #[tokio::test]
    async fn whoever_could_not_keep_up_hears_that_everything_changed() {
        let (changes, receiver) = broadcast::channel(1);
        let events = Events::new();
        let mut watch = events.plain();
        changes.send(item(1)).unwrap();
        changes.send(item(2)).unwrap();
        drop(changes);
        events.pass_on(receiver, CancellationToken::new()).await;
        assert_eq!(&*watch.try_recv().unwrap(), r#"{"items":null,"orgs":true,"routes":true}"#);
    }
}
