//! What the list's address says, and the addresses that its links lead to. The address holds the whole state.

use rapport_domain::{
    customer::{CustomerKind, Total},
    id::CustomerId,
    query::{Column, Condition, ListQuery, Operator, Sort, SortBy},
};

use kit::ui::table::Sorted;

/// The list's page.
pub const PATH: &str = "/customers";
/// The parameter that names the customer in the side panel.
const OPEN: &str = "open";
/// The columns that the filter form shows as fields of their own, in its order.
pub const SHOWN: [Column; 4] = [Column::Stage, Column::Owner, Column::Tag, Column::City];

/// The customer in the side panel, if there is one.
pub fn open_in(search: &str) -> Option<CustomerId> {
    let search = search.trim_start_matches('?');
    let value = search
        .split('&')
        .find_map(|pair| pair.strip_prefix(OPEN)?.strip_prefix('='));
    value.and_then(|id| id.parse().ok())
}

/// The list with a customer in the side panel.
pub fn with_open(query: &ListQuery, id: CustomerId) -> String {
    let href = query.href(PATH);
    let join = if href.contains('?') { '&' } else { '?' };
    format!("{href}{join}{OPEN}={id}")
}

/// The kind of customers that the list is narrowed to by its tabs.
pub fn kind_of(query: &ListQuery) -> Option<CustomerKind> {
    query.filter.simple(Column::Kind)?.parse().ok()
}

/// The same list for another kind.
pub fn of_kind(query: &ListQuery, kind: Option<CustomerKind>) -> ListQuery {
    let all = query.with_filter(query.filter.without_simple(&[Column::Kind]));
    match kind.map(|kind| Condition::new(Column::Kind, Operator::Is, [kind.word()])) {
        Some(Ok(condition)) => all.with_condition(condition),
        _ => all,
    }
}

/// How a column is sorted now, and where a press on its head leads. A search ranks by itself.
pub fn sort_link(query: &ListQuery, by: SortBy) -> (Sorted, Option<String>) {
    if !query.search.is_empty() {
        return (Sorted::No, None);
    }
    let now = match query.sort {
        Sort { by: other, .. } if other != by => Sorted::No,
        Sort {
            descending: false, ..
        } => Sorted::Ascending,
        Sort { descending: true, .. } => Sorted::Descending,
    };
    // A name is first looked for from A, an instant from the newest.
    let descending = match now {
        Sorted::No => by != SortBy::Name,
        Sorted::Ascending => true,
        Sorted::Descending => false,
    };
    (now, Some(query.with_sort(Sort { by, descending }).href(PATH)))
}

/// One condition as its chip shows it: the column and comparison, the values, and the list without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chip {
    /// "Stage is".
    pub what: String,
    /// "Lead or Prospect".
    pub values: String,
    /// The list without it.
    pub without: String,
}

/// The chips of a list. What its tabs show is left out; a filter that is more than a plain list is one chip.
pub fn chips(query: &ListQuery, name: impl Fn(&str) -> Option<String>) -> Vec<Chip> {
    let Some(conditions) = query.filter.conditions() else {
        let without = query
            .with_filter(rapport_domain::query::Filter::default())
            .href(PATH);
        return vec![Chip {
            what: "Filter".to_owned(),
            values: "made by hand".to_owned(),
            without,
        }];
    };
    let tab = kind_of(query).is_some();
    let conditions = conditions
        .into_iter()
        .enumerate()
        .filter(|(_, condition)| !(tab && condition.column == Column::Kind));
    conditions
        .map(|(place, condition)| {
            let what = format!("{} {}", condition.column.label(), condition.operator.label());
            let said = condition.say(|_, id| name(id));
            let values = said.strip_prefix(&what).unwrap_or_default().trim().to_owned();
            Chip {
                what,
                values,
                without: query.without_condition(place).href(PATH),
            }
        })
        .collect()
}

