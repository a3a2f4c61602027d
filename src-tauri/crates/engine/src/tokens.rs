//! Integration tokens in memory, so that a request costs no look into the database.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{PoisonError, RwLock};

use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use sync_monitor_domain::clock::Millis;
use sync_monitor_store::model::Token;
use uuid::Uuid;

use crate::{Engine, Error, Grant};

/// The tokens that are good, by the SHA-256 of their secret.
///
/// Looking one up by its hash gives nothing away: what an attacker could time is the hash of his own guess.
#[derive(Default)]
pub(crate) struct Tokens(RwLock<HashMap<[u8; 32], Good>>);

/// A token that is good.
struct Good {
    grant: Grant,
    expires_at: Option<Millis>,
    /// When it was last used, and what of that is written down; [`NEVER`] for never.
    last_used: AtomicI64,
    saved: AtomicI64,
}

const NEVER: i64 = i64::MIN;

impl Good {
    fn new(token: Token) -> Self {
        let last_used = token.last_used_at.map_or(NEVER, |at| at.0);
        Self {
            grant: Grant { id: token.id, sources: token.sources },
            expires_at: token.expires_at,
            last_used: AtomicI64::new(last_used),
            saved: AtomicI64::new(last_used),
        }
    }
}

impl Tokens {
    /// Takes the tokens as the store has them. What was used since that was written down must be written down before.
    pub(crate) fn load(&self, tokens: Vec<Token>) {
        let good = tokens.into_iter().filter(|token| token.revoked_at.is_none());
        *self.0.write().unwrap_or_else(PoisonError::into_inner) =
            good.map(|token| (token.secret_hash, Good::new(token))).collect();
    }

    /// What a secret may do; that it was used is remembered.
    pub(crate) fn find(&self, secret: &str, now: Millis) -> Option<Grant> {
        let tokens = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let good = tokens.get(&hash(secret))?;
        if good.expires_at.is_some_and(|end| end <= now) {
            return None;
        }
        good.last_used.store(now.0, Ordering::Relaxed);
        Some(good.grant.clone())
    }

    /// Puts in what is newer here than in the store.
    pub(crate) fn complete(&self, tokens: &mut [Token]) {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for token in tokens {
            let last_used = known.get(&token.secret_hash).map(|good| good.last_used.load(Ordering::Relaxed));
            if let Some(at) = last_used.filter(|at| *at != NEVER) {
                token.last_used_at = Some(Millis(at));
            }
        }
    }

    /// The uses that are not written down.
    pub(crate) fn unsaved(&self) -> Vec<(Uuid, Millis)> {
        let tokens = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let used = tokens.values().map(|good| (good, good.last_used.load(Ordering::Relaxed)));
        used.filter(|(good, at)| *at != good.saved.load(Ordering::Relaxed))
            .map(|(good, at)| (good.grant.id, Millis(at)))
            .collect()
    }

    /// These uses are written down.
    pub(crate) fn saved(&self, uses: &[(Uuid, Millis)]) {
        let tokens = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for good in tokens.values() {
            if let Some((_, at)) = uses.iter().find(|(id, _)| *id == good.grant.id) {
                good.saved.store(at.0, Ordering::Relaxed);
            }
        }
    }
}

impl Engine {
    /// Writes down when tokens were last used. Where that fails it is tried again: nobody waits for it.
    pub(crate) async fn save_token_uses(&self) {
        let uses = self.inner.tokens.unsaved();
        if uses.is_empty() {
            return;
        }
        match self.inner.tools.store.tokens_used(uses.clone()).await {
            Ok(()) => self.inner.tokens.saved(&uses),
            Err(error) => tracing::error!(%error, "it could not be written down when tokens were used"),
        }
    }
}

/// The SHA-256 of a secret, which is all that is kept of it.
pub(crate) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// A new secret: 256 random bits behind a prefix that secret scanners can know.
pub(crate) fn new_secret() -> Result<SecretString, Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::Refused(format!("The system gives no random numbers ({error}), so no token can be made."))
    })?;
    Ok(SecretString::from(format!("smt_{}", hex::encode(bytes))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Millis = Millis(43_200_000);

    fn token(secret: &str, last_used_at: Option<Millis>) -> Token {
        Token {
            id: Uuid::from_u128(1),
            name: "t".into(),
            sources: Vec::new(),
            secret_hash: hash(secret),
            created_at: Millis(0),
            expires_at: Some(Millis(NOON.0 + 10)),
            last_used_at,
            revoked_at: None,
        }
    }

    fn last_used(tokens: &Tokens) -> Option<Millis> {
        let mut told = [token("secret", None)];
        tokens.complete(&mut told);
        told[0].last_used_at
    }

    #[test]
    fn it_is_known_when_a_token_was_last_used_and_written_down_once() {
        let tokens = Tokens::default();
        tokens.load(vec![token("secret", None)]);
        assert_eq!((last_used(&tokens), tokens.unsaved()), (None, vec![]));
        assert!(tokens.find("another", NOON).is_none());
        assert_eq!(tokens.unsaved(), []);
        for later in [0, 1] {
            assert!(tokens.find("secret", Millis(NOON.0 + later)).is_some());
        }
        let uses = tokens.unsaved();
        assert_eq!(uses, [(Uuid::from_u128(1), Millis(NOON.0 + 1))]);
        tokens.find("secret", Millis(NOON.0 + 2)).unwrap();
        tokens.saved(&uses);
        assert_eq!(tokens.unsaved(), [(Uuid::from_u128(1), Millis(NOON.0 + 2))], "used while it was written");
        tokens.saved(&tokens.unsaved());
        assert_eq!((last_used(&tokens), tokens.unsaved()), (Some(Millis(NOON.0 + 2)), vec![]));
    }

    #[test]
    fn what_the_store_knows_is_known_after_a_start_and_a_token_that_has_expired_is_not_used() {
        let tokens = Tokens::default();
        tokens.load(vec![token("secret", Some(NOON))]);
        assert!(tokens.find("secret", Millis(NOON.0 + 10)).is_none());
        assert_eq!((last_used(&tokens), tokens.unsaved()), (Some(NOON), vec![]));
    }
}
