//! Cutting tokens out of what an org says, before anybody keeps or shows it.

use secrecy::{ExposeSecret as _, SecretString};

/// What stands in place of a token.
const CUT: &str = "[token removed]";

/// `text` without any of `secrets`.
pub(crate) fn clean(text: &str, secrets: &[SecretString]) -> String {
    let mut clean = text.to_owned();
    for secret in secrets {
        let secret = secret.expose_secret();
        // A "secret" of a few letters would cut up every text.
        if secret.len() >= 8 && clean.contains(secret) {
            clean = clean.replace(secret, CUT);
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_occurrence_of_every_token_is_cut_out() {
        let secrets = [SecretString::from("00Dx!access.token"), SecretString::from("5Aep.refresh")];
        assert_eq!(
            clean("bad 00Dx!access.token and 5Aep.refresh, again 00Dx!access.token", &secrets),
            "bad [token removed] and [token removed], again [token removed]"
        );
    }
}
