//! Figures out of times.

use std::time::Duration;

use anyhow::Context as _;

/// So many in such a time, a second.
pub(crate) fn per_second(n: u32, elapsed: Duration) -> f64 {
    f64::from(n) / elapsed.as_secs_f64()
}

/// The `share` quantile of times.
///
/// # Errors
/// When there are none.
pub(crate) fn quantile(times: &mut [Duration], share: f64) -> anyhow::Result<Duration> {
    times.sort_unstable();
    let last = times.len().checked_sub(1).context("nothing was measured")?;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a list of at most a few million"
    )]
    let index = (times.len() as f64 * share).ceil() as usize;
    Ok(times[index.saturating_sub(1).min(last)])
}

/// The middle one of figures; 0 where there are none.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

/// Lets time pass.
#[expect(clippy::disallowed_methods, reason = "here, what happens in a while is what is measured")]
pub(crate) async fn rest(time: Duration) {
    tokio::time::sleep(time).await;
}

/// A time with three figures or so, in the unit that suits it.
pub(crate) fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        ..0.001 => format!("{:.0} µs", seconds * 1e6),
        ..0.01 => format!("{:.2} ms", seconds * 1e3),
        ..1.0 => format!("{:.1} ms", seconds * 1e3),
        _ => format!("{seconds:.2} s"),
    }
}

/// KiB as MiB.
pub(crate) fn mib(kib: u64) -> String {
    format!("{}.{} MiB", kib / 1_024, (kib % 1_024) * 10 / 1_024)
}

/// A number with its thousands apart.
pub(crate) fn number(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_smallest_time_that_so_many_do_not_exceed() {
        let mut times: Vec<Duration> = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!(quantile(&mut times, 0.5).unwrap().as_millis(), 50);
        assert_eq!(quantile(&mut times, 0.99).unwrap().as_millis(), 99);
        assert_eq!(quantile(&mut times, 1.0).unwrap().as_millis(), 100);
        assert!(quantile(&mut [], 0.5).is_err());
    }

    #[test]
    fn figures_are_told_in_units_that_suit_them() {
        assert_eq!(time(Duration::from_micros(42)), "42 µs");
        assert_eq!(time(Duration::from_micros(4_200)), "4.20 ms");
        assert_eq!(time(Duration::from_millis(42)), "42.0 ms");
        assert_eq!(time(Duration::from_millis(4_200)), "4.20 s");
        assert_eq!((number(22_460.4), number(7.0)), ("22,460".into(), "7".into()));
        assert_eq!(mib(20 * 1_024 + 512), "20.5 MiB");
    }
}
