//! The text form of a filter, and what pages do with one.

use std::{fmt, str::FromStr};

use super::{
    CONDITIONS_MAX, Column, Condition, DEPTH_MAX, FILTER_BYTES_MAX, Filter, Operator, VALUES_MAX,
    column::excerpt,
};

/// The version of the text form that is written. A later version reads the earlier ones.
const VERSION: &str = "1";

/// Says where and why a text is not a filter. Its message is a sentence fit for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("The filter cannot be read at character {position}: {sentence}")]
pub struct FilterError {
    /// Which character, counted from 1.
    pub position: usize,
    /// What is wrong there.
    pub sentence: String,
}

impl Default for Filter {
    fn default() -> Self {
        Self::And(Vec::new())
    }
}

impl Filter {
    /// True when it holds for every row because it asks nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::And(parts) if parts.is_empty())
    }

    /// What must all hold: the parts of the outermost and, or the one part there is.
    #[must_use]
    pub fn parts(&self) -> &[Self] {
        match self {
            Self::And(parts) => parts,
            one => std::slice::from_ref(one),
        }
    }

    /// Whether it asks for somebody's own, by `me` or `mine`: it finds other rows for everybody.
    #[must_use]
    pub fn names_viewer(&self) -> bool {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().any(Self::names_viewer),
            Self::Not(part) => part.names_viewer(),
            Self::Where(condition) => {
                let by_id = matches!(condition.column, Column::Owner | Column::Team);
                by_id
                    && condition
                        .values
                        .iter()
                        .any(|value| matches!(value.as_str(), "me" | "mine"))
            }
        }
    }

    /// The plain list of conditions that must all hold, for chips; none when the tree is more than that.
    #[must_use]
    pub fn conditions(&self) -> Option<Vec<&Condition>> {
        let plain = self.parts().iter().map(|part| match part {
            Self::Where(condition) => Some(condition),
            _ => None,
        });
        plain.collect()
    }

    /// The one value that a column must equal, if the filter asks for that plainly: what a select on the page shows.
    #[must_use]
    pub fn simple(&self, column: Column) -> Option<&str> {
        let mut values = self.parts().iter().filter_map(|part| match part {
            Self::Where(condition) if is_simple(condition, column) => condition.values.first(),
            _ => None,
        });
        values.next().map(String::as_str)
    }

    /// The same, asking this as well. A condition that is there already is not doubled.
    #[must_use]
    pub fn and(self, condition: Condition) -> Self {
        let part = Self::Where(condition);
        match self {
            Self::And(parts) if parts.is_empty() => part,
            filter if filter.parts().contains(&part) => filter,
            Self::And(mut parts) => {
                parts.push(part);
                Self::And(parts)
            }
            other => Self::And(vec![other, part]),
        }
    }

    /// The same without one of its [`parts`](Self::parts); unchanged where there is no such part.
    #[must_use]
    pub fn without_part(&self, index: usize) -> Self {
        let kept = self
            .parts()
            .iter()
            .enumerate()
            .filter(|(place, _)| *place != index);
        Self::all(kept.map(|(_, part)| part.clone()).collect())
    }

    /// The same without what [`simple`](Self::simple) finds for these columns: the rest, for the hidden field of a
    /// form that shows the columns as fields of their own.
    #[must_use]
    pub fn without_simple(&self, columns: &[Column]) -> Self {
        let shown = |part: &&Self| match part {
            Self::Where(condition) => columns.iter().any(|column| is_simple(condition, *column)),
            _ => false,
        };
        Self::all(self.parts().iter().filter(|part| !shown(part)).cloned().collect())
    }

    /// Checks a filter that was built by hand, and cleans it: the same rules as for a text.
    ///
    /// # Errors
    /// As [`Filter::from_str`].
    pub fn checked(self) -> Result<Self, FilterError> {
        self.to_string().parse()
    }

    /// All of these; without an and around a single one, unless that is an and itself.
    fn all(parts: Vec<Self>) -> Self {
        match parts.as_slice() {
            [Self::And(_)] => Self::And(parts),
            [one] => one.clone(),
            _ => Self::And(parts),
        }
    }
}

fn is_simple(condition: &Condition, column: Column) -> bool {
    condition.column == column && condition.operator == Operator::Is && condition.values.len() == 1
}

