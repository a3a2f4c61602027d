//! Moments as payloads write them.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use crate::conflict::Timestamp;

/// Reads a date and time in ISO 8601's extended calendar form, with a zone: `Z`, `+00:00`, `+0000` (Salesforce's own) or
/// `+00`. Seconds may be left out; digits beyond microseconds are cut off.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once(['T', 't'])?;
    let date = parse_date(date)?;
    let zone_at = time.find(['Z', 'z', '+', '-'])?;
    let (time, zone) = time.split_at(zone_at);
    let moment = NaiveDateTime::new(date, parse_time(time)?).and_utc().timestamp_micros();
    Some(Timestamp(moment - parse_zone(zone)? * 1_000_000))
}

fn number(text: &str, digits: usize) -> Option<u32> {
    (text.len() == digits && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn parse_date(text: &str) -> Option<NaiveDate> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    NaiveDate::from_ymd_opt(i32::try_from(number(year, 4)?).ok()?, number(month, 2)?, number(day, 2)?)
}

fn parse_time(text: &str) -> Option<NaiveTime> {
    let (whole, fraction) = text.split_once(['.', ',']).map_or((text, None), |(w, f)| (w, Some(f)));
    let mut parts = whole.split(':');
    let (hour, minute, second) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?, parts.next());
    if parts.next().is_some() || (fraction.is_some() && second.is_none()) {
        return None;
    }
    let second = second.map_or(Some(0), |s| number(s, 2))?;
    let micros = match fraction {
        None => 0,
        Some(digits) if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) => return None,
        Some(digits) => format!("{:0<6}", &digits[..digits.len().min(6)]).parse().ok()?,
    };
    // A leap second, which few clocks show, is taken as the second after it.
    let (second, leap) = if second == 60 { (59, 1) } else { (second, 0) };
    NaiveTime::from_hms_micro_opt(hour, minute, second, micros + leap * 1_000_000)
}

/// Seconds east of UTC.
fn parse_zone(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        _ => (-1, &text[1..]),
    };
    let (hours, minutes) = match rest.len() {
        2 => (number(rest, 2)?, 0),
        4 if rest.is_ascii() => (number(&rest[..2], 2)?, number(&rest[2..], 2)?),
        5 => {
            let (hours, minutes) = rest.split_once(':')?;
            (number(hours, 2)?, number(minutes, 2)?)
        }
        _ => return None,
    };
    (hours < 24 && minutes < 60).then(|| sign * i64::from(hours * 3600 + minutes * 60))
}
