//! The query string of a list: what is read from a URL, a form without script or REST, and what is printed.

use std::{collections::BTreeMap, fmt, str::FromStr};

use super::{
    Column, Condition, Cursor, Filter, ListQuery, Operator, RANKED_MAX, SIZE, SIZE_MAX, Sort, SortBy,
    cursor::{hex, rank, rank_token},
};
use crate::{error::FieldErrors, text};

/// Columns that a form without script may ask for by their own name, as in `stage=lead`.
const FIELDS: [Column; 8] = [
    Column::Kind,
    Column::Stage,
    Column::Owner,
    Column::Team,
    Column::Tag,
    Column::City,
    Column::Country,
    Column::Company,
];

/// The longest query string that is looked at, in bytes: a filter of the greatest length, percent-encoded, and the rest.
const QUERY_BYTES_MAX: usize = 65_536;

impl Default for ListQuery {
    fn default() -> Self {
        Self {
            filter: Filter::default(),
            search: String::new(),
            sort: Sort::default(),
            cursor: None,
            skip: 0,
            size: SIZE,
        }
    }
}

impl ListQuery {
    /// Reads the parameters of a list: `q`, `filter`, `sort`, `after` or `before`, `size`, and the fields of a form
    /// without script (`stage=lead`, `owner=me` …), which are added to the filter with and. A field that comes
    /// several times, or has several lines, asks for one of its values. What is blank counts as not sent; other
    /// parameters belong to others and are skipped. A place in a sorted list says nothing to a search: it is dropped.
    ///
    /// Takes pairs that are decoded already, for instance `values.0.iter()` of [`Values`](crate::form::Values).
    ///
    /// # Errors
    /// A sentence for each wrong parameter, under its name.
    pub fn parse<K: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut single = BTreeMap::<&str, String>::new();
        let mut fields = BTreeMap::<Column, Vec<String>>::new();
        for (key, value) in pairs {
            let (key, value) = (key.as_ref(), value.as_ref());
            if let Some(column) = FIELDS.iter().find(|column| column.word() == key) {
                let lines = value
                    .lines()
                    .filter(|line| !line.trim().is_empty())
                    .map(str::to_owned);
                fields.entry(*column).or_default().extend(lines);
            } else if let Some(name) = ["q", "filter", "sort", "after", "before", "size"]
                .iter()
                .find(|name| **name == key)
            {
                let value = value.trim();
                if !value.is_empty() && single.insert(name, value.to_owned()).is_some() {
                    errors.add(name, format!("“{name}” may come once only."));
                }
            }
        }
        let given = |name| single.get(name).map(String::as_str);

