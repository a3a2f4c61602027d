//! Browser sessions: a one-time link becomes a cookie.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, header};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use sync_monitor_domain::Millis;

/// The cookie's name.
pub(crate) const COOKIE: &str = "sync_monitor_session";
/// How long a one-time link is good for.
const LINK_LIFE: Duration = Duration::from_mins(1);
/// A session that nobody used for so long is over.
const IDLE_LIFE: Duration = Duration::from_hours(12);
/// More than anyone has open; the one that was used least recently makes room.
const MOST: usize = 64;

type Hash = [u8; 32];

/// The links and sessions in force, by the hash of their secret: a secret is looked up, never compared byte by byte.
#[derive(Default)]
pub(crate) struct Sessions {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// When each link was made.
    links: HashMap<Hash, Millis>,
    /// When each session was last used.
    sessions: HashMap<Hash, Millis>,
}

/// No randomness is to be had from the operating system.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random numbers: {0}")]
pub(crate) struct NoRandomness(getrandom::Error);

impl Sessions {
    /// Makes a link's secret, and says when it ends.
    pub(crate) fn make_link(&self, now: Millis) -> Result<(SecretString, Millis), NoRandomness> {
        let secret = secret()?;
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.links.retain(|_, made| alive(*made, now, LINK_LIFE));
        make_room(&mut inner.links);
        inner.links.insert(hash(secret.expose_secret()), now);
        Ok((secret, now.plus(LINK_LIFE)))
    }

    /// Takes a link's secret, which is good once, and gives a session's; `None` when it is not good (any more).
    pub(crate) fn open(&self, link: &str, now: Millis) -> Result<Option<SecretString>, NoRandomness> {
        let session = secret()?;
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(made) = inner.links.remove(&hash(link)) else { return Ok(None) };
        if !alive(made, now, LINK_LIFE) {
            return Ok(None);
        }
        inner.sessions.retain(|_, used| alive(*used, now, IDLE_LIFE));
        make_room(&mut inner.sessions);
        inner.sessions.insert(hash(session.expose_secret()), now);
        Ok(Some(session))
    }

    /// Is there a session with this secret? If so it counts as used now.
    pub(crate) fn use_now(&self, session: &str, now: Millis) -> bool {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let key = hash(session);
        match inner.sessions.get_mut(&key) {
            Some(used) if alive(*used, now, IDLE_LIFE) => {
                *used = now;
                true
            }
            Some(_) => {
                inner.sessions.remove(&key);
                false
            }
            None => false,
        }
    }
}

/// The session's secret that a request brings, if it brings one.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

/// The SHA-256 of a secret, the only form in which one is kept or compared.
pub(crate) fn hash(secret: &str) -> Hash {
    Sha256::digest(secret.as_bytes()).into()
}

/// 256 random bits.
fn secret() -> Result<SecretString, NoRandomness> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(NoRandomness)?;
    Ok(hex::encode(bytes).into())
}

fn alive(from: Millis, now: Millis, life: Duration) -> bool {
    now.since(from) < life
}

fn make_room(entries: &mut HashMap<Hash, Millis>) {
    if entries.len() >= MOST
        && let Some(oldest) = entries.iter().min_by_key(|(_, used)| **used).map(|(key, _)| *key)
    {
        entries.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Millis = Millis(43_200_000);

    fn session(sessions: &Sessions) -> String {
        let (link, _) = sessions.make_link(NOON).unwrap();
        sessions.open(link.expose_secret(), NOON).unwrap().unwrap().expose_secret().to_owned()
    }

    #[test]
    fn a_link_opens_one_session_once() {
        let sessions = Sessions::default();
        let (link, ends) = sessions.make_link(NOON).unwrap();
        assert_eq!(ends, NOON.plus(Duration::from_mins(1)));
        let session = sessions.open(link.expose_secret(), NOON).unwrap().unwrap();
        assert!(sessions.use_now(session.expose_secret(), NOON));
        assert!(sessions.open(link.expose_secret(), NOON).unwrap().is_none());
        assert!(!sessions.use_now(link.expose_secret(), NOON));
    }

    #[test]
    fn a_link_ends_after_a_minute() {
        let sessions = Sessions::default();
        let (link, ends) = sessions.make_link(NOON).unwrap();
        assert!(sessions.open(link.expose_secret(), ends).unwrap().is_none());
    }

    #[test]
    fn a_session_ends_when_it_is_not_used_for_half_a_day() {
        let sessions = Sessions::default();
        let session = session(&sessions);
        let nearly = NOON.plus(IDLE_LIFE.saturating_sub(Duration::from_millis(1)));
        assert!(sessions.use_now(&session, nearly));
        assert!(sessions.use_now(&session, nearly.plus(Duration::from_mins(1))), "use prolongs it");
        assert!(!sessions.use_now(&session, nearly.plus(Duration::from_mins(1)).plus(IDLE_LIFE)));
    }

    #[test]
    fn sessions_do_not_grow_without_bound() {
        let sessions = Sessions::default();
        for _ in 0..=MOST {
            session(&sessions);
        }
        assert_eq!(sessions.inner.lock().unwrap().sessions.len(), MOST);
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let mut headers = HeaderMap::new();
        assert_eq!(cookie(&headers), None);
        headers.insert(header::COOKIE, "theme=dark; sync_monitor_session=abc; x=y".parse().unwrap());
        assert_eq!(cookie(&headers), Some("abc"));
        headers.insert(header::COOKIE, "not_sync_monitor_session=abc".parse().unwrap());
        assert_eq!(cookie(&headers), None);
    }
}
