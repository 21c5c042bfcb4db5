//! How an import is mapped and matched, as a form's fields and back. The page reads them for its preview, the server to
//! keep them.

use super::{
    Constant, DayOrder, Delimiter, Dialect, Encoding, ImportSettings, MatchBy, OnMatch, OnTrash, Target,
    Whose,
};
use crate::{
    customer::{Field, Stage},
    error::FieldErrors,
    form::Values,
};

/// The fields of a record that a column can fill, in the order in which they are offered.
const FIELDS: [Field; 14] = [
    Field::Name,
    Field::JobTitle,
    Field::Emails,
    Field::Phones,
    Field::Links,
    Field::Street,
    Field::PostalCode,
    Field::City,
    Field::Region,
    Field::Country,
    Field::Tags,
    Field::Stage,
    Field::Kind,
    Field::Company,
];

/// The most words for nothing that a form takes.
const NOTHING_MAX: usize = 50;

impl Whose {
    fn word(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Person => "person",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Company, Self::Person]
            .into_iter()
            .find(|whose| whose.word() == word)
    }
}

impl Target {
    /// Every target that a column can have, with its name for people, in the order in which they are offered.
    #[must_use]
    pub fn offered() -> Vec<(Self, String)> {
        let mut offered = vec![
            (Self::Ignore, "Not taken".to_owned()),
            (Self::FirstName, "Person: first name".to_owned()),
            (Self::LastName, "Person: last name".to_owned()),
        ];
        for (whose, who) in [(Whose::Person, "Person"), (Whose::Company, "Company")] {
            for field in FIELDS {
                let people_only = matches!(field, Field::JobTitle | Field::Company);
                if people_only && (whose == Whose::Company || field == Field::Company) {
                    continue;
                }
                let label = field.label().to_lowercase();
                offered.push((Self::field(whose, field), format!("{who}: {label}")));
            }
            offered.push((Self::Note(whose), format!("{who}: note")));
            offered.push((Self::Since(whose), format!("{who}: added on")));
            offered.push((Self::Reference(whose), format!("{who}: key in the source")));
        }
        offered.push((Self::Id, "Rapport’s own id".to_owned()));
        offered
    }

    /// The word that stands for it in a form, labels left out.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Ignore => "ignore".to_owned(),
            Self::Id => "id".to_owned(),
            Self::FirstName => "first_name".to_owned(),
            Self::LastName => "last_name".to_owned(),
            Self::Label { column } => format!("label.{column}"),
            Self::Reference(whose) => format!("reference.{}", whose.word()),
            Self::Since(whose) => format!("since.{}", whose.word()),
            Self::Note(whose) => format!("note.{}", whose.word()),
            Self::Field { whose, field, .. } => format!("{}.{}", whose.word(), field.word()),
        }
    }

    /// The target of a word, with a label where it can have one.
    fn parse(word: &str, label: &str) -> Option<Self> {
        match word.split_once('.') {
            None => match word {
                "ignore" => Some(Self::Ignore),
                "id" => Some(Self::Id),
                "first_name" => Some(Self::FirstName),
                "last_name" => Some(Self::LastName),
                _ => None,
            },
            Some(("label", column)) => column.parse().ok().map(|column| Self::Label { column }),
            Some(("reference", whose)) => Whose::parse(whose).map(Self::Reference),
            Some(("since", whose)) => Whose::parse(whose).map(Self::Since),
            Some(("note", whose)) => Whose::parse(whose).map(Self::Note),
            Some((whose, field)) => {
                let (whose, field) = (Whose::parse(whose)?, field.parse::<Field>().ok()?);
                let label = field.contact_kind().map(|_| label.trim().to_owned());
                Some(Self::Field {
                    whose,
                    field,
                    label: label.unwrap_or_default(),
                })
            }
        }
    }
}

