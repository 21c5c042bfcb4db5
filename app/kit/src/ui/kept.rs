//! What an undo leaves as it is, and why.

use leptos::prelude::*;
use rapport_domain::journal::UndoReport;

/// The first of them, each with its reason; as links where all of them are customers.
pub fn kept_list(report: UndoReport, linked: bool) -> impl IntoView {
    let rest = report.left.saturating_sub(report.kept.len() as u64);
    let more = (rest > 0).then(|| view! { <li class="dim">{format!("and {rest} more")}</li> });
    let kept = report.kept.into_iter().map(|kept| {
        let field = kept.field.map(|field| format!(", {field}")).unwrap_or_default();
        let name = if linked {
            view! { <a class="go" href=format!("/customers/{}", kept.subject)>{kept.name}</a> }.into_any()
        } else {
            view! { <b>{kept.name}</b> }.into_any()
        };
        view! {
            <li>
                {name}
                {format!("{field}: {}", kept.reason)}
            </li>
        }
    });
    view! { <ul class="reasons">{kept.collect_view()}{more}</ul> }
}
