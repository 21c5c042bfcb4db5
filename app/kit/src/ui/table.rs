//! The head of a table. Rows are plain markup: they are many, and each cell costs.

use leptos::prelude::*;

use super::icon::Icon;

/// How a column is sorted at the moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sorted {
    /// By something else.
    #[default]
    No,
    /// First to last.
    Ascending,
    /// Last to first.
    Descending,
}

/// One column's head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its word.
    pub label: &'static str,
    /// Where a press leads that sorts by it; none where it cannot sort.
    pub href: Option<String>,
    /// How it is sorted.
    pub sorted: Sorted,
}

impl Sorted {
    /// The value of `aria-sort`.
    fn aria(self) -> Option<&'static str> {
        match self {
            Self::No => None,
            Self::Ascending => Some("ascending"),
            Self::Descending => Some("descending"),
        }
    }

    fn icon(self) -> Option<icondata::Icon> {
        match self {
            Self::No => None,
            Self::Ascending => Some(icondata::LuArrowUp),
            Self::Descending => Some(icondata::LuArrowDown),
        }
    }
}

/// The row of heads.
#[component]
pub fn TableHead(
    /// The columns in order.
    heads: Vec<Head>,
) -> impl IntoView {
    let cells = heads.into_iter().map(|head| {
        let arrow = head.sorted.icon().map(|icon| view! { <Icon icon/> });
        let content = match head.href {
            Some(href) => view! { <a href=href>{head.label} {arrow}</a> }.into_any(),
            None => head.label.into_any(),
        };
        view! { <th scope="col" aria-sort=head.sorted.aria()>{content}</th> }
    });
    view! {
        <thead>
            <tr>{cells.collect_view()}</tr>
        </thead>
    }
}
