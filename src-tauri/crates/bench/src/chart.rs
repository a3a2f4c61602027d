//! The chart of cost against backlog: a small SVG, both axes logarithmic.

use std::time::Duration;

/// What something costs at each backlog.
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) costs: Vec<Duration>,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 380.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 560.0;
const TOP: f64 = 20.0;
const BOTTOM: f64 = 330.0;
/// Of the lines, in their order; they differ in lightness too.
const COLOURS: [&str; 8] =
    ["#1b6ac9", "#b3470b", "#0b7a55", "#8a3fb5", "#6b6b00", "#a3123f", "#0a7f92", "#555555"];

/// Draws `lines` over `backlogs`, which are numbers of items.
pub(crate) fn draw(backlogs: &[u32], lines: &[Line]) -> String {
    let micros: Vec<f64> =
        lines.iter().flat_map(|line| &line.costs).map(|cost| cost.as_secs_f64() * 1e6).collect();
    let lowest = micros.iter().copied().fold(f64::MAX, f64::min).max(1.0).log10().floor();
    let highest = micros.iter().copied().fold(10.0, f64::max).log10().ceil().max(lowest + 1.0);
    let y = |micros: f64| BOTTOM - (micros.max(1.0).log10() - lowest) / (highest - lowest) * (BOTTOM - TOP);
    let (first, last) = (backlogs.first().copied().unwrap_or(1), backlogs.last().copied().unwrap_or(10));
    let x = |n: u32| {
        let span = f64::from(last).log10() - f64::from(first).log10();
        LEFT + 20.0
            + (f64::from(n).log10() - f64::from(first).log10()) / span.max(0.1) * (RIGHT - LEFT - 40.0)
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n<title>Cost against backlog</title>\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n"
    );
    let mut add = |line: String| {
        svg.push_str(&line);
        svg.push('\n');
    };
    let mut decade = lowest;
    while decade <= highest {
        let at = y(10f64.powf(decade));
        let label = crate::measure::time(Duration::from_secs_f64(10f64.powf(decade) / 1e6));
        add(format!("<line x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{at:.0}\" y2=\"{at:.0}\" stroke=\"#ddd\"/>"));
        add(format!(
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{label}</text>",
            LEFT - 8.0,
            at + 4.0
        ));
        decade += 1.0;
    }
    for n in backlogs {
        let label = crate::measure::number(f64::from(*n));
        add(format!(
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{label}</text>",
            x(*n),
            BOTTOM + 20.0
        ));
    }
    add(format!(
        "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\">items waiting</text>",
        f64::midpoint(LEFT, RIGHT),
        BOTTOM + 40.0
    ));
    let mut below = TOP;
    let mut named: Vec<(usize, &Line)> = lines.iter().enumerate().collect();
    named.sort_by_key(|(_, line)| std::cmp::Reverse(line.costs.last().copied()));
    for (index, line) in named {
        let colour = COLOURS[index % COLOURS.len()];
        let points: Vec<(f64, f64)> =
            backlogs.iter().zip(&line.costs).map(|(n, cost)| (x(*n), y(cost.as_secs_f64() * 1e6))).collect();
        let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.0},{y:.0}")).collect();
        add(format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            path.join(" ")
        ));
        for (x, y) in &points {
            add(format!("<circle cx=\"{x:.0}\" cy=\"{y:.0}\" r=\"3\" fill=\"{colour}\"/>"));
        }
        let at = points.last().map_or(below, |(_, y)| *y).max(below);
        below = at + 15.0;
        add(format!(
            "<text x=\"{:.0}\" y=\"{:.0}\" fill=\"{colour}\">{}</text>",
            RIGHT + 6.0,
            at + 4.0,
            line.name
        ));
    }
    svg.push_str("</svg>\n");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_a_point_for_each_backlog_and_a_name() {
        let lines = [
            Line { name: "claim".into(), costs: vec![Duration::from_micros(40); 3] },
            Line { name: "page".into(), costs: vec![Duration::from_micros(900); 3] },
        ];
        let svg = draw(&[1_000, 100_000, 1_000_000], &lines);
        assert_eq!(svg.matches("<circle").count(), 6);
        assert!(svg.contains(">claim<") && svg.contains("1,000,000") && svg.contains("10 µs"), "{svg}");
    }
}
