//! What each column of the list may be compared with, and the words for it.

use chrono::NaiveDate;
use uuid::Uuid;

use super::{Column, Condition, Operator, VALUES_MAX};
use crate::{
    customer::{CustomerKind, Stage},
    text,
};

/// What the values of a column are, so that a page can offer the right field for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// One of [`Column::choices`].
    Choice,
    /// A user id, or `me`.
    User,
    /// A team id, or `mine`.
    Team,
    /// The id of a company.
    Company,
    /// Any text of one line.
    Text,
    /// A day, `YYYY-MM-DD`.
    Day,
}

impl Column {
    /// The name for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Kind => "Kind",
            Self::Stage => "Stage",
            Self::Owner => "Owner",
            Self::Team => "Team",
            Self::Tag => "Tag",
            Self::City => "City",
            Self::Country => "Country",
            Self::Name => "Name",
            Self::Company => "Company",
            Self::Created => "Created",
            Self::Updated => "Updated",
        }
    }

    /// How the column may be compared, the usual way first.
    #[must_use]
    pub fn operators(self) -> &'static [Operator] {
        use Operator::{Before, Contains, Empty, Filled, From, Is, IsNot};
        match self {
            Self::Kind | Self::Stage => &[Is, IsNot],
            Self::Owner | Self::Team | Self::Tag | Self::Company => &[Is, IsNot, Empty, Filled],
            Self::City | Self::Country => &[Is, IsNot, Contains, Empty, Filled],
            Self::Name => &[Contains, Is, IsNot],
            Self::Created | Self::Updated => &[From, Before],
        }
    }

    /// What its values are.
    #[must_use]
    pub fn value_kind(self) -> ValueKind {
        match self {
            Self::Kind | Self::Stage => ValueKind::Choice,
            Self::Owner => ValueKind::User,
            Self::Team => ValueKind::Team,
            Self::Company => ValueKind::Company,
            Self::Tag | Self::City | Self::Country | Self::Name => ValueKind::Text,
            Self::Created | Self::Updated => ValueKind::Day,
        }
    }

    /// Its fixed values as (word, name for people); none where there is no fixed list.
    #[must_use]
    pub fn choices(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Kind => CustomerKind::EVERY
                .iter()
                .map(|kind| (kind.word(), kind.label()))
                .collect(),
            Self::Stage => Stage::EVERY
                .iter()
                .map(|stage| (stage.word(), stage.label()))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Checks one value for the column and cleans it.
    ///
    /// # Errors
    /// A sentence that names the value.
    pub fn value(self, raw: &str) -> Result<String, String> {
        let value = text::required_line(raw, "A value may not be empty.")?;
        let id = |id: &str| Uuid::try_parse(id).ok().map(|id| id.hyphenated().to_string());
        match self.value_kind() {
            ValueKind::Choice => {
                let choices = self.choices();
                if choices.iter().any(|(word, _)| *word == value) {
                    return Ok(value);
                }
                let words = choices
                    .into_iter()
                    .map(|(word, _)| word)
                    .collect::<Vec<_>>()
                    .join(", ");
                Err(format!(
                    "“{}” is not known for {self}; please use one of {words}.",
                    excerpt(&value)
                ))
            }
            ValueKind::User if value == "me" => Ok(value),
            ValueKind::User => {
                id(&value).ok_or_else(|| format!("“{}” is neither the id of a user nor me.", excerpt(&value)))
            }
            ValueKind::Team if value == "mine" => Ok(value),
            ValueKind::Team => id(&value)
                .ok_or_else(|| format!("“{}” is neither the id of a team nor mine.", excerpt(&value))),
            ValueKind::Company => {
                id(&value).ok_or_else(|| format!("“{}” is not the id of a company.", excerpt(&value)))
            }
            ValueKind::Text => Ok(value),
            ValueKind::Day if is_day(&value) => Ok(value),
            ValueKind::Day => Err(format!(
                "“{}” is not a day; please write it as 2026-11-22.",
                excerpt(&value)
            )),
        }
    }
}

