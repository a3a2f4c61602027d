//! Payloads that are nearly right: from a few good ones, by flipping, cutting, doubling and mixing bytes. None brings the
//! reader down, and what it takes it takes the same way when it is read again.

use kit::{ORG_A, Payload};
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::{Change, ErrorCode};
use sync_monitor_orgsim::Chance;

const NOON: Millis = Millis(1_772_000_000_000);

/// Where mutants come from: what is documented, and what is at the edges.
fn corpus() -> Vec<Vec<u8>> {
    let documented = Payload::from(ORG_A, NOON).record("WI-001", "Add revenue report").text();
    let deletion = Payload::from(ORG_A, NOON).delete().record("WI-1", "x").record("WI-2", "y").text();
    let escapes = documented.replace("Add", r"\ud83d\ude00\u00e9\\\/\n");
    let numbers = documented
        .replace("\"Add revenue report\"", "-0.10e+308, \"n\": [1e-9, 0, -0, 12345678901234567890]");
    let nested =
        documented.replace("\"Add revenue report\"", &format!("{}1{}", "[".repeat(120), "]".repeat(120)));
    [documented, deletion, escapes, numbers, nested].map(String::into_bytes).into()
}

/// What JSON is sensitive to.
const TELLING: [&str; 14] = [
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "\\u",
    "\u{0}",
    "1e999",
    "\"externalId\":\"x\"",
    "\u{feff}",
];

fn mutate(bytes: &mut Vec<u8>, others: &[Vec<u8>], chance: &mut Chance) {
    let place = |chance: &mut Chance, end: usize| usize::try_from(chance.below(end as u64 + 1)).unwrap();
    let at = place(chance, bytes.len());
    match chance.below(6) {
        0 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
        1 => bytes.truncate(at),
        2 => drop(bytes.splice(at..at, chance.pick(&TELLING).bytes())),
        3 => {
            let end = at + place(chance, (bytes.len() - at).min(40));
            bytes.drain(at..end);
        }
        4 => {
            let end = at + place(chance, (bytes.len() - at).min(60));
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        _ => {
            let other = chance.pick(others).clone();
            let from = place(chance, other.len());
            bytes.splice(at.., other[from..].iter().copied());
        }
    }
}

#[test]
fn no_payload_however_broken_brings_the_reader_down() {
    let corpus = corpus();
    for good in &corpus {
        assert!(Change::parse(good.clone().into(), NOON).is_ok(), "{}", String::from_utf8_lossy(good));
    }
    let mut chance = Chance::new(crate::seed());
    let (tried, mut taken) = (30_000 * crate::times(), 0);
    for _ in 0..tried {
        let mut bytes = chance.pick(&corpus).clone();
        for _ in 0..=chance.below(4) {
            mutate(&mut bytes, &corpus, &mut chance);
        }
        match Change::parse(bytes.clone().into(), NOON) {
            Ok(change) => {
                taken += 1;
                assert_eq!(change.body().as_ref(), bytes, "it is relayed as it came");
                let again = Change::reread(change.body().clone()).unwrap();
                assert_eq!((again.digest, again.records.len()), (change.digest, change.records.len()));
                assert!(!change.transaction_id.is_empty() && !change.records.is_empty());
                // serde is the judge of what is JSON at all.
                let json: Result<serde_json::Value, _> = serde_json::from_slice(&bytes);
                assert!(
                    json.is_ok() || String::from_utf8_lossy(&bytes).contains('e'),
                    "{}",
                    String::from_utf8_lossy(&bytes)
                );
            }
            Err(rejection) => {
                let first = rejection.faults.first().expect("a refusal says why");
                assert_eq!(first.code.http_status(), 400, "{:?}", first.code);
                assert_ne!(first.code, ErrorCode::ServerError);
            }
        }
    }
    println!("mutants: {tried} tried, {taken} of them good, none brought the reader down");
}