/// How many there are, in words.
pub fn total_words(total: Total) -> String {
    match total {
        Total::Exactly(1) => "1 customer".to_owned(),
        Total::Exactly(count) => format!("{} customers", grouped(count)),
        Total::AtLeast(count) => format!("{}+ customers", grouped(count)),
        Total::About(count) => format!("About {} customers", grouped(count)),
    }
}

/// A number with a comma at every thousand.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The customers before and after one, on its page of the list.
pub fn neighbours(ids: &[CustomerId], id: CustomerId) -> (Option<CustomerId>, Option<CustomerId>) {
    let Some(place) = ids.iter().position(|other| *other == id) else {
        return (None, None);
    };
    let before = place.checked_sub(1).and_then(|place| ids.get(place).copied());
    (before, ids.get(place + 1).copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "01933d3e-0000-7000-8000-00000000000a";
    const B: &str = "01933d3e-0000-7000-8000-00000000000b";

    fn list(query: &str) -> ListQuery {
        ListQuery::from_query_string(query).unwrap()
    }

    #[test]
    fn the_panel_is_part_of_the_address_but_not_of_the_list() {
        let id = A.parse().unwrap();
        let href = with_open(&list("?stage=lead"), id);
        let search = href.split_once('?').unwrap().1;
        assert_eq!(open_in(search), Some(id));
        assert_eq!(list(search), list("stage=lead"));
        assert_eq!(with_open(&list(""), id), format!("/customers?open={A}"));
        assert_eq!(open_in("open=7&x"), None);
    }

    #[test]
    fn a_tab_changes_the_kind_and_keeps_the_rest() {
        let people = of_kind(&list("stage=lead&q=ann"), Some(CustomerKind::Person));
        assert_eq!(kind_of(&people), Some(CustomerKind::Person));
        assert_eq!(people.filter.simple(Column::Stage), Some("lead"));
        assert_eq!(
            kind_of(&of_kind(&people, Some(CustomerKind::Company))),
            Some(CustomerKind::Company)
        );
        assert_eq!(of_kind(&people, None), list("stage=lead&q=ann"));
    }

    #[test]
    fn a_head_sorts_and_then_turns_round() {
        let (now, href) = sort_link(&list(""), SortBy::Name);
        assert_eq!(
            (now, list(&href.unwrap()["/customers".len()..]).sort.descending),
            (Sorted::Ascending, true)
        );
        let (now, href) = sort_link(&list(""), SortBy::Updated);
        let sort = list(&href.unwrap()["/customers".len()..]).sort;
        assert_eq!(
            (now, sort.by, sort.descending),
            (Sorted::No, SortBy::Updated, true)
        );
        assert_eq!(sort_link(&list("q=ann"), SortBy::Name), (Sorted::No, None));
    }

    #[test]
    fn chips_say_the_conditions_and_lead_to_the_list_without_them() {
        let chips = chips(&list("stage=lead&city=Bern&kind=person"), |_| None);
        let said: Vec<_> = chips
            .iter()
            .map(|chip| format!("{} {}", chip.what, chip.values))
            .collect();
        assert_eq!(said, ["Stage is Lead", "City is Bern"]);
        for chip in &chips {
            let without = list(&chip.without["/customers".len()..]);
            assert_eq!(without.filter.conditions().unwrap().len(), 2);
        }
    }

    #[test]
    fn totals_are_said_as_exactly_as_they_are_known() {
        for (total, words) in [
            (Total::Exactly(0), "0 customers"),
            (Total::Exactly(1), "1 customer"),
            (Total::Exactly(1_234), "1,234 customers"),
            (Total::AtLeast(10_000), "10,000+ customers"),
            (Total::About(1_204_000), "About 1,204,000 customers"),
        ] {
            assert_eq!(total_words(total), words);
        }
    }

    #[test]
    fn neighbours_end_with_the_page() {
        let (a, b) = (A.parse().unwrap(), B.parse().unwrap());
        assert_eq!(neighbours(&[a, b], a), (None, Some(b)));
        assert_eq!(neighbours(&[a, b], b), (Some(a), None));
        assert_eq!(neighbours(&[a], b), (None, None));
    }
}