/// Years of four digits from 1 on. Read here: chrono's readers of dates weigh much in the browser, and read more.
fn is_day(value: &str) -> bool {
    let shaped = value.len() == 10
        && value.bytes().enumerate().all(|(place, byte)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let number =
        |range: std::ops::Range<usize>| value.get(range).and_then(|digits| digits.parse::<u32>().ok());
    let day = || {
        let year = i32::try_from(number(0..4)?).ok().filter(|year| *year > 0)?;
        NaiveDate::from_ymd_opt(year, number(5..7)?, number(8..10)?)
    };
    shaped && day().is_some()
}

/// The beginning of a text, short enough for a sentence.
pub(super) fn excerpt(text: &str) -> String {
    const LONG: usize = 40;
    match text.char_indices().nth(LONG) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

impl Operator {
    /// The name for people, to stand between a column and its values.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Is => "is",
            Self::IsNot => "is not",
            Self::Contains => "contains",
            Self::Empty => "is empty",
            Self::Filled => "is filled",
            Self::From => "is on or after",
            Self::Before => "is before",
        }
    }

    /// The least and the most values that it takes.
    #[must_use]
    pub fn counts(self) -> (usize, usize) {
        match self {
            Self::Is | Self::IsNot | Self::Contains => (1, VALUES_MAX),
            Self::Empty | Self::Filled => (0, 0),
            Self::From | Self::Before => (1, 1),
        }
    }

    /// Refuses a number of values that does not fit.
    pub(super) fn fits(self, count: usize) -> Result<(), String> {
        match self.counts() {
            (least, most) if (least..=most).contains(&count) => Ok(()),
            (_, 0) => Err(format!("“{self}” takes no value.")),
            (_, 1) => Err(format!("“{self}” takes exactly one value.")),
            (least, _) if count < least => Err(format!("“{self}” needs a value.")),
            (_, most) => Err(format!("“{self}” takes at most {most} values.")),
        }
    }
}

impl Condition {
    /// Checks and cleans a condition. Values that come twice are kept once.
    ///
    /// # Errors
    /// A sentence that says what does not fit: the operator, a value, or how many there are.
    pub fn new<V: AsRef<str>>(
        column: Column,
        operator: Operator,
        values: impl IntoIterator<Item = V>,
    ) -> Result<Self, String> {
        column.allows(operator)?;
        let mut clean = Vec::new();
        for raw in values {
            let value = column.value(raw.as_ref())?;
            if !clean.contains(&value) {
                clean.push(value);
            }
            operator.fits(clean.len().max(1))?;
        }
        operator.fits(clean.len())?;
        Ok(Self {
            column,
            operator,
            values: clean,
        })
    }

    /// The condition in words, for a chip: “Stage is Lead or Prospect”. `name` knows the names of users, teams and
    /// companies by their ids; what it does not know is “unknown”.
    #[must_use]
    pub fn say(&self, name: impl Fn(Column, &str) -> Option<String>) -> String {
        let values = self.values.iter().map(|value| match self.column.value_kind() {
            ValueKind::Choice => {
                let found = self.column.choices().into_iter().find(|(word, _)| word == value);
                found.map_or_else(|| value.clone(), |(_, label)| label.to_owned())
            }
            ValueKind::User | ValueKind::Team if value == "me" || value == "mine" => value.clone(),
            ValueKind::User | ValueKind::Team | ValueKind::Company => {
                name(self.column, value).unwrap_or_else(|| "unknown".to_owned())
            }
            ValueKind::Text | ValueKind::Day => value.clone(),
        });
        let values = values.collect::<Vec<_>>().join(" or ");
        format!("{} {} {values}", self.column.label(), self.operator.label())
            .trim_end()
            .to_owned()
    }
}

