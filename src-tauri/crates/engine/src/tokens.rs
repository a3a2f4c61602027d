//! Integration tokens in memory, so that a request costs no look into the database.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use sync_monitor_domain::clock::Millis;
use sync_monitor_store::model::Token;

use crate::{Error, Grant};

/// The tokens that are good, by the SHA-256 of their secret.
///
/// Looking one up by its hash gives nothing away: what an attacker could time is the hash of his own guess.
#[derive(Default)]
pub(crate) struct Tokens(RwLock<HashMap<[u8; 32], Good>>);

/// What a token may do, and when it ends.
type Good = (Grant, Option<Millis>);

impl Tokens {
    pub(crate) fn load(&self, tokens: Vec<Token>) {
        let good = tokens.into_iter().filter(|token| token.revoked_at.is_none());
        let map =
            good.map(|t| (t.secret_hash, (Grant { id: t.id, sources: t.sources }, t.expires_at))).collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = map;
    }

    pub(crate) fn find(&self, secret: &str, now: Millis) -> Option<Grant> {
        let tokens = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (grant, expires_at) = tokens.get(&hash(secret))?;
        expires_at.is_none_or(|end| now < end).then(|| grant.clone())
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
