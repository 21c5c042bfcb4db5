//! Finding customers while typing, for the palette and the comboboxes.

use std::time::Duration;

use leptos::{prelude::*, server_fn::codec::GetUrl, task::spawn_local};
use rapport_domain::customer::{CustomerHit, CustomerKind};

use crate::{
    api::{Answer, Json},
    ui::{combobox::Finding, select::Pick},
};

/// How long a pause in typing asks the server.
const PAUSE: Duration = Duration::from_millis(120);

/// Finds customers, of a kind if one is named. An answer that comes after something else was typed is dropped.
pub fn use_finding(kind: Option<CustomerKind>) -> Finding {
    let typed = RwSignal::new(String::new());
    let found = RwSignal::new(Vec::<Pick>::new());
    let answers = RwSignal::new(String::new());
    let on_type = Callback::new(move |text: String| {
        typed.set(text.clone());
        if text.trim().is_empty() {
            found.set(Vec::new());
            return answers.set(text);
        }
        let still = move |text: &String| typed.try_with_untracked(|now| now == text) == Some(true);
        set_timeout(
            move || {
                if still(&text) {
                    spawn_local(async move {
                        let hits = suggest_customers(text.clone(), kind).await;
                        if !still(&text) {
                            return;
                        }
                        match hits {
                            Ok(hits) => {
                                found.set(hits.into_iter().map(pick).collect());
                                answers.set(text);
                            }
                            // That nobody answered is not that nobody was found.
                            Err(_) => found.set(Vec::new()),
                        }
                    });
                }
            },
            PAUSE,
        );
    });
    Finding {
        found: found.into(),
        answers: answers.into(),
        on_type,
    }
}

fn pick(hit: CustomerHit) -> Pick {
    let words = if hit.hint.is_empty() {
        hit.name
    } else {
        format!("{} · {}", hit.name, hit.hint)
    };
    (hit.id.to_string(), words)
}

/// The customers that best fit what was typed, for the palette and the comboboxes.
///
/// # Errors
/// When nobody is signed in.
#[server(prefix = "/api/fn", endpoint = "customer/suggest", input = GetUrl, output = Json)]
pub async fn suggest_customers(
    /// What was typed.
    text: String,
    /// Only people or only companies.
    kind: Option<CustomerKind>,
) -> Answer<Vec<CustomerHit>> {
    use crate::api::{answer, context};
    answer(rapport_service::customer::query::suggest(&context()?, &text, kind).await)
}