impl Column {
    /// Refuses an operator that does not fit the column.
    pub(super) fn allows(self, operator: Operator) -> Result<(), String> {
        if self.operators().contains(&operator) {
            return Ok(());
        }
        let words = self
            .operators()
            .iter()
            .map(|operator| operator.word())
            .collect::<Vec<_>>()
            .join(", ");
        Err(format!(
            "“{operator}” does not fit {self}; please use one of {words}."
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked_by_column() {
        let id = "0190A5B2-0000-7000-8000-000000000001";
        for (column, raw, clean) in [
            (Column::Stage, "lead", "lead"),
            (Column::Kind, " company ", "company"),
            (Column::Owner, "me", "me"),
            (Column::Owner, id, "0190a5b2-0000-7000-8000-000000000001"),
            (Column::Team, "mine", "mine"),
            (Column::City, "Lulea\u{30a}", "Luleå"),
            (Column::Created, "2024-02-29", "2024-02-29"),
        ] {
            assert_eq!(column.value(raw), Ok(clean.to_owned()), "{column} {raw}");
        }
        for (column, raw) in [
            (Column::Stage, "Lead"),
            (Column::Stage, ""),
            (Column::Kind, "lead"),
            (Column::Owner, "mine"),
            (Column::Team, "me"),
            (Column::Company, "me"),
            (Column::Company, "1"),
            (Column::City, "  "),
            (Column::City, "a\0b"),
            (Column::Created, "2023-02-29"),
            (Column::Created, "2023-2-9"),
            (Column::Created, "+1234-01-01"),
            (Column::Created, "0000-01-01"),
            (Column::Updated, "today"),
        ] {
            let sentence = column.value(raw).unwrap_err();
            assert!(sentence.ends_with('.'), "{column} {raw:?}: {sentence}");
        }
    }

    #[test]
    fn the_sentence_for_an_unknown_word_names_those_that_are_known() {
        assert_eq!(
            Column::Stage.value("won").unwrap_err(),
            "“won” is not known for stage; please use one of lead, prospect, customer, former."
        );
    }

    #[test]
    fn a_condition_takes_the_operators_and_the_number_of_values_that_fit() {
        let new = |column, operator, values: &[&str]| Condition::new(column, operator, values);
        assert_eq!(
            new(Column::City, Operator::Is, &["Bern", "Bern"]).unwrap().values,
            ["Bern"]
        );
        assert_eq!(
            new(Column::City, Operator::Is, &[]).unwrap_err(),
            "“is” needs a value."
        );
        assert_eq!(
            new(Column::City, Operator::Empty, &["x"]).unwrap_err(),
            "“empty” takes no value."
        );
        assert_eq!(
            new(Column::Created, Operator::From, &["2024-01-01", "2024-01-02"]).unwrap_err(),
            "“from” takes exactly one value."
        );
        assert_eq!(
            new(Column::Created, Operator::Is, &["2024-01-01"]).unwrap_err(),
            "“is” does not fit created; please use one of from, before."
        );
        let many = (0..=VALUES_MAX).map(|n| n.to_string());
        assert_eq!(
            Condition::new(Column::Tag, Operator::Is, many).unwrap_err(),
            "“is” takes at most 100 values."
        );
    }

    #[test]
    fn a_condition_is_said_in_words() {
        let say = |column, operator, values: &[&str]| {
            Condition::new(column, operator, values)
                .unwrap()
                .say(|_, _| Some("Ada".to_owned()))
        };
        assert_eq!(
            say(Column::Stage, Operator::Is, &["lead", "former"]),
            "Stage is Lead or Former"
        );
        assert_eq!(say(Column::Owner, Operator::IsNot, &["me"]), "Owner is not me");
        assert_eq!(
            say(
                Column::Owner,
                Operator::Is,
                &["0190a5b2-0000-7000-8000-000000000001"]
            ),
            "Owner is Ada"
        );
        assert_eq!(say(Column::City, Operator::Empty, &[]), "City is empty");
    }
}
