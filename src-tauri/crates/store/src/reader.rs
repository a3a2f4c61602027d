//! Reading beside the writer.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::error::{Error, Result};
use crate::list::Totals;
use crate::open;

/// How many reads run at once; the machine has better things to do than more.
const AT_ONCE: usize = 2;

/// Connections for reading, opened when they are first needed.
pub(crate) struct Readers {
    path: PathBuf,
    /// Each with what it has counted.
    idle: Arc<Mutex<Vec<(Connection, Totals)>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), idle: Arc::default(), permits: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Closes the connections; those in use close when they are done.
    pub(crate) fn close(&self) {
        self.permits.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Runs `read` in one read transaction, so that all it sees is of one moment.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run_counting(|sql, _| read(sql)).await
    }

    /// The same for what counts.
    pub(crate) async fn run_counting<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection, &mut Totals) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| Error::Closed)?;
        let (idle, permits, path) = (Arc::clone(&self.idle), Arc::clone(&self.permits), self.path.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let taken = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let (connection, mut totals) =
                taken.map_or_else(|| Ok((open::reader(&path)?, Totals::default())), Ok::<_, Error>)?;
            let transaction = connection.unchecked_transaction()?;
            let result = read(&transaction, &mut totals);
            transaction.finish()?;
            if !permits.is_closed() {
                idle.lock().unwrap_or_else(PoisonError::into_inner).push((connection, totals));
            }
            result
        });
        reading.await.map_err(|_| Error::Closed)?
    }
}
