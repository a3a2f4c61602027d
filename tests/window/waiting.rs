//! Waiting for what gives no signal.

use std::time::Duration;

use anyhow::bail;

/// How long anything in the window may take.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// How often what gives no signal is looked at.
pub(crate) const LOOK: Duration = Duration::from_millis(50);

/// Looks until there is something, and returns it.
pub(crate) async fn until<T>(
    what: &str,
    mut look: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let mut looks = tokio::time::interval(LOOK);
    let waiting = async {
        loop {
            looks.tick().await;
            if let Some(found) = look().await? {
                return anyhow::Ok(found);
            }
        }
    };
    match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(found) => found,
        Err(_) => bail!("waited {} s for {what}", PATIENCE.as_secs()),
    }
}
