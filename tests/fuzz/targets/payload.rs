//! A payload, as somebody posts it: none brings the reader down, what is taken is JSON, and is taken the same way when it is
//! read again, whole or in part.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use sync_monitor_domain::{Change, ErrorCode, Millis};

const NOON: Millis = Millis(1_772_000_000_000);

fuzz_target!(|data: &[u8]| {
    match Change::parse(data.to_vec().into(), NOON) {
        Ok(change) => taken(data, &change),
        Err(rejection) => {
            let first = rejection.faults.first().expect("a refusal says why");
            assert_eq!(first.code.http_status(), 400, "{:?}", first.code);
            if first.code == ErrorCode::InvalidJson {
                assert_eq!(rejection.faults.len(), 1, "what cannot be read has no fields to judge");
            }
        }
    }
});

fn taken(data: &[u8], change: &Change) {
    assert_eq!(change.body().as_ref(), data, "it is relayed as it came");
    // serde is the judge of what is JSON.
    serde_json::from_slice::<IgnoredAny>(data).expect("what was taken is JSON");
    let again = Change::reread(change.body().clone()).expect("what was taken is read again");
    assert_eq!(&again, change);
    assert!(!change.transaction_id.is_empty() && !change.records.is_empty());
    // Of a batch some records may go on and others not: each by itself is what it was.
    for (index, record) in change.records.iter().enumerate().take(3) {
        let part = Change::reread(change.body_with(&[index])).expect("a part is read again");
        let [only] = part.records.as_slice() else { panic!("one record was kept") };
        assert_eq!((&only.external_id, only.digest), (&record.external_id, record.digest));
        assert_eq!((&part.transaction_id, part.timestamp), (&change.transaction_id, change.timestamp));
    }
}