        let mut filter = errors.take(
            "filter",
            given("filter").map_or_else(|| Ok(Filter::default()), parse_filter),
        );
        for (column, values) in fields.into_iter().filter(|(_, values)| !values.is_empty()) {
            let condition = errors.take(column.word(), Condition::new(column, Operator::Is, values));
            filter = filter
                .zip(condition)
                .map(|(filter, condition)| filter.and(condition));
        }
        // The fields may have taken a filter over a limit that held before them.
        let filter =
            filter.and_then(|filter| errors.take("filter", filter.checked().map_err(|e| e.to_string())));
        let search = errors.take("q", text::line(given("q").unwrap_or_default()));
        let size = errors.take("size", given("size").map_or(Ok(SIZE), parse_size));
        let sort = errors.take(
            "sort",
            given("sort").map_or_else(|| Ok(Sort::default()), Sort::from_str),
        );
        let searches = search.as_deref().is_some_and(|search| !search.is_empty());
        let read = |token, sort, backwards| place(token, sort, backwards, searches);
        let place = sort.and_then(|sort| match (given("after"), given("before")) {
            (None, None) => Some((None, 0)),
            (Some(token), None) => errors.take("after", read(token, sort, false)),
            (None, Some(token)) => errors.take("before", read(token, sort, true)),
            (Some(_), Some(_)) => errors.take("before", Err("Please give “after” or “before”, not both.")),
        });
        match (filter, search, sort, place, size) {
            (Some(filter), Some(search), Some(sort), Some((cursor, skip)), Some(size))
                if errors.is_empty() =>
            {
                Ok(Self {
                    filter,
                    search,
                    sort,
                    cursor,
                    skip,
                    size,
                })
            }
            _ => Err(errors),
        }
    }

    /// Reads a query string as it stands in a URL, with or without its `?`.
    ///
    /// # Errors
    /// As [`ListQuery::parse`]; under `form` when the whole is too long or not UTF-8.
    pub fn from_query_string(query: &str) -> Result<Self, FieldErrors> {
        let query = query.strip_prefix('?').unwrap_or(query);
        if query.len() > QUERY_BYTES_MAX {
            return Err(FieldErrors::one(
                "form",
                format!("An address has at most {QUERY_BYTES_MAX} bytes."),
            ));
        }
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(key)?, decode(value)?))
        });
        let pairs: Option<Vec<_>> = pairs.collect();
        Self::parse(pairs.ok_or_else(|| FieldErrors::one("form", "This address is not UTF-8."))?)
    }

    /// The parameters that differ from a list's defaults, in a fixed order, not encoded: for hidden fields of a form.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        let mut add = |needed: bool, name, value: &dyn Fn() -> String| {
            if needed {
                pairs.push((name, value()));
            }
        };
        add(!self.search.is_empty(), "q", &|| self.search.clone());
        add(!self.filter.is_empty(), "filter", &|| self.filter.to_string());
        add(self.sort != Sort::default(), "sort", &|| self.sort.to_string());
        if let Some(cursor) = self.cursor.as_ref().filter(|_| self.search.is_empty()) {
            add(true, if cursor.backwards { "before" } else { "after" }, &|| {
                cursor.token(self.sort)
            });
        }
        add(!self.search.is_empty() && self.skip > 0, "after", &|| {
            rank_token(self.skip)
        });
        add(self.size != SIZE, "size", &|| self.size.to_string());
        pairs
    }

    /// The canonical query string, percent-encoded, without `?`; empty for a list as it opens.
    #[must_use]
    pub fn to_query_string(&self) -> String {
        let mut query = String::new();
        for (name, value) in self.pairs() {
            if !query.is_empty() {
                query.push('&');
            }
            query.push_str(name);
            query.push('=');
            encode(&value, &mut query);
        }
        query
    }

    /// The address of this list on a page: the path, and the query string if there is one.
    #[must_use]
    pub fn href(&self, path: &str) -> String {
        match self.to_query_string() {
            query if query.is_empty() => path.to_owned(),
            query => format!("{path}?{query}"),
        }
    }

    /// The same list under another filter, from its first page.
    #[must_use]
    pub fn with_filter(&self, filter: Filter) -> Self {
        Self {
            filter,
            ..self.first_page()
        }
    }

    /// The same list, asking this as well, from its first page.
    #[must_use]
    pub fn with_condition(&self, condition: Condition) -> Self {
        self.with_filter(self.filter.clone().and(condition))
    }

    /// The same list without one of its [`Filter::parts`] (which are the conditions of a plain filter), from its
    /// first page.
    #[must_use]
    pub fn without_condition(&self, index: usize) -> Self {
        self.with_filter(self.filter.without_part(index))
    }

    /// The same list in another order, from its first page.
    #[must_use]
    pub fn with_sort(&self, sort: Sort) -> Self {
        Self {
            sort,
            ..self.first_page()
        }
    }

    /// The same list for other words, from its first page.
    #[must_use]
    pub fn with_search(&self, search: &str) -> Self {
        Self {
            search: search.trim().to_owned(),
            ..self.first_page()
        }
    }

    /// The same list with pages of another size, brought within the limits, from its first page.
    #[must_use]
    pub fn with_size(&self, size: u16) -> Self {
        Self {
            size: size.clamp(1, SIZE_MAX),
            ..self.first_page()
        }
    }

    /// The same list from its first page.
    #[must_use]
    pub fn first_page(&self) -> Self {
        Self {
            cursor: None,
            skip: 0,
            ..self.clone()
        }
    }

    /// The page that follows, by the token that this page's answer gave. A token that cannot be read gives the first.
    #[must_use]
    pub fn after(&self, token: &str) -> Self {
        self.at(token, false)
    }

    /// The page before, by the token that this page's answer gave. A token that cannot be read gives the first.
    #[must_use]
    pub fn before(&self, token: &str) -> Self {
        self.at(token, true)
    }

    fn at(&self, token: &str, backwards: bool) -> Self {
        let place = place(token, self.sort, backwards, !self.search.is_empty());
        let (cursor, skip) = place.unwrap_or_default();
        Self {
            cursor,
            skip,
            ..self.clone()
        }
    }

    /// The tokens of the pages before and after this one, of a search that ranks so many matches.
    #[must_use]
    pub fn ranked_tokens(&self, matches: u16) -> (Option<String>, Option<String>) {
        let (skip, ranked) = (self.skip, matches.min(RANKED_MAX));
        let next = skip.saturating_add(self.size);
        (
            (skip > 0).then(|| rank_token(skip.saturating_sub(self.size))),
            (next < ranked).then(|| rank_token(next)),
        )
    }
}