/// Writes the text form with its version.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{VERSION}:")?;
        self.write(f)
    }
}

impl Filter {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = |f: &mut fmt::Formatter<'_>, word: &str, parts: &[Self]| {
            write!(f, "{word}(")?;
            for (place, part) in parts.iter().enumerate() {
                f.write_str(if place == 0 { "" } else { "," })?;
                part.write(f)?;
            }
            f.write_str(")")
        };
        match self {
            Self::And(parts) => group(f, "and", parts),
            Self::Or(parts) => group(f, "or", parts),
            Self::Not(part) => group(f, "not", std::slice::from_ref(part)),
            Self::Where(condition) => {
                write!(f, "{}.{}(", condition.column, condition.operator)?;
                for (place, value) in condition.values.iter().enumerate() {
                    f.write_str(if place == 0 { "" } else { "," })?;
                    write_value(f, value)?;
                }
                f.write_str(")")
            }
        }
    }
}

/// What a value may be made of to stand without quotes.
fn is_bare(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '.')
}

fn write_value(f: &mut fmt::Formatter<'_>, value: &str) -> fmt::Result {
    if !value.is_empty() && value.chars().all(is_bare) {
        return f.write_str(value);
    }
    f.write_str("\"")?;
    for c in value.chars() {
        if matches!(c, '"' | '\\') {
            f.write_str("\\")?;
        }
        write!(f, "{c}")?;
    }
    f.write_str("\"")
}

impl FromStr for Filter {
    type Err = FilterError;

    /// Reads the text form. Values are checked and cleaned by column ([`Column::value`]).
    ///
    /// ```text
    /// filter    = "1:" node
    /// node      = ("and" | "or") "(" node *("," node) ")" | "not" "(" node ")" | condition
    /// condition = column "." operator "(" [ value *("," value) ] ")"
    /// value     = 1*(letter | digit | "-" | "_" | ".") | '"' *(character | '\"' | '\\') '"'
    /// ```
    /// The whole may also be `1:and()`, which asks nothing. Blanks between the tokens are skipped. For example:
    /// `1:and(stage.is(lead,prospect),not(city.is("São Paulo")))`.
    ///
    /// # Errors
    /// A sentence with its position. The limits ([`FILTER_BYTES_MAX`], [`DEPTH_MAX`], [`CONDITIONS_MAX`],
    /// [`VALUES_MAX`]) are checked while reading, so that no text makes this deep or slow.
    fn from_str(text: &str) -> Result<Self, FilterError> {
        let mut parser = Parser {
            text,
            at: 0,
            conditions: 0,
        };
        if text.len() > FILTER_BYTES_MAX {
            return parser.fail(format!("a filter has at most {FILTER_BYTES_MAX} bytes."));
        }
        parser.version()?;
        let filter = parser.node(0)?;
        parser.blanks();
        if parser.rest().is_empty() {
            Ok(filter)
        } else {
            parser.fail("nothing may follow the last bracket.")
        }
    }
}

impl TryFrom<String> for Filter {
    type Error = FilterError;

    fn try_from(text: String) -> Result<Self, FilterError> {
        text.parse()
    }
}

impl From<Filter> for String {
    fn from(filter: Filter) -> Self {
        filter.to_string()
    }
}

