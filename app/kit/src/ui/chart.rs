//! Charts of our own: SVG without style attributes, which the pages' policy forbids. Beside each stands the same as a
//! table, for whoever wants to read the numbers, by keyboard and screen reader.

use leptos::prelude::*;

/// The size of the drawing's own units; it is stretched over the place that it gets.
const WIDTH: u32 = 300;
const HEIGHT: u32 = 56;
/// Room above and below, so that the line is drawn whole.
const EDGE: u32 = 3;

/// The points of a line through counts, from left to right; the highest at the top, nothing at the bottom.
fn points(counts: &[u32]) -> Vec<(u32, u32)> {
    let most = counts.iter().copied().max().unwrap_or_default().max(1);
    let steps = u32::try_from(counts.len().saturating_sub(1)).unwrap_or(1).max(1);
    let place = |step: usize, count: u32| {
        let step = u32::try_from(step).unwrap_or_default();
        let up = u64::from(count) * u64::from(HEIGHT - 2 * EDGE) / u64::from(most);
        (
            step * WIDTH / steps,
            HEIGHT - EDGE - u32::try_from(up).unwrap_or_default(),
        )
    };
    counts
        .iter()
        .enumerate()
        .map(|(step, count)| place(step, *count))
        .collect()
}

fn said(points: &[(u32, u32)]) -> String {
    let points = points.iter().map(|(x, y)| format!("{x},{y}"));
    points.collect::<Vec<_>>().join(" ")
}

/// A line through counts, and the same as a table that opens below it.
#[component]
pub fn LineChart(
    /// What is counted: "New customers".
    name: &'static str,
    /// The counts, the oldest first.
    counts: Vec<u32>,
    /// What each counts: "24 Nov".
    labels: Vec<String>,
    /// What a label is: "Day", "From".
    head: &'static str,
) -> impl IntoView {
    let line = points(&counts);
    let last = line.last().map_or(0, |(x, _)| *x);
    let area = format!("0,{HEIGHT} {} {last},{HEIGHT}", said(&line));
    let (first, end) = (labels.first().cloned(), labels.last().cloned());
    let alone = line.len() == 1;
    let rows = labels.into_iter().zip(counts).map(|(label, count)| {
        view! {
            <tr>
                <th scope="row">{label}</th>
                <td class="num">{count}</td>
            </tr>
        }
    });
    view! {
        <svg class="plot" viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" aria-hidden="true">
            <polygon class="area" points=area/>
            {(!alone).then(|| view! { <polyline points=said(&line)/> })}
        </svg>
        <p class="axis num" aria-hidden="true">
            <span>{first}</span>
            <span>{end}</span>
        </p>
        <details class="as-table">
            <summary>"As a table" <span class="sr-only">{format!(": {name}")}</span></summary>
            <div class="as-rows" tabindex="0" role="region" aria-label=format!("{name}, table")>
                <table>
                    <thead>
                        <tr>
                            <th scope="col">{head}</th>
                            <th scope="col" class="num">{name}</th>
                        </tr>
                    </thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
        </details>
    }
    .into_any()
}

/// A part of a whole, as a bar.
#[component]
pub fn Bar(
    /// How much.
    count: u32,
    /// Of how much the bar is full.
    most: u32,
    /// The class of its colour.
    class: &'static str,
) -> impl IntoView {
    let share = u64::from(count) * 1000 / u64::from(most.max(1));
    // What there is of it is seen, however little it is.
    let share = if count > 0 { share.max(6) } else { 0 };
    view! {
        <svg class=format!("share {class}") viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">
            <rect class="whole" width="1000" height="10"/>
            <rect width=share height="10"/>
        </svg>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_from_edge_to_edge_and_never_out_of_its_place() {
        let line = points(&[0, 5, 10]);
        assert_eq!(line, [(0, HEIGHT - EDGE), (150, HEIGHT - EDGE - 25), (300, EDGE)]);
        assert_eq!(points(&[0, 0]), [(0, HEIGHT - EDGE), (300, HEIGHT - EDGE)]);
        assert_eq!(points(&[u32::MAX, 0])[0], (0, EDGE));
        assert_eq!((points(&[3]), points(&[])), (vec![(0, EDGE)], vec![]));
    }
}
