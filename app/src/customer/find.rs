//! Finding customers while typing, for the comboboxes.

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local};
use rapport_domain::customer::{CustomerHit, CustomerKind};

use super::api::suggest_customers;
use crate::ui::{combobox::Finding, select::Pick};

/// How long a pause in typing asks the server.
const PAUSE: Duration = Duration::from_millis(120);

/// Finds customers, of a kind if one is named. An answer that comes after something else was typed is dropped.
pub fn use_finding(kind: Option<CustomerKind>) -> Finding {
    let typed = RwSignal::new(String::new());
    let found = RwSignal::new(Vec::<Pick>::new());
    let on_type = Callback::new(move |text: String| {
        typed.set(text.clone());
        if text.trim().is_empty() {
            return found.set(Vec::new());
        }
        let still = move |text: &String| typed.try_with_untracked(|now| now == text) == Some(true);
        set_timeout(
            move || {
                if still(&text) {
                    spawn_local(async move {
                        let hits = suggest_customers(text.clone(), kind).await.unwrap_or_default();
                        if still(&text) {
                            found.set(hits.into_iter().map(pick).collect());
                        }
                    });
                }
            },
            PAUSE,
        );
    });
    Finding {
        found: found.into(),
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