struct Parser<'a> {
    text: &'a str,
    /// Bytes read so far; always on the border of a character.
    at: usize,
    /// Conditions read so far.
    conditions: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn fail_at<T>(&self, at: usize, sentence: impl Into<String>) -> Result<T, FilterError> {
        let before = self.text.get(..at).unwrap_or_default();
        Err(FilterError {
            position: before.chars().count() + 1,
            sentence: sentence.into(),
        })
    }

    fn fail<T>(&self, sentence: impl Into<String>) -> Result<T, FilterError> {
        self.fail_at(self.at, sentence)
    }

    /// Reads the longest run of such characters.
    fn run(&mut self, holds: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !holds(c)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    fn blanks(&mut self) {
        self.run(|c| c == ' ');
    }

    /// Reads the character if it comes next, with the blanks before it.
    fn eat(&mut self, c: char) -> bool {
        self.blanks();
        let found = self.rest().starts_with(c);
        self.at += if found { c.len_utf8() } else { 0 };
        found
    }

    fn need(&mut self, c: char) -> Result<(), FilterError> {
        if self.eat(c) {
            Ok(())
        } else {
            self.fail(format!("here should be “{c}”."))
        }
    }

    fn version(&mut self) -> Result<(), FilterError> {
        self.blanks();
        let start = self.at;
        let version = self.run(|c| c.is_ascii_digit());
        if version.is_empty() || !self.eat(':') {
            return self.fail_at(start, format!("a filter begins with its version, “{VERSION}:”."));
        }
        if version == VERSION {
            return Ok(());
        }
        self.fail_at(
            start,
            format!("version {} is not known; please use {VERSION}.", excerpt(version)),
        )
    }

    /// Reads one node. `depth` counts the groups around it.
    fn node(&mut self, depth: usize) -> Result<Filter, FilterError> {
        self.blanks();
        let start = self.at;
        let word = self.run(|c| c.is_ascii_lowercase() || c == '_');
        match word {
            "and" | "or" | "not" => {
                if depth == DEPTH_MAX {
                    return self.fail_at(
                        start,
                        format!("and, or, not may be nested at most {DEPTH_MAX} deep."),
                    );
                }
                let inside = self.at;
                let mut parts = self.group(depth)?;
                match (word, parts.len()) {
                    ("and", 0) if depth == 0 => Ok(Filter::default()),
                    (_, 0) => self.fail_at(inside, format!("“{word}” needs a condition.")),
                    ("and", _) => Ok(Filter::And(parts)),
                    ("or", _) => Ok(Filter::Or(parts)),
                    (_, 1) => Ok(Filter::Not(Box::new(parts.pop().unwrap_or_default()))),
                    _ => self.fail_at(
                        inside,
                        "“not” takes exactly one condition; please put and or or around several.",
                    ),
                }
            }
            "" => self.fail("here should be a condition, such as stage.is(lead), or and, or, not."),
            name => {
                let Ok(column) = name.parse::<Column>() else {
                    let columns = Column::EVERY
                        .iter()
                        .map(|column| column.word())
                        .collect::<Vec<_>>()
                        .join(", ");
                    let name = excerpt(name);
                    return self.fail_at(
                        start,
                        format!("“{name}” is not a column; the columns are {columns}."),
                    );
                };
                self.conditions += 1;
                if self.conditions > CONDITIONS_MAX {
                    return self.fail_at(
                        start,
                        format!("a filter has at most {CONDITIONS_MAX} conditions."),
                    );
                }
                self.condition(column).map(Filter::Where)
            }
        }
    }

    fn group(&mut self, depth: usize) -> Result<Vec<Filter>, FilterError> {
        let mut parts = Vec::new();
        self.need('(')?;
        if self.eat(')') {
            return Ok(parts);
        }
        loop {
            parts.push(self.node(depth + 1)?);
            if !self.eat(',') {
                self.need(')')?;
                return Ok(parts);
            }
        }
    }

    fn condition(&mut self, column: Column) -> Result<Condition, FilterError> {
        self.need('.')?;
        self.blanks();
        let start = self.at;
        let word = self.run(|c| c.is_ascii_lowercase());
        let Ok(operator) = word.parse::<Operator>() else {
            let known = column
                .operators()
                .iter()
                .map(|operator| operator.word())
                .collect::<Vec<_>>()
                .join(", ");
            return self.fail_at(
                start,
                format!("here should be how {column} is compared: one of {known}."),
            );
        };
        column
            .allows(operator)
            .or_else(|sentence| self.fail_at(start, sentence))?;
        let inside = self.at;
        let values = self.values(column)?;
        operator
            .fits(values.len())
            .or_else(|sentence| self.fail_at(inside, sentence))?;
        Ok(Condition {
            column,
            operator,
            values,
        })
    }

    fn values(&mut self, column: Column) -> Result<Vec<String>, FilterError> {
        let mut values = Vec::new();
        self.need('(')?;
        if self.eat(')') {
            return Ok(values);
        }
        for count in 1.. {
            self.blanks();
            let start = self.at;
            let raw = self.value()?;
            let value = column
                .value(&raw)
                .or_else(|sentence| self.fail_at(start, sentence))?;
            if !values.contains(&value) {
                values.push(value);
            }
            if count > VALUES_MAX {
                return self.fail_at(start, format!("a condition takes at most {VALUES_MAX} values."));
            }
            if !self.eat(',') {
                break;
            }
        }
        self.need(')')?;
        Ok(values)
    }

    fn value(&mut self) -> Result<String, FilterError> {
        let start = self.at;
        if !self.eat('"') {
            return match self.run(is_bare) {
                "" => self.fail("here should be a value; other than letters, digits, -, _ and . need quotes (\") around them."),
                bare => Ok(bare.to_owned()),
            };
        }
        let mut value = String::new();
        let mut escaped = false;
        for c in self.rest().chars() {
            self.at += c.len_utf8();
            match (escaped, c) {
                (false, '"') => return Ok(value),
                (false, '\\') => escaped = true,
                (true, c) if !matches!(c, '"' | '\\') => {
                    return self.fail_at(self.at - c.len_utf8(), "after \\ comes \" or \\.");
                }
                _ => {
                    value.push(c);
                    escaped = false;
                }
            }
        }
        self.fail_at(start, "this quote (\") never closes.")
    }
}