impl OnMatch {
    /// Every way, with its words for people.
    pub const OFFERED: [(Self, &'static str, &'static str); 4] = [
        (Self::Skip, "skip", "Leave it as it is"),
        (Self::FillEmpty, "fill_empty", "Fill what is empty"),
        (Self::Update, "update", "Overwrite what differs"),
        (Self::Create, "create", "Make another one"),
    ];

    /// The word that stands for it in a form.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::OFFERED
            .iter()
            .find(|(then, ..)| *then == self)
            .map_or("", |(_, word, _)| word)
    }
}

impl MatchBy {
    /// The word that stands for it in a form.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Reference => "reference",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Name => "name",
        }
    }
}

impl Dialect {
    /// The dialect of a form: its fields `encoding` and `delimiter` hold the words by which it is saved.
    ///
    /// # Errors
    /// By field.
    pub fn parse(values: &Values) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let encoding = Encoding::EVERY
            .into_iter()
            .find(|encoding| encoding.word() == values.get("encoding"));
        let delimiter = Delimiter::EVERY
            .into_iter()
            .find(|delimiter| delimiter.word() == values.get("delimiter"));
        for (field, known) in [
            ("encoding", encoding.is_some()),
            ("delimiter", delimiter.is_some()),
        ] {
            if !known {
                errors.add(field, "Please pick one of the list.");
            }
        }
        match (encoding, delimiter) {
            (Some(encoding), Some(delimiter)) => Ok(Self { encoding, delimiter }),
            _ => Err(errors),
        }
    }
}

impl Encoding {
    /// The word that stands for it in a form.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Windows1252 => "windows-1252",
        }
    }
}

impl ImportSettings {
    /// What a form starts with.
    #[must_use]
    pub fn values(&self) -> Values {
        let mut values = Values::default()
            .with("source", &*self.mapping.source)
            .with("nothing", self.mapping.nothing.join(", "))
            .with("tags", self.mapping.tags.join(", "))
            .with("days", self.mapping.days.word())
            .with("stage", self.constant(Field::Stage))
            .with("country", self.constant(Field::Country))
            .with("then", self.rules.then.word());
        for (place, target) in self.mapping.targets.iter().enumerate() {
            values.set(&format!("target.{place}"), target.word());
            if let Target::Field { label, .. } = target {
                values.set(&format!("label.{place}"), label.clone());
            }
        }
        for by in &self.rules.by {
            values.set(&format!("by.{}", by.word()), "on");
        }
        if self.rules.trash == OnTrash::Restore {
            values.set("restore", "on");
        }
        values
    }

    /// The value that every record is given for a field; empty when none.
    fn constant(&self, field: Field) -> String {
        let constants = &self.mapping.constants;
        constants
            .iter()
            .find(|constant| constant.field == field)
            .map_or_else(String::new, |constant| constant.value.clone())
    }

