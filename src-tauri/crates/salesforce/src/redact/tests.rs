use proptest::prelude::*;
use rstest::rstest;

use super::*;

#[test]
fn every_occurrence_of_every_token_is_cut_out() {
    let secrets = [SecretString::from("00Dx!access.token"), SecretString::from("5Aep.refresh")];
    assert_eq!(
        clean("bad 00Dx!access.token and 5Aep.refresh, again 00Dx!access.token", &secrets),
        "bad [token removed] and [token removed], again [token removed]"
    );
}

#[rstest]
#[case::in_a_url("https://acme.example/?sid=00Dx%21access%2Fsesame%3D")]
#[case::in_a_url_in_lower_case("https://acme.example/?sid=00Dx%21access%2fsesame%3d")]
#[case::in_a_url_with_every_character_escaped(
    "sid=%30%30%44%78%21%61%63%63%65%73%73%2F%73%65%73%61%6D%65%3D&x"
)]
#[case::in_json_with_escaped_slashes(r#"{"sid":"00Dx!access\/sesame="}"#)]
#[case::in_json_with_escaped_signs(r#"{"sid":"00Dx\u0021access/sesame\u003d"}"#)]
#[case::in_json_with_every_character_escaped(
    r#"{"sid":"\u0030\u0030\u0044\u0078\u0021\u0061\u0063\u0063\u0065\u0073\u0073\u002F\u0073\u0065\u0073\u0061\u006d\u0065\u003D"}"#
)]
#[case::in_json_within_json(r#"{"text":"{\"sid\":\"00Dx\\u0021access\\\/sesame=\"}"}"#)]
#[case::in_json_within_json_within_json(r#""\"\\\"00Dx\\\\u0021access\\\\\\/sesame=\\\"\"""#)]
#[case::in_a_script(r"'\x30\u{30}Dx\u{000021}access\/sesame='")]
#[case::in_an_old_script("%u0030%u0030Dx!access/sesame=")]
#[case::in_a_page("<p>00Dx&#33;access&#47;sesame&#61;</p>")]
#[case::in_a_page_in_hexadecimal("<p>00Dx&#x21;access&#X2f;sesame&#x3D;</p>")]
#[case::in_a_page_with_leading_zeros("<p>00Dx&#0000033;access&#x002F;sesame=</p>")]
#[case::in_a_page_without_semicolons("<p>00Dx&#33access&#x2Fsesame&#61</p>")]
#[case::in_a_page_without_semicolons_before_escapes("<p>&#48&#48Dx&#33%61ccess&#47sesame&#61%</p>")]
#[case::in_a_page_by_names("<p>00Dx&excl;access&sol;sesame&equals;</p>")]
#[case::in_a_page_that_was_escaped_again("<p>00Dx&amp;#33;access&amp;amp;sol;sesame=</p>")]
#[case::in_a_page_that_was_escaped_again_without_semicolons("<p>00Dx&amp#33access&amp#47sesame=</p>")]
#[case::in_a_url_in_a_page_in_json(r#"{"html":"<a href='?u=%3Fsid%3D00Dx%2521access\u0026#37;2Fsesame='>"}"#)]
#[case::in_a_mix(r"00D%78&#33;\u0061ccess%5Cu002Fsesame&amp;#x3d;")]
#[case::after_a_percent_sign("100%00Dx%21access/sesame=")]
#[case::after_what_begins_an_escape(r"\u0000Dx!access\u002fsesame=")]
#[case::before_what_goes_on_like_an_escape("00Dx!access/sesame&#61;1;")]
fn a_token_is_cut_out_however_the_answer_writes_it(#[case] text: &str) {
    let clean = clean(text, &[SecretString::from("00Dx!access/sesame=")]);
    assert!(clean.contains(CUT), "{clean}");
    for part in ["Dx", "D%78", "ccess", "esame", "0044", "%6D", "006d"] {
        assert!(!clean.contains(part), "{clean}");
    }
}

#[rstest]
#[case::a_percent_sign("pass%41word")]
#[case::an_ampersand("pass&amp;word")]
#[case::a_backslash(r"pass\u0041word")]
fn a_secret_that_looks_escaped_itself_is_cut_out(#[case] secret: &str) {
    let secrets = [SecretString::from(secret)];
    let in_json = secret.replace('\\', r"\\");
    let in_a_page = secret.replace('&', "&amp;");
    let in_a_url = secret.replace('%', "%25").replace('\\', "%5C").replace('&', "%26");
    for written in [secret.to_owned(), in_json, in_a_page, in_a_url] {
        assert_eq!(clean(&format!("a {written} z"), &secrets), format!("a {CUT} z"), "{written}");
    }
}

#[rstest]
#[case("Größe", 5, "Größe")]
#[case("Größe", 4, "Größ…")]
#[case("", 0, "")]
fn a_long_text_is_cut_between_characters(#[case] text: &str, #[case] longest: usize, #[case] short: &str) {
    assert_eq!(shorten(text, longest), short);
}