/// Reads a place in a list: beside a row, or after so many matches of a search.
fn place(token: &str, sort: Sort, backwards: bool, searches: bool) -> Result<(Option<Cursor>, u16), String> {
    match rank(token) {
        Some(skip) if searches => Ok((None, skip?)),
        _ => {
            let cursor = Cursor::parse(token, sort, backwards)?;
            Ok((Some(cursor).filter(|_| !searches), 0))
        }
    }
}

fn parse_filter(text: &str) -> Result<Filter, String> {
    text.parse()
        .map_err(|error: super::FilterError| error.to_string())
}

fn parse_size(text: &str) -> Result<u16, String> {
    match text.parse::<u16>() {
        Ok(size) if (1..=SIZE_MAX).contains(&size) => Ok(size),
        _ => Err(format!("Please ask for 1 to {SIZE_MAX} rows, in digits.")),
    }
}

/// Writes the column's word, after a minus when the last comes first.
impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.descending { "-" } else { "" }, self.by)
    }
}

impl FromStr for Sort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (descending, word) = text.strip_prefix('-').map_or((false, text), |word| (true, word));
        let by = word.parse::<SortBy>().map_err(|_| {
            let known = SortBy::EVERY
                .iter()
                .map(|by| by.word())
                .collect::<Vec<_>>()
                .join(", ");
            format!("A list is sorted by one of {known}; with - in front the last comes first.")
        })?;
        Ok(Self { by, descending })
    }
}

impl TryFrom<String> for ListQuery {
    type Error = String;

    fn try_from(query: String) -> Result<Self, String> {
        Self::from_query_string(&query).map_err(|errors| errors.0.into_values().collect::<Vec<_>>().join(" "))
    }
}

impl From<ListQuery> for String {
    fn from(query: ListQuery) -> Self {
        query.to_query_string()
    }
}

/// Percent-encodes a value. The signs of the filter's text form stay readable: RFC 3986 lets them stand in a query.
fn encode(value: &str, query: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:(),".contains(&byte) {
            query.push(char::from(byte));
        } else {
            query.push_str(&format!("%{byte:02X}"));
        }
    }
}

