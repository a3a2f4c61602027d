//! What an org sent, in a file for a spreadsheet: read back it is the same, and no cell begins a formula.

#![no_main]

use libfuzzer_sys::fuzz_target;

/// Between two fields of what the fuzzer makes.
const BETWEEN: char = '\u{1f}';

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // Never one alone: an empty line is no record.
    let fields: Vec<&str> = std::iter::once("first").chain(text.split(BETWEEN)).collect();
    let file = sync_monitor_api::csv::record(fields.iter()).repeat(2);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(file.as_bytes());
    let records: Vec<_> = reader.records().collect::<Result<_, _>>().expect("it is a CSV file");
    assert_eq!(records.len(), 2);
    for record in records {
        assert_eq!(record.len(), fields.len());
        for (cell, field) in record.iter().zip(&fields) {
            let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
            assert!(!is_formula, "a cell begins a formula: {cell:?}");
            assert!(cell == *field || cell.strip_prefix('\'') == Some(*field), "{cell:?} was {field:?}");
        }
    }
});