#[test]
fn what_is_too_short_to_be_a_token_leaves_the_text_alone() {
    assert_eq!(clean("a tale of a cat", &[SecretString::from("a")]), "a tale of a cat");
}

#[test]
fn secrets_that_overlap_or_hold_one_another_leave_nothing() {
    let secrets = ["abcabcabc", "abcabcabcabc", "bcabcabcX", "cabcabcXY"].map(SecretString::from);
    assert_eq!(clean("-abcabcabcabcXY-", &secrets), format!("-{CUT}-"));
}

#[rstest]
#[case::escapes_of_escapes("\\", "00Dx!access.token")]
#[case::percent_signs("%25", "00Dx!access.token")]
#[case::ampersands("&amp;", "00Dx!access.token")]
#[case::ampersands_without_an_end("&amp", "00Dx!access.token")]
#[case::zeros_of_a_number("&#0", "00Dx!access.token")]
#[case::a_number_without_an_end("0", "00Dx!access.token")]
#[case::names("&DiacriticalGrav", "00Dx!access.token")]
#[case::beginnings_of_the_token("00Dx!access.toke", "00Dx!access.token")]
#[case::escaped_beginnings(r"\u0030\u0030Dx!access.toke", "00Dx!access.token")]
#[case::the_token("00Dx!access.token", "00Dx!access.token")]
#[case::the_token_in_the_token(
    "a",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)]
#[case::all_but_its_end("a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab")]
#[case::all_but_its_beginning(
    "%61",
    "baaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)]
fn a_mebibyte_that_means_harm_is_gone_through_once(#[case] part: &str, #[case] secret: &str) {
    let text = part.repeat((1 << 20) / part.len());
    // Secrets that begin alike, as a token server might give them out.
    let secrets: Vec<SecretString> = (0..5)
        .map(|n| SecretString::from(format!("{secret}{n}")))
        .chain([SecretString::from(secret)])
        .collect();
    let clean = clean(&text, &secrets);
    let holds = text.contains(secret);
    assert_eq!(clean.contains(CUT), holds);
    assert_eq!(text.starts_with(&clean), !holds);
    assert!(clean.len() <= READ / 2);
}

#[test]
fn a_token_at_the_end_of_what_is_read_leaves_no_half_behind() {
    let secret = "00Dx!access.token";
    for ahead in (READ / 2 - 20..READ / 2 + 2).chain(READ - 20..READ + 2) {
        let text = format!("{}{secret}{}", "x".repeat(ahead), "y".repeat(READ));
        let clean = clean(&text, &[SecretString::from(secret)]);
        assert!(!clean.contains("00D") && clean.len() >= READ / 2 - secret.len(), "{ahead}: {}", clean.len());
    }
}

/// A way to write a character.
#[derive(Debug, Clone, Copy)]
enum Writing {
    Itself,
    Percent,
    PercentLowerCase,
    Json,
    JsonUpperCase,
    Braces,
    Short,
    Decimal,
    Hexadecimal,
    Zeros,
    Named,
}

fn written(c: char, how: Writing) -> String {
    let n = u32::from(c);
    match how {
        Writing::Itself => c.to_string(),
        Writing::Percent => format!("%{n:02X}"),
        Writing::PercentLowerCase => format!("%{n:02x}"),
        Writing::Json => format!("\\u{n:04x}"),
        Writing::JsonUpperCase => format!("\\u{n:04X}"),
        Writing::Braces => format!("\\u{{{n:x}}}"),
        Writing::Short if "/\\\"'".contains(c) => format!("\\{c}"),
        Writing::Short => format!("\\x{n:02x}"),
        Writing::Decimal => format!("&#{n};"),
        Writing::Hexadecimal => format!("&#x{n:x};"),
        Writing::Zeros => format!("&#000{n};"),
        Writing::Named => match c {
            '!' => "&excl;".into(),
            '.' => "&period;".into(),
            '=' => "&equals;".into(),
            '_' => "&lowbar;".into(),
            '/' => "&sol;".into(),
            '+' => "&plus;".into(),
            _ => format!("&#{n};"),
        },
    }
}

fn any_writing() -> impl Strategy<Value = Writing> {
    prop::sample::select(vec![
        Writing::Itself,
        Writing::Percent,
        Writing::PercentLowerCase,
        Writing::Json,
        Writing::JsonUpperCase,
        Writing::Braces,
        Writing::Short,
        Writing::Decimal,
        Writing::Hexadecimal,
        Writing::Zeros,
        Writing::Named,
    ])
}

/// A text in the token's place, each character written in a way of its own.
fn mixed(token: &str, writings: &[Writing]) -> String {
    token.chars().zip(writings.iter().cycle()).map(|(c, how)| written(c, *how)).collect()
}

/// What a text becomes inside another: in a URL, in JSON, in a page. Each has what it must escape; `more` says what else it
/// does. A page has backslashes, and what they begin, as they are.
fn inside(text: &str, layer: usize, more: &[bool]) -> String {
    let each = text.chars().zip(more.iter().cycle());
    let in_script = text.contains('\\');
    each.map(|(c, more)| match layer {
        0 if *more || c == '%' || c == '\\' => written(c, Writing::Percent),
        1 if c == '\\' || c == '"' => written(c, Writing::Short),
        1 if *more => written(c, Writing::Json),
        2 if c == '&' => "&amp;".into(),
        2 if *more && !in_script => written(c, Writing::Decimal),
        _ => c.into(),
    })
    .collect()
}