/// Decodes a part of a query string; nothing when it is not UTF-8. A `%` without two digits stands for itself, as
/// browsers have it.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let digits = after
            .first()
            .zip(after.get(1))
            .and_then(|(a, b)| hex(*a).zip(hex(*b)));
        match (byte, digits) {
            (b'%', Some((high, low))) => {
                bytes.push(high << 4 | low);
                rest = after.get(2..).unwrap_or_default();
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        form::Values,
        id::{CustomerId, uuid_v7},
        query::filter::tests::{condition, filter},
    };

    fn read(query: &str) -> ListQuery {
        ListQuery::from_query_string(query).unwrap_or_else(|errors| panic!("{query}: {errors:?}"))
    }

    fn errors(query: &str) -> FieldErrors {
        ListQuery::from_query_string(query).unwrap_err()
    }

    #[test]
    fn a_list_as_it_opens_has_an_empty_query_string() {
        assert_eq!(ListQuery::default().to_query_string(), "");
        assert_eq!(read(""), ListQuery::default());
        assert_eq!(read("?q=&stage=&size=&sort=name&after="), ListQuery::default());
        assert_eq!(ListQuery::default().href("/customers"), "/customers");
    }

    #[test]
    fn the_query_string_is_readable_and_reads_back() {
        let query = read(
            "size=20&sort=-updated&filter=1:and(stage.is(lead),city.is(%22S%C3%A3o+Paulo%22))&utm_source=x",
        );
        assert_eq!(
            query.href("/customers"),
            "/customers?filter=1:and(stage.is(lead),city.is(%22S%C3%A3o%20Paulo%22))&sort=-updated&size=20"
        );
        assert_eq!(read(&query.to_query_string()), query);
    }

    #[test]
    fn the_fields_of_a_form_without_script_are_added_to_the_filter() {
        let query = read("stage=lead&stage=prospect&owner=me&filter=1:tag.empty()&city=+&country=UK");
        assert_eq!(
            query.filter.to_string(),
            "1:and(tag.empty(),stage.is(lead,prospect),owner.is(me),country.is(UK))"
        );
        let again = read(&format!("{}&owner=me", query.to_query_string()));
        assert_eq!(again, query, "a condition that is there already is not doubled");
        assert_eq!(errors("stage=won").0.keys().collect::<Vec<_>>(), ["stage"]);
    }

    #[test]
    fn form_values_can_be_read_too() {
        let values: Values = [("tag", "a"), ("tag", "b"), ("q", "anders")]
            .into_iter()
            .collect();
        let query = ListQuery::parse(values.0.iter()).unwrap();
        assert_eq!(
            (query.search.as_str(), query.filter.to_string().as_str()),
            ("anders", "1:tag.is(a,b)")
        );
    }

    #[test]
    fn a_size_that_is_none_is_refused_with_the_limits_in_the_sentence() {
        for size in [
            "-1",
            "0",
            "201",
            "100000",
            "abc",
            "1e2",
            "50.0",
            "99999999999999999999",
            "%00",
        ] {
            let errors = errors(&format!("size={size}"));
            assert_eq!(
                errors.get("size"),
                Some("Please ask for 1 to 200 rows, in digits."),
                "{size}"
            );
        }
        assert_eq!((read("size=1").size, read("size=200").size), (1, 200));
    }

    #[test]
    fn each_wrong_parameter_has_its_sentence() {
        let wrong = errors("q=a%00b&sort=phone&filter=1:and(&size=0&after=x&team=me");
        // Without a known order nothing can be said about the place.
        assert_eq!(
            wrong.0.keys().collect::<Vec<_>>(),
            ["filter", "q", "size", "sort", "team"]
        );
        assert!(errors("after=x").get("after").is_some());
        assert!(errors("after=1&before=2").get("before").is_some());
        assert!(errors("size=10&size=20").get("size").is_some());
        assert!(errors("q=%ff").get("form").is_some());
        assert!(errors(&"x".repeat(1 << 20)).get("form").is_some());
        assert!(errors(&format!("q={}", "x".repeat(201))).get("q").is_some());
        assert!(
            errors(&format!(
                "filter=1:{}tag.empty(){}",
                "not(".repeat(100),
                ")".repeat(100)
            ))
            .get("filter")
            .is_some()
        );
    }

    #[test]
    fn fields_do_not_take_a_filter_over_its_limits() {
        let full = vec!["tag.empty()"; super::super::CONDITIONS_MAX].join(",");
        assert_eq!(read(&format!("filter=1:and({full})")).filter.parts().len(), 50);
        assert!(
            errors(&format!("filter=1:and({full})&stage=lead"))
                .get("filter")
                .is_some()
        );
    }

    fn on_second_page() -> ListQuery {
        let cursor = Cursor::by_name("Bon app'", CustomerId(uuid_v7(1, [1; 10])), false);
        ListQuery {
            cursor: Some(cursor),
            size: 20,
            ..read("stage=lead&city=Bern")
        }
    }

    #[test]
    fn a_changed_list_starts_from_its_first_page() {
        let query = on_second_page();
        assert_eq!(read(&query.to_query_string()), query);
        let descending = Sort {
            by: SortBy::Updated,
            descending: true,
        };
        for changed in [
            query.with_filter(Filter::default()),
            query.with_sort(descending),
            query.with_search("x"),
            query.with_size(500),
            query.without_condition(1),
        ] {
            assert_eq!(changed.cursor, None);
            assert_eq!(read(&changed.to_query_string()), changed);
        }
        assert_eq!(query.without_condition(1).filter.to_string(), "1:stage.is(lead)");
        assert_eq!(query.with_size(500).size, SIZE_MAX);
    }

    #[test]
    fn pages_are_linked_by_the_tokens_of_the_answer() {
        let query = on_second_page();
        let token = query.cursor.clone().unwrap().token(query.sort);
        assert_eq!(query.first_page().after(&token), query);
        assert!(query.before(&token).to_query_string().contains("&before=1.name."));
        assert_eq!(query.after("nonsense").cursor, None);
    }

    #[test]
    fn the_pages_of_a_search_are_linked_by_how_many_matches_come_before() {
        let first = read("q=anders&size=50");
        assert_eq!(first.ranked_tokens(50), (None, None));
        let (_, next) = first.ranked_tokens(123);
        let second = first.after(&next.unwrap());
        assert_eq!((second.skip, second.cursor.as_ref()), (50, None));
        assert_eq!(second.to_query_string(), "q=anders&after=1.rank.50");
        assert_eq!(read(&second.to_query_string()), second);
        let (previous, next) = second.ranked_tokens(123);
        assert_eq!(second.before(&previous.unwrap()), first);
        let third = second.after(&next.unwrap());
        assert_eq!((third.skip, third.ranked_tokens(123).1), (100, None));
        assert_eq!(third.with_search("ben").skip, 0);
        // What comes behind the last that is ranked is not to be had.
        assert_eq!(read("q=a&after=1.rank.1950").ranked_tokens(2_001).1, None);
        for wrong in ["2001", "-1", "x", ""] {
            assert!(
                errors(&format!("q=a&after=1.rank.{wrong}"))
                    .get("after")
                    .is_some()
            );
        }
        assert!(errors("after=1.rank.50").get("after").is_some(), "no search");
        // A place in a sorted list says nothing to a search.
        let sorted = on_second_page().to_query_string();
        assert_eq!(
            (
                read(&format!("{sorted}&q=a")).cursor,
                read(&format!("{sorted}&q=a")).skip
            ),
            (None, 0)
        );
    }

    #[test]
    fn serde_knows_the_query_string_only() {
        let query = on_second_page();
        let json = serde_json::to_string(&query).unwrap();
        assert_eq!(serde_json::from_str::<ListQuery>(&json).unwrap(), query);
        assert!(
            serde_json::from_str::<ListQuery>("\"size=0\"")
                .unwrap_err()
                .to_string()
                .contains("1 to 200")
        );
        assert!(serde_json::from_str::<ListQuery>("{\"size\":0}").is_err());
    }

    proptest! {
        #[test]
        fn a_query_string_reads_back(
            filter in filter(),
            search in prop_oneof![Just(String::new()), r"[^\p{Cc}\s]{0,30}"],
            place in prop::option::of((r"[^\p{Cc}]{0,30}", any::<[u8; 10]>(), any::<bool>())),
            skip in 0..=RANKED_MAX,
            size in 1..=SIZE_MAX,
        ) {
            let search = text::line(&search).unwrap();
            let cursor = place
                .filter(|_| search.is_empty())
                .map(|(name, seed, back)| Cursor::by_name(&name, CustomerId(uuid_v7(1, seed)), back));
            let skip = if search.is_empty() { 0 } else { skip };
            let query = ListQuery { filter, search, sort: Sort::default(), cursor, skip, size };
            prop_assert_eq!(ListQuery::from_query_string(&query.to_query_string()), Ok(query));
        }

        #[test]
        fn a_condition_can_be_added_and_taken_away(filter in filter(), condition in condition()) {
            let query = ListQuery::default().with_filter(filter.clone());
            let more = query.with_condition(condition.clone());
            if !filter.is_empty() && !filter.parts().contains(&Filter::Where(condition)) {
                let last = more.filter.parts().len() - 1;
                let less = more.without_condition(last);
                prop_assert_eq!(less.filter.parts(), filter.parts());
            }
        }

        #[test]
        fn any_query_string_is_read_or_refused(query in r"([a-z]{1,6}=)?\PC{0,80}") {
            let _ = ListQuery::from_query_string(&query);
        }
    }
}
