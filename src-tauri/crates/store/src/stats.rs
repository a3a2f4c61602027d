//! What happened when: counters of each minute and org, delivery times by class, and the times when the program ran.

use std::collections::HashMap;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _};
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::ids::OrgId;

use crate::error::Result;
use crate::model::{Bucket, Gap, Happened, Stats};

const MINUTE: i64 = 60_000;
/// Classes of delivery times in each doubling: a class is right to about 9 %.
const STEPS: f64 = 4.0;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// An item was made.
    Accepted,
    Failed,
    /// An attempt failed, and another is planned.
    Retried,
    Superseded,
    Echo,
    /// Delivered, so long after its acceptance.
    Synced(Duration),
}

/// A minute since 1970, and the row of the org that it is about.
type Place = (i64, i64);

/// What happened in one group of writes.
#[derive(Debug, Default)]
pub(crate) struct Happenings {
    minutes: HashMap<Place, Happened>,
    times: HashMap<(Place, u32), u64>,
}

impl Happenings {
    /// Something happened so often, to what goes to an org, or came back from it as an echo.
    pub(crate) fn note(&mut self, at: Millis, org: i64, event: Event, n: u64) {
        let place = (at.0.div_euclid(MINUTE), org);
        let counts = self.minutes.entry(place).or_default();
        match event {
            Event::Accepted => counts.accepted += n,
            Event::Failed => counts.failed += n,
            Event::Retried => counts.retried += n,
            Event::Superseded => counts.superseded += n,
            Event::Echo => counts.echoes += n,
            Event::Synced(took) => {
                counts.synced += n;
                *self.times.entry((place, class(took))).or_default() += n;
            }
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (place, counts) in other.minutes {
            self.minutes.entry(place).or_default().add(&counts);
        }
        for (key, n) in other.times {
            *self.times.entry(key).or_default() += n;
        }
    }

    pub(crate) fn write(self, sql: &Connection) -> Result<()> {
        for ((minute, org), c) in self.minutes {
            sql.prepare_cached(
                "INSERT INTO minutes (at, org, accepted, synced, failed, retried, superseded, echoes)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE SET accepted = accepted + ?3,
                   synced = synced + ?4, failed = failed + ?5, retried = retried + ?6,
                   superseded = superseded + ?7, echoes = echoes + ?8",
            )?
            .execute((
                minute,
                org,
                c.accepted,
                c.synced,
                c.failed,
                c.retried,
                c.superseded,
                c.echoes,
            ))?;
        }
        for (((minute, org), class), n) in self.times {
            sql.prepare_cached(
                "INSERT INTO delivery_times (at, org, class, n) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET n = n + ?4",
            )?
            .execute((minute, org, class, n))?;
        }
        Ok(())
    }
}

/// The class of a time: 0 for up to a millisecond, then four in each doubling.
fn class(took: Duration) -> u32 {
    let millis = took.as_secs_f64() * 1_000.0;
    if millis <= 1.0 {
        return 0;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most a few hundred, and not negative"
    )]
    let class = (millis.log2() * STEPS).ceil() as u32;
    class
}

/// The middle of a class, in milliseconds.
fn middle(class: u32) -> u64 {
    if class == 0 {
        return 1;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "no class is so high")]
    let middle = ((f64::from(class) - 0.5) / STEPS).exp2().round() as u64;
    middle
}

/// The time that a share of the deliveries took at the most.
fn quantile(classes: &[(u32, u64)], share: f64) -> Option<u64> {
    let all: u64 = classes.iter().map(|(_, n)| n).sum();
    #[expect(clippy::cast_precision_loss, reason = "a quantile of so many need not be exact")]
    let wanted = (all as f64) * share;
    let mut seen = 0;
    for (class, n) in classes {
        seen += n;
        #[expect(clippy::cast_precision_loss, reason = "as above")]
        if seen as f64 >= wanted {
            return Some(middle(*class));
        }
    }
    None
}

/// What happened from `from` to `to`, to all orgs or to one, in buckets that begin at multiples of `bucket`.
pub(crate) fn read(
    sql: &Connection,
    from: Millis,
    to: Millis,
    bucket: Duration,
    org: Option<OrgId>,
) -> Result<Stats> {
    let width = i64::try_from(bucket.as_millis()).unwrap_or(i64::MAX).max(MINUTE);
    let first = from.0.div_euclid(width);
    let last = (to.0 - 1).div_euclid(width).max(first);
    let runs = runs(sql, Millis(first * width), to)?;
    let mut buckets: Vec<Bucket> = (first..=last)
        .map(|index| {
            let (start, end) = (index * width, ((index + 1) * width).min(to.0));
            Bucket { at: Millis(start), running: running(&runs, start, end), ..Bucket::default() }
        })
        .collect();
    let place = |minute: i64| usize::try_from((minute * MINUTE).div_euclid(width) - first).ok();
    let bounds =
        (first * width / MINUTE, to.0.div_euclid(MINUTE), org.as_ref().map(|org| org.as_str().to_owned()));
    let mut minutes = sql.prepare_cached(
        "SELECT at, accepted, synced, failed, retried, superseded, echoes FROM minutes
         WHERE at BETWEEN ?1 AND ?2 AND (?3 IS NULL OR org = (SELECT id FROM orgs WHERE org_id = ?3))",
    )?;
    let mut rows = minutes.query((bounds.0, bounds.1, &bounds.2))?;
    while let Some(row) = rows.next()? {
        let counts = Happened {
            accepted: row.get(1)?,
            synced: row.get(2)?,
            failed: row.get(3)?,
            retried: row.get(4)?,
            superseded: row.get(5)?,
            echoes: row.get(6)?,
        };
        if let Some(bucket) = place(row.get(0)?).and_then(|index| buckets.get_mut(index)) {
            bucket.happened.add(&counts);
        }
    }
    let mut classes: Vec<HashMap<u32, u64>> = vec![HashMap::new(); buckets.len()];
    let mut times = sql.prepare_cached(
        "SELECT at, class, n FROM delivery_times
         WHERE at BETWEEN ?1 AND ?2 AND (?3 IS NULL OR org = (SELECT id FROM orgs WHERE org_id = ?3))",
    )?;
    let mut rows = times.query((bounds.0, bounds.1, &bounds.2))?;
    while let Some(row) = rows.next()? {
        if let Some(classes) = place(row.get(0)?).and_then(|index| classes.get_mut(index)) {
            *classes.entry(row.get(1)?).or_default() += row.get::<_, u64>(2)?;
        }
    }
    let mut all: HashMap<u32, u64> = HashMap::new();
    let mut total = Bucket { at: Millis(first * width), ..Bucket::default() };
    for (bucket, classes) in buckets.iter_mut().zip(classes) {
        for (class, n) in &classes {
            *all.entry(*class).or_default() += n;
        }
        set_times(bucket, classes);
        total.happened.add(&bucket.happened);
        total.running += bucket.running;
    }
    set_times(&mut total, all);
    Ok(Stats { buckets, total, gaps: gaps(&runs, from, to) })
}