    /// The settings of a form. How the file is read, and what the form does not name, stays.
    ///
    /// # Errors
    /// By field: `target.N`, or `form` for a mapping that can make no record.
    pub fn with_values(&self, values: &Values) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut settings = self.clone();
        for (place, target) in settings.mapping.targets.iter_mut().enumerate() {
            let name = format!("target.{place}");
            if !values.has(&name) {
                continue;
            }
            match Target::parse(values.get(&name), values.get(&format!("label.{place}"))) {
                Some(wanted) => *target = wanted,
                None => errors.add(&name, "Please pick one of the list."),
            }
        }
        let words = |text: &str| -> Vec<String> {
            let words = text.split([',', '\n']).map(str::trim);
            words
                .filter(|word| !word.is_empty())
                .take(NOTHING_MAX)
                .map(str::to_owned)
                .collect()
        };
        settings.mapping.source = values.get("source").trim().to_owned();
        settings.mapping.nothing = words(values.get("nothing"));
        settings.mapping.tags = words(values.get("tags"));
        let days = DayOrder::OFFERED
            .into_iter()
            .find(|(_, word, _)| *word == values.get("days"));
        match days {
            Some((order, ..)) => settings.mapping.days = order,
            None if !values.has("days") => {}
            None => errors.add("days", "Please pick one of the list."),
        }
        settings.set_constant(Field::Stage, values.get("stage"));
        settings.set_constant(Field::Country, values.get("country"));
        settings.rules.by = MatchBy::EVERY
            .into_iter()
            .filter(|by| values.has(&format!("by.{}", by.word())))
            .collect();
        let then = OnMatch::OFFERED
            .into_iter()
            .find(|(_, word, _)| *word == values.get("then"));
        match then {
            Some((then, ..)) => settings.rules.then = then,
            None if !values.has("then") => {}
            None => errors.add("then", "Please pick one of the list."),
        }
        settings.rules.trash = if values.has("restore") {
            OnTrash::Restore
        } else {
            OnTrash::Skip
        };
        if let Err(sentence) = settings.mapping.check() {
            errors.add("form", sentence);
        }
        if errors.is_empty() {
            Ok(settings)
        } else {
            Err(errors)
        }
    }

    /// Gives every record a value for a field, the company and the person alike; an empty one gives none.
    fn set_constant(&mut self, field: Field, value: &str) {
        let constants = &mut self.mapping.constants;
        constants.retain(|constant| constant.field != field);
        if !value.trim().is_empty() {
            constants.extend([Whose::Company, Whose::Person].map(|whose| Constant {
                whose,
                field,
                value: value.trim().to_owned(),
            }));
        }
    }
}

/// The stages that every record can be given, with nothing first.
#[must_use]
pub fn stages_offered() -> Vec<(String, String)> {
    let usual = (String::new(), "Customer, unless the file says".to_owned());
    let stages = Stage::EVERY
        .iter()
        .map(|stage| (stage.word().to_owned(), stage.label().to_owned()));
    std::iter::once(usual).chain(stages).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::{Dialect, Mapping, Rules};

    fn settings(header: &str) -> ImportSettings {
        let headers: Vec<String> = header.split(',').map(str::to_owned).collect();
        ImportSettings {
            dialect: Dialect::default(),
            mapping: Mapping::guess(&headers, &[], "list"),
            rules: Rules::default(),
        }
    }

    #[test]
    fn a_form_that_is_sent_as_it_stands_changes_nothing() {
        let settings = settings("Customer ID,Company name,Contact name,E-mail,Fax,Shoe size,City");
        assert_eq!(settings.with_values(&settings.values()), Ok(settings));
    }

    #[test]
    fn every_target_that_is_offered_reads_back() {
        for (target, label) in Target::offered() {
            assert_eq!(Target::parse(&target.word(), ""), Some(target), "{label}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_by_its_field() {
        let settings = settings("Name,E-mail");
        let values = settings.values().with("target.1", "person.shoes");
        let errors = settings.with_values(&values).unwrap_err();
        assert_eq!(errors.get("target.1"), Some("Please pick one of the list."));
        let nobody = settings
            .values()
            .with("target.0", "ignore")
            .with("target.1", "ignore");
        assert!(settings.with_values(&nobody).unwrap_err().get("form").is_some());
    }

    #[test]
    fn what_every_record_is_given_and_how_it_is_matched_are_taken_over() {
        let settings = settings("Name,E-mail");
        let mut values = settings
            .values()
            .with("country", " Norway ")
            .with("stage", "lead")
            .with("tags", "a, b")
            .with("nothing", "none")
            .with("then", "update")
            .with("by.phone", "on");
        values.0.remove("by.email");
        values.0.remove("restore");
        let set = settings.with_values(&values).unwrap();
        assert_eq!((set.mapping.tags.len(), set.mapping.nothing.len()), (2, 1));
        assert_eq!(set.mapping.constants.len(), 4);
        assert_eq!(
            (set.rules.then, set.rules.trash),
            (OnMatch::Update, OnTrash::Skip)
        );
        assert!(set.rules.by.contains(&MatchBy::Phone) && !set.rules.by.contains(&MatchBy::Email));
        assert_eq!(set.with_values(&set.values()), Ok(set));
    }
}
