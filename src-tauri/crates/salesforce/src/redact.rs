//! Cutting tokens, and then the length, out of what an org says, before anybody keeps or shows it.

use secrecy::{ExposeSecret as _, SecretString};

/// What stands in place of a token.
const CUT: &str = "[token removed]";
/// The fewest characters of something that is looked for.
const SHORTEST: usize = 8;

/// `text` without any of `secrets`, as they are and as a URL or JSON writes them.
pub(crate) fn clean(text: &str, secrets: &[SecretString]) -> String {
    let mut clean = text.to_owned();
    for secret in secrets {
        let secret = secret.expose_secret();
        // A "secret" of a few letters would cut up every text.
        if secret.len() < SHORTEST {
            continue;
        }
        for form in forms(secret) {
            if clean.contains(&form) {
                clean = clean.replace(&form, CUT);
            }
        }
    }
    clean
}

/// The first `longest` characters of a text, with a sign where there were more.
pub(crate) fn shorten(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The ways in which an answer may write a token: a page or a redirect percent-encodes the `!` of an access token, some
/// JSON writers escape `/` or `=`.
fn forms(secret: &str) -> Vec<String> {
    let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let mut forms = vec![
        secret.to_owned(),
        lower_case_escapes(&encoded),
        encoded,
        secret.replace('/', "\\/"),
        secret.replace('=', "\\u003d"),
        secret.replace('=', "\\u003D"),
    ];
    forms.dedup();
    forms
}

/// `%2F` as `%2f`.
fn lower_case_escapes(encoded: &str) -> String {
    let mut escape = 0;
    let lower = |c: char| {
        escape = if c == '%' { 2 } else { escape };
        if c != '%' && escape > 0 {
            escape -= 1;
            return c.to_ascii_lowercase();
        }
        c
    };
    encoded.chars().map(lower).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn every_occurrence_of_every_token_is_cut_out() {
        let secrets = [SecretString::from("00Dx!access.token"), SecretString::from("5Aep.refresh")];
        assert_eq!(
            clean("bad 00Dx!access.token and 5Aep.refresh, again 00Dx!access.token", &secrets),
            "bad [token removed] and [token removed], again [token removed]"
        );
    }

    #[rstest]
    #[case::in_a_url("https://acme.example/?sid=00Dx%21access%2Ftoken%3D")]
    #[case::in_a_url_in_lower_case("https://acme.example/?sid=00Dx%21access%2ftoken%3d")]
    #[case::in_json_with_escaped_slashes(r#"{"sid":"00Dx!access\/token="}"#)]
    #[case::in_json_with_escaped_signs(r#"{"sid":"00Dx!access/token\u003d"}"#)]
    fn a_token_is_cut_out_however_the_answer_writes_it(#[case] text: &str) {
        let clean = clean(text, &[SecretString::from("00Dx!access/token=")]);
        assert!(clean.contains(CUT) && !clean.contains("access"), "{clean}");
    }

    #[rstest]
    #[case("Größe", 5, "Größe")]
    #[case("Größe", 4, "Größ…")]
    #[case("", 0, "")]
    fn a_long_text_is_cut_between_characters(
        #[case] text: &str,
        #[case] longest: usize,
        #[case] short: &str,
    ) {
        assert_eq!(shorten(text, longest), short);
    }

    #[test]
    fn what_is_too_short_to_be_a_token_leaves_the_text_alone() {
        assert_eq!(clean("a tale of a cat", &[SecretString::from("a")]), "a tale of a cat");
    }
}