#[cfg(test)]
pub(in crate::query) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text;

    fn read(text: &str) -> Filter {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn refusal(text: &str) -> String {
        text.parse::<Filter>().unwrap_err().to_string()
    }

    #[test]
    fn a_filter_reads_and_prints_its_text() {
        for text in [
            "1:and()",
            "1:stage.is(lead)",
            r#"1:and(stage.is(lead,prospect),not(city.is("São Paulo")))"#,
            r#"1:or(name.has("a \"quoted\" \\ word"),tag.empty(),created.from(2026-01-31))"#,
            "1:not(owner.is(me,0190a5b2-0000-7000-8000-000000000001))",
            "1:and(and(or(not(or(city.filled())))))",
            "1:city.is(Luleå,東京)",
        ] {
            assert_eq!(read(text).to_string(), text);
        }
    }

    #[test]
    fn blanks_and_needless_quotes_are_read_but_not_written() {
        assert_eq!(
            read(r#" 1: and ( stage . is ( "lead" , lead ) ) "#).to_string(),
            "1:and(stage.is(lead))"
        );
    }

    #[test]
    fn a_refusal_is_a_sentence_with_the_position() {
        for (text, sentence) in [
            ("", "character 1: a filter begins with its version, “1:”."),
            (
                "stage.is(lead)",
                "character 1: a filter begins with its version, “1:”.",
            ),
            ("2:and()", "character 1: version 2 is not known; please use 1."),
            (
                "1:",
                "character 3: here should be a condition, such as stage.is(lead), or and, or, not.",
            ),
            ("1:and(stage.is(lead)", "character 21: here should be “)”."),
            (
                "1:stage.is(lead))",
                "character 17: nothing may follow the last bracket.",
            ),
            ("1:or()", "character 5: “or” needs a condition."),
            ("1:and(and())", "character 10: “and” needs a condition."),
            (
                "1:not(tag.empty(),tag.filled())",
                "character 6: “not” takes exactly one condition; please put and or or around several.",
            ),
            ("1:stage.is()", "character 11: “is” needs a value."),
            ("1:tag.empty(x)", "character 12: “empty” takes no value."),
            (
                "1:stage.from(lead)",
                "character 9: “from” does not fit stage; please use one of is, not.",
            ),
            ("1:stage(lead)", "character 8: here should be “.”."),
            ("1:city.is(\"Köln)", "character 11: this quote (\") never closes."),
            (
                "1:city.is(\"Köln\",\"\")",
                "character 18: A value may not be empty.",
            ),
            ("1:city.is(a\\b)", "character 12: here should be “)”."),
            ("1:city.is(\"a\\n\")", "character 14: after \\ comes \" or \\."),
            (
                "1:created.from(2026-02-30)",
                "character 16: “2026-02-30” is not a day; please write it as 2026-11-22.",
            ),
        ] {
            assert_eq!(
                refusal(text),
                format!("The filter cannot be read at {sentence}"),
                "{text}"
            );
        }
        assert!(refusal("1:secret.is(x)").contains("“secret” is not a column; the columns are kind, stage,"));
    }

    #[test]
    fn the_limits_hold_and_the_next_one_is_refused() {
        let nested = |depth: usize| format!("1:{}tag.empty(){}", "not(".repeat(depth), ")".repeat(depth));
        assert_eq!(read(&nested(DEPTH_MAX)).to_string(), nested(DEPTH_MAX));
        assert!(refusal(&nested(DEPTH_MAX + 1)).contains("nested at most 5 deep"));
        assert!(refusal(&nested(100)).contains("nested at most 5 deep"));

        let wide = |count: usize| format!("1:or({})", vec!["tag.empty()"; count].join(","));
        assert_eq!(read(&wide(CONDITIONS_MAX)).parts().len(), 1);
        assert!(refusal(&wide(CONDITIONS_MAX + 1)).contains("at most 50 conditions"));

        let values = |count: usize| {
            format!(
                "1:tag.is({})",
                (0..count).map(|n| n.to_string()).collect::<Vec<_>>().join(",")
            )
        };
        read(&values(VALUES_MAX));
        assert!(refusal(&values(VALUES_MAX + 1)).contains("at most 100 values"));

        read(&format!("1:city.is({})", "x".repeat(text::LINE_MAX)));
        assert!(
            refusal(&format!("1:city.is({})", "x".repeat(text::LINE_MAX + 1)))
                .contains("at most 200 characters")
        );
    }

    #[test]
    fn a_megabyte_is_refused_at_once() {
        for part in ["not(", "and(", "x", "\"", "1:", "\\", " "] {
            let text = format!("1:{}", part.repeat((1 << 20) / part.len()));
            assert!(refusal(&text).contains("at most 16384 bytes"));
        }
        // Just under the limit nothing grows with the text either.
        assert!(refusal(&format!("1:{}", "and(".repeat(4_000))).contains("nested at most 5 deep"));
    }

    #[test]
    fn chips_are_there_for_a_plain_list_only() {
        let count = |text: &str| read(text).conditions().map(|list| list.len());
        assert_eq!(count("1:and()"), Some(0));
        assert_eq!(count("1:tag.empty()"), Some(1));
        assert_eq!(count("1:and(tag.empty(),city.is(Bern))"), Some(2));
        assert_eq!(count("1:or(tag.empty(),city.is(Bern))"), None);
        assert_eq!(count("1:and(tag.empty(),not(city.is(Bern)))"), None);
    }

    #[test]
    fn a_part_can_be_taken_out_and_put_in() {
        let filter = read("1:and(stage.is(lead),city.is(Bern))");
        assert_eq!(filter.without_part(0).to_string(), "1:city.is(Bern)");
        assert_eq!(filter.without_part(0).without_part(0), Filter::default());
        assert_eq!(filter.without_part(9), filter);
        let bern = Condition::new(Column::City, Operator::Is, ["Bern"]).unwrap();
        assert_eq!(filter.clone().and(bern.clone()), filter);
        assert_eq!(
            Filter::default().and(bern.clone()).and(bern.clone()).to_string(),
            "1:city.is(Bern)"
        );
        let either = read("1:or(tag.empty(),stage.is(lead))").and(bern);
        assert_eq!(
            either.to_string(),
            "1:and(or(tag.empty(),stage.is(lead)),city.is(Bern))"
        );
    }

    #[test]
    fn what_a_form_shows_as_a_field_is_told_from_the_rest() {
        let filter = read("1:and(stage.is(lead),city.is(Bern,Basel),or(kind.is(person),tag.empty()))");
        assert_eq!(filter.simple(Column::Stage), Some("lead"));
        assert_eq!(filter.simple(Column::City), None);
        assert_eq!(filter.simple(Column::Kind), None);
        let rest = filter.without_simple(&[Column::Stage, Column::City]);
        assert_eq!(
            rest.to_string(),
            "1:and(city.is(Bern,Basel),or(kind.is(person),tag.empty()))"
        );
    }

    #[test]
    fn serde_knows_the_text_form_only() {
        let filter = read("1:stage.is(lead)");
        assert_eq!(serde_json::to_string(&filter).unwrap(), r#""1:stage.is(lead)""#);
        assert_eq!(
            serde_json::from_str::<Filter>(r#""1:stage.is(lead)""#).unwrap(),
            filter
        );
        assert!(serde_json::from_str::<Filter>(r#""1:stage.is(won)""#).is_err());
        assert!(serde_json::from_str::<Filter>(r#"{"And":[]}"#).is_err());
    }

    #[test]
    fn a_filter_built_by_hand_is_checked_by_the_same_rules() {
        let built = |value: &str| {
            Filter::Where(Condition {
                column: Column::Stage,
                operator: Operator::Is,
                values: vec![value.to_owned()],
            })
        };
        assert!(built("lead").checked().is_ok());
        assert!(built("won").checked().is_err());
        assert!(Filter::Or(Vec::new()).checked().is_err());
    }

    pub(in crate::query) fn condition() -> impl Strategy<Value = Condition> {
        let column = prop::sample::select(Column::EVERY);
        let values = prop::collection::vec(
            (any::<[u8; 16]>(), r#"[^\p{Cc}]{1,12}"#, 1u16..9999, 1u8..29),
            0..4,
        );
        (column, any::<prop::sample::Index>(), values).prop_filter_map(
            "no value",
            |(column, index, seeds)| {
                let operator = column.operators()[index.index(column.operators().len())];
                let (_, most) = operator.counts();
                let values = seeds
                    .into_iter()
                    .take(most)
                    .map(|(id, text, year, day)| match column {
                        Column::Kind | Column::Stage => column.choices()
                            [usize::from(day) % column.choices().len()]
                        .0
                        .to_owned(),
                        Column::Owner if day < 9 => "me".to_owned(),
                        Column::Team if day < 9 => "mine".to_owned(),
                        Column::Owner | Column::Team | Column::Company => {
                            uuid::Uuid::from_bytes(id).to_string()
                        }
                        Column::Created | Column::Updated => format!("{year:04}-02-{day:02}"),
                        _ => text,
                    });
                Condition::new(column, operator, values.collect::<Vec<_>>()).ok()
            },
        )
    }

    pub(in crate::query) fn filter() -> impl Strategy<Value = Filter> {
        let leaf = condition().prop_map(Filter::Where);
        let tree = leaf.prop_recursive(5, 40, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(Filter::And),
                prop::collection::vec(inner.clone(), 1..4).prop_map(Filter::Or),
                inner.prop_map(|part| Filter::Not(Box::new(part))),
            ]
        });
        prop_oneof![1 => Just(Filter::default()), 20 => tree].prop_filter("over a limit", |filter| {
            fn size(filter: &Filter) -> (usize, usize) {
                let parts = match filter {
                    Filter::Where(_) => return (0, 1),
                    Filter::And(parts) | Filter::Or(parts) => parts.as_slice(),
                    Filter::Not(part) => std::slice::from_ref(&**part),
                };
                parts
                    .iter()
                    .map(size)
                    .fold((1, 0), |(depth, count), (d, c)| (depth.max(d + 1), count + c))
            }
            let (depth, count) = size(filter);
            depth <= DEPTH_MAX && count <= CONDITIONS_MAX
        })
    }

    proptest! {
        #[test]
        fn reading_what_was_printed_gives_the_same_tree(filter in filter()) {
            prop_assert_eq!(filter.to_string().parse(), Ok(filter));
        }

        #[test]
        fn any_text_is_read_or_refused_with_a_position_inside_it(text in r"(1:)?\PC{0,60}") {
            match text.parse::<Filter>() {
                Ok(filter) => prop_assert_eq!(filter.to_string().parse(), Ok(filter)),
                Err(error) => prop_assert!(error.position <= text.chars().count() + 1),
            }
        }

        #[test]
        fn any_row_of_tokens_is_read_or_refused(
            tokens in prop::collection::vec(
                prop::sample::select(vec![
                    "and", "or", "not", "(", "(", ")", ")", ",", ".", "city", "stage", "is", "has", "empty", "lead",
                    "\"", "\\", " ", "é", "\0", "\n",
                ]),
                0..60,
            )
        ) {
            let text = format!("1:{}", tokens.concat());
            if let Ok(filter) = text.parse::<Filter>() {
                prop_assert_eq!(filter.to_string().parse(), Ok(filter));
            }
        }
    }
}