fn set_times(bucket: &mut Bucket, classes: HashMap<u32, u64>) {
    let mut sorted: Vec<(u32, u64)> = classes.into_iter().collect();
    sorted.sort_unstable();
    bucket.p50_ms = quantile(&sorted, 0.5);
    bucket.p95_ms = quantile(&sorted, 0.95);
}

fn runs(sql: &Connection, from: Millis, to: Millis) -> Result<Vec<(i64, i64)>> {
    let mut statement = sql.prepare_cached(
        "SELECT started_at, seen_at FROM runs WHERE seen_at >= ?1 AND started_at < ?2 ORDER BY started_at",
    )?;
    let rows = statement.query_map((from.0, to.0), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn running(runs: &[(i64, i64)], from: i64, to: i64) -> Duration {
    let millis = runs.iter().map(|(start, end)| (end.min(&to) - start.max(&from)).max(0)).sum::<i64>();
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

/// The times between runs. What lies before the first run that is known is no gap: there was nothing to run.
fn gaps(runs: &[(i64, i64)], from: Millis, to: Millis) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let mut last: Option<i64> = None;
    for (start, end) in runs {
        if let Some(last) = last.filter(|last| start > last) {
            gaps.push(Gap { from: Millis(last).max(from), to: Millis(*start).min(to) });
        }
        last = Some(last.map_or(*end, |last| last.max(*end)));
    }
    gaps
}

/// A run begins: of the program, or of the machine after a sleep.
pub(crate) fn begin_run(sql: &Connection, at: Millis) -> Result<()> {
    sql.prepare_cached("INSERT INTO runs (started_at, seen_at) VALUES (?1, ?1)")?.execute([at.0])?;
    Ok(())
}

/// When the program was last known to run.
pub(crate) fn last_seen(sql: &Connection) -> Result<Option<Millis>> {
    let seen: Option<i64> = sql
        .prepare_cached("SELECT seen_at FROM runs ORDER BY id DESC LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(seen.map(Millis))
}

/// The run goes on.
pub(crate) fn go_on(sql: &Connection, at: Millis) -> Result<()> {
    sql.prepare_cached(
        "UPDATE runs SET seen_at = max(seen_at, ?1) WHERE id = (SELECT max(id) FROM runs) AND started_at <= ?1",
    )?
    .execute([at.0])?;
    Ok(())
}

/// Forgets what happened before a time.
pub(crate) fn clear(sql: &Connection, before: Millis) -> Result<()> {
    let minute = before.0.div_euclid(MINUTE);
    sql.prepare_cached("DELETE FROM minutes WHERE at < ?1")?.execute([minute])?;
    sql.prepare_cached("DELETE FROM delivery_times WHERE at < ?1")?.execute([minute])?;
    sql.prepare_cached("DELETE FROM runs WHERE seen_at < ?1 AND id < (SELECT max(id) FROM runs)")?
        .execute([before.0])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    proptest! {
        #[test]
        fn a_class_tells_a_time_to_about_a_tenth(millis in 2_u64..10_000_000) {
            let told = middle(class(Duration::from_millis(millis)));
            #[expect(clippy::cast_precision_loss)]
            let ratio = told as f64 / millis as f64;
            prop_assert!((0.75..1.25).contains(&ratio), "{millis} is told as {told}");
        }
    }

    #[rstest]
    #[case(&[], 0.5, None)]
    #[case(&[(8, 1)], 0.95, Some(8))]
    #[case(&[(0, 95), (40, 5)], 0.95, Some(1))]
    #[case(&[(0, 94), (40, 6)], 0.95, Some(40))]
    fn a_quantile_is_that_of_the_classes(
        #[case] classes: &[(u32, u64)],
        #[case] share: f64,
        #[case] class: Option<u32>,
    ) {
        let expected = class.map(|class| if class == 1 { 1 } else { middle(class) });
        assert_eq!(quantile(classes, share), expected);
    }

    #[test]
    fn gaps_lie_between_runs() {
        let runs = [(100, 200), (200, 300), (500, 900), (600, 700), (1_000, 1_100)];
        let told = gaps(&runs, Millis(0), Millis(2_000));
        assert_eq!(
            told,
            [Gap { from: Millis(300), to: Millis(500) }, Gap { from: Millis(900), to: Millis(1_000) }]
        );
        assert_eq!(running(&runs[..2], 150, 250), Duration::from_millis(100));
    }
}