proptest! {
    #[test]
    fn a_token_written_in_any_mix_and_inside_other_texts_is_cut_out_and_nothing_else(
        token in "00D[A-Za-z0-9]{5,12}![A-Za-z0-9._/+=-]{8,60}",
        writings in prop::collection::vec(any_writing(), 1..80),
        layers in prop::collection::vec((0usize..3, prop::collection::vec(any::<bool>(), 1..9)), 0..LAYERS),
        // An escape that the token's own first character would end ("%3" before "0") is a part of the token: so none is open.
        before in "(([ %&#;xu{}0-9a-f\\\\/\"'é-]|amp;){0,12}[ \"'é])?",
        after in "([ %&#;xu{}0-9a-f\\\\/\"'é-]|amp;){0,12}",
    ) {
        let mut text = mixed(&token, &writings);
        for (layer, more) in layers {
            text = inside(&text, layer, &more);
        }
        let cleaned = clean(&format!("{before}{text}{after}"), &[SecretString::from(token)]);
        // Backslashes before the token may be read as the beginning of its first character.
        let rest = cleaned.strip_prefix(before.trim_end_matches('\\'));
        let rest = rest.and_then(|rest| rest.strip_suffix(after.as_str()));
        prop_assert_eq!(rest.map(|rest| rest.trim_start_matches('\\')), Some(CUT), "{}", cleaned);
    }

    #[test]
    fn a_token_written_in_any_mix_and_that_again_in_any_mix_is_cut_out_and_nothing_else(
        token in "00D[A-Za-z0-9]{5,12}![A-Za-z0-9._/+=-]{8,60}",
        writings in prop::collection::vec(any_writing(), 1..80),
        again in prop::collection::vec(any_writing(), 1..80),
        in_json in any::<bool>(),
        // An escape that the token's own first character would end ("%3" before "0") is a part of the token: so none is open.
        before in "(([ %&#;xu{}0-9a-f\\\\/\"'é-]|amp;){0,12}[ \"'é])?",
        after in "([ %&#;xu{}0-9a-f\\\\/\"'é-]|amp;){0,12}",
    ) {
        // Two backslashes are one or two, but not now this and now that within one token.
        let again: Vec<Writing> =
            again.into_iter().map(|how| if matches!(how, Writing::Short) { Writing::Itself } else { how }).collect();
        let mut text = mixed(&mixed(&token, &writings), &again);
        if in_json {
            text = inside(&text, 1, &[false]);
        }
        let cleaned = clean(&format!("{before}{text}{after}"), &[SecretString::from(token)]);
        // Backslashes before the token may be read as the beginning of its first character.
        let rest = cleaned.strip_prefix(before.trim_end_matches('\\'));
        let rest = rest.and_then(|rest| rest.strip_suffix(after.as_str()));
        prop_assert_eq!(rest.map(|rest| rest.trim_start_matches('\\')), Some(CUT), "{}", cleaned);
    }

    #[test]
    fn a_text_without_a_token_comes_back_as_it_is(
        // No number of these stands for a letter.
        text in "([ %&#;xu{}0-3a-f\\\\/\"'é\u{1F600}-]|amp;|&#x|\\\\u00){0,60}",
        token in "[T-Z]{8,20}",
    ) {
        prop_assert_eq!(clean(&text, &[SecretString::from(token)]), text);
    }

    #[test]
    fn no_text_and_no_secret_makes_it_panic_or_leaves_the_secret(
        text in "(\\PC|[%&\\\\#;xu]|%[0-9a-f]{2}|&#[0-9]{1,4};?|\\\\u[0-9a-f]{4}){0,40}",
        secret in "(\\PC|[%&\\\\#;ab]){8,12}",
        at in 0usize..40,
    ) {
        let at = text.char_indices().nth(at).map_or(text.len(), |(at, _)| at);
        let text = format!("{}{secret}{}", &text[..at], &text[at..]);
        let cleaned = clean(&text, &[SecretString::from(secret.clone())]);
        prop_assert!(!cleaned.contains(&secret), "{cleaned}");
    }

    #[test]
    fn the_search_finds_what_a_plain_one_does(text in "[ab]{0,200}", secret in "[ab]{8,12}") {
        let mut expected = vec![false; text.len()];
        for at in 0..text.len() {
            if text[at..].starts_with(&secret) {
                expected[at..at + secret.len()].fill(true);
            }
        }
        let mut plain = String::new();
        for (at, c) in text.char_indices() {
            match (expected[at], at > 0 && expected[at - 1]) {
                (true, false) => plain.push_str(CUT),
                (true, true) => {}
                (false, _) => plain.push(c),
            }
        }
        prop_assert_eq!(clean(&text, &[SecretString::from(secret)]), plain);
    }
}
