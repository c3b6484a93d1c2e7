//! Charts as SVG, drawn by hand: text and lines on white, so that they can be read on any page.

use std::fmt::Write as _;

/// The width of every chart.
const WIDTH: f64 = 800.0;

/// Where the plot begins, right of the names.
const LEFT: f64 = 210.0;

/// Room for figures, right of the plot.
const RIGHT: f64 = 110.0;

/// The colours, which also those can tell apart who see no red or no green.
pub(super) const COLOURS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];

/// A mark of a chart of dots: a range with its middle.
pub(super) struct Dot {
    pub(super) name: String,
    pub(super) low: f64,
    pub(super) middle: f64,
    pub(super) high: f64,
    pub(super) figure: String,
    pub(super) colour: &'static str,
}

/// A group of bars, one for each series.
pub(super) struct Bars {
    pub(super) name: String,
    /// The value, and as it is shown.
    pub(super) values: Vec<(f64, String)>,
}

/// A line through points.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

/// Ranges along a logarithmic axis, with a line at 1.
pub(super) fn dots(title: &str, axis: &str, dots: &[Dot]) -> String {
    let scale = Scale::over(dots.iter().flat_map(|dot| [dot.low, dot.high, 1.0]), LEFT, WIDTH - RIGHT);
    let height = 76.0 + 22.0 * dots.len() as f64;
    let mut svg = opened(title, height + 48.0);
    scale.grid(&mut svg, 52.0, height);
    let one = scale.at(1.0);
    let _ =
        write!(svg, r##"<line x1="{one:.1}" y1="46" x2="{one:.1}" y2="{height}" stroke="#333" stroke-width="2"/>"##);
    for (index, dot) in dots.iter().enumerate() {
        let y = 68.0 + 22.0 * index as f64;
        text(&mut svg, LEFT - 10.0, y + 4.0, "end", &dot.name);
        let (low, middle, high) = (scale.at(dot.low), scale.at(dot.middle), scale.at(dot.high));
        let colour = dot.colour;
        let _ = write!(
            svg,
            r#"<line x1="{low:.1}" y1="{y}" x2="{high:.1}" y2="{y}" stroke="{colour}" stroke-width="3" stroke-opacity="0.45"/><circle cx="{middle:.1}" cy="{y}" r="5" fill="{colour}"/>"#
        );
        text(&mut svg, WIDTH - RIGHT + 10.0, y + 4.0, "start", &dot.figure);
    }
    text(&mut svg, f64::midpoint(LEFT, WIDTH - RIGHT), height + 36.0, "middle", axis);
    svg + "</svg>\n"
}

/// Groups of bars from zero on.
pub(super) fn bars(title: &str, axis: &str, series: &[&str], groups: &[Bars]) -> String {
    let most = groups.iter().flat_map(|group| group.values.iter().map(|(value, _)| *value)).fold(0.0, f64::max);
    let step = step(most);
    let at = |value: f64| LEFT + (WIDTH - RIGHT - LEFT) * value / (most / step).ceil().max(1.0) / step;
    let tall = 18.0 * series.len() as f64 + 12.0;
    let height = 84.0 + tall * groups.len() as f64;
    let mut svg = opened(title, height + 48.0);
    if series.len() > 1 {
        legend(&mut svg, series.iter().copied());
    }
    let mut tick = 0.0;
    while tick < most + step {
        let x = at(tick);
        let _ = write!(svg, r##"<line x1="{x:.1}" y1="66" x2="{x:.1}" y2="{height}" stroke="#ddd"/>"##);
        text(&mut svg, x, height + 16.0, "middle", &short(tick));
        tick += step;
    }
    for (index, group) in groups.iter().enumerate() {
        let top = 76.0 + tall * index as f64;
        text(&mut svg, LEFT - 10.0, top + tall / 2.0 - 2.0, "end", &group.name);
        for (number, ((value, figure), colour)) in group.values.iter().zip(COLOURS).enumerate() {
            let (y, long) = (top + 18.0 * number as f64, (at(*value) - LEFT).max(1.0));
            let _ = write!(svg, r#"<rect x="{LEFT}" y="{y}" width="{long:.1}" height="14" fill="{colour}"/>"#);
            text(&mut svg, LEFT + long + 6.0, y + 12.0, "start", figure);
        }
    }
    text(&mut svg, f64::midpoint(LEFT, WIDTH - RIGHT), height + 36.0, "middle", axis);
    svg + "</svg>\n"
}

/// Lines over two logarithmic axes.
pub(super) fn lines(title: &str, across: &str, up: &str, lines: &[Line]) -> String {
    let (left, right, top, bottom) = (80.0, WIDTH - 30.0, 92.0, 400.0);
    let points = || lines.iter().flat_map(|line| &line.points);
    let x = Scale::over(points().map(|(x, _)| *x), left, right);
    let y = Scale::over(points().map(|(_, y)| *y), bottom, top);
    let mut svg = opened(title, bottom + 56.0);
    legend(&mut svg, lines.iter().map(|line| line.name.as_str()));
    x.grid(&mut svg, top, bottom);
    for power in y.powers() {
        let at = y.at(power);
        let _ = write!(svg, r##"<line x1="{left}" y1="{at:.1}" x2="{right}" y2="{at:.1}" stroke="#ddd"/>"##);
        text(&mut svg, left - 8.0, at + 4.0, "end", &short(power));
    }
    for (line, colour) in lines.iter().zip(COLOURS) {
        let points: Vec<_> = line.points.iter().map(|point| (x.at(point.0), y.at(point.1))).collect();
        let path: Vec<_> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let path = path.join(" ");
        let _ = write!(svg, r#"<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>"#);
        for (x, y) in points {
            let _ = write!(svg, r#"<circle cx="{x:.1}" cy="{y:.1}" r="4" fill="{colour}"/>"#);
        }
    }
    text(&mut svg, f64::midpoint(left, right), bottom + 44.0, "middle", across);
    text(&mut svg, 14.0, top - 12.0, "start", up);
    svg + "</svg>\n"
}

/// A round number that fits some times, but not often, into `most`.
fn step(most: f64) -> f64 {
    let power = 10_f64.powf(most.max(1e-9).log10().floor());
    match most / power {
        times if times < 2.0 => power / 2.0,
        times if times < 5.0 => power,
        _ => power * 2.0,
    }
}

/// A logarithmic axis from one power of ten to another.
struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// The axis that holds all `values`, between two coordinates.
    fn over(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| *value > 0.0 && value.is_finite()) {
            (low, high) = (low.min(value.log10()), high.max(value.log10()));
        }
        let (low, high) = if low <= high { (low.floor(), high.ceil()) } else { (0.0, 1.0) };
        Self { low, high: if high > low { high } else { low + 1.0 }, from, to }
    }

    fn at(&self, value: f64) -> f64 {
        let part = (value.max(1e-12).log10() - self.low) / (self.high - self.low);
        self.from + (self.to - self.from) * part.clamp(0.0, 1.0)
    }

    fn powers(&self) -> impl Iterator<Item = f64> + use<> {
        (self.low as i32..=self.high as i32).map(|power| 10_f64.powi(power))
    }

    /// Lines from top to bottom with their values below.
    fn grid(&self, svg: &mut String, top: f64, bottom: f64) {
        for power in self.powers() {
            let at = self.at(power);
            let _ = write!(svg, r##"<line x1="{at:.1}" y1="{top}" x2="{at:.1}" y2="{bottom}" stroke="#ddd"/>"##);
            text(svg, at, bottom + 16.0, "middle", &short(power));
        }
    }
}

fn opened(title: &str, height: f64) -> String {
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" font-family="system-ui, 'DejaVu Sans', sans-serif" font-size="12" fill="#222"><rect width="{WIDTH}" height="{height}" rx="8" fill="#fff"/><text x="14" y="26" font-size="16" font-weight="600">{}</text>"##,
        escaped(title)
    );
    svg.push('\n');
    svg
}

fn legend<'n>(svg: &mut String, names: impl Iterator<Item = &'n str>) {
    let mut x = 14.0;
    for (name, colour) in names.zip(COLOURS) {
        let _ = write!(svg, r#"<rect x="{x}" y="38" width="12" height="12" fill="{colour}"/>"#);
        text(svg, x + 18.0, 48.0, "start", name);
        x += 46.0 + 6.7 * name.chars().count() as f64;
    }
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, words: &str) {
    let _ = writeln!(svg, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{}</text>"#, escaped(words));
}

fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A power of ten in few characters.
fn short(value: f64) -> String {
    match value {
        _ if value >= 1e6 => format!("{}M", value / 1e6),
        _ if value >= 1e3 => format!("{}k", value / 1e3),
        _ => format!("{value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_spans_whole_powers_of_ten() {
        let scale = Scale::over([0.5, 30.0].into_iter(), 100.0, 400.0);
        assert_eq!([0.1, 1.0, 100.0].map(|value| scale.at(value)), [100.0, 200.0, 400.0]);
        assert_eq!(scale.powers().map(short).collect::<Vec<_>>(), ["0.1", "1", "10", "100"]);
    }

    #[test]
    fn steps_are_round_and_few() {
        assert_eq!([114.0, 3823.0, 70.0].map(step), [50.0, 1000.0, 20.0]);
    }

    #[test]
    fn an_axis_of_nothing_can_still_be_drawn() {
        let scale = Scale::over([0.0, f64::NAN].into_iter(), 0.0, 10.0);
        assert!(scale.at(0.0).is_finite() && scale.at(5.0).is_finite());
    }

    #[test]
    fn what_xml_reserves_is_escaped() {
        let svg = dots("a < b & c", "", &[]);
        assert!(svg.contains("a &lt; b &amp; c") && svg.ends_with("</svg>\n"));
    }
}
